"""Which part of a pattern decides: the answer of a network when a ring or a block gets brighter.

Finite differences of the expected number of disks, which go through recovery, normalisation and
network alike and need no gradient of any of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.studies.speckle.described import PatternSet
from defectra.studies.speckle.physical_inputs import RING
from defectra.studies.speckle.saved_models import SavedModel

Floats = NDArray[np.float64]
Row = dict[str, Any]
BRIGHTER = 0.02  # relative
EACH = 4  # patterns of each number of disks
SHOWN = (3, 12)  # disks of the patterns whose blocks are looked at
BLOCK = 6  # kept pixels along each axis
RING_COLUMNS = ["kind", "model", "ring_pixel", "change", "patterns"]
BLOCK_COLUMNS = ["kind", "model", "number", "row_pixel", "column_pixel", "change"]


def ring_saliency(model: SavedModel, asked: PatternSet) -> list[Row]:
    """Mean size of the change of the answer per relative change of a ring's intensity."""
    distance = model.inputs.distance
    before = _expected(model, asked.intensity)
    rows = []
    for ring in range(int(distance.max()) // RING + 1):
        mask = (distance // RING).astype(int) == ring
        if not mask.any():
            continue
        change = _expected(model, asked.intensity * (1 + BRIGHTER * mask)) - before
        rows.append(
            {
                "kind": model.kind,
                "model": model.name,
                "ring_pixel": ring * RING,
                "change": float(np.mean(np.abs(change)) / BRIGHTER),
                "patterns": len(asked.ids),
            }
        )
    return rows


def block_saliency(model: SavedModel, pattern: PatternSet, step: int) -> list[Row]:
    """Change of the answer of one pattern per relative change of each block's intensity."""
    (intensity,) = pattern.intensity
    rows, columns = intensity.shape
    starts = [(i, j) for i in range(0, rows, BLOCK) for j in range(0, columns, BLOCK)]
    brighter = np.repeat(intensity[None], len(starts), axis=0).astype(np.float64)
    for k, (i, j) in enumerate(starts):
        brighter[k, i : i + BLOCK, j : j + BLOCK] *= 1 + BRIGHTER
    change = _expected(model, brighter) - _expected(model, intensity[None])
    return [
        {
            "kind": model.kind,
            "model": model.name,
            "number": int(pattern.number[0]),
            "row_pixel": i * step,
            "column_pixel": (j - columns // 2) * step,
            "change": float(value / BRIGHTER),
        }
        for (i, j), value in zip(starts, change)
    ]


def _expected(model: SavedModel, patterns: NDArray[np.floating]) -> Floats:
    """Expected number of disks, shape (n,)."""
    return model.ask(patterns) @ np.array(model.classes, dtype=np.float64)
