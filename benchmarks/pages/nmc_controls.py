"""Tables of ``docs/nmc_tables.md`` on the controls of study `nmc`: metadata, stable weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.pages.nmc_summary import shown
from benchmarks.rows import table
from defectra.core.claims import Estimate, Rows
from defectra.core.csvs import read_csv
from defectra.core.records import METRICS_COLUMNS, Metric
from defectra.studies.nmc.blocks.claims import score
from defectra.studies.nmc.blocks.controls import COLUMN
from defectra.studies.nmc.blocks.evaluate import NONE
from defectra.studies.nmc.blocks.scores import CLAIMED
from defectra.studies.nmc.blocks.weight_checks import halves
from defectra.studies.nmc.blocks.weights import WEIGHT_COLUMNS
from defectra.studies.nmc.first.volume_checks import CHANCE

METADATA_COLUMNS = ["column", *(f"{p.name}: pairs in which it is larger" for p in CLAIMED)]
HALVES = ["defect", "edge", "cosine between halves, as fixed", "steadier model", "blocks"]
SHOWN = 6  # columns; the others are in metrics.csv


def parts(folder: Path) -> list[str]:
    """Both tables with what they show, from a results folder of the study."""
    metrics = read_csv(folder / "metrics.csv", METRICS_COLUMNS)
    weights = read_csv(folder / "blocks/weights.csv", WEIGHT_COLUMNS)
    return [
        "### Metadata by column, and weights of two halves",
        "Metadata by column, no model: share of pairs in which it is larger in the cell with the "
        "defect, for the columns that differ most. Equal in both cells of every pair, so that they "
        f"say nothing: {equal(metrics)}.",
        table(METADATA_COLUMNS, varying(metrics)),
        "Weights over energy of two disjoint halves of the blocks with other jitters: mean cosine "
        "over the ways to cut them; in brackets where 90 % of the ways lie (no interval). Steadier "
        "model: mean of eight, with the largest penalty within one standard error:",
        table(HALVES, weight_halves(weights)),
    ]


def varying(metrics: Rows) -> Iterator[list[str]]:
    """Columns of the metadata that differ most in either defect."""
    found = _columns(metrics)
    order = sorted(found, key=lambda n: -max(abs(e.value - CHANCE) for e in found[n]))
    for name in order[:SHOWN]:
        if not _is_equal(found[name]):
            yield [name, *(shown(e) for e in found[name])]


def equal(metrics: Rows) -> str:
    """Names of the columns that are equal in both arms of every pair, in words."""
    names = [n for n, own in _columns(metrics).items() if _is_equal(own)]
    return ", ".join(names) if names else "none"


def weight_halves(weights: Rows) -> Iterator[list[str]]:
    """Cosine between the weights of disjoint halves of the blocks, by edge."""
    for pair in CLAIMED:
        steady = halves(weights, pair.target, "steady_")
        for edge, found in halves(weights, pair.target).items():
            yield [pair.target, edge, shown(found), shown(steady[edge]), str(found.n)]


def _columns(metrics: Rows) -> dict[str, list[Estimate]]:
    features = [str(r["features"]) for r in metrics if str(r["features"]).startswith(COLUMN)]
    return {
        name.removeprefix(COLUMN): [
            score(metrics, pair, name, Metric.WIN_RATE, NONE) for pair in CLAIMED
        ]
        for name in dict.fromkeys(features)
    }


def _is_equal(found: list[Estimate]) -> bool:
    return all(e.value == e.lo == e.hi == CHANCE for e in found)
