"""All inequivalent orderings of a supercell, or a seeded sample of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError
from defectra.structures.colouring_problem import Problem
from defectra.structures.sampling import draw
from defectra.structures.supercells import Supercell

LARGEST = 10**9  # orderings that are made without a limit being asked for


class Selection(StrEnum):
    """What a list of orderings is; written into the table."""

    ALL = "all"
    UNIFORM = "uniform sample"
    WEIGHTED = "sample weighted by multiplicity"
    SQS = "special quasi-random"


@dataclass(frozen=True)
class Colourings:
    """Inequivalent colourings.

    Attributes
    ----------
    supercell, problem
        What was coloured.
    words
        Colour number of each coloured site, shape (m, n).
    multiplicity
        Distinct equivalent colourings of each, shape (m,).
    total
        Inequivalent colourings that exist.
    raw
        Colourings that exist; for a complete list the sum of the multiplicities.
    selection
        Complete, or which kind of sample.
    seed
        Of the sample.
    """

    supercell: Supercell
    problem: Problem
    words: NDArray[np.uint8]
    multiplicity: NDArray[np.int64]
    total: int
    raw: int
    selection: Selection
    seed: int | None = None

    def __len__(self) -> int:
        return len(self.words)

    def species(self, number: int) -> tuple[str, ...]:
        """Species of every site of the supercell in ordering `number`; ``X`` where empty."""
        out = np.array(self.supercell.species, dtype=object)
        out[self.problem.sites] = [self.problem.palette[c] for c in self.words[number]]
        return tuple(out)


def pose(supercell: Supercell, composition: Mapping[str, Mapping[str, int]]) -> Problem:
    """Check a composition against the supercell and set up the problem.

    Parameters
    ----------
    composition
        For each sublattice the number of sites of each species, ``X`` for vacancies, e.g.
        ``{"M": {"Ni": 6, "Mn": 6}, "Li": {"Li": 10, "X": 2}}``.

    Raises
    ------
    StructureError
        If the numbers do not fill the sublattice.
    """
    sites: list[NDArray[np.int64]] = []
    palette: list[str] = []
    blocks, colours, amounts = [], [], []
    for name, wanted in composition.items():
        own = supercell.sites_of(name)
        _check_amounts(supercell, name, len(own), wanted)
        start = sum(len(s) for s in sites)
        kept = sorted((s for s, n in wanted.items() if n > 0), key=lambda s: (wanted[s], s))
        colours.append(tuple(range(len(palette), len(palette) + len(kept))))
        amounts.append(tuple(wanted[s] for s in kept))
        palette.extend(kept)
        sites.append(own)
        blocks.append(slice(start, start + len(own)))
    if not sites:
        raise StructureError("no sublattice to colour; give e.g. {'M': {'Ni': 6, 'Mn': 6}}")
    chosen = np.concatenate(sites)
    group = restrict(supercell.permutations, chosen)
    return Problem(chosen, tuple(blocks), tuple(palette), tuple(colours), tuple(amounts), group)


def restrict(
    permutations: NDArray[np.int32], sites: NDArray[np.int64] | Sequence[int]
) -> NDArray[np.int32]:
    """Group on a set of sites that it keeps, renumbered from 0, unique rows, sorted."""
    from defectra.structures.supercells import unique_rows

    chosen = np.asarray(sites)
    where = np.full(permutations.shape[1], -1, dtype=np.int32)
    where[chosen] = np.arange(len(chosen))
    return unique_rows(where[permutations[:, chosen]])


def _check_amounts(cell: Supercell, name: str, held: int, wanted: Mapping[str, int]) -> None:
    text = " ".join(f"{s}{n}" for s, n in wanted.items())
    for species, number in wanted.items():
        if number != int(number) or number < 0:
            raise StructureError(
                f"sublattice {name}: {number} sites of {species}; whole numbers from 0 on are "
                "needed (nothing is rounded)"
            )
    if sum(wanted.values()) != held:
        raise StructureError(
            f"sublattice {name} holds {held} sites in this supercell ({cell.index} primitive "
            f"cells), the composition {text} asks for {sum(wanted.values())}; vacancies are X"
        )


def orderings(
    supercell: Supercell,
    composition: Mapping[str, Mapping[str, int]],
    *,
    limit: int | None = None,
    sample: str = "uniform",
    seed: int = 0,
) -> Colourings:
    """Every inequivalent colouring, or a seeded sample if there are more than `limit`.

    Parameters
    ----------
    composition
        See :func:`pose`.
    limit
        Largest number wanted; None means all of them, at most 10^9.
    sample
        ``uniform``: every inequivalent colouring is as likely as any other; ``weighted``: by
        multiplicity, as a random alloy has them. Drawn without repetition.

    Raises
    ------
    StructureError
        If the composition does not fit, or more than 10^9 are asked for without a limit; in
        both cases before any is made.
    """
    if sample not in ("uniform", "weighted"):
        raise StructureError(f"sample {sample!r} is not known; allowed: uniform, weighted")
    if limit is not None and limit < 1:
        raise StructureError(f"limit {limit} is not a positive number")
    problem = pose(supercell, composition)
    total = problem.count()
    if limit is not None and total > limit:
        words, weights = draw(problem, limit, weighted=sample == "weighted", seed=seed)
        kind = Selection.WEIGHTED if sample == "weighted" else Selection.UNIFORM
        return Colourings(supercell, problem, words, weights, total, problem.raw, kind, seed)
    if total > LARGEST:
        raise StructureError(
            f"{total} inequivalent orderings (of {problem.raw}); more than {LARGEST} are not made "
            "without a limit: give `limit` for a seeded sample"
        )
    words, weights = enumerate_all(problem, total)
    return Colourings(supercell, problem, words, weights, total, problem.raw, Selection.ALL)


def enumerate_all(problem: Problem, total: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Words and multiplicities of all `total` inequivalent colourings."""
    from defectra.structures.kernel import enumerate_colourings

    n = len(problem.sites)
    within = np.concatenate([np.arange(b.stop - b.start) for b in problem.blocks])
    words = np.empty((total, n), dtype=np.uint8)
    for block, colours in zip(problem.blocks, problem.colours):
        words[:, block] = colours[-1]
    weights = np.ones(total, dtype=np.int64)
    plan = _plan(problem)
    if not len(plan):
        return words, weights
    found = enumerate_colourings(
        problem.permutations, within, _decided(problem, within), plan, words, weights
    )
    if found != total or sum(map(int, weights)) != problem.raw:
        raise StructureError(
            f"enumeration made {found} orderings, the exact count is {total}: please report this"
        )
    return words, weights


def _plan(problem: Problem) -> NDArray[np.int64]:
    rows = []
    for block, colours, amounts in zip(problem.blocks, problem.colours, problem.amounts):
        for colour, amount in zip(colours[:-1], amounts[:-1]):
            rows += [
                [block.start, block.stop, colour, amount - k, int(k == 0)] for k in range(amount)
            ]
    return np.array(rows, dtype=np.int64).reshape(-1, 5)


def _decided(problem: Problem, within: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Mask of the leading sites of a sublattice whose sources are all at or before site a.

    Left out (one row of zeros) where it would be large; it only makes the search faster.
    """
    group, n = problem.permutations.shape
    width = int(within.max()) // 64 + 1
    if width > 1 or group * n > 10**7:
        return np.zeros((1, 1, width), dtype=np.uint64)
    sources = np.empty_like(problem.permutations)
    np.put_along_axis(sources, problem.permutations, np.arange(n, dtype=np.int32)[None, :], axis=1)
    out = np.zeros((n, group, 1), dtype=np.uint64)
    for block in problem.blocks:
        latest = np.maximum.accumulate(sources[:, block], axis=1)
        for a in range(block.start, block.stop):
            lead = (latest <= a).sum(axis=1)
            out[a, :, 0] = _leading(lead)
    return out


def _leading(lead: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Masks with the highest `lead` of 64 bits set."""
    table = [((1 << 64) - 1) ^ ((1 << (64 - k)) - 1) for k in range(65)]
    return np.array(table, dtype=np.uint64)[lead]
