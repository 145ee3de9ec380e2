"""The step from a calculated to a measured gap: forms, their choice, intervals that hold outside.

A form is a least-squares fit of few columns (its spread grows with the leverage of a composition,
sqrt(1 + h), h = x' (X'X)^-1 x), or co-kriging of two levels (Kennedy and O'Hagan, Biometrika 87,
1, 2000): a factor times the calculated gap and a Gaussian process of the composition. Which form is
taken is decided inside the training compounds: the mean absolute error over leaving out each
compound, all of one A cation, one B cation, one halide, since a screen goes beyond the measured in
all these ways; of forms within one standard error of the least, the one with fewest parameters.
The inner residuals of the split that is asked about, divided by the spreads, give the factor of the
90 % interval: their quantile with the rank of a finite sample (split-conformal prediction, Vovk and
others 2005), so that it is as wide as compounds that far off needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.learn.grouped_gp import GroupedGP
from defectra.studies.perovskites.measured import COLUMNS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Units = Mapping[str, Sequence[str]]
LEVEL = 0.9
CHOSEN, CONSTANT = "chosen inside", "HSE, shifted"
_FEWEST, _ENOUGH = 4, 6  # training compounds of a fit, and of one that judges a form
_EACH = 2  # training compounds for each fitted number, at least


@dataclass(frozen=True)
class Form:
    """How a measured gap follows from a composition.

    Attributes
    ----------
    columns
        Of `COLUMNS`, fitted beside a constant.
    added
        Columns that are added with factor one.
    process
        Whether a Gaussian process of the columns is added (co-kriging).
    """

    columns: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    process: bool = False

    @property
    def parameters(self) -> int:
        """How many numbers are fitted; of a process its length scales, amplitude and noise."""
        return len(_GROUPS) + 2 if self.process else 1 + len(self.columns)


_LINE = ("own_HSE_SOC",)
FORMS = {
    CONSTANT: Form(added=("gap_HSE",)),
    "HSE, line": Form(("gap_HSE",)),
    "HSE + spin-orbit, shifted": Form(added=("gap_HSE", "spin_orbit")),
    "composition": Form(("Ge", "Sn", "alkaline_earth", "r_X", "mixing")),
    "own HSE + spin-orbit, shifted": Form(added=_LINE),
    "own HSE + spin-orbit, line": Form(_LINE),
    "own line, mixing": Form((*_LINE, "mixing")),
    "own line, tilt": Form((*_LINE, "tilt")),
    "own line, mixing, tilt": Form((*_LINE, "mixing", "tilt")),
    "co-kriging": Form((*_LINE, "mixing", "tilt", "r_X", "Ge", "Sn"), process=True),
}
_GROUPS = ((0,), (1, 2), (3,), (4, 5))


@dataclass(frozen=True)
class Fit:
    """A fitted form."""

    form: Form
    weights: Floats
    inverse: Floats
    process: GroupedGP | None = None

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        """Gap (eV) and spread (relative, or eV of a process) of rows of features."""
        if self.process is not None:
            return self.process.predict(_pick(x, self.form.columns))
        design = _design(x, self.form)
        leverage = np.einsum("ni,ij,nj->n", design, self.inverse, design)
        added = _pick(x, self.form.added).sum(axis=1)
        return design @ self.weights + added, np.sqrt(1 + np.maximum(leverage, 0))


def fit(form: Form, x: Floats, y: Floats) -> Fit:
    """Fit a form to features, shape (n, 9), and measured gaps, shape (n,).

    Raises
    ------
    DataError
        If a feature is missing, or there are fewer than four compounds.
    """
    if len(y) < _FEWEST or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError(
            f"measured gaps: {len(y)} compounds, at least {_FEWEST} with every calculated gap "
            "are needed (see runs.csv for what is missing)"
        )
    if form.process:
        process = GroupedGP(_GROUPS).fit(_pick(x, form.columns), y)
        return Fit(form, np.empty(0), np.empty((0, 0)), process)
    design = _design(x, form)
    inverse = np.asarray(np.linalg.pinv(design.T @ design), float)
    weights = inverse @ design.T @ (y - _pick(x, form.added).sum(axis=1))
    return Fit(form, weights, inverse)


def _pick(x: Floats, names: Sequence[str]) -> Floats:
    return x[:, [COLUMNS.index(name) for name in names]]


def _design(x: Floats, form: Form) -> Floats:
    return np.column_stack([np.ones(len(x)), _pick(x, form.columns)])


@dataclass(frozen=True)
class Left:
    """Answers about compounds that were left out, shape (n,) each: gap, spread."""

    mean: Floats
    spread: Floats

    def factor(self, y: Floats) -> float:
        """What turns a spread into the half width of a 90 % interval."""
        ratio = np.sort(np.abs(self.mean - y) / self.spread)
        rank = int(np.ceil(LEVEL * (len(y) + 1)))
        return float(ratio[min(rank, len(y)) - 1])


def leave_out(form: Form, x: Floats, y: Floats, units: Sequence[str]) -> Left:
    """Answers about each unit (compound, cation, halide) by a fit to what does not contain it."""
    mean, spread = np.empty(len(y)), np.empty(len(y))
    for train, test in folds(units):
        mean[test], spread[test] = fit(form, x[train], y[train]).predict(x[test])
    return Left(mean, spread)


def folds(units: Sequence[str]) -> list[tuple[Ints, Ints]]:
    """Training and test rows: each ion (or compound) is tested where it comes first.

    A compound that contains the ion beside another is in neither.

    Parameters
    ----------
    units
        Of each row: its ions on a site, separated by blanks, or the compound.
    """
    parts = [unit.split() for unit in units]
    out = []
    for name in dict.fromkeys(part[0] for part in parts):
        test = np.flatnonzero([part[0] == name for part in parts])
        out.append((np.flatnonzero([name not in part for part in parts]), test))
    return out


@dataclass(frozen=True)
class Trained:
    """A form fitted to all training compounds, and what leaving some of them out showed.

    Attributes
    ----------
    name
        Of `FORMS`.
    factors
        Of the 90 % interval, by what was left out.
    error, doubt
        Mean absolute error over all that was left out, and its standard error over compounds, eV.
    """

    name: str
    fitted: Fit
    factors: Mapping[str, float]
    error: float
    doubt: float

    def predict(self, x: Floats, split: str) -> tuple[Floats, Floats]:
        """Measured-like gap and half width of its 90 % interval, eV, as far off as in a split."""
        mean, spread = self.fitted.predict(x)
        return mean, self.factors[split] * spread


def train(x: Floats, y: Floats, units: Units) -> dict[str, Trained]:
    """Every form that the compounds are enough for, judged by leaving out units inside.

    Parameters
    ----------
    x, y
        Features, shape (n, 9); measured gaps, eV.
    units
        By split: what is left out as a whole. Where fewer than three are left, or leaving one out
        leaves fewer than six compounds, single compounds are left out.
    """
    alone = [str(n) for n in range(len(y))]
    parts = {split: own if _fair(own) else alone for split, own in units.items()}
    out = {}
    for name, form in FORMS.items():
        if form.parameters * _EACH > len(y):
            continue
        done: dict[tuple[str, ...], Left] = {}
        for own in parts.values():
            if tuple(own) not in done:
                done[tuple(own)] = leave_out(form, x, y, own)
        left = {split: done[tuple(own)] for split, own in parts.items()}
        off = np.mean([np.abs(one.mean - y) for one in left.values()], axis=0)
        factors = {split: one.factor(y) for split, one in left.items()}
        doubt = float(off.std(ddof=1) / np.sqrt(len(y)))
        out[name] = Trained(name, fit(form, x, y), factors, float(off.mean()), doubt)
    return out


def _fair(units: Sequence[str]) -> bool:
    """Whether leaving out each unit leaves enough to learn from."""
    parts = folds(units)
    return len(parts) > 2 and min(len(rest) for rest, _ in parts) >= _ENOUGH


def best(trained: Mapping[str, Trained]) -> Trained:
    """The form with the fewest parameters whose error is within one standard error of the least.

    One-standard-error rule: Breiman and others, Classification and Regression Trees (1984).
    """
    least = min(trained.values(), key=lambda t: t.error)
    alike = [t for t in trained.values() if t.error <= least.error + least.doubt]
    return min(alike, key=lambda t: (FORMS[t.name].parameters, t.error))
