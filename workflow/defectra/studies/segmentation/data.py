"""Frames of the study as arrays, standardised one by one, with their movies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.arrays import ArrayReader
from defectra.core.errors import TableError
from defectra.engines.icemelt.engine import COUNTS, TRUTH

Row = dict[str, Any]
Floats = NDArray[np.float32]
FRINGES = (0.7, 1.2)  # pixels, of the difference of Gaussians that passes fringes of three pixels


@dataclass(frozen=True)
class Frames:
    """Frames of one use at one condition.

    Attributes
    ----------
    x
        Standardised frames and their fringe power, shape (n, 2, h, w).
    truth
        1 in ice, shape (n, 1, h, w).
    movie, time
        Name of the movie and number of the frame in it, length n.
    electrons
        In a mean pixel of each frame, shape (n,).
    """

    x: Floats
    truth: Floats
    movie: tuple[str, ...]
    time: tuple[int, ...]
    electrons: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.movie)


def standardised(counts: NDArray[Any]) -> Floats:
    """Each frame with mean 0 and standard deviation 1; one of equal pixels is 0, float32."""
    x = np.asarray(counts, np.float32)
    x = x - x.mean(axis=(1, 2), keepdims=True)
    return np.asarray(x / np.maximum(x.std(axis=(1, 2), keepdims=True), 1e-6), np.float32)


def band(x: NDArray[Any], fine: float, coarse: float) -> NDArray[np.float64]:
    """Difference of two Gaussians of frames, standard deviations in pixels, shape (n, h, w)."""
    from scipy.ndimage import gaussian_filter

    found = np.asarray(x, np.float64)
    return np.asarray(
        gaussian_filter(found, (0, fine, fine)) - gaussian_filter(found, (0, coarse, coarse))
    )


def channels(counts: NDArray[Any]) -> Floats:
    """What a network sees, shape (n, 2, h, w): the frame, and the logarithm of its fringe power.

    The power of the band of the fringes, smoothed, is a fixed first layer: without it the networks
    spend the short training of this study on learning it.
    """
    from scipy.ndimage import gaussian_filter

    x = standardised(counts)
    power = gaussian_filter(band(x, *FRINGES) ** 2, (0, 2, 2))
    return np.stack([x, np.asarray(np.log(power + 1e-6) + 4, np.float32)], axis=1)


def rows_of(rows: Sequence[Row], use: str, condition: str) -> list[Row]:
    """Rows of the movies of a use at a condition, in a fixed order.

    Raises
    ------
    TableError
        If there are none.
    """
    own = [r for r in rows if (r["use"], r["condition"]) == (use, condition) and r["arrays"]]
    if not own:
        raise TableError(f"segmentation: no {use} frames at condition {condition!r} were computed")
    return sorted(own, key=lambda r: str(r["movie"]))


def counted(
    rows: Sequence[Row], arrays: ArrayReader, use: str, condition: str
) -> tuple[NDArray[Any], list[str]]:
    """Electrons of the frames of a use at a condition, shape (n, h, w), and their movies."""
    own = rows_of(rows, use, condition)
    counts = [np.asarray(a) for a in arrays.each(own, COUNTS)]
    names = [str(row["movie"]) for row, c in zip(own, counts, strict=True) for _ in c]
    return np.concatenate(counts), names


def frames(
    rows: Sequence[Row],
    arrays: ArrayReader,
    use: str,
    condition: str,
    thin: Callable[[NDArray[Any]], NDArray[Any]] | None = None,
) -> Frames:
    """Frames of a use and a condition.

    Parameters
    ----------
    thin
        Gives a copy of the counted electrons with fewer of them.

    Raises
    ------
    TableError
        If there are none.
    """
    own = rows_of(rows, use, condition)
    counts = [np.asarray(a) for a in arrays.each(own, COUNTS)]
    truth = [np.asarray(a, np.float32) for a in arrays.each(own, TRUTH)]
    names = [(str(r["movie"]), k) for r, c in zip(own, counts, strict=True) for k in range(len(c))]
    electrons = np.concatenate(counts) if thin is None else thin(np.concatenate(counts))
    return Frames(
        channels(electrons),
        np.concatenate(truth)[:, None],
        tuple(name for name, _ in names),
        tuple(k for _, k in names),
        electrons.mean(axis=(1, 2), dtype=np.float64),
    )
