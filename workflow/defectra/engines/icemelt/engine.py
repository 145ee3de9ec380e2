"""Engine of simulated movies of melting ice: frames, and the truth of each pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from defectra.campaign.arrays import ArraySpec
from defectra.campaign.engine import Engine
from defectra.core.arrays import Arrays
from defectra.core.errors import EngineError
from defectra.engines.function import FunctionEngine

COUNTS, TRUTH = "counts", "truth"


def compute(asked: Mapping[str, Any]) -> Arrays:
    """One movie at one condition.

    Parameters
    ----------
    asked
        ``size`` (pixels), ``frames``, ``pixel_nm``, ``movie`` (seed of the melting), ``exposure``
        (seed of grain and electrons), and ``condition``: see :func:`frames.exposed`. The same seed
        of the melting gives the same truth at every condition.
    """
    from defectra.engines.icemelt.frames import exposed
    from defectra.engines.icemelt.melting import movie

    if not asked["condition"]["dose"] > 0:
        raise EngineError("no_electrons", f"a dose of {asked['condition']['dose']} per nm²")
    melting = movie(asked["size"], asked["frames"], np.random.default_rng(asked["movie"]))
    rng = np.random.default_rng([asked["exposure"], asked["movie"]])
    counts = exposed(melting, asked["pixel_nm"], asked["condition"], rng)
    return {COUNTS: counts.astype(np.uint16), TRUTH: (melting > 0.5).astype(np.uint8)}


MOVIES = FunctionEngine(
    "icemelt",
    compute,
    revision="1",
    arrays=(
        ArraySpec(COUNTS, "electrons", ("frame", "y", "x"), "electrons of a pixel", dtype="uint16"),
        ArraySpec(TRUTH, "", ("frame", "y", "x"), "1 in ice, 0 in water", dtype="uint8"),
    ),
    refusals=("no_electrons",),
    needs=("numpy",),
)
ENGINES: Mapping[str, Engine] = {MOVIES.ENGINE: MOVIES}
