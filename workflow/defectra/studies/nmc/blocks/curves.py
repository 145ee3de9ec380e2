"""Scores of the blocks over jitter, noise and number of training blocks, and where the last lead.

Nothing here carries a claim. Where jitter and noise are those of the claims, and all training
blocks are used, the answers are those of the claims.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import METRICS_COLUMNS, Metric
from defectra.learn import power_law, scores
from defectra.learn.moved_spectra import Disturbance
from defectra.studies.nmc.aims import AIM, LITHIUM_AIM
from defectra.studies.nmc.blocks.arms import Subset
from defectra.studies.nmc.blocks.models import FEW_BLOCKS, KERNEL, MEASURED, TESTS, Held
from defectra.studies.nmc.blocks.runner import Runner
from defectra.studies.nmc.blocks.scores import (
    ALL,
    ALL_ARMS,
    CLAIMED,
    SHAPE,
    Bootstrap,
    content_curves,
    edges_name,
)

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
JITTERS, NOISES, SHARES = (0.0, 0.25, 0.5, 1.0), (0.0, 0.01, 0.02, 0.05), (0.25, 0.5, 0.75, 1.0)
SHARE = 10  # of the repeats of the claims, one of so many where the setting is another one
CURVES = {"jitter": "axis jitter (eV)", "noise": "noise (share of the largest bin)",
          "learning": "training blocks"}  # fmt: skip
CURVE_COLUMNS = ["curve", "at", *METRICS_COLUMNS]
EXPONENT, EXPECTED, REACHED = "exponent", "expected", "training blocks at the aim"
LEARNING_COLUMNS = [
    *("target", "subset", "metric", "quantity", "at", "value", "lo", "hi", "aim", "n_sizes", "n"),
]
DRAWN = 9  # training sizes at which the law is evaluated, beside those measured
_NONE = float("nan")


@dataclass(frozen=True)
class Aimed:
    """A score whose learning curve is fitted, and its aim (NaN: none)."""

    target: str
    subset: str
    metric: Metric
    aim: float = _NONE

    def error(self, score: Floats | float) -> Any:
        """What falls as the model learns; its own inverse."""
        return 1 - score if self.metric is Metric.AUROC else score


LEARNT = (
    Aimed("x_Li", ALL_ARMS, Metric.RMSE, LITHIUM_AIM),
    *(Aimed(t, ALL_ARMS, Metric.RMSE) for t in ("x_Ni", "x_Mn", "x_Co")),
    *(Aimed(p.target, p.name, Metric.AUROC, AIM) for p in CLAIMED),
)


@dataclass
class Learning:
    """Scores over the number of training blocks.

    Attributes
    ----------
    rows
        Of :data:`CURVE_COLUMNS`.
    at
        Training blocks of each size.
    scores
        Of each size, resamples in them, by what is learnt.
    """

    rows: list[Row] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    scores: dict[Aimed, list[Floats]] = field(default_factory=dict)


def _repeats(runner: Runner, claimed: Held) -> int:
    """Repeats of a setting that is not that of the claims."""
    return max(runner.settings.repeats, round(len(claimed.labels) / TESTS / SHARE))


def disturbed(runner: Runner, claimed: Held, known: Rows) -> Iterator[Row]:
    """Scores over the jitter of the axis and over noise, in training and test alike.

    Parameters
    ----------
    claimed, known
        Answers of the model of the claims, and their rows of ``metrics.csv``.
    """
    repeats = _repeats(runner, claimed)
    for name, values in (("jitter", JITTERS), ("noise", NOISES)):
        for at in values:
            disturbance = Disturbance(**{name: at})
            if disturbance == MEASURED:
                rows = _known(runner, known)
            else:
                rows = _curve(runner, disturbance, repeats)
            yield from ({"curve": name, "at": at, **r} for r in rows)


def _names(runner: Runner) -> dict[Subset, str]:
    """Features of the single edges, and of all."""
    return {s: SHAPE + edges_name(s, runner.arms.edges) for s in runner.arms.ends()}


def _known(runner: Runner, known: Rows) -> Iterator[Mapping[str, Any]]:
    names = set(_names(runner).values())
    yield from (r for r in known if r["features"] in names and r["model"] == KERNEL)


def _curve(runner: Runner, disturbance: Disturbance, repeats: int) -> Iterator[Row]:
    names = _names(runner)
    held = runner.held(
        kernels=(KERNEL,), components=(), subsets=list(names), disturbance=disturbance,
        repeats=repeats,
    )  # fmt: skip
    sheet = runner.sheet(held)
    for subset, features in names.items():
        values = held.answers[KERNEL, subset].values
        yield from sheet.contents(values, features, KERNEL)
        yield from sheet.defects(values, features, KERNEL)


def learning(runner: Runner, claimed: Held) -> Learning:
    """Scores over the number of training blocks, all edges.

    Parameters
    ----------
    claimed
        Answers of the model of the claims, which all training blocks have taught.
    """
    out, arms = Learning(), runner.arms
    per_block = len(arms.rows) / len({r["block"] for r in arms.rows})
    for share in SHARES:
        held = claimed
        if share < 1:
            repeats = _repeats(runner, claimed)
            held = runner.held(
                kernels=(KERNEL,), components=(), subsets=[arms.edges], train_share=share,
                repeats=repeats,
            )  # fmt: skip
        at = round(held.n_train / per_block, 2)
        out.at.append(at)
        out.rows += ({"curve": "learning", "at": at, **r} for r in _learnt(runner, held, out))
    return out


def _learnt(runner: Runner, held: Held, out: Learning) -> list[Row]:
    """Rows of one size; its scores are added to the others."""
    sheet, values = runner.sheet(held), held.answers[KERNEL, runner.arms.edges].values
    names = [t.name for t in runner.arms.targets]
    pairs = {p.target: p for p in CLAIMED}
    for aimed in LEARNT:
        k = names.index(aimed.target)
        if aimed.target in pairs:
            found = sheet.pair(values, pairs[aimed.target])
        else:
            found = content_curves(runner.arms, held.labels, values[..., k], k, sheet.bootstrap)
        out.scores.setdefault(aimed, []).append(found[aimed.metric])
    features = SHAPE + ALL
    return [*sheet.contents(values, features, KERNEL), *sheet.defects(values, features, KERNEL)]


def training_blocks(blocks: int, folds: int) -> int:
    """Blocks that a fold of so many leaves for training."""
    return blocks - 1 if blocks < FEW_BLOCKS else round(blocks * (1 - 1 / folds))


def where_they_lead(found: Learning, runner: Runner, planned: int) -> Iterator[Row]:
    """Rows of :data:`LEARNING_COLUMNS`: a power law for each score, its intervals over blocks.

    Parameters
    ----------
    planned
        Blocks of the whole campaign, up to which the laws are drawn.
    """
    end = training_blocks(planned, runner.settings.folds)
    bootstrap = runner.bootstrap
    for aimed, curves in found.scores.items():
        law = power_law.fit(np.array(found.at), np.array([aimed.error(c) for c in curves]))
        if law is None:
            continue
        about = {
            "target": aimed.target, "subset": f"blocks: {aimed.subset}",
            "metric": str(aimed.metric), "aim": aimed.aim, "n_sizes": len(set(found.at)),
            "n": len(bootstrap.blocks),
        }  # fmt: skip
        yield about | _ends(EXPONENT, _NONE, bootstrap.ends(law.exponent))
        for n in sizes(found.at, end):
            expected = aimed.error(law.error(n))
            ends = bootstrap.ends(expected, scores.BOUNDS[aimed.metric])
            yield about | _ends(EXPECTED, n, ends)
        if np.isfinite(aimed.aim):
            reached = law.reached(aimed.error(aimed.aim))
            yield about | _ends(REACHED, _NONE, _unbounded(reached, bootstrap))


def sizes(at: Sequence[float], end: int) -> list[float]:
    """Training blocks at which a law is evaluated: from the first measured to the planned ones."""
    drawn = np.geomspace(min(at), max(*at, end), DRAWN).round(2)
    return sorted({float(n) for n in drawn} | {float(end), *at})


def _ends(quantity: str, at: float, found: tuple[float, float, float]) -> Row:
    return {"quantity": quantity, "at": at, "value": found[0], "lo": found[1], "hi": found[2]}


def _unbounded(
    values: Floats, bootstrap: Bootstrap, level: float = 0.9
) -> tuple[float, float, float]:
    """Interval of a number of blocks that may be infinite; of few blocks from its logarithm."""
    if bootstrap.drawn.few:
        with np.errstate(divide="ignore"):
            _, lo, hi = bootstrap.ends(np.log(values))
        return float(values[0]), float(np.exp(lo)), float(np.exp(hi))
    rest = values[1:][~np.isnan(values[1:])]
    if not len(rest):
        return float(values[0]), _NONE, _NONE
    ends = [(1 - level) / 2, (1 + level) / 2]
    lo, hi = np.quantile(rest, ends, method="inverted_cdf")
    return float(values[0]), float(lo), float(hi)
