"""The campaigns of the workflow's tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from fixtures import copy, finished

__all__ = ["copy", "finished"]
