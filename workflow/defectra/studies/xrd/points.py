"""Points of the plane, for the figure and for whoever wants to look at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from defectra.studies.xrd.alloys import Alloys, disturbed, grid_of, normalised
from defectra.studies.xrd.learning import (
    AUTOENCODER,
    LIKE,
    ORDERED_SET,
    PCA,
    UNDISTURBED,
    Taught,
)
from defectra.studies.xrd.plane import Autoencoder, Components
from defectra.studies.xrd.scorecard import error
from defectra.studies.xrd.settings import XrdStudy

Row = dict[str, Any]
COLUMNS = ["model", "set", "pattern", "x", "y", "first", "second"]


def errors_of(metrics: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Error of each content with one left out, patterns like measured ones."""
    contents = ("titanium", "zirconium")
    return {c: error(metrics, c, LIKE, AUTOENCODER).value for c in contents}


def point_rows(
    plane: Autoencoder, own: Taught, alloys: Alloys, ordered: Alloys, study: XrdStudy, seed: int
) -> Iterator[Row]:
    """Points of all patterns in both planes, in spreads of the undisturbed ones."""
    rng, grid = np.random.default_rng([seed, 4000]), grid_of(study)
    noisy = disturbed(alloys, study.disturbances, grid.points, rng)
    sets = {
        UNDISTURBED: (alloys, normalised(alloys.plain)),
        ORDERED_SET: (ordered, normalised(ordered.plain)),
        LIKE: (alloys, normalised(noisy)),
    }
    for model, one in ((AUTOENCODER, plane), (PCA, Components.of(own.given))):
        reference = one.encode(sets[UNDISTURBED][1])
        middle, spread = reference.mean(axis=0), reference.std(axis=0)
        for name, (patterns, given) in sets.items():
            found = (one.encode(given) - middle) / spread
            for k, (first, second) in enumerate(found):
                yield {
                    "model": model,
                    "set": name,
                    "pattern": patterns.ids[k],
                    "x": float(patterns.x[k]),
                    "y": float(patterns.y[k]),
                    "first": float(first),
                    "second": float(second),
                }
