"""Features of spectra on an even grid, one transformer each, fitted inside the fold.

The five of arXiv:2310.07049 and their combinations: intensity, CDF (cumulative distribution
function), CWT (continuous wavelet transform), peaks, PCA (principal component analysis). Rows are
spectra, shape (n, g); what a transformer learns it learns from the rows it is fitted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler

from defectra.core.errors import ConfigError
from defectra.learn.features import Cdf

Floats = NDArray[np.float64]
NAMES = ("intensity", "cdf", "cwt", "peaks", "pca")


class Intensity(TransformerMixin, BaseEstimator):
    """The spectra as they are."""

    def fit(self, X: Floats, y: object = None) -> Self:  # noqa: ARG002
        """Nothing is learned."""
        return self

    def transform(self, X: Floats) -> Floats:
        """The spectra, shape of `X`."""
        return np.asarray(X, np.float64)


class Cwt(TransformerMixin, BaseEstimator):
    """Continuous wavelet transform with the ricker wavelet, widths in grid steps.

    The values of ``scipy.signal.cwt(spectrum, ricker, widths)`` (taken out in SciPy 1.15): the
    wavelet of width a has min(10 a, g) points, the spectrum is zero outside its grid.

    Parameters
    ----------
    widths
        Grid steps, positive.
    """

    def __init__(self, widths: Sequence[float] = tuple(range(1, 11))) -> None:
        self.widths = widths

    def fit(self, X: Floats, y: object = None) -> Self:  # noqa: ARG002
        """Learn nothing but the length of the grid."""
        points = np.shape(X)[1]
        self.matrix_ = np.hstack([_ricker_matrix(points, float(a)) for a in self.widths])
        return self

    def transform(self, X: Floats) -> Floats:
        """Coefficients, shape (n, widths x g): all grid points of the first width first."""
        return np.asarray(X, np.float64) @ self.matrix_


def ricker(points: int, width: float) -> Floats:
    """Mexican-hat wavelet of unit norm: 2/(√(3a) π^¼) (1 − t²/a²) exp(−t²/2a²)."""
    t = np.arange(points) - (points - 1.0) / 2
    u = (t / width) ** 2
    return 2.0 / (np.sqrt(3.0 * width) * np.pi**0.25) * (1.0 - u) * np.exp(-0.5 * u)


def _ricker_matrix(points: int, width: float) -> Floats:
    """Convolution in mode ``same`` as a matrix: row = energy in, column = energy out."""
    wavelet = ricker(int(min(10 * width, points)), width)[::-1]
    unit = np.eye(points)
    return np.array([np.convolve(row, wavelet, mode="same") for row in unit])


class Peaks(TransformerMixin, BaseEstimator):
    """Height, centre and width of Gaussians whose sum is the spectrum.

    Every spectrum begins with the same evenly spaced Gaussians, so that the n-th of them stands
    for about the same energies in all spectra.

    Parameters
    ----------
    count
        Gaussians.
    iterations
        Of Levenberg-Marquardt, for each spectrum at most.
    jobs
        Threads; the compiled loop does not hold the interpreter.
    """

    def __init__(self, count: int = 20, iterations: int = 6, jobs: int = 1) -> None:
        self.count = count
        self.iterations = iterations
        self.jobs = jobs

    def fit(self, X: Floats, y: object = None) -> Self:  # noqa: ARG002
        """Nothing is learned."""
        return self

    def transform(self, X: Floats) -> Floats:
        """Heights, centres, widths (grid steps), shape (n, 3 count)."""
        peaks = self.fitted(X)
        return peaks.transpose(0, 2, 1).reshape(len(peaks), -1)

    def fitted(self, X: Floats) -> Floats:
        """Gaussians of each spectrum, shape (n, count, 3): height, centre, width."""
        values = np.asarray(X, np.float64)
        if self.jobs == 1:
            return self._part(values)
        with ThreadPoolExecutor(self.jobs) as pool:
            return np.concatenate(list(pool.map(self._part, np.array_split(values, self.jobs))))

    def _part(self, values: Floats) -> Floats:
        from defectra.learn.gaussian_sums import even_start, fit

        return fit(values, even_start(values, self.count), self.iterations)


def transformer(name: str, *, components: int = 20) -> Any:
    """Transformer of a feature, or of several joined with ``+``, e.g. ``cdf+peaks``.

    Parameters
    ----------
    components
        Of the PCA, at most; it is fitted on standardised intensities.

    Raises
    ------
    ConfigError
        If a name is unknown.
    """
    parts = name.split("+")
    unknown = [p for p in parts if p not in NAMES]
    if unknown:
        raise ConfigError(f"features: {unknown[0]!r} is unknown; there are {', '.join(NAMES)}")
    made: dict[str, Any] = {
        "intensity": Intensity(),
        "cdf": Cdf(),
        "cwt": Cwt(),
        "peaks": Peaks(),
        "pca": Pipeline([("scale", StandardScaler()), ("pca", PCA(components, random_state=0))]),
    }
    if len(parts) == 1:
        return made[name]
    return FeatureUnion([(p, made[p]) for p in parts])
