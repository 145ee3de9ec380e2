"""The drift check of every study: what was computed again, against the archive."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from defectra.core.claims import Estimate
from defectra.core.records import Status


def largest_difference(rows: Iterable[Mapping[str, Any]], column: str) -> tuple[Estimate, str]:
    """Largest difference of a comparison, and the reasons of the rows that have none.

    What could not be compared may be what moved: with one such row the largest is not known.

    Parameters
    ----------
    rows
        With `column`, in the unit of the bound, `status` and `message`; as numbers or their text.
    """
    found, reasons, count = [], set(), 0
    for row in rows:
        count += 1
        failed = row.get("status") == Status.FAILED or row[column] == ""
        found.append(math.nan if failed else abs(float(row[column])))
        reasons |= {str(row.get("message") or "")} - {""}
    known = [value for value in found if math.isfinite(value)]
    whole = bool(found) and len(known) == count
    return Estimate.exact(max(known) if whole else math.nan, len(known)), "; ".join(sorted(reasons))
