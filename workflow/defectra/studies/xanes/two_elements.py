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
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.spatial.distance import cdist

from defectra.spectra.broaden import gaussian, lorentzian
from defectra.studies.xanes import delta
from defectra.studies.xanes.delta import Correction
from defectra.studies.xanes.omnixas import POINTS, STEP
from defectra.studies.xanes.settings import Delta, Transfer

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
    parts = list(_parts([materials[k] for k in rows]))
    for train, test in parts:
        fitted = trials.fit(rows[train])
        rest = trials.left(fitted, rows[test])
        mean = len(test) * (fitted.mean**2).sum()
        errors += (rest**2).sum() - 2 * shares * (rest @ fitted.mean).sum() + shares**2 * mean
    share = float(shares[errors.argmin()]) if parts else 0.0
    return replace(whole, mean=share * whole.mean)


def _parts(materials: Sequence[str]) -> Iterator[tuple[Ints, Ints]]:
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
        return cls(pairs.element, widest, _seen(base, pairs.element, where, widest), rest)

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
        own = self.features.of(_seen(base, self.element, where, self.widest))
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


def _seen(base: Floats, element: str, where: Floats, widest: float) -> Floats:
    return at_edge(as_wide(base, element, widest), where)[:, SEEN]


@dataclass(frozen=True)
class Setting:
    """What is chosen: coupling of the elements, width of the kernel, penalty."""

    coupling: float
    gamma: float
    alpha: float


@dataclass(frozen=True)
class FewSites:
    """A few sites of the target, their inner folds, and the correction that each fold gives.

    Attributes
    ----------
    parts
        Training and held-out rows of each inner fold, and the correction of the training rows.
    correction
        Of all rows.
    """

    pairs: Pairs
    parts: tuple[tuple[Ints, Ints, Correction], ...]
    correction: Correction

    @classmethod
    def of(cls, pairs: Pairs, settings: Delta) -> FewSites:
        """Of a few sites of the target."""
        trials = delta.Trials.of(pairs.feff, pairs.vasp, settings)

        def fitted(rows: Ints) -> Correction:
            return few_sites_correction(pairs.materials, trials, rows)

        parts = tuple((train, test, fitted(train)) for train, test in _parts(pairs.materials))
        return cls(pairs, parts, fitted(np.arange(len(pairs.feff))))


def fit_shared(
    few: FewSites, other: Prepared | None, settings: Delta, transfer: Transfer
) -> Shared:
    """Model of the target from a few of its sites and, if given, all of the other element.

    Parameters
    ----------
    few
        Sites of the target.
    other
        Of :func:`prepared_source`; None: the few sites alone, which is also one of the choices.
    """
    rest = (transfer.kernel_widths, transfer.penalties)
    options: list[tuple[Prepared | None, Setting]] = [
        (None, Setting(0.0, *o)) for o in product(*rest)
    ]
    if other is not None:
        options += [(other, Setting(*o)) for o in product(transfer.couplings, *rest)]
    errors, nothing = np.zeros(len(options)), 0.0
    for train, test, correction in few.parts:
        left, known = few.pairs.take(test), few.pairs.take(train)
        nothing += float(((left.vasp - correction.apply(left.feff)) ** 2).sum())
        sources = [None] if other is None else [None, other]
        asked = [
            _Asked.of(_Fit.of(known, correction, source, settings), left.feff) for source in sources
        ]
        for k, (source, option) in enumerate(options):
            answer = asked[source is not None].answer(option)
            errors[k] += ((left.vasp - answer) ** 2).sum()
    best = int(errors.argmin())
    source, option = options[best]
    whole = _Fit.of(few.pairs, few.correction, source, settings)
    if not 0 < errors[best] < nothing:  # nothing is better than a model, or there was no test
        return Shared(few.pairs.element, whole.widest, whole.correction)
    return whole.model(option)


@dataclass(frozen=True)
class _Fit:
    """Training sites of one or two elements, ready for any setting; the target's come first."""

    element: str
    widest: float
    correction: Correction
    features: Features
    known: Floats
    distance: Floats
    rest: Floats
    is_target: NDArray[np.bool_]

    @classmethod
    def of(
        cls, known: Pairs, correction: Correction, other: Prepared | None, settings: Delta
    ) -> _Fit:
        width = VASP_WIDTH[known.element]
        widest = other.widest if other is not None else width
        own = Prepared.of(known, correction, widest, width)
        sets = [own, *([] if other is None else [other])]
        curves = np.vstack([s.seen for s in sets])
        features = Features.fit(curves, settings.components)
        found = features.of(curves)
        is_target = np.arange(len(found)) < len(known.feff)
        distance = cdist(found, found, "sqeuclidean")
        rest = np.vstack([s.rest for s in sets])
        return cls(known.element, widest, correction, features, found, distance, rest, is_target)

    def gamma(self, setting: Setting) -> float:
        """Width of the kernel for this number of components."""
        return setting.gamma / self.known.shape[1]

    def factor(self, setting: Setting) -> Floats:
        """Of each training site with a site of the target, shape (n,)."""
        return np.where(self.is_target, 1.0, setting.coupling)

    def matrix(self, setting: Setting) -> Floats:
        """Kernel between training sites with its penalty, shape (n, n)."""
        same = self.is_target[:, None] == self.is_target[None, :]
        kernel = np.exp(-self.gamma(setting) * self.distance)
        kernel *= np.where(same, 1.0, setting.coupling)
        kernel[np.diag_indices_from(kernel)] += setting.alpha
        return kernel

    def model(self, setting: Setting) -> Shared:
        weights = solve(self.matrix(setting), self.rest, assume_a="pos")
        return Shared(
            self.element, self.widest, self.correction, self.features, self.known, weights,
            self.gamma(setting), self.factor(setting), setting.coupling,
        )  # fmt: skip


@dataclass(frozen=True)
class _Asked:
    """Sites of the target that a fit with any setting is asked about.

    The same as :meth:`_Fit.model` and :meth:`Shared.predict`, but the equations are solved for
    the few sites asked about and not for every energy.
    """

    fit: _Fit
    base: Floats
    where: Floats
    distance: Floats

    @classmethod
    def of(cls, fit: _Fit, feff: Floats) -> _Asked:
        base, where = fit.correction.apply(feff), edges(feff)
        own = fit.features.of(_seen(base, fit.element, where, fit.widest))
        return cls(fit, base, where, cdist(own, fit.known, "sqeuclidean"))

    def answer(self, setting: Setting) -> Floats:
        """VASP spectra, shape (n, 141)."""
        fit = self.fit
        kernel = np.exp(-fit.gamma(setting) * self.distance) * fit.factor(setting)
        shares = solve(fit.matrix(setting), kernel.T, assume_a="pos")
        return self.base + from_edge(shares.T @ fit.rest, self.where)
