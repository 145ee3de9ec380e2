"""Arms of the blocks as arrays, and their labels, true or permuted.

A row is an arm. Shapes: n rows, k targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.crossval import TARGETS, Target
from defectra.learn.moved_spectra import EdgeCurves
from defectra.spectra.align import points
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.tables import RAW

Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
Subset = tuple[str, ...]


@dataclass(frozen=True)
class Arms:
    """Rows of the blocks as arrays.

    Attributes
    ----------
    rows
        Rows of :func:`defectra.studies.nmc.blocks.tables.block_rows_table`.
    curves
        Spectra by edge.
    targets
        What is learnt of them.
    """

    rows: Rows
    curves: Mapping[str, EdgeCurves]
    targets: tuple[Target, ...] = TARGETS

    @classmethod
    def of(
        cls,
        rows: Rows,
        grids: Mapping[str, Grid],
        edges: Sequence[str],
        targets: tuple[Target, ...] = TARGETS,
    ) -> Arms:
        """Arms with the spectra of some edges."""
        curves = {
            e: EdgeCurves(points(grids[e]), np.array([r[f"{RAW}{e}"] for r in rows])) for e in edges
        }
        return cls(rows, curves, targets)

    def only(self, rows: NDArray[np.int64]) -> Arms:
        """Some of the rows, in this order."""
        curves = {e: EdgeCurves(c.energy, c.mu[rows]) for e, c in self.curves.items()}
        return Arms([self.rows[i] for i in rows], curves, self.targets)

    @property
    def edges(self) -> Subset:
        """Names of the edges."""
        return tuple(self.curves)

    @cached_property
    def groups(self) -> list[str]:
        """What no split may cut."""
        return [str(r["group"]) for r in self.rows]

    @cached_property
    def arms(self) -> NDArray[np.str_]:
        """Arm of each row, shape (n,)."""
        return np.array([r["arm"] for r in self.rows])

    @cached_property
    def blocks(self) -> NDArray[np.int64]:
        """Block of each row, shape (n,)."""
        return np.array([r["block"] for r in self.rows])

    @cached_property
    def truth(self) -> Floats:
        """Labels of the targets, shape (n, k)."""
        return np.array([[float(r[t.column]) for t in self.targets] for r in self.rows])

    @property
    def is_class(self) -> NDArray[np.bool_]:
        """Which targets are 0 or 1, shape (k,)."""
        return np.array([t.is_class for t in self.targets])

    def subsets(self) -> list[Subset]:
        """Every subset of the edges, single ones first, all of them last."""
        sizes = range(1, len(self.edges) + 1)
        return [s for size in sizes for s in combinations(self.edges, size)]

    def ends(self) -> list[Subset]:
        """Single edges, and all."""
        singles: list[Subset] = [(e,) for e in self.edges]
        return singles if len(singles) == 1 else [*singles, self.edges]


@dataclass(frozen=True)
class Labels:
    """What a repeat is trained with and scored against.

    Attributes
    ----------
    values
        Shape (n, k); of the control shape as well, with labels that were permuted.
    arms
        Arm that each row passes for, shape (n,).
    """

    values: Floats
    arms: NDArray[np.str_]

    def only(self, rows: NDArray[np.int64]) -> Labels:
        """Those of some of the rows."""
        return Labels(self.values[rows], self.arms[rows])


def true_labels(arms: Arms) -> Labels:
    """Labels as they are."""
    return Labels(arms.truth, arms.arms)


def permuted(arms: Arms, seed: int) -> Labels:
    """Arms exchanged within each block, contents exchanged among the blocks.

    A block is never cut: its rows exchange which arm they pass for, and all of them take the
    contents of the same arm of another block.
    """
    generator = np.random.default_rng([seed, 77])
    blocks = arms.blocks
    values, names, is_class = arms.truth.copy(), arms.arms.copy(), arms.is_class
    members = [np.flatnonzero(blocks == b) for b in np.unique(blocks)]
    partner = generator.permutation(len(members))
    for own, other in zip(members, partner):
        taken = generator.permutation(own)
        values[np.ix_(own, is_class)] = arms.truth[np.ix_(taken, is_class)]
        names[own] = arms.arms[taken]
        theirs = np.resize(members[other], len(own))
        values[np.ix_(own, ~is_class)] = arms.truth[np.ix_(theirs, ~is_class)]
    return Labels(values, names)
