"""Whether all strong lattice reflections of a simulated grain are in the image.

A set of fringes, or a lattice that shares one period with the crystal, correlates well with it; but
it lacks reflections that the crystal has. So each strong reflection is looked at by itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STRONG = 0.35  # amplitude over that of the strongest, of a reflection that has to be there
CLOSE = 3  # pixels of the transform within which two maxima are one


def weakest(frame: Floats, patch: Floats) -> float:
    """Least agreement of patch and frame among the strong reflections of the frame.

    The agreement of a reflection is the coherence of the two transforms about it (real part, so
    that a wrong phase is no agreement), times the amplitude of the patch over that of the frame,
    in units of the median of this ratio over the reflections, at most 1.

    Parameters
    ----------
    frame, patch
        Shape (h, w).

    Returns
    -------
    -1...1; 0 if the frame has no reflection.
    """
    from scipy.ndimage import maximum_filter, uniform_filter

    one, two = (_transform(image) for image in (frame, patch))
    size = np.abs(one)
    size[:, 0] = 0.0
    peaks = (size == maximum_filter(size, CLOSE)) & (size >= STRONG * size.max()) & (size > 0)

    def mean(values: Floats) -> Floats:
        return np.asarray(uniform_filter(values, CLOSE, mode="wrap"))

    overlap = mean((np.conj(one) * two).real)[peaks]
    ones, twos = mean(np.abs(one) ** 2)[peaks], mean(np.abs(two) ** 2)[peaks]
    if not len(overlap) or not twos.max() > 0:
        return 0.0
    coherence = overlap / np.sqrt(ones * np.maximum(twos, 1e-30))
    ratio = np.sqrt(twos / ones)
    return float((coherence * np.minimum(ratio / np.median(ratio), 1.0)).min())


def _transform(image: Floats) -> NDArray[np.complex128]:
    """Half of the Fourier transform under a Hann window, without the mean."""
    window = np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    zero = (image - (image * window).sum() / window.sum()) * window
    return np.fft.rfft2(zero)
