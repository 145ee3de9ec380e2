"""`defectra import`: mixed trees and runs of every program, and imports that are killed."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_runs import LCO, only, table

from defectra.cli.main import main
from defectra.core.records import CALCULATIONS, GEOMETRIES, IMPORTS, SPECTRA, STRUCTURES
from defectra.core.store import read_table
from defectra.engines.finished.importing import import_tree
from defectra.engines.finished.missing import NEARBY
from defectra.engines.vasp.read import outcar_converged

NIO = """Ni O
1.0
4.18 0 0
0 4.18 0
0 0 4.18
Ni O
4 4
direct
0 0 0
0.5 0.5 0
0.5 0 0.5
0 0.5 0.5
0.5 0.5 0.5
0 0 0.5
0 0.5 0
0.5 0 0
"""
X = np.linspace(-20.0, 60.0, 161)
MU = 0.5 + np.arctan(X / 2) / np.pi + 0.5 * np.exp(-(((X - 8) / 3) ** 2))


def put(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def vasp(folder, incar=True, last="-0.6E-07"):
    text = "CH_LSPEC = True\nICORELEVEL = 2\nCLNT = 1\nCLN = 1\nCLL = 0\nCLZ = 1.0\n"
    put(folder, POSCAR=NIO.replace("Ni O\n4 4", "Ni Ni O\n1 3 4"))
    put(folder, CORE_DIELECTRIC_IMAG__dat=table(8240 + X, MU))
    if incar:
        put(folder, INCAR=text)
    outcar = " vasp.6.3.0 20Jan22\n   EDIFF  = 0.1E-05   stopping-criterion for ELM\n"
    outcar += f" total energy-change (2. order) : {last}  ({last})\n"
    outcar += "------- aborting loop because EDIFF is reached -------\n Fermi energy:  5.13\n"
    return put(folder, OUTCAR=outcar)


def test_vasp_core_hole(tmp_path):
    row, calculation = only(import_tree(vasp(tmp_path / "v").parent))
    assert (calculation["element"], calculation["edge"], calculation["status"]) == ("Ni", "K", "ok")
    assert row["site_index"] == 0
    assert calculation["multiplicity"] == 4
    assert calculation["efermi_eV"] == 5.13
    assert np.isnan(import_tree(tmp_path).spectra[row["calculation_id"]]["edge_step"])


def test_vasp_that_did_not_converge(tmp_path):
    row, _ = only(import_tree(vasp(tmp_path / "v", last="-0.6E-02").parent))
    assert (row["status"], row["error_class"]) == ("unconverged", "not_self_consistent")


def test_convergence_of_real_outcars():
    """Files that ASE ships for this very question: the loop ends, the energy does not settle."""
    import ase.test

    folder = Path(ase.test.__file__).parent / "testdata" / "vasp"
    if not folder.is_dir():
        pytest.skip("ASE without its test data")
    assert not outcar_converged(
        (folder / "convergence_OUTCAR_n_y").read_text().replace("0.6025550E-02", "0.6E-02")
    )
    assert outcar_converged((folder / "convergence_OUTCAR_y_y").read_text())
    assert outcar_converged((folder / "OUTCAR_example_1").read_text())


def test_published_vasp_spectrum(mirror, tmp_path):
    base = mirror / "spectra/chen2023_featurexas"
    if not base.is_dir():
        pytest.skip("no VASP example in the mirror")
    shutil.copy(base / "example/CORE_DIELECTRIC_IMAG.dat", tmp_path)
    assert only(import_tree(tmp_path))[0]["error_class"] == "unknown_absorber"
    for name in ("INCAR", "POSCAR", "KPOINTS"):
        shutil.copy(base / "input/VASP_spec" / name, tmp_path)
    row, calculation = only(import_tree(tmp_path))
    assert (calculation["element"], calculation["edge"]) == ("Ni", "K")
    assert (row["site_index"], row["n_points"]) == (0, 1000)
    assert row["error_class"] == "convergence_unknown"


def fdmnes(folder, filout="out/ni", conv="ni_conv.txt"):
    head = (
        "  8333.000   28  1  1  9.5222797E-03 -6.2329036E+00 -1.5000000E+00  1  1  7.26E+03"
        "  0.0 = E_edge, Z, n_edge, j_edge, Abs_before_edge, VO_interstitial, E_cut, ninitl\n"
    )
    indata = f"Filout\n  {filout}\n\nRange\n -5. 0.2 45\n\nRadius\n 5.0\n\nCrystal\n"
    indata += " 4.18 4.18 4.18 90 90 90\n 28 0 0 0\n 8 0.5 0.5 0.5\n\nEnd\n"
    put(folder, ni_in__txt=indata, ni__txt=table(X, MU, header=head + "    Energy    <xanes>\n"))
    (folder / conv).write_text(table(X, MU, header="    Energy    <xanes>    \n"))
    return folder


def test_fdmnes_with_its_indata(tmp_path):
    row, calculation = only(import_tree(fdmnes(tmp_path / "f").parent))
    assert (calculation["element"], calculation["edge"]) == ("Ni", "K")
    assert (calculation["edge_eV"], calculation["efermi_eV"]) == (8333.0, -1.5)
    assert row["source"].endswith("ni_conv.txt")
    assert row["axis"] == "relative to the edge energy"
    assert (row["site_index"], calculation["multiplicity"]) == (0, 1)


def test_published_fdmnes_inputs_are_runs_without_output(mirror):
    folder = mirror / "spectra/jia2026_multimodal/Data/Sim_data"
    if not folder.is_dir():
        pytest.skip("no FDMNES inputs in the mirror")
    rows = import_tree(folder).imports
    assert [r["error_class"] for r in rows] == ["not_finished"] * 4


def test_ocean_mean_over_photons(tmp_path, mirror):
    source = mirror / "spectra/chen2023_featurexas/input/OCEAN_spec/nio.in"
    if not source.exists():
        pytest.skip("no OCEAN input in the mirror")
    shutil.copy(source, tmp_path / "nio.in")
    folder = tmp_path / "CNBSE"
    for photon, factor in ((1, 0.8), (2, 1.2)):
        put(folder)
        text = table(X, 9 * MU, factor * MU, MU)
        (folder / f"absspct_Ni.0002_1s_{photon:02d}").write_text(text)
    found = import_tree(tmp_path)
    row, calculation = only(found)
    assert (calculation["element"], calculation["edge"]) == ("Ni", "K")
    np.testing.assert_allclose(found.spectra[row["calculation_id"]]["mu"], MU, rtol=1e-6)
    geometry = next(iter(found.geometries.values()))
    assert geometry["species"] == ["Ni", "Ni", "O", "O"]
    assert row["site_index"] == 1
    assert 30 < geometry["volume"] < 40


def test_xspectra_with_polarisations(tmp_path):
    head = "# Final state angular momentum:   1\n# Broadening parameter (in eV):    0.800\n"
    head += "# absorbing atom type:   1\n# Energy (eV)   sigma\n"
    for number, factor in ((1, 0.5), (2, 1.0), (3, 1.5)):
        put(tmp_path / f"dipole{number}", xanes__dat=table(X, factor * MU, header=head))
    scf = "&CONTROL\n/\n&SYSTEM\n ibrav=0, nat=2, ntyp=2, ecutwfc=40\n/\n&ELECTRONS\n/\n"
    scf += "ATOMIC_SPECIES\nTi 47.9 Ti.fch.upf\nO 16.0 O.upf\nCELL_PARAMETERS angstrom\n"
    scf += "4 0 0\n0 4 0\n0 0 4\nATOMIC_POSITIONS crystal\nTi 0 0 0\nO 0.5 0.5 0.5\n"
    scf += "K_POINTS gamma\n"
    put(tmp_path, es__in=scf, xanes__in="&input_xspectra\n xiabs = 1\n/\n")
    found = import_tree(tmp_path)
    row, calculation = only(found)
    assert (calculation["element"], calculation["edge"]) == ("Ti", "K")
    assert (row["site_index"], row["axis"]) == (0, "relative to the Fermi level")
    np.testing.assert_allclose(found.spectra[row["calculation_id"]]["mu"], MU, rtol=1e-6)


def test_exciting_mean_over_directions(tmp_path):
    xml = (
        '<input><title>anatase</title><structure speciespath=".">'
        '<crystal scale="1.889726"><basevect>4 0 0</basevect>'
        "<basevect>0 4 0</basevect><basevect>0 0 4</basevect></crystal>"
        '<species speciesfile="Ti.xml"><atom coord="0 0 0"/></species>'
        '<species speciesfile="O.xml"><atom coord="0.5 0.5 0.5"/></species></structure>'
        '<xs xstype="BSE"><BSE xas="true" xasspecies="1" xasatom="1" xasedge="K"/></xs></input>'
    )
    put(tmp_path, input__xml=xml)
    for number, factor in ((1, 0.5), (2, 1.0), (3, 1.5)):
        name = f"EPSILON_BSE-singlet-TDA-BAR_SCR-full_OC{number}{number}.OUT"
        text = table(4870 + X, MU, factor * MU, MU, header="# header\n")
        put(tmp_path / "EPSILON")
        (tmp_path / "EPSILON" / name).write_text(text)
    found = import_tree(tmp_path)
    row, calculation = only(found)
    assert (calculation["element"], calculation["edge"]) == ("Ti", "K")
    assert row["site_index"] == 0
    np.testing.assert_allclose(found.spectra[row["calculation_id"]]["mu"], MU, rtol=1e-6)
    np.testing.assert_allclose(next(iter(found.geometries.values()))["volume"], 64, rtol=1e-3)


def test_tables_of_five_codes(mirror):
    folder = mirror / "spectra/lightshow"
    if not folder.is_dir():
        pytest.skip("no Lightshow files in the mirror")
    found = import_tree(folder, ("Ti", "K"))
    assert len(found.imports) == len(found.spectra) == 5
    points = {Path(r["source"]).stem: r["n_points"] for r in found.imports}
    assert points["anatase_ocean"] == 2001
    assert points["anatase_theory_VASP"] == 40000
    assert all("file name alone" in r["message"] for r in found.imports)


def test_wrong_edge_is_refused(tmp_path):
    text = table(6520 + X, MU)
    vasp(tmp_path / "v")
    (tmp_path / "v" / "CORE_DIELECTRIC_IMAG.dat").write_text(text)
    row, _ = only(import_tree(tmp_path))
    assert row["error_class"] == "wrong_edge"
    assert "8333.0" in row["message"]


def test_mixed_tree_writes_its_tables(tmp_path, capsys):
    vasp(tmp_path / "tree/a")
    fdmnes(tmp_path / "tree/b")
    shutil.copytree(LCO, tmp_path / "tree/c")
    put(tmp_path / "tree/d", feff__inp="EDGE K\n")
    put(tmp_path / "tree/e", notes__txt="nothing here\n")
    assert main(["import", str(tmp_path / "tree"), "--out", str(tmp_path / "out")]) == 0
    assert "4 runs, 3 spectra" in capsys.readouterr().out
    tables = (IMPORTS, CALCULATIONS, SPECTRA, STRUCTURES, GEOMETRIES)
    rows = {t.name: read_table(tmp_path / "out" / f"{t.name}.parquet", t) for t in tables}
    assert [len(rows[t.name]) for t in tables] == [4, 4, 3, 2, 2]
    assert {r["engine"] for r in rows["calculations"]} == {"vasp", "fdmnes", "feff"}
    assert main(["import", str(tmp_path / "nowhere")]) == 2
    assert "no such folder" in capsys.readouterr().err


# An import that says where it is and stays there: in the 13th of 20 runs, or in its last table.
STANDS_STILL = """
import signal, sys
from pathlib import Path
from defectra.engines.feff import read as feff
from defectra.engines.finished.importing import import_tree

def stand_still():
    print("here", flush=True)
    signal.pause()

class Slow:
    ENGINE, PARSER_VERSION, find = feff.ENGINE, feff.PARSER_VERSION, staticmethod(feff.find)

    def read(self, files, folder):
        if sys.argv[3] == "reading" and folder.path.name == "r12":
            stand_still()
        return feff.read(files, folder)

class Rows(list):
    def __iter__(self):
        yield from list(self[:5])
        stand_still()

found = import_tree(Path(sys.argv[1]), readers=[Slow()])
if sys.argv[3] == "writing":
    found.imports = Rows(found.imports)
found.write(Path(sys.argv[2]))
"""


@pytest.mark.parametrize(("where", "whole"), [("reading", 0), ("writing", 5)])
def test_a_killed_import_leaves_no_table_and_the_next_one_ends(tmp_path, where, whole):
    """kill -9 while a tree is read or written: no half table, and the rerun gives the whole."""
    data = (LCO / "xmu.dat").read_bytes()
    for k in range(20):
        put(tmp_path / "runs" / f"r{k:02d}")
        (tmp_path / f"runs/r{k:02d}/xmu.dat").write_bytes(data + b"\n" * k)
    out = tmp_path / "out"
    command = [sys.executable, "-c", STANDS_STILL, str(tmp_path / "runs"), str(out), where]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"here\n"
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert len(list(out.glob("*.parquet"))) == whole
    assert not (out / "imports.parquet").exists()
    assert main(["import", str(tmp_path / "runs"), "--out", str(out)]) == 0
    assert len(read_table(out / "imports.parquet", IMPORTS)) == 20
    assert not list(out.glob(".*"))


@pytest.mark.parametrize("engine", ["vasp", "feff"])
def test_a_spectrum_without_structure_names_the_file_and_gives_no_table(engine, tmp_path, capsys):
    """`import` says what to add, `table` says it before anything about edges and grids."""
    run = tmp_path / "runs/a"
    vasp(run) if engine == "vasp" else shutil.copytree(LCO, run)
    for path in run.rglob("*"):
        if re.search(r"POSCAR|CONTCAR|\.cif|feff\.inp", path.name):
            path.unlink()
    words = ["import", str(run), "--absorber", "Ni K", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert said.startswith("1 run, 1 spectrum, 0 structures\n")
    assert f"1 spectrum of {engine} without a structure, which `defectra table` needs" in said
    assert "missing: " in said
    assert NEARBY in said
    assert main(["table", str(tmp_path / "out"), "--grid", "8330:8375:0.25"]) == 2
    said = capsys.readouterr().err
    assert "no calculation with a spectrum, a structure and a site" in said
    assert f"missing: {NEARBY}" in said
    assert "--edge" not in said
