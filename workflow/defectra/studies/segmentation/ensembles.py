"""All that one seed trains, and the tables that are made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.crossed import crossed_interval
from defectra.learn.scores import left_out_weights, student
from defectra.studies.segmentation import baseline, evaluate, thinned
from defectra.studies.segmentation.data import Frames
from defectra.studies.segmentation.evaluate import Row
from defectra.studies.segmentation.members import VALIDATION, Member, answers
from defectra.studies.segmentation.networks import NAMES, nominal_cost
from defectra.studies.segmentation.settings import POOR, SegmentationStudy

Floats = NDArray[np.float64]
EA, BASE = "EA", "pixel features"
ER = ("ER, best", "ER, second")
COST_COLUMNS = ["seed", "ensemble", "member", "nominal_s", "cpu_s", "validation_nll"]
METRIC_COLUMNS = ["condition", "model", "metric", "value", "lo", "hi", "n_frames", "n_movies"]
FRACTION_COLUMNS = [
    *("seed", "model", "condition", "movie", "frame", "truth", "fraction", "lo", "hi", "accuracy"),
    *("entropy", "disagreement", "thinning", "expected error", "few electrons"),
]
DOUBTS = {
    "entropy": "entropy of the mean answer",
    "disagreement": "disagreement of the members (mutual information)",
    "thinning": "distance of the answer from that of a copy with half of the electrons",
    "expected error": "error on thinned validation frames of the same electrons a pixel",
    "few electrons": "no network, the electrons of a mean pixel alone, fewer being worse",
}


@dataclass(frozen=True)
class OneSeed:
    """What one seed gave.

    Attributes
    ----------
    members
        Probabilities of the members, shape (members, n, h, w), by ensemble and set.
    costs
        Of their training.
    weights
        Files of the networks by ensemble; none where answers alone are read back.
    """

    seed: int
    members: Mapping[str, Mapping[str, NDArray[np.float32]]]
    costs: list[Row]
    weights: Mapping[str, Sequence[Path]] = field(default_factory=dict)


def one_seed(
    training: Mapping[str, Frames],
    asked: Mapping[str, Frames],
    settings: SegmentationStudy,
    seed: int,
    folder: Path,
) -> OneSeed:
    """Train five architectures, then four more copies of each of the two best.

    Which are best is decided by the loss on the validation frames of this seed.

    Parameters
    ----------
    asked
        Frames by set; ``validation`` among them.
    """
    found, costs = {}, []
    truth = asked[VALIDATION].truth[:, 0]
    weights = np.ones((1, len(truth)))

    def answer(architecture: str, copy: int) -> Mapping[str, NDArray[np.float32]]:
        member = Member(architecture, copy)
        if member not in found:
            found[member] = answers(member, training, asked, settings, seed, folder)
        return found[member].probability

    first = {name: answer(name, 0) for name in NAMES}
    best = evaluate.ranked({n: p[VALIDATION] for n, p in first.items()}, truth)
    groups = {EA: [Member(n, 0) for n in NAMES]}
    for label, name in zip(ER, best, strict=False):
        groups[label] = [Member(name, k) for k in range(settings.copies)]
    members, weights_of = {}, {}
    for label, group in groups.items():
        each = [answer(m.architecture, m.copy) for m in group]
        members[label] = {name: np.stack([p[name] for p in each]) for name in asked}
        weights_of[label] = [found[m].weights for m in group]
        for m, p in zip(group, each, strict=True):
            nll = evaluate.score(evaluate.scored(p[VALIDATION], truth), weights)["nll"][0]
            cost = nominal_cost(m.architecture, settings)
            row = (seed, label, m.name, cost, found[m].cpu_s, float(nll))
            costs.append(dict(zip(COST_COLUMNS, row, strict=True)))
    return OneSeed(seed, members, costs, weights_of)


def best_ensemble(one: OneSeed, truth: NDArray[np.float32]) -> str:
    """The ensemble of least loss on the validation frames, whose truth has shape (n, h, w)."""
    means = {label: sets[VALIDATION].mean(axis=0) for label, sets in one.members.items()}
    return evaluate.ranked(means, truth)[0]


def metrics(
    seeds: list[OneSeed],
    asked: Mapping[str, Frames],
    training: Frames,
    settings: SegmentationStudy,
) -> list[Row]:
    """Scores of ensembles, of the baseline, and differences, with 90 % intervals.

    Intervals are over seeds and movies, those of the baseline, which has no seed, over movies. Both
    sides of a difference, EA − ER or ensemble − baseline, are of the same seeds and movies.
    """
    model = baseline.fitted(training)
    out: list[Row] = []
    for condition in settings.tested():
        frames = asked[condition]
        weights = left_out_weights(frames.movie)
        truth = frames.truth[:, 0]

        def score(probability: NDArray[Any], truth: Any = truth, weights: Any = weights) -> Any:
            return evaluate.score(evaluate.scored(probability, truth), weights)

        scores = {
            label: [score(s.members[label][condition].mean(axis=0)) for s in seeds]
            for label in (EA, *ER)
        }
        scores[BASE] = [score(baseline.predicted(model, frames))]
        out += [r | _size(frames) for r in _rows(condition, scores)]
    return out


def _size(frames: Frames) -> Row:
    return {"n_frames": len(frames), "n_movies": len(set(frames.movie))}


def _rows(condition: str, scores: Mapping[str, list[dict[str, Floats]]]) -> Iterator[Row]:
    for metric in evaluate.SCORES:
        values = {k: np.array([s[metric] for s in each]) for k, each in scores.items()}
        most = np.inf if metric == "nll" else 1.0
        bounds, either = (0.0, most), (-most, most)
        base = values[BASE]
        for label in (EA, *ER):
            yield _row(condition, label, metric, crossed_interval(values[label], bounds))
        yield _row(condition, BASE, metric, student(base[0], bounds))
        for label in ER:
            apart = crossed_interval(values[EA] - values[label], either)
            yield _row(condition, f"{EA} - {label}", metric, apart)
        for label in (EA, *ER):
            apart = crossed_interval(values[label] - base, either)
            yield _row(condition, f"{label} - {BASE}", metric, apart)


def _row(condition: str, model: str, metric: str, found: tuple[float, float, float]) -> Row:
    common = {"condition": condition, "model": model, "metric": metric}
    return common | dict(zip(("value", "lo", "hi"), found, strict=True))


def fraction_rows(
    seeds: list[OneSeed], asked: Mapping[str, Frames], settings: SegmentationStudy
) -> list[Row]:
    """Ice fraction of each frame with its band, and its uncertainties.

    The width of the band is set on the validation frames, at the usual condition.
    """
    out: list[Row] = []
    for one in seeds:
        for label, sets in one.members.items():
            check = evaluate.fractions(sets[VALIDATION])
            factor = evaluate.band_factor(*check, evaluate.truth_fraction(asked[VALIDATION]))
            by_dose = thinned.error_by_dose(sets, asked, VALIDATION)
            for condition in (*settings.tested(), POOR):
                doubts = doubts_of(sets, asked[condition], condition, by_dose)
                rows = _fractions(one.seed, label, condition, sets[condition], asked, factor)
                out += [row | {name: float(v[k]) for name, v in doubts.items()}
                        for k, row in enumerate(rows)]  # fmt: skip
    return out


def _fractions(
    seed: int,
    label: str,
    condition: str,
    members: NDArray[np.float32],
    asked: Mapping[str, Frames],
    factor: float,
) -> Iterator[Row]:
    frames = asked[condition]
    fraction, spread = evaluate.fractions(members)
    half = factor * evaluate.floor(spread)
    truth = evaluate.truth_fraction(frames)
    right = evaluate.scored(members.mean(axis=0), frames.truth[:, 0]).correct
    for k in range(len(frames)):
        yield {
            "seed": seed,
            "model": label,
            "condition": condition,
            "movie": frames.movie[k],
            "frame": frames.time[k],
            "truth": float(truth[k]),
            "fraction": float(fraction[k]),
            "lo": float(max(0.0, fraction[k] - half[k])),
            "hi": float(min(1.0, fraction[k] + half[k])),
            "accuracy": float(right[k]),
        }


def doubts_of(
    members: Mapping[str, NDArray[np.float32]],
    frames: Frames,
    condition: str,
    by_dose: thinned.ErrorByDose,
) -> dict[str, Floats]:
    """How much each frame of a condition is doubted, by each of :data:`DOUBTS`, shape (n,)."""
    own, half = members[condition], members[thinned.set_name(condition, thinned.HALF)]
    return {
        **evaluate.uncertainty(own),
        "thinning": thinned.divergence(own, half),
        "expected error": by_dose.expected(frames.electrons),
        "few electrons": -frames.electrons,
    }
