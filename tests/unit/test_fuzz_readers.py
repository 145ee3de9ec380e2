"""Damaged runs of others' engines and measured spectra: a row, a result or an error of ours."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
from fuzzing import damaged, fuzz, names_in, no_hang
from hypothesis import given
from hypothesis import strategies as st

from defectra.core.errors import StructureError
from defectra.core.records import CALCULATIONS, GEOMETRIES, IMPORTS, SPECTRA, STRUCTURES
from defectra.core.store import to_arrow
from defectra.engines.finished.importing import Imported, import_tree
from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.measured import read_measured
from defectra.spectra.measured_spectrum import SpectrumError
from defectra.structures.io import read_structure

FEFF = Path(__file__).resolve().parents[1] / "data" / "feff_lco"
X = np.linspace(-20.0, 40.0, 31)
MU = 0.5 + np.arctan(X / 2) / np.pi


def rows(*columns: np.ndarray) -> str:
    return "\n".join(" ".join(f"{v:.4f}" for v in row) for row in zip(*columns)) + "\n"


# --- finished runs --------------------------------------------------------------------------

NIO = "NiO\n1.0\n4.2 0 0\n0 4.2 0\n0 0 4.2\nNi O\n1 1\ndirect\n0 0 0\n0.5 0.5 0.5\n"
INCAR = "CH_LSPEC = True\nICORELEVEL = 2\nCLNT = 1\nCLN = 1\nCLL = 0\nCLZ = 1.0\n"
OUTCAR = (
    " vasp.6.3.0 20Jan22\n   CH_LSPEC = T\n   EDIFF  = 0.1E-05\n E-fermi : 5.13\n"
    " total energy-change (2. order) : -0.6E-07  (-0.6E-07)\n"
    "  frequency dependent IMAGINARY DIELECTRIC FUNCTION\n\n"
)
VASPRUN = (
    "<modeling><generator><i name='version'>6.3.0</i></generator><incar>"
    "<i type='logical' name=\"CH_LSPEC\"> T </i><i type='int' name=\"ICORELEVEL\">2</i></incar>"
    "<structure name='finalpos'><crystal><varray name='basis'><v>4.2 0 0</v><v>0 4.2 0</v>"
    "<v>0 0 4.2</v></varray></crystal></structure></modeling>\n"
)
FEFF_INP = (
    "TITLE abc:  4.200000   4.200000   4.200000\nTITLE angles: 90.0 90.0 90.0\n"
    "* 1 Li 0.0 0.0 0.0\n* 2 O 0.5 0.5 0.5\nEDGE K\nTARGET 1\nCIF NiO.cif\nPOTENTIALS\n0 8 O\n"
    "1 3 Li\nATOMS\n0 0 0 0\n2.1 0 0 1\n-2.1 0 0 1\nEND\n"
)
INDATA = (
    "Filout\n  out/ni\n\nRange\n -5. 0.2 45\n\nRadius\n 5.0\n\nAbsorber\n 1\n\nCrystal\n"
    " 4.18 4.18 4.18 90 90 90\n 28 0 0 0\n 8 0.5 0.5 0.5\n\nEnd\n"
)
FDMNES = (
    "  8333.000   28  1  1  9.5E-03 -6.2E+00 -1.5E+00  1  1  7.26E+03  0.0 = E_edge, Z, n_edge, "
    "j_edge, Abs_before_edge, VO_interstitial, E_cut, ninitl\n    Energy    <xanes>\n"
)
XSPECTRA = (
    "# Final state angular momentum:   1\n# Broadening parameter (in eV):    0.800\n"
    "# absorbing atom type:   1\n# Energy (eV)   sigma\n"
)
PW = (
    "&CONTROL\n/\n&SYSTEM\n ibrav=0, nat=2, ntyp=2, ecutwfc=40\n/\n&ELECTRONS\n/\n"
    "ATOMIC_SPECIES\nTi 47.9 Ti.fch.upf\nO 16.0 O.upf\nCELL_PARAMETERS angstrom\n"
    "4 0 0\n0 4 0\n0 0 4\nATOMIC_POSITIONS crystal\nTi 0 0 0\nO 0.5 0.5 0.5\nK_POINTS gamma\n"
)
XS_OUT = " Program XSpectra v.7.0\n ef    [eV]:  9.5\n edge = 'K'\n JOB DONE.\n"
OCEAN = (
    "acell { 7.9 7.9 7.9 }\nrprim { 1 0 0 0 1 0 0 0 1 }\nznucl { 28 8 }\ntypat { 1 2 }\n"
    "xred { 0 0 0 0.5 0.5 0.5 }\n"
)
EXCITING = (
    '<input><title>anatase</title><structure speciespath="."><crystal scale="1.889726">'
    "<basevect>4 0 0</basevect><basevect>0 4 0</basevect><basevect>0 0 4</basevect></crystal>"
    '<species speciesfile="Ti.xml"><atom coord="0 0 0"/></species>'
    '<species speciesfile="O.xml"><atom coord="0.5 0.5 0.5"/></species></structure>'
    '<xs xstype="BSE"><BSE xas="true" xasspecies="1" xasatom="1" xasedge="K"/></xs></input>'
)
EPSILON = "EPSILON_BSE-singlet-TDA-BAR_SCR-full_OC{}.OUT"
RUNS: dict[str, dict[str, str]] = {
    "feff": {
        "xmu.dat": (FEFF / "xmu.dat").read_text(),
        "log1.dat": (FEFF / "log1.dat").read_text(),
        "feff.inp": FEFF_INP,
    },
    "vasp": {
        "CORE_DIELECTRIC_IMAG.dat": rows(8340 + X, MU),
        "INCAR": INCAR,
        "POSCAR": NIO,
        "OUTCAR": OUTCAR,
    },
    "vasp outcar": {
        "OUTCAR": OUTCAR + rows(8340 + X, MU, MU, MU, MU, MU, MU) + "\n General timing\n",
        "INCAR": INCAR,
        "POSCAR": NIO,
    },
    "vasprun": {"vasprun.xml": VASPRUN, "POSCAR": NIO},
    "fdmnes": {
        "ni_in.txt": INDATA,
        "ni.txt": FDMNES + rows(X, MU),
        "ni_conv.txt": "    Energy    <xanes>\n" + rows(X, MU),
    },
    "xspectra": {
        "xanes.dat": XSPECTRA + rows(X, MU),
        "es.in": PW,
        "xanes.in": "&input_xspectra\n xiabs = 1\n/\n",
        "xanes.out": XS_OUT,
    },
    "ocean": {
        "nio.in": OCEAN,
        "absspct_Ni.0001_1s_01": rows(X, MU, MU, MU),
        "absspct_Ni.0001_1s_02": rows(X, MU, MU, MU),
    },
    "exciting": {
        "input.xml": EXCITING,
        "INFO.OUT": " Fermi energy : 0.2\n",
        EPSILON.format("11"): "# head\n" + rows(4970 + X, MU, MU, MU),
        EPSILON.format("22"): "# head\n" + rows(4970 + X, MU, MU, MU),
    },
    "named": {"NiO_feff_Ni_K.txt": rows(8340 + X, MU), "a.cif": "data_x\nloop_\n_cell_length_a 4"},
}


READING = Path(__file__).resolve().parents[1] / "data" / "reading"
NAMED = READING / "p06_xspectra_two_runs_one_folder"
RUNS |= {
    "feff with a cif": {
        name: (READING / "p01_feff_target_in_cif/target2" / name).read_text()
        for name in ("xmu.dat", "feff.inp", "cell.cif")
    },
    "xspectra named": {
        name: (NAMED / name).read_text()
        for name in ("NiO.xspectra.dat", "NiO.xspectra.in", "NiO.xspectra.out", "NiO.scf.in")
    },
    "fdmnes in a group": {
        "ni_in.txt": INDATA.replace("Crystal", "Spgroup\n Fm-3m\n\nCrystal"),
        "ni.txt": FDMNES + rows(X, MU),
    },
}
CRYSTALS = {
    "spinel.cif": (READING / "s04_cif_hm_suffix_no_operations/LiMn2O4_origin2_Z.cif").read_text(),
    "listed.cif": (READING / "s02_cif_forms/ref.cif").read_text(),
    "POSCAR": (READING / "s05_poscar_no_symbols/POSCAR_true").read_text(),
}
FORMULAS = {"spinel.cif": "Li8 Mn16 O32", "listed.cif": "Ni4 O4", "POSCAR": "Co Li O\n3 3 6"}
REDUCED = {"spinel.cif": "LiMn2O4", "listed.cif": "NiO", "POSCAR": "LiCoO2"}


@pytest.mark.filterwarnings("ignore")
@fuzz
@given(data=st.data(), name=st.sampled_from(sorted(CRYSTALS)))
def test_damaged_crystal_is_refused_or_agrees_with_its_formula(
    data: st.DataObject, name: str
) -> None:
    """Where the line of the formula (of the counts) is whole, no other composition comes out."""
    text = data.draw(damaged(CRYSTALS[name]))
    with tempfile.TemporaryDirectory() as folder_name, no_hang():
        path = Path(folder_name) / name
        path.write_bytes(text.encode("utf-8", "replace"))
        try:
            found = read_structure(path)
        except StructureError:
            return
        assert np.isfinite(found.frac_coords).all()
        if text.count(FORMULAS[name]) == 1 and text.count("_sum") == CRYSTALS[name].count("_sum"):
            assert found.reduced_formula == REDUCED[name]


def is_sound(found: Imported) -> None:
    """Each run is one row, failed with a reason or with a finite spectrum; the tables can be made.

    Raises
    ------
    AssertionError
        If not.
    """
    for row in found.imports:
        assert row["status"] != "failed" or (row["error_class"] and row["message"])
        calculation = found.calculations[row["calculation_id"]]
        if row["site_index"] is not None and not row["duplicate_of"]:
            geometry = found.geometries[calculation["geometry_id"]]
            assert geometry["site_labels"][row["site_index"]] == calculation["site"]
            assert geometry["species"][row["site_index"]] == calculation["element"]
    for row in found.spectra.values():
        assert np.isfinite([*row["energy_eV"], *row["mu"]]).all()
        assert (np.diff(row["energy_eV"]) > 0).all()
    for name, kind in (
        ("calculations", CALCULATIONS),
        ("spectra", SPECTRA),
        ("structures", STRUCTURES),
        ("geometries", GEOMETRIES),
    ):
        to_arrow(list(getattr(found, name).values()), kind)
    to_arrow(found.imports, IMPORTS)


def put(root: Path, files: dict[str, bytes]) -> Path:
    folder = root / "run"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", RUNS)
def test_whole_run_is_read(tmp_path: Path, kind: str) -> None:
    put(tmp_path, {name: text.encode() for name, text in RUNS[kind].items()})
    found = import_tree(tmp_path)
    is_sound(found)
    assert len(found.imports) == 1
    assert found.imports[0]["engine"] == {"named": "table", "vasprun": "vasp"}.get(
        kind, kind.split(maxsplit=1)[0]
    )
    assert bool(found.spectra) == (kind != "vasprun"), found.imports[0]["message"]


@pytest.mark.filterwarnings("ignore")
@fuzz
@given(data=st.data(), kind=st.sampled_from(sorted(RUNS)))
def test_damaged_run(data: st.DataObject, kind: str) -> None:
    whole = RUNS[kind]
    files = {name: text.encode() for name, text in whole.items()}
    for name in data.draw(st.lists(st.sampled_from(sorted(whole)), min_size=1, max_size=2)):
        files[name] = data.draw(damaged(whole[name])).encode("utf-8", "replace")
    with tempfile.TemporaryDirectory() as folder_name, no_hang():
        folder = put(Path(folder_name), files)
        is_sound(import_tree(Path(folder_name)))
        assert names_in(folder) == sorted(files)
        assert names_in(folder_name) == ["run"]


@pytest.mark.filterwarnings("ignore")
@fuzz
@given(data=st.binary(max_size=300), pick=st.data())
def test_bytes_under_the_names_of_runs(data: bytes, pick: st.DataObject) -> None:
    kind = pick.draw(st.sampled_from(sorted(RUNS)))
    packed = pick.draw(st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08\0\0\0\0\0\0\3"]))
    whole = {name: text.encode() for name, text in RUNS[kind].items()}
    name = pick.draw(st.sampled_from(sorted(whole)))
    with tempfile.TemporaryDirectory() as folder_name, no_hang():
        put(Path(folder_name), whole | {name: packed + data})
        is_sound(import_tree(Path(folder_name)))


# --- measured spectra -----------------------------------------------------------------------

E = np.concatenate([np.arange(8230, 8320, 10.0), np.arange(8320, 8400, 2.0), [8450, 8500, 8600]])
RISE = 0.3 + 0.8 * (0.5 + np.arctan((E - 8333) / 1.5) / np.pi)
XDI = (
    "# XDI/1.0\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n"
    "# Element.symbol: Ni\n# Element.edge: K\n# ---\n"
)
LOSS = np.arange(500.0, 600.0, 2.0)
MSA = (
    "#FORMAT : EMSA/MAS Spectral Data File\n#NPOINTS : 50\n#XPERCHAN : 2.0\n#OFFSET : 500.0\n"
    "#XUNITS : eV\n#DATATYPE : {}\n#SPECTRUM : here\n"
)
COUNTS = 100 + 900 * np.exp(-(((LOSS - 532) / 4) ** 2))
SPECTRA_OF: dict[str, str] = {
    "Ni.xdi": XDI + rows(E, 5 - 1e-4 * E, (5 - 1e-4 * E) * np.exp(-RISE)),
    "a b.dat": "# Athena.element: Ni\n# energy xmu\n" + rows(E, RISE),
    "x.csv": "Energy (eV),mu\n" + rows(E, RISE).replace(" ", ","),
    "O_edge.msa": MSA.format("XY") + rows(LOSS, COUNTS).replace(" ", ", ") + "#ENDOFDATA : \n",
    "y.msa": MSA.format("Y") + "\n".join(f"{v:.1f}" for v in COUNTS) + "\n#ENDOFDATA : \n",
}


def measured(name: str, data: bytes) -> None:
    """Read and normalise a file as `defectra look` does."""
    with tempfile.TemporaryDirectory() as folder_name, no_hang():
        path = Path(folder_name) / name
        path.write_bytes(data)
        try:
            found = read_measured(path)
            assert np.isfinite([*found.energy, *found.mu]).all()
            assert (np.diff(found.energy) > 0).all()
            if found.kind != "counts":
                flat = normalise(found)
                assert np.isfinite([*flat.mu, flat.e0, flat.step]).all()
        except SpectrumError:
            pass
        assert names_in(folder_name) == [name]


@pytest.mark.parametrize("name", SPECTRA_OF)
def test_whole_measured_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SPECTRA_OF[name])
    assert len(read_measured(tmp_path / name).energy) >= 50


@pytest.mark.filterwarnings("ignore")
@fuzz
@given(data=st.data(), name=st.sampled_from(sorted(SPECTRA_OF)))
def test_damaged_measured_file(data: st.DataObject, name: str) -> None:
    text = data.draw(damaged(SPECTRA_OF[name]))
    packed = text.encode("utf-8", "replace")
    measured(name, gzip.compress(packed) if data.draw(st.booleans()) else packed)


def test_counts_read_as_columns_have_no_step_to_divide_by() -> None:
    """Found by 10,000 cases: a white line on a level background, its edge step mere rounding."""
    measured("O_edge.msa", b"nan" + SPECTRA_OF["O_edge.msa"].encode())
