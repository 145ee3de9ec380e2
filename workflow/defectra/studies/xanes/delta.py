"""From FEFF to VASP on pairs of the same site: as they are, corrected, and with a delta model.

The model must beat more than the raw spectrum: the best that one shift, one broadening and one
mean difference, all fitted on the training materials, can do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from defectra.core.records import Column, Metric, Split, Table
from defectra.learn import scores
from defectra.learn.splits import folds
from defectra.spectra.broaden import gaussian
from defectra.studies.xanes.omnixas import POINTS, STEP, material
from defectra.studies.xanes.settings import Delta, XanesStudy

Floats = NDArray[np.float64]
Row = dict[str, Any]

RAW, CORRECTED, DELTA = "FEFF as it is", "shift + broadening + mean", "delta model"
METHODS = (RAW, CORRECTED, DELTA)
# Errors of both sides are of the same spectra: the interval is that of the difference.
COMPARED = ((DELTA, RAW), (DELTA, CORRECTED))
_AXIS = STEP * np.arange(POINTS)

PAIRS = Table(
    "pairs",
    (
        Column("element", "string", "", "absorber"),
        Column("site", "string", "", "material and number of the site"),
        Column("fold", "int", "", "fold in which it was held out"),
        Column("shift", "float", "eV", "of the correction, fitted on the training part"),
        Column("fwhm", "float", "eV", "of the correction, fitted on the training part"),
        Column("vasp", "floats", "edge step = 1", "what is asked for, grid of 0.25 eV"),
        Column("raw", "floats", "edge step = 1", "FEFF"),
        Column("corrected", "floats", "edge step = 1", "FEFF, moved, broadened, mean added"),
        Column("delta", "floats", "edge step = 1", "delta model"),
    ),
)
_COLUMNS = {RAW: "raw", CORRECTED: "corrected", DELTA: "delta"}


@dataclass(frozen=True)
class Correction:
    """One shift (eV), one width (FWHM, eV), and the mean of what is left, shape (141,)."""

    shift: float
    fwhm: float
    mean: Floats

    def apply(self, feff: Floats) -> Floats:
        """Corrected spectra, shape (n, 141)."""
        return _moved(feff, self.shift, self.fwhm) + self.mean


@dataclass(frozen=True)
class Trials:
    """What each shift and width leaves of VASP minus FEFF, for any choice of the sites.

    Attributes
    ----------
    options
        Shift and width (eV), k of them.
    rest, squares
        Shape (k, n, 141), and the sum of its squares over the spectrum, shape (k, n).
    """

    options: tuple[tuple[float, float], ...]
    rest: Floats
    squares: Floats

    @classmethod
    def of(cls, feff: Floats, vasp: Floats, settings: Delta) -> Trials:
        """Of pairs of spectra, shape (n, 141)."""
        steps = round(settings.largest_shift / STEP)
        shifts = [float(STEP * k) for k in range(-steps, steps + 1)]
        options = tuple((shift, fwhm) for fwhm in settings.widths for shift in shifts)
        rest = np.array([vasp - _moved(feff, *option) for option in options])
        return cls(options, rest, np.einsum("kng,kng->kn", rest, rest))

    def fit(self, rows: Sequence[int] | NDArray[np.int64] | slice = slice(None)) -> Correction:
        """Shift, width and mean of the smallest squared error on some of the pairs."""
        used = np.zeros(self.rest.shape[1])
        used[rows] = 1.0
        means = used @ self.rest / used.sum()
        errors = self.squares @ used - used.sum() * (means**2).sum(axis=1)
        best = int(errors.argmin())
        return Correction(*self.options[best], means[best])

    def left(self, correction: Correction, rows: Sequence[int] | NDArray[np.int64]) -> Floats:
        """What shift and width of a correction leave, its mean not taken off; (n, 141)."""
        return self.rest[self.options.index((correction.shift, correction.fwhm))][rows]


def fit_correction(feff: Floats, vasp: Floats, settings: Delta) -> Correction:
    """Shift, width and mean of the smallest squared error on these pairs, shape (n, 141)."""
    return Trials.of(feff, vasp, settings).fit()


def _moved(feff: Floats, shift: float, fwhm: float) -> Floats:
    """Moved up by `shift` and broadened; the first and last value go on beyond the ends."""
    return np.asarray(feff @ _matrix(shift, fwhm))


@cache
def _matrix(shift: float, fwhm: float) -> Floats:
    unit = np.eye(POINTS)
    axis = np.broadcast_to(_AXIS + shift, unit.shape)
    return gaussian(axis, unit, _AXIS, fwhm)


def hold_out(
    element: str,
    feff: Mapping[str, Floats],
    vasp: Mapping[str, Floats],
    settings: XanesStudy,
    seed: int,
) -> list[Row]:
    """Every pair, answered from other materials; rows of :data:`PAIRS`."""  # fmt: skip
    sites = sorted(set(feff) & set(vasp))
    x, y = np.array([feff[s] for s in sites]), np.array([vasp[s] for s in sites])
    groups = [material(s) for s in sites]
    rows: list[Row] = []
    count = settings.delta.folds
    parts = folds(Split.GROUPED, groups, n_folds=count, seed=seed, key="xanes.delta.folds")
    for number, (train, test) in enumerate(parts):
        correction = fit_correction(x[train], y[train], settings.delta)
        base = correction.apply(x)
        own = [groups[k] for k in train]
        rest = learn(base[train], y[train] - base[train], own, settings.delta)
        answer = base[test] + rest.predict(base[test])
        for k, values in zip(test, answer):
            rows.append(
                {
                    "element": element, "site": sites[k], "fold": number,
                    "shift": correction.shift, "fwhm": correction.fwhm, "vasp": y[k].tolist(),
                    "raw": x[k].tolist(), "corrected": base[k].tolist(), "delta": values.tolist(),
                }
            )  # fmt: skip
    return rows


def learn(x: Floats, rest: Floats, groups: Sequence[str], settings: Delta) -> Any:
    """Linear or kernel ridge on principal components, whichever errs less on inner groups."""
    gamma = 1.0 / settings.components
    models: list[Any] = [Ridge(alpha) for alpha in np.logspace(-1, 4, 11)]
    models += [
        KernelRidge(kernel="rbf", gamma=g * gamma, alpha=a)
        for g in (0.03, 0.1, 0.3)
        for a in (0.03, 0.1, 0.3, 1.0)
    ]
    errors = np.zeros(len(models))
    for train, test in GroupKFold(4).split(x, groups=groups):
        axes = _axes(settings).fit(x[train])
        seen, asked = axes.transform(x[train]), axes.transform(x[test])
        for k, model in enumerate(models):
            answer = clone(model).fit(seen, rest[train]).predict(asked)
            errors[k] += ((answer - rest[test]) ** 2).sum()
    best = models[int(errors.argmin())]
    return Pipeline([*_axes(settings).steps, ("model", best)]).fit(x, rest)


def _axes(settings: Delta) -> Pipeline:
    """Whitened principal components of standardised spectra."""
    return make_pipeline(StandardScaler(), PCA(settings.components, whiten=True, random_state=0))


def delta_metrics(rows: Sequence[Mapping[str, Any]], settings: XanesStudy, seed: int) -> list[Row]:
    """Relative RMS (pooled) and median r of each method, as rows of ``metrics.csv``."""
    out: list[Row] = []
    for element in dict.fromkeys(r["element"] for r in rows):
        own = [r for r in rows if r["element"] == element]
        groups = [material(r["site"]) for r in own]
        drawn = scores.Drawn.of(groups, settings.bootstrap, seed)
        truth = np.array([r["vasp"] for r in own])
        lines: list[tuple[str, Metric, Floats]] = []
        for method in METHODS:
            answer = np.array([r[_COLUMNS[method]] for r in own])
            lines += [(method, *one) for one in _scores(truth, answer, drawn.weights)]
        errors = {method: v for method, metric, v in lines if metric is Metric.RELATIVE_RMS}
        lines += [
            (f"{one} - {other}", Metric.RMS_DIFFERENCE, errors[one] - errors[other])
            for one, other in COMPARED
        ]
        out += [
            _line(
                element, model, metric, drawn.ends(v, scores.BOUNDS[metric]), groups, settings, seed
            )
            for model, metric, v in lines
        ]
    return out


def _line(
    element: str,
    model: str,
    metric: Metric,
    ends: tuple[float, float, float],
    groups: Sequence[str],
    settings: XanesStudy,
    seed: int,
) -> Row:
    value, lo, hi = ends
    n_folds = settings.delta.folds
    return {
        "target": f"{element} VASP spectrum", "unit": "", "features": "FEFF",
        "model": model, "split": str(Split.GROUPED), "subset": "all",
        "fidelity": "FEFF -> VASP", "seed": seed,
        "n_train": len(groups) - len(groups) // n_folds, "n_test": len(groups),
        "n_groups": len(set(groups)), "metric": str(metric), "value": value,
        "lo": lo, "hi": hi,
    }  # fmt: skip


def _scores(truth: Floats, answer: Floats, weights: Floats) -> Iterator[tuple[Metric, Floats]]:
    error, size = ((truth - answer) ** 2).mean(axis=1), (truth**2).mean(axis=1)
    yield Metric.RELATIVE_RMS, np.sqrt((weights @ error) / (weights @ size))
    yield Metric.PEARSON, weighted_median(pearson(truth, answer), weights)


def pearson(a: Floats, b: Floats) -> Floats:
    """Correlation of each row, shape (n,)."""
    x, y = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    return np.asarray((x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1)))


def weighted_median(values: Floats, weights: Floats) -> Floats:
    """Median of values, shape (n,), under each set of weights, shape (b, n).

    A jackknife that leaves out single rows fails for a median; leaving out a tenth and more of the
    rows, as with few groups, it holds (Shao and Wu, Ann. Stat. 17, 1176 (1989)).
    """
    order = np.argsort(values)
    total = np.cumsum(weights[:, order], axis=1)
    index = (total < total[:, -1:] / 2).sum(axis=1)
    return values[order][index]
