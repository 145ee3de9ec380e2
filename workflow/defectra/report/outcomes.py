"""What a run found, in the README of a study: ``python -m defectra.report.outcomes RESULTS STUDY``.

Scorecard and checks of a run, between two marks of the README, so that no number there is typed.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS
from defectra.core.csvs import read_csv
from defectra.core.errors import reports_errors
from defectra.core.paths import need_checkout
from defectra.core.studies import study_folder, study_names
from defectra.report.marked import put

MARKS = ("<!-- outcomes: written from a run -->", "<!-- end of outcomes -->")
Rows = Sequence[Mapping[str, Any]]


def outcomes(scorecard: Rows, checks: Rows) -> str:
    """Both tables in markdown; intervals are 90 %."""
    lines = ["| claim | published | found | verdict |", "| --- | --- | --- | --- |"]
    lines += [_line(r, "claim", "published") for r in scorecard]
    lines += ["", "| check | bound | found | verdict |", "| --- | --- | --- | --- |"]
    lines += [_line(r, "check", "bound") for r in checks]
    return "\n".join(lines)


def _line(row: Mapping[str, Any], text: str, reference: str) -> str:
    ours, lo, hi = (_number(row[k]) for k in ("ours", "lo", "hi"))
    ends = f" [{lo}, {hi}]" if lo and (lo, hi) != (ours, ours) else ""
    words = str(row[text]).replace("|", "/").replace("\n", " ")
    found = f"{ours}{ends} {row['unit']}".strip() if ours else "none"
    return f"| {words} | {_number(row[reference])} | {found} | {row['verdict']} |"


def _number(value: object) -> str:
    """Three digits; empty of no number."""
    number = float(str(value)) if value not in ("", None) else math.nan
    return f"{number:.3g}" if math.isfinite(number) else ""


@reports_errors
def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Outcomes of a run into the README of a study.")
    parser.add_argument("results", type=Path, help="folder results/ of the run")
    parser.add_argument("study", choices=study_names())
    args = parser.parse_args()
    need_checkout()
    folder, readme = args.results / args.study, study_folder(args.study) / "README.md"
    scorecard = read_csv(folder / "scorecard.csv", SCORECARD_COLUMNS)
    checks = read_csv(folder / "checks.csv", CHECK_COLUMNS)
    put(readme, MARKS, outcomes(scorecard, checks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
