"""Runs of FEFF: other spectra, convergence, copies, cards that change the spectrum."""

import bz2
import gzip
import lzma
import shutil

import pyarrow as pa
import pytest
from made_runs import DATA, LCO, only, rows_of

from defectra.engines.feff.cards import Input
from defectra.engines.finished.importing import import_tree


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
