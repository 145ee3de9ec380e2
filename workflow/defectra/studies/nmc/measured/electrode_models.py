"""Computed Ni K spectra laid on the measured electrodes of a series, and kernel models of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn import edge_kernels
from defectra.learn.edge_kernels import Kernel, Targets
from defectra.learn.moved_spectra import Disturbance, EdgeCurves
from defectra.spectra.align import Alignment, fitted
from defectra.studies.nmc.blocks.models import COPIES, MEASURED
from defectra.studies.nmc.blocks.tables import RAW

Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
EDGE = "Ni K"
LARGEST = 12.0  # eV, shift that is looked for
_MOVES = 50  # jitters of a measured spectrum


@dataclass(frozen=True)
class Aligned:
    """One series of electrodes, and where computed spectra lie on its axis.

    Attributes
    ----------
    energy
        Grid of the computed spectra, eV.
    grid, mu
        Measured energies (eV) and spectra, shape (electrodes, points).
    alignment
        Shift and Gaussian of the computed spectra.
    """

    energy: Floats
    grid: Floats
    mu: Floats
    alignment: Alignment

    @classmethod
    def on_first(cls, full: Floats, energy: Floats, grid: Floats, mu: Floats) -> Aligned:
        """Lay a computed spectrum of all lithium on the first electrode, the pristine one."""
        near = (grid >= energy[0] + LARGEST / 2) & (grid <= energy[-1] - LARGEST / 2)
        return cls(energy, grid, mu, fitted((energy, full), (grid[near], mu[0][near]), LARGEST))

    @property
    def _inside(self) -> NDArray[np.bool_]:
        onto = self.grid - self.alignment.shift
        return (onto >= self.energy[0]) & (onto <= self.energy[-1])

    @property
    def own(self) -> EdgeCurves:
        """The measured spectra where there are computed ones."""
        return EdgeCurves(self.grid[self._inside], self.mu[:, self._inside])

    def curves(self, rows: Rows) -> EdgeCurves:
        """Computed spectra of arms of the blocks on the measured axis."""
        from defectra.spectra.broaden import gaussian

        onto = np.clip(self.grid - self.alignment.shift, self.energy[0], self.energy[-1])
        fwhm, moved = self.alignment.fwhm, []
        for row in rows:
            smooth = gaussian(self.energy, np.array(row[f"{RAW}{EDGE}"]), self.energy, fwhm)
            moved.append(np.interp(onto, self.energy, smooth))
        return EdgeCurves(self.grid[self._inside], np.array(moved)[:, self._inside])


@dataclass(frozen=True)
class KernelAnswers:
    """What kernel ridge says of measured spectra.

    Attributes
    ----------
    values, sd
        Answers, and their deviation when the axis moves by the jitter, shape (electrodes,).
    held_out
        RMSE (root mean square error) of inner held-out computed spectra with jitter.
    """

    values: Floats
    sd: Floats
    held_out: float


def kernel_answers(
    curves: EdgeCurves, labels: Floats, groups: list[str], own: EdgeCurves, seed: int
) -> KernelAnswers:
    """Train on jittered computed spectra, ask about the measured ones as they are and jittered."""
    generator = np.random.default_rng([seed, 5])
    train = np.vstack([_drawn(curves, MEASURED, generator) for _ in range(COPIES)])
    kernel = Kernel.of(train)
    targets = Targets(np.tile(labels, COPIES)[:, None], np.array([False]))
    parts = edge_kernels.inner_folds(groups * COPIES, seed)
    model = edge_kernels.fit(kernel.own, targets, parts)
    still = model.answers(kernel.with_rows(own.moved(np.zeros(len(own.mu)))))[:, 0]
    moved = [
        model.answers(kernel.with_rows(_drawn(own, MEASURED, generator)))[:, 0]
        for _ in range(_MOVES)
    ]
    return KernelAnswers(still, np.std(moved, axis=0), float(np.sqrt(model.error[0])))


def _drawn(curves: EdgeCurves, by: Disturbance, generator: np.random.Generator) -> Floats:
    return by.draw({EDGE: curves}, generator)[EDGE]
