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
from defectra.engines.vasp import engine as vasp_engine
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


def _oxide(*metals):
    places = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0], [0, 0.5, 0.5]]
    return Structure(Lattice.cubic(4.2), [*metals, "O", "O"], places)


def _magmom(files):
    (line,) = (x for x in files["INCAR"].splitlines() if x.startswith("MAGMOM"))
    return line.partition(" = ")[2]


@pytest.mark.parametrize(
    ("metals", "told"), [("FeFe", "no U of Fe,"), ("NiFe", "no U of Fe,"), ("CuV", "Cu, V"),
                         ("CeNi", "no U of Ce")],
)  # fmt: skip
def test_vasp_refuses_a_metal_whose_u_nobody_stated(metals, told):
    cell = _oxide(metals[:2], metals[2:])
    with pytest.raises(EngineError, match=told):
        vasp_input.inputs(cell, 2, "K", VaspProtocol())
    named = VaspProtocol(hubbard={"Ni": 2.43, "Fe": 4.0, "Cu": 0.0, "V": 3.0, "Ce": 0.0})
    lines = vasp_input.inputs(cell, 2, "K", named)["INCAR"].splitlines()
    assert ("LDAUU = 0 2.43 4 0" in lines) == (metals == "NiFe")
    cerium = vasp_input.inputs(_oxide("Ce", "Ni"), 2, "K", VaspProtocol(hubbard={"Ce": 5, "Ni": 6}))
    assert "LDAUL = 0 3 2 0" in cerium["INCAR"].splitlines()
    assert "LMAXMIX = 6" in cerium["INCAR"].splitlines()


def test_vasp_starts_from_the_moments_of_the_geometry():
    cell, protocol = _oxide("Ni", "Co"), VaspProtocol()
    assert _magmom(vasp_input.inputs(cell, 2, "K", protocol)) == "1*0.6 1*0.6 1*1.0 1*0.6"
    given = vasp_input.inputs(cell, 2, "K", protocol, [1.7, -1.7, 0.0, 0.012])
    assert _magmom(given) == "1*0 1*1.7 1*-1.7 1*0.01"  # the absorber comes first
    row = {"lattice": cell.lattice.matrix.ravel().tolist(), "species": ["Ni", "Co", "O", "O"],
           "coords": cell.frac_coords.ravel().tolist(), "site_labels": list("abcd"),
           "moments": [1.7, -1.7, 0.0, 0.012]}  # fmt: skip
    assert vasp_engine.PROGRAM.site(row, 2).inputs("K", protocol) == given
    for wrong in ([1.0], [1.0, float("nan"), 0.0, 0.0]):
        with pytest.raises(EngineError, match="for 4 sites"):
            vasp_input.inputs(cell, 2, "K", protocol, wrong)


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
