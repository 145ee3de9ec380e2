"""Where the package and the project lie, whoever imports them."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
WORKFLOW = PACKAGE.parent
PROJECT = WORKFLOW.parent


def lead_children() -> None:
    """Let the programs that this process starts import this package, whatever is installed."""
    old = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    own = str(WORKFLOW)
    os.environ["PYTHONPATH"] = os.pathsep.join([own, *(p for p in old if p != own)])
