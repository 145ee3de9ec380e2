"""XSF, SHELX and pw.x files whose readers in pymatgen and ASE pass over what they say."""

import warnings
from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

from defectra.core.errors import StructureError, StructureWarning
from defectra.structures.io import read_structure

XSF = "CRYSTAL\nPRIMVEC\n{0} 0 0\n0 {0} 0\n0 0 {0}\nPRIMCOORD\n2 1\n28 0 0 0\n8 {1} {1} {1}\n"
RES = "TITL x\nCELL 1.0 4.2 4.3 4.4 90 90 90\n{}SFAC Ni O\nNi 1 0 0 0 1\nO 2 .5 .5 .5 1\nEND\n"
POSCAR = "x\n1.0\n{0} 0 0\n0 {0} 0\n0 0 {0}\nNi O\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"
PW = (
    "&CONTROL\n/\n&SYSTEM\n ibrav=1, nat=2, ntyp=2, {}\n/\nATOMIC_SPECIES\nNi 58.7 Ni.upf\n"
    "O 16 O.upf\nATOMIC_POSITIONS crystal\nNi 0 0 0\nO .5 .5 .5\nK_POINTS gamma\n"
)


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xsf", XSF.format(4.2, 2.1)),
        ("a.res", RES.format("LATT -1\n")),
        ("scf.in", PW.format("celldm(1)=7.9368")),
        ("scf.in", PW.format("A=4.2")),
        ("XDATCAR", POSCAR.format(4.2).replace("Direct", "Direct configuration=     1")),
    ],
)
def test_the_plain_form_is_read(tmp_path: Path, name: str, text: str) -> None:
    found = read_structure(written(tmp_path, name, text))
    assert found.composition.formula == "Ni1 O1"
    assert found.lattice.a == pytest.approx(4.2, abs=1e-3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.xsf", XSF.format(4.2, 2.1).replace("CRYSTAL", "SLAB"), "SLAB: not periodic"),
        ("a.xsf", XSF.format(4.2, 2.1).replace("CRYSTAL", "POLYMER"), "POLYMER: not periodic"),
        ("a.xsf", XSF.format(4.2, 2.1).replace("CRYSTAL", "DIM-GROUP 2 1"), "a.xsf"),
        ("a.res", RES.format("LATT 1\n"), "LATT 1: the symmetry"),
        ("a.res", RES.format(""), "LATT 1: the symmetry"),
        ("a.res", RES.format("LATT -4\n"), "LATT -4: the symmetry"),
        ("a.res", RES.format("LATT -1\nSYMM -x, y+1/2, -z\n"), "SYMM -x, y"),
        ("POSCAR", POSCAR.format(420), "lengths in another unit"),
        ("a.xsf", XSF.format(420.0, 210.0), "lengths in another unit"),
        ("scf.in", PW.format("celldm(1)=7.9368, A=5.0"), "celldm and A"),
        ("entry.json", '{"entry_id": "mp-1", "energy": 1}', "no structure as pymatgen writes it"),
        ("cells.json", "[{}, {}]", "no structure as pymatgen writes it"),
        ("a.pdb", "CRYST1 4.2 4.2 4.2 90 90 90 P 1\nEND\n", "known: .*extxyz"),
    ],
)
def test_what_is_no_such_crystal_is_refused(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    with pytest.raises(StructureError, match=words):
        read_structure(written(tmp_path, name, text))


BOHR = 0.529177210903
CRYSTALS = {
    "NiO": Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(4.18), ["Ni", "O"], [[0] * 3, [0.5] * 3]
    ),
    "diamond": Structure.from_spacegroup("Fd-3m", Lattice.cubic(3.567), ["C"], [[0] * 3]),
    "copper": Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.61), ["Cu"], [[0] * 3]),
    "caesium chloride": Structure(Lattice.cubic(4.12), ["Cs", "Cl"], [[0] * 3, [0.5] * 3]),
}


@pytest.mark.parametrize("name", CRYSTALS)
def test_lengths_in_bohr_or_taken_for_bohr_are_seen(name, tmp_path):
    whole, path = CRYSTALS[name], tmp_path / "POSCAR"
    for factor, seen in ((BOHR, "refused"), (1.0, ""), (1 / BOHR, "remarked")):
        cell = Structure(whole.lattice.scale(whole.volume * factor**3), whole.species,
                         whole.frac_coords)  # fmt: skip
        cell.to(str(path), fmt="poscar")
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", StructureWarning)
            if seen == "refused":
                with pytest.raises(StructureError, match="Å apart"):
                    read_structure(path)
            else:
                assert len(read_structure(path)) == len(whole)
                assert any("as near as a bond" in str(w.message) for w in said) == bool(seen)


def test_a_solid_of_a_noble_gas_has_no_bonds(tmp_path):
    argon = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.31), ["Ar"], [[0] * 3])
    argon.to(str(tmp_path / "POSCAR"), fmt="poscar")
    with warnings.catch_warnings():
        warnings.simplefilter("error", StructureWarning)
        assert len(read_structure(tmp_path / "POSCAR")) == 4
