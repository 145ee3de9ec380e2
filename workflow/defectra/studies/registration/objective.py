"""How well a simulated frame fits the patch of a measured image that it covers.

J = 0.1 * shift + (1 - SSIM), the figure of merit of ingrained (arXiv:2105.10532, equation 1). SSIM:
structural similarity index (Wang et al. 2004, doi 10.1109/TIP.2003.819861). The details decide the
number; these are those of the authors, as their program has them, and checked on their best frames:

- frame and patch are each brought to 0...255 by their own extremes, and rounded down;
- SSIM in square windows of 35 pixels of equal weight, sample covariances (n - 1), K1 = 0.01,
  K2 = 0.03, averaged over all windows that lie wholly inside;
- the shift is that of the largest circular cross-correlation of the two after rounding to 16 grey
  levels, in whole pixels, |rows| + |columns|.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError

Floats = NDArray[np.float64]
WINDOW = 35  # pixels
SHIFT_WEIGHT = 0.1  # per pixel
_K1, _K2, _RANGE = 0.01, 0.03, 255.0


class Fit(NamedTuple):
    """Objective and its two parts.

    Attributes
    ----------
    objective
        J.
    dissimilarity
        1 - SSIM.
    shift
        Pixels, |rows| + |columns|.
    """

    objective: float
    dissimilarity: float
    shift: int


def grey(image: Floats, levels: int = 256) -> Floats:
    """Image brought to whole numbers 0...levels - 1 by its least and largest value.

    Raises
    ------
    DataError
        If all its values are equal.
    """
    low, span = image.min(), np.ptp(image)
    if not span > 0:
        raise DataError("an image whose values are all equal cannot be compared")
    scaled = np.floor(255.0 * (image - low) / span)
    return scaled if levels == 256 else np.floor(scaled * levels / 256.0)


def similarity(first: Floats, second: Floats, window: int = WINDOW) -> float:
    """Mean SSIM of two images of the same shape with values 0...255.

    Raises
    ------
    DataError
        If the shapes differ, or no window fits.
    """
    from scipy.ndimage import uniform_filter

    if first.shape != second.shape or min(first.shape) < window:
        raise DataError(
            f"frames of {first.shape} and {second.shape} pixels cannot be compared in windows of "
            f"{window}"
        )
    pad = window // 2
    inner = tuple(slice(pad, n - pad) for n in first.shape)

    def mean(image: Floats) -> Floats:
        return np.asarray(uniform_filter(image, window))[inner]

    unbiased = window**2 / (window**2 - 1.0)
    m1, m2 = mean(first), mean(second)
    v1, v2 = (unbiased * (mean(i * i) - m * m) for i, m in ((first, m1), (second, m2)))
    both = unbiased * (mean(first * second) - m1 * m2)
    c1, c2 = (_K1 * _RANGE) ** 2, (_K2 * _RANGE) ** 2
    value = (2 * m1 * m2 + c1) * (2 * both + c2) / ((m1**2 + m2**2 + c1) * (v1 + v2 + c2))
    return float(value.mean())


def shift(first: Floats, second: Floats) -> int:
    """Taxicab distance of the largest circular cross-correlation, pixels."""
    product = np.fft.rfft2(grey(first, 16)) * np.conj(np.fft.rfft2(grey(second, 16)))
    overlap = np.fft.irfft2(product, s=first.shape)
    at = np.unravel_index(int(overlap.argmax()), overlap.shape)
    return int(sum(min(int(k), n - int(k)) for k, n in zip(at, first.shape)))


def compare(frame: Floats, patch: Floats) -> Fit:
    """Objective of a simulated frame on a patch of the same shape."""
    away = shift(frame, patch)
    lost = 1.0 - similarity(grey(frame), grey(patch))
    return Fit(SHIFT_WEIGHT * away + lost, lost, away)
