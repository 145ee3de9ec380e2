"""How good the saved ensemble is on test frames: scores, band, and what is refused or doubted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.scores import Drawn
from defectra.studies.segmentation import evaluate
from defectra.studies.segmentation.data import Frames
from defectra.studies.segmentation.evaluate import Row
from defectra.studies.segmentation.saved_models import Limits
from defectra.studies.segmentation.settings import USUAL, SegmentationStudy

Floats = NDArray[np.float64]
REFUSED, DOUBTFUL = "refused", "doubtful"
COVERAGE, WIDTH, NOT_DOUBTED = "coverage", "band width", "coverage, not doubtful"
FOUND = "auroc of the reach"
TABLE_COLUMNS = ["condition", "quantity", "value", "lo", "hi", "n_frames", "n_movies"]


def table(
    members: Mapping[str, NDArray[Any]],
    asked: Mapping[str, Frames],
    counts: Mapping[str, NDArray[Any]],
    limits: Limits,
    settings: SegmentationStudy,
) -> Iterator[Row]:
    """How good the saved ensemble is on test frames, with 90 % intervals over movies.

    Scores are of all frames of a condition; ``refused`` is the share that the command does not
    answer, ``coverage`` that of the others whose true ice fraction lies in the band, ``doubtful``
    that of the others whose truth may be farther off than in usual frames; ``auroc of the reach``
    says how well frames of the condition are distinguished from usual ones by that distance.
    """
    usual = limits.band.reach(counts[USUAL], members[USUAL])
    own = Drawn.of(asked[USUAL].movie, settings.bootstrap, 0).weights
    for condition, electrons in counts.items():
        frames = asked[condition]
        drawn = Drawn.of(frames.movie, settings.bootstrap, 0)
        weights = drawn.weights
        mean = members[condition].mean(axis=0)
        found = evaluate.score(evaluate.scored(mean, frames.truth[:, 0]), weights)
        found |= _of_band(frames, electrons, members[condition], limits, weights)
        reach = limits.band.reach(electrons, members[condition])
        found[FOUND] = evaluate.weighted_auroc(usual, reach, own, weights)
        size = {"n_frames": len(frames), "n_movies": len(set(frames.movie))}
        for quantity in ("accuracy", "iou", "ece", COVERAGE, WIDTH, REFUSED, DOUBTFUL,
                         NOT_DOUBTED, FOUND):  # fmt: skip
            ends = zip(("value", "lo", "hi"), drawn.ends(found[quantity], (0.0, 1.0)), strict=True)
            yield {"condition": condition, "quantity": quantity} | dict(ends) | size


def _of_band(
    frames: Frames,
    electrons: NDArray[Any],
    members: NDArray[Any],
    limits: Limits,
    weights: Floats,
) -> dict[str, Floats]:
    refused = is_refused(electrons, limits)
    low, high = limits.band.ends(electrons, members)
    truth = evaluate.truth_fraction(frames)
    inside = (low <= truth) & (truth <= high)
    doubtful = limits.band.reach(electrons, members) > limits.band.usual_reach
    answered, sure = weights * ~refused, weights * ~(refused | doubtful)
    with np.errstate(invalid="ignore"):
        return {
            REFUSED: weights @ refused / weights.sum(axis=1),
            COVERAGE: answered @ inside / answered.sum(axis=1),
            WIDTH: answered @ (high - low) / answered.sum(axis=1),
            DOUBTFUL: answered @ doubtful / answered.sum(axis=1),
            NOT_DOUBTED: sure @ inside / sure.sum(axis=1),
        }


def is_refused(counts: NDArray[Any], limits: Limits) -> NDArray[np.bool_]:
    """Which frames of the size of the networks are not answered, shape (n,)."""
    mean = np.asarray(counts, float).mean(axis=(1, 2))
    few, many = limits.electrons
    return np.asarray((mean < few) | (mean > many) | (limits.outside(counts) > 1))
