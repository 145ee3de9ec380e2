"""All that one seed trains, and the tables that are made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.studies.segmentation import baseline, evaluate, thinned
from defectra.studies.segmentation.data import Frames
from defectra.studies.segmentation.evaluate import Row
from defectra.studies.segmentation.members import VALIDATION, Member, answers
from defectra.studies.segmentation.networks import NAMES, nominal_cost
from defectra.studies.segmentation.settings import POOR, USUAL, SegmentationStudy

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
LOW_SCORE = 0.8  # accuracy below which a frame counts as answered wrongly


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

    Both sides of a difference, EA − ER or ensemble − baseline, have the same resampled movies.
    """
    model = baseline.fitted(training)
    out: list[Row] = []
    for condition in settings.tested():
        frames = asked[condition]
        weights = evaluate.movie_weights(frames.movie, settings.bootstrap, 0)
        truth = frames.truth[:, 0]
        scores = {
            label: [
                evaluate.score(evaluate.scored(s.members[label][condition].mean(axis=0), truth),
                               weights)
                for s in seeds
            ]
            for label in (EA, *ER)
        }  # fmt: skip
        base = evaluate.score(evaluate.scored(baseline.predicted(model, frames), truth), weights)
        scores[BASE] = [base]
        out += [r | _size(frames) for r in _rows(condition, scores)]
    return out


def _size(frames: Frames) -> Row:
    return {"n_frames": len(frames), "n_movies": len(set(frames.movie))}


def _rows(condition: str, scores: Mapping[str, list[dict[str, Floats]]]) -> Iterator[Row]:
    for metric in evaluate.SCORES:
        values = {k: [s[metric] for s in each] for k, each in scores.items()}
        for label, each in values.items():
            yield _row(condition, label, metric, evaluate.over_seeds(each, 1))
        for label in ER:
            apart = [a - b for a, b in zip(values[EA], values[label], strict=True)]
            yield _row(condition, f"{EA} - {label}", metric, evaluate.over_seeds(apart, 1))
        (base,) = values[BASE]
        for label in (EA, *ER):
            apart = [a - base for a in values[label]]
            yield _row(condition, f"{label} - {BASE}", metric, evaluate.over_seeds(apart, 1))


def _row(condition: str, model: str, metric: str, values: Floats) -> Row:
    lo, hi = np.quantile(values[1:], [0.05, 0.95]).tolist()
    common = {"condition": condition, "model": model, "metric": metric}
    return common | {"value": float(values[0]), "lo": lo, "hi": hi}


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


QUALITY_COLUMNS = ["model", "score", "quantity", "value", "lo", "hi", "n_movies"]


def quality_rows(rows: list[Row], settings: SegmentationStudy) -> list[Row]:
    """Coverage of the bands, and how well poor frames are distinguished from usual ones.

    Parameters
    ----------
    rows
        Of :func:`fraction_rows`.
    """
    out = []
    for label in (EA, *ER):
        own = [r for r in rows if r["model"] == label]
        out += [_coverage(label, c, own, settings) for c in settings.tested()]
        out += [_found(label, name, own, settings) for name in DOUBTS]
        out += [_wrong(label, name, own, settings) for name in DOUBTS]
    return out


def _by_movie(rows: list[Row], condition: str) -> dict[tuple[int, str], list[Row]]:
    out: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        if row["condition"] == condition:
            out.setdefault((row["seed"], row["movie"]), []).append(row)
    return out


def _coverage(label: str, condition: str, rows: list[Row], settings: SegmentationStudy) -> Row:
    groups = _by_movie(rows, condition)
    shares = {k: float(np.mean([r["lo"] <= r["truth"] <= r["hi"] for r in each]))
              for k, each in groups.items()}  # fmt: skip
    values = _resampled(shares, lambda picked: float(np.mean(picked)), settings)
    return _quality_row(label, condition, "coverage", values, groups)


def _found(label: str, name: str, rows: list[Row], settings: SegmentationStudy) -> Row:
    usual, poor = (_by_movie(rows, c) for c in (USUAL, POOR))
    pairs = {k: ([r[name] for r in usual[k]], [r[name] for r in poor[k]]) for k in usual}

    def value(picked: list[Any]) -> float:
        good = np.concatenate([p[0] for p in picked])
        return evaluate.auroc(good, np.concatenate([p[1] for p in picked]))

    return _quality_row(
        label, name, "auroc of poor frames", _resampled(pairs, value, settings), usual
    )


def _wrong(label: str, name: str, rows: list[Row], settings: SegmentationStudy) -> Row:
    """How well frames of any condition that are answered wrongly are found."""
    groups: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["seed"], row["movie"]), []).append(row)

    def value(picked: list[list[Row]]) -> float:
        some = [row for group in picked for row in group]
        parts = [[r[name] for r in some if (r["accuracy"] < LOW_SCORE) == low] for low in (0, 1)]
        good, bad = (np.array(part, float) for part in parts)
        return evaluate.auroc(good, bad) if len(good) and len(bad) else float("nan")

    return _quality_row(
        label, name, "auroc of wrong frames", _resampled(groups, value, settings), groups
    )


def _resampled(groups: Mapping[Any, Any], value: Any, settings: SegmentationStudy) -> Floats:
    """Value of all, then of resampled movies (the same in all seeds)."""
    movies = sorted({movie for _, movie in groups})
    seeds = sorted({seed for seed, _ in groups})
    rng = np.random.default_rng(2)
    out = [value(list(groups.values()))]
    for _ in range(settings.bootstrap):
        picked = rng.integers(0, len(movies), len(movies))
        some = rng.integers(0, len(seeds), len(seeds))
        out.append(value([groups[seeds[s], movies[m]] for s in some for m in picked]))
    return np.array(out)


def _quality_row(
    label: str, name: str, quantity: str, values: Floats, groups: Mapping[Any, Any]
) -> Row:
    lo, hi = np.nanquantile(values[1:], [0.05, 0.95]).tolist()
    count = len({movie for _, movie in groups})
    row = (label, name, quantity, float(values[0]), lo, hi, count)
    return dict(zip(QUALITY_COLUMNS, row, strict=True))
