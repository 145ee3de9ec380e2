"""Power laws of learning curves, error = scale * n ** exponent, and where they lead.

An error that no number of samples takes away is not in the law: where it leads is the favourable
case, and an extrapolation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST = 3  # sizes of the training set; two points lie on every law
STEEPEST, STEP = 3.0, 0.002  # of the exponents that are tried: from -STEEPEST to 1


@dataclass(frozen=True)
class PowerLaw:
    """Laws of a sample and of its resamples, shape (m,) each.

    Attributes
    ----------
    scale
        Error at n = 1.
    exponent
        NaN, as the scale, where all errors are zero: nothing decides it.
    last
        Largest n that was measured.
    """

    scale: Floats
    exponent: Floats
    last: float

    def error(self, n: float) -> Floats:
        """Errors at n, shape (m,)."""
        with np.errstate(invalid="ignore"):  # an exponent may be NaN
            return np.asarray(self.scale * n**self.exponent)

    def reached(self, aim: float) -> Floats:
        """Smallest n at which the error is `aim` (above 0), shape (m,); infinite: at none."""
        falls = self.exponent < 0
        exponent = np.where(falls, self.exponent, -1.0)
        with np.errstate(over="ignore", divide="ignore"):
            n = (aim / self.scale) ** (1 / exponent)
        there = np.where(self.error(self.last) <= aim, self.last, np.inf)
        return np.where(np.isnan(self.exponent), np.nan, np.where(falls, n, there))


def fit(n: Floats, errors: Floats) -> PowerLaw | None:
    """Least squares of the errors, each relative to that of the sample.

    A logarithm would not bear an error of zero, which a resample may well have.

    Parameters
    ----------
    n
        Sizes of the training set, shape (p,).
    errors
        Shape (p, m): of the sample first, then of its resamples.

    Returns
    -------
    None with fewer than three sizes, a missing error, or no error above zero in the sample.
    """
    sample = errors[:, 0]
    if len(set(n)) < FEWEST or not np.isfinite(errors).all() or not (sample > 0).any():
        return None
    weight = 1 / np.where(sample > 0, sample, sample[sample > 0].min()) ** 2
    middle = float(np.exp(np.log(n).mean()))
    exponents = np.arange(-STEEPEST, 1 + STEP / 2, STEP)
    basis = (n[:, None] / middle) ** exponents
    along = (weight[:, None] * basis).T @ errors  # (exponents, m)
    length = (weight[:, None] * basis**2).sum(axis=0)
    best = np.argmax(along**2 / length[:, None], axis=0)
    scale = along[best, np.arange(errors.shape[1])] / length[best]
    found = np.where((errors > 0).any(axis=0), exponents[best], np.nan)
    return PowerLaw(np.where(np.isnan(found), np.nan, scale * middle**-found), found, float(max(n)))
