"""Spectra whose axis is not known exactly: each is moved by its own jitter before it is binned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MARGIN = 2.0  # eV, left out at either end of a grid, so that a moved spectrum still covers it
BIN = 1.0  # eV


@dataclass(frozen=True)
class EdgeCurves:
    """Spectra of one edge, n rows.

    Attributes
    ----------
    energy
        Even grid, eV, shape (g,).
    mu
        Absorption, any scale, shape (n, g).
    """

    energy: Floats
    mu: Floats

    @property
    def bins(self) -> Floats:
        """Ends of the bins, eV, shape (b + 1,)."""
        first, last = self.energy[0] + MARGIN, self.energy[-1] - MARGIN
        return first + BIN * np.arange(int((last - first) / BIN + 1e-9) + 1, dtype=np.float64)

    @cached_property
    def _areas(self) -> Floats:
        """Area below each spectrum up to each energy, eV times its scale, shape (n, g)."""
        between = (self.mu[:, 1:] + self.mu[:, :-1]) / 2 * float(self.energy[1] - self.energy[0])
        return np.concatenate([np.zeros((len(self.mu), 1)), np.cumsum(between, axis=1)], axis=1)

    def moved(self, shifts: Floats, noise: Floats | None = None) -> Floats:
        """Share of the area in each bin after moving each row by its shift, shape (n, b).

        Parameters
        ----------
        shifts
            Added to the energies of each row, eV, shape (n,). Beyond the grid a spectrum goes on
            with its last value.
        noise
            Added to the shares in units of the largest share of the row, shape (n, b).
        """
        step = float(self.energy[1] - self.energy[0])
        area = self._areas
        place = (self.bins[None, :] - shifts[:, None] - self.energy[0]) / step
        below = np.clip(np.floor(place).astype(int), 0, len(self.energy) - 2)
        rows = np.arange(len(self.mu))[:, None]
        at = area[rows, below] + (place - below) * (area[rows, below + 1] - area[rows, below])
        share = np.diff(at, axis=1)
        share /= share.sum(axis=1, keepdims=True)
        if noise is not None:
            share = share + noise * share.max(axis=1, keepdims=True)
        return np.asarray(share)


@dataclass(frozen=True)
class Disturbance:
    """What a measurement does to a spectrum, beyond what the calculation knows.

    Attributes
    ----------
    jitter
        Standard deviation of the shift of the axis, eV, independent for each row and edge.
    noise
        Standard deviation of the noise of a bin in units of the largest one.
    """

    jitter: float = 0.5
    noise: float = 0.0

    def draw(
        self, curves: Mapping[str, EdgeCurves], generator: np.random.Generator
    ) -> dict[str, Floats]:
        """One measurement of every row at every edge: features by edge, shape (n, b)."""
        out = {}
        for edge, own in curves.items():
            rows, bins = len(own.mu), len(own.bins) - 1
            shifts = self.jitter * generator.normal(size=rows)
            noise = generator.normal(size=(rows, bins))
            out[edge] = own.moved(shifts, self.noise * noise if self.noise else None)
        return out
