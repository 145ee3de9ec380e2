"""A CIF or POSCAR never becomes another crystal: read rightly, or refused in a sentence."""

import bz2
import gzip
import json
import lzma
from pathlib import Path

import numpy as np
import pytest
import spglib
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

from defectra.core.errors import StructureError
from defectra.engines.finished.pairing import rows_of
from defectra.structures import space_groups
from defectra.structures.crystal import from_structure
from defectra.structures.io import StructureWarning, read_structure

# The cells that the tests make have few atoms in much room; what is said of that has its own tests.
pytestmark = pytest.mark.filterwarnings("ignore:.*no two atoms are as near as a bond")

DATA = Path(__file__).parent.parent / "data" / "reading"
# file -> formula and space group, or words of the refusal
TOLD = {
    "s01_poscar_forms/POSCAR_D": ("Ni1 O1", 225),
    "s01_poscar_forms/POSCAR_comma": "line 2: .*decimal points",
    "s01_poscar_forms/POSCAR_blank_inside": "line 8: 'Direct' or 'Cartesian'",
    "s01_poscar_forms/POSCAR_ref": ("Ni1 O1", 225),
    "s02_cif_forms/bom.cif": ("Ni4 O4", 225),
    "s02_cif_forms/missing_site.cif": "the formula is Co1 Li1 O2",
    "s02_cif_forms/question_coord.cif": "line 27: site H1 has no coordinate",
    "s02_cif_forms/ref.cif": ("Ni4 O4", 225),
    "s02_cif_forms/two_blocks.cif": "2 crystals .*first_guess, refined",
    "s02_cif_forms/two_blocks_global.cif": ("Ni4 O4", 225),
    "s02_cif_forms/water_label.cif": "line 20: .*'OH2' is no element",
    "s04_cif_hm_suffix_no_operations/LiCoO2_R-3m_H.cif": ("Li3 Co3 O6", 166),
    "s04_cif_hm_suffix_no_operations/LiCoO2_R-3m_colonH.cif": ("Li3 Co3 O6", 166),
    "s04_cif_hm_suffix_no_operations/LiCoO2_R-3m_colonH2.cif": ("Li3 Co3 O6", 166),
    "s04_cif_hm_suffix_no_operations/LiCoO2_R-3m_hR.cif": ("Li3 Co3 O6", 166),
    "s04_cif_hm_suffix_no_operations/LiCoO2_R-3m_plain.cif": ("Li3 Co3 O6", 166),
    "s04_cif_hm_suffix_no_operations/LiMn2O4_origin2_S.cif": "F d -3 m:1",  # origin 1: wrong
    "s04_cif_hm_suffix_no_operations/LiMn2O4_origin2_Z.cif": ("Li8 Mn16 O32", 227),
    "s04_cif_hm_suffix_no_operations/LiMn2O4_origin2_colon2.cif": ("Li8 Mn16 O32", 227),
    "s04_cif_hm_suffix_no_operations/LiMn2O4_origin2_colon2b.cif": ("Li8 Mn16 O32", 227),
    "s04_cif_hm_suffix_no_operations/LiMn2O4_origin2_number_only.cif": ("Li8 Mn16 O32", 227),
    "s04_cif_hm_suffix_no_operations/LiMn2O4_origin2_plain.cif": ("Li8 Mn16 O32", 227),
    "s04_cif_hm_suffix_no_operations/LiMnO2_C2m_unique_b.cif": ("Li2 Mn2 O4", 12),
    "s04_cif_hm_suffix_no_operations/Pnma_setting_Pbnm.cif": ("Cs4 Pb4 I12", 62),
    "s05_poscar_no_symbols/POSCAR_comment_none": "line 6: numbers",
    "s05_poscar_no_symbols/POSCAR_comment_other_order": "line 6: numbers",
    "s05_poscar_no_symbols/POSCAR_comment_symbols": "line 6: numbers",
    "s05_poscar_no_symbols/POSCAR_comment_words": "line 6: numbers",
    "s05_poscar_no_symbols/POSCAR_true": ("Li3 Co3 O6", 166),
}
REF = (DATA / "s02_cif_forms/ref.cif").read_text()
SPINEL = (DATA / "s04_cif_hm_suffix_no_operations/LiMn2O4_origin2_plain.cif").read_text()


def group(structure):
    numbers = [s.specie.Z for s in structure]
    cell = (structure.lattice.matrix, structure.frac_coords, numbers)
    return spglib.get_symmetry_dataset(cell, symprec=1e-3).number


@pytest.mark.parametrize("name", sorted(TOLD))
def test_table_of_crystals(name):
    wanted = TOLD[name]
    if isinstance(wanted, str):
        with pytest.raises(StructureError, match=wanted) as caught:
            read_structure(DATA / name)
        assert Path(name).name in str(caught.value)
    else:
        found = read_structure(DATA / name)
        assert (found.composition.formula, group(found)) == wanted


def test_every_file_of_the_table_is_there():
    assert {str(p.relative_to(DATA)) for d in "s01 s02 s04 s05".split()
            for p in DATA.glob(f"{d}*/*")} == set(TOLD)  # fmt: skip


def lattice_of(number):
    """A cell with the metric that a standard setting of this space group wants."""
    if number <= 2:
        return Lattice.from_parameters(21, 26, 31, 82, 97, 105)
    if number <= 15:
        return Lattice.from_parameters(21, 26, 31, 90, 107, 90)
    if number <= 74:
        return Lattice.orthorhombic(21, 26, 31)
    if number <= 142:
        return Lattice.tetragonal(25, 31)
    if number <= 194:
        return Lattice.hexagonal(25, 39)
    return Lattice.cubic(60)


def cif(setting, symbol, lattice, sites, operations=False, formula=""):
    words = ["abc", "alpha beta gamma".split()]
    lines = ["data_made", f"_chemical_formula_sum '{formula}'" if formula else ""]
    lines += [f"_cell_length_{w} {v:.6f}" for w, v in zip(words[0], lattice.abc)]
    lines += [f"_cell_angle_{w} {v:.6f}" for w, v in zip(words[1], lattice.angles)]
    lines += [f"_symmetry_space_group_name_H-M '{symbol}'"]
    if operations:
        lines += ["loop_", "_symmetry_equiv_pos_as_xyz"]
        for r, t in zip(setting.rotations, setting.translations):
            terms = [
                "".join(f"{'+' if c > 0 else '-'}{a}" for a, c in zip("xyz", row) if c)
                + f"+{round(float(v) * 24) % 24}/24"
                for row, v in zip(r, t)
            ]
            lines.append(f"'{','.join(terms)}'")
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z")
    lines += ["loop_", *(f"_atom_site_{c}" for c in columns)]
    lines += [f"{e}{k} {e} {x:.5f} {y:.5f} {z:.5f}" for k, (e, (x, y, z)) in enumerate(sites)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("hall", [*range(1, 531, 7), 81, 83, 91, 203, 306, 430, 458, 525, 526])
def test_a_symbol_with_its_setting_means_the_operations_of_the_tables(tmp_path, hall):
    """One general and one special position in every seventh setting of the table of 530."""
    setting = space_groups.setting(hall)
    lattice = lattice_of(setting.number)
    if setting.choice == "R":
        lattice = Lattice.from_parameters(29, 29, 29, 72, 72, 72)
    if not space_groups.fits_cell(setting, lattice.matrix):
        for angles in ((90, 90, 107), (107, 90, 90)):
            lattice = Lattice.from_parameters(21, 26, 31, *angles)
            if space_groups.fits_cell(setting, lattice.matrix):
                break
    assert space_groups.fits_cell(setting, lattice.matrix)
    sites = [("Ni", (0.137, 0.2113, 0.3071)), ("O", (0.0, 0.0, 0.0))]
    (tmp_path / "own.cif").write_text(cif(setting, setting.symbol, lattice, sites, True))
    own = read_structure(tmp_path / "own.cif")
    assert own.composition["Ni"] == len(setting.rotations)
    formula = own.composition.formula
    by_name = f"{setting.symbol}:{setting.choice}" if setting.choice else setting.symbol
    for symbol in (by_name, setting.symbol, setting.symbol.replace(" ", "")):
        (tmp_path / "a.cif").write_text(cif(setting, symbol, lattice, sites, formula=formula))
        found = read_or_refused(tmp_path / "a.cif")
        if isinstance(found, str):
            assert symbol != by_name, found
            assert "different crystals" in found
            continue
        steps = [
            sorted((s.specie.symbol, *np.round(s.frac_coords * 500).astype(int) % 500) for s in x)
            for x in (own, found)
        ]
        assert steps[0] == steps[1]


def read_or_refused(path):
    try:
        return read_structure(path)
    except StructureError as error:
        return str(error)


@pytest.mark.parametrize("symprec", [None, 1e-3])
@pytest.mark.parametrize("name", [k for k, v in TOLD.items() if isinstance(v, tuple)])
def test_what_pymatgen_writes_is_read_as_the_same_crystal(tmp_path, name, symprec):
    whole = read_structure(DATA / name)
    CifWriter(whole, symprec=symprec).write_file(tmp_path / "a.cif")
    assert from_structure(read_structure(tmp_path / "a.cif")).host == from_structure(whole).host


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("'F d -3 m'", "'F d -3 m:3'", "no setting '3'"),
        ("'F d -3 m'", "'F q -3 m'", "no space group symbol"),
        ("'F d -3 m'", "'P 4/m m m'", "the formula is Li8 Mn16 O32|Å apart"),
        ("'F d -3 m'", "'F d -3 m'\n_symmetry_Int_Tables_number 225", "different space groups"),
        ("'F d -3 m'", "?", "the sites make"),
        ("'Li8 Mn16 O32'", "'Li8 Mn16 O32 H1'", "H1"),
        ("'Li8 Mn16 O32'", "'Li8 Mn16 O31'", "the formula is"),
        ("Mn16 O32'\n", "Mn16 O32'\n_cell_formula_units_Z 3\n", "3 formula units"),
        ("0.2625 0.2625 0.2625", "0.2625 0.2625", "the loop has 5 columns and 14 values"),
        ("0.2625 0.2625 0.2625", "0,2625 0,2625 0,2625", "decimal point"),
        ("Li1 Li", "Li1 Lx", "'Lx' is no element"),
        ("_cell_length_b 8.247", "_cell_length_b 8.0", "does not fit"),
        ("_cell_length_b 8.247\n", "", "no _cell_length_b"),
        ("data_LiMn2O4", "data_LiMn2O4\ndata_LiMn2O4", "a second block"),
        ("_cell_angle_beta 90", "_cell_angle_beta 90\n_cell_angle_beta 91", "a second time"),
    ],
)
def test_one_change_makes_it_another_crystal_and_is_refused(tmp_path, old, new, words):
    assert SPINEL.count(old) == 1
    (tmp_path / "a.cif").write_text(SPINEL.replace(old, new))
    with pytest.raises(StructureError, match=words):
        read_structure(tmp_path / "a.cif")


def test_an_origin_that_nothing_tells_is_refused(tmp_path):
    """Both origins of F d -3 m make Si8 of a site on 1/8; they are other crystals with oxygen."""
    sites = [("Si", (0.125, 0.125, 0.125)), ("Au", (0.37, 0.37, 0.37))]
    text = cif(space_groups.setting(526), "F d -3 m", Lattice.cubic(14), sites)
    (tmp_path / "a.cif").write_text(text)
    with pytest.raises(StructureError, match="F d -3 m:1, F d -3 m:2, which are different"):
        read_structure(tmp_path / "a.cif")
    (tmp_path / "a.cif").write_text(text.replace("-3 m'", "-3 m:2'"))
    assert read_structure(tmp_path / "a.cif").composition["Si"] == 8


def test_operations_that_are_cut_or_belong_to_another_group_are_refused(tmp_path):
    lattice, sites = Lattice.cubic(8.247), [("Mn", (0.5, 0.5, 0.5))]
    text = cif(space_groups.setting(526), "F d -3 m", lattice, sites, operations=True)
    lines = text.splitlines()
    at = lines.index("_symmetry_equiv_pos_as_xyz")
    (tmp_path / "a.cif").write_text("\n".join(lines[: at + 100] + lines[at + 110 :]))
    with pytest.raises(StructureError, match="no group"):
        read_structure(tmp_path / "a.cif")
    (tmp_path / "a.cif").write_text("\n".join(lines[: at + 2] + lines[at + 193 :]))
    with pytest.raises(StructureError, match=r"1 operation.s. are listed, F d -3 m:1 has 192"):
        read_structure(tmp_path / "a.cif")


@pytest.mark.parametrize(
    ("kind", "label", "formula", "element"),
    [
        ("Ni2+", "X1", "Ni", "Ni"), ("Ni", "Wat", "Ni", "Ni"), ("O2-", "O", "O", "O"),
        ("NI", "a", "Ni O", "Ni"), ("?", "CO1", "Co O", None), ("?", "CO1", "Co", "Co"),
        ("?", "Co1A", "Co", "Co"), ("?", "OW", "O", None), ("?", "O_w", "O", "O"),
        ("?", "M1", "Ni", None), ("Ni0+", "a", "Ni", "Ni"), ("OH", "O1", "O", None),
        ("NO3", "N1", "N", None), ("U4+", "U", "U", "U"),
    ],
)  # fmt: skip
def test_element_of_a_site(tmp_path, kind, label, formula, element):
    text = cif(space_groups.setting(1), "P 1", Lattice.cubic(4), [("Ni", (0, 0, 0))])
    text = text.replace("Ni0 Ni", f"{label} {kind}").replace(
        "data_made", f"data_made\n_chemical_formula_sum '{formula}'"
    )
    (tmp_path / "a.cif").write_text(text)
    if element and formula == element:
        assert read_structure(tmp_path / "a.cif").composition.formula == f"{element}1"
    else:
        with pytest.raises(StructureError, match=r"is no element|the formula is"):
            read_structure(tmp_path / "a.cif")


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, mark, ending):
    text = REF.replace("data_NiO", "# é\ndata_NiO" if mark == "cp1252" else "data_NiO")
    (tmp_path / "a.cif").write_bytes(text.replace("\n", ending).encode(mark))
    assert read_structure(tmp_path / "a.cif").composition.formula == "Ni4 O4"


@pytest.mark.parametrize(("end", "pack"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_packed_structures(tmp_path, end, pack):
    source = DATA / "s05_poscar_no_symbols/POSCAR_true"
    (tmp_path / f"POSCAR.{end}").write_bytes(pack.compress(source.read_bytes()))
    assert read_structure(tmp_path / f"POSCAR.{end}").composition.formula == "Li3 Co3 O6"


def test_a_block_is_chosen_by_name():
    path = DATA / "s02_cif_forms/two_blocks.cif"
    assert read_structure(path, block="refined").composition.formula == "Ni4 O4"
    assert read_structure(path, block="first_guess").composition.formula == "Co4 O4"
    with pytest.raises(StructureError, match="no block 'third'"):
        read_structure(path, block="third")


POSCAR = (DATA / "s05_poscar_no_symbols/POSCAR_true").read_text()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Co Li O\n", "Co Lx O\n", "line 6: 'Lx'"),
        ("Co Li O\n", "Co Li\n", "line 7: 3 counts for 2"),
        ("3 3 6\n", "3 3 7\n", "line 21: the file ends"),
        ("3 3 6\n", "3 3 5\n", "line 20: more coordinates"),
        ("3 3 6\n", "3 3.0 6\n", "line 7: counts"),
        ("3 3 6\n", "\n", "line 7: counts"),
        ("1.0\n", "0\n", "line 2: a cell without volume"),
        ("1.0\n", "one\n", "line 2: .*'one' is no number"),
        ("0 0 0.5\n", "0 0 \n", "line 12: 3 number.s. expected, 2 numbers"),
        ("0 0 0.5\n", "0 0 nan\n", "line 12"),
        ("Direct\n", "", "line 8"),
        ("2.816 0 0\n", "2.816 0\n", "line 3"),
        ("0 0 0.5\n", "\n", "line 12: .*blank"),
    ],
)
def test_a_poscar_is_refused_with_the_line(tmp_path, old, new, words):
    assert POSCAR.count(old) == 1
    (tmp_path / "POSCAR").write_text(POSCAR.replace(old, new))
    with pytest.raises(StructureError, match=words):
        read_structure(tmp_path / "POSCAR")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Co Li O\n", "Co_pv/5e0f28cc669 Li_sv O/818f\n"),
        ("Direct\n", "Selective dynamics\nDirect\n"),
        ("1.0\n", "-96.4877\n"),
        ("1.0\n", "1.0 1.0 1.0\n"),
        ("LiCoO2\n", "\n"),
        ("0 0 0.5\n", "0 0 5.0d-1 ! here\n"),
        ("0.4271667\n", "0.4271667\n\n" + "0 0 0\n" * 12),
    ],
)
def test_other_forms_of_the_same_poscar(tmp_path, old, new):
    assert POSCAR.count(old) >= 1
    (tmp_path / "POSCAR").write_text(POSCAR.replace(old, new, 1))
    found, whole = (
        read_structure(tmp_path / "POSCAR"),
        read_structure(DATA / "s05_poscar_no_symbols/POSCAR_true"),
    )
    assert np.allclose(found.lattice.matrix, whole.lattice.matrix, atol=1e-4)
    assert [s.specie.symbol for s in found] == [s.specie.symbol for s in whole]


def test_symbols_at_the_ends_of_the_lines_are_taken_and_compared(tmp_path):
    rows = POSCAR.splitlines()
    names = ["Co"] * 3 + ["Li"] * 3 + ["O"] * 6
    labelled = [*rows[:5], *rows[6:8], *(f"{r} {n}" for r, n in zip(rows[8:], names))]
    (tmp_path / "POSCAR").write_text("\n".join(labelled))
    assert read_structure(tmp_path / "POSCAR").composition.formula == "Li3 Co3 O6"
    (tmp_path / "POSCAR").write_text("\n".join([*labelled[:5], "Li Co O", *labelled[5:]]))
    with pytest.raises(StructureError, match="atom 1 is Li by line 6 and Co by its own line"):
        read_structure(tmp_path / "POSCAR")


def test_what_a_reader_of_others_warns_of_is_reported(tmp_path):
    """A JSON file in which one site alone has a property: pymatgen warns, and so do we."""
    whole = Structure(Lattice.cubic(4.2), ["Ni", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    reported = whole.as_dict()
    reported["sites"][0]["properties"] = {"magmom": 2.0}
    (tmp_path / "a.json").write_text(json.dumps(reported))
    with pytest.warns(StructureWarning, match=r"^a\.json: .*magmom"):
        read_structure(tmp_path / "a.json")


def test_a_site_has_one_name_in_every_order_of_the_file():
    """Core-hole cells put the absorber first: the names of the sites must not follow."""
    rng = np.random.default_rng(1)
    lattice = Lattice.from_parameters(8.1, 9.2, 8.7, 80, 95, 103)
    grid = np.array([[i, j, k] for i in range(2) for j in range(3) for k in range(2)][:10])
    coords = (grid + 0.3 * rng.random((10, 3))) / [2, 3, 2]
    whole = Structure(lattice, ["S"] * 6 + ["Li"] * 4, coords)
    names = dict(zip(range(10), rows_of(whole)[2]))
    assert len(set(names.values())) == 10
    for first in range(10):
        order = [first, *(k for k in range(10) if k != first)]
        moved = Structure.from_sites([whole[k] for k in order])
        moved.translate_sites(range(10), [0.1, 0.2, 0.3])
        row, _, found = rows_of(moved)
        assert [names[k] for k in order] == found
        assert row["structure_id"] == rows_of(whole)[0]["structure_id"]


COUNTS = {
    "x.xyz": '{}\nLattice="4 0 0 0 4 0 0 0 4" pbc="T T T"\nLi 0 0 0\nO 2 2 2\n',
    "x.xsf": "CRYSTAL\nPRIMVEC\n4 0 0\n0 4 0\n0 0 4\nPRIMCOORD\n{} 1\n3 0 0 0\n8 2 2 2\n",
    "x.cssr": "4 4 4\n90 90 90 SPGR = 1 P 1 OPT = 1\n{} 0\n0 Li1 O1\n1 Li 0.0 0.0 0.0\n"
    "2 O 0.5 0.5 0.5\n",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", COUNTS)
def test_count_of_atoms_is_that_of_the_file(tmp_path: Path, name: str) -> None:
    """A cut file is no smaller crystal; a count of 10^18 does not read for years."""
    path = tmp_path / name
    path.write_text(COUNTS[name].format(2))
    assert read_structure(path).composition.formula == "Li1 O1"
    for count in ("1", "3", "99999", "9" * 18, "x"):
        path.write_text(COUNTS[name].format(count))
        with pytest.raises(StructureError, match=r"x\.x|x\.cssr"):
            read_structure(path)
