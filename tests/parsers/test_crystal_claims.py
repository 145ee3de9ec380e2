"""Whatever a structure file says of its crystal is compared with the atoms that it makes."""

import re
import warnings
from pathlib import Path

import pytest

from defectra.core.errors import StructureError, StructureWarning
from defectra.structures import space_groups
from defectra.structures.cif_formula import amounts_of
from defectra.structures.io import read_structure

DATA = Path(__file__).parent.parent / "data" / "reading"
NIO = (DATA / "s02_cif_forms/ref.cif").read_text()
LCO = (DATA / "s04_cif_hm_suffix_no_operations/LiCoO2_R-3m_plain.cif").read_text()
POSCAR = (DATA / "s05_poscar_no_symbols/POSCAR_true").read_text()
SYMBOL = "_symmetry_space_group_name_H-M 'R -3 m'\n"
LITHIUM = "Li1 Li 0 0 0.5\n"
TABLE = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"


def changed(text, *pairs):
    for old, new in pairs:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return text


def read(folder, text, name="a.cif"):
    """Structure, or the words of the refusal; and what was said beside."""
    (folder / name).write_text(text)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = read_structure(folder / name)
        except StructureError as error:
            found = str(error)
    return found, [str(w.message) for w in said if w.category is StructureWarning]


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("LiCoO2", {"Li": 1, "Co": 1, "O": 2}),
        ("Li, Co, O2", {"Li": 1, "Co": 1, "O": 2}),
        ("3(Li Co O2)", {"Li": 3, "Co": 3, "O": 6}),
        ("Ca5 (P O4)3 (O H)", {"Ca": 5, "P": 3, "O": 13, "H": 1}),
        ("CuSO4·5H2O", {"Cu": 1, "S": 1, "O": 9, "H": 10}),
        ("C24 H28 N2 O4, 2(H2 O)", {"C": 24, "H": 32, "N": 2, "O": 6}),
        ("C12 H16 N2 2+, 2(Cl O4 1-)", {"C": 12, "H": 16, "N": 2, "Cl": 2, "O": 8}),
        ("K+, Br-", {"K": 1, "Br": 1}),
        ("D2 O", {"H": 2, "O": 1}),
        ("C~24~ H~28~", {"C": 24, "H": 28}),
        ("Li.5 Co0.50", {"Li": 0.5, "Co": 0.5}),
        ("[Ni(H2O)6]Cl2", {"Ni": 1, "H": 12, "O": 6, "Cl": 2}),
        ("(Mg,Fe)2 Si O4", None),
        ("Na1-x Cax O2", None),
        ("n(C6 H4)", None),
        ("Fe3+2 O3", None),
        ("Li+ Co3+ O2-", None),
        ("Wat2 O", None),
    ],
)
def test_formulas_in_all_their_forms(text, amounts):
    assert amounts_of(text) == amounts


@pytest.mark.parametrize(
    "formula",
    [
        "_chemical_formula_sum LiCoO2", "_chemical_formula_sum 'Li, Co, O2'",
        "_chemical_formula_sum 'Li (Co O2)'", "_chemical_formula_sum '3(Li Co O2)'",
        "_chemical_formula_sum 'Li+ Co3+ O2-'", "_chemical_formula_moiety 'Li1 Co1 O2'",
        "_chemical_formula_structural 'Li (Co O2)'", "_exptl_crystal_density_diffrn 5.05",
        "_chemical_formula_weight 97.87\n_cell_formula_units_Z 3",
    ],
)  # fmt: skip
def test_a_lost_site_is_seen_whatever_tells_of_it(tmp_path, formula):
    text = changed(LCO, ("_chemical_formula_sum 'Li3 Co3 O6'", formula))
    lost, _ = read(tmp_path, changed(text, (LITHIUM, "")))
    assert isinstance(lost, str)
    if "+" not in formula:
        whole, said = read(tmp_path, text)
        assert (whole.composition.formula, said) == ("Li3 Co3 O6", [])


OTHER_OPERATIONS = (
    "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n"
    "loop_\n_space_group_symop_operation_xyz\n'x,y,z'\n'-x,-y,-z'\n"
)
MIRROR = "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'x,y,-z'\n"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (SYMBOL, "", "the sites make Co1 Li1 O1"),
        (SYMBOL, SYMBOL + "_space_group_name_H-M_alt 'P 1'\n", "P 1 and R -3 m are different"),
        (SYMBOL, SYMBOL + "_space_group_IT_number 160\n", "different space groups"),
        (SYMBOL, OTHER_OPERATIONS, "list different operations"),
        (SYMBOL, "_symmetry_space_group_name_H-M 'P -1'\n" + MIRROR, "of space group 6"),
        (SYMBOL, SYMBOL + "_cell_volume 111.4\n", "111.4 Å³ are stated"),
        (
            "_cell_angle_gamma 120\n" + SYMBOL,
            "_cell_volume 96.5\n" + SYMBOL,
            "a length or an angle",
        ),
        (SYMBOL, SYMBOL + "_exptl_crystal_density_diffrn 3.4\n", "3.4 are stated"),
        (SYMBOL, SYMBOL + "_cell_modulation_dimension 1\n", "a modulated crystal"),
        (SYMBOL, SYMBOL + "_space_group_magn.name_BNS 'R -3 m'\n", "a magnetic CIF"),
        (LITHIUM, LITHIUM + TABLE + "Ni1 0.1 0.1 0.1\n" + TABLE, "second table"),
        ("O1 O 0 0 0.2395", "O1 O2- 0 0 0.2395\nT1 ? 0.1 0.2 0.3", "'T1' is no element"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path, old, new, words):
    found, _ = read(tmp_path, changed(LCO, (old, new)))
    assert isinstance(found, str)
    assert words in found


COLUMN = "_atom_site_fract_z\n"


@pytest.mark.parametrize(
    ("column", "sites", "words"),
    [
        ("_atom_site_attached_hydrogens", "Ni1 Ni 0 0 0 0\nO1 O .5 .5 .5 2", "2 hydrogen atom"),
        (
            "_atom_site_disorder_group",
            "Ni1 Ni 0 0 0 .\nO1 O .5 .5 .5 1\nO2 O .5 .5 .75 2",
            "groups 1 and 2",
        ),
        ("_atom_site_occupancy", "Ni1 Ni 0 0 0 1.2\nO1 O .5 .5 .5 1", "occupancy 1.2"),
        ("_atom_site_occupancy", "Ni1 Ni 0 0 0 .6\nCo1 Co 0 0 0 .6\nO1 O .5 .5 .5 1", "sum to 1.2"),
        ("_atom_site_occupancy", "Ni1 Ni 0 0 0 11.0\nO1 O .5 .5 .5 11.0", "occupancy 11"),
        ("_atom_site_occupancy", "Ni1 Ni 0 0 0 .0208\nO1 O .5 .5 .5 .0208", "no occupancies"),
        ("_atom_site_calc_flag", "X1 H 0 0 0 dum", "the table of sites has none"),
    ],
)
def test_sites_that_are_no_full_atoms(tmp_path, column, sites, words):
    head = NIO[: NIO.index("Ni1 Ni")]
    head = changed(re.sub(r"_chemical_formula_sum.*\n", "", head), (COLUMN, f"{COLUMN}{column}\n"))
    found, _ = read(tmp_path, f"{head}{sites}\n")
    assert isinstance(found, str)
    assert words in found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("_symmetry_space_group_name_H-M 'P 1'\n", "", "confirms the 1 listed operation"),
        ("Ni1 Ni 0 0 0", "Co1 Ni 0 0 0", "Co1 has the type symbol Ni"),
        ("Ni1 Ni 0 0 0", "Ni1 ? 0 0 0", "elements of Ni1 are those that the labels look like"),
    ],
)
def test_what_nothing_confirms_is_read_and_reported(tmp_path, old, new, words):
    text = re.sub(r"_chemical_formula_sum.*\n", "", changed(NIO, (old, new)))
    found, said = read(tmp_path, text)
    assert found.composition.formula == "Ni4 O4"
    assert words in "; ".join(said)


def test_a_number_alone_means_the_standard_setting_and_that_is_reported(tmp_path):
    cell = (
        "data_x\n_cell_length_a 4.2\n_cell_length_b 5.3\n_cell_length_c 6.4\n_cell_angle_beta 99\n"
    )
    site = f"{TABLE}Ni1 .1 .2 .3\n"
    found, said = read(tmp_path, f"{cell}_space_group_IT_number 14\n{site}")
    assert found.properties["setting"] == "P 1 2_1/c 1:b1"
    assert "number 14 alone" in "; ".join(said)
    other, said = read(tmp_path, f"{cell}_space_group_name_H-M_alt 'P2~1~/n'\n{site}")
    assert other.properties["setting"] == "P 1 2_1/n 1:b2"
    assert "alone" not in "; ".join(said)


ROWS = POSCAR.splitlines()
COBALT = [f"{r} {{}}" for r in ROWS[8:]]
NAMES = ["Li"] * 3 + ["Co"] * 3 + ["O"] * 6


@pytest.mark.parametrize("form", ["{}", "{}1", "! {}", "# {}", "T T F {}", "{} T T F"])
def test_names_beside_the_atoms_of_a_poscar_are_compared(tmp_path, form):
    rows = [r.format(form.format(n)) for r, n in zip(COBALT, NAMES)]
    found, _ = read(tmp_path, "\n".join([*ROWS[:8], *rows]), "POSCAR")
    assert "atom 1 is Co by line 6 and Li by its own line" in found
    one = "\n".join([*ROWS[:8], rows[0], *ROWS[9:]])
    assert "atom 1 is Co" in read(tmp_path, one, "POSCAR")[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (POSCAR.replace("Direct", "Cartesian"), "Å apart: the coordinates are of another kind"),
        (POSCAR.replace("1.0\n", "-9.6\n", 1), "Å apart"),
        (POSCAR.replace("0 0 0.5\n", "1 1 1\n", 1), "0.000 Å apart"),
        (POSCAR + POSCAR, "a second cell or frame"),
        (POSCAR + POSCAR.replace("Direct", "Selective\nDirect"), "a second cell or frame"),
        (POSCAR + "Direct configuration= 2\n" + "\n".join(ROWS[8:]), "a second cell or frame"),
        (POSCAR + "\n0.1 0.2 0.3\n0.4 0.5 0.6\n", "coordinates that are not counted"),
    ],
)
def test_a_poscar_that_is_something_else(tmp_path, text, words):
    assert words in read(tmp_path, text, "POSCAR")[0]


@pytest.mark.parametrize("name", ["CHGCAR", "LOCPOT", "AECCAR0", "PARCHG.0001"])
def test_names_of_a_grid_file_are_no_words_of_its_comment(tmp_path, name):
    grid = "\n\n 2 2 2\n 1 1 1 1 1\n 1 1 1\n"
    assert read(tmp_path, POSCAR.rstrip() + grid, name)[0].composition.formula == "Li3 Co3 O6"
    unnamed = "\n".join(["Li Co O", *ROWS[1:5], *ROWS[6:]])
    assert "line 6: numbers" in read(tmp_path, unnamed + grid, name)[0]


PW = (
    "&CONTROL\n/\n&SYSTEM\n ibrav=0, nat=2, ntyp=2\n/\n&ELECTRONS\n/\nATOMIC_SPECIES\n{}\n"
    "CELL_PARAMETERS angstrom\n4 0 0\n0 4 0\n0 0 4\nATOMIC_POSITIONS crystal\n{}\nK_POINTS gamma\n"
)


@pytest.mark.parametrize(
    ("species", "atoms", "wanted"),
    [
        ("Ti_h 47.9 Ti.upf\nO 16 O.upf", "O 0 0 0\nTi_h .5 .5 .5", "Ti1 O1"),
        ("K_h 39.1 K.upf\nCl 35.4 Cl.upf", "Cl 0 0 0\nK_h .5 .5 .5", "K1 Cl1"),
        ("Ni 58.7 Ni.upf\nOh 16 O_hole.upf", "Ni 0 0 0\nOh .5 .5 .5", "Ni1 O1"),
        ("Si 28.1 Si.upf\nCo 12.01 C.upf", "Si 0 0 0\nCo .5 .5 .5", "Si1 C1"),
        ("Ni 58.7 Ni.upf\nHo 15.999 O_hole.upf", "Ni 0 0 0\nHo .5 .5 .5", "leaves open which"),
        ("Ni 58.93 Co.upf\nO 16 O.upf", "Ni 0 0 0\nO .5 .5 .5", "leaves open which"),
        ("Ni 58.7 Ni.upf\nO 16 O.upf", "Ni 0 0 0", "nat = 2, but"),
    ],
)
def test_types_of_pw_are_elements_by_all_that_tells_of_them(tmp_path, species, atoms, wanted):
    found, _ = read(tmp_path, PW.format(species, atoms), "scf.in")
    if isinstance(found, str):
        assert wanted in found
    else:
        assert found.composition.formula == wanted


def test_a_trajectory_and_a_molecule_are_no_crystal(tmp_path):
    head = '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3 pbc="{}"\n'
    frame = head + "Ni 0 0 0\nO 2 2 2\n"
    assert read(tmp_path, frame.format("T T T"), "a.xyz")[0].composition.formula == "Ni1 O1"
    assert "2 cells" in read(tmp_path, frame.format("T T T") * 2, "a.xyz")[0]
    assert "not periodic" in read(tmp_path, frame.format("F F F"), "a.xyz")[0]


FORSTERITE = f"""data_forsterite
_chemical_formula_sum {{formula}}
_symmetry_space_group_name_H-M 'P b n m'
_cell_length_a 4.756
_cell_length_b 10.207
_cell_length_c 5.98
{TABLE}MgM1 0 0 0
MgM2 .9915 .2774 1/4
SiT .4262 .094 1/4
O1 .7657 .0913 1/4
O2 .2215 .4474 1/4
OA3 .2777 .1628 .0331
"""


def test_labels_of_minerals_are_elements_and_sites(tmp_path):
    """Labels and fractions of the American Mineralogist database; own numbers, rounded."""
    found, _ = read(tmp_path, FORSTERITE.format(formula="'Mg2 Si O4'"))
    assert found.composition.formula == "Mg8 Si4 O16"
    refused, _ = read(tmp_path, FORSTERITE.format(formula="'Mg2 Si O4 S'"))
    assert "'SiT' is no element" in refused  # or sulfur


@pytest.mark.parametrize("kind", ["Ni3.5+", "Ni+1.5", "Ni2.00+", "58Ni", "58Ni2+", "Ni++"])
def test_type_symbols_with_mean_charges_and_isotopes(tmp_path, kind):
    found, _ = read(tmp_path, changed(NIO, ("Ni1 Ni 0 0 0", f"Ni1 {kind} 0 0 0")))
    assert found.composition.formula == "Ni4 O4"


LETTERS = ("P 63/m m c", "4.9 4.9 11.6 90 90 120"), ("F d -3 m:2", "8.08 8.08 8.08 90 90 90")
SPINEL, HEXAGONAL = LETTERS[1], LETTERS[0]
PLANE = ("P 1 21/n 1", "5 6 7 90 95 90")


@pytest.mark.parametrize(
    ("crystal", "sites", "told"),
    [
        # spinel, origin 2: 8a at 1/8, 16d at 1/2, 16c at 0
        (SPINEL, "Mg .125 .125 .125 a;Al .5 .5 .5 d;O .264 .264 .264 e", ""),
        (SPINEL, "Mg .125 .125 .125 8a;Al .5 .5 .5 16d;O .264 .264 .264 32e", ""),
        (SPINEL, "Mg .375 .375 .375 a;Al 0 0 0 d;O .764 .764 .764 e", "moved by (0, 0, 0.5)"),
        (SPINEL, "Mg .125 .125 .125 a;Al 0 0 0 d;O .264 .264 .264 e", "position c of F d -3 m:2"),
        (SPINEL, "Mg .125 .125 .125 16d;Al .5 .5 .5 16d;O .264 .264 .264 e", "multiplicity is"),
        (SPINEL, "Mg .125 .125 .125 a;Al .5 .5 .5 d;O .264 .264 .4 e", "position g"),
        (HEXAGONAL, "Ca 0 0 .25 2b;Ca .3333 .6667 .25 2c", ""),
        (HEXAGONAL, "Ca 0 0 .25 .2b;Ca .3333 .6667 .75 m.2c", "moved by (0, 0, 0.5)"),
        (HEXAGONAL, "Ca 0 0 .25 a;Ca .3333 .6667 .75 c", "position b"),
        (PLANE, "Cu 0 0 0 a;O .1 .2 .3 e", ""),
        (PLANE, "Cu .5 0 0 a;O .1 .2 .3 e", "moved by"),
    ],
)
def test_a_site_lies_on_the_wyckoff_position_that_is_written_beside_it(
    tmp_path, crystal, sites, told
):
    symbol, cell = crystal
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    text = "data_x\n" + "".join(f"_cell_{n} {v}\n" for n, v in zip(names, cell.split()))
    text += f"_symmetry_space_group_name_H-M '{symbol}'\nloop_\n_atom_site_type_symbol\n"
    text += "".join(f"_atom_site_fract_{x}\n" for x in "xyz") + "_atom_site_Wyckoff_symbol\n"
    found, said = read(tmp_path, text + sites.replace(";", "\n") + "\n")
    if told and "moved" not in told:
        assert isinstance(found, str), "read"
        assert told in found
    else:
        assert not isinstance(found, str), found
        assert told in "".join(said)
        assert bool(told) == bool(said)


@pytest.mark.parametrize(("code", "atoms"), [("1", 8), ("2", 16), ("x", 0)])
def test_the_origin_by_its_code(tmp_path, code, atoms):
    text = (
        "data_x\n_cell_length_a 5.43\n_cell_length_b 5.43\n_cell_length_c 5.43\n"
        "_space_group_name_H-M_alt 'F d -3 m'\n"
        f"_space_group_IT_coordinate_system_code {code}\n"
        "loop_\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n"
        "_atom_site_fract_z\nSi 0 0 0\n"
    )
    found, _ = read(tmp_path, text)
    assert isinstance(found, str) == (not atoms), found
    assert isinstance(found, str) or len(found) == atoms


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("_cell_formula_units_Z 4\n_chemical_formula_sum 'Ni O'\n", "2 atoms come out, 4 formula"),
        ("_cell_formula_units_Z 1\n_chemical_formula_sum 'Ni O'\n", ""),
        ("_chemical_formula_sum 'Ni4 O4'\n", "fewer than one formula unit of Ni4 O4"),
        ("_chemical_formula_sum 'Ni O'\n", ""),
    ],
)
def test_the_asymmetric_unit_is_no_cell_of_p1(tmp_path, extra, words):
    """A list with the identity alone confirms nothing: the formula units must fit."""
    head = NIO[: NIO.index("Ni1 Ni")]
    head = re.sub(r"_chemical_formula_sum.*\n|_cell_formula_units_Z.*\n", "", head)
    head = changed(head, ("_symmetry_space_group_name_H-M 'P 1'\n",
                          f"_symmetry_space_group_name_H-M 'P 1'\n{extra}"))  # fmt: skip
    found, _ = read(tmp_path, f"{head}Ni1 Ni 0 0 0\nO1 O .5 .5 .5\n")
    assert isinstance(found, str) == bool(words), found
    assert not words or words in found


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("_atom_site_aniso_label\n_atom_site_aniso_U_11\nMg1 0.01\n", "Mg1 is no listed site"),
        ("_geom_bond_atom_site_label_1\n_geom_bond_atom_site_label_2\nLi1 Ni1\n", "Ni1 is no"),
        ("_atom_site_aniso_label\n_atom_site_aniso_U_11\nLi1 0.01\n", ""),
    ],
)
def test_a_site_of_another_table_that_is_not_listed_was_lost(tmp_path, table, words):
    found, _ = read(tmp_path, f"{LCO}loop_\n{table}")
    assert isinstance(found, str) == bool(words), found
    assert not words or words in found


@pytest.mark.parametrize(("place", "good"), [("0 0 3.365", True), ("3.36 0 0.2", True),
                                             ("0 0 2.9", False)])  # fmt: skip
def test_cartesian_coordinates_beside_fractions_are_compared(tmp_path, place, good):
    text = changed(LCO, ("_atom_site_fract_z\n", "_atom_site_fract_z\n" + "".join(
        f"_atom_site_Cartn_{x}\n" for x in "xyz")))  # fmt: skip
    for line, own in (("Li1 Li 0 0 0.5", "0 0 7.025"), ("Co1 Co 0 0 0", "0 0 0"),
                      ("O1 O 0 0 0.2395", place)):  # fmt: skip
        text = changed(text, (f"{line}\n", f"{line} {own}\n"))
    found, _ = read(tmp_path, text)
    assert isinstance(found, str) != good, found


def test_a_cell_without_height_is_refused_at_once(tmp_path):
    text = "x\n1.0\n4 0 0\n0 4 0\n0 0 1e-4\nNi\n1\nDirect\n0 0 0\n"
    found, _ = read(tmp_path, text, "POSCAR")
    assert "faces of the cell" in found


def test_the_symbol_and_choice_of_each_setting_name_that_setting_alone():
    for hall in range(1, 531):
        one = space_groups.setting(hall)
        named = space_groups.by_symbol(f"{one.symbol}:{one.choice}" if one.choice else one.symbol)
        assert hall in [s.hall for s in named]
        assert len(named) == 1 or not one.choice
