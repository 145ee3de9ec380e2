"""The looks at the blocks before all of them are there: kept, and shown as they are kept."""

from __future__ import annotations

import pytest

from benchmarks.pages import nmc_looks
from benchmarks.pages.nmc_results import PAGES, table
from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import METRICS_COLUMNS
from defectra.report.marked import within
from defectra.studies.nmc.checks import Tables, checks

PAGE = next(iter(PAGES))
MARKS = ("<!-- nmc_looks begin -->", "<!-- nmc_looks end -->")


def metric(value, blocks):
    return dict.fromkeys(METRICS_COLUMNS, "") | {
        "target": "vacancy", "features": "shape: all", "model": "kernel", "metric": "auroc",
        "split": "grouped_5fold", "subset": "blocks: vacancy against pristine",
        "n_groups": blocks, "value": value, "lo": value - 0.1, "hi": value + 0.1,
    }  # fmt: skip


def test_the_page_shows_the_looks_that_are_kept():
    kept = table(*nmc_looks.looks())
    assert within(PAGE.read_text(encoding="utf-8"), MARKS).strip() == kept


def test_a_look_is_added_once_and_a_later_one_with_as_many_blocks_replaces_it(tmp_path):
    path = tmp_path / "looks.csv"
    write_csv(path, [], nmc_looks.COLUMNS)
    checks = [{"check_id": "experiment_x_Li_peak", "ours": 0.2, "lo": 0.1, "hi": 0.3, "n": 14}]
    nmc_looks.add(checks, [metric(0.8, 30)], path)
    nmc_looks.add(checks, [metric(0.7, 12)], path)
    nmc_looks.add(checks, [metric(0.9, 30)], path)
    nmc_looks.add([], [], path)  # nothing was evaluated
    rows = read_csv(path, nmc_looks.COLUMNS)
    assert [int(r["blocks"]) for r in rows] == [12, 12, 30, 30]
    head, lines = nmc_looks.looks(path)
    assert head == ["blocks", "12", "30"]
    found = {line[0]: line[1:] for line in lines}
    assert found["vacancy against pristine: AUROC"] == ["0.700", "0.900"]
    assert found["lithium of measured electrodes by peak position: RMSE"] == ["0.200", "0.200"]
    assert read_csv(path, nmc_looks.COLUMNS)[0]["value"] == pytest.approx(0.7)


def test_every_check_that_a_look_keeps_is_one_of_the_study():
    kept = {*nmc_looks.SEEN, *(f"experiment_x_Li_{name}" for name in nmc_looks.METHODS)}
    assert kept <= {row["check_id"] for row in checks(Tables())}


def test_the_history_of_a_gain_names_the_looks_that_showed_it_and_those_that_did_not(tmp_path):
    path, pair = tmp_path / "looks.csv", "vacancy against pristine"
    ends = {10: -0.1, 12: 0.1, 17: 0.02, 24: -0.01, 32: 0.002}  # lower end
    rows = [
        {"blocks": n, "quantity": f"{pair}: {nmc_looks.GAIN}", "value": 0.2, "lo": lo, "hi": 0.3}
        for n, lo in ends.items()
    ]
    write_csv(path, rows, nmc_looks.COLUMNS)
    assert nmc_looks.history(pair, 32, path) == "shown with 12, 17 and not shown with 10, 24 blocks"
    assert nmc_looks.history(pair, 12, path) == "not shown with 10 blocks"
    assert nmc_looks.history(pair, 10, path) == "no look before"
