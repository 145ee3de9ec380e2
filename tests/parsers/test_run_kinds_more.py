"""More runs of the kinds that went wrong: sums over atoms, other calculations, names, namelists."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from defectra.engines.feff.cards import Input
from defectra.engines.finished.importing import import_tree

DATA = Path(__file__).parent.parent / "data" / "reading"
X = np.linspace(-20.0, 40.0, 121)
MU = 0.5 + np.arctan(X / 2) / np.pi


def table(*columns):
    return "\n".join(" ".join(f"{v:.6E}" for v in row) for row in zip(*columns)) + "\n"


def rows_of(found):
    return {r["source"].split("/")[-1]: r for r in found.imports}


def spectrum(found, row):
    return np.array(found.spectra[row["calculation_id"]]["mu"])


# --- FDMNES: the program writes sums over equivalent atoms ------------------------------------

HEADER = (
    " 4966.0 22 1 1 0.0 -6.2 -0.1 1 1 4853.0 274.0 0.0 4.3 {n} {rest}= E_edge, Z, n_edge, j_edge, "
    "Abs_before_edge, VO_interstitial, E_cut, ninit, ninit1, Epsii, UnitCell_Volume, Surface_ref, "
    "f0_forward, {name}\n    Energy    <xanes>\n"
)
INDATA = (
    "Filout\n run\n\nRange\n -5. .2 45.\n\nRadius\n 5.\n\nZ_absorber\n 22\n\nCrystal\n"
    " 4. 4. 4. 90 90 90\n 22 0 0 0\n 22 .5 .5 .1\n 8 .5 .5 .5\n\nEnd\n"
)


@pytest.mark.parametrize(
    ("name", "rest"), [("natomsym", ""), ("natomsym_f, abs_u_iso", "0.0 "), ("natomsym_f", "")]
)
def test_fdmnes_is_read_as_absorption_of_one_atom(tmp_path, name, rest):
    """Two kinds of Ti with four and two equivalent atoms: all three files say the same."""
    (tmp_path / "run_in.txt").write_text(INDATA)
    for k, n in ((1, 4), (2, 2)):
        head = HEADER.format(n=f"{n}.0", rest=rest, name=name)
        (tmp_path / f"run_{k}.txt").write_text(head + table(X, n * MU))
    (tmp_path / "run_conv.txt").write_text("    Energy    <xanes>\n" + table(X, 6 * MU))
    found = import_tree(tmp_path)
    rows = rows_of(found)
    assert set(rows) == {"run_1.txt", "run_2.txt", "run_conv.txt"}
    for source, n in (("run_1.txt", 4), ("run_2.txt", 2), ("run_conv.txt", 6)):
        np.testing.assert_allclose(spectrum(found, rows[source]), MU, rtol=1e-5)
        assert f"sum over {n} atoms" in rows[source]["message"]


def test_fdmnes_without_the_number_of_atoms_says_so(tmp_path):
    head = HEADER.format(n="", rest="", name="x").replace(", x\n", "\n")
    (tmp_path / "run.txt").write_text(head + table(X, 4 * MU))
    row = import_tree(tmp_path).imports[0]
    assert "whose number is not stated" in row["message"]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Cycle 40, Delta energy = 1.044 < 1.200 eV. Converged !\n", "ok"),
        (" Calculation has not converged !\n", "unconverged"),
    ],
)
def test_fdmnes_tells_its_convergence_on_the_screen_too(tmp_path, text, status):
    (tmp_path / "run_in.txt").write_text(INDATA)
    (tmp_path / "run.txt").write_text(
        HEADER.format(n="1.0", rest="", name="natomsym") + table(X, MU)
    )
    printed = " FDMNES program, Revision 15th of July 2025\n\n scf\n\n" + text
    (tmp_path / "fdmnes_stdout.txt").write_text(printed)
    assert rows_of(import_tree(tmp_path))["run.txt"]["status"] == status


# --- exciting ---------------------------------------------------------------------------------


def exciting(folder, *pairs):
    """The own run of O K with the input changed."""
    shutil.copytree(DATA / "p11_exciting_units/eV", folder)
    text = (folder / "input.xml").read_text().replace("'", '"')
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "input.xml").write_text(text)
    return import_tree(folder.parent).imports[0]


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("<BSE ", '<BSE xes="true" ', "not_absorption", "emission"),
        ('xas="true"', 'xas="false"', "not_absorption", "optical"),
        (
            "</xs>",
            "<qpointset><qpoint>0 0.1 0</qpoint></qpointset></xs>",
            "not_absorption",
            "0 0.1",
        ),
        ('xasatom="1"', 'xasatom="9"', "unknown_absorber", "atom 9"),
        ('xasedge="K"', 'xasedge="N45"', "unknown_absorber", "edge N45"),
        ('speciesfile="O.xml"', 'speciesfile="species7.xml"', "unknown_absorber", "Species7"),
    ],
)
def test_other_runs_of_exciting_are_refused(tmp_path, old, new, error, words):
    row = exciting(tmp_path / "r", (old, new))
    assert row["error_class"] == error, row["message"]
    assert words in row["message"]


@pytest.mark.parametrize("name", ["o.xml", "O_scr.xml", "./O.xml", "O-gw.xml"])
def test_species_files_of_exciting_name_elements(tmp_path, name):
    row = exciting(tmp_path / "r", ('speciesfile="O.xml"', f'speciesfile="{name}"'))
    assert (row["status"], row["error_class"]) == ("unconverged", "convergence_unknown")


# --- xspectra ---------------------------------------------------------------------------------


def test_of_a_key_that_is_given_twice_the_last_one_holds(tmp_path):
    """As Fortran reads a namelist: `xiabs = 2` after `xiabs = 1`, the edge as well."""
    shutil.copytree(DATA / "p07_xspectra_L2_xe0", tmp_path / "r")
    before = import_tree(tmp_path)
    given = next(
        p for p in (tmp_path / "r").iterdir() if "&input_xspectra" in p.read_text().lower()
    )
    text = given.read_text().replace("edge='L2'", "edge='K'\n edge='L2'")
    assert text != given.read_text()
    given.write_text(text)
    after = import_tree(tmp_path)
    edges = [{c["edge"] for c in f.calculations.values()} for f in (before, after)]
    assert edges == [{"L2"}, {"L2"}]


# --- files of another run beside a spectrum ---------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Z_absorber\n 22", "Z_absorber\n 8", "element Ti in its header, O"),
        ("Z_absorber\n 22", "Absorber\n 3", "element Ti in its header, O"),
        ("Radius", "Edge\n L3\n\nRadius", "edge K in its header, L3"),
        ("Radius", "Edge\n L23\n\nRadius", "edge K in its header, L2,3"),
    ],
)
def test_an_indata_file_of_another_element_or_edge_is_not_its_own(tmp_path, old, new, words):
    (tmp_path / "run_in.txt").write_text(INDATA.replace(old, new))
    head = HEADER.format(n="1.0", rest="", name="natomsym")
    (tmp_path / "run.txt").write_text(head + table(X, MU))
    row = rows_of(import_tree(tmp_path))["run.txt"]
    assert row["error_class"] == "mixed_files"
    assert words in row["message"]


def test_each_shell_of_a_header_goes_with_its_card(tmp_path):
    """L2 and L3 of a header with the card L23, L1 with L1."""
    for k, (n, j, card) in enumerate([(2, 2, "L23"), (2, 3, "L23"), (2, 1, "L1"), (2, 3, "l3")]):
        folder = tmp_path / str(k)
        folder.mkdir()
        text = INDATA.replace("Radius", f"Edge\n {card}\n\nRadius")
        (folder / "run_in.txt").write_text(text)
        head = HEADER.format(n="1.0", rest="", name="natomsym").replace(
            " 22 1 1 ", f" 22 {n} {j} ", 1
        )
        (folder / "run.txt").write_text(head + table(X, MU))
        row = import_tree(folder).imports[0]
        assert row["error_class"] == "convergence_unknown", row["message"]
        (folder / "run_in.txt").write_text(INDATA)  # without the card the program takes K
        assert import_tree(folder).imports[0]["error_class"] == "mixed_files"


@pytest.mark.parametrize(
    ("name", "acell", "error"),
    [
        ("absspct_Ni.0001_1s_01", "7.9 7.9 7.9", "convergence_unknown"),
        ("absspct_Ni.0001_1s_01", "4.18 4.18 4.18 Angstrom", "convergence_unknown"),
        ("absspct_Ni.0003_1s_01", "7.9 7.9 7.9", "mixed_files"),
        ("absspct_Co.0001_1s_01", "7.9 7.9 7.9", "mixed_files"),
    ],
)
def test_ocean_with_the_input_of_another_cell(tmp_path, name, acell, error):
    text = (
        f"acell {{ {acell} }}\nrprim {{ 1 0 0 0 1 0 0 0 1 }}\nznucl {{ 28 8 }}\n"
        "typat { 1 2 }\nxred { 0 0 0 0.5 0.5 0.5 }\n"
    )
    (tmp_path / "nio.in").write_text(text)
    (tmp_path / name).write_text(table(X, MU, MU, MU))
    found = import_tree(tmp_path)
    row = found.imports[0]
    assert row["error_class"] == error, row["message"]
    for geometry in found.geometries.values():
        lattice = np.array(geometry["lattice"]).reshape(3, 3)
        assert abs(np.linalg.det(lattice)) ** (1 / 3) == pytest.approx(4.18, abs=0.005)


VASP = "CH_LSPEC = {}\nICORELEVEL = {}\nCLNT = 1\nCLN = 1\nCLL = 0\nCLZ = {}\n"


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ((".TRUE.", 2, "1.0"), ""),
        ((".TRUE.", 2, "0.5"), "core hole of 0.5 electrons"),
        ((".TRUE.", 2, "0"), "core hole of 0 electrons"),
        ((".TRUE.", 1, "1.0"), "no core hole"),
        ((".FALSE.", 2, "1.0"), "the settings beside it ask for none"),
        ((".TRUE.", 2, "one"), "'one' is no number"),
    ],
)
def test_the_core_hole_of_vasp_is_reported_where_it_is_unusual(tmp_path, tags, words):
    cell = "NiO\n1.0\n4.2 0 0\n0 4.2 0\n0 0 4.2\nNi O\n1 1\ndirect\n0 0 0\n0.5 0.5 0.5\n"
    (tmp_path / "POSCAR").write_text(cell)
    (tmp_path / "INCAR").write_text(VASP.format(*tags))
    (tmp_path / "CORE_DIELECTRIC_IMAG.dat").write_text(table(8340 + X, MU, MU, MU))
    row = import_tree(tmp_path).imports[0]
    assert words in row["message"]
    assert ("core hole" in row["message"]) == ("core hole" in words)


@pytest.mark.parametrize(
    ("tags", "kind", "words"),
    [
        ("", "", ""),
        ("ALGO = Normal\n", "", ""),
        ("ALGO = None\n", "convergence_unknown", "earlier run"),
        ("algo = nothing\n", "convergence_unknown", "earlier run"),
        ("CH_AMPLIFICATION = 8000\n", "", "CH_AMPLIFICATION = 8000"),
    ],
)
def test_a_spectrum_of_vasp_that_is_calculated_again(tmp_path, tags, kind, words):
    """The second of two steps, as the manual advises: no electronic steps of its own."""
    shutil.copytree(DATA / "p04_vasp_core_hole/ok", tmp_path / "r")
    incar, outcar = tmp_path / "r/INCAR", tmp_path / "r/OUTCAR"
    incar.write_text(incar.read_text() + tags)
    if kind:
        text = outcar.read_text()
        outcar.write_text("\n".join(x for x in text.split("\n") if "energy-change" not in x))
    row = import_tree(tmp_path).imports[0]
    assert row["error_class"] == kind
    assert words in row["message"]
    assert bool(words) == bool(row["message"])


# --- operators, holes and tables of two runs ---------------------------------------------------


@pytest.mark.parametrize(
    ("card", "unit"),
    [
        ("Quadrupole", "Mbarn, not convolved, with quadrupole"),
        ("octupole", "Mbarn, not convolved, with octupole"),
        ("No_E1E1", "Mbarn, not convolved, without dipole"),
        ("Self_abs", "Mbarn, not convolved, with self-absorption"),
        ("Green", "Mbarn, not convolved"),
    ],
)
def test_operators_of_fdmnes_are_kept_apart(tmp_path, card, unit):
    (tmp_path / "run_in.txt").write_text(INDATA.replace("Radius", f"{card}\n\nRadius"))
    head = HEADER.format(n="1.0", rest="", name="natomsym")
    (tmp_path / "run.txt").write_text(head + table(X, MU))
    assert rows_of(import_tree(tmp_path))["run.txt"]["unit"] == unit


def test_tddft_is_kept_apart_from_independent_particles(tmp_path):
    """FDMNES writes run.txt and run_tddft.txt, and a convolved file of each."""
    (tmp_path / "run_in.txt").write_text(INDATA.replace("Radius", "TDDFT\n\nRadius"))
    head = HEADER.format(n="1.0", rest="", name="natomsym")
    for stem, factor in (("run", 1.0), ("run_tddft", 1.1)):
        (tmp_path / f"{stem}.txt").write_text(head + table(X, factor * MU))
        (tmp_path / f"{stem}_conv.txt").write_text("  Energy  <xanes>\n" + table(X, factor * MU))
    units = {name: row["unit"] for name, row in rows_of(import_tree(tmp_path)).items()}
    assert units == {"run_conv.txt": "Mbarn", "run_tddft_conv.txt": "Mbarn, with TDDFT"}


@pytest.mark.parametrize("card", ["Photo_emission", "Photo_emi", "RIXS_fast", "XES"])
def test_other_names_of_emission_in_fdmnes(tmp_path, card):
    (tmp_path / "run_in.txt").write_text(INDATA.replace("Radius", f"{card}\n\nRadius"))
    head = HEADER.format(n="1.0", rest="", name="natomsym")
    (tmp_path / "run.txt").write_text(head + table(X, MU))
    assert rows_of(import_tree(tmp_path))["run.txt"]["error_class"] == "not_absorption"


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("COREHOLE none", "card COREHOLE: no core hole"),
        ("COREHOLE RPA", "card COREHOLE: core hole RPA"),
        ("COREHOLE FSR", ""),
        ("NOHOLE", "card NOHOLE: no core hole"),
        ("PMBSE 1 0 0 0", "card PMBSE"),
        ("CORRECTIONS 3.0 0.5", "CORRECTIONS: moved by 3 eV; card CORRECTIONS: broadened by 0.5"),
        ("CORR 0 0", ""),
        ("EXCHANGE 0 -2. 0 2", "card EXCHANGE: moved by -2 eV"),
        ("EXCHANGE 2 0 0", "card EXCHANGE: model 2 of the self-energy"),
        ("EXCHANGE 0 0.0 0.0 2", ""),
        ("SFCONV", "many-body spectral function"),
        ("DEBYE 300 400", "card DEBYE: damped"),
        ("SIG2 0.003", "card SIG2: damped"),
        ("S02 0.85", "fine structure times 0.85"),
        ("S02 1.0", ""),
        ("CONTROL 0 0 0 1 1 1", "potentials are those of an earlier run"),
        ("CONTROL 1 1 1 1 1 1", ""),
        ("EXAFS 20", "a sum over scattering paths"),
        ("XANES 8", "no card FMS"),
        ("XANES 8\nFMS 6", ""),
    ],
)
def test_the_core_hole_of_feff_is_reported_where_it_is_unusual(tmp_path, card, words):
    shutil.copytree(DATA / "p10_feff_forms/inp_rmultiplier", tmp_path / "r")
    given = tmp_path / "r/feff.inp"
    given.write_text(f"{card}\n{given.read_text()}")
    row = import_tree(tmp_path).imports[0]
    assert words in row["message"]
    assert ("hole" in row["message"]) == ("hole" in words)


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ("ION 0 2.0", "ION"), ("MPSE 1", "many-pole"), ("PLASMON", "many-pole"),
        ("TEMP 3000", "TEMP"), ("SETEDGE", "SETEDGE"), ("INTERSTITIAL 0 1.5", "INTERSTITIAL"),
        ("UNFREEZEF", "UNFREEZEF"), ("CHWIDTH 0.4", "CHWIDTH"), ("S02 0.9", "S02: fine structure"),
        ("EDGE K 0.8", "EDGE: fine structure times 0.8"), ("HOLE 1 .8", "HOLE: fine structure"),
        ("EDGE K 1.0", ""), ("HOLE 1 1.", ""), ("S02 0.0", ""), ("EDGE K ! 0.8", ""),
    ],
)  # fmt: skip
def test_cards_of_feff_that_change_the_spectrum_are_named(tmp_path, card, told):
    (tmp_path / "feff.inp").write_text(f"EDGE K\n{card}\nPOTENTIALS\n 0 28 Ni\nATOMS\n 0 0 0 0\n")
    notes = Input.read(tmp_path / "feff.inp").notes
    assert told in "; ".join(notes)
    assert bool(told) == bool(notes)


@pytest.mark.parametrize(
    ("cards", "edge"),
    [("EDGE K\nHOLE 4", "L3"), ("HOLE 4\nEDGE K", "K"), ("EDGE 3", "L2"), ("hole 1 1.0", "K"),
     ("EDGE L3 0.9\nEND\nEDGE K", "L3"), ("* EDGE L3\nEDG K", "K")],
)  # fmt: skip
def test_the_edge_of_feff_is_that_of_the_later_card(tmp_path, cards, edge):
    (tmp_path / "feff.inp").write_text(f"{cards}\nPOTENTIALS\n 0 28 Ni\nATOMS\n 0 0 0 0\n")
    assert Input.read(tmp_path / "feff.inp").edge == edge


@pytest.mark.parametrize(
    ("files", "wanted"),
    [  # names of input, spectrum, log by element; what each spectrum is (edge of its own input)
        ({"Ni_feff.inp": "K", "Ni_xmu.dat": "", "O_feff.inp": "XES", "O_xmu.dat": ""},
         {"Ni_xmu.dat": "ok", "O_xmu.dat": "not_absorption"}),
        ({"feff_a.inp": "K", "xmu_a.dat": "", "feff_b.inp": "L3", "xmu_b.dat": ""},
         {"xmu_a.dat": "ok", "xmu_b.dat": "mixed_files"}),
        ({"Ni_feff.inp": "K", "xmu.dat": ""}, {"xmu.dat": "ok"}),
        ({"Ni_feff.inp": "K", "Ni_xmu.dat": "", "Co_feff.inp": "K"},
         {"Ni_xmu.dat": "ok", "Co_feff.inp": "not_finished"}),
        ({"feff.inp": "XES", "Ni_feff.inp": "K", "Ni_xmu.dat": ""}, {"Ni_xmu.dat": "ok"}),
        ({"feff.inp": "K", "xmu.dat": "", "Ni_xmu.dat": ""}, {"xmu.dat": "ok", "Ni_xmu.dat": "-"}),
    ],
)  # fmt: skip
def test_inputs_of_feff_with_a_prefix_belong_to_the_spectrum_of_that_prefix(
    tmp_path, files, wanted
):
    source = DATA / "p10_feff_forms/inp_rmultiplier"
    given = (source / "feff.inp").read_text()
    for name, card in files.items():
        if name.endswith(".dat"):
            shutil.copy(source / "xmu.dat", tmp_path / name)
            continue
        text = given.replace("EDGE K", f"EDGE {card}" if card != "XES" else "EDGE K\nXES -20 10")
        (tmp_path / name).write_text(f"NOHOLE\n{text}")
    rows = rows_of(import_tree(tmp_path))
    assert set(rows) >= set(wanted)
    for name, status in wanted.items():
        read = rows[name]["error_class"] == "convergence_unknown"  # there is no log
        assert ("ok" if read else rows[name]["error_class"]) == status.replace("-", "ok")
        assert ("hole" in rows[name]["message"]) == (status == "ok")  # a card of its input


def test_an_extract_of_three_columns_is_no_sum(tmp_path):
    cell = "NiO\n1.0\n4.2 0 0\n0 4.2 0\n0 0 4.2\nNi O\n1 1\ndirect\n0 0 0\n0.5 0.5 0.5\n"
    (tmp_path / "POSCAR").write_text(cell)
    (tmp_path / "INCAR").write_text(VASP.format(".TRUE.", 2, "1.0"))
    (tmp_path / "CORE_DIELECTRIC_IMAG.dat").write_text(table(8340 + X, MU / 7, MU))
    row = import_tree(tmp_path).imports[0]
    assert row["error_class"] == "bad_output"
    assert "3 columns" in row["message"]


@pytest.mark.parametrize(("factor", "error"), [(1.0, ""), (1.3, "mixed_files")])
def test_an_outcar_of_two_runs(tmp_path, factor, error):
    """The same table twice is one; two tables under one heading are two runs."""
    shutil.copytree(DATA / "p04_vasp_core_hole/ok", tmp_path / "r")
    path = tmp_path / "r/OUTCAR"
    text = path.read_text()
    start = text.index("IMAGINARY DIELECTRIC")
    again = text[text.rindex("\n", 0, start) :]
    if factor != 1:
        row = next(x for x in again.splitlines() if len(x.split()) == 7 and "." in x.split()[0])
        again = again.replace(row, " ".join([*row.split()[:-1], "0.123456"]))
    path.write_text(f"{text.rstrip()}\n\n{again}\n")
    assert import_tree(tmp_path).imports[0]["error_class"] == error


# --- bare tables -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "header", "word"),
    [
        ("Ni_K_edge_emission_feff.txt", "", "emission"),
        ("O_K_eels_feff.txt", "", "eels"),
        ("NiO_feff_Ni_K_XES.txt", "", "XES"),
        ("NiO_feff_Ni_K_rixs.txt", "", "rixs"),
        ("NiO_feff_Ni_K.txt", "# energy chi\n", "chi"),
        ("NiO_feff_Ni_K.txt", "# energy XMCD\n", "XMCD"),
    ],
)
def test_bare_tables_of_other_spectra_are_refused_by_name(tmp_path, name, header, word):
    (tmp_path / name).write_text(header + table(X, MU))
    row = import_tree(tmp_path).imports[0]
    assert row["error_class"] == "not_absorption"
    assert f"says {word}," in row["message"]


@pytest.mark.parametrize(
    ("header", "factor"),
    [
        ("# energy(Ry) mu", 13.605693), ("# Energy [Ha]  mu", 27.211386), ("# E/keV mu", 1e3),
        ("# energy in Rydberg, mu", 13.605693), ("# energy (eV) mu", 1.0), ("# energy mu", 1.0),
        ("# energy(cm-1) mu", 0.0), ("# energy [nm] mu", 0.0),
    ],
)  # fmt: skip
def test_units_of_a_bare_table(tmp_path, header, factor):
    (tmp_path / "NiO_feff_Ni_K.txt").write_text(f"{header}\n{table(X / (factor or 1), MU)}")
    row = import_tree(tmp_path).imports[0]
    if factor:
        assert row["first_eV"] == pytest.approx(-20, abs=1e-3)
    else:
        assert row["error_class"] == "bad_output"


OCEAN = DATA / "p08_ocean_dipole_and_quad"


@pytest.mark.parametrize(
    ("edges", "level", "error"),
    [
        ("1 1 0", "1s", "convergence_unknown"),
        ("-28 1 0", "1s", "convergence_unknown"),
        ("2 1 0 1 1 0", "1s", "convergence_unknown"),
        ("1 1 0", "2p", "mixed_files"),
        ("1 2 1", "1s", "mixed_files"),
        ("-8 1 0", "1s", "mixed_files"),
        ("2 1 0", "1s", "mixed_files"),
    ],
)
def test_a_spectrum_of_ocean_is_one_that_its_input_asks_for(tmp_path, edges, level, error):
    for path in OCEAN.iterdir():
        shutil.copy(path, tmp_path / path.name.replace("1s", level))
    given = tmp_path / "ocean.in"
    given.write_text(given.read_text().replace("1 1 0", edges))
    assert {r["error_class"] for r in import_tree(tmp_path).imports} == {error}


@pytest.mark.parametrize(
    ("card", "told"),
    [("", True), ("cut_occ_states=.false.,", True), ("cut_occ_states=.TRUE.,", False)],
)
def test_occupied_states_in_a_spectrum_of_xspectra_are_named(tmp_path, card, told):
    for path in (DATA / "p06_xspectra_two_runs_one_folder").glob("NiO*"):
        shutil.copy(path, tmp_path)
    given = tmp_path / "NiO.xspectra.in"
    given.write_text(given.read_text().replace("&plot\n", f"&plot\n {card}\n"))
    (row,) = import_tree(tmp_path).imports
    assert row["status"] == "ok"
    assert ("occupied states" in row["message"]) == told


def test_fdmnes_that_did_not_converge_says_so_without_the_word_scf(tmp_path):
    (tmp_path / "run_in.txt").write_text(INDATA)
    (tmp_path / "run.txt").write_text(
        HEADER.format(n="1.0", rest="", name="natomsym") + table(X, MU)
    )
    (tmp_path / "run_bav.txt").write_text(" FDMNES program\n Calculation has not converged !\n")
    assert rows_of(import_tree(tmp_path))["run.txt"]["status"] == "unconverged"
