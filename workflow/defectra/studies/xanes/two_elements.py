"""Delta models of two elements together: features relative to the edge, core holes equally wide.

The kernel between sites of two elements is that between sites of one, times a factor between 0
(they share nothing) and 1 (they are one): E. V. Bonilla et al., Adv. Neural Inf. Process. Syst. 20
(2007), with a coregionalisation matrix of one number. All that is chosen is chosen on the few
sites of the target, each predicted from the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from defectra.spectra.broaden import gaussian, lorentzian
from defectra.studies.xanes import delta
from defectra.studies.xanes.delta import Correction
from defectra.studies.xanes.omnixas import POINTS, STEP
from defectra.studies.xanes.settings import Delta

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AXIS = STEP * np.arange(POINTS)  # eV above the first energy of the published grid
RELATIVE = STEP * np.arange(-64, 121)  # eV from the edge; holds every spectrum whole
SEEN = np.flatnonzero((RELATIVE >= -8) & (RELATIVE <= 24))  # of it, what features are made of
EDGE_FWHM = 3.0  # eV; so smooth, a pre-edge peak is no edge
# Lorentzian width (FWHM, eV) of the 1s core hole in the published VASP tables (their
# config/data/transformations.yaml), and in FEFF (`Gam_ch` of xmu.dat: 0.75 * 6.4^((Z - 20) / 20)).
VASP_WIDTH = {"Ti": 0.89, "Cu": 3.458}
FEFF_WIDTH = {"Ti": 0.903, "Cu": 1.729}
MOST_PARTS = 5  # inner folds


@dataclass(frozen=True)
class Pairs:
    """Sites of one element in both engines; spectra have shape (n, 141), edge step = 1."""

    element: str
    materials: tuple[str, ...]
    feff: Floats
    vasp: Floats
    sites: tuple[str, ...] = ()

    def take(self, rows: Ints) -> Pairs:
        """Some of the sites."""
        names = tuple(self.sites[k] for k in rows) if self.sites else ()
        kept = tuple(self.materials[k] for k in rows)
        return Pairs(self.element, kept, self.feff[rows], self.vasp[rows], names)

    def equally_wide(self) -> Pairs:
        """FEFF broadened to the core hole that VASP was given, if that is wider."""
        more = VASP_WIDTH[self.element] - FEFF_WIDTH[self.element]
        return replace(self, feff=_widened(self.feff, more))


def edges(feff: Floats) -> Floats:
    """Where each spectrum, broadened by 3 eV, first reaches half the edge step; eV, shape (n,)."""
    smooth = feff @ _broadened(EDGE_FWHM)
    above = smooth >= 0.5
    first = np.maximum(above.argmax(axis=1), 1)
    rows = np.arange(len(feff))
    low, high = smooth[rows, first - 1], smooth[rows, first]
    part = np.clip((0.5 - low) / np.where(high > low, high - low, np.inf), 0.0, 1.0)
    return np.asarray(STEP * (first - 1 + part))


@cache
def _broadened(fwhm: float) -> Floats:
    unit = np.eye(POINTS)
    return gaussian(np.broadcast_to(AXIS, unit.shape), unit, AXIS, fwhm)


@cache
def _lifetime(fwhm: float) -> Floats:
    unit = np.eye(POINTS)
    return lorentzian(np.broadcast_to(AXIS, unit.shape), unit, AXIS, fwhm)


def _widened(values: Floats, more: float) -> Floats:
    return values @ _lifetime(round(more, 6)) if more > 0 else values


def as_wide(values: Floats, element: str, widest: float) -> Floats:
    """Curves of :meth:`Pairs.equally_wide` broadened to a core hole `widest` wide (FWHM, eV)."""
    return _widened(values, widest - VASP_WIDTH[element])


def at_edge(values: Floats, where: Floats) -> Floats:
    """Curves of the published grid on the axis from the edge; their ends go on. (n, 185)."""
    return np.array([np.interp(RELATIVE + e, AXIS, v) for v, e in zip(values, where)])


def from_edge(values: Floats, where: Floats) -> Floats:
    """Back again, shape (n, 141)."""
    return np.array([np.interp(AXIS - e, RELATIVE, v) for v, e in zip(values, where)])


def relative(
    source: Pairs, target: Pairs, settings: Delta, *, width: bool, learns: bool = True
) -> Floats:
    """VASP of the target from pairs of the source alone, on the axis from the edge, (n, 141).

    Parameters
    ----------
    width
        Whether what is learnt is broadened to the wider core hole of both.
    learns
        Whether a model is added to the mean difference.
    """
    fitted = delta.fit_correction(source.feff, source.vasp, settings)
    bare = replace(fitted, mean=np.zeros(POINTS))
    base, own = bare.apply(source.feff), bare.apply(target.feff)
    widest, asked = 0.0, 0.0
    if width:
        asked = VASP_WIDTH[target.element]
        widest = max(VASP_WIDTH[source.element], asked)
    there, here = edges(source.feff), edges(target.feff)
    rest = at_edge(as_wide(source.vasp - base, source.element, asked), there)
    mean = rest.mean(axis=0)
    if not learns:
        return own + from_edge(np.broadcast_to(mean, (len(own), len(mean))), here)
    seen = [
        at_edge(as_wide(values, pairs.element, widest), where)[:, SEEN]
        for values, pairs, where in ((base, source, there), (own, target, here))
    ]
    model = delta.learn(seen[0], rest - mean, source.materials, settings)
    return own + from_edge(mean + model.predict(seen[1]), here)


def few_sites_correction(materials: Sequence[str], trials: delta.Trials, rows: Ints) -> Correction:
    """Shift, width and a share of the mean difference of a few sites.

    The share (0 to 1) is that with which sites are best predicted from the others; a mean of few
    sites carries their own details.

    Parameters
    ----------
    materials, trials
        Of all known sites of the target.
    rows
        Those that are used.
    """
    whole = trials.fit(rows)
    shares = np.linspace(0.0, 1.0, 11)
    errors = np.zeros(len(shares))
    parts = list(inner_parts([materials[k] for k in rows]))
    for train, test in parts:
        fitted = trials.fit(rows[train])
        rest = trials.left(fitted, rows[test])
        mean = len(test) * (fitted.mean**2).sum()
        errors += (rest**2).sum() - 2 * shares * (rest @ fitted.mean).sum() + shares**2 * mean
    share = float(shares[errors.argmin()]) if parts else 0.0
    return replace(whole, mean=share * whole.mean)


def inner_parts(materials: Sequence[str]) -> Iterator[tuple[Ints, Ints]]:
    """Inner folds by material, without a draw; none where there is only one material."""
    names = {name: k for k, name in enumerate(dict.fromkeys(materials))}
    count = min(MOST_PARTS, len(names))
    where = np.array([names[m] % count for m in materials])
    for part in range(count) if count > 1 else ():
        yield np.flatnonzero(where != part), np.flatnonzero(where == part)


@dataclass(frozen=True)
class Prepared:
    """Sites on the axis from the edge: what features are made of, and what is to be learnt.

    Attributes
    ----------
    seen
        Corrected FEFF with the core hole `widest`, shape (n, 129).
    rest
        VASP minus corrected FEFF, shape (n, 185).
    """

    element: str
    widest: float
    seen: Floats
    rest: Floats

    @classmethod
    def of(cls, pairs: Pairs, correction: Correction, widest: float, rest_as: float) -> Prepared:
        """Pairs after their correction; what is to be learnt broadened to `rest_as` (eV)."""
        base, where = correction.apply(pairs.feff), edges(pairs.feff)
        rest = at_edge(as_wide(pairs.vasp - base, pairs.element, rest_as), where)
        return cls(pairs.element, widest, seen(base, pairs.element, where, widest), rest)

    def shuffled(self, seed: int) -> Prepared:
        """What is to be learnt given to other sites: nothing is left of it but the mean."""
        order = np.random.default_rng([seed, 7]).permutation(len(self.rest))
        return replace(self, rest=self.rest[order])


def prepared_source(source: Pairs, target: str, settings: Delta) -> Prepared:
    """All pairs of an element, as a model of another one takes them."""
    widest = max(VASP_WIDTH[source.element], VASP_WIDTH[target])
    correction = delta.fit_correction(source.feff, source.vasp, settings)
    return Prepared.of(source, correction, widest, widest)


@dataclass(frozen=True)
class Shared:
    """Correction of the target and a kernel model of what is left, from one element or two.

    Attributes
    ----------
    coupling
        Between the elements, 0 to 1; NaN where there is no model of the rest.
    weights
        Of the training sites, shape (n, 185).
    """

    element: str
    widest: float
    correction: Correction
    features: Features | None = None
    known: Floats | None = None
    weights: Floats | None = None
    gamma: float = 0.0
    factor: Floats | None = None
    coupling: float = float("nan")

    def predict(self, feff: Floats) -> Floats:
        """VASP spectra of the target, shape (n, 141)."""
        base = self.correction.apply(feff)
        if self.weights is None:
            return base
        assert self.features is not None
        assert self.known is not None
        assert self.factor is not None
        where = edges(feff)
        own = self.features.of(seen(base, self.element, where, self.widest))
        kernel = np.exp(-self.gamma * cdist(own, self.known, "sqeuclidean")) * self.factor
        return base + from_edge(kernel @ self.weights, where)


@dataclass(frozen=True)
class Features:
    """Whitened principal components of curves that were standardised."""

    mean: Floats
    axes: Floats

    @classmethod
    def fit(cls, curves: Floats, components: int) -> Features:
        """Of training curves, shape (n, g)."""
        mean, sd = curves.mean(axis=0), curves.std(axis=0)
        scale = np.where(sd > 1e-12, sd, np.inf)
        _, values, axes = np.linalg.svd((curves - mean) / scale, full_matrices=False)
        count = min(components, len(curves) - 1, int((values > 1e-9 * values[0]).sum()))
        spread = values[:count] / np.sqrt(len(curves) - 1)
        return cls(mean, axes[:count] / scale / spread[:, None])

    def of(self, curves: Floats) -> Floats:
        """Components, shape (n, c)."""
        return np.asarray((curves - self.mean) @ self.axes.T)


def seen(base: Floats, element: str, where: Floats, widest: float) -> Floats:
    """What features are made of: curves as wide as the widest, about their edges, shape (n, g)."""
    return at_edge(as_wide(base, element, widest), where)[:, SEEN]


@dataclass(frozen=True)
class Setting:
    """What is chosen: coupling of the elements, width of the kernel, penalty."""

    coupling: float
    gamma: float
    alpha: float
