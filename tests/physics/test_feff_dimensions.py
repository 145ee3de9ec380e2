"""FEFF's arrays cut to the clusters of the potentials: equal bytes, and no silent cut."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from defectra.core.errors import EngineError
from defectra.engines import process
from defectra.engines.feff import child as feff_child
from defectra.engines.feff import run as feff
from defectra.engines.feff.dimensions import NAME, largest_cluster, limited
from defectra.engines.feff.input import Cluster, cluster, feff_input
from defectra.engines.feff.settings import FeffProtocol
from defectra.structures.geometry import as_row
from defectra.structures.layered import Z_OXYGEN, primitive

PROTOCOL = FeffProtocol(scf_radius=2.4, fms_radius=4.5, k_max=2.0, k_step=0.2)
CHAIN = Cluster(
    np.array([[0.0, 0, 0], [2.0, 0, 0], [4.0, 0, 0], [4.0, 2.0, 0], [4.0, 0, 2.0]]),
    ("Co", "O", "Co", "O", "O"),
    np.array([0.0, 2, 4, 4.5, 4.5]),
    {"Co": 1, "O": 2},
)


def licoo2() -> dict:
    species = ["Li", "Co", "O", "O"]
    row = {"structure_id": "t", "species": species, "site_labels": ["Li0", "Co1", "O2", "O3"]}
    z = (0.5, 0.0, Z_OXYGEN, 1 - Z_OXYGEN)
    return as_row(row, "test", primitive(2.816, 14.05), np.array([[v] * 3 for v in z]))


def run(folder, atoms, *stages):
    if not (folder / "feff.inp").exists():
        (folder / "feff.inp").write_text(feff_input(atoms, "K", PROTOCOL, PROTOCOL.mixing))
    command = [sys.executable, "-P", feff_child.__file__, *stages]
    assert process.run(command, folder, feff.ALLOCATOR, 600).returncode == 0


def test_largest_cluster_is_about_any_atom_not_the_absorber_alone():
    assert largest_cluster(CHAIN, 2.1) == 4
    assert largest_cluster(CHAIN, 1.0) == 1


@pytest.mark.live
@pytest.mark.parametrize("element", ["O", "Co"])
def test_spectrum_and_potentials_are_equal_to_the_byte(element, tmp_path):
    row = licoo2()
    index = row["species"].index(element)
    atoms = cluster(row, index)
    run(tmp_path, atoms, *feff.ATOMS)
    before = (tmp_path / NAME).read_bytes()
    needed = largest_cluster(atoms, PROTOCOL.scf_radius)
    assert needed + 1 < int(before.split()[0])  # else nothing is tested
    run(tmp_path, atoms, "pot", *feff.SPECTRUM)
    outcome = feff.site(row, index).run("K", PROTOCOL)
    assert outcome.files["xmu.dat"] == (tmp_path / "xmu.dat").read_bytes()
    potentials = (tmp_path / "pot.bin").read_bytes()
    with limited(tmp_path, needed):
        assert int((tmp_path / NAME).read_text().split()[0]) == needed + 1
        run(tmp_path, atoms, "pot")
    assert (tmp_path / "pot.bin").read_bytes() == potentials
    assert (tmp_path / NAME).read_bytes() == before


@pytest.mark.live
def test_a_cluster_that_was_cut_off_is_refused(tmp_path):
    row = licoo2()
    atoms = cluster(row, row["species"].index("Co"))
    run(tmp_path, atoms, *feff.ATOMS)
    before = (tmp_path / NAME).read_bytes()
    with (
        pytest.raises(EngineError, match="fills the 6 atoms") as caught,
        limited(tmp_path, largest_cluster(atoms, PROTOCOL.scf_radius) - 2),
    ):
        run(tmp_path, atoms, "pot")
    assert caught.value.error_class == "cluster_cut_off"
    assert (tmp_path / NAME).read_bytes() == before
