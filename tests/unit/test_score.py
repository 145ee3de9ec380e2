"""The lithium series recovers what was planted; scorecard and checks read it."""

import math

import numpy as np
import pytest
from planted import GRIDS, ONSET, SERIES, curve, series, world
from scipy.stats import t

from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
from defectra.core.csvs import read_csv, write_csv
from defectra.spectra.peaks import peak_position
from defectra.studies.nmc.checks import Tables, checks
from defectra.studies.nmc.lithium import (
    FIXED,
    LITHIUM_COLUMNS,
    NI_MEAN,
    NI_SITES,
    O_PRE_EDGE,
    RELAXATION,
    TOTAL,
    lithium_rows,
)
from defectra.studies.nmc.scorecard import scorecard

NAN = math.nan


SCATTER = 0.05  # eV, between one ordering and the next


def measured(fixed=1.5, total=2.6, skip=(), growth=0.5, grids=GRIDS, scatter=SCATTER):
    cells = series()
    order = sorted({c["family"] for c in cells})
    calcs, spectra = [], []
    for lithium, geometry, move in (
        (1.0, "chgnet", 0.0),
        (0.2, "chgnet-parent", fixed),
        (0.2, "chgnet", total),
    ):
        if geometry in skip:
            continue

        def shape(cell, edge, energy, label, move=move, out=lithium < 1):
            onset, rank = ONSET[edge], order.index(cell["family"]) - (len(order) - 1) / 2
            peaks = [(onset + 12 + move + out * scatter * rank, 1.2, 2.0)]
            if edge == "O K":
                grown = growth * out * (1 + scatter * rank)
                peaks = [(onset + 14, 1.2, 2.0), (onset + 2.5, 0.4 + grown, 0.8)]
            return curve(energy, onset, peaks)

        some = [c for c in cells if c["lithium"] == lithium]
        _, new, more = world(some, ["Ni K", "O K"], shape, geometry=geometry, sites=6)
        calcs += new
        spectra += more
    rows = lithium_rows(cells, calcs, spectra, grids, SERIES, "fast")
    return {(r["quantity"], r["part"]): r for r in rows}


def test_planted_shift_and_its_parts_come_back():
    found = measured()
    for name in (NI_MEAN, NI_SITES):
        assert found[name, TOTAL]["value"] == pytest.approx(2.6, abs=0.15)
        assert found[name, FIXED]["value"] == pytest.approx(1.5, abs=0.15)
        parts = [found[name, p]["value"] for p in (FIXED, RELAXATION)]
        assert sum(parts) == pytest.approx(found[name, TOTAL]["value"])
    assert found[NI_MEAN, TOTAL]["n_orderings"] == len({c["family"] for c in series()})
    assert found[O_PRE_EDGE, TOTAL]["lo"] > 1.05
    assert found[O_PRE_EDGE, RELAXATION]["value"] == pytest.approx(1.0)


def test_intervals_are_those_of_a_few_orderings():
    rows = measured(scatter=0.2)
    found = rows[NI_MEAN, TOTAL]
    count = found["n_orderings"]
    moved = 0.2 * np.arange(count)
    half = t.ppf(0.95, count - 1) * moved.std(ddof=1) / np.sqrt(count)  # a bootstrap: 0.6 of it
    assert found["hi"] - found["value"] == pytest.approx(half, rel=0.2)
    assert found["value"] - found["lo"] == pytest.approx(half, rel=0.2)
    ratio = rows[O_PRE_EDGE, TOTAL]
    assert ratio["value"] / ratio["lo"] == pytest.approx(ratio["hi"] / ratio["value"])
    alike = measured(scatter=0.0)[NI_MEAN, TOTAL]  # equal orderings do not show that all are
    assert np.isnan(alike["lo"])


def test_no_shift_gives_zero_and_no_growth_gives_one():
    found = measured(0.0, 0.0, growth=0.0, scatter=0.0)
    assert found[NI_MEAN, TOTAL]["value"] == pytest.approx(0.0, abs=1e-9)
    assert found[O_PRE_EDGE, TOTAL]["value"] == pytest.approx(1.0)


def test_a_declared_shift_changes_nothing_of_the_series():
    moved = {n: g.model_copy(update={"shift": -4.5}) for n, g in GRIDS.items()}
    a, b = measured(), measured(grids=moved)
    for key in ((NI_MEAN, TOTAL), (O_PRE_EDGE, TOTAL)):
        assert b[key]["value"] == pytest.approx(a[key]["value"], abs=0.02)


def test_missing_states_are_nan_with_a_reason():
    found = measured(skip=("chgnet-parent",))
    assert found[NI_MEAN, TOTAL]["value"] == pytest.approx(2.6, abs=0.15)
    assert math.isnan(found[NI_MEAN, FIXED]["value"])
    assert "without both states" in found[NI_MEAN, FIXED]["reason"]
    empty = lithium_rows([], [], [], GRIDS, SERIES, "fast")
    assert len(empty) == 9
    assert all(math.isnan(r["value"]) and r["reason"] for r in empty)


def test_peak_between_grid_points():
    energy = np.arange(0, 20, 0.25)
    mu = -((energy[None] - np.array([[7.31], [12.0]])) ** 2)
    np.testing.assert_allclose(peak_position(energy, mu), [7.31, 12.0])
    assert np.isnan(peak_position(energy, energy))


def test_scorecard_and_checks_read_what_was_written(tmp_path):
    rows = list(measured().values())
    write_csv(tmp_path / "l.csv", rows, LITHIUM_COLUMNS)
    lithium = read_csv(tmp_path / "l.csv", LITHIUM_COLUMNS)
    drift = [{"status": "ok", "relative_rms": 2e-4}]
    failed = [*drift, {"status": "failed", "relative_rms": NAN, "message": "no engine"}]
    assert checks(Tables(lithium=lithium, drift=failed))[-1]["verdict"] == "open"
    assert "no engine" in checks(Tables(lithium=lithium, drift=failed))[-1]["check"]
    card = {r["claim_id"]: r for r in scorecard([], lithium, [])}
    own = {r["check_id"]: r for r in checks(Tables(lithium=lithium, drift=drift))}
    assert card["ni_k_shift"]["verdict"] == "reproduced"
    assert card["ni_k_shift"]["n"] == len({c["family"] for c in series()})
    assert card["ni_k_shift"]["lo"] <= card["ni_k_shift"]["ours"] <= card["ni_k_shift"]["hi"]
    assert card["vacancy_gain"]["verdict"] == "no data"
    assert {r["source"].split(",")[0] for r in card.values()} == {
        "arXiv:2310.07049",
        "arXiv:2501.08919",
    }
    assert {own[n]["verdict"] for n in ("ni_k_shift_fixed", "o_k_pre_edge", "drift")} == {"holds"}
    assert own["drift"]["n"] == 1
    for name, found, columns in (("s", card, SCORECARD_COLUMNS), ("c", own, CHECK_COLUMNS)):
        assert all(list(r) == columns for r in found.values())
        write_csv(tmp_path / f"{name}.csv", found.values(), columns)
        again = read_csv(tmp_path / f"{name}.csv", columns)
        assert [r["verdict"] for r in again] == [r["verdict"] for r in found.values()]


def test_a_series_without_a_state_says_why_it_has_no_number():
    lithium = list(measured(skip=("chgnet-parent",)).values())
    own = {r["check_id"]: r for r in checks(Tables(lithium=lithium))}
    assert own["ni_k_shift_fixed"]["verdict"] == "open"
    assert "without both states" in own["ni_k_shift_fixed"]["check"]
    assert own["drift"]["verdict"] == "open"
    assert (
        checks(Tables(lithium=lithium, drift=[{"status": "ok", "relative_rms": 2e-2}]))[-1][
            "verdict"
        ]
        == "fails"
    )


def test_a_table_without_any_number_reads_as_nan(tmp_path):
    import math

    from defectra.core.csvs import read_csv, write_csv

    nan, columns = float("nan"), ["value", "gap_eV", "time_s", "note", "s", "reason"]
    written = dict.fromkeys(columns, nan) | {"note": "", "s": "", "reason": "none"}
    write_csv(tmp_path / "t.csv", [written], columns)
    (row,) = read_csv(tmp_path / "t.csv", columns)
    assert [math.isnan(row[name]) for name in columns[:3]] == [True] * 3
    assert (row["note"], row["s"], row["reason"]) == ("", "", "none")
