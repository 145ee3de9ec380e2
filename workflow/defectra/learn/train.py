"""Train on any table: grouped cross-validation of a forest beside mean and ridge, then the model.

A curve of one edge with its grid becomes a spectral model, which is asked about measured spectra;
any other columns become a model that is asked about rows of tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import TableError
from defectra.core.records import Metric, Split
from defectra.learn import scores
from defectra.learn.any_table import AnyTable
from defectra.learn.curve_features import RAW, feature_block
from defectra.learn.curve_grids import Grids, grids_of, units_of
from defectra.learn.forest import Forest
from defectra.learn.grouped_ridge import grouped_ridge
from defectra.learn.new_groups import half_width
from defectra.learn.saved import STATELESS, About, Saved, learn_domain
from defectra.learn.splits import folds
from defectra.learn.table_model import AboutTable, TableModel

Floats = NDArray[np.float64]
Model = Saved | TableModel
MEAN, RIDGE, FOREST = "mean", "ridge", "random forest"
FEWEST_GROUPS, FOLDS = 3, 5
# What says where a row comes from, and nothing of its structure.
_BOOKKEEPING = ("n_computed", "n_unconverged", "n_failed", "n_sites", "first_eV", "step_eV", "rank")


@dataclass(frozen=True)
class Asked:
    """What is to be trained.

    Attributes
    ----------
    target, group
        Columns of the label, and of what no fold may cut.
    features
        Columns; empty: the curves of the table (``cdf: …``), else all numbers.
    trees, resamples, seed
        Of the forest, of the bootstrap over groups, of all draws.
    """

    target: str
    group: str
    features: tuple[str, ...] = ()
    trees: int = 200
    resamples: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Data:
    """Rows that can be used.

    Attributes
    ----------
    x, y, groups
        Features (n, p), labels (n,), group of each row.
    names
        Columns or features of curves, e.g. ``cdf: Ni K``, and the numbers of each.
    curve
        Element and edge if all features are of one curve with a grid, and its spectra (n, g).
    left_out
        Rows left out, by reason.
    grids
        First energy and step (eV) of each curve whose energies the table says.
    """

    x: Floats
    y: Floats
    groups: list[str]
    names: dict[str, int]
    curve: tuple[str, Floats] | None
    left_out: dict[str, int]
    grids: Grids


@dataclass(frozen=True)
class Report:
    """How well each model does on groups that were left out.

    Attributes
    ----------
    scores
        Value and 90 % interval over groups, by model and metric; NaN ends where none is known.
    better
        Root mean square error of ridge less that of the forest, and its interval over groups.
    half
        Half width of an interval that holds 90 % of the rows of a new group; NaN with too few.
    """

    scores: dict[str, dict[str, tuple[float, float, float]]]
    better: tuple[float, float, float]
    half: float


def features_by_default(table: AnyTable, asked: Asked) -> tuple[str, ...]:
    """Curves as cumulative distributions, if there are some; else all numbers but bookkeeping.

    Raises
    ------
    TableError
        If nothing is left.
    """
    curves = [c for c in table.columns if c.startswith(RAW) and table.is_curve(c)]
    if curves:
        return tuple(f"cdf: {c.removeprefix(RAW)}" for c in curves)
    table.column(asked.group)  # a wrong name is an error of its own
    not_features = {asked.target, asked.group}
    numbers = [
        c
        for c in table.columns
        if c not in not_features and table.is_number(c) and c.split(":")[0] not in _BOOKKEEPING
    ]
    if not numbers:
        raise TableError(f"{table.path}: no column of numbers beside {asked.target!r}")
    return tuple(numbers)


def prepared(table: AnyTable, asked: Asked) -> Data:
    """Features, labels and groups of the rows that have all of them.

    Raises
    ------
    TableError
        For an unknown column, a label among the features, a constant label, too few groups, curves
        on several grids.
    """
    given = asked.features or features_by_default(table, asked)
    names = [f"intensity: {n.removeprefix(RAW)}" if n.startswith(RAW) else n for n in given]
    if asked.target in names or asked.group in names:
        which = asked.target if asked.target in names else asked.group
        raise TableError(f"{which!r} is the {'label' if which == asked.target else 'group'}: it "
                         "cannot be a feature, too")  # fmt: skip
    y = table.numbers(asked.target)
    groups = table.column(asked.group)
    blocks = {name: feature_block(table, name) for name in names}
    x = np.hstack(list(blocks.values()))
    lacking = {
        f"no {asked.target}": ~np.isfinite(y),
        f"no {asked.group}": np.array([g is None or str(g) == "" for g in groups]),
        "a feature is missing": ~np.isfinite(x).all(axis=1),
    }
    bad = np.any(list(lacking.values()), axis=0)
    kept = np.flatnonzero(~bad).tolist()
    reasons = {why: int(rows.sum()) for why, rows in lacking.items() if rows.any()}
    own = [str(groups[k]) for k in kept]
    _check(table, asked, y[kept], own, reasons)
    curve = _curve(table, names, kept)
    sizes = {name: block.shape[1] for name, block in blocks.items()}
    grids = grids_of(table, [name for name, size in sizes.items() if size > 1], kept)
    return Data(x[kept], y[kept], own, sizes, curve, reasons, grids)


def _check(
    table: AnyTable, asked: Asked, y: Floats, groups: Sequence[str], reasons: dict[str, int]
) -> None:
    why = "; ".join(f"{n} rows have {text}" for text, n in reasons.items())
    rest = f" ({why} and are left out)" if why else ""
    if len(y) == 0 or np.ptp(y) == 0:
        what = f"is {y[0]:g} in all {len(y)} rows" if len(y) else "is in no row with all features"
        raise TableError(f"{table.path}: {asked.target!r} {what}: nothing to learn{rest}")
    count = len(set(groups))
    if count < FEWEST_GROUPS:
        raise TableError(
            f"{table.path}: column {asked.group!r} has {count} group(s) in {len(y)} rows, at least "
            f"{FEWEST_GROUPS} are needed to leave some out{rest}; more structures, or --group with "
            "another column"
        )


def _curve(table: AnyTable, names: Sequence[str], kept: list[int]) -> tuple[str, Floats] | None:
    """Edge and spectra, if the features are of one curve whose grid the table says."""
    kind, _, edge = names[0].partition(": ")
    known = all(f"{c}: {edge}" in table.columns for c in ("raw", "first_eV", "step_eV"))
    if len(names) > 1 or not known or any(p not in STATELESS for p in kind.split("+")):
        return None
    return edge, table.matrix(RAW + edge)[kept]


def evaluate(data: Data, asked: Asked) -> Report:
    """Grouped cross-validation: every group is held out once, and all models on the same folds."""
    count = min(FOLDS, len(set(data.groups)))
    pairs = folds(Split.GROUPED, data.groups, n_folds=count, seed=asked.seed)
    answers = {name: np.empty(len(data.y)) for name in (MEAN, RIDGE, FOREST)}
    for train, test in pairs:
        x, y = data.x[train], data.y[train]
        answers[MEAN][test] = y.mean()
        groups = [data.groups[i] for i in train]
        linear = grouped_ridge(np.logspace(-3, 5, 17), groups, asked.seed).fit(x, y)
        answers[RIDGE][test] = linear.predict(data.x[test])
        forest = _forest(asked, len(y)).fit(x, y)
        answers[FOREST][test] = forest.predict(data.x[test])
    drawn = scores.Drawn.of(data.groups, asked.resamples, asked.seed)
    kinds: dict[Metric, Any] = {
        Metric.RMSE: scores.rmse, Metric.MAE: scores.mae, Metric.R2: scores.r2
    }  # fmt: skip
    if set(np.unique(data.y)) == {0.0, 1.0}:
        kinds[Metric.AUROC] = scores.auroc
    found = {
        name: {
            str(kind): drawn.ends(score(data.y, own, drawn.weights), scores.BOUNDS[kind])
            for kind, score in kinds.items()
        }
        for name, own in answers.items()
    }
    ridge, own = (scores.rmse(data.y, answers[k], drawn.weights) for k in (RIDGE, FOREST))
    half = half_width(np.abs(answers[FOREST] - data.y), data.groups)
    return Report(found, drawn.ends(ridge - own), half)


def _forest(asked: Asked, rows: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    leaf = 1 if rows < 100 else 2
    return RandomForestRegressor(
        asked.trees, min_samples_leaf=leaf, max_features=1 / 3, random_state=asked.seed, n_jobs=1
    )


def fitted(table: AnyTable, data: Data, asked: Asked, report: Report) -> Model:
    """The forest on all rows: spectral if the features are of one curve with a grid."""
    forest = Forest.from_sklearn(_forest(asked, len(data.y)).fit(data.x, data.y))
    low, high = float(data.y.min()), float(data.y.max())
    sentence = (
        f"{table.path.name}: {len(data.y)} rows in {len(set(data.groups))} groups ({asked.group})"
    )
    unit = table.units.get(asked.target, "")
    if data.curve is None:
        sizes = list(data.names.values())
        about = AboutTable(
            asked.target, unit, list(data.names), sizes, report.half, low, high, sentence,
            data.grids, units_of(table, list(data.names)), over_groups=True,
        )  # fmt: skip
        return TableModel(about, forest, data.x.min(axis=0), data.x.max(axis=0))
    edge, spectra = data.curve
    name = next(iter(data.names))
    (first, step), kind = data.grids[name], name.partition(": ")[0]
    points, shift = spectra.shape[1], 0.0
    about_curve = About(
        edge, asked.target, unit, kind, first, step, points, shift, report.half, low, high,
        sentence, over_groups=True,
    )  # fmt: skip
    top = spectra / spectra.max(axis=1, keepdims=True)
    return Saved(about_curve, forest, learn_domain(top, data.groups))


def train(table: AnyTable, asked: Asked, out: Path | None) -> tuple[Data, Report, Model | None]:
    """Evaluate, and fit and keep the model if `out` names a file.

    Raises
    ------
    TableError
        As :func:`prepared`.
    """
    from threadpoolctl import threadpool_limits

    data = prepared(table, asked)
    with threadpool_limits(1):  # more only wait for each other on matrices of this size
        report = evaluate(data, asked)
        model = None if out is None else fitted(table, data, asked, report)
    if model is not None and out is not None:
        model.write(out)
    return data, report, model
