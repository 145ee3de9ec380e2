"""How the neighbours of a defect change its detection: win rates by what stands next to it.

Asked after the blocks were looked at, so that nothing here is a claim. From the held-out answers
that the claims rest on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn import scores
from defectra.structures.composition import METALS
from defectra.studies.nmc.blocks.arms import Arms, Subset
from defectra.studies.nmc.blocks.models import KERNEL, Held
from defectra.studies.nmc.blocks.scores import (
    ANTISITE,
    CLAIMED,
    VACANCY,
    Bootstrap,
    Pair,
    edges_name,
    pair_groups,
    paired,
)

Row = dict[str, Any]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
STRATA_COLUMNS = ["defect", "stratum", "edges", "value", "lo", "hi", "n"]
FEWEST = 5  # blocks; fewer have no interval
NEAR = 3.5  # Å; the nearest metal and lithium sites are 2.9 apart, the next ones 4.1
MANY_LITHIUM = 2  # of the three lithium sites next to an oxygen
EVERY = "all blocks"
OWN, OTHER = "own metal next to it", "own metal not next to it"
LESS = "own metal next to it, less not"
METAL_EDGES = "metal edges"


@dataclass(frozen=True)
class Stratum:
    """Blocks that have something in common.

    Attributes
    ----------
    holds
        Whether a block belongs, from the row of its defect arm.
    """

    pair: Pair
    name: str
    holds: Callable[[Mapping[str, Any]], bool]


def next_to(metal: str) -> str:
    """Name of the blocks with this metal next to the vacancy."""
    return f"{metal} next to it"


def not_next_to(metal: str) -> str:
    """Name of the blocks without it."""
    return f"no {metal} next to it"


def _is_next(row: Mapping[str, Any], metal: str) -> bool:
    return metal in re.findall(r"[A-Z][a-z]?", str(row["vacancy_metals"]))


def _is_not_next(row: Mapping[str, Any], metal: str) -> bool:
    return not _is_next(row, metal)


def _is_lithium_rich(row: Mapping[str, Any]) -> bool:
    return int(row["vacancy_lithium"]) >= MANY_LITHIUM


def _is_near(row: Mapping[str, Any]) -> bool:
    return float(row["antisite_distance"]) < NEAR


def strata() -> list[Stratum]:
    """Every stratum, by defect."""
    every = [Stratum(pair, EVERY, lambda r: True) for pair in CLAIMED]  # noqa: ARG005
    metals = [
        Stratum(VACANCY, name(metal), partial(holds, metal=metal))
        for metal in METALS
        for name, holds in ((next_to, _is_next), (not_next_to, _is_not_next))
    ]
    return [
        *every,
        *metals,
        Stratum(VACANCY, "0 or 1 lithium next to it", lambda r: not _is_lithium_rich(r)),
        Stratum(VACANCY, "2 or 3 lithium next to it", _is_lithium_rich),
        Stratum(ANTISITE, "near: sites within 3.5 Å", _is_near),
        Stratum(ANTISITE, "far: sites beyond 3.5 Å", lambda r: not _is_near(r)),
    ]


@dataclass(frozen=True)
class Wins:
    """Share of the measurements in which each pair of arms is won.

    Attributes
    ----------
    share
        Shape (blocks,), in the order of :func:`defectra.studies.nmc.blocks.scores.paired`.
    bootstrap
        Resamples of the families.
    groups
        Family of each block.
    """

    share: Floats
    bootstrap: Bootstrap
    groups: Sequence[str]

    @classmethod
    def of(cls, arms: Arms, held: Held, values: Floats, pair: Pair, bootstrap: Bootstrap) -> Wins:
        """Wins of one pair; `values` has shape (d, n)."""
        both = [paired(arms, own, answer, pair) for own, answer in zip(held.labels, values)]
        won = [np.where(a == b, 0.5, np.where(np.isnan(a + b), np.nan, a > b)) for a, b in both]
        groups = pair_groups(arms, held.labels[0], pair)
        return cls(np.mean(won, axis=0), bootstrap, groups)

    def curve(self, inside: Mask, weights: Floats) -> Floats:
        """Win rate of some blocks with weights of all, shape (b, blocks), as shape (b,)."""
        drawn = weights[:, inside]
        with np.errstate(invalid="ignore"):
            return np.asarray(drawn @ self.share[inside] / drawn.sum(axis=1))

    def families(self, inside: Mask) -> list[str]:
        """Family of each of some blocks."""
        return [g for g, here in zip(self.groups, inside) if here]

    def drawn(self, parts: Sequence[Mask]) -> scores.Drawn:
        """Resamples by which a difference or mean of some parts of the blocks is judged.

        Those of all families, if each part has many; else each family of the parts is left out,
        and the smallest part has the degrees of freedom. Below :data:`FEWEST` the sample alone.
        """
        fewest = min(len(set(self.families(inside))) for inside in parts)
        if fewest >= scores.FEW_GROUPS:
            return scores.Drawn(self.bootstrap.of_rows(self.groups), False, fewest)
        if fewest < FEWEST:
            return scores.Drawn(np.ones((1, len(self.groups))), True, fewest)
        every = np.any(parts, axis=0)
        own = self.families(every)
        weights = np.zeros((1 + len(set(own)), len(self.groups)))
        weights[:, every] = scores.left_out_weights(own)
        return scores.Drawn(weights, True, fewest)


Term = tuple[float, Wins, Mask]  # factor of the win rate of a model on some blocks


def win_rates(arms: Arms, held: Held, bootstrap: Bootstrap) -> Iterator[Row]:
    """Rows with columns :data:`STRATA_COLUMNS`: every stratum by each single edge and by all.

    Then, over the metal edges, how much more often an edge wins if its own metal is next to the
    vacancy: the mean of the differences of each edge, so that a good edge does not stand for a
    near metal. There is no interval below five families of blocks, nor with fewer than ten where
    all have the same share.
    """
    members = {pair: _defect_rows(arms, pair) for pair in CLAIMED}
    for pair, rows in members.items():
        if not rows or len(rows) != len(_defect_rows(arms, pair, pair.other)):
            continue
        wins = {
            subset: Wins.of(arms, held, held.answers[KERNEL, subset].values[..., pair.column],
                            pair, bootstrap)
            for subset in arms.ends()
        }  # fmt: skip
        for stratum in (s for s in strata() if s.pair == pair):
            inside = np.array([stratum.holds(r) for r in rows])
            for subset, found in wins.items():
                name = edges_name(subset, arms.edges)
                yield _row(pair, stratum.name, name, [(1.0, found, inside)])
        if pair == VACANCY:
            yield from _own_metal(rows, wins)


def _defect_rows(arms: Arms, pair: Pair, arm: str = "") -> list[Mapping[str, Any]]:
    """Rows of one arm of a pair, block by block."""
    own = [r for r in arms.rows if r["arm"] == (arm or pair.arm)]
    return sorted(own, key=lambda r: int(r["block"]))


def _own_metal(rows: Sequence[Mapping[str, Any]], wins: Mapping[Subset, Wins]) -> Iterator[Row]:
    """Win rates of the metal edges with and without their own metal next to the vacancy."""
    terms: dict[str, list[Term]] = {OWN: [], OTHER: [], LESS: []}
    for (edge, *rest), found in wins.items():
        metal = edge.split()[0]
        inside = np.array([_is_next(r, metal) for r in rows])
        if rest or metal not in METALS or not inside.any() or inside.all():
            continue
        own, other = (1.0, found, inside), (1.0, found, ~inside)
        less: list[Term] = [own, (-1.0, found, ~inside)]
        for name, more in ((OWN, [own]), (OTHER, [other]), (LESS, less)):
            terms[name] += more
        yield _row(VACANCY, LESS, edge, less)
    count = len(terms[OWN])
    for name, every in terms.items():
        if every:
            mean = [(factor / count, found, inside) for factor, found, inside in every]
            yield _row(VACANCY, name, METAL_EDGES, mean)


def _row(pair: Pair, stratum: str, edges: str, terms: Sequence[Term]) -> Row:
    """Sum of win rates times factors; all of the same pair, and thus of the same blocks."""
    parts = [inside for _, _, inside in terms]
    wins = terms[0][1]
    drawn = wins.drawn(parts)
    curve = np.sum([f * own.curve(inside, drawn.weights) for f, own, inside in terms], axis=0)
    factors = np.array([f for f, _, _ in terms])
    bounds = float(factors.clip(max=0).sum()), float(factors.clip(min=0).sum())
    value, lo, hi = drawn.ends(curve, bounds)
    ends = {"value": value, "lo": lo, "hi": hi, "n": min(int(inside.sum()) for inside in parts)}
    return {"defect": pair.target, "stratum": stratum, "edges": edges, **ends}
