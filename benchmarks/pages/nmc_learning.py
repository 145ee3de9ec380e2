"""Table of ``docs/nmc_tables.md``: where the learning curves of the blocks lead."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.rows import table
from defectra.core.claims import Rows
from defectra.core.csvs import read_csv
from defectra.studies.nmc.blocks.curves import (
    CURVE_COLUMNS,
    EXPECTED,
    EXPONENT,
    LEARNING_COLUMNS,
    REACHED,
)

HEAD = ["score", "exponent", "measured at most with, training blocks", "expected there",
        "planned, training blocks", "expected there (extrapolated)",
        "training blocks at the aim"]  # fmt: skip
LARGEST = 10_000  # blocks; what lies beyond is given as "more than"
NONE = "No learning curve yet: fewer than three sizes of the training set."


def parts(folder: Path) -> list[str]:
    """Paragraphs from the results of study `nmc` in a folder."""
    rows = read_csv(folder / "blocks/learning.csv", LEARNING_COLUMNS)
    measured = read_csv(folder / "blocks/curves.csv", CURVE_COLUMNS)
    return [
        "### Learning curves",
        "Where the learning curves lead (`blocks/learning.csv`), 90 % intervals. A power law "
        "through the measured numbers of training blocks; what it says beyond them is an "
        "extrapolation, and none of it carries a claim:",
        table(HEAD, laws(rows, measured)) if rows else NONE,
    ]


def laws(rows: Rows, measured: Rows) -> Iterator[list[str]]:
    """A line for each score.

    Parameters
    ----------
    rows, measured
        Rows of ``blocks/learning.csv`` and of ``blocks/curves.csv``; each may be empty.
    """
    known = [float(r["at"]) for r in measured if r["curve"] == "learning"]
    for key in dict.fromkeys((r["target"], r["subset"], r["metric"]) for r in rows):
        own = [r for r in rows if (r["target"], r["subset"], r["metric"]) == key]
        expected = {float(r["at"]): r for r in own if r["quantity"] == EXPECTED}
        last, end = max((n for n in expected if n in known), default=math.nan), max(expected)
        yield [
            _name(*map(str, key)),
            _shown(_only(own, EXPONENT), 2),
            f"{last:.0f}" if last in expected else "none",
            _shown(expected.get(last), 3),
            f"{end:.0f}",
            _shown(expected[end], 3),
            _reached(_only(own, REACHED)),
        ]


def _name(target: str, subset: str, metric: str) -> str:
    where = subset.removeprefix("blocks: ")
    return f"{where}, AUROC" if metric == "auroc" else f"{target}, RMSE per metal atom"


def _only(rows: Rows, quantity: str) -> Mapping[str, Any] | None:
    return next((r for r in rows if r["quantity"] == quantity), None)


def _shown(row: Mapping[str, Any] | None, digits: int) -> str:
    if row is None:
        return "none"
    value, lo, hi = (float(row[k]) for k in ("value", "lo", "hi"))
    return f"{value:.{digits}f} [{lo:.{digits}f}, {hi:.{digits}f}]"


def _reached(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "no aim"
    value, lo, hi = (_count(float(row[k])) for k in ("value", "lo", "hi"))
    return f"{value} [{lo}, {hi}] (aim {float(row['aim']):.2f})"


def _count(n: float) -> str:
    if math.isnan(n):
        return "not known"
    if n == math.inf:
        return "never"
    return f"more than {LARGEST}" if n > LARGEST else f"{math.ceil(n)}"
