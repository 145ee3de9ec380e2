"""Scores of the step to measured gaps by form and split; the ladder of each compound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Metric, Split
from defectra.learn import scores
from defectra.studies.perovskites import measured_models
from defectra.studies.perovskites.measured import Measured, Rows, steps_below
from defectra.studies.perovskites.measured_models import CHOSEN, CONSTANT, folds
from defectra.studies.perovskites.problems import COMPOSITION

Floats = NDArray[np.float64]
Row = dict[str, Any]
TARGET = "gap_measured"
OVER_CONSTANT = f"{CHOSEN} / {CONSTANT}"  # quotient of their errors on the same compounds
MEAN, AS_IT_IS = "mean of the training compounds", "HSE, as it is"
B_OUT = "B_out"
SITES = {str(Split.COMPOSITION_OUT): "", str(Split.A_OUT): "A", B_OUT: "B", str(Split.X_OUT): "X"}
ALL, KNOWN_PHASES = "all", "without monoclinic"
LADDER_COLUMNS = [
    *("formula", "readings", "gap_measured_eV", "lowest_eV", "highest_eV", "phase", "used"),
    *("gap_PBE_eV", "gap_HSE_eV", "gap_HSE_model_eV", "gap_HSE_SOC_eV"),
    *("own_PBE_eV", "own_HSE_eV", "own_HSE_SOC_eV"),
    *("gap_measured_like_eV", "half_eV", "inside", "form"),
    *("model_less_label_eV", "label_less_measured_eV", "spin_orbit_eV", "rest_eV"),
]


@dataclass
class Held:
    """Answers about left-out compounds by form, shape (n,) each: gap, half width (eV)."""

    mean: dict[str, Floats] = field(default_factory=dict)
    half: dict[str, Floats] = field(default_factory=dict)
    forms: list[str] = field(default_factory=list)
    n_train: int = 0


def units_of(compounds: Sequence[Measured]) -> dict[str, list[str]]:
    """What each split leaves out as a whole: a compound, or the ions of one site."""
    return {
        split: [c.ions(site) if site else c.formula for c in compounds]
        for split, site in SITES.items()
    }


def held_out(x: Floats, y: Floats, units: Mapping[str, Sequence[str]], split: str) -> Held:
    """Every form, and the one chosen inside, about each unit of a split from the others."""
    names = (*measured_models.FORMS, CHOSEN)
    out = Held({n: np.empty(len(y)) for n in (*names, MEAN)}, {n: np.empty(len(y)) for n in names})
    out.forms = [""] * len(y)
    parts = folds(units[split])
    for rest, test in parts:
        inside = {key: [own[k] for k in rest] for key, own in units.items()}
        trained = measured_models.train(x[rest], y[rest], inside)
        chosen = measured_models.best(trained)
        for name in names:
            model = chosen if name == CHOSEN else trained.get(name)
            answer = model.predict(x[test], split) if model else (np.nan, np.nan)
            out.mean[name][test], out.half[name][test] = answer
        out.mean[MEAN][test] = y[rest].mean()
        for k in test:
            out.forms[k] = chosen.name
    out.n_train = round(np.mean([len(rest) for rest, _ in parts]))
    return out


def metric_rows(
    compounds: Sequence[Measured], raw: Floats, held: Mapping[str, Held], bootstrap: int, seed: int
) -> list[Row]:
    """Rows of ``measured_metrics.csv``, in the columns of ``metrics.csv``.

    `raw` are published HSE gaps, shape (n,): what was called the gap before; `held` by split.
    Intervals are over what a split leaves out as a whole: compounds, or the ions of a site that
    come first (:func:`folds`).
    """
    units = units_of(compounds)
    y = np.array([c.gap for c in compounds])
    subsets = {ALL: np.ones(len(y), bool)}
    subsets[KNOWN_PHASES] = np.array(["monoclinic" not in c.phase for c in compounds])
    rows = []
    for split, answers in held.items():
        means = {**answers.mean, AS_IT_IS: raw}
        for subset, chosen in subsets.items():
            own = [unit.split()[0] for unit, one in zip(units[split], chosen) if one]
            drawn = scores.Drawn.of(own, bootstrap, seed)
            weights = drawn.weights
            errors: dict[str, Floats] = {}
            frame = {"split": split, "subset": subset, "seed": seed, "n_train": answers.n_train}
            frame |= {"n_test": int(chosen.sum()), "n_groups": len(set(own))}
            for name, mean in means.items():
                if not np.isfinite(mean).all():
                    continue  # too few training compounds for this form in some fold
                half = answers.half.get(name)
                values = _values(y[chosen], mean[chosen], weights)
                if half is not None:
                    inside = (np.abs(mean - y) <= half)[chosen].astype(float)
                    values[Metric.COVERAGE_90] = weights @ inside / weights.sum(axis=1)
                    values[Metric.WIDTH_90] = weights @ (2 * half[chosen]) / weights.sum(axis=1)
                errors[name] = values[Metric.RMSE]
                rows += [
                    _row(name, metric, drawn.ends(curve, scores.BOUNDS[metric]), frame)
                    for metric, curve in values.items()
                ]
            if CHOSEN in errors and CONSTANT in errors:
                share = errors[CHOSEN] / errors[CONSTANT]
                ends = drawn.ends(share, scores.BOUNDS[Metric.RMSE_RATIO])
                rows.append(_row(OVER_CONSTANT, Metric.RMSE_RATIO, ends, frame))
    return rows


def _values(y: Floats, mean: Floats, weights: Floats) -> dict[Metric, Floats]:
    return {
        Metric.RMSE: scores.rmse(y, mean, weights),
        Metric.MAE: scores.mae(y, mean, weights),
        Metric.R2: scores.r2(y, mean, weights),
    }


def _row(
    name: str, metric: Metric, ends: tuple[float, float, float], frame: Mapping[str, Any]
) -> Row:
    value, lo, hi = ends
    unit = "" if metric in (Metric.R2, Metric.COVERAGE_90, Metric.RMSE_RATIO) else "eV"
    own: Row = {"target": TARGET, "unit": unit, "features": name, "model": "measured"}
    own |= {"fidelity": "measured", "metric": str(metric), "value": value, "lo": lo, "hi": hi}
    return {**frame, **own}


def held_HSE(predictions: Rows) -> dict[str, float]:  # noqa: N802
    """HSE gap by the learnt model of compounds that it did not see (5-fold, first split), eV."""
    wanted = {
        "target": "gap_HSE",
        "features": COMPOSITION,
        "split": str(Split.GROUPED),
        "repeat": 0,
    }
    return {
        str(row["name"]): float(row["prediction"])
        for row in predictions
        if all(row[key] == value for key, value in wanted.items())
    }


def ladder(
    compounds: Sequence[Measured],
    answers: Mapping[str, tuple[float, float, str]],
    published: Rows,
    runs: Rows,
    held_HSE: Mapping[str, float],
) -> list[Row]:
    """Rows of ``ladder.csv``: each measured compound with every calculation below it.

    Parameters
    ----------
    compounds
        Measured compounds, disputed ones as well.
    answers
        By formula: measured-like gap and half width (eV) from the other compounds, form.
    published, runs
        Rows of the compounds table and of our own calculations.
    held_HSE
        HSE gap that the learnt model gives for a compound it did not see, by name, eV.
    """
    below = steps_below([c.shares for c in compounds], published, runs)
    rows = []
    for k, compound in enumerate(compounds):
        at = {name: float(values[k]) for name, values in below.items()}
        like, half, form = answers[compound.formula]
        model = held_HSE.get(compound.formula, float("nan"))
        rows.append(
            {
                "formula": compound.formula,
                "readings": compound.readings,
                "gap_measured_eV": compound.gap,
                "lowest_eV": compound.low,
                "highest_eV": compound.high,
                "phase": compound.phase or "not stated",
                "used": "no" if compound.disputed else "yes",
                "gap_HSE_model_eV": model,
                **{f"{n}_eV": at[n] for n in ("gap_PBE", "gap_HSE", "gap_HSE_SOC")},
                **{f"{n}_eV": at[n] for n in ("own_PBE", "own_HSE", "own_HSE_SOC", "spin_orbit")},
                "gap_measured_like_eV": like,
                "half_eV": half,
                "inside": "yes" if abs(like - compound.gap) <= half else "no",
                "form": form,
                "model_less_label_eV": model - at["gap_HSE"],
                "label_less_measured_eV": at["gap_HSE"] - compound.gap,
                "rest_eV": compound.gap - at["gap_HSE_SOC"],
            }
        )
    return rows
