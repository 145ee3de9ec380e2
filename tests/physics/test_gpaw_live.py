"""GPAW run live, where it is installed: silicon and its gap, spin-orbit on and off."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.engines import gpaw
from defectra.errors import EngineError
from defectra.records import Status
from defectra.settings.protocols import GpawProtocol

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def installed() -> None:
    try:
        gpaw.engine_version()
    except EngineError as error:
        pytest.skip(str(error))


def test_silicon(installed, tmp_path):
    lattice = 5.43 / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    cell = gpaw.Cell.of(lattice, ["Si", "Si"], [[0, 0, 0], [0.25, 0.25, 0.25]])
    protocol = GpawProtocol(
        xc="LDA", cutoff=200, mesh=[2, 2, 2], band_mesh=[2, 2, 2], empty_bands=4
    )
    steps = [{"do": s} for s in ("energy", "edges", "spin_orbit", "potentials", "forces")]
    out = gpaw.run(gpaw.job(cell, protocol, steps), tmp_path / "job")
    assert out.status is Status.OK, out.message
    found = gpaw.parse(out.files)
    # LDA on a mesh with X: 0.6 eV from Γ to X, 2.5 eV at Γ; splitting of the valence band 0.05 eV.
    assert 0.5 < found["edges"]["gap_eV"] < 0.8
    assert found["edges"]["vbm_point"] == pytest.approx([0, 0, 0])
    less = found["edges"]["gap_eV"] - found["spin_orbit"]["gap_eV"]
    assert 0.005 < less < 0.03  # a third of the splitting
    assert found["spin_orbit"]["least_weight"] > 0.9
    assert found["potentials"]["atoms_eV"][0] == pytest.approx(found["potentials"]["atoms_eV"][1])
    assert np.abs(found["forces"]["forces"]).max() < 0.02
