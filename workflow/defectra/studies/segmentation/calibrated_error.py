"""Squared error of the saved ensemble by electrons, from movies that chose nothing.

The validation frames have chosen the epochs of the networks and the ensemble, and are all of the
usual focus. The calibration movies have chosen neither, and are seen over a range of focus, drift
and dose: the error holds for the mean over that range, which is stated with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.studies.segmentation.settings import Range
from defectra.studies.segmentation.thinned import ErrorByDose

Floats = NDArray[np.float64]
BINS = 6  # of the logarithm of the electrons, of equal width


@dataclass(frozen=True)
class CalibratedError:
    """Error of an ensemble, and the conditions that it is a mean over.

    Attributes
    ----------
    by_dose
        Error by the electrons in a mean pixel.
    defocus, drift
        Range of the frames, nm and pixels.
    """

    by_dose: ErrorByDose
    defocus: tuple[float, float]
    drift: tuple[float, float]

    def sentence(self, electrons: float) -> str:
        """For people: the error in calibration frames of as many electrons in a mean pixel."""
        (near, far), (least, most) = self.defocus, self.drift
        error = float(self.by_dose.expected(np.array([electrons]))[0])
        return (
            f"squared error of the probability {error:.3f} "
            f"in the mean of calibration frames of {electrons:.3g} electrons a pixel (defocus "
            f"{near:g} to {far:g} nm, drift {least:g} to {most:g} pixels)"
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        lines = {name: getattr(self.by_dose, name).tolist() for name in ("electrons", "error")}
        return lines | {"defocus": list(self.defocus), "drift": list(self.drift)}


def calibrated_error_of_json(plain: Mapping[str, Any] | None) -> CalibratedError | None:
    """The inverse of :meth:`CalibratedError.as_json`; None of older models, which have none."""
    if plain is None:
        return None
    electrons, error = (np.array(plain[name], float) for name in ("electrons", "error"))
    (a, b), (c, d) = (map(float, plain[name]) for name in ("defocus", "drift"))
    return CalibratedError(ErrorByDose(electrons, error), (a, b), (c, d))


def learn_calibrated_error(
    electrons: Floats, members: NDArray[Any], truth: NDArray[Any], wide: Range
) -> CalibratedError:
    """Mean error of frames by their electrons, falling as these rise (isotonic regression).

    Parameters
    ----------
    electrons
        In a mean pixel of each frame, shape (n,).
    members
        Probability of ice by each member, shape (members, n, h, w).
    truth
        1 in ice, shape (n, h, w).
    wide
        Range of focus and drift that the frames were drawn from.
    """
    from sklearn.isotonic import isotonic_regression

    squares = ((members.mean(axis=0, dtype=float) - truth) ** 2).mean(axis=(1, 2))
    logarithm = np.log(electrons)
    edges = np.linspace(logarithm.min(), logarithm.max(), BINS + 1)[1:-1]
    number = np.digitize(logarithm, edges)
    count = np.bincount(number, minlength=BINS)
    some = count > 0
    middle, error = (np.bincount(number, v, BINS)[some] / count[some] for v in (logarithm, squares))
    falling = isotonic_regression(error, sample_weight=count[some], increasing=False)
    by_dose = ErrorByDose(np.exp(middle), np.asarray(falling, float))
    return CalibratedError(by_dose, wide.defocus, wide.drift)
