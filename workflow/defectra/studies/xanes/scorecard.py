"""Scorecard of study `xanes`: the published checks, and what ours found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from defectra.core import claims
from defectra.core.claims import NAN, NOTHING, OWN, Value
from defectra.core.records import Metric
from defectra.studies.xanes.compare import DIFFERENCES, FOREST, MEAN, PAIRED
from defectra.studies.xanes.delta import CORRECTED, DELTA, RAW
from defectra.studies.xanes.published import AUTHORS
from defectra.studies.xanes.series import ALIGNED, CENTROID, PEAK, TARGET, UNALIGNED
from defectra.studies.xanes.views import AS_IS, VASP

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Claim = partial(claims.Claim, "xanes")
_PAPER = "arXiv:2310.07049"
_FROM_FILES = "own, from the authors' files (arXiv:2310.07049)"
MOVED = ("shift 1 eV", "shift 2 eV", "shift 3 eV", "shift 5 eV")


def scorecard(checks: Rows, metrics: Rows, series: Rows) -> list[Row]:
    """Rows of the scorecard; each table may be empty.

    Parameters
    ----------
    checks, metrics, series
        Rows of ``published.csv``, ``metrics.csv`` and ``series.csv``.
    """
    found = [*_published(checks), *_features(metrics), *_delta(metrics)]
    return [c.row() for c in [*found, *_measured(metrics), *_pristine(series)]]


def _published(checks: Rows) -> Iterator[claims.Claim]:
    for number, row in enumerate(checks):
        source = _PAPER if row["whose"] == AUTHORS else _FROM_FILES
        value = (float(row["ours"]),) * 3
        yield Claim(f"published_{number:02d}", row["check"], float(row["published"]), value, "",
                    float(row["tolerance"]), source, "equal")  # fmt: skip


def _features(metrics: Rows) -> Iterator[claims.Claim]:
    """The claim of the paper on calculated spectra: CDF as good, and better when moved.

    Judged by the difference of the two on the same resamples of materials.
    """
    for target, metric in (
        ("Cu coordination", Metric.RMSE),
        ("Cu bond_length", Metric.RMSE),
        ("Cu valence", Metric.RMSE),
        ("Cu oxidation", Metric.BALANCED_ACCURACY),
    ):
        test: Literal["above", "below"] = "above" if metric == Metric.BALANCED_ACCURACY else "below"
        word = "balanced accuracy" if metric == Metric.BALANCED_ACCURACY else "RMSE"
        for view in (AS_IS, *MOVED, VASP):
            ours = _value(metrics, target, " - ".join(PAIRED), FOREST, view, DIFFERENCES[metric])
            text = f"{target}, {view}: {word} of the CDF minus that of the intensity"
            name = f"cdf_{target}_{view}".replace(" ", "_").lower()
            yield Claim(name, text, 0.0, ours, _unit(metrics, target), 0.0, _PAPER, test)
        mean = _value(metrics, target, "none", MEAN, AS_IS, metric)[0]
        ours = _value(metrics, target, "cdf", FOREST, MOVED[2], metric)
        text = f"{target}: moved by 3 eV the CDF still beats the mean ({word})"
        name = f"cdf_useful_{target}".replace(" ", "_").lower()
        yield Claim(name, text, mean, ours, _unit(metrics, target), 0.0, OWN, test)


def _delta(metrics: Rows) -> Iterator[claims.Claim]:
    for element in ("Ti", "Cu"):
        target = f"{element} VASP spectrum"
        ours = {m: _value(metrics, target, "FEFF", m, "all", Metric.RELATIVE_RMS)
                for m in (RAW, CORRECTED, DELTA)}  # fmt: skip
        for other in (RAW, CORRECTED):
            text = f"{element}: relative RMS of the delta model is below that of: {other}"
            name = f"delta_{element}_{'raw' if other == RAW else 'corrected'}".lower()
            yield Claim(name, text, ours[other][0], ours[DELTA], "", 0.0, OWN, "below")
        published = {"Ti": 0.931, "Cu": 0.956}[element]
        r = _value(metrics, target, "FEFF", RAW, "all", Metric.PEARSON)
        text = f"{element}: median r of FEFF and VASP before any model"
        yield Claim(f"raw_r_{element}".lower(), text, published, r, "", 0.0005, OWN, "equal")


def _measured(metrics: Rows) -> Iterator[claims.Claim]:
    for name in (PEAK, CENTROID):
        base = _value(metrics, TARGET, "none", name, "measured", Metric.SEPARATION)[0]
        for alignment in (ALIGNED, UNALIGNED):
            for features in ("intensity", "cdf", "cwt"):
                ours = _value(metrics, TARGET, features, FOREST, f"measured, {alignment}",
                              Metric.SEPARATION)  # fmt: skip
                text = (f"16 measured Ni K, forest on {features}, {alignment}: charged and "
                        f"discharged are further apart than by {name}")  # fmt: skip
                key = f"separation_{name}_{features}_{alignment}".replace(" ", "_").lower()
                both = (ours[0],) * 3
                yield Claim(key, text, base, both, "sd", 0.0, OWN, "above")


def _pristine(series: Rows) -> Iterator[claims.Claim]:
    """Mean state of nickel by charge balance, Mn 4+, Co 3+, O 2-, one lithium per metal."""
    for composition, expected in (("NMC622", 16 / 6), ("NMC721", 19 / 7)):
        for alignment in (ALIGNED, UNALIGNED):
            own = [r for r in series if r["composition"] == composition and r["method"] == FOREST
                   and r["features"] == "cdf" and r["alignment"] == alignment
                   and not float(r["voltage_V"] or 0) > 0]  # fmt: skip
            ours: Value = (float(own[0]["value"]),) * 3 if own else NOTHING
            text = f"pristine {composition}, forest on cdf, {alignment}: state by charge balance"
            key = f"pristine_{composition}_{alignment}".replace(" ", "_").lower()
            yield Claim(key, text, expected, ours, "e", 0.2, OWN, "equal")


def _unit(metrics: Rows, target: str) -> str:
    found = next((r["unit"] for r in metrics if r["target"] == target), "")
    return found if isinstance(found, str) else ""


def _value(
    rows: Rows, target: str, features: str, model: str, subset: str, metric: Metric
) -> Value:
    for row in rows:
        key = (row["target"], row["features"], row["model"], row["subset"], row["metric"])
        if key == (target, features, model, subset, metric):
            value, lo, hi = (float(row[k]) for k in ("value", "lo", "hi"))
            return value, lo, hi
    return NOTHING if rows else (NAN, NAN, NAN)
