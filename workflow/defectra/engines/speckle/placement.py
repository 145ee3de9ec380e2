"""Disks placed at random in a square box without overlap (random sequential addition).

The rules are those of arXiv:2211.08194: centres uniform at a fixed distance from the walls, and
each disk at least a gap away from those placed before it. Lengths are in pixels of the sample
plane, as in the paper.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.core.errors import EngineError

Floats = NDArray[np.float64]
TRIES = 20_000  # of one disk, before a box counts as too full


def place(
    radii: ArrayLike, box: float, margin: float, gap: float, rng: np.random.Generator
) -> Floats:
    """Centres of disks that neither overlap nor touch.

    Parameters
    ----------
    radii
        Radius of each disk, pixels; they are placed in this order.
    box
        Side of the square box, pixels.
    margin
        Least distance of a centre from a wall, pixels.
    gap
        Least distance between the rims of two disks, pixels.

    Returns
    -------
    Centres, shape (n, 2), pixels.

    Raises
    ------
    EngineError
        ``no_room``: a disk found no room in many tries.
    """
    sizes = np.asarray(radii, dtype=np.float64)
    centres = np.empty((len(sizes), 2))
    for k, radius in enumerate(sizes):
        for _ in range(TRIES):
            centre = rng.uniform(margin, box - margin, size=2)
            apart = np.hypot(*(centres[:k] - centre).T)
            if np.all(apart >= radius + sizes[:k] + gap):
                centres[k] = centre
                break
        else:
            raise EngineError(
                "no_room",
                f"disk {k + 1} of {len(sizes)} (radius {radius:g}) found no room in a box of "
                f"{box:g} pixels in {TRIES} tries; ask for fewer or smaller disks",
            )
    return centres


def polydisperse_radii(
    count: int, mean: float, spread: float, area: float, rng: np.random.Generator
) -> Floats:
    """Radii of disks whose areas are normally distributed, positive, with a fixed sum.

    Parameters
    ----------
    mean, spread
        Mean and standard deviation of the normal distribution of areas, in arbitrary units;
        negative draws are drawn anew.
    area
        Sum of the areas, pixels².

    Returns
    -------
    Radii, shape (count,), pixels.
    """
    parts = np.empty(count)
    for k in range(count):
        parts[k] = rng.normal(mean, spread)
        while parts[k] <= 0:
            parts[k] = rng.normal(mean, spread)
    return np.sqrt(parts / parts.sum() * area / np.pi)
