"""Further runs of the kinds that went wrong: made here, with what they are known to be."""

import bz2
import gzip
import lzma
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from defectra.core.textfiles import read_text
from defectra.engines.finished.importing import import_tree
from defectra.engines.finished.structures import load
from defectra.engines.vasp import incar
from defectra.engines.xspectra import cells
from defectra.engines.xspectra.namelists import Kind, element_of

DATA = Path(__file__).parent.parent / "data" / "reading"
LCO = Path(__file__).parent.parent / "data" / "feff_lco"
X = np.linspace(-20.0, 40.0, 121)
MU = 0.5 + np.arctan(X / 2) / np.pi


def table(*columns):
    return "\n".join(" ".join(f"{v:.6E}" for v in row) for row in zip(*columns)) + "\n"


def only(found):
    assert len(found.imports) == 1, [(r["source"], r["message"]) for r in found.imports]
    row = found.imports[0]
    return row, found.calculations[row["calculation_id"]]


# --- FEFF -----------------------------------------------------------------------------------


def feff(folder, card, extra=""):
    folder.mkdir(parents=True)
    shutil.copy(DATA / "p09_feff_emission/xmu.dat", folder)
    text = (DATA / "p09_feff_emission/feff.inp").read_text()
    (folder / "feff.inp").write_text(text.replace("XES -20 10 0.2", card) + extra)
    return folder


@pytest.mark.parametrize(
    ("card", "word"),
    [
        ("XES", "emission"), ("xes -20 10", "emission"), ("  Xes\t-20", "emission"),
        ("DANES 8", "anomalous"), ("DANE 8", "anomalous"), ("FPRIME -10 10", "anomalous"),
        ("FPRI", "anomalous"), ("XNCD", "dichroism"), ("XMCD", "dichroism"),
        ("ELNES 4", "energy loss"), ("elne 4", "energy loss"), ("EXELFS 8", "energy loss"),
        ("NRIXS 1 5", "inelastic"), ("COMPTON", "Compton"), ("RIXS 1", "resonant"),
        ("XANES 8\nXES", "emission"),
    ],
)  # fmt: skip
def test_other_spectra_of_feff_are_refused_by_name(tmp_path, card, word):
    row, _ = only(import_tree(feff(tmp_path / "r", card).parent))
    assert row["error_class"] == "not_absorption"
    assert word in row["message"]


@pytest.mark.parametrize(
    "card",
    ["XANES 8", "XANE 8", "EXAFS 20", "* XES", "XANES 8\n! XES", "XANES 8\nEND\nXES", "TITLE XES"],
)
def test_absorption_of_feff_is_read(tmp_path, card):
    row, calculation = only(import_tree(feff(tmp_path / "r", card).parent))
    assert row["error_class"] == "convergence_unknown", row["message"]
    assert (calculation["element"], calculation["edge"]) == ("Ni", "K")


@pytest.mark.parametrize(
    ("log", "status", "iterations"),
    [
        ("SCF ITERATION NUMBER  9\n Convergence reached.\n", "ok", 9),
        (" Convergence reached in  7 iterations.\n", "ok", 7),
        (" SCF ITERATION NUMBER 30\n Convergence not reached; see log\n", "unconverged", 30),
        (" WARNING: Convergence tolerance not reached but ...\n", "unconverged", 0),
        (" SCF ITERATION NUMBER 30\n", "unconverged", 30),
        # FEFF 8 has no word for it: it ends before its last iteration, or it does not
        (" SCF ITERATION NUMBER  9  OUT OF 30\n Done with module 1: potentials.\n", "ok", 9),
        (" SCF ITERATION NUMBER 30  OUT OF 30\n Done with module 1: x\n", "unconverged", 30),
        (" SCF ITERATION NUMBER  9  OUT OF 30\n", "unconverged", 9),  # killed
        (
            " SCF ITERATION NUMBER  9  OUT OF 30\n Convergence not reached\n Done with module 1\n",
            "unconverged",
            9,
        ),
    ],
)
def test_convergence_as_each_version_says_it(tmp_path, log, status, iterations):
    folder = feff(tmp_path / "r", "XANES 8")
    (folder / "log1.dat").write_text(log)
    row, calculation = only(import_tree(tmp_path))
    assert (row["status"], calculation["iterations"]) == (status, iterations)


def test_an_emission_without_its_input_ends_at_the_fermi_level(tmp_path):
    lines = (LCO / "xmu.dat").read_text().splitlines()
    head = [x for x in lines if x.lstrip().startswith("#")]
    rows = [x for x in lines if not x.lstrip().startswith("#")]
    below = [r for r in rows if float(r.split()[1]) < 2]
    extra = [
        f"{float(below[0].split()[0]) - 0.5 * k:.3f} {float(below[0].split()[1]) - 0.5 * k:.3f} "
        "-1.0 0.02 0.01 0.0"
        for k in range(40, 0, -1)
    ]
    (tmp_path / "xmu.dat").write_text("\n".join([*head, *extra, *below]) + "\n")
    row, _ = only(import_tree(tmp_path))
    assert row["error_class"] == "not_absorption"


def test_two_spectra_of_one_folder_do_not_share_an_input(tmp_path):
    folder = feff(tmp_path / "r", "XANES 8")
    shutil.copy(LCO / "xmu.dat", folder / "other_site.dat")
    found = import_tree(tmp_path)
    assert len({r["calculation_id"] for r in found.imports}) == 2
    reported = {r["source"]: r["identity"] for r in found.imports}
    assert reported == {"r/xmu.dat": "input", "r/other_site.dat": "output"}


def test_a_cut_copy_never_takes_the_place_of_the_whole_run(tmp_path):
    whole = tmp_path / "b_whole"
    whole.mkdir()
    shutil.copy(DATA / "p10_feff_forms/title_Mu_only/xmu.dat", whole)
    (whole / "feff.inp").write_text("EDGE K\nXANES 8\n")
    for name in ("a_cut", "c_cut"):
        shutil.copytree(whole, tmp_path / name)
        lines = (whole / "xmu.dat").read_text().splitlines()
        (tmp_path / name / "xmu.dat").write_text("\n".join(lines[:-30]) + "\n")
    found = import_tree(tmp_path)
    reported = {r["source"]: r["error_class"] for r in found.imports}
    assert reported == {
        "a_cut/xmu.dat": "truncated_output",
        "b_whole/xmu.dat": "convergence_unknown",
        "c_cut/xmu.dat": "truncated_output",
    }
    (kept,) = found.spectra.values()
    rows = sum(not x.startswith("#") for x in (whole / "xmu.dat").read_text().splitlines())
    assert len(kept["energy_eV"]) == rows
    assert {r["duplicate_of"] for r in found.imports} == {"", "b_whole/xmu.dat"}


def test_energies_that_are_printed_twice(tmp_path):
    lines = (LCO / "xmu.dat").read_text().splitlines()
    at = next(k for k, x in enumerate(lines) if not x.lstrip().startswith("#")) + 10
    twice = [*lines[:at], lines[at], *lines[at:]]
    (tmp_path / "xmu.dat").write_text("\n".join(twice) + "\n")
    row, _ = only(import_tree(tmp_path))
    assert row["n_points"] == len(lines) - sum(x.lstrip().startswith("#") for x in lines)
    words = lines[-1].split()
    (tmp_path / "xmu.dat").write_text(
        "\n".join([*lines, " ".join([*words[:3], "0.0", *words[4:]])]) + "\n"
    )
    row, _ = only(import_tree(tmp_path))
    assert row["error_class"] == "bad_output"
    assert "two different values" in row["message"]


@pytest.mark.parametrize("pack", ["gz", "bz2", "xz", "zst", "cut.bz2", "cut.xz", "cut.zst"])
def test_packed_files(tmp_path, pack):
    data = (LCO / "xmu.dat").read_bytes()
    packers = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    end = pack.split(".")[-1]
    if end == "zst":
        packed = bytes(pa.compress(data, codec="zstd", asbytes=True))
    else:
        packed = packers[end](data)
    cut = pack.startswith("cut")
    (tmp_path / f"xmu.dat.{end}").write_bytes(packed[: len(packed) // 2] if cut else packed)
    row, calculation = only(import_tree(tmp_path))
    if cut:
        assert row["error_class"] == "truncated_output"
    else:
        assert calculation["element"] == "O"


# --- VASP -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("CLNT = 2", {"CLNT": "2"}),
        ("clnt=2;CLN=1", {"CLNT": "2", "CLN": "1"}),
        ("# CLNT = 3\nCLNT = 2 ! CLN = 9", {"CLNT": "2"}),
        ("CLNT = 2\nCLNT = 3", {"CLNT": "2"}),
        ("SYSTEM = CLN test ; CLNT = 1", {"SYSTEM": "CLN test", "CLNT": "1"}),
        ("MAGMOM = 1 \\\n 2 3\nCLNT = 1", {"MAGMOM": "1   2 3", "CLNT": "1"}),
        ("  Clnt\t=\t1\r\nCLL = 0\r\n", {"CLNT": "1", "CLL": "0"}),
    ],
)
def test_incar_as_vasp_reads_it(text, wanted):
    assert incar.parse(text) == wanted


VASP = DATA / "p04_vasp_core_hole/ok"


def changed(tmp_path, name, old, new):
    shutil.copytree(VASP, tmp_path / "r")
    text = (VASP / name).read_text()
    assert text.count(old) == 1
    (tmp_path / "r" / name).write_text(text.replace(old, new))
    return only(import_tree(tmp_path))


@pytest.mark.parametrize(
    ("name", "old", "new", "error", "words"),
    [
        ("INCAR", "CLNT = 1", "CLNT = 2", "mixed_files", "CLNT is 2 in INCAR and 1 in OUTCAR"),
        ("INCAR", "CLN = 1", "CLN = 2", "mixed_files", "CLN is 2"),
        ("POSCAR", "1 3 4", "4 0 4", "unknown_absorber", "line 7"),
        ("OUTCAR", " vasp.6.3.2", " TITEL = PAW_PBE Co 1\n TITEL = PAW_PBE Co 1\n"
         " TITEL = PAW_PBE O 1\n vasp.6.3.2", "mixed_files", "OUTCAR's POTCAR is Co Co O"),
    ],
)  # fmt: skip
def test_files_of_two_vasp_runs_are_refused(tmp_path, name, old, new, error, words):
    row, _ = changed(tmp_path, name, old, new)
    assert row["error_class"] == error, row["message"]
    assert words in row["message"]


def test_an_outcar_is_whole_up_to_its_last_energy(tmp_path):
    """It ends with its table: only the number of energies says; or it goes on: only the grid."""
    text = (VASP / "OUTCAR").read_text()
    table_end = text.index("\n\n", text.index("IMAGINARY"))
    lines = text.splitlines(keepends=True)
    shutil.copytree(VASP, tmp_path / "r")
    for content, error in (
        (text[:table_end], ""),
        (text[:table_end].replace("NEDOS = 300", "NEDOS = 301"), "truncated_output"),
        (text[:table_end].replace("NEDOS = 300", ""), "truncated_output"),
        (text, ""),
        ("".join([*lines[:120], *lines[160:]]), "truncated_output"),
        (text[: text.index("IMAGINARY")], "truncated_output"),
    ):
        (tmp_path / "r/OUTCAR").write_text(content)
        row, _ = only(import_tree(tmp_path))
        assert row["error_class"] == error, row["message"]


def test_a_hole_in_every_atom_is_no_site_of_its_own(tmp_path):
    row, calculation = changed(tmp_path, "POSCAR", "Ni Ni O\n1 3 4", "Ni O\n4 4")
    assert (calculation["element"], row["site_index"]) == ("Ni", 0)  # all four are one orbit
    text = (tmp_path / "r/POSCAR").read_text().replace(".5 .5 0\n", ".5 .5 0.06\n", 1)
    (tmp_path / "r/POSCAR").write_text(text)
    row, calculation = only(import_tree(tmp_path))
    assert (calculation["element"], row["site_index"]) == ("Ni", None)


def test_symbols_that_the_poscar_lacks_are_those_of_the_potcar(tmp_path):
    shutil.copytree(DATA / "p04_vasp_core_hole/poscar_vasp4", tmp_path / "r")
    titles = "".join(f" TITEL  = PAW_PBE {s} 06Sep2000\n" for s in ("Ni_pv", "Ni_pv", "O_s"))
    path = tmp_path / "r" / "OUTCAR"
    path.write_text(path.read_text().replace(" NEDOS", titles + " NEDOS"))
    row, calculation = only(import_tree(tmp_path))
    assert (calculation["element"], row["site_index"], calculation["multiplicity"]) == ("Ni", 0, 4)


def test_the_absorber_first_in_the_file_is_another_site_each_time(tmp_path):
    """A cell of four different Ni: each run has its own first; names and cell stay the same."""
    frac = np.array([[0, 0, 0], [0.5, 0.03, 0.5], [0.04, 0.5, 0.5], [0.5, 0.47, 0.02]])
    oxygen = np.array([[0.5, 0.5, 0.55], [0.5, 0, 0], [0, 0.5, 0.03], [0, 0.06, 0.5]])
    for k in range(4):
        order = [k, *(j for j in range(4) if j != k)]
        folder = tmp_path / f"run{k}"
        shutil.copytree(VASP, folder)
        rows = [*frac[order], *oxygen]
        text = "x\n1.0\n4.2 0 0\n0 4.3 0\n0 0 4.4\nNi Ni O\n1 3 4\nDirect\n"
        text += "\n".join(" ".join(f"{v:.4f}" for v in r) for r in rows) + "\n"
        (folder / "POSCAR").write_text(text)
    found = import_tree(tmp_path)
    rows = list(found.calculations.values())
    assert len(found.structures) == 1
    assert len({r["structure_id"] for r in rows}) == 1
    assert len({r["site"] for r in rows}) == 4
    for row in found.imports:
        calculation = found.calculations[row["calculation_id"]]
        geometry = found.geometries[calculation["geometry_id"]]
        assert geometry["site_labels"][row["site_index"]] == calculation["site"]


def test_another_files_order_is_not_asked_for_a_site_number(tmp_path):
    """The run's own POSCAR cannot be read: a CIF above it gives no site by number."""
    shutil.copytree(VASP, tmp_path / "r")
    text = (VASP / "POSCAR").read_text()
    (tmp_path / "r" / "POSCAR").write_text(text.replace("Direct", "Irect"))
    other = "x\n1.0\n4.2 0 0\n0 4.3 0\n0 0 4.4\nO Ni\n1 2\nDirect\n0 0 0\n.5 .5 .5\n.5 0 .4\n"
    (tmp_path / "a.vasp").write_text(other)
    row, _ = only(import_tree(tmp_path))
    assert row["site_index"] is None
    assert "Irect" in row["paired_by"] or "sites of Ni" in row["paired_by"]


def test_two_crystals_that_fit_are_not_chosen_between(tmp_path):
    feff(tmp_path / "r", "XANES 8")
    text = "x\n1.0\n{0} 0 0\n0 {0} 0\n0 0 {0}\nNi O\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"
    for name, a in (("a", 4.18), ("b", 4.18)):
        (tmp_path / "r" / f"{name}.vasp").write_text(text.format(a))
    (tmp_path / "r" / "feff.inp").unlink()
    assert only(import_tree(tmp_path))[0]["structure_source"].endswith("a.vasp")
    (tmp_path / "r" / "b.vasp").write_text(text.format(4.4))
    row, _ = only(import_tree(tmp_path))
    assert row["site_index"] is None
    assert "different crystals" in row["paired_by"]


# --- Quantum ESPRESSO -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "mass", "pseudo", "element"),
    [
        ("Oh", 15.999, "O.UPF", "O"), ("O_h", 1.0, "x", "O"), ("Tih", 47.867, "Ti.UPF", "Ti"),
        ("C_h", 12.0, "Ch_PBE.UPF", "C"), ("Co", 12.011, "C.UPF", "C"), ("Co", 58.93, "Co", "Co"),
        ("Co", 1.0, "C_star.UPF", "C"), ("Co", 1.0, "", "Co"), ("Sih", 28.09, "", "Si"),
        ("NiB", 58.69, "", "Ni"), ("Ni2", 58.69, "", "Ni"), ("Fe-fch", 1.0, "Fe.UPF", "Fe"),
        ("FE1", 55.8, "", "Fe"), ("X1", 1.0, "", ""), ("Sh", 32.06, "S.UPF", "S"),
        ("Nh", 14.007, "N.UPF", "N"), ("Cs", 12.011, "C.UPF", "C"), ("Os", 15.999, "O.UPF", "O"),
    ],
)  # fmt: skip
def test_element_of_a_type_with_a_core_hole(label, mass, pseudo, element):
    assert element_of(Kind(label, mass, pseudo)) == element


@pytest.mark.parametrize(
    ("system", "volume", "number"),
    [
        ("ibrav=1, celldm(1)=8.0", 512, 221), ("ibrav=2, celldm(1)=8.0", 128, 225),
        ("ibrav=3, celldm(1)=8.0", 256, 229), ("ibrav=-3, celldm(1)=8.0", 256, 229),
        ("ibrav=4, celldm(1)=8.0, celldm(3)=1.5", 8**3 * 1.5 * 3**0.5 / 2, 191),
        ("ibrav=5, celldm(1)=8.0, celldm(4)=0.3", None, 166),
        ("ibrav=-5, celldm(1)=8.0, celldm(4)=0.3", None, 166),
        ("ibrav=6, celldm(1)=8.0, celldm(3)=1.5", 768, 123),
        ("ibrav=7, celldm(1)=8.0, celldm(3)=1.5", 384, 139),
        ("ibrav=8, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 512 * 1.8, 47),
        ("ibrav=9, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 256 * 1.8, 65),
        ("ibrav=-9, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 256 * 1.8, 65),
        ("ibrav=91, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 256 * 1.8, 65),
        ("ibrav=10, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 128 * 1.8, 69),
        ("ibrav=11, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 256 * 1.8, 71),
        ("ibrav=12, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5, celldm(4)=0.2", None, 10),
        ("ibrav=-12, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5, celldm(5)=0.2", None, 10),
        ("ibrav=13, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5, celldm(4)=0.2", None, 12),
        ("ibrav=-13, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5, celldm(5)=0.2", None, 12),
        ("ibrav=14, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5, celldm(4)=.1, celldm(5)=.2, "
         "celldm(6)=.3", None, 2),
        ("ibrav=2, A=4.2", 4.2**3 / 4 / 0.529177**3, 225),
    ],
)  # fmt: skip
def test_lattices_of_pw(system, volume, number):
    """Volume (Bohr³) and the space group of one atom in each lattice of the manual."""
    import spglib

    text = f"&system\n {system},\n nat=1, ntyp=1\n/\nATOMIC_SPECIES\nNi 58.7 Ni.UPF\n"
    lattice, species, coords = cells.read(text + "ATOMIC_POSITIONS crystal\nNi 0 0 0\n")
    assert species == ["Ni"]
    assert spglib.get_symmetry_dataset((lattice, coords, [1]), symprec=1e-5).number == number
    if volume is not None:
        assert abs(np.linalg.det(lattice)) == pytest.approx(volume * 0.529177**3, rel=1e-4)


def test_units_of_positions(tmp_path):
    head = "&system\n ibrav=1, celldm(1)=8.0, nat=2, ntyp=2\n/\nATOMIC_SPECIES\n"
    head += "Ni 58.7 Ni.UPF\nO 16 O.UPF\n"
    half = {"alat": 0.5, "bohr": 4.0, "angstrom": 4.0 * 0.529177, "crystal": 0.5, "": 0.5}
    for unit, x in half.items():
        for shown in (f"{{{unit}}}", f"({unit})", unit) if unit else ("",):
            text = f"{head}ATOMIC_POSITIONS {shown}\nNi 0 0 0\nO {x} {x} {x}\nK_POINTS gamma\n"
            np.testing.assert_allclose(cells.read(text)[2][1], 0.5, atol=1e-5)
    (tmp_path / "a.in").write_text(head + "ATOMIC_POSITIONS crystal_sg\nNi 0 0 0\n")
    assert "crystal_sg" in load(tmp_path / "a.in").reason


def xspectra(folder, stem, *, prefix="x", keys="", scf="Ni", momentum=1, gamma=0.8, out=True):
    folder.mkdir(parents=True, exist_ok=True)
    head = f"# Final state angular momentum:   {momentum}\n"
    head += f"# Broadening parameter (in eV):    {gamma:.3f}\n# Absorbing atom type (xiabs):   1\n"
    (folder / f"{stem}.dat").write_text(head + table(X, MU))
    asked = f"&input_xspectra\n prefix='{prefix}', {keys}\n/\n&plot\n xgamma={gamma}, xemin=-20, "
    (folder / f"{stem}.in").write_text(asked + "xemax=40, xnepoint=121\n/\n")
    if out:
        text = f"Program XSpectra v.7.2\n Fermi level determined from SCF save directory ({prefix}"
        (folder / f"{stem}.out").write_text(text + ".save)\n ef    [eV]:  5.0\n END JOB XSpectra\n")
    cell = f"&control\n prefix='{prefix}'\n/\n&system\n ibrav=1, celldm(1)=8., nat=2, ntyp=2\n/\n"
    cell += f"ATOMIC_SPECIES\n{scf} 1.0 {scf}.UPF\nO 16. O.UPF\nATOMIC_POSITIONS crystal\n"
    (folder / f"{prefix}.scf.in").write_text(cell + f"{scf} 0 0 0\nO .5 .5 .5\n")


def test_defaults_of_xspectra(tmp_path):
    """Neither edge nor xiabs is given: K and the first type are what the program takes."""
    xspectra(tmp_path, "xanes")
    row, calculation = only(import_tree(tmp_path))
    assert (calculation["element"], calculation["edge"], row["site_index"]) == ("Ni", "K", 0)


def test_an_edge_is_not_guessed_without_the_input(tmp_path):
    xspectra(tmp_path, "xanes")
    (tmp_path / "xanes.in").unlink()
    row, _ = only(import_tree(tmp_path))
    assert row["error_class"] == "unknown_absorber"
    assert "edge" in row["message"]


def test_inputs_that_fit_by_content_alone(tmp_path):
    """Names tell nothing, broadening does; where that is the same too, nothing is guessed."""
    xspectra(tmp_path, "a", prefix="p", scf="Ni", gamma=0.8)
    xspectra(tmp_path, "b", prefix="q", scf="Co", gamma=0.5)
    for old, new in (("a.dat", "first.dat"), ("b.dat", "second.dat")):
        (tmp_path / old).rename(tmp_path / new)
    found = import_tree(tmp_path)
    reported = {
        r["source"]: found.calculations[r["calculation_id"]]["element"] for r in found.imports
    }
    assert reported == {"first.dat": "Ni", "second.dat": "Co"}
    text = (tmp_path / "b.in").read_text().replace("xgamma=0.5", "xgamma=0.8")
    (tmp_path / "b.in").write_text(text)
    found = import_tree(tmp_path)
    assert {r["error_class"] for r in found.imports} == {"unknown_absorber"}


def test_an_output_that_ends_early(tmp_path):
    xspectra(tmp_path, "xanes")
    text = (tmp_path / "xanes.out").read_text().replace(" END JOB XSpectra", "")
    (tmp_path / "xanes.out").write_text(text)
    assert only(import_tree(tmp_path))[0]["status"] == "unconverged"
    lines = (tmp_path / "xanes.dat").read_text().splitlines()
    (tmp_path / "xanes.dat").write_text("\n".join(lines[:-20]) + "\n")
    row, _ = only(import_tree(tmp_path))
    assert row["error_class"] == "truncated_output"
    assert "xemax" in row["message"]


def test_polarisations_of_two_operators_are_not_averaged(tmp_path):
    for number, kind, momentum in ((1, "dipole", 1), (2, "quadrupole", 2)):
        folder = tmp_path / f"pol{number}"
        xspectra(folder, "xanes", keys=f"calculation='xanes_{kind}',", momentum=momentum)
    found = import_tree(tmp_path)
    assert sorted(r["unit"] for r in found.imports) == [
        "xspectra cross section",
        "xspectra cross section, quadrupole",
    ]
    for number in (1, 2):
        xspectra(tmp_path / f"pol{number}", "xanes", keys="calculation='xanes_dipole',")
    row, _ = only(import_tree(tmp_path))
    assert "mean of 2 polarisations" in row["message"]


# --- FDMNES ---------------------------------------------------------------------------------

HEADER = (
    "# FDMNES program\n {e} {z} {n} {j} 0.0 -19.3 -5.0 1 1 0 = E_edge, Z, n_edge, j_edge, "
    "Abs_before_edge, VO_interstitial, E_Fermi, ninitl, ninit1, Epsii\n    Energy    <xanes>\n"
)


def fdmnes(folder, cards, e=6539.0, z=25, shell=(1, 1)):
    folder.mkdir(parents=True, exist_ok=True)
    text = f"Filout\n run\n\nRange\n -5. .2 45.\n\nRadius\n 5.\n\n{cards}\n\nEnd\n"
    (folder / "run_in.txt").write_text(text)
    head = HEADER.format(e=e, z=z, n=shell[0], j=shell[1])
    (folder / "run.txt").write_text(head + table(X, MU))
    return folder


SPINEL = " 8.5 8.5 8.5 90 90 90\n 25 0. 0. 0.\n 25 .625 .625 .625\n 8 .3874 .3874 .3874"


@pytest.mark.parametrize(
    ("cards", "z", "index", "many"),
    [
        (f"Spgroup\n Fd-3m:1\n\nCrystal\n{SPINEL}", 25, 0, 8),
        (f"Spgroup\n Fd-3m:1\n\nAbsorber\n 2\n\nCrystal\n{SPINEL}", 25, 8, 16),
        (f"Spgroup\n F d -3 m : 1\n\nAbsorber\n 3\n\nCrystal\n{SPINEL}", 8, 24, 32),
        (f"Spgroup\n 227:1\n\nAbsorber\n 2\n\nCrystal\n{SPINEL}", 25, 8, 16),
        (f"Spgroup\n Fd-3m:1\n\nAbsorber\n 1 2\n\nCrystal\n{SPINEL}", 25, None, None),
        (f"Spgroup\n Fd-3m:1\n\nZ_absorber\n 25\n\nCrystal\n{SPINEL}", 25, None, None),
        (f"Spgroup\n Fd-3m\n\nAbsorber\n 2\n\nCrystal\n{SPINEL}", 25, None, None),
        (f"Absorber\n 2\n\nCrystal\n{SPINEL}", 25, 1, 1),
        ("Atom\n 25 0\n 8 0\n\nAbsorber\n 2\n\nCrystal\n 4. 4. 4.\n 1 0 0 0\n 2 .5 .5 .5",
         8, 1, 1),
        ("Absorber\n 1\n\nCrystal\n 3 3 5 90 90 120\n 25 1/3 2/3 1/4\n 8 0 0 0", 25, 0, 1),
    ],
)  # fmt: skip
def test_absorber_of_fdmnes_is_one_of_the_list(tmp_path, cards, z, index, many):
    e = 6539.0 if z == 25 else 543.1
    row, calculation = only(import_tree(fdmnes(tmp_path / "r", cards, e, z).parent))
    assert (row["site_index"], calculation["multiplicity"]) == (index, many), row["paired_by"]
    assert calculation["element"] == {25: "Mn", 8: "O"}[z]


def test_the_convolved_file_of_2022_takes_its_element_from_the_plain_one(tmp_path):
    folder = fdmnes(tmp_path / "r", f"Crystal\n{SPINEL}")
    shutil.copy(DATA / "p03_fdmnes_header_2022/run_conv.txt", folder)
    (folder / "run_in.txt").unlink()
    row, calculation = only(import_tree(tmp_path))
    assert row["source"] == "r/run_conv.txt"
    assert (calculation["element"], calculation["edge"]) == ("Mn", "K")
    assert (calculation["edge_eV"], row["axis"]) == (6539.0, "relative to the edge energy")


@pytest.mark.parametrize("card", ["XES", "Nrixs\n 1.", "xes"])
def test_other_spectra_of_fdmnes_are_refused_by_name(tmp_path, card):
    row, _ = only(import_tree(fdmnes(tmp_path / "r", f"{card}\n\nCrystal\n{SPINEL}").parent))
    assert row["error_class"] == "not_absorption"


def test_a_column_that_is_no_mean_over_polarisations_is_refused(tmp_path):
    folder = fdmnes(tmp_path / "r", f"Crystal\n{SPINEL}")
    text = (folder / "run.txt").read_text().replace("<xanes>", "(111)_1")
    (folder / "run.txt").write_text(text)
    row, _ = only(import_tree(tmp_path))
    assert row["error_class"] == "bad_output"
    assert "(111)_1" in row["message"]


# --- OCEAN, exciting, tables ----------------------------------------------------------------


def ocean(folder, photons, heights=None):
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(DATA / "p08_ocean_dipole_and_quad/ocean.in", folder)
    for k, photon in enumerate(photons, 1):
        height = heights[k - 1] if heights else 1.0
        columns = (X, MU, height * MU, MU)
        (folder / f"absspct_Ni.0001_1s_{k:02d}").write_text(table(*columns))
        if photon:
            (folder / f"photon{k}").write_text(photon)
    return folder


def test_momentum_transfers_and_two_photons_are_kept_apart(tmp_path):
    vectors = "\ncartesian 0 0 1\nend\nlength {} inverseangstrom\ncartesian 1 0 0\nend\n105\n"
    photons = ["dipole\n", "DIPOLE\n", "quad\n", *("qRaman" + vectors.format(q) for q in (1, 2))]
    found = import_tree(ocean(tmp_path / "r", [*photons, "tp\n"], [1, 1, 2, 3, 4, 5]).parent)
    assert sorted(len(r["files"]) for r in found.imports) == [1, 1, 1, 1, 2]
    assert len({r["unit"] for r in found.imports}) == 5
    assert len({r["calculation_id"] for r in found.imports}) == 5


def test_photons_of_unknown_kind_that_cannot_be_one_are_refused(tmp_path):
    row, _ = only(import_tree(ocean(tmp_path / "a", ["", "", ""], [1.0, 1.1, 1e-3]).parent))
    assert row["error_class"] == "bad_output"
    assert "photon1" in row["message"]


@pytest.mark.parametrize("name", ["xesspct_Ni.0001_1s_01", "rxsspct_Ni.2p_01.00001.01"])
def test_other_spectra_of_ocean_are_refused_by_name(tmp_path, name):
    (tmp_path / name).write_text(table(X, MU, MU))
    assert only(import_tree(tmp_path))[0]["error_class"] == "not_absorption"


@pytest.mark.parametrize(
    ("expected", "where", "error"),
    [
        ("true", 1.0, "convergence_unknown"), ("false", 27.211386, "convergence_unknown"),
        (None, 27.211386, "convergence_unknown"), (None, 1.0, "convergence_unknown"),
        ("true", 27.211386, "bad_output"), ("false", 1.0, "bad_output"),
    ],
)  # fmt: skip
def test_energies_of_exciting_are_in_the_unit_that_the_input_says(tmp_path, expected, where, error):
    source = DATA / "p11_exciting_units/eV/input.xml"
    text = source.read_text().replace(
        " tevout='true'", "" if expected is None else f" tevout='{expected}'"
    )
    (tmp_path / "input.xml").write_text(text)
    name = "EPSILON_BSE-singlet-TDA-BAR_SCR-full_OC11.OUT"
    (tmp_path / name).write_text(table((535 + X) / where, MU, MU, MU))
    row, _ = only(import_tree(tmp_path))
    assert row["error_class"] == error, row["message"]
    if error == "convergence_unknown":
        assert row["first_eV"] == pytest.approx(515, abs=0.1)


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("NiO_feff_Ni_K.txt", "Ni"), ("feff_O_K_edge.txt", "O"), ("NiO_K_feff.txt", ""),
        ("x_feff_NiK.txt", "Ni"), ("feff_Ni_K_and_O_K.txt", ""), ("feff_Qq_K.txt", ""),
    ],
)  # fmt: skip
def test_a_bare_table_has_the_edge_that_its_name_says(tmp_path, name, element):
    (tmp_path / name).write_text(table(X, MU))
    row, calculation = only(import_tree(tmp_path))
    assert calculation["element"] == element
    assert (row["error_class"] == "unknown_absorber") == (not element)


def test_no_element_is_guessed_where_two_edges_are_near(tmp_path):
    """Fe K (7112) and Nd L1 (7126): a rise there names neither."""
    (tmp_path / "spectrum_vasp.txt").write_text(table(7112 + X, MU))
    assert only(import_tree(tmp_path))[0]["error_class"] == "unknown_absorber"


def test_stars_and_glued_numbers_in_every_table(tmp_path):
    rows = table(X, MU).splitlines()
    for spoiled in ("1.0E+00 ******", "1.00000-1.00000", "********", "1.0E+00 1.0"):
        lines = [*rows[:50], spoiled if len(spoiled.split()) != 2 or "*" in spoiled else "1.0",
                 *rows[51:]]  # fmt: skip
        (tmp_path / "NiO_feff_Ni_K.txt").write_text("\n".join(lines))
        row, _ = only(import_tree(tmp_path))
        assert row["error_class"] == "truncated_output", spoiled


def test_files_that_nothing_recognises_are_counted_by_reason(tmp_path, capsys):
    from defectra.cli.main import main

    folder = tmp_path / "tree"
    shutil.copytree(VASP, folder / "run")
    (folder / "notes.txt").write_text("nothing\n")
    (folder / "empty.dat").write_text("")
    (folder / "old.tar.gz").write_bytes(gzip.compress(b"x" * 100))
    (folder / "image.png").write_bytes(bytes(range(32)) * 40)
    (folder / "cut.txt.gz").write_bytes(gzip.compress(b"text" * 1000)[:20])
    (folder / "link").symlink_to(folder / "notes.txt")
    (folder / "feff.inp").mkdir()
    assert main(["import", str(folder), "--out", str(tmp_path / "out")]) == 0
    reported = capsys.readouterr().out
    for reason in (
        "no reader knows it: 1",
        "empty: 1",
        "a packed folder: unpack it: 1",
        "binary: 1",
        "truncated output: 1",
        "a link, which is not followed: 1",
        "a structure: 1",
        "input or output of vasp: 1",
    ):
        assert f"passed over, {reason} file" in reported, reported
    assert (tmp_path / "out" / "passed_over.parquet").exists()


def test_a_byte_order_mark_before_an_input(tmp_path):
    shutil.copytree(VASP, tmp_path / "r")
    for name, code in (("INCAR", "utf-8-sig"), ("POSCAR", "utf-16")):
        (tmp_path / "r" / name).write_text((VASP / name).read_text(), encoding=code)
    assert read_text(tmp_path / "r/INCAR").startswith("PREC")
    row, calculation = only(import_tree(tmp_path))
    assert (calculation["element"], row["site_index"]) == ("Ni", 0)


@pytest.mark.parametrize(
    ("given", "edge"),
    [("L23", "L2,3"), ("l3", "L3"), ("L1", "L1"), ("K", "K"), ("M45", ""), ("Q", ""), ("L4", "")],
)
def test_edges_of_xspectra_by_their_usual_names(tmp_path, given, edge):
    xspectra(tmp_path, "xanes", keys=f"edge='{given}',")
    row, calculation = only(import_tree(tmp_path))
    assert calculation["edge"] == edge
    assert (row["error_class"] == "unknown_absorber") == (not edge)


@pytest.mark.parametrize(("height", "error"), [(0.0, "convergence_unknown"), (-1.0, "bad_output")])
def test_one_photon_that_is_no_absorption_is_not_averaged_away(tmp_path, height, error):
    ocean(tmp_path / "r", ["dipole\n"] * 3, [1.0, 1.0, height])
    assert only(import_tree(tmp_path))[0]["error_class"] == error


@pytest.mark.parametrize(
    ("rows", "error"),
    [(121, "convergence_unknown"), (112, "truncated_output"), (90, "truncated_output")],
)
def test_a_spectrum_of_fdmnes_goes_to_the_end_of_its_range(tmp_path, rows, error):
    folder = fdmnes(tmp_path / "r", f"Crystal\n{SPINEL}")
    lines = (folder / "run.txt").read_text().splitlines()
    (folder / "run.txt").write_text("\n".join(lines[: rows - 121 or None]) + "\n")
    assert only(import_tree(tmp_path))[0]["error_class"] == error
