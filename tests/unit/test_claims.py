"""Verdicts are computed from number and interval; bounds of our own are no claims."""

import math
from dataclasses import replace

import pytest

from defectra.core.claims import (
    CHECK_COLUMNS,
    NOTHING,
    SCORECARD_COLUMNS,
    Check,
    Claim,
    Control,
    Estimate,
    Outcome,
    Verdict,
    estimate,
    outcome,
)
from defectra.core.csvs import read_csv, write_csv
from defectra.core.errors import TableError
from defectra.core.studies import study_names

NAN = math.nan


def number(value, lo=NAN, hi=NAN, n=9):
    return Estimate(value, lo, hi, n)


def claim(published, ours, test, tolerance=NAN, than=NAN):
    return Claim(
        study="s", claim_id="c", claim="text", published=published, ours=ours, test=test,
        tolerance=tolerance, than=than, source="paper",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("published", "ours", "tolerance", "test", "expected"),
    [
        (2.7, (2.9, 2.5, 3.3), 0.3, "equal", Verdict.REPRODUCED),
        (2.7, (2.9, 2.4, 3.4), 0.3, "equal", Verdict.NOT_SHOWN),
        (2.7, (2.9, NAN, NAN), 0.3, "equal", Verdict.REPRODUCED),
        (2.7, (3.2, 2.5, 3.3), 0.3, "equal", Verdict.CLOSE),
        (2.7, (1.0, 0.5, 1.3), 0.3, "equal", Verdict.NOT_REPRODUCED),
        (3.0, (3.0, 3.0, 3.0), 0.0, "equal", Verdict.REPRODUCED),
        (NAN, (1.0, 0.5, 1.3), 0.3, "equal", Verdict.NO_DATA),
        (2.7, (NAN, NAN, NAN), 0.3, "equal", Verdict.NO_DATA),
        (0.2, (0.1, 0.05, 0.19), NAN, "below", Verdict.REPRODUCED),
        (0.2, (0.1, 0.05, 0.21), NAN, "below", Verdict.NOT_SHOWN),
        (0.2, (0.1, NAN, NAN), NAN, "below", Verdict.NOT_SHOWN),
        (0.2, (0.1, NAN, 0.15), NAN, "below", Verdict.REPRODUCED),
        (0.2, (0.3, 0.25, 0.4), NAN, "below", Verdict.NOT_REPRODUCED),
        (0.2, (0.3, 0.15, 0.4), NAN, "below", Verdict.NOT_SHOWN),
        (0.2, (0.3, NAN, NAN), NAN, "below", Verdict.NOT_SHOWN),
    ],
)
def test_claim(published, ours, tolerance, test, expected):
    assert claim(published, number(*ours), test, tolerance).verdict is expected


@pytest.mark.parametrize(
    ("contrary", "ours", "expected"),
    [
        (False, (0.2, 0.1, 0.3), Verdict.REPRODUCED),  # the whole interval decides first
        (False, (-0.2, -0.3, 0.3), Verdict.NOT_SHOWN),  # the contrary has a bound of its own
        (True, (-0.2, -0.3, 0.3), Verdict.NOT_REPRODUCED),
        (True, (0.2, -0.1, 0.3), Verdict.NOT_REPRODUCED),
    ],
)
def test_a_contrary_with_a_bound_of_its_own_decides_what_is_not_reproduced(
    contrary, ours, expected
):
    own = replace(claim(NAN, number(*ours), "above", than=0.0), contrary=contrary)
    assert own.verdict is expected


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ((0.2, 0.1, 0.3), "reproduced"),
        ((0.2, -0.1, 0.3), "not shown"),
        ((-0.2, -0.3, 0.3), "not shown"),
        ((-0.2, -0.3, -0.1), "not reproduced"),
        ((NAN, NAN, NAN), "no data"),
    ],
)
def test_claim_in_words_has_a_verdict_and_no_published_number(ours, expected):
    row = claim(NAN, number(*ours), "above", than=0.0).row()
    assert list(row) == SCORECARD_COLUMNS
    assert row["verdict"] == expected
    assert math.isnan(row["published"])


@pytest.mark.parametrize("ours", [(0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), (0.2, -0.1, 0.3)])
def test_data_that_cannot_decide_a_claim_show_nothing_and_say_why(ours):
    row = replace(claim(NAN, number(*ours), "above", than=0.0), blind="it is put in").row()
    assert row["verdict"] == "not shown"
    assert row["claim"] == "text; cannot be decided here: it is put in"


@pytest.mark.parametrize(
    ("sense", "ours", "expected"),
    [
        ("above", (1.5, 1.1, 2.0), Outcome.HOLDS),
        ("above", (1.5, 0.9, 2.0), Outcome.OPEN),
        ("above", (0.5, 0.1, 0.9), Outcome.FAILS),
        ("above", (1.0, 1.0, 1.0), Outcome.FAILS),
        ("at least", (1.0, 1.0, 1.0), Outcome.HOLDS),
        ("at least", (0.9, 0.9, 0.9), Outcome.FAILS),
        ("below", (1.0, 1.0, 1.0), Outcome.FAILS),
        ("at most", (1.0, 1.0, 1.0), Outcome.HOLDS),
        ("at most", (0.9, 0.8, 1.0), Outcome.HOLDS),
        ("at most", (0.9, 0.8, 1.1), Outcome.OPEN),
        ("at most", (1.2, 1.1, 1.3), Outcome.FAILS),
        ("below", (0.5, NAN, 0.9), Outcome.HOLDS),
        ("below", (0.5, 0.1, NAN), Outcome.OPEN),
        ("below", (1.5, 1.1, NAN), Outcome.FAILS),
        ("above", (1.5, NAN, 2.0), Outcome.OPEN),
        ("at least", (5.0, NAN, NAN), Outcome.OPEN),
        ("at most", (NAN, NAN, NAN), Outcome.OPEN),
    ],
)
def test_check(sense, ours, expected):
    assert outcome(1.0, number(*ours), sense) is expected
    assert outcome(NAN, number(*ours), sense) is Outcome.OPEN


def control(ours, guarded=0.3, blind=""):
    return Control(
        study="s", check_id="c", check="text", no_skill=0.5, ours=number(*ours), guarded=guarded,
        fails_if="a leak", blind=blind,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "guarded", "blind", "expected"),
    [
        ((0.52, 0.42, 0.62), 0.3, "", Outcome.HOLDS),
        ((0.40, 0.35, 0.45), 0.3, "", Outcome.HOLDS),  # worse than a guess is no leak
        ((0.62, 0.55, 0.70), 0.3, "", Outcome.FAILS),
        ((0.52, 0.10, 0.90), 0.3, "", Outcome.OPEN),  # would have missed what it guards
        ((0.52, 0.42, 0.62), 0.05, "", Outcome.OPEN),
        ((0.52, 0.42, 0.62), NAN, "", Outcome.OPEN),  # nothing to guard
        ((0.50, 0.50, 0.50), 0.3, "", Outcome.OPEN),  # answers that do not vary
        ((0.52, 0.42, 0.62), 0.3, "cannot fail: constant", Outcome.OPEN),
        ((NAN, NAN, NAN), 0.3, "", Outcome.OPEN),
    ],
)
def test_negative_control(ours, guarded, blind, expected):
    made = control(ours, guarded, blind)
    assert made.verdict is expected
    row = made.row()
    assert list(row) == CHECK_COLUMNS
    assert row["fails_if"] == (blind or "a leak")


def test_a_control_says_what_it_would_have_seen():
    assert control((0.52, 0.42, 0.62)).smallest == pytest.approx(0.1)
    assert "would have seen 0.1, effect that it guards 0.3" in control((0.52, 0.42, 0.62)).row()[
        "check"
    ]  # fmt: skip
    assert "would have seen" not in control((0.52, 0.42, 0.62), blind="constant").row()["check"]


@pytest.mark.parametrize(
    ("ours", "target", "expected"),
    [
        ((0.92, 0.88, 0.95), 0.9, (0.02, 0.0, 0.05)),
        ((0.95, 0.93, 0.97), 0.9, (0.05, 0.03, 0.07)),
        ((0.80, 0.75, 0.85), 0.9, (0.10, 0.05, 0.15)),
        ((0.80, 0.80, 0.80), 0.9, (0.10, 0.10, 0.10)),
    ],
)
def test_distance_holds_those_of_the_whole_interval(ours, target, expected):
    assert number(*ours).distance(target)[:3] == pytest.approx(expected)


def test_distance_of_one_end_alone_has_no_interval():
    value, lo, hi, _ = number(0.8, NAN, 0.85).distance(0.9)
    assert value == pytest.approx(0.1)
    assert math.isnan(lo)
    assert math.isnan(hi)


def test_means_exact_numbers_and_nothing():
    assert Estimate.mean([1.0, 3.0])[:3] == pytest.approx((2, 2 - 6.313752, 2 + 6.313752))
    assert Estimate.mean([1.0]).n == 1
    assert math.isnan(Estimate.mean([1.0]).lo)
    assert Estimate.mean([]) is NOTHING
    assert Estimate.exact(NAN, 4) is NOTHING
    assert Estimate.exact(3, 4) == (3.0, 3.0, 3.0, 4)


def test_repeats_are_averaged_and_a_missing_number_is_none():
    rows = [
        {"metric": "rmse", "seed": s, "value": v, "lo": v - 1, "hi": v + 1, "n_groups": 7.0}
        for s, v in ((1, 2.0), (2, 4.0))
    ]
    assert estimate(rows, metric="rmse") == (3.0, 2.0, 4.0, 7)
    assert estimate(rows, metric="mae") is NOTHING
    assert estimate([*rows, rows[0] | {"value": NAN}], metric="rmse") is NOTHING


def test_what_was_not_computed_says_why_in_the_tables(tmp_path):
    check = Check(study="s", check_id="c", check="text", bound=1.0, sense="below", ours=NOTHING,
                  fails_if="x", missing="no engine")  # fmt: skip
    write_csv(tmp_path / "c.csv", [check.row()], CHECK_COLUMNS)
    (row,) = read_csv(tmp_path / "c.csv", CHECK_COLUMNS)
    assert row["check"].endswith("not computed: no engine")
    assert math.isnan(row["ours"])
    assert (row["verdict"], row["bound"], row["n"]) == ("open", 1.0, 0.0)
    unknown = check.row() | Check(
        study="s", check_id="c", check="text", bound=1.0, sense="below", ours=number(0.5),
        fails_if="x",
    ).row()  # fmt: skip
    assert (unknown["verdict"], unknown["check"][-25:]) == ("open", "its interval is not known")


def empty_tables():
    """Rows of every scorecard and checks table without any input."""
    from defectra.studies.levels import checks as level_checks
    from defectra.studies.levels import checks_computed
    from defectra.studies.levels import scorecard as level_card
    from defectra.studies.nmc import checks as nmc_checks
    from defectra.studies.nmc import scorecard as nmc_card
    from defectra.studies.perovskites import checks as perovskite_checks
    from defectra.studies.perovskites import scorecard as perovskite_card
    from defectra.studies.xanes import checks as xanes_checks
    from defectra.studies.xanes import scorecard as xanes_card

    levels = level_checks.checks([], [], []) + checks_computed.checks_computed([], [])
    return {
        "levels": (level_card.scorecard([], []), levels),
        "nmc": (nmc_card.scorecard([], [], []), nmc_checks.checks(nmc_checks.Tables())),
        "perovskites": (
            perovskite_card.scorecard([]),
            perovskite_checks.checks(perovskite_checks.Tables()),
        ),
        "xanes": (xanes_card.scorecard([], []), xanes_checks.checks([], [], [])),
    }


def test_no_bound_of_our_own_is_a_claim_and_every_check_says_when_it_fails():
    tables = empty_tables()
    assert set(tables) <= set(study_names())  # later studies: tests/studies/<study>
    for study, (claims, checks) in tables.items():
        ids = [r["claim_id"] for r in claims] + [r["check_id"] for r in checks]
        assert len(ids) == len(set(ids))
        for row in claims:
            assert list(row) == SCORECARD_COLUMNS
            assert row["source"]
            assert not row["source"].lower().startswith("own"), row["claim_id"]
            assert row["verdict"] == "no data"
            assert not math.isfinite(row["published"]) or "not computed: " in row["claim"]
        for row in checks:
            assert list(row) == CHECK_COLUMNS
            assert row["study"] == study
            assert len(row["fails_if"].split()) > 2, row["check_id"]
            # the counts of what is there are zero without tables, and fail
            assert row["verdict"] == "open" or row["ours"] == 0


def test_an_empty_file_is_no_table(tmp_path):
    (tmp_path / "c.csv").touch()
    with pytest.raises(TableError, match=r"c\.csv: columns"):
        read_csv(tmp_path / "c.csv", CHECK_COLUMNS)
