"""The archived calculations of pure perovskites against themselves and against physics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from defectra.core.store import Archive
from defectra.studies.perovskites import decomposition, eos
from defectra.studies.perovskites.cells import CELLS
from defectra.studies.perovskites.tables import RUNS

ROWS = Archive(Path(__file__).parents[2] / "resources/archive").read(RUNS)
BESIDE = [
    r
    for r in Archive(Path(__file__).parents[2] / "resources/archive").read(CELLS)
    if r["status"] == "ok"
]
GOOD = [r for r in ROWS if r["status"] == "ok"]
SCANS = [r for r in GOOD if r["kind"] == "equation_of_state"]
BANDS = [r for r in GOOD if r["kind"] == "bands"]


def test_there_are_some_and_each_names_its_engine():
    assert len(BANDS) >= 20
    assert {r["engine_version"] for r in ROWS} == {"gpaw 26.7.0"}
    assert {r["origin"] for r in ROWS} == {"archive"}


@pytest.mark.parametrize("row", SCANS, ids=lambda r: r["name"])
def test_volumes_and_energies_give_the_lattice_constant_again(row):
    at = eos.fit(row["volumes"], row["energies"])
    units = 4 if row["phase"] == "rocksalt" else 1
    assert at.cubic_constant * units ** (1 / 3) == pytest.approx(row["lattice"], abs=1e-6)
    assert 5 < row["bulk_modulus"] < 40
    assert row["residual"] < 3e-3


def test_bands_are_at_the_fitted_lattice_constant():
    fitted = {r["name"]: r["lattice"] for r in SCANS}
    for row in BANDS:
        assert row["lattice"] == pytest.approx(fitted[row["name"]], abs=1e-4)


def test_a_hybrid_opens_the_gap_and_the_coupling_closes_it():
    for row in BANDS:
        assert row["gap_HSE"] > row["gap_PBE"] > 0, row["name"]
        assert row["gap_PBE_SOC"] < row["gap_PBE"], row["name"]
        assert row["gap_HSE_SOC"] < row["gap_HSE"], row["name"]


def test_the_coupling_is_strongest_in_lead():
    less = {
        b: np.mean([r["gap_PBE"] - r["gap_PBE_SOC"] for r in BANDS if b in r["name"]])
        for b in ("Pb", "Sn", "Ge")
    }
    assert less["Pb"] > 1.0 > less["Sn"] > less["Ge"] > 0


def test_lattice_constant_grows_with_the_halide():
    radius = {"Cl": 1.81, "Br": 1.96, "I": 2.20}
    halides = [r for r in SCANS if r["phase"] == "rocksalt"]
    for cation in ("K", "Rb", "Cs"):
        own = {r["name"].removeprefix(cation): r["lattice"] for r in halides
               if r["name"].startswith(cation)}  # fmt: skip
        assert sorted(own, key=own.__getitem__) == sorted(radius, key=radius.__getitem__)


def test_every_reference_phase_is_there_and_its_scan_gives_its_energy_again():
    found = decomposition.energies(BESIDE)
    assert sum(name.endswith("2") for name in found) == 18
    for row in BESIDE:
        if row["kind"] == "equation_of_state":
            at = eos.fit(row["volumes"], row["energies"])
            assert at.energy == pytest.approx(row["energy"], abs=1e-6)
            assert 3 < row["bulk_modulus"] < 60, row["name"]


def test_rock_salt_is_lower_than_the_caesium_chloride_type_in_pbe():
    halides = {r["name"]: r["energy"] for r in SCANS if r["phase"] == "rocksalt"}
    found = decomposition.energies(BESIDE)
    higher = {name: e - halides[name] for name, (kind, e) in found.items() if kind == "CsCl"}
    assert higher
    for name, energy in higher.items():
        assert 0.03 < energy < 0.15, name


def test_lighter_halogens_bind_more():
    found = {name: energy for name, (_, energy) in decomposition.energies(BESIDE).items()}
    for metal in ("Ca", "Sr", "Ba", "Ge", "Sn", "Pb"):
        assert found[f"{metal}Cl2"] < found[f"{metal}Br2"] < found[f"{metal}I2"]
