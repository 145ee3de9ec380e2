"""A model of one element from a few of its sites, with or without all sites of another.

The choice of coupling, kernel width and penalty is made by inner folds over materials. FEFF and
VASP as in :mod:`defectra.studies.xanes.two_elements`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.spatial.distance import cdist

from defectra.studies.xanes import delta
from defectra.studies.xanes.delta import Correction
from defectra.studies.xanes.settings import Delta, Transfer
from defectra.studies.xanes.two_elements import (
    VASP_WIDTH,
    Features,
    Floats,
    Ints,
    Pairs,
    Prepared,
    Setting,
    Shared,
    edges,
    few_sites_correction,
    from_edge,
    inner_parts,
    seen,
)


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

        parts = tuple((train, test, fitted(train)) for train, test in inner_parts(pairs.materials))
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
        own = fit.features.of(seen(base, fit.element, where, fit.widest))
        return cls(fit, base, where, cdist(own, fit.known, "sqeuclidean"))

    def answer(self, setting: Setting) -> Floats:
        """VASP spectra, shape (n, 141)."""
        fit = self.fit
        kernel = np.exp(-fit.gamma(setting) * self.distance) * fit.factor(setting)
        shares = solve(fit.matrix(setting), kernel.T, assume_a="pos")
        return self.base + from_edge(shares.T @ fit.rest, self.where)
