"""The README says first that a single edge reaches the aim, where one does."""

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
