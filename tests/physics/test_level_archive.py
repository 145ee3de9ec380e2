"""The shipped charged cells: what they hold; a localised level does not depend on the cell."""

import math
from pathlib import Path

import pytest

from defectra.campaign.ledger import Ledger
from defectra.core.config import load
from defectra.core.store import Archive
from defectra.studies.levels.calculations import tables_of
from defectra.studies.levels.hosts import read_hosts, static_ratios
from defectra.studies.levels.hybrid import hybrid_rows
from defectra.studies.levels.inputs import read_sets
from defectra.studies.levels.sets import level_rows
from defectra.studies.levels.tables import HOST_RUNS, sizes_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def archive():
    return Archive(ROOT / "resources/archive/levels")


@pytest.fixture(scope="module")
def rows(archive):
    config = load(ROOT / "config/config.yaml")
    ratios = static_ratios(read_hosts(ROOT / config.levels.hosts))
    tables = tables_of(Ledger([], archive), archive, ratios)
    sets = read_sets(ROOT / config.levels.live.sets)
    return level_rows(sets, tables, config.protocols.gpaw_levels, 0.14, {})


def test_every_set_of_the_list_is_there_with_its_correction(rows):
    assert [r["message"] for r in rows if r["status"] == "failed"] == []
    assert all(math.isfinite(r["corrected_eV"]) for r in rows)
    sets = {(r["host"], r["site"], r["impurity"]) for r in rows}
    assert len(sets) >= 30
    assert len({s[0] for s in sets}) >= 6


def test_the_modified_rule_takes_the_hybrid_gap_in_both_tables(rows, archive):
    """``live_levels.csv`` took the gap of the cell, by PBE, and ``hybrid.csv`` that of HSE06."""
    hosts = list(archive.read(HOST_RUNS))
    beside = {
        (r["host"], r["site"], r["impurity"], r["q_from"]): r["mba_eV"]
        for r in hybrid_rows([], [], {}, hosts, 0.14, rows)
    }
    same = [r for r in rows if r["protocol"] == "hybrid_pbe" and r["mark"] != "shallow"]
    assert same
    for r in same:
        key = (r["host"], r["site"], r["impurity"], r["q_from"])
        assert r["mba_eV"] == pytest.approx(beside[key])


def test_every_way_to_compute_has_a_run(rows):
    assert {r["protocol"] for r in rows} >= {"fast", "lda", "hubbard", "balanced", "sizes"}


def test_the_schemes_agree_and_take_out_what_grows_with_the_inverse_length(rows):
    found = next(v for k, v in sizes_of(rows).items() if k[2] == "V")
    assert all(abs(r["corrected_eV"] - r["freysoldt_eV"]) < 0.04 for r in found)
    assert all(r["mark"] == "localised" for r in found)
    assert all(r["bare_eV"] - r["corrected_eV"] > 0.15 for r in found)
    # Flat within 0.15 eV from 54 atoms on; 16 atoms are too small (docs/levels.md).
    values = {r["atoms"]: r["corrected_eV"] for r in found}
    assert set(values) == {16, 54, 64, 128}
    larger = [v for n, v in values.items() if n > 16]
    assert max(larger) - min(larger) < 0.15
    assert values[16] < min(larger)


def test_all_hosts_are_there_and_gaps_are_in_order(config, archive):
    hosts = {r["host"]: r for r in archive.read(HOST_RUNS)}
    assert set(hosts) == set(read_hosts(ROOT / config.levels.hosts))
    assert len(hosts) == 34
    for r in hosts.values():
        assert r["gap_hse_eV"] > r["gap_pbe_eV"] > r["gap_lda_eV"] - 0.05
        assert r["vbm_hse_eV"] < r["vbm_pbe_eV"]
    # Where the s state lies below the p states the gap is below zero, not zero.
    assert max(hosts[h]["gap_pbe_eV"] for h in ("GaSb", "InAs", "InSb", "InN")) < -0.2
    assert max(hosts[h]["gap_pbe_eV"] for h in ("Ge", "Sn", "GeSn")) < -0.2
    assert hosts["Sn"]["gap_hse_eV"] < hosts["Ge"]["gap_hse_eV"] < hosts["Si"]["gap_hse_eV"]
    assert hosts["GaSb"]["gap_hse_eV"] > 0.2
