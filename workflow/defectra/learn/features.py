"""Features as scikit-learn transformers of training-table rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from defectra.core.errors import TableError
from defectra.spectra.normalise import cdf

Kind = Literal["raw", "cdf"]


class EdgeFeatures(TransformerMixin, BaseEstimator):
    """Spectra of chosen edges side by side.

    Parameters
    ----------
    edges
        E.g. ``("O K", "Ni L3")``.
    kind
        ``raw`` (mean absorption in each bin) or ``cdf`` (cumulative share at the end of it).
    every
        Grid points in a bin; the spectra are broader than a grid step, so nothing is lost as
        long as a bin is not wider than the broadening.
    """

    def __init__(self, edges: Sequence[str], kind: Kind = "cdf", every: int = 5) -> None:
        self.edges = edges
        self.kind = kind
        self.every = every

    def fit(self, X: Sequence[Mapping[str, Any]], y: object = None) -> Self:  # noqa: ARG002
        """Nothing is learned."""
        return self

    def transform(self, X: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """Matrix of shape (rows, features) from rows of the training table."""
        return np.hstack([self._block(X, edge) for edge in self.edges])

    def _block(self, rows: Sequence[Mapping[str, Any]], edge: str) -> NDArray[np.float64]:
        name = f"{self.kind}: {edge}"
        if any(name not in row for row in rows):
            raise TableError(f"training table: no column {name!r}")
        values = np.array([row[name] for row in rows])
        used = values.shape[1] // self.every * self.every
        bins = values[:, :used].reshape(len(values), -1, self.every)
        return bins[:, :, -1] if self.kind == "cdf" else bins.mean(axis=2)


class Cdf(TransformerMixin, BaseEstimator):
    """Raw spectra on an even grid to their cumulative distribution, row by row."""

    def fit(self, X: NDArray[np.float64], y: object = None) -> Self:  # noqa: ARG002
        """Nothing is learned."""
        return self

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cumulative distributions, shape of `X`."""
        return cdf(X)
