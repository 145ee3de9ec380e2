"""A detector that learnt from some arms, asked about other spectra of blocks that it never saw.

AUROC: area under the receiver operating characteristic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.claims import Estimate
from defectra.core.records import Metric
from defectra.learn import scores
from defectra.learn.crossval import TARGETS, Target
from defectra.learn.edge_kernels import KernelName
from defectra.learn.splits import Fold
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.arms import Arms, Subset
from defectra.studies.nmc.blocks.models import Asked, Held, hold_out_folds
from defectra.studies.nmc.blocks.scores import CLAIMED, Bootstrap, Pair, edges_name, pair_curves
from defectra.studies.nmc.blocks.tables import edges_in

Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
# Draws of the jitters, each with three measurements. Blocks draw theirs independently: what counts
# is draws times blocks that are asked about.
MOST_DRAWS, FEWEST_DRAWS, DRAWS_OF_BLOCKS = 32, 4, 160
MODEL: KernelName = "kernel"
FEWEST = 3  # families: one to ask about, two to learn from


@dataclass(frozen=True)
class Sample:
    """Arms that a detector learns from, and other spectra of some of the same blocks.

    Attributes
    ----------
    learnt
        Arms of whole blocks.
    asked
        By name, spectra of the same blocks in each.
    pairs
        Arms that are to be distinguished.
    all_edges_alone
        Whether single edges are left out.
    """

    learnt: Rows
    asked: Mapping[str, Rows]
    grids: Mapping[str, Grid]
    pairs: Sequence[Pair] = CLAIMED
    all_edges_alone: bool = False

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is learnt."""
        names = {pair.target for pair in self.pairs}
        return tuple(t for t in TARGETS if t.name in names)


@dataclass(frozen=True)
class Score:
    """A score of several blocks, of all but each, and of each.

    Attributes
    ----------
    curve
        With the weights of :func:`defectra.learn.scores.left_out_weights`, shape (1 + blocks,);
        of a single block, shape (1,).
    by_block
        Of single blocks; empty for a score that one block does not define.
    lowest
        Smallest possible value; the largest is 1.
    """

    curve: Floats
    by_block: Mapping[int, float]
    lowest: float = 0.0

    def minus(self, other: Score) -> Score:
        """Difference of two scores of the same blocks."""
        own = {k: v - other.by_block[k] for k, v in self.by_block.items()}
        return Score(self.curve - other.curve, own, -1.0)

    @property
    def estimate(self) -> Estimate:
        """The score with its interval of Student's t."""
        ends = scores.student(self.curve, (self.lowest, 1.0))
        return Estimate(*ends, len(self.curve) - 1)


Key = tuple[str, Pair, Metric]  # edges, pair of arms, score


def draws(blocks: int) -> int:
    """How many times the jitters are drawn where so many blocks are asked about."""
    return min(MOST_DRAWS, max(FEWEST_DRAWS, round(DRAWS_OF_BLOCKS / max(1, blocks))))


def scored(sample: Sample, seed: int, repeats: int | None = None) -> dict[Key, dict[str, Score]]:
    """AUROC and win rate of pairs of arms by single edges and by all, for each set asked about.

    The model of the claims, with its jitter of training and test; each family of blocks is asked
    about once, by a model that learnt from all others. Nothing where there are no others. Jitters
    are drawn `repeats` times, or as :func:`draws` says.
    """
    if len({r["group"] for r in sample.learnt}) < FEWEST:
        return {}
    names = list(sample.asked)
    both = [*sample.learnt, *(row for name in names for row in sample.asked[name])]
    source = np.repeat(
        np.arange(len(names) + 1), [len(sample.learnt), *(len(sample.asked[n]) for n in names)]
    )
    arms = Arms.of(both, sample.grids, edges_in(sample.learnt), sample.targets)
    blocks = len({r["block"] for name in names for r in sample.asked[name]})
    number = draws(blocks) if repeats is None else repeats
    subsets = [arms.edges] if sample.all_edges_alone else arms.ends()
    asked = Asked(kernels=(MODEL,), components=(), subsets=subsets, repeats=number, seed=seed)
    held = hold_out_folds(arms, asked, lambda _: _folds(arms, source))
    out: dict[Key, dict[str, Score]] = {}
    for k, name in enumerate(names, start=1):
        chosen = np.flatnonzero(source == k)
        for subset in subsets:
            for key, score in _scores(arms, held, (subset, chosen), sample.pairs).items():
                out.setdefault(key, {})[name] = score
    return out


def _folds(arms: Arms, source: NDArray[np.int64]) -> list[Fold]:
    """Each family that is asked about, with all others that are learnt from."""
    groups = np.array(arms.groups)
    return [
        (
            np.flatnonzero((source == 0) & (groups != group)),
            np.flatnonzero((source > 0) & (groups == group)),
        )
        for group in sorted(set(groups[source > 0]))
    ]


def _scores(
    arms: Arms, held: Held, of: tuple[Subset, NDArray[np.int64]], pairs: Sequence[Pair]
) -> dict[Key, Score]:
    """Scores of some rows by some edges."""
    subset, chosen = of
    part = replace(
        arms,
        rows=[{**arms.rows[i], "group": str(arms.rows[i]["block"])} for i in chosen],
        curves={e: replace(c, mu=c.mu[chosen]) for e, c in arms.curves.items()},
    )
    labels = [replace(own, values=own.values[chosen], arms=own.arms[chosen]) for own in held.labels]
    values = held.answers[MODEL, subset].values[:, chosen]
    numbers = sorted({int(b) for b in part.blocks})
    names, one = [str(b) for b in numbers], np.eye(len(numbers))
    without = 1 - one if len(names) > 1 else one[:0]
    weights = np.vstack([np.ones(len(names)), without, one])
    bootstrap = Bootstrap(names, scores.Drawn(weights, True, len(names)))
    found = {}
    for pair in pairs:
        column = [t.name for t in arms.targets].index(pair.target)
        curves = pair_curves(part, labels, values[..., column], pair, bootstrap)
        for metric in (Metric.WIN_RATE, Metric.AUROC):
            curve, own = np.split(curves[metric], [1 + len(without)])
            by_block = dict(zip(numbers, own.tolist())) if metric is Metric.WIN_RATE else {}
            found[edges_name(subset, arms.edges), pair, metric] = Score(curve, by_block)
    return found
