"""Scores of study `plots`: how many lines are found, how far frame and values are off."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.scores import Drawn
from defectra.studies.plots.reading import COLUMN_MEAN, METHODS, NEAREST, SLOPE
from defectra.studies.plots.settings import PlotsStudy

Row = dict[str, Any]
Floats = NDArray[np.float64]
RECALL, MEAN_ERROR, LARGEST, REFUSED = "recall", "mae", "largest", "refused"
RECALL_DIFFERENCE, ERROR_DIFFERENCE = "recall_difference", "mae_difference"
REFINED, UNREFINED = "box_px", "box_unrefined_px"
# Both sides of a difference read the same plots, and are resampled together.
PAIRS = ((SLOPE, NEAREST), (SLOPE, COLUMN_MEAN))
FEW_LINES = "1 to 3 lines"
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
        FEW_LINES: lambda row: bool(row["lines"] <= 3),
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
    """Rows of ``metrics.csv``; intervals over plots, of fewer than ten Student's.

    Nothing is trained: every plot is held out.
    """
    for name, chosen in subsets(rows).items():
        for method in METHODS:
            some = [row for row in rows if row["method"] == method and chosen(row)]
            if some:
                yield from _scores(some, name, method, settings, seed)
        yield from _recall_differences([r for r in rows if chosen(r)], name, settings, seed)


def _common(method: str, subset: str, seed: int) -> Row:
    return {
        **{"features": "picture", "model": method, "split": "none", "subset": subset},
        **{"fidelity": "", "seed": seed, "n_train": 0},
    }


def _counts(rows: Sequence[Row], settings: PlotsStudy) -> tuple[Floats, Floats]:
    """Lines of each plot, and those that were found, shape (n,) each."""
    lines = [len(row["distance_px"]) for row in rows]
    hits = [sum(d < settings.found_px for d in row["distance_px"]) for row in rows]
    return np.array(lines, float), np.array(hits, float)


def _recall_differences(
    rows: Sequence[Row], subset: str, settings: PlotsStudy, seed: int
) -> Iterator[Row]:
    """Share of lines that one method finds less that of another, plot by plot."""
    for pair in PAIRS:
        sides = [
            sorted((r for r in rows if r["method"] == method), key=lambda r: str(r["plot"]))
            for method in pair
        ]
        names = [[str(r["plot"]) for r in own] for own in sides]
        if not names[0] or names[0] != names[1]:
            continue
        drawn = Drawn.of(names[0], settings.bootstrap, seed)
        own, other = (_shares(*_counts(side, settings), drawn.weights) for side in sides)
        size = {"n_test": len(names[0]), "n_groups": len(names[0])}
        score = {"target": "line", "unit": "1", "metric": RECALL_DIFFERENCE}
        yield (
            _common(" - ".join(pair), subset, seed)
            | size
            | score
            | _ends(own - other, drawn, (-1.0, 1.0))
        )


def _scores(
    rows: Sequence[Row], subset: str, method: str, settings: PlotsStudy, seed: int
) -> Iterator[Row]:
    common = _common(method, subset, seed)
    lines, hits = _counts(rows, settings)
    drawn = _drawn(rows, settings, seed)
    recall = _ratio(hits, lines, drawn, (0.0, 1.0))
    size = {"n_test": len(rows), "n_groups": len(rows)}
    yield common | size | {"target": "line", "unit": "1", "metric": RECALL} | recall
    refusals = np.array([row["refusal"] != "" for row in rows], float)
    refused = _ratio(refusals, lines * 0 + 1, drawn, (0.0, 1.0))
    yield common | size | {"target": "axes", "unit": "1", "metric": REFUSED} | refused
    for target, unit in ((REFINED, "pixel"), (UNREFINED, "pixel"),
                         ("energy_error_eV", "eV"), ("intensity_error", "%")):  # fmt: skip
        value = np.array([row[target] for row in rows])
        known = np.isfinite(value)
        if known.sum() < 2:
            continue
        size = {"n_test": int(known.sum()), "n_groups": int(known.sum())}
        some = _drawn([row for row, own in zip(rows, known, strict=True) if own], settings, seed)
        mean = _ratio(value[known], np.ones(known.sum()), some, (0.0, np.inf))
        yield common | size | {"target": target, "unit": unit, "metric": MEAN_ERROR} | mean
        most = float(value[known].max())
        exact = {"value": most, "lo": most, "hi": most}
        yield common | size | {"target": target, "unit": unit, "metric": LARGEST} | exact
    refined = np.array([row[REFINED] - row[UNREFINED] for row in rows])
    known = np.isfinite(refined)
    if known.sum() >= 2:
        size = {"n_test": int(known.sum()), "n_groups": int(known.sum())}
        some = _drawn([row for row, own in zip(rows, known, strict=True) if own], settings, seed)
        apart = _ratio(refined[known], np.ones(known.sum()), some)
        of = {"target": f"{REFINED} - {UNREFINED}", "unit": "pixel", "metric": ERROR_DIFFERENCE}
        yield common | size | of | apart


def _drawn(rows: Sequence[Row], settings: PlotsStudy, seed: int) -> Drawn:
    return Drawn.of([str(row["plot"]) for row in rows], settings.bootstrap, seed)


def _ratio(
    above: Floats, below: Floats, drawn: Drawn, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> dict[str, float]:
    """Sum over sum, with its 90 % interval over plots."""
    return _ends(_shares(below, above, drawn.weights), drawn, bounds)


def _shares(whole: Floats, part: Floats, weights: Floats) -> Floats:
    return np.asarray((weights @ part) / np.maximum(weights @ whole, 1e-12))


def _ends(
    values: Floats, drawn: Drawn, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> dict[str, float]:
    return dict(zip(("value", "lo", "hi"), drawn.ends(values, bounds), strict=True))
