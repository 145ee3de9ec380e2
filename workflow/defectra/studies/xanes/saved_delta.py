"""The delta model of one element in an npz: FEFF in, VASP out, its domain. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from defectra.core.errors import DataError
from defectra.core.npz import read_npz
from defectra.core.store import replacing
from defectra.learn.saved import Domain, learn_domain, unit_maximum
from defectra.studies.xanes import delta
from defectra.studies.xanes.delta import Correction
from defectra.studies.xanes.omnixas import POINTS, STEP
from defectra.studies.xanes.two_elements import Pairs

Floats = NDArray[np.float64]
KIND = "defectra FEFF to VASP 1"
# First energy (eV) of the published tables of an element (config/data/transformations.yaml of the
# source).
FIRST = {"Cu": 8983.173, "Ti": 4964.504}
_QUANTILE = 0.9


@dataclass(frozen=True)
class About:
    """What a delta model is of.

    Attributes
    ----------
    study
        Whose ``predict.py`` reads it.
    element
        Absorber, K edge; it is asked about no other.
    first, step, points
        Grid, eV.
    sites, materials
        Of which it was trained.
    raw, corrected, delta
        Relative RMS on held-out materials: FEFF as it is, corrected, and with the model.
    error
        RMS error of a spectrum that 90 % of held-out sites stay below, edge step = 1.
    other
        What was found when it was asked about another element, for people.
    """

    study: str
    element: str
    first: float
    step: float
    points: int
    sites: int
    materials: int
    raw: float
    corrected: float
    delta: float
    error: float
    other: str


@dataclass(frozen=True)
class SavedDelta:
    """A model as it is kept.

    Attributes
    ----------
    mean, axes
        Of the components: (curve - mean) @ axes.T; shapes (141,), (c, 141).
    known
        Components of the training sites, shape (n, c); empty of a linear model.
    weights
        From components or kernels to the rest, shape (c or n, 141).
    start
        Added, shape (141,).
    gamma
        Of the Gaussian kernel.
    """

    about: About
    correction: Correction
    domain: Domain
    mean: Floats
    axes: Floats
    known: Floats
    weights: Floats
    start: Floats
    gamma: float

    @property
    def grid(self) -> Floats:
        """Energies, eV."""
        return self.about.first + self.about.step * np.arange(float(self.about.points))

    def predict(self, feff: Floats) -> Floats:
        """VASP spectra, edge step = 1, shape (n, 141)."""
        base = self.correction.apply(feff)
        found = (base - self.mean) @ self.axes.T
        if len(self.known):
            found = np.exp(-self.gamma * cdist(found, self.known, "sqeuclidean"))
        return base + found @ self.weights + self.start

    def outside(self, feff: Floats) -> Floats:
        """How far outside the training domain each spectrum lies; above 1 is outside."""
        return self.domain.outside(unit_maximum(feff))

    def write(self, path: str | Path) -> None:
        """Keep it, atomically."""
        head = json.dumps({"kind": KIND, **asdict(self.about)}, sort_keys=True)
        arrays: dict[str, Any] = {"about": np.array(head)}
        arrays |= {f"domain_{k}": np.asarray(v) for k, v in asdict(self.domain).items()}
        arrays |= {f"correction_{k}": np.asarray(v) for k, v in asdict(self.correction).items()}
        arrays |= {k: np.asarray(getattr(self, k)) for k in _ARRAYS}
        with replacing(path) as temporary, temporary.open("wb") as handle:
            np.savez_compressed(handle, **arrays)


_ARRAYS = ("mean", "axes", "known", "weights", "start", "gamma")


def train(
    pairs: Pairs, held_out: Sequence[Mapping[str, Any]], settings: delta.Delta, other: str
) -> SavedDelta:
    """Model of all pairs of an element.

    Parameters
    ----------
    held_out
        Rows of :data:`defectra.studies.xanes.delta.PAIRS` of the element: its errors.
    other
        What was found for another element, for people.
    """
    correction = delta.fit_correction(pairs.feff, pairs.vasp, settings)
    base = correction.apply(pairs.feff)
    fitted = delta.learn(base, pairs.vasp - base, pairs.materials, settings)
    scaler, pca, model = (step for _, step in fitted.steps)
    axes = pca.components_ / np.sqrt(pca.explained_variance_)[:, None] / scaler.scale_
    known, gamma = np.zeros((0, len(axes))), 0.0
    if hasattr(model, "dual_coef_"):
        known, gamma = np.asarray(model.X_fit_), float(model.gamma)
        weights, rest = np.asarray(model.dual_coef_), np.zeros(POINTS)
    else:
        weights, rest = np.asarray(model.coef_).T, np.asarray(model.intercept_)
    mean = scaler.mean_ + pca.mean_ * scaler.scale_
    about = _about(pairs, held_out, other)
    domain = learn_domain(unit_maximum(pairs.feff), list(pairs.materials))
    return SavedDelta(about, correction, domain, mean, axes, known, weights, rest, gamma)


def _about(pairs: Pairs, held_out: Sequence[Mapping[str, Any]], other: str) -> About:
    truth = np.array([r["vasp"] for r in held_out])
    size = np.sqrt((truth**2).mean())
    off = {k: np.array([r[k] for r in held_out]) - truth for k in ("raw", "corrected", "delta")}
    relative = {k: float(np.sqrt((v**2).mean()) / size) for k, v in off.items()}
    error = float(np.quantile(np.sqrt((off["delta"] ** 2).mean(axis=1)), _QUANTILE))
    return About("xanes", pairs.element, FIRST[pairs.element], STEP, POINTS, len(pairs.feff),
                 len(set(pairs.materials)), **relative, error=error, other=other)  # fmt: skip


def load(path: str | Path) -> SavedDelta:
    """Read a model.

    Raises
    ------
    DataError
        If the file is no such model, or damaged.
    """
    arrays = read_npz(path)
    try:
        head = json.loads(str(arrays["about"]))
        if head.pop("kind") != KIND:
            raise ValueError("another kind")
        kinds = {"str": str, "float": float, "int": int}
        about = About(**{f.name: kinds[str(f.type)](head[f.name]) for f in fields(About)})
        domain = Domain(**{f.name: _plain(arrays[f"domain_{f.name}"]) for f in fields(Domain)})
        correction = Correction(
            **{f.name: _plain(arrays[f"correction_{f.name}"]) for f in fields(Correction)}
        )
        found = SavedDelta(about, correction, domain, **{k: _plain(arrays[k]) for k in _ARRAYS})
        if not np.isfinite(found.predict(np.ones((1, POINTS)))).all():
            raise ValueError("no numbers")
    except (KeyError, ValueError, TypeError, AttributeError):
        raise DataError(
            f"{path}: no delta model of Defectra; `make xanes` leaves them in results/xanes/models"
        ) from None
    return found


def _plain(value: NDArray[Any]) -> Any:
    number = np.asarray(value, np.float64)
    return float(number) if number.ndim == 0 else number
