"""A trained model of one edge in an npz: forest, grid, features, interval, domain. No pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.core.npz import read_npz
from defectra.core.store import replacing
from defectra.learn.forest import Forest
from defectra.learn.spectral import transformer

Floats = NDArray[np.float64]
KIND = "defectra spectral forest 1"
STATELESS = ("intensity", "cdf", "cwt")


@dataclass(frozen=True)
class About:
    """What a model is of.

    Attributes
    ----------
    edge
        E.g. ``Ni K``.
    target, unit
        What it states.
    features
        Names joined with ``+``, none that learns.
    first, step, points
        Grid of the spectra it reads, eV.
    shift
        Added to measured energies before they are read (eV): the alignment, declared.
    half
        Half width of the 90 % interval, from held-out groups; NaN with too few of them.
    low, high
        Range of the labels it was trained on.
    trained_on
        For people.
    over_groups
        Whether `half` holds for rows of new groups (:mod:`defectra.learn.new_groups`); False of
        models that were kept before.
    alignment_sd
        Standard deviation of the alignment of the training spectra with measured ones, eV; NaN
        where it is not known: of models made before it was kept, and of those whose training
        spectra were not aligned.
    """

    edge: str
    target: str
    unit: str
    features: str
    first: float
    step: float
    points: int
    shift: float
    half: float
    low: float
    high: float
    trained_on: str
    over_groups: bool = False
    alignment_sd: float = float("nan")


@dataclass(frozen=True)
class Domain:
    """Where the training spectra lie: mean, principal axes, and what is usual about them.

    Attributes
    ----------
    mean, axes, spread
        Shape (g,), (c, g), (c,): standard deviation along each axis.
    farthest, rest
        99 % quantiles over the training spectra, each left out with its group: distance from
        the mean in standard deviations, RMS of what the axes do not describe.
    """

    mean: Floats
    axes: Floats
    spread: Floats
    farthest: float
    rest: float

    def outside(self, spectra: Floats) -> Floats:
        """How far outside each spectrum lies: above 1 is outside, shape (n,)."""
        distance, rest = self.measures(spectra)
        return np.maximum(distance / self.farthest, rest / self.rest)

    def measures(self, spectra: Floats) -> tuple[Floats, Floats]:
        """Distance along the axes in standard deviations, and RMS of the rest."""
        centred = np.asarray(spectra, np.float64) - self.mean
        scores = centred @ self.axes.T
        rest = centred - scores @ self.axes
        along = np.sqrt(((scores / self.spread) ** 2).mean(axis=1))
        return along, np.sqrt((rest**2).mean(axis=1))


def learn_domain(spectra: Floats, groups: list[str], components: int = 6) -> Domain:
    """Domain of training spectra on the grid of the model, maximum 1, shape (n, g).

    The limits come from spectra whose group was left out, so that they hold for new ones.
    """
    names = np.asarray(groups)
    along, rest = [], []
    for name in np.unique(names):
        there = names == name
        found = _axes(spectra[~there], components).measures(spectra[there])
        along.append(found[0])
        rest.append(found[1])
    whole = _axes(spectra, components)
    limits = [float(np.quantile(np.concatenate(v), 0.99)) for v in (along, rest)]
    return Domain(whole.mean, whole.axes, whole.spread, *limits)


def _axes(spectra: Floats, components: int) -> Domain:
    mean = spectra.mean(axis=0)
    _, values, axes = np.linalg.svd(spectra - mean, full_matrices=False)
    count = min(components, len(spectra) - 1)
    return Domain(mean, axes[:count], values[:count] / np.sqrt(len(spectra) - 1), 1.0, 1.0)


@dataclass(frozen=True)
class Saved:
    """A model as it is kept."""

    about: About
    forest: Forest
    domain: Domain

    @property
    def grid(self) -> Floats:
        """Energies that it reads, eV."""
        return self.about.first + self.about.step * np.arange(float(self.about.points))

    def predict(self, spectra: Floats) -> Floats:
        """Target of spectra on :attr:`grid`, any scale, shape (n,)."""
        return self.forest.predict(features_of(spectra, self.about.features))

    def spread(self, spectra: Floats) -> Floats:
        """How far the trees disagree: standard deviation of their targets, shape (n,)."""
        return self.forest.spread(features_of(spectra, self.about.features))

    def write(self, path: str | Path) -> None:
        """Keep it, atomically."""
        head = json.dumps({"kind": KIND, **asdict(self.about)}, sort_keys=True)
        arrays: dict[str, Any] = {"about": np.array(head), **self.forest.arrays()}
        arrays |= {f"domain_{k}": np.asarray(v) for k, v in asdict(self.domain).items()}
        with replacing(path) as temporary, temporary.open("wb") as handle:
            np.savez_compressed(handle, **arrays)


def features_of(spectra: Floats, names: str) -> Floats:
    """Features of spectra of any scale; the largest value is set to one first."""
    values = np.asarray(spectra, np.float64)
    return np.asarray(transformer(names).fit_transform(unit_maximum(values)), np.float64)


def unit_maximum(spectra: Floats) -> Floats:
    """Spectra with their largest value set to one, as in arXiv:2310.07049."""
    return np.asarray(spectra / spectra.max(axis=-1, keepdims=True))


def load(path: str | Path) -> Saved:
    """Read a model.

    Raises
    ------
    DataError
        If the file is no model of ours, or damaged.
    """
    arrays = read_npz(path)
    try:
        head = json.loads(str(arrays["about"]))
        if head.pop("kind") != KIND:
            raise ValueError
        head = {"over_groups": False, "alignment_sd": float("nan"), **head}
        about = About(**{f.name: _as(f.type, head.pop(f.name)) for f in fields(About)})
        domain = Domain(**{f.name: _array(arrays[f"domain_{f.name}"]) for f in fields(Domain)})
    except (KeyError, ValueError, TypeError, AttributeError):
        raise DataError(
            f"{path}: no model of Defectra; `make xanes` leaves one in results/xanes/models"
        ) from None
    if any(p not in STATELESS for p in about.features.split("+")):
        raise DataError(
            f"{path}: features {about.features!r}; allowed here: {', '.join(STATELESS)}"
        )
    return Saved(about, Forest.from_arrays(arrays, str(path)), domain)


def _as(kind: Any, value: Any) -> Any:
    return {"str": str, "float": float, "int": int, "bool": bool}[str(kind)](value)


def _array(value: NDArray[Any]) -> Any:
    number = np.asarray(value, np.float64)
    return float(number) if number.ndim == 0 else number
