"""`defectra import` over the mirror of published data: what each file is known to be."""

import re
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from defectra.engines.finished.importing import import_tree
from defectra.structures.io import read_structure

# source -> engine, error class; the mirror keeps inputs, bare tables and one VASP example.
SPECTRA = {
    "chen2023_featurexas/example/CORE_DIELECTRIC_IMAG.dat": ("vasp", "unknown_absorber"),
    "chen2023_featurexas/input/FDMNES_spec/ni_xas_inp.txt": ("fdmnes", "not_finished"),
    "chen2023_featurexas/input/FEFF_spec/feff.inp": ("feff", "not_finished"),
    "chen2023_featurexas/input/VASP_spec/INCAR": ("vasp", "not_finished"),
    **{
        f"jia2026_multimodal/Data/Sim_data/{e}_in.txt": ("fdmnes", "not_finished")
        for e in ("Co", "Mn", "Ni", "O")
    },
    **{
        f"lightshow/notebooks/spectra_files/anatase_{name}.txt": ("table", "unknown_absorber")
        for name in ("exciting", "ocean", "theory_FEFF", "theory_VASP", "xspectra")
    },
}
LEVELS = "levels/doped"
EVERY = 53  # of the OmniXAS runs


def folder(mirror, name):
    path = mirror / name
    if not path.is_dir():
        pytest.skip(f"no {name} in the mirror")
    return path


def test_spectra_of_the_mirror(mirror):
    found = import_tree(folder(mirror, "spectra"))
    reported = {r["source"]: (r["engine"], r["error_class"]) for r in found.imports}
    assert reported == SPECTRA
    reasons = Counter(r["reason"] for r in found.passed_over)
    assert reasons["a packed folder: unpack it"] == 2
    files = sum(p.is_file() for p in (mirror / "spectra").rglob("*"))
    assert sum(reasons.values()) + len(reported) == files


def test_levels_of_the_mirror_are_no_spectra(mirror):
    """Finished VASP runs without a core hole: files of VASP, and no run of a spectrum."""
    found = import_tree(folder(mirror, LEVELS))
    assert not found.imports
    reasons = Counter(r["reason"] for r in found.passed_over)
    assert reasons["input or output of vasp, without a spectrum"] == 9


def test_lightshow_with_its_edge(mirror):
    found = import_tree(folder(mirror, "spectra/lightshow"), ("Ti", "K"))
    labels = {(c["element"], c["edge"]) for c in found.calculations.values()}
    assert (labels, len(found.spectra)) == ({("Ti", "K")}, 5)


def test_every_fifty_third_run_of_omnixas(mirror, tmp_path):
    """Element, edge and the site that the name of the folder counts, in the POSCAR beside it."""
    path = mirror / "spectra/omnixas/feff_raw/Cu_FEFF_xmu_POSCAR.tar.xz"
    if not path.exists():
        pytest.skip("no OmniXAS runs in the mirror")
    wanted: dict[str, int] = {}
    with tarfile.open(path) as archive:
        members = [m for m in archive if m.isfile()]
        runs = [m for m in members if m.name.endswith("xmu.dat")][::EVERY]
        materials = {m.name.split("/FEFF-XANES/")[0] for m in runs}
        cells = [m for m in members if m.name.rpartition("/")[0] in materials]
        for member in sorted((*runs, *cells), key=lambda m: m.offset):  # one pass of the pack
            archive.extract(member, tmp_path, filter="data")
    for member in runs:
        number = re.search(r"/(\d+)_Cu/", member.name)
        assert number is not None
        wanted[member.name] = int(number.group(1))
    found = import_tree(tmp_path)
    reported = {r["source"]: r["site_index"] for r in found.imports}
    assert reported == wanted
    labels = {(c["element"], c["edge"]) for c in found.calculations.values()}
    assert labels == {("Cu", "K")}
    for row in found.imports:
        calculation = found.calculations[row["calculation_id"]]
        geometry = found.geometries[calculation["geometry_id"]]
        assert geometry["site_labels"][row["site_index"]] == calculation["site"]
        assert geometry["site_labels"].count(calculation["site"]) == calculation["multiplicity"]


def test_crystals_of_the_mirror(mirror):
    """Every CIF and POSCAR is read, with the formula that the CIF itself says."""
    names = re.compile(r"\.cif$|^(POSCAR|CONTCAR)|\.vasp$")
    paths = [p for p in Path(mirror).rglob("*") if p.is_file() and names.search(p.name)]
    if not paths:
        pytest.skip("no crystals in the mirror")
    formulas = {str(p.relative_to(mirror)): read_structure(p).reduced_formula for p in paths}
    assert len(formulas) == len(paths)
    assert formulas["spectra/chen2023_featurexas/input/FDMNES_spec/NiO.cif"] == "NiO"
    assert formulas["spectra/chen2023_featurexas/input/FEFF_spec/Ni2O2.cif"] == "NiO"
