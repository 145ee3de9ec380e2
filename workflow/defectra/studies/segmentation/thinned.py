"""Doubt from thinned copies: what would be said of a frame, had fewer electrons been counted?

Each electron of a frame is kept with the same probability, so that a thinned copy is a frame of a
lower dose of the same object (the thinning of a Poisson process is one).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.studies.segmentation.data import Frames
from defectra.studies.segmentation.evaluate import entropy

Floats = NDArray[np.float64]
HALF = 0.5
SHARES = (0.5, 0.2, 0.1, 0.05, 0.02)  # of the electrons of validation frames that are kept


def set_name(condition: str, share: float) -> str:
    """Name of a set of thinned copies."""
    return f"{condition} x {share:g}" if share < 1 else condition


def thinned(counts: NDArray[Any], share: float, seed: int) -> Floats:
    """Copies of frames in which each electron is kept with probability `share`."""
    rng = np.random.default_rng([seed, round(1e6 * share)])
    return rng.binomial(np.asarray(counts, np.int64), share).astype(float)


@dataclass(frozen=True)
class ErrorByDose:
    """Error of an ensemble on a set of frames, by their electrons.

    Attributes
    ----------
    electrons
        In a mean pixel, rising, shape (n,).
    error
        Mean squared error of the probability (Brier score), falling with the electrons, (n,).
    """

    electrons: Floats
    error: Floats

    def expected(self, electrons: Floats) -> Floats:
        """Error at a dose; beyond the ends that of the ends."""
        least = self.electrons[0]
        at = np.log(np.maximum(electrons, least))
        return np.asarray(np.interp(at, np.log(self.electrons), self.error))


def error_by_dose(
    members: Mapping[str, NDArray[Any]], asked: Mapping[str, Frames], condition: str
) -> ErrorByDose:
    """Error of an ensemble on a set of frames and on its thinned copies.

    Parameters
    ----------
    members
        Probabilities by set, shape (members, n, h, w).
    """
    found = []
    for share in (1.0, *SHARES):
        name = set_name(condition, share)
        away = members[name].mean(axis=0) - asked[name].truth[:, 0]
        found.append((float(asked[name].electrons.mean()), float(np.mean(away**2))))
    electrons, error = np.array(sorted(found)).T
    falling = np.maximum.accumulate(error[::-1])[::-1]  # more electrons are never worse
    return ErrorByDose(electrons, falling)


def divergence(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """How far two answers differ: Jensen-Shannon divergence, nats, mean over pixels.

    Parameters
    ----------
    first, second
        Probabilities of members, shape (members, n, h, w).

    Returns
    -------
    Shape (n,).
    """
    p, q = (np.clip(m.mean(axis=0, dtype=float), 1e-6, 1 - 1e-6) for m in (first, second))
    both = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
    return np.asarray(both.mean(axis=(1, 2)))
