"""Far-field patterns of one disc, counted photon by photon: an engine of arrays that takes no time.

The intensity of a uniform disc of radius R is the Airy pattern (2 J1(qR) / (qR))² (Born and Wolf,
Principles of Optics, section 8.5.2), which is zero first at qR = 3.8317.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.campaign.arrays import ArraySpec
from defectra.core.errors import EngineError
from defectra.engines.function import FunctionEngine

NAME = "synthetic_patterns"
INTENSITY = "intensity"


def wave_numbers(pixels: int, step: float) -> NDArray[np.float64]:
    """Distance of each pixel from the beam, 1/nm, shape (pixels, pixels); 0 at pixels // 2."""
    axis = step * (np.arange(pixels) - pixels // 2)
    return np.hypot(axis[:, None], axis[None, :])


def airy(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intensity of a disc at x = qR, 1 at x = 0."""
    from scipy.special import j1

    safe = np.where(x == 0, 1.0, x)
    return np.asarray(np.where(x == 0, 1.0, (2 * j1(safe) / safe) ** 2))


def compute(asked: Mapping[str, Any]) -> dict[str, NDArray[np.generic]]:
    """Patterns of one disc.

    Parameters
    ----------
    asked
        ``radius`` (nm), ``pixels``, ``step`` (1/nm), ``count`` of patterns, ``photons`` expected in
        a pattern (0: the expected intensity itself, 1 in the middle), ``seed``.
    """
    if not asked["radius"] > 0:
        raise EngineError("no_disc", f"a disc of radius {asked['radius']} nm")
    expected = airy(asked["radius"] * wave_numbers(asked["pixels"], asked["step"]))
    shape = (asked["count"], *expected.shape)
    if asked["photons"] == 0:
        return {INTENSITY: np.broadcast_to(expected, shape).astype(np.float32)}
    rate = asked["photons"] * expected / expected.sum()
    counts = np.random.default_rng(asked["seed"]).poisson(rate, shape)
    return {INTENSITY: counts.astype(np.float32)}


ENGINE = FunctionEngine(
    NAME,
    compute,
    revision="1",
    arrays=(ArraySpec(INTENSITY, "counts", ("pattern", "qy", "qx"), "far field of one disc"),),
    refusals=("no_disc",),
    needs=("scipy",),
)
