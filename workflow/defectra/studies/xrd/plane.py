"""Planes that patterns are mapped to: an autoencoder and two linear ones.

Contents are read off a point of a plane by a cubic polynomial. All planes are made of the same
patterns, disturbed ones included. The autoencoder is asked for the undisturbed pattern (a denoising
autoencoder), which principal component analysis (PCA) cannot be; its linear counterpart is a
regression of rank two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from defectra.learn.torch_library import need_torch
from defectra.learn.training import Trained, Training, train

Floats = NDArray[np.float64]
DEGREE = 3
PENALTY = 1e-6  # of the polynomial, relative to the number of rows


class Plane(Protocol):
    """Maps normalised patterns, shape (n, points), to points of a plane and back."""

    def encode(self, patterns: Floats) -> Floats:
        """Points, shape (n, 2)."""

    def decode(self, points: Floats) -> Floats:
        """Normalised patterns, shape (n, points)."""


@dataclass(frozen=True)
class Components:
    """First two principal components."""

    mean: Floats
    axes: Floats
    scale: Floats

    @classmethod
    def of(cls, patterns: Floats) -> Components:
        """Of patterns, shape (n, points)."""
        mean = patterns.mean(axis=0)
        _, _, axes = np.linalg.svd(patterns - mean, full_matrices=False)
        points = (patterns - mean) @ axes[:2].T
        return cls(mean, axes[:2], points.std(axis=0))

    def encode(self, patterns: Floats) -> Floats:
        """Points, shape (n, 2), of unit spread on the patterns that it was made of."""
        return np.asarray((patterns - self.mean) @ self.axes.T / self.scale)

    def decode(self, points: Floats) -> Floats:
        """Normalised patterns, shape (n, points)."""
        return np.asarray(self.mean + points * self.scale @ self.axes)


@dataclass(frozen=True)
class Regression:
    """Two linear numbers of a pattern that give its undisturbed one best, of those with a penalty.

    Reduced-rank regression (A. J. Izenman, J. Multivariate Anal. 5, 248 (1975)) with a ridge
    penalty: the fit of the regression of full rank, on its two largest principal components.
    """

    mean: Floats
    down: Floats
    up: Floats
    middle: Floats

    def encode(self, patterns: Floats) -> Floats:
        """Points, shape (n, 2), of unit spread on the patterns that it was made of."""
        return np.asarray((patterns - self.mean) @ self.down)

    def decode(self, points: Floats) -> Floats:
        """Normalised patterns, shape (n, points)."""
        return np.asarray(self.middle + points @ self.up)


@dataclass(frozen=True)
class Regressions:
    """The regressions of rank two of all penalties, of given and undisturbed patterns."""

    rows: int
    mean: Floats
    middle: Floats
    singular: Floats
    axes: Floats
    along: Floats

    @classmethod
    def of(cls, given: Floats, clean: Floats) -> Regressions:
        """Of normalised patterns, both (n, points)."""
        mean, middle = given.mean(axis=0), clean.mean(axis=0)
        left, singular, axes = np.linalg.svd(given - mean, full_matrices=False)
        return cls(len(given), mean, middle, singular, axes, left.T @ (clean - middle))

    def at(self, penalty: float) -> Regression:
        """That of a penalty, relative to the sum of the squared singular values."""
        from scipy.sparse.linalg import svds

        squared = self.singular**2
        shrunk = squared / (squared + penalty * squared.sum())
        fitted = np.sqrt(shrunk)[:, None] * self.along
        _, _, up = svds(fitted, k=2, v0=np.ones(min(fitted.shape)))
        safe = np.where(self.singular > 0, self.singular, 1.0)
        down = self.axes.T @ ((shrunk / safe)[:, None] * self.along) @ up.T
        points = self.singular[:, None] * (self.axes @ down)
        scale = np.sqrt((points**2).sum(axis=0) / self.rows)
        return Regression(self.mean, down / scale, up * scale[:, None], self.middle)


@dataclass(frozen=True)
class Autoencoder:
    """A trained autoencoder with two numbers in its middle."""

    module: Any
    architecture: Mapping[str, Any]
    trained: Trained | None = None

    def encode(self, patterns: Floats) -> Floats:
        """Points, shape (n, 2)."""
        return self._apply(self.module.encode, patterns)

    def decode(self, points: Floats) -> Floats:
        """Normalised patterns, shape (n, points)."""
        return self._apply(self.module.decode, points)

    def _apply(self, function: Any, values: Floats) -> Floats:
        torch = need_torch()
        with torch.no_grad():
            given = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
            return np.asarray(function(given).double().numpy())


def architecture_of(patterns: Floats, hidden: int) -> dict[str, Any]:
    """Settings of an autoencoder of patterns, shape (n, points): mean, spread and layers."""
    mean = patterns.mean(axis=0)
    spread = float(np.std(patterns - mean))
    return {"mean": [float(v) for v in mean], "spread": spread, "hidden": hidden}


def build(own: Mapping[str, Any]) -> Any:
    """Module of an architecture."""
    torch = need_torch()
    nn = torch.nn
    points, hidden = len(own["mean"]), own["hidden"]

    def layers(*sizes: int) -> Any:
        parts: list[Any] = []
        for a, b in pairwise(sizes):
            parts += [nn.Linear(a, b), nn.ELU()]
        return nn.Sequential(*parts[:-1])

    class Module(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.tensor(own["mean"], dtype=torch.float32))
            self.down = layers(points, hidden, hidden // 2, 2)
            self.up = layers(2, hidden // 2, hidden, points)

        def encode(self, x: Any) -> Any:
            return self.down((x - self.mean) / own["spread"])

        def decode(self, z: Any) -> Any:
            return self.up(z) * own["spread"] + self.mean

        def forward(self, x: Any) -> Any:
            return self.decode(self.encode(x))

    return Module()


def _loss(module: Any, batch: Mapping[str, Any], spread: float) -> Any:
    return (((module(batch["x"]) - batch["clean"]) / spread) ** 2).mean()


def train_autoencoder(
    given: Floats,
    clean: Floats,
    hidden: int,
    settings: Training,
    folder: Path | None = None,
) -> Autoencoder:
    """Train an autoencoder to give the undisturbed pattern of each given one.

    Parameters
    ----------
    given, clean
        Normalised patterns, both (n, points).
    folder
        Of the checkpoint.
    """
    architecture = architecture_of(given, hidden)
    data = {"x": given.astype(np.float32), "clean": clean.astype(np.float32)}
    rows = (np.arange(len(given)), np.arange(0))
    loss = partial(_loss, spread=architecture["spread"])
    found = train(partial(build, architecture), data, loss, rows, settings, folder)
    return Autoencoder(found.module, architecture, found)


@dataclass(frozen=True)
class Reading:
    """Polynomial that reads contents (x, y) off points of a plane."""

    middle: Floats
    spread: Floats
    weights: Floats

    @classmethod
    def of(cls, points: Floats, contents: Floats) -> Reading:
        """Fit to points, shape (n, 2), of known contents, shape (n, 2)."""
        middle, spread = points.mean(axis=0), points.std(axis=0)
        terms = _terms((points - middle) / spread)
        square = terms.T @ terms + PENALTY * len(terms) * np.eye(terms.shape[1])
        weights = np.asarray(np.linalg.solve(square, terms.T @ contents), np.float64)
        return cls(middle, spread, weights)

    def contents(self, points: Floats) -> Floats:
        """Contents x and y of points, shape (n, 2)."""
        return np.asarray(_terms((points - self.middle) / self.spread) @ self.weights)


def _terms(points: Floats) -> Floats:
    u, v = points.T
    return np.stack([u**i * v**j for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)], axis=1)
