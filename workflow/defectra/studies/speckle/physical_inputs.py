"""What a speckle pattern shows of its sample: recovered direct beam, Patterson map, rings.

The Fourier transform of the intensity is the Patterson function, the autocorrelation of the
sample. A sample in a box of side L has none beyond L, so that outside of it the transform of a
pattern whose centre is hidden is that of the missing pixels alone, with the sign reversed: they
are found by linear least squares (extrapolation after Papoulis, IEEE Trans. Circuits Syst. 22,
735 (1975), here in closed form). All this is linear in the pattern and is done by one matrix.
Coordinates of the Patterson function are in pixels of the sample plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.engines.speckle.scattering import Detector

Floats = NDArray[np.float64]
RADII = np.arange(0.0, 400.0, 35.0)  # pixels; half the resolution 2 period / (2 half)
ANGLES = 24  # of half a turn: P(-u) = P(u)
RING = 6  # pixels of the detector
QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
BATCH = 200
FLOOR = 1e-9  # of a ring, relative to the sum of the pattern
LEAST_WHOLE = 0.5  # of the visible intensity; few photons can make the recovered rest negative
SEEN = -1  # half width of a hidden centre that hides nothing


@dataclass(frozen=True)
class Physical:
    """Inputs of n patterns, all relative to the whole intensity, recovered pixels included.

    Attributes
    ----------
    forward
        Intensity of the direct beam, recovered if it is hidden, shape (n,).
    patterson
        Patterson function near zero, shape (n, radii, angles).
    rings
        Mean of rings of :data:`RING` pixels, from the first that holds no hidden pixel, (n, rings).
    """

    forward: Floats
    patterson: Floats
    rings: Floats

    def vector(self) -> Floats:
        """Inputs of a model, shape (n, features): none depends on how the pattern is turned."""
        spread = np.quantile(self.patterson, QUANTILES, axis=2)
        mean = self.patterson.mean(axis=2)
        logs = [np.log(np.maximum(self.forward, FLOOR))[:, None], np.log(self.rings + FLOOR)]
        return np.hstack([self.forward[:, None], *spread, mean, *logs])


class PhysicalInputs:
    """Physical inputs of patterns of one detector.

    Parameters
    ----------
    detector
        Pixels of the patterns.
    hidden
        Half width of the hidden centre, pixels of the detector; :data:`SEEN` hides nothing.
    box
        Side of the box that holds the sample, pixels of the sample plane.
    """

    def __init__(self, detector: Detector, hidden: int, box: float) -> None:
        self.detector, self.hidden, self.box = detector, hidden, box
        pixels = detector.pixels
        self.rows, self.columns = pixels[len(pixels) // 2 :], pixels
        self.distance = np.hypot(self.rows[:, None], self.columns[None, :])
        centre = np.maximum(abs(self.rows)[:, None], abs(self.columns)[None, :]) <= hidden
        self.visible = ~centre
        self.weight = np.where(self.rows == 0, 1.0, 2.0)[:, None] * np.ones(len(pixels))
        edge = detector.half + 1
        self.taper = np.where(
            self.distance < edge, np.cos(np.pi * self.distance / (2 * edge)) ** 2, 0.0
        )
        self.kept_rings = self._rings()
        self._map = self._matrix().astype(np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a pattern: the half from the direct beam on."""
        return len(self.rows), len(self.columns)

    def total(self, patterns: NDArray[np.floating]) -> Floats:
        """Intensity of both halves outside of the hidden centre, shape (n,)."""
        weight = (self.weight * self.visible).ravel()
        return np.asarray(patterns.reshape(len(patterns), -1) @ weight, np.float64)

    def __call__(self, patterns: NDArray[np.floating]) -> Physical:
        """Physical inputs of upper halves of patterns, shape (n, rows, columns).

        Raises
        ------
        ValueError
            If a pattern has another shape, or no intensity outside of the centre.
        """
        if patterns.shape[1:] != self.shape:
            raise ValueError(f"patterns of shape {patterns.shape[1:]}, not {self.shape}")
        found = [self._some(patterns[k : k + BATCH]) for k in range(0, len(patterns), BATCH)]
        return Physical(*(np.concatenate(part) for part in zip(*found, strict=True)))

    def _some(self, patterns: NDArray[np.floating]) -> tuple[Floats, Floats, Floats]:
        seen = np.asarray(patterns, np.float64) * self.visible
        total = self.total(seen)
        if not (total > 0).all():
            raise ValueError("a pattern has no intensity outside of the hidden centre")
        flat = (seen.reshape(len(seen), -1) / total[:, None]).astype(np.float32)
        out = (flat @ self._map.T).astype(np.float64)
        out = out[:, :-1] / np.maximum(1 + out[:, -1:], LEAST_WHOLE)
        near = len(RADII) * ANGLES
        patterson = out[:, 1 : 1 + near].reshape(len(out), len(RADII), ANGLES)
        return out[:, 0], patterson, out[:, 1 + near :]

    def _unknown(self) -> list[tuple[int, int]]:
        inside = np.argwhere(~self.visible)
        middle = len(self.columns) // 2
        return [(int(i), int(j)) for i, j in inside if i > 0 or j >= middle]

    def _recovered(self) -> tuple[list[tuple[int, int]], Floats]:
        """Hidden pixels, and the matrix that finds them: shape (hidden, rows · columns).

        Hidden pixels are those of the upper half that no other one equals by Friedel's law.
        """
        unknown, size = self._unknown(), len(self.columns)
        spacing = self.detector.period / self.detector.step / size
        axis = np.fft.fftshift(np.fft.fftfreq(size)) * size * spacing
        room = self.box + 2 * spacing  # the taper widens the Patterson function by its resolution
        outside = np.maximum(abs(axis)[:, None], abs(axis)[None, :]) > room
        x, y = (a[outside] for a in np.meshgrid(axis, axis, indexing="ij"))
        waves = [self._wave(i, j, x, y) for i, j in unknown]
        inverse = np.linalg.pinv(np.array(waves).T)
        maps = np.zeros((len(unknown), size, size))
        maps[:, outside] = inverse
        turned = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(maps, axes=(1, 2))).real, axes=(1, 2))
        upper = turned[:, size // 2 :]
        seen = self.weight * self.taper * self.visible
        return unknown, -(upper * seen).reshape(len(unknown), -1)

    def _wave(self, i: int, j: int, x: Floats, y: Floats) -> Floats:
        """What one hidden pixel and its Friedel mate add to the Patterson function."""
        mates = 1.0 if (self.rows[i], self.columns[j]) == (0, 0) else 2.0
        phase = 2 * np.pi / self.detector.period * (self.rows[i] * x + self.columns[j] * y)
        return np.asarray(mates * self.taper[i, j] * np.cos(phase))

    def _matrix(self) -> Floats:
        """Direct beam, Patterson function near zero, rings, hidden sum, of the visible pixels."""
        angles = np.arange(ANGLES) * np.pi / ANGLES
        x = np.outer(RADII, np.cos(angles)).ravel()
        y = np.outer(RADII, np.sin(angles)).ravel()
        near = self._patterson(x, y)
        pixels = near.shape[1]
        if self.visible.all():
            forward = np.zeros((1, pixels))
            forward[0, np.ravel_multi_index((0, len(self.columns) // 2), self.shape)] = 1.0
            rest = np.zeros((1, pixels))
        else:
            unknown, recovery = self._recovered()
            near += np.array([self._wave(i, j, x, y) for i, j in unknown]).T @ recovery
            middle = (0, len(self.columns) // 2)
            forward = recovery[unknown.index(middle)][None]
            rest = np.array([[1.0 if u == middle else 2.0 for u in unknown]]) @ recovery
        return np.vstack([forward, near, self.kept_rings, rest])

    def _patterson(self, x: Floats, y: Floats) -> Floats:
        turn = 2 * np.pi / self.detector.period
        along = np.exp(1j * turn * np.outer(x, self.rows))
        across = np.exp(1j * turn * np.outer(y, self.columns))
        waves = (along[:, :, None] * across[:, None, :]).real
        return np.asarray((waves * self.weight * self.taper * self.visible).reshape(len(x), -1))

    def _rings(self) -> Floats:
        """Mean of each ring from the visible pixels, shape (rings, rows · columns)."""
        number = (self.distance // RING).astype(int)
        first = int(np.ceil((max(self.hidden, 0) + 1) * np.sqrt(2) / RING))
        last = self.detector.half // RING
        rows = []
        for ring in range(first, last):
            own = self.weight * self.visible * (number == ring)
            rows.append((own / own.sum()).ravel())
        return np.array(rows)
