"""A missing atom found by comparison with patterns that are known without noise; no training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def likelihood(patterns: Floats, perfect: Floats, true: NDArray[np.bool_], dose: float) -> Floats:
    """Log odds of a missing atom by patterns without noise that are known, shape (n,).

    The Poisson likelihood of the counts. Under the patterns of the judged scan itself no method
    that sees one pattern at a time says more.

    Parameters
    ----------
    patterns
        Counts, shape (n, k_y, k_x).
    perfect, true
        Shares of the beam, shape (m, k_y, k_x), and whether an atom is missing there, shape (m,).
    dose
        Electrons of a pattern.
    """
    expected = np.maximum(perfect.reshape(len(perfect), -1), 1e-12)
    odds = patterns.reshape(len(patterns), -1) @ np.log(expected).T - dose * expected.sum(1)
    share = np.exp(odds - odds.max(1, keepdims=True))
    yes, no = share[:, true].sum(1), share[:, ~true].sum(1)
    result: Floats = np.log(yes + 1e-300) - np.log(no + 1e-300)
    return result


def nearness(patterns: Floats, perfect: Floats, true: NDArray[np.bool_]) -> Floats:
    """How much nearer the nearest known pattern with a missing atom is than the nearest without.

    Of patterns without noise, shape (n, k_y, k_x), to known ones (m, k_y, k_x): difference of the
    root of the summed squares, shape (n,).
    """
    asked, known = (p.reshape(len(p), -1) for p in (patterns, perfect))
    squares = (asked**2).sum(1)[:, None] + (known**2).sum(1) - 2 * asked @ known.T
    away = np.sqrt(np.maximum(squares, 0))
    return np.asarray(away[:, ~true].min(1) - away[:, true].min(1), np.float64)
