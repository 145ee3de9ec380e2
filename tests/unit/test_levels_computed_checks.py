"""Checks of computed levels, computed hosts as features, levels drawn from the model."""

import math

import numpy as np
import pytest

from defectra.core.claims import CHECK_COLUMNS
from defectra.studies.levels.checks_computed import checks_computed
from defectra.studies.levels.deviations import DEVIATION_COLUMNS, deviations
from defectra.studies.levels.hosts import read_hosts, with_computed
from defectra.studies.levels.simulated import simulate
from defectra.studies.levels.tables import sizes_of


def level(host="AlP", atoms=16, value=1.0, published=math.nan, mark="localised", impurity="Cd"):
    return {
        "host": host,
        "site": "M_A",
        "impurity": impurity,
        "q_from": 0,
        "q_to": -1,
        "atoms": atoms,
        "level_eV": value,
        "corrected_eV": value,
        "freysoldt_eV": value,
        "bare_eV": value + 1 / atoms,
        "protocol": "fast",
        "published_eV": published,
        "mark": mark,
    }


def card(levels, drift=()):
    rows = checks_computed(levels, list(drift))
    assert all(list(r) == CHECK_COLUMNS for r in rows)
    return {r["check_id"]: r for r in rows}


def test_sets_and_hosts_are_counted_once_whatever_their_sizes_and_failures():
    levels = [level(f"H{k % 6}", impurity=f"E{k}") for k in range(30)]
    doubles = [level("H0", atoms=54, impurity="E0"), level("X", value=math.nan)]
    found = card([*levels, *doubles])
    assert found["live_sets"]["ours"] == 30
    assert found["live_sets"]["bound"] == 30
    assert found["live_sets"]["verdict"] == "holds"
    assert found["live_set_hosts"]["verdict"] == "holds"
    assert card(levels[:29])["live_sets"]["verdict"] == "fails"


def test_sizes_need_three_cells():
    two = [level(atoms=8, value=0.9), level(atoms=16)]
    assert sizes_of(two) == {}
    assert card(two)["live_sizes"]["verdict"] == "open"
    assert card([*two, level(atoms=54, value=1.01)])["live_sizes"]["ours"] == pytest.approx(0.11)
    far = card([*two, level(atoms=54, value=1.2)])["live_sizes"]
    assert far["verdict"] == "fails"


def test_deviations_from_published_and_measured():
    levels = [level(value=1.0, published=0.8), level(impurity="Te", value=1.0, published=1.1)]
    computed = [{"host": "AlP", "lattice_A": 5.51, "gap_hse_eV": 2.3, "epsilon_electronic": 7.9}]
    measured = {"AlP": {"lattice": 5.46, "gap": 2.5}}
    space = [
        {"level_eV": v, "published_eV": p, "krr_eV": v + 0.3, "nn_eV": math.nan, "rfr_eV": math.nan}
        for v, p in ((1.0, math.nan), (2.0, math.nan), (9.0, 1.0))
    ]
    rows = deviations(levels, computed, measured, space)
    assert all(list(r) == DEVIATION_COLUMNS for r in rows)
    found = {(r["quantity"].split(",")[0], r["metric"]): r for r in rows}
    assert found["unrelaxed level in 16 atoms", "mae"]["value"] == pytest.approx(0.15)
    assert found["unrelaxed level in 16 atoms", "mae"]["n"] == 2
    assert found["lattice constant", "mae"]["value"] == pytest.approx(0.05)
    assert not any("dielectric" in r["quantity"] for r in rows)
    assert found["predicted level that nobody computed", "rms"]["value"] == pytest.approx(0.3)
    assert found["predicted level that nobody computed", "rms"]["n"] == 2
    assert deviations([], [], {}, []) == []


def test_drift_without_gpaw_is_open_and_says_why():
    missing = card([], drift=[{"difference_eV": "", "message": "no GPAW"}])["live_drift"]
    assert missing["verdict"] == "open"
    assert "no GPAW" in missing["check"]
    both = [{"difference_eV": "0.002"}, {"difference_eV": ""}]
    assert card([], drift=both)["live_drift"]["verdict"] == "open"
    assert card([], drift=[{"difference_eV": "0.002"}])["live_drift"]["verdict"] == "holds"
    assert card([], drift=[{"difference_eV": "-0.2"}])["live_drift"]["verdict"] == "fails"


def test_computed_hosts_replace_measured_ones_only_where_asked(root):
    hosts = read_hosts(root / "resources/levels/hosts.csv")
    rows = [
        {"host": "AlP", "lattice_A": 5.5, "gap_hse_eV": 2.3, "epsilon_electronic": 7.9},
        {"host": "InAs", "lattice_A": 6.2, "gap_hse_eV": -0.1, "epsilon_electronic": 15.0},
    ]
    assert with_computed(hosts, rows, "measured") == hosts
    found = with_computed(hosts, rows, "hse")
    assert found["AlP"] == hosts["AlP"] | {"lattice": 5.5, "gap": 2.3, "epsilon_electronic": 7.9}
    assert found["InAs"]["gap"] == 0
    assert found["Si"] == hosts["Si"]
    literature = read_hosts(root / "resources/levels/hosts.csv", kinds=("literature",))
    assert "gap" not in literature.get("BSb", {})


def test_simulated_errors_are_those_that_the_model_predicts(root):
    from defectra.studies.levels import learnt_kernel
    from defectra.studies.levels.features import defects, scales
    from defectra.studies.levels.intervals import Width
    from defectra.studies.levels.learnt_kernel import LearntKernel
    from defectra.studies.levels.saved import LevelModel

    hosts = read_hosts(root / "resources/levels/hosts.csv")
    names = ["ZnS", "ZnSe", "CdTe", "GaAs", "InP", "AlP"]
    keys = [(h, "M_A", e) for h in names for e in ("Cu", "Al", "P", "Si", "Ge", "Li")]
    described = defects(keys, hosts)
    labels = np.random.default_rng(2).normal(size=(len(keys), 6))
    scored, own = np.ones(len(keys), bool), {h: hosts[h] for h in names}
    kernel = LearntKernel.start(described)
    scale, width = scales(keys, own), Width(0.0, 1.0, 0.0)
    model = LevelModel(keys, labels, scored, own, scale, kernel, width, width, 1.0, 0.9, 4.0)
    rows = simulate(model, [], 60, 1)
    assert {r["host"] for r in rows} == set(names)
    fitted = learnt_kernel.fit(model.rows(), labels, kernel, np.zeros(len(keys), bool))
    charges = (labels * fitted.weights).mean(axis=0).mean()
    for r in rows:
        inside = np.array([k for k, key in enumerate(keys) if key[0] == r["host"]])
        expected = math.sqrt(fitted.without(inside)[1].mean() * charges)
        assert r["simulated_eV"] == pytest.approx(expected, rel=0.15)
        assert r["simulated_lo_eV"] < r["simulated_eV"] < r["simulated_hi_eV"]
        assert math.isnan(r["measured_eV"])


def relaxed(deviation, q_from):
    far = level(atoms=64, value=1.0 + deviation, published=1.0) | {"protocol": "relaxed"}
    return far | {"q_from": q_from, "q_to": q_from - 1}


def test_a_sign_that_is_left_by_relaxed_cells_is_seen():
    donors = [relaxed(d, 1) for d in (-0.31, -0.29, -0.3)]
    acceptors = [relaxed(d, 0) for d in (0.03, -0.03, 0.0)]
    found = card([*donors, *acceptors])
    assert found["live_left_donor"]["verdict"] == "fails"
    assert found["live_left_acceptor"]["verdict"] == "holds"
    assert "mean (-0.3)" in found["live_left_donor"]["check"]
    assert card(donors[:1])["live_left_donor"]["verdict"] != "holds"
    assert card([])["live_left_acceptor"]["verdict"] == "open"
