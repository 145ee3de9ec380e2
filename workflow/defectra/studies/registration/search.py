"""Coarse search: where in an image, and at which scale, a simulated frame fits best.

Normalised correlation at every position at once, by Fourier transforms (Lewis 1995).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.engines.stem_points.columns import Columns
from defectra.engines.stem_points.frame import Pose, render

Floats = NDArray[np.float64]


class Place(NamedTuple):
    """A pose, and the patch of the image that its frame covers.

    Attributes
    ----------
    correlation
        Of frame and patch, -1...1.
    row, column
        Upper left pixel of the patch.
    pose
        In the pixels of the frame.
    shape
        Rows and columns of the frame.
    """

    correlation: float
    row: int
    column: int
    pose: Pose
    shape: tuple[int, int]

    def patch(self, image: Floats) -> Floats:
        """What the frame covers, shape (h, w)."""
        h, w = self.shape
        return image[self.row : self.row + h, self.column : self.column + w]


class Correlator:
    """Correlation coefficients of frames of one shape with all patches of an image.

    Parameters
    ----------
    image
        Shape (H, W).
    shape
        Rows and columns of the frames, (h, w).

    Raises
    ------
    DataError
        If the frame is larger than the image, or the image is flat.
    """

    def __init__(self, image: Floats, shape: tuple[int, int]) -> None:
        if image.shape[0] < shape[0] or image.shape[1] < shape[1]:
            raise DataError(
                f"an image of {image.shape[0]} x {image.shape[1]} pixels is smaller than the "
                f"frame of {shape[0]} x {shape[1]} that is to be found in it"
            )
        if not image.std() > 0:
            raise DataError("an image whose values are all equal holds no crystal")
        self.shape, self._full = shape, image.shape
        image = (image - image.mean()) / image.std()
        self._image = np.fft.rfft2(image)
        count = shape[0] * shape[1]
        total, squares = (_sums(i, shape) for i in (image, image**2))
        self._spread = np.sqrt(np.maximum(squares - total**2 / count, 0.0))

    def map(self, frame: Floats) -> Floats:
        """Coefficient at each position, shape (H - h + 1, W - w + 1); 0 where the patch is flat."""
        zero = frame - frame.mean()
        size = float(np.sqrt((zero**2).sum()))
        product = self._image * np.conj(np.fft.rfft2(zero, s=self._full))
        rows, cols = (n - m + 1 for n, m in zip(self._full, self.shape))
        overlap = np.fft.irfft2(product, s=self._full)[:rows, :cols]
        flat = self._spread < 1e-4 * np.sqrt(frame.size)
        bottom = np.where(flat, 1.0, self._spread) * max(size, 1e-12)
        return np.asarray(np.where(flat, 0.0, overlap / bottom))


def _sums(image: Floats, shape: tuple[int, int]) -> Floats:
    """Sum over each patch, by differences of the summed image."""
    table = np.pad(image, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    h, w = shape
    return np.asarray(table[h:, w:] - table[:-h, w:] - table[h:, :-w] + table[:-h, :-w])


def poses(
    pixel: float,
    shape: tuple[int, int],
    scales: Iterable[float],
    tilts: Iterable[float] = (0.0,),
    aspects: Iterable[float] = (1.0,),
    width: float = 0.6,
) -> Iterator[Pose]:
    """Poses of a grid, the interface in the middle of the frame."""
    middle = {"u0": (shape[1] - 1) / 2, "v0": (shape[0] - 1) / 2, "width": width}
    tilts, aspects = list(tilts), list(aspects)
    for scale in scales:
        for tilt in tilts:
            for aspect in aspects:
                yield Pose.of(pixel * scale, tilt, aspect, **middle)


def coarse(
    image: Floats, columns: Columns, shape: tuple[int, int], grid: Iterable[Pose]
) -> list[Place]:
    """The best position of each pose, the best first; poses that leave the cell are left out."""
    correlator = Correlator(image, shape)
    found = []
    for pose in grid:
        if leaves(columns, pose, shape):
            continue
        scores = correlator.map(render(columns, pose, shape))
        row, column = np.unravel_index(int(scores.argmax()), scores.shape)
        found.append(Place(float(scores[row, column]), int(row), int(column), pose, shape))
    return sorted(found, key=lambda place: -place.correlation)


def equivalent(image: Floats, columns: Columns, place: Place, least: float) -> list[Place]:
    """Positions where the frame fits about as well: repeats along the interface.

    Parameters
    ----------
    least
        Correlation, as a share of the best, of what is kept.
    """
    from scipy.ndimage import maximum_filter

    frame = render(columns, place.pose, place.shape)
    scores = Correlator(image, place.shape).map(frame)
    near = max(3, round(2.0 / place.pose.pixel))
    peaks = (scores == maximum_filter(scores, near)) & (scores >= least * scores.max())
    found = [place._replace(correlation=float(scores[r, c]), row=int(r), column=int(c))
             for r, c in np.argwhere(peaks)]  # fmt: skip
    return sorted(found, key=lambda each: -each.correlation)


def leaves(columns: Columns, pose: Pose, shape: tuple[int, int]) -> bool:
    """Whether a frame reaches more than 2 A beyond the lowest or highest column of the cell."""
    matrix = pose.pixel_matrix
    height, width = shape
    corners = np.array([[u - pose.u0, pose.v0 - v] for u in (0, width) for v in (0, height)])
    y = (corners @ matrix.T)[:, 1]
    low, high = columns.reach
    return bool(y.min() < low - 2.0 or y.max() > high + 2.0)
