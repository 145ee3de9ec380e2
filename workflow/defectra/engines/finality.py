"""Whether what became of a calculation is decided, or may be the machine's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from defectra.campaign.engine import TRIED_AGAIN


def is_final(engine: str, row: Mapping[str, Any], files: Mapping[str, bytes] | None) -> bool:  # noqa: ARG001
    """Whether the result, or the failure, of a calculation is not to be computed again."""
    return row.get("error_class", "") not in TRIED_AGAIN
