"""Ni oxidation state of measured spectra from a model of our own calculations alone.

Beside it stand two numbers that need no model, the position of the largest value and the
centroid, and the answers of the published model. The calculated spectra are moved by one shift
that is found without labels, by the declared one, or not at all; all three are reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from defectra.core.records import Metric, Split
from defectra.learn import scores
from defectra.learn.forest import Forest
from defectra.learn.grouped_ridge import grouped_ridge
from defectra.learn.new_groups import half_width
from defectra.learn.predict import on_model_grid, predict_file
from defectra.learn.saved import About, Saved, features_of, learn_domain
from defectra.learn.splits import folds
from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.measured import read_measured
from defectra.spectra.measured_series import Series
from defectra.spectra.normalise import cdf
from defectra.spectra.peaks import peak_position
from defectra.studies.xanes.importance import importance
from defectra.studies.xanes.nickel import EDGE, GRID, align, on_grid
from defectra.studies.xanes.settings import Nickel, XanesStudy

Floats = NDArray[np.float64]
Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

RIDGE, FOREST = "ridge", "random forest"
PEAK, CENTROID, AUTHORS = "peak position", "centroid", "published model"
# Shift of the calculated spectra: from the two means; declared in the config (it lays the peak of
# pristine NMC622 upon the measured one, so it knows one label); none, the axis of the engine.
ALIGNED, DECLARED, UNALIGNED = "aligned without labels", "declared shift", "not aligned"
TARGET = "Ni oxidation state"
SERIES_COLUMNS = [
    "composition", "number", "voltage_V", "method", "features", "alignment", "shift_eV",
    "shift_sd_eV", "value", "unit", "half", "outside",
]  # fmt: skip
DISCHARGED = 3.5  # V; below, and pristine: discharged


@dataclass(frozen=True)
class Trained:
    """A model on all calculated spectra and its held-out answers, shape (n,)."""

    features: str
    name: str
    model: Any
    held_out: Floats
    half: float


def train(rows: Rows, spectra: Floats, study: XanesStudy, seed: int) -> list[Trained]:
    """Every feature and model on the calculated spectra, groups held out."""
    labels = np.array([r["state"] for r in rows])
    groups = [r["composition"] for r in rows]
    parts = folds(
        Split.GROUPED, groups, n_folds=study.nickel.folds, seed=seed, key="xanes.nickel.folds"
    )
    out = []
    for features in study.nickel.features:
        x = features_of(spectra, features)
        for name in (RIDGE, FOREST):
            answer = np.empty(len(labels))
            for train_rows, test in parts:
                own = [groups[k] for k in train_rows]
                model = _model(name, own, study.nickel, seed)
                answer[test] = model.fit(x[train_rows], labels[train_rows]).predict(x[test])
            half = half_width(np.abs(answer - labels), groups)
            whole = _model(name, groups, study.nickel, seed).fit(x, labels)
            out.append(Trained(features, name, whole, answer, half))
    return out


def _model(name: str, groups: Sequence[str], settings: Nickel, seed: int) -> Any:
    if name == RIDGE:
        return grouped_ridge(np.logspace(0, 4, 9), groups, seed)
    return RandomForestRegressor(
        settings.trees, min_samples_leaf=settings.leaf, max_features="sqrt", random_state=seed
    )


def saved(
    chosen: Trained, rows: Rows, spectra: Floats, study: XanesStudy, shift: tuple[float, float]
) -> Saved:
    """The model as `defectra predict` reads it; `shift` of its spectra with its deviation, eV."""
    labels = np.array([r["state"] for r in rows])
    about = About(
        edge=EDGE, target=TARGET, unit="e", features=chosen.features, first=float(GRID[0]),
        step=0.4, points=len(GRID), shift=0.0, half=chosen.half, low=float(labels.min()),
        high=float(labels.max()),
        trained_on=f"{len(rows)} Ni sites in layered Li(Ni,Mn,Co)O2, FEFF10 {study.nickel.protocol}"
        f", CHGNet cells, moved by {shift[0]:+.1f} eV", over_groups=True,
        alignment_sd=shift[1],
    )  # fmt: skip
    domain = learn_domain(spectra, [r["composition"] for r in rows])
    return Saved(about, Forest.from_sklearn(chosen.model), domain)


def series_rows(
    series: Series, trained: Sequence[Trained], alignment: tuple[str, float, float], model: Saved
) -> Iterator[Row]:
    """Answers of every model on every measured spectrum; alignment, its shift and deviation."""
    far = model.domain.outside(series.mu)
    for t in trained:
        values = t.model.predict(features_of(series.mu, t.features))
        yield from _rows(series, t.name, t.features, alignment, values, "e", t.half, far)


def baseline_rows(series: Series, published: Forest) -> Iterator[Row]:
    """Peak position, centroid (eV), and the published model."""
    none = ("", float("nan"), float("nan"))
    blank = np.full(len(series.mu), np.nan)
    nan = float("nan")
    peak = peak_position(series.energy, series.mu)
    yield from _rows(series, PEAK, "", none, peak, "eV", nan, blank)
    centroid = series.mu @ series.energy / series.mu.sum(axis=1)
    yield from _rows(series, CENTROID, "", none, centroid, "eV", nan, blank)
    answer = published.predict(cdf(series.mu))
    yield from _rows(series, AUTHORS, "cdf", none, answer, "e", nan, blank)


def _rows(
    series: Series, method: str, features: str, alignment: tuple[str, float, float], values: Floats,
    unit: str, half: float, outside: Floats,
) -> Iterator[Row]:  # fmt: skip
    for k, value in enumerate(values):
        yield {
            "composition": series.composition[k], "number": k,
            "voltage_V": float(series.voltage[k]),
            "method": method, "features": features, "alignment": alignment[0],
            "shift_eV": alignment[1], "shift_sd_eV": alignment[2], "value": float(value),
            "unit": unit, "half": half,
            "outside": float(outside[k]),
        }  # fmt: skip


def calculated_metrics(
    trained: Sequence[Trained], rows: Rows, alignment: str, study: XanesStudy, seed: int
) -> Iterator[Row]:
    """Held-out errors on calculated spectra, as rows of ``metrics.csv``."""
    labels = np.array([r["state"] for r in rows])
    groups = [r["composition"] for r in rows]
    drawn = scores.Drawn.of(groups, study.bootstrap, seed)
    for t in trained:
        for metric, of in ((Metric.RMSE, scores.rmse), (Metric.R2, scores.r2)):
            ends = drawn.ends(of(labels, t.held_out, drawn.weights), scores.BOUNDS[metric])
            yield _metric(t.name, t.features, f"calculated, {alignment}", (len(rows), len(rows)),
                          len(set(groups)), metric, ends, seed)  # fmt: skip


def measured_metrics(rows: Rows, n_train: int, seed: int) -> Iterator[Row]:
    """How each method orders the measured spectra: by voltage, and charged from discharged.

    ``spearman`` with the voltage (pristine counts as discharged, 3.0 V); ``separation`` of
    charged (4.3 V and more) and discharged means in standard deviations within the two.
    """
    names = ("method", "features", "alignment")
    for key in dict.fromkeys(tuple(r[n] for n in names) for r in rows):
        method, features, alignment = key
        own = [r for r in rows if tuple(r[n] for n in names) == key]
        value = np.array([r["value"] for r in own])
        volt = np.nan_to_num(np.array([r["voltage_V"] for r in own], np.float64), nan=3.0)
        subset = f"measured, {alignment}" if alignment else "measured"
        for metric, number in (
            (Metric.SPEARMAN, _spearman(value, volt)),
            (Metric.SEPARATION, separation(value, volt > DISCHARGED)),
        ):
            yield _metric(method, features, subset, (n_train, len(own)), 2, metric,
                          (number, float("nan"), float("nan")), seed)  # fmt: skip


def separation(value: Floats, charged: NDArray[np.bool_]) -> float:
    """Difference of the two means over the standard deviation within."""
    a, b = value[charged], value[~charged]
    within = np.sqrt((a.var(ddof=1) * (len(a) - 1) + b.var(ddof=1) * (len(b) - 1))
                     / (len(value) - 2))  # fmt: skip
    return float((a.mean() - b.mean()) / within) if within > 0 else float("nan")


def _spearman(a: Floats, b: Floats) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)


def _metric(
    model: str, features: str, subset: str, counts: tuple[int, int], groups: int, metric: Metric,
    value: tuple[float, float, float], seed: int,
) -> Row:  # fmt: skip
    return {
        "target": TARGET, "unit": "e", "features": features or "none", "model": model,
        "split": str(Split.GROUPED), "subset": subset, "fidelity": "FEFF10", "seed": seed,
        "n_train": counts[0], "n_test": counts[1], "n_groups": groups, "metric": str(metric),
        "value": value[0], "lo": value[1], "hi": value[2],
    }  # fmt: skip


def train_and_align(
    rows: Rows, study: XanesStudy, shift: tuple[float, float], seed: int
) -> tuple[list[Trained], Floats, list[Saved]]:
    """Models on calculated spectra that were moved, these spectra, forests to keep.

    Parameters
    ----------
    shift
        How far the spectra are moved, and its standard deviation (NaN if not known), eV.
    """
    spectra = on_grid(rows, study.nickel.fwhm, shift[0])
    trained = train(rows, spectra, study, seed)
    kept = [saved(t, rows, spectra, study, shift) for t in trained if t.name == FOREST]
    return trained, spectra, kept


@dataclass(frozen=True)
class Found:
    """What :func:`measure` gives: two tables, the aligned forests, and what they learnt from."""

    series: list[Row]
    metrics: list[Row]
    models: list[Saved]
    spectra: Floats


def measure(rows: Rows, series: Series, published: Forest, study: XanesStudy, seed: int) -> Found:
    """Train on our own spectra, moved in three ways, and ask about the measured ones."""
    nickel = study.nickel
    cells = series.composition  # each was cycled in one cell
    shift, spread = align(rows, series.mu, cells, nickel.fwhm, nickel.largest_shift, seed)
    out = list(baseline_rows(series, published))
    metrics: list[Row] = []
    for name, moved, sd in (
        (UNALIGNED, -nickel.edge_shift, float("nan")),
        (DECLARED, 0.0, float("nan")),
        (ALIGNED, shift, spread),
    ):
        trained, spectra, models = train_and_align(rows, study, (moved, sd), seed)
        out += series_rows(series, trained, (name, moved, sd), models[0])
        metrics += calculated_metrics(trained, rows, name, study, seed)
    metrics += measured_metrics(out, len(rows), seed)
    return Found(out, metrics, models, spectra)


OXIDES_COLUMNS = [
    "file", "sample", "nominal", "kind", "features", "value", "half", "outside", "peak_eV", "e0_eV",
]  # fmt: skip
# Nominal states; Ni2O3 is sold, but no bulk phase: what the powder is must be seen.
NOMINAL = {"Ni2O3": 3.0, "NiOH2": 2.0, "NiS": 2.0, "Ni_metal": 0.0}


def oxide_rows(files: Sequence[Path], models: Sequence[Saved]) -> Iterator[Row]:
    """Answers on measured spectra of other people, through the reader of `defectra predict`."""
    for path in files:
        spectrum = read_measured(path, EDGE)
        sample = path.stem.split("_rt")[0]
        flat = normalise(spectrum)
        for model in models:
            answer = predict_file(model, path)
            values, _ = on_model_grid(model, spectrum)
            yield {
                "file": path.name, "sample": sample, "nominal": NOMINAL.get(sample, float("nan")),
                "kind": spectrum.kind, "features": model.about.features, "value": answer.value,
                "half": model.about.half, "outside": answer.outside,
                "peak_eV": float(peak_position(model.grid, values[None, :])[0]), "e0_eV": flat.e0,
            }  # fmt: skip


IMPORTANCE_COLUMNS = ["features", "energy_eV", "importance", "spectrum"]


def importance_rows(models: Sequence[Saved], spectra: Floats, seed: int) -> Iterator[Row]:
    """Where each model looks, on the energy axis, beside the mean spectrum."""
    mean = spectra.mean(axis=0)
    for model in models:
        found = importance(model.predict, spectra, model.grid, seed=seed)
        for energy, value, height in zip(model.grid, found, mean):
            yield {"features": model.about.features, "energy_eV": float(energy),
                   "importance": float(value), "spectrum": float(height)}  # fmt: skip
