"""An image of columns: bright Gaussian points in a frame, and how it changes with the pose.

Incoherent imaging: the image is the density of columns convolved with a probe, whose width holds
thermal vibration, source size and the probe itself. A Gaussian is the product of one along the
rows and one along the columns of pixels, so that a frame is one product of two thin matrices.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from defectra.engines.stem_points.columns import Columns

Floats = NDArray[np.float64]
CUT = 4.0  # widths; columns farther outside the frame do not reach it


@dataclass(frozen=True)
class Pose:
    """How a bicrystal lies in a frame, and how sharp it is.

    A column at (x, y) in A is seen at column u and row v of the frame, in pixels:
    ``u = u0 + a x + b y``, ``v = v0 - c x - d y`` (rows grow downwards, y upwards).

    Attributes
    ----------
    a, b, c, d
        Pixels per A.
    u0, v0
        Pixel of the point (0, 0) of the bicrystal.
    slide, gap
        Translation of the upper grain along and away from the interface, A.
    width
        Standard deviation of a column, A.
    ratio
        Brightness of the upper grain over that of the lower.
    """

    a: float
    b: float
    c: float
    d: float
    u0: float
    v0: float
    slide: float = 0.0
    gap: float = 0.0
    width: float = 0.6
    ratio: float = 1.0

    @classmethod
    def of(cls, pixel: float, tilt: float = 0.0, aspect: float = 1.0, **more: float) -> Self:
        """Pose of pixels of `pixel` A, the crystal turned counter-clockwise by `tilt` degrees.

        Parameters
        ----------
        aspect
            Pixel size along the rows over that along the columns of pixels.
        """
        turn, root = np.radians(tilt), np.sqrt(aspect)
        cos, sin = float(np.cos(turn)) / pixel, float(np.sin(turn)) / pixel
        return cls(
            cos / root, -sin / root, sin * root, cos * root, **{"u0": 0.0, "v0": 0.0, **more}
        )

    @property
    def pixel_matrix(self) -> Floats:
        """A per pixel, shape (2, 2): rows x and y of the crystal, columns right and up."""
        return np.linalg.inv(np.array([[self.a, self.b], [self.c, self.d]]))

    @property
    def pixel(self) -> float:
        """Pixel size, A: root of the area of a pixel."""
        return float(np.sqrt(abs(np.linalg.det(self.pixel_matrix))))

    @property
    def pixel_sizes(self) -> tuple[float, float]:
        """A along a pixel to the right and upwards."""
        right, up = np.linalg.norm(self.pixel_matrix, axis=0)
        return float(right), float(up)

    @property
    def tilt(self) -> float:
        """Angle by which the crystal is turned counter-clockwise, degrees (polar decomposition)."""
        return float(np.degrees(np.arctan2(self.c - self.b, self.a + self.d)))

    def vector(self) -> Floats:
        """All numbers, in the order of the fields."""
        return np.array([getattr(self, f.name) for f in fields(self)], dtype=float)

    def moved(self, **new: float) -> Pose:
        """The pose with some numbers replaced."""
        return replace(self, **new)


NAMES = tuple(f.name for f in fields(Pose))


def pose_of(vector: Any) -> Pose:
    """Pose of its numbers in the order of the fields."""
    return Pose(*(float(v) for v in vector))


@dataclass(frozen=True)
class _Seen:
    """Columns that reach a frame: crystal coordinates after the translation, and pixels."""

    x: Floats
    y: Floats
    u: Floats
    v: Floats
    weight: Floats
    upper: Floats
    wide: float  # pixels, along u
    tall: float  # pixels, along v


def _seen(columns: Columns, pose: Pose, shape: tuple[int, int]) -> _Seen:
    height, width = shape
    matrix = pose.pixel_matrix
    corners = np.array([[u - pose.u0, pose.v0 - v] for u in (0, width) for v in (0, height)])
    reach = corners @ matrix.T
    pad = CUT * pose.width + abs(pose.slide) + abs(pose.gap) + 1.0
    first = int(np.floor((reach[:, 0].min() - pad) / columns.period)) - 1
    last = int(np.ceil((reach[:, 0].max() + pad) / columns.period)) + 1
    copies = np.arange(first, last + 1) * columns.period
    upper = np.tile(columns.upper.astype(float), len(copies))
    x = (copies[:, None] + columns.x).ravel() + pose.slide * upper
    y = np.tile(columns.y, len(copies)) + pose.gap * upper
    u = pose.u0 + pose.a * x + pose.b * y
    v = pose.v0 - pose.c * x - pose.d * y
    wide, tall = pose.width * np.hypot(pose.a, pose.b), pose.width * np.hypot(pose.c, pose.d)
    near = (np.abs(u - (width - 1) / 2) < width / 2 + CUT * wide) & (
        np.abs(v - (height - 1) / 2) < height / 2 + CUT * tall
    )
    weight = np.tile(columns.weight, len(copies)) * np.where(upper > 0, pose.ratio, 1.0)
    return _Seen(x[near], y[near], u[near], v[near], weight[near], upper[near], wide, tall)


def _profiles(at: Floats, wide: float, pixels: int) -> tuple[Floats, Floats]:
    """Gaussian of each column along one axis, and its derivative by the position; (pixels, n)."""
    away = (np.arange(pixels)[:, None] - at) / wide
    bell = np.exp(-0.5 * away**2)
    return bell, bell * away / wide


def render(columns: Columns, pose: Pose, shape: tuple[int, int]) -> Floats:
    """Image of the columns, shape (h, w); a mean column alone has height 1."""
    seen = _seen(columns, pose, shape)
    rows, _ = _profiles(seen.v, seen.tall, shape[0])
    cols, _ = _profiles(seen.u, seen.wide, shape[1])
    return np.asarray((rows * seen.weight) @ cols.T, np.float64)


def render_with_slopes(
    columns: Columns, pose: Pose, shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Image, and its derivative by each number of the pose; shapes (h, w) and (10, h, w)."""
    seen = _seen(columns, pose, shape)
    rows, rows_by = _profiles(seen.v, seen.tall, shape[0])
    cols, cols_by = _profiles(seen.u, seen.wide, shape[1])
    weighted = rows * seen.weight

    def by_u(factor: Floats | float) -> Floats:
        return np.asarray((weighted * factor) @ cols_by.T)

    def by_v(factor: Floats | float) -> Floats:
        return np.asarray((rows_by * seen.weight * factor) @ cols.T)

    up = seen.upper
    away_u = (np.arange(shape[1])[:, None] - seen.u) / seen.wide
    away_v = (np.arange(shape[0])[:, None] - seen.v) / seen.tall
    taller, wider = (weighted * away_v**2) @ cols.T, weighted @ (cols * away_u**2).T
    by_a, by_b = wider * pose.a / (pose.a**2 + pose.b**2), wider * pose.b / (pose.a**2 + pose.b**2)
    by_c, by_d = (
        taller * pose.c / (pose.c**2 + pose.d**2),
        taller * pose.d / (pose.c**2 + pose.d**2),
    )
    brighter = (weighted * up) @ cols.T / pose.ratio
    slopes = (
        by_u(seen.x) + by_a, by_u(seen.y) + by_b, by_v(-seen.x) + by_c, by_v(-seen.y) + by_d,
        by_u(1.0), by_v(1.0),
        by_u(pose.a * up) + by_v(-pose.c * up), by_u(pose.b * up) + by_v(-pose.d * up),
        (taller + wider) / pose.width, brighter,
    )  # fmt: skip
    return weighted @ cols.T, np.stack(slopes)
