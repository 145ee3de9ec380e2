"""GPAW run live, where it is installed: silicon and its gap, spin-orbit on and off."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from defectra.core.config import load
from defectra.core.errors import EngineError
from defectra.core.records import Status
from defectra.defects.corrections import madelung_cubic
from defectra.defects.levels import edges
from defectra.engines.gpaw import charged_cells
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawProtocol
from defectra.studies.levels.inputs import DefectSet, set_requests

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


def test_an_ion_in_a_box_needs_the_madelung_correction_and_no_more(installed, tmp_path):
    # Na+ in vacuum: the error of the periodic cell is that of a point charge, to the last term.
    protocol = GpawProtocol(cutoff=240, density=1e-5)
    energies = []
    for length in (7.0, 9.0, 12.0):
        cell = gpaw.Cell.of(length * np.eye(3), ["Na"], [[0, 0, 0]])
        asked = gpaw.job(cell, protocol, [{"do": "energy"}], charge=1, mesh=[1, 1, 1])
        out = gpaw.run(asked, tmp_path / str(length))
        assert out.status is Status.OK, out.message
        energies.append(gpaw.parse(out.files)["energy"]["energy_eV"])
    fixed = [e + madelung_cubic(at, 1.0, 1.0) for e, at in zip(energies, (7, 9, 12), strict=True)]
    assert np.ptp(energies) > 1.0
    assert np.ptp(fixed) < 0.03


@pytest.mark.skipif(
    not os.environ.get(gpaw.LAUNCH), reason=f"no {gpaw.LAUNCH}, such as `mpiexec -n 2`"
)
def test_a_launcher_changes_no_number(installed, tmp_path, monkeypatch):
    lattice = 5.43 / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    cell = gpaw.Cell.of(lattice, ["Si", "Si"], [[0, 0, 0], [0.26, 0.25, 0.25]])
    protocol = GpawProtocol(
        xc="LDA", cutoff=200, mesh=[2, 2, 2], band_mesh=[2, 2, 2], empty_bands=4
    )
    steps = [{"do": s} for s in ("energy", "forces", "edges", "spin_orbit", "potentials")]
    steps += [{"do": "hybrid", "xc": "HSE06"}]
    several = gpaw.run(gpaw.job(cell, protocol, steps), tmp_path / "several")
    monkeypatch.delenv(gpaw.LAUNCH)
    alone = gpaw.run(gpaw.job(cell, protocol, steps), tmp_path / "alone")
    found = [gpaw.parse(out.files) for out in (several, alone)]
    for step, key, within in (
        ("energy", "energy_eV", 1e-6),
        ("forces", "forces", 1e-3),
        ("edges", "gap_eV", 1e-3),
        ("spin_orbit", "gap_eV", 1e-3),
        ("potentials", "atoms_eV", 1e-3),
        ("hybrid_HSE06", "gap_eV", 1e-3),
    ):
        assert found[0][step][key] == pytest.approx(found[1][step][key], abs=within), step


def test_a_hybrid_on_pbe_orbitals_opens_the_gap_and_an_odd_cell_keeps_its_electron(
    installed, tmp_path
):
    protocols = load().protocols.gpaw_levels
    chosen = DefectSet("AlP", "M_A", "Ga", (1, 0), 16, "hybrid")
    asked = []
    for name in ("hybrid", "hybrid_pbe"):
        bulk, *_ = set_requests(chosen, 5.5, protocols[name])
        odd = {**bulk, "id": f"odd {name}", "charge": 1, "kpoints": [1, 1, 1]}
        odd |= {"moments": [1.0, 0.0], "fixed_moment": True}
        asked += [{**bulk, "id": name, "kpoints": [2, 2, 2]}, odd]
    assert charged_cells.compute(asked, 600, tmp_path) is None
    found = {r["id"]: json.loads((tmp_path / f"{r['id']}.json").read_text()) for r in asked}
    hybrid, pbe = found["hybrid"], found["hybrid_pbe"]
    assert hybrid["local_energy_eV"] == pytest.approx(pbe["energy_eV"], abs=1e-6)
    gaps = [cbm - vbm for vbm, cbm in (edges(_states(r)) for r in (hybrid, pbe))]
    assert gaps[0] == pytest.approx(gaps[1] + 0.9, abs=0.4)  # measured 2.5 eV, PBE 1.6
    for name in ("odd hybrid", "odd hybrid_pbe"):
        assert found[name]["moment_muB"] == pytest.approx(1.0, abs=1e-3)


def test_orbitals_of_the_hybrid_have_the_lower_energy(installed, tmp_path):
    # The variational principle: no other orbitals have a lower energy of the same functional.
    protocols = load().protocols.gpaw_levels
    chosen = DefectSet("AlP", "M_A", "Ga", (1, 0), 16, "self_consistent")
    asked = []
    for name in ("zone_centre", "self_consistent"):
        bulk, *_ = set_requests(chosen, 5.5, protocols[name])
        asked.append({**bulk, "id": name, "kpoints": [1, 1, 1]})
    assert charged_cells.compute(asked, 600, tmp_path) is None
    on_pbe, own = (json.loads((tmp_path / f"{r['id']}.json").read_text()) for r in asked)
    gain = on_pbe["energy_eV"] - own["energy_eV"]
    assert 0.001 < gain < 0.5
    assert own["energy_eV"] != pytest.approx(on_pbe["local_energy_eV"], abs=0.1)


def _states(found):
    states = found["states"]
    return {"state_eV": states["energy_eV"], "state_filling": states["occupation"]}
