"""Runs that were once read as something else: each with what it is, or why it is refused."""

from pathlib import Path

import numpy as np
import pytest

from defectra.engines.finished.importing import import_tree

DATA = Path(__file__).parent.parent / "data" / "reading"
FERMI, ENGINE, ABSOLUTE = "relative to the Fermi level", "zero of the engine", "absolute"
OK, OPEN = "", "convergence_unknown"
# source -> error class, element, edge, site index, axis, words of the message
TOLD = {
    "p01_feff_target_in_cif/target1/xmu.dat": (OPEN, "Mn", "K", 0, ABSOLUTE, ""),
    "p01_feff_target_in_cif/target2/xmu.dat": (OPEN, "Mn", "K", 8, ABSOLUTE, ""),
    "p01_feff_target_in_cif/target3/xmu.dat": (OPEN, "O", "K", 24, ABSOLUTE, ""),
    "p03_fdmnes_header_2022/run_conv.txt": ("unknown_absorber", "", "", None, "", "run.txt"),
    "p04_vasp_core_hole/cut_in_table/OUTCAR": (
        "truncated_output", "", "", None, "", "150 energies, NEDOS says 300"),
    "p04_vasp_core_hole/glued_in_table/OUTCAR": (
        "truncated_output", "", "", None, "", "line 134"),
    "p04_vasp_core_hole/stars_in_table/OUTCAR": (
        "truncated_output", "", "", None, "", "line 134"),
    "p04_vasp_core_hole/poscar_vasp4/OUTCAR": (
        "unknown_absorber", "", "", None, "", "element symbols are expected"),
    **{
        f"p04_vasp_core_hole/{name}/OUTCAR": (OK, "Ni", "K", 0, ABSOLUTE, "")
        for name in ("incar_comment", "incar_lower", "incar_one_line", "no_incar", "ok",
                     "poscar_hash")
    },
    "p05_vasp_core_dielectric_trace/dat/CORE_DIELECTRIC_IMAG.dat": (
        OK, "Ni", "K", 0, ABSOLUTE, ""),
    "p05_vasp_core_dielectric_trace/outcar_only/OUTCAR": (OK, "Ni", "K", 0, ABSOLUTE, ""),
    "p06_control_apart/CoO/xanes.dat": (OK, "Co", "K", 0, FERMI, "dipole"),
    "p06_control_apart/NiO/xanes.dat": (OK, "Ni", "K", 0, FERMI, "dipole"),
    "p06_xspectra_two_runs_one_folder/CoO.xspectra.dat": (OK, "Co", "K", 0, FERMI, "dipole"),
    "p06_xspectra_two_runs_one_folder/NiO.xspectra.dat": (OK, "Ni", "K", 0, FERMI, "dipole"),
    "p07_xspectra_L2_xe0/xanes.dat": (
        OK, "Cu", "L2", 0, ENGINE, "xe0 = 11.5 eV, 1.26 eV below the Fermi level"),
    "p07_xspectra_quadrupole/xanes.dat": (OK, "Cu", "K", 0, FERMI, "quadrupole"),
    "p08_ocean_dipole_and_quad/absspct_Ni.0001_1s_01": (
        OPEN, "Ni", "K", 0, ENGINE, "mean of 3 photons, dipole"),
    "p08_ocean_dipole_and_quad/absspct_Ni.0001_1s_04": (
        OPEN, "Ni", "K", 0, ENGINE, "mean of 1 photons, quadrupole"),
    "p09_feff_emission/xmu.dat": ("not_absorption", "", "", None, "", "card XES: emission"),
    "p10_feff_forms/D_exponent/xmu.dat": (OPEN, "Ni", "K", None, ABSOLUTE, ""),
    "p10_feff_forms/inp_rmultiplier/xmu.dat": (OPEN, "Ni", "K", 0, ABSOLUTE, ""),
    "p10_feff_forms/title_Mu/xmu.dat": (OPEN, "Ni", "K", None, ABSOLUTE, ""),
    "p10_feff_forms/title_Mu_only/xmu.dat": (OPEN, "Ni", "K", None, ABSOLUTE, ""),
    **{
        f"p11_exciting_units/{name}/EPSILON_BSE-singlet-TDA-BAR_SCR-full_OC11.OUT": (
            OPEN, "O", "K", 0, ABSOLUTE, "mean of 3 directions")
        for name in ("eV", "hartree")
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return import_tree(DATA)


@pytest.fixture(scope="module")
def rows(found):
    return {r["source"]: r for r in found.imports}


def test_every_run_and_no_other_is_found(rows):
    assert set(rows) == set(TOLD)


@pytest.mark.parametrize("source", sorted(TOLD))
def test_table_of_runs(found, rows, source):
    error, element, edge, index, axis, words = TOLD[source]
    row = rows[source]
    calculation = found.calculations[row["calculation_id"]]
    assert (row["error_class"], row["site_index"], row["axis"]) == (error, index, axis)
    assert (calculation["element"], calculation["edge"]) == (element, edge)
    assert words in row["message"]
    assert row["status"] == {OK: "ok", OPEN: "unconverged"}.get(error, "failed")


def spectrum(found, rows, source):
    return found.spectra[rows[source]["calculation_id"]]


def test_values(found, rows):
    """Fermi levels, threshold, energies and heights that were wrong."""
    by = {s: found.calculations[r["calculation_id"]] for s, r in rows.items()}
    both = "p06_xspectra_two_runs_one_folder"
    assert by[f"{both}/NiO.xspectra.dat"]["efermi_eV"] == 11.2
    assert by[f"{both}/CoO.xspectra.dat"]["efermi_eV"] == 9.1
    only = by["p10_feff_forms/title_Mu_only/xmu.dat"]
    assert (only["efermi_eV"], only["edge_eV"]) == (-7.0, pytest.approx(8333.0))
    names = {by[f"p01_feff_target_in_cif/target{k}/xmu.dat"]["site"] for k in (1, 2, 3)}
    assert len(names) == 3
    heights = [
        spectrum(found, rows, f"p08_ocean_dipole_and_quad/absspct_Ni.0001_1s_{k}")["mu"][-1]
        for k in ("01", "04")
    ]
    np.testing.assert_allclose(heights, [1.0, 1e-3], rtol=0.02)
    trace = [
        np.max(spectrum(found, rows, f"p05_vasp_core_dielectric_trace/{k}")["mu"])
        for k in ("dat/CORE_DIELECTRIC_IMAG.dat", "outcar_only/OUTCAR")
    ]
    assert trace[0] == trace[1]
    name = "EPSILON_BSE-singlet-TDA-BAR_SCR-full_OC11.OUT"
    ends = [spectrum(found, rows, f"p11_exciting_units/{k}/{name}") for k in ("eV", "hartree")]
    np.testing.assert_allclose(ends[0]["energy_eV"], ends[1]["energy_eV"], atol=1e-3)


def test_every_file_is_a_run_or_listed_with_a_reason(found):
    spectra = {f for r in found.imports for f in r["files"]}
    listed = {r["source"] for r in found.passed_over}
    files = {str(p.relative_to(DATA)) for p in DATA.rglob("*") if p.is_file()}
    assert spectra | listed == files
    assert not spectra & listed
    assert all(r["reason"] for r in found.passed_over)
