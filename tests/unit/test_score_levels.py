"""Scorecard of levels: no verdict where the target differs or the data are missing."""

from defectra.core.records import SCORECARD_COLUMNS
from defectra.studies.levels.evaluate import DECLARED, WITH_HOST
from defectra.studies.levels.scorecard import scorecard


def metric(name, value, subset="all"):
    return {
        "model": DECLARED,
        "features": WITH_HOST,
        "split": "host_out",
        "subset": subset,
        "metric": name,
        "value": value,
        "lo": value - 0.01,
        "hi": value + 0.01,
    }


def test_verdicts_follow_the_numbers():
    metrics = [
        metric("rmse", 0.42),
        metric("rmse_groups", 0.36),
        metric("rmse_groups", 0.31, "ordinary hosts"),
        metric("coverage_90", 0.92),
        metric("coverage_90", 0.5, "host BN"),
    ]
    card = {r["claim_id"]: r for r in scorecard(metrics, [], [], [])}
    assert all(list(r) == SCORECARD_COLUMNS for r in card.values())
    assert card["host_out_rmse"]["verdict"] == "reproduced"
    assert card["ordinary_rmse"]["verdict"] == "not reproduced"
    assert card["coverage"]["verdict"] == "reproduced"
    assert card["coverage_hosts"]["verdict"] == "not reproduced"


def test_another_target_has_no_verdict_even_where_the_numbers_agree():
    card = {r["claim_id"]: r for r in scorecard([metric("rmse_groups", 0.36)], [], [], [])}
    assert card["paper_rmse"]["verdict"] == "data not available"
    assert "0.36" in card["paper_rmse"]["claim"]
    assert card["paper_rmse"]["ours"] == 0.36


def test_two_fidelities_wait_for_their_table():
    card = {r["claim_id"]: r for r in scorecard([], [], [], [])}
    for name in ("two_fidelities", "paper_hse_rmse", "mba_rule", "space_krr"):
        assert card[name]["verdict"] == "data not available"
