"""Tables of ``docs/nmc_tables.md`` about the campaign: its cost, and neighbours of defects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.pages.nmc_summary import shown
from benchmarks.rows import table
from defectra.core.claims import Estimate, Rows
from defectra.core.csvs import read_csv
from defectra.studies.nmc.blocks.statistics import (
    CAMPAIGN_COLUMNS,
    MISSING,
    OF_ARM,
    OF_BLOCK,
    RELAXED,
    STATES,
    WHOLE,
)
from defectra.studies.nmc.blocks.strata import STRATA_COLUMNS


def parts(folder: Path) -> list[str]:
    """Text and tables; nothing where a run has no such table."""
    out = []
    for name, columns, make in (
        ("campaign", CAMPAIGN_COLUMNS, campaign),
        ("strata", STRATA_COLUMNS, strata),
    ):
        path = folder / f"blocks/{name}.csv"
        if path.exists() and (rows := read_csv(path, columns)):
            out += make(rows)
    return out


def campaign(rows: Rows) -> list[str]:
    """Blocks, status and CPU time; sums over the edges."""
    wanted = (WHOLE, OF_ARM, OF_BLOCK, MISSING, *STATES)
    own = [
        [str(r["quantity"]), str(r["protocol"]), f"{_shown(r)} {r['unit']}", f"{float(r['n']):.0f}"]
        for r in rows
        if r["quantity"] in wanted and r["arm"] == "all" and r["composition"] == "all"
        and r["edge"] in ("all", RELAXED) and r["lithium"] != r["lithium"]
    ]  # fmt: skip
    text = "The campaign itself (`blocks/campaign.csv`), 90 % intervals:"
    return ["### The campaign", text, table(["quantity", "part", "value", "n"], own)]


def strata(rows: Rows) -> list[str]:
    """Win rates by neighbours; chosen after a look."""
    own = [
        [*(str(r[k]) for k in ("defect", "stratum", "edges")), _shown(r), f"{float(r['n']):.0f}"]
        for r in rows
    ]
    text = (
        "Share of pairs won by what stands next to the defect (`blocks/strata.csv`). It was chosen "
        "after a look at the blocks and carries no claim:"
    )
    head = "### Neighbours of the defect"
    return [head, text, table(["defect", "blocks with", "edges", "pairs won", "blocks"], own)]


def _shown(row: Mapping[str, Any]) -> str:
    value, lo, hi, n = (float(row[k]) for k in ("value", "lo", "hi", "n"))
    if lo == hi:
        return f"{value:g}"
    return shown(Estimate(value, lo, hi, int(n)))
