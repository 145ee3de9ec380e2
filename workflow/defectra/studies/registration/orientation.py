"""How a bicrystal is turned in an image, from power spectra: they do not depend on its place.

The mean power spectrum of tiles of the image is compared with that of a simulated frame at all
angles at once, by a correlation along the angle, for a few pixel sizes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from defectra.engines.stem_points.columns import Columns
from defectra.engines.stem_points.frame import Pose, render

Floats = NDArray[np.float64]
STEP = 0.5  # degrees
SHORT, LONG = 1.0, 4.5  # A, wavelengths that are compared
RINGS = 96
TILE = 256  # pixels, at most
APART = 3.0  # degrees between two answers


def turns(
    image: Floats, columns: Columns, pixel: float, scales: Sequence[float], count: int = 3
) -> list[float]:
    """Angles at which the spectra agree best, the best first.

    Parameters
    ----------
    image
        Shape (H, W).
    pixel
        Nominal pixel size, A.
    scales
        True over nominal pixel sizes that are tried.
    count
        Of angles in half a circle; each is returned with the one opposite, which has the same
        spectrum.

    Returns
    -------
    Degrees counter-clockwise, -180 to 180, shape (2 count,).
    """
    low, high = columns.reach
    size = int(min(TILE, *image.shape, 1.8 * min(-low, high) / pixel)) // 2 * 2
    middle = {"u0": (size - 1) / 2, "v0": (size - 1) / 2}
    frame = render(columns, Pose.of(pixel, **middle), (size, size))
    shown, best = _rings(_spectrum(image, size), pixel, 1.0), np.full(round(180 / STEP), -np.inf)
    for scale in scales:  # pixels larger by `scale`: the pattern is smaller by it
        model = _rings(_spectrum(frame, size), pixel, 1 / scale)
        product = np.fft.rfft(shown, axis=1) * np.conj(np.fft.rfft(model, axis=1))
        best = np.maximum(best, np.fft.irfft(product, n=shown.shape[1], axis=1).sum(axis=0))
    found: list[float] = []
    for k in np.argsort(-best):
        angle = float(k * STEP)
        if all(abs((angle - other + 90) % 180 - 90) >= APART for other in found):
            found.append(angle)
        if len(found) == count:
            break
    return [(a + half + 180) % 360 - 180 for a in found for half in (0, 180)]


def _spectrum(image: Floats, size: int) -> Floats:
    """Logarithm of the mean power spectrum of half-overlapping tiles, zero in the middle."""
    window = np.outer(np.hanning(size), np.hanning(size))
    starts = [range(0, n - size + 1, size // 2) for n in image.shape]
    tiles = [image[r : r + size, c : c + size] for r in starts[0] for c in starts[1]]
    power = [np.abs(np.fft.fft2((t - t.mean()) * window)) ** 2 / max(t.var(), 1e-30) for t in tiles]
    mean = np.fft.fftshift(np.mean(power, axis=0))
    return np.asarray(np.log(mean + 1e-3 * mean.mean()))


def _rings(spectrum: Floats, pixel: float, scale: float) -> Floats:
    """Spectrum along rings of equal wavelength, less the mean of each; shape (RINGS, angles).

    Angles grow counter-clockwise, as rows of the picture grow downwards.
    """
    from scipy.ndimage import map_coordinates

    size = len(spectrum)
    radius = np.linspace(1 / LONG, min(1 / SHORT, 0.48 / pixel), RINGS) * size * pixel * scale
    angle = np.radians(np.arange(0, 180, STEP))
    rows = size / 2 - radius[:, None] * np.sin(angle)
    cols = size / 2 + radius[:, None] * np.cos(angle)
    found = map_coordinates(spectrum, [rows, cols], order=1)
    return np.asarray(found - found.mean(axis=1, keepdims=True))
