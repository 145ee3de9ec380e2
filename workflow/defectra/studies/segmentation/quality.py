"""Coverage of the bands of the ice fraction, and how well poor or wrong frames are found.

Each seed has its value, of all movies together; the mean over seeds has an interval over both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.crossed import crossed_interval
from defectra.learn.scores import left_out_weights
from defectra.studies.segmentation import evaluate
from defectra.studies.segmentation.ensembles import DOUBTS, EA, ER
from defectra.studies.segmentation.evaluate import Row
from defectra.studies.segmentation.settings import POOR, USUAL, SegmentationStudy

Floats = NDArray[np.float64]
Rows = Sequence[Mapping[str, Any]]
COVERAGE, POOR_FOUND, WRONG_FOUND = "coverage", "auroc of poor frames", "auroc of wrong frames"
QUALITY_COLUMNS = ["model", "score", "quantity", "value", "lo", "hi", "n_movies"]
LOW_SCORE = 0.8  # accuracy below which a frame counts as answered wrongly


def quality_rows(rows: Rows, settings: SegmentationStudy) -> list[Row]:
    """Coverage of the bands, and how well poor frames are distinguished from usual ones.

    Parameters
    ----------
    rows
        Of :func:`defectra.studies.segmentation.ensembles.fraction_rows`.
    """
    out = []
    for label in (EA, *ER):
        seeds = _by_seed([r for r in rows if r["model"] == label])
        for condition in settings.tested():
            values = [_coverage([r for r in own if r["condition"] == condition]) for own in seeds]
            out.append(_row(label, condition, COVERAGE, values))
        for quantity, found in ((POOR_FOUND, _poor_found), (WRONG_FOUND, _wrong_found)):
            out += [_row(label, name, quantity, [found(s, name) for s in seeds]) for name in DOUBTS]
    return out


def _by_seed(rows: Rows) -> list[Rows]:
    seeds = dict.fromkeys(r["seed"] for r in rows)
    return [[r for r in rows if r["seed"] == seed] for seed in seeds]


def _coverage(rows: Rows) -> Floats:
    """Share of frames whose truth lies in the band, of all movies and without each, (1 + m,)."""
    weights = left_out_weights([r["movie"] for r in rows])
    inside = np.array([r["lo"] <= r["truth"] <= r["hi"] for r in rows], float)
    return np.asarray(weights @ inside / weights.sum(axis=1))


def _poor_found(rows: Rows, name: str) -> Floats:
    own = [r for r in rows if r["condition"] in (USUAL, POOR)]
    return _told(own, name, np.array([r["condition"] == POOR for r in own]))


def _wrong_found(rows: Rows, name: str) -> Floats:
    """How well frames of any condition that are answered wrongly are found."""
    return _told(rows, name, np.array([r["accuracy"] < LOW_SCORE for r in rows]))


def _told(rows: Rows, name: str, bad: NDArray[np.bool_]) -> Floats:
    """Area under the curve of some frames against the others, NaN where there are none."""
    weights = left_out_weights([r["movie"] for r in rows])
    doubt = np.array([r[name] for r in rows], float)
    return evaluate.weighted_auroc(doubt[~bad], doubt[bad], weights[:, ~bad], weights[:, bad])


def _row(label: str, name: str, quantity: str, values: Sequence[Floats]) -> Row:
    table = np.array(values)
    row = (label, name, quantity, *crossed_interval(table, (0.0, 1.0)), table.shape[1] - 1)
    return dict(zip(QUALITY_COLUMNS, row, strict=True))
