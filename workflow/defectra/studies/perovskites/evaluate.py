"""Scores of every model on every split, each beside the mean of its training rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Metric, Split
from defectra.learn import scores
from defectra.learn.committee import COMMITTEE, MEMBERS, Committee
from defectra.learn.splits import Fold, folds
from defectra.studies.perovskites.compounds import A_IONS, B_IONS, X_IONS
from defectra.studies.perovskites.descriptors import Table
from defectra.studies.perovskites.problems import Problem, label, problems
from defectra.studies.perovskites.settings import PerovskiteStudy
from defectra.studies.perovskites.tables import UNITS

Floats = NDArray[np.float64]
Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
BASELINE = "baseline"
SPLITS = (Split.GROUPED, Split.A_OUT, Split.X_OUT, Split.MIXED_FROM_PURE, Split.DESIGN)


@dataclass(frozen=True)
class Held:
    """Answers about held-out rows, each row once.

    Attributes
    ----------
    rows
        Numbers of the rows, shape (m,).
    truth, half
        Published value and half width of the interval, shape (m,).
    means
        By model, the training mean among them, shape (m,) each.
    weights
        Of the committee's members, shape (m, 5).
    n_train
        Mean number of training rows.
    """

    rows: NDArray[np.int64]
    truth: Floats
    half: Floats
    means: dict[str, Floats]
    weights: Floats
    n_train: int


def evaluate(
    target: str,
    rows: Rows,
    references: Rows,
    ions: Table,
    study: PerovskiteStudy,
    seed: int,
    runs: Rows = (),
) -> tuple[list[Row], list[Row]]:
    """Rows of ``metrics.csv`` and of the predictions table for one label.

    Parameters
    ----------
    target
        A label of the compounds table.
    rows, references, ions
        Compounds, reference energies, ionic properties.
    study, seed
        Settings, and seed of folds, learners and resamples.
    runs
        Rows of our own calculations, for the features that are built on them.
    """
    metrics: list[Row] = []
    predictions: list[Row] = []
    for problem in problems(target, rows, references, ions, runs):
        for split in SPLITS:
            again = split is Split.GROUPED and target in study.repeated
            for repeat in range(study.repeats if again else 1):
                held = hold_out(problem, label(rows, target), rows, split, study, seed + repeat)
                if held is None:
                    continue
                metrics += _metrics(target, problem, rows, split, held, study, seed + repeat)
                predictions += _predictions(target, problem, rows, split, held, repeat)
    return metrics, predictions


def hold_out(
    problem: Problem, truth: Floats, rows: Rows, split: Split, study: PerovskiteStudy, seed: int
) -> Held | None:
    """Fit on what a split leaves, answer about what it takes; None if nothing is held out."""
    usable = np.isfinite(truth) & np.isfinite(problem.matrix).all(axis=1)
    parts = []
    for train, test in _folds(rows, usable, split, study.folds, seed):
        units = _inner_units(rows, split)
        model = Committee(problem.groups, problem.wide, study.model, seed)
        model.fit(problem.matrix[train], (truth - problem.base)[train], [units[k] for k in train])
        answer = model.predict(problem.matrix[test])
        means = {name: mean + problem.base[test] for name, mean in answer.means.items()}
        means[BASELINE] = np.full(len(test), truth[train].mean())
        weights = np.tile(answer.weights, (len(test), 1))
        parts.append(Held(test, truth[test], answer.half, means, weights, len(train)))
    return _joined(parts) if parts else None


def _joined(parts: Sequence[Held]) -> Held:
    names = parts[0].means
    return Held(
        np.concatenate([p.rows for p in parts]),
        np.concatenate([p.truth for p in parts]),
        np.concatenate([p.half for p in parts]),
        {name: np.concatenate([p.means[name] for p in parts]) for name in names},
        np.concatenate([p.weights for p in parts]),
        round(float(np.mean([p.n_train for p in parts]))),
    )


def _folds(
    rows: Rows, usable: NDArray[np.bool_], split: Split, count: int, seed: int
) -> Iterator[Fold]:
    own = np.array([row["in_ml"] for row in rows]) & usable
    ml = np.flatnonzero(own)
    if split is Split.DESIGN:
        test = np.flatnonzero(usable & ~own)
        yield from [(ml, test)] if len(test) else []
    elif split is Split.MIXED_FROM_PURE:
        pure = np.array([rows[int(k)]["kind"] == "pure" for k in ml])
        yield ml[pure], ml[~pure]
    else:
        units = [_units(rows, split)[k] for k in ml]
        number = min(count, len(set(units))) if split is Split.GROUPED else len(set(units))
        names = [rows[int(k)]["name"] for k in ml]
        for train, test in folds(split, names, values=units, n_folds=number, seed=seed):
            yield ml[train], ml[test]


def _units(rows: Rows, split: Split) -> list[str]:
    """What a split takes out as a whole: a cation, a halide, or a compound."""
    if split is Split.A_OUT:
        return [cation(row) for row in rows]
    return [halide(row) for row in rows] if split is Split.X_OUT else [r["name"] for r in rows]


def _inner_units(rows: Rows, split: Split) -> list[str]:
    """What is left out as a whole inside the training rows, so that they are as far off as a test.

    Where mixed sites are tested and none is trained on, an ion is: B for mixtures on B; a pair of
    A and X for the other set, which mixes these.
    """
    if split is Split.MIXED_FROM_PURE:
        return [B_IONS[int(np.argmax(row["b"]))] for row in rows]
    if split is Split.DESIGN:
        return [cation(row) + halide(row) for row in rows]
    return _units(rows, split)


def cation(row: Mapping[str, Any]) -> str:
    """Majority cation on A."""
    return A_IONS[int(np.argmax(row["a"]))]


def halide(row: Mapping[str, Any]) -> str:
    """Majority halide."""
    return X_IONS[int(np.argmax(row["x"]))]


def _subsets(rows: Rows, split: Split) -> dict[str, NDArray[np.bool_]]:
    """Parts that are scored apart: each cation, halide, or kind of compound."""
    labels = {
        Split.A_OUT: cation,
        Split.X_OUT: halide,
        Split.DESIGN: lambda row: str(row["kind"]),
    }.get(split)
    out = {"all": np.ones(len(rows), bool)}
    if labels:
        names = np.array([labels(row) for row in rows])
        out |= {str(name): names == name for name in dict.fromkeys(names)}
    return out


def _metrics(
    target: str,
    problem: Problem,
    rows: Rows,
    split: Split,
    held: Held,
    study: PerovskiteStudy,
    seed: int,
) -> list[Row]:
    tested = [rows[k] for k in held.rows]
    out = []
    for subset, chosen in _subsets(tested, split).items():
        own_rows = [row for row, is_in in zip(tested, chosen) if is_in]
        units = _resampled(own_rows, split, subset)
        drawn = scores.Drawn.of(units, study.bootstrap, seed)
        frame = {
            "target": target,
            "unit": UNITS[target],
            "split": str(split),
            "subset": subset,
            "fidelity": target.rsplit("_", 1)[1] if target.endswith(("PBE", "HSE")) else "PBE",
            "seed": seed,
            "n_train": held.n_train,
            "n_test": len(own_rows),
            "n_groups": len(set(units)),
        }
        models = (*MEMBERS, COMMITTEE, BASELINE) if subset == "all" else (COMMITTEE, BASELINE)
        for model in models:
            values = _curves(held, chosen, model, drawn.weights)
            seen = "none" if model == BASELINE else problem.features
            for metric, curve in values.items():
                value, lo, hi = drawn.ends(curve, scores.BOUNDS[metric])
                unit = frame["unit"] if metric in (Metric.RMSE, Metric.MAE) else ""
                own = {"features": seen, "model": model, "metric": str(metric), "unit": unit}
                out.append({**frame, **own, "value": value, "lo": lo, "hi": hi})
    return out


def _resampled(rows: Rows, split: Split, subset: str) -> list[str]:
    """What the interval of a score is over: the cations or halides that are left out, or compounds.

    The scores of one cation or halide alone are over its compounds, and say nothing of another.
    """
    return _units(rows, split if subset == "all" else Split.GROUPED)


def _curves(
    held: Held, chosen: NDArray[np.bool_], model: str, weights: Floats
) -> dict[Metric, Floats]:
    truth, answer = held.truth[chosen], held.means[model][chosen]
    error = scores.rmse(truth, answer, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        skill = 1 - error / scores.rmse(truth, held.means[BASELINE][chosen], weights)
    out = {Metric.RMSE: error, Metric.MAE: scores.mae(truth, answer, weights), Metric.SKILL: skill}
    if model == COMMITTEE:
        inside = (np.abs(answer - truth) <= held.half[chosen]).astype(float)
        out[Metric.COVERAGE_90] = weights @ inside / weights.sum(axis=1)
    return out


def _predictions(
    target: str, problem: Problem, rows: Rows, split: Split, held: Held, repeat: int
) -> list[Row]:
    return [
        {
            "name": rows[row]["name"],
            "target": target,
            "features": problem.features,
            "split": str(split),
            "repeat": repeat,
            "truth": float(held.truth[k]),
            "prediction": float(held.means[COMMITTEE][k]),
            "half": float(held.half[k]),
            "weights": [float(w) for w in held.weights[k]],
        }
        for k, row in enumerate(held.rows)
    ]
