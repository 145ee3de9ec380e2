"""Sentences of the README: what is said first, and what a check has shown or not."""

import pytest

from benchmarks.pages.nmc_summary import summary
from defectra.core.records import Metric, Split
from defectra.studies.nmc.blocks.evaluate import KERNEL
from defectra.studies.nmc.blocks.scores import CLAIMED, SHAPE


def row(pair, edge, value, lo):
    return {
        "target": pair.target, "subset": f"blocks: {pair.name}", "split": str(Split.GROUPED),
        "features": SHAPE + edge, "metric": str(Metric.AUROC), "model": KERNEL,
        "value": value, "lo": lo, "hi": 0.97, "n_groups": 80,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "lo", "said"),
    [(0.92, 0.88, True), (0.92, 0.84, False), (0.89, 0.86, False)],
)
def test_an_edge_that_reaches_the_aim_by_itself_is_said_first(value, lo, said) -> None:
    pair = CLAIMED[0]
    text = summary([], [], [row(pair, "Ni K", value, lo), row(pair, "O K", 0.7, 0.6)])
    first = next(line for line in text.split("\n") if line.startswith("- "))
    assert ("A single edge suffices" in first) is said
    assert (f"{pair.target}, AUROC by Ni K 0.92 [0.88, 0.97]." in first) is said
    assert "O K 0.70" not in first


@pytest.mark.parametrize(
    ("verdict", "lo", "words"),
    [("holds", 0.8, "is shown"), ("fails", 0.1, "is contradicted"), ("open", 0.4, "is not shown")],
)
def test_a_vacancy_in_its_own_cell_is_said_as_its_check_says(verdict, lo, words) -> None:
    check = {"check_id": "vacancy_own_cell", "ours": 0.9, "lo": lo, "hi": 1.0, "n": 12,
             "verdict": verdict}  # fmt: skip
    text = summary([], [check], [row(CLAIMED[0], "Ni K", 0.8, 0.7)])
    line = next(own for own in text.split("\n") if "cell is relaxed" in own)
    assert f"0.90 [{lo:.2f}, 1.00] (12 blocks)" in line
    assert f"detected there as well {words}; the two cells differ in shape as well." in line
    assert "cell is relaxed" not in summary([], [check | {"n": 0}], [])
