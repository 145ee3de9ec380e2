"""Inputs of FDMNES and VASP beside those that were published."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from defectra.core.config import load
from defectra.core.errors import EngineError
from defectra.engines.fdmnes import cells as fdmnes_cells
from defectra.engines.fdmnes import input as fdmnes_input
from defectra.engines.fdmnes import read as fdmnes
from defectra.engines.fdmnes.settings import FdmnesProtocol
from defectra.engines.vasp import input as vasp_input
from defectra.engines.vasp.settings import VaspProtocol


def published(mirror, element):
    path = mirror / f"spectra/jia2026_multimodal/Data/Sim_data/{element}_in.txt"
    if not path.exists():
        pytest.skip("no FDMNES inputs in the mirror")
    return path.read_text()


@pytest.mark.parametrize("element", ["O", "Ni", "Mn", "Co"])
def test_fdmnes_input_is_the_published_one_line_by_line(mirror, element):
    theirs = published(mirror, element)
    rows = fdmnes.cards_of(theirs)["crystal"]
    lattice = Lattice.from_parameters(*[float(v) for v in rows[0]])
    (_, species, coords), _ = fdmnes_cells.own(fdmnes.cards_of(theirs))
    structure = Structure(lattice, species, coords)
    edge = "K" if element == "O" else "L23"
    ours = fdmnes_input.inputs(structure, (element, edge), load().protocols.fdmnes["published"])
    text = ours[f"{element}_in.txt"]
    assert [x.rstrip() for x in text.splitlines()] == [x.rstrip() for x in theirs.splitlines()]


def test_fdmnes_input_reads_back():
    nio = Structure(Lattice.cubic(4.18), ["Ni", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    files = fdmnes_input.inputs(nio, ("Ni", "K"), FdmnesProtocol())
    (lattice, species, coords), _ = fdmnes_cells.own(fdmnes.cards_of(files["Ni_in.txt"]))
    np.testing.assert_allclose(lattice, nio.lattice.matrix, atol=1e-5)
    assert species == ["Ni", "O"]
    np.testing.assert_allclose(coords, nio.frac_coords)
    assert "Ni_in.txt" in files["fdmfile.txt"]
    with pytest.raises(EngineError, match="Cu"):
        fdmnes_input.inputs(nio, ("Cu", "K"), FdmnesProtocol())


def test_vasp_input_has_the_published_tags(mirror):
    folder = mirror / "spectra/chen2023_featurexas/input/VASP_spec"
    if not folder.is_dir():
        pytest.skip("no VASP inputs in the mirror")
    from pymatgen.io.vasp.inputs import Incar, Poscar

    theirs = Incar.from_file(folder / "INCAR")
    structure = Poscar.from_file(folder / "POSCAR").structure
    files = vasp_input.inputs(structure, 0, "K", load().protocols.vasp["published"])
    ours = Incar.from_str(files["INCAR"])
    for tag in ("CLNT", "CLN", "CLL", "CLZ", "ICORELEVEL", "CH_LSPEC", "CH_SIGMA", "NBANDS",
                "KSPACING", "ISPIN", "LASPH", "LMAXMIX", "LDAUTYPE"):  # fmt: skip
        assert ours[tag] == theirs[tag], tag
    kinds = files["POSCAR"].splitlines()[5].split()
    their_u = dict(zip(["Ni", "Li", "Mn", "Co", "Ni", "O"], theirs["LDAUU"]))
    assert dict(zip(kinds, ours["LDAUU"])) == their_u


def test_vasp_input_gives_the_absorber_a_species_of_its_own():
    cell = Structure(
        Lattice.cubic(4.2), ["Ni", "O", "Ni", "O"],
        [[0, 0, 0], [0.5, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0.5]],
    )  # fmt: skip
    files = vasp_input.inputs(cell, 2, "L23", VaspProtocol())
    lines = files["POSCAR"].splitlines()
    assert lines[5].split() == ["Ni", "Ni", "O"]
    assert lines[6].split() == ["1", "1", "2"]
    np.testing.assert_allclose([float(v) for v in lines[8].split()], [0.5, 0.5, 0])
    assert "POTCAR" not in files
    assert "CLN = 2" in files["INCAR"]
    with pytest.raises(EngineError, match="M4"):
        vasp_input.inputs(cell, 2, "M4", VaspProtocol())
    with pytest.raises(EngineError, match="site 9"):
        vasp_input.inputs(cell, 9, "K", VaspProtocol())
