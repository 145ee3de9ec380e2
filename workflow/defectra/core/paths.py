"""Where the package and the project lie, whoever imports them."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
WORKFLOW = PACKAGE.parent
PROJECT = WORKFLOW.parent
