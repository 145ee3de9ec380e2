"""Scorecard and checks of levels: verdicts follow the numbers, missing tables say why."""

import math

import numpy as np
import pytest

from defectra.core.errors import DataError
from defectra.studies.levels.checks import checks
from defectra.studies.levels.evaluate import (
    BOOSTED,
    DECLARED,
    ELEMENTS,
    ISOTROPIC,
    WITH_HOST,
)
from defectra.studies.levels.hybrid import OWN
from defectra.studies.levels.learning_curves import CURVE_COLUMNS
from defectra.studies.levels.paired import FORM, LEAK, paired_rows
from defectra.studies.levels.scorecard import scorecard
from defectra.studies.levels.settings import LevelsStudy

NAN = math.nan


def metric(
    name, value, subset="all", model=DECLARED, features=WITH_HOST, split="host_out", width=0.01
):
    return {
        "model": model,
        "features": features,
        "split": split,
        "subset": subset,
        "metric": name,
        "n_groups": 34,
        "value": value,
        "lo": value - width,
        "hi": value + width,
    }


def curve(method, rmse, mae=0.3, reason=""):
    row = dict.fromkeys(CURVE_COLUMNS, 0)
    return row | {"method": method, "fraction": 1.0, "n_test": 40, "rmse_groups_eV": rmse,
                  "mae_eV": mae, "reason": reason}  # fmt: skip


def test_checks_follow_the_numbers_and_their_intervals():
    metrics = [
        metric("rmse", 0.38),
        metric("rmse_groups", 0.31, "ordinary hosts", width=0.005),
        metric("coverage_90", 0.92),
        metric("coverage_90", 0.5, "host BN"),
        metric("coverage_90", 0.52, "host C"),
        metric("rmse", 0.39, model=BOOSTED, split="random_5fold"),
        metric("rmse", 0.47, model=BOOSTED, split="grouped_5fold", width=0.1),
        metric("rmse", 0.53, model=BOOSTED, features=ELEMENTS, width=0.1),
    ]
    metrics += [
        metric("rmse", 0.41, "in gap"),
        metric("rmse", 0.44, model=ISOTROPIC),
        metric("rmse_difference", -0.06, model=FORM.name, width=0.05),
        metric("rmse_difference", 0.08, model=LEAK.name, split="grouped_5fold", width=0.1),
        metric("coverage_90", 0.88, "family III-V"),
        metric("coverage_90", 0.94, "family II-VI"),
        metric("coverage_90", 0.82, "chemistry carbides"),
    ]
    own = {r["check_id"]: r for r in checks(metrics, [], [])}
    assert {k: r["verdict"] for k, r in own.items()} == {
        "host_out_rmse": "holds",
        "host_out_rmse_end": "holds",
        "ordinary_rmse": "fails",
        "in_gap_rmse": "open",
        "learnt_form": "holds",
        "coverage_each_family": "holds",
        "coverage_each_chemistry": "fails",
        "hybrid_plain": "open",
        "hybrid_delta": "open",
        "own_hybrid_plain": "open",
        "own_hybrid_delta": "open",
        "coverage": "holds",
        "coverage_hosts": "fails",
        "leak": "open",
        "element_floor": "open",
        "mba_rule": "open",
    }
    assert own["coverage"]["ours"] == pytest.approx(0.02)
    assert own["coverage_hosts"]["n"] == 2
    assert "0.50 to 0.52" in own["coverage_hosts"]["check"]
    assert own["host_out_rmse"]["n"] == 34
    assert own["host_out_rmse_end"]["ours"] == pytest.approx(0.39)
    assert own["coverage_each_family"]["ours"] == pytest.approx(0.04)
    assert "carbides 0.82" in own["coverage_each_chemistry"]["check"]


def test_errors_against_pbe_levels_are_no_claim_of_the_paper():
    card = {r["claim_id"]: r for r in scorecard([], [])}
    assert (card["paper_hse_rmse"]["published"], card["paper_hse_mae"]["published"]) == (0.36, 0.27)
    assert {r["verdict"] for r in card.values()} == {"no data"}


def test_two_fidelities_wait_for_their_table_and_say_so():
    waiting = curve("all", NAN, NAN, "2 HSE levels in 1 hosts: too few") | {"fraction": 0}
    assert "too few" in scorecard([], [waiting])[0]["claim"]
    curves = [curve("single fidelity", 0.5), curve("co-kriging", 0.38), curve("delta", 0.2)]
    card = {r["claim_id"]: r for r in scorecard([], curves)}
    assert card["paper_hse_rmse"]["verdict"] == "reproduced"
    assert card["paper_hse_rmse"]["n"] == 40
    assert card["two_fidelities"]["ours"] == pytest.approx(-0.12)
    # no interval in the table: the value alone does not settle it
    assert card["two_fidelities"]["verdict"] == "not shown"


def test_alignment_is_judged_by_paired_differences():
    rows = [
        {
            "host": host,
            "source": "Foundry table",
            "error_mba_eV": e,
            "error_pbe_eV": p,
            "error_plain_eV": p - 0.2,
            "error_delta_eV": e,
            "mba_eV": 1.0,
            "published_mba_eV": 1.0 + d,
        }
        for host, e, p, d in (
            ("CdS", 0.1, -0.5, 0.0),
            ("CdTe", -0.1, 0.6, 2e-5),
            ("AlP", 0.1, 0.45, NAN),
            ("GaP", NAN, 0.1, 0.0),
        )
    ]
    twice = [*rows, rows[2]]  # a host with two levels counts once
    assert scorecard(twice, [])[-1]["ours"] == scorecard(rows, [])[-1]["ours"]
    own = [r | {"source": f"{OWN}HSE06@PBE", "error_mba_eV": 9.0} for r in rows]
    assert scorecard([*rows, *own], [])[-1]["ours"] == scorecard(rows, [])[-1]["ours"]
    apart = {r["check_id"]: r for r in checks([], [], own)}
    assert apart["hybrid_plain"]["n"] == 0
    assert apart["own_hybrid_plain"]["n"] == 4
    claim = scorecard(rows, [])[-1]
    assert claim["ours"] == pytest.approx(-(0.4 + 0.5 + 0.35) / 3)
    assert (claim["verdict"], claim["n"]) == ("reproduced", 3)
    own = {r["check_id"]: r for r in checks([], rows, rows)}
    assert (own["mba_rule"]["verdict"], own["mba_rule"]["n"]) == ("holds", 3)
    assert own["hybrid_delta"]["verdict"] == "holds"
    assert own["hybrid_plain"]["verdict"] == "open"  # better for one level, worse for three
    own = {r["check_id"]: r for r in checks([], [rows[0] | {"published_mba_eV": 1.1}], [])}
    assert own["mba_rule"]["verdict"] == "fails"


def test_errors_that_vary_together_differ_by_less_than_either_varies():
    """Hosts are hard or easy for both models: the difference is known, the errors are not."""
    draw = np.random.default_rng(4)
    rows = []
    for host, size in enumerate(draw.uniform(0.1, 2.0, 12)):
        for k, error in enumerate(draw.normal(0, size, 20)):
            key = {"host": f"h{host}", "site": "M_A", "impurity": f"e{k}", "q_from": 0}
            for model, more in ((DECLARED, 1.0), (ISOTROPIC, 1.1)):
                rows.append(key | {"model": model, "features": WITH_HOST, "split": "host_out",
                                   "truth": 0.0, "prediction": more * error})  # fmt: skip
    study = LevelsStudy(bootstrap=200)
    (found,) = paired_rows(rows, study, 1)
    assert found["model"] == FORM.name
    assert found["hi"] < 0, "the interval of the difference is clear of zero"
    whole = np.sqrt(np.mean([r["prediction"] ** 2 for r in rows if r["model"] == DECLARED]))
    assert found["value"] == pytest.approx(-0.1 * whole)
    assert found["hi"] - found["lo"] < 0.2 * whole
    with pytest.raises(DataError, match="the same levels"):
        list(paired_rows(rows[:-1], study, 1))
