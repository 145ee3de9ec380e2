"""Rows with which every figure of study `speckle` is drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from defectra.engines.speckle.engine import ANALYTIC, PIXEL
from defectra.engines.speckle.rings import Rings
from defectra.studies.speckle import models
from defectra.studies.speckle.evaluate import Right
from defectra.studies.speckle.models import HIDDEN
from defectra.studies.speckle.samples import EQUAL, TEST, UNEQUAL, set_name

SCORE = {"model": models.NETWORK, "metric": str(Right.EXACT), "features": HIDDEN,
         "subset": set_name(EQUAL, TEST), "n_train": 2090, "value": 0.9, "lo": 0.85,
         "hi": 0.95}  # fmt: skip
MOMENT = {"number": 3, "form": ANALYTIC, "first_moment": 61.4, "standard_error": 0.05,
          "published": 61.3, "published_standard_error": 0.2}  # fmt: skip


def _shown(rows: list[dict[str, Any]]) -> list[tuple[str, np.ndarray]]:
    return [("disks", np.full((9, 9), r["value"])) for r in rows if not math.isnan(r["value"])]


def _rings(rows: list[dict[str, Any]]) -> tuple[dict[int, np.ndarray], dict[int, Rings]]:
    """Ours of each row, theirs of the first."""
    ours = {k: np.full((2, 5), r["value"]) for k, r in enumerate(rows, 2)}
    theirs = {2: Rings(np.ones(5), np.ones(5), 60.0)} if rows else {}
    return ours, theirs


CASES = {
    "speckle.models.plot_accuracy": (
        [SCORE, SCORE | {"subset": f"{set_name(UNEQUAL, TEST)}, other"}], lambda rows: (rows,)
    ),
    "speckle.models.plot_confusion": (
        [{"kind": EQUAL, "model": models.NETWORK, "number": 3, "predicted": 4, "patterns": 7},
         {"kind": EQUAL, "model": models.NETWORK, "number": 4, "predicted": 4, "patterns": 7}],
        lambda rows: (rows,),
    ),
    "speckle.models.plot_photons": (
        [SCORE | {"subset": f"{set_name(EQUAL, TEST)}, 1e+04 photons"}], lambda rows: (rows,)
    ),
    "speckle.models.plot_saliency": (
        [{"kind": EQUAL, "model": models.NETWORK, "ring_pixel": 3.0, "change": 0.1, "number": 3.0,
          "row_pixel": 1.0, "column_pixel": 2.0}],
        lambda rows: (rows, [r for r in rows if not math.isnan(r["number"])]),
    ),
    "speckle.patterns.plot_patterns": ([{"value": 5.0}], lambda rows: (_shown(rows), 4)),
    "speckle.patterns.plot_moments": (
        [MOMENT, MOMENT | {"form": PIXEL, "published": math.nan}], lambda rows: (rows, 0.45)
    ),
    "speckle.patterns.plot_profiles": ([{"value": 2.0}], _rings),
}  # fmt: skip
