"""Rows with which every figure of study `xrd` is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from defectra.core.records import Metric
from defectra.studies.xrd.alloys import Alloys, grid_of
from defectra.studies.xrd.interpolation import LINE
from defectra.studies.xrd.learning import AUTOENCODER, LIKE
from defectra.studies.xrd.settings import XrdStudy

STUDY = XrdStudy()
ANGLES = grid_of(STUDY).points
ALLOY = {"x": 0.5, "y": 0.0, "height": 1000.0}
PREDICTED = {"content": "titanium", "set": LIKE, "model": AUTOENCODER, "held": 0.5,
             "predicted": 0.6}  # fmt: skip
ERROR = {"target": "titanium content", "subset": LIKE, "model": AUTOENCODER,
         "metric": str(Metric.RMSE), "value": 0.1, "lo": 0.05, "hi": 0.2}  # fmt: skip


def _alloys(rows: Sequence[dict[str, Any]]) -> Alloys:
    """An alloy for each row: one reflection at 42 degrees."""
    known = [r for r in rows if not math.isnan(r["height"])]
    peak = np.exp(-(((ANGLES - 42.0) / 0.3) ** 2))
    patterns = np.array([[r["height"] * peak] * 3 for r in known]).reshape(-1, 3, len(ANGLES))
    x, y = (np.array([r[k] for r in known], float) for k in ("x", "y"))
    return Alloys(patterns, x, y, [f"a/{k}" for k in range(len(known))])


CASES = {
    "xrd.patterns.plot_patterns": (
        [ALLOY, ALLOY | {"x": 0.0}, ALLOY | {"x": 1.0, "y": 0.25}],
        lambda rows: (_alloys(rows), _alloys(rows), STUDY, 1),
    ),
    "xrd.patterns.plot_relevance": (
        [{"hkl": "3 2 1", "two_theta_deg": 42.6, "intensity": 1.0, "relevance": 0.05,
          "signal": 0.3},
         {"hkl": "3 2 3", "two_theta_deg": 71.5, "intensity": 0.2, "relevance": 0.5,
          "signal": 0.2}],
        lambda rows: (rows, _alloys([ALLOY] if rows else []), STUDY),
    ),
    "xrd.contents.plot_plane": (
        [{"model": AUTOENCODER, "set": LIKE, "x": 0.5, "y": 0.1, "first": 0.3, "second": -1.0}],
        lambda rows: (rows,),
    ),
    "xrd.contents.plot_contents": (
        [PREDICTED | ERROR], lambda rows: (rows, rows)
    ),
    "xrd.contents.plot_interpolation": (
        [{"method": LINE, "distance": 0.125, "rmse": 0.1}], lambda rows: (rows,)
    ),
}  # fmt: skip
