"""Scores of study `plots`: how many lines are found, how far frame and values are off."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.scores import group_weights, interval
from defectra.studies.plots.reading import METHODS
from defectra.studies.plots.settings import PlotsStudy

Row = dict[str, Any]
Floats = NDArray[np.float64]
RECALL, MEAN_ERROR, LARGEST, REFUSED = "recall", "mae", "largest", "refused"
FEW = "1 to 3 lines"
CROSSINGS: dict[str, tuple[int, float]] = {  # fewest and most crossings of a plot of several lines
    "no crossing": (0, 0),
    "1 to 5 crossings": (1, 5),
    "6 to 12 crossings": (6, 12),
    "more than 12 crossings": (13, math.inf),
}


def subsets(rows: Sequence[Row]) -> dict[str, Callable[[Row], bool]]:
    """Subsets of plots by name."""
    found: dict[str, Callable[[Row], bool]] = {
        "all": lambda row: True,  # noqa: ARG005
        FEW: lambda row: bool(row["lines"] <= 3),
        "one colour": lambda row: bool(row["one_colour"]),
        "several colours": lambda row: not row["one_colour"] and row["lines"] > 1,
        "noise or blur": lambda row: bool(row["rough"]),
        "clean": lambda row: not row["rough"],
        "computed spectra": lambda row: bool(row["rule"] == "spectra"),
    }
    for name, (fewest, most) in CROSSINGS.items():
        found[name] = partial(_crosses, fewest=fewest, most=most)
    for n in sorted({row["lines"] for row in rows}):
        found[f"{n} lines"] = partial(_has, lines=n, rule="polynomials")
    for dpi in sorted({row["dpi"] for row in rows}):
        found[f"{dpi} dpi"] = partial(_has, dpi=dpi)
    return found


def _has(row: Row, **wanted: object) -> bool:
    return all(row[name] == value for name, value in wanted.items())


def _crosses(row: Row, fewest: int, most: float) -> bool:
    """Whether the lines of a plot cross so often; a single line has nothing to cross."""
    return bool(row["lines"] > 1 and fewest <= row["crossings"] <= most)


def metrics(rows: Sequence[Row], settings: PlotsStudy, seed: int) -> Iterator[Row]:
    """Rows of ``metrics.csv``; intervals from a bootstrap over plots.

    Nothing is trained: every plot is held out.
    """
    for name, chosen in subsets(rows).items():
        for method in METHODS:
            some = [row for row in rows if row["method"] == method and chosen(row)]
            if some:
                yield from _scores(some, name, method, settings, seed)


def _scores(
    rows: Sequence[Row], subset: str, method: str, settings: PlotsStudy, seed: int
) -> Iterator[Row]:
    common = {
        **{"features": "picture", "model": method, "split": "none", "subset": subset},
        **{"fidelity": "", "seed": seed, "n_train": 0},
    }
    lines = np.array([len(row["distance_px"]) for row in rows], float)
    hits = np.array([sum(d < settings.found_px for d in row["distance_px"]) for row in rows], float)
    weights = group_weights([row["plot"] for row in rows], settings.bootstrap, seed)
    recall = _ratio(hits, lines, weights)
    size = {"n_test": len(rows), "n_groups": len(rows)}
    yield common | size | {"target": "line", "unit": "1", "metric": RECALL} | recall
    refused = _ratio(
        np.array([row["refusal"] != "" for row in rows], float), lines * 0 + 1, weights
    )
    yield common | size | {"target": "axes", "unit": "1", "metric": REFUSED} | refused
    for target, unit in (("box_px", "pixel"), ("box_unrefined_px", "pixel"),
                         ("energy_error_eV", "eV"), ("intensity_error", "%")):  # fmt: skip
        value = np.array([row[target] for row in rows])
        known = np.isfinite(value)
        if known.sum() < 2:
            continue
        size = {"n_test": int(known.sum()), "n_groups": int(known.sum())}
        mean = _ratio(np.where(known, value, 0), known.astype(float), weights)
        yield common | size | {"target": target, "unit": unit, "metric": MEAN_ERROR} | mean
        most = float(value[known].max())
        exact = {"value": most, "lo": most, "hi": most}
        yield common | size | {"target": target, "unit": unit, "metric": LARGEST} | exact


def _ratio(above: Floats, below: Floats, weights: Floats) -> dict[str, float]:
    """Sum over sum, with its 90 % interval over resamples."""
    value, low, high = interval((weights @ above) / np.maximum(weights @ below, 1e-12))
    return {"value": value, "lo": low, "hi": high}
