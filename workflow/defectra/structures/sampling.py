"""Seeded samples of colourings: uniform over inequivalent ones, or weighted by multiplicity.

Uniform over inequivalent colourings (Dixon and Wilf, J. Algorithms 4, 205 (1983)): an operation
drawn in proportion to the colourings that it leaves unchanged, then one of these colourings.
All weights are exact integers, so that the sample is exact and the same on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from defectra.structures.colouring_problem import Problem
from defectra.structures.polya import Amounts, Cycles, cycle_types, fixed_by, shares

TRIES = 200  # draws for each wanted one, before a weighted sample of a nearly full space ends


def draw(
    problem: Problem, number: int, *, weighted: bool, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Words and multiplicities of `number` different inequivalent colourings.

    The words are the smallest of their equivalents, in the order drawn.
    """
    generator = random.Random(seed)  # noqa: S311
    source = _Weighted(problem) if weighted else _Uniform(problem)
    found: dict[bytes, int] = {}
    out: list[NDArray[np.uint8]] = []
    tries = 0
    while len(out) < number and tries < TRIES * number:
        batch = np.array([source.word(generator) for _ in range(max(16, number - len(out)))])
        tries += len(batch)
        words, weights = smallest(problem.permutations, batch)
        for word, weight in zip(words, weights):
            if len(out) < number and word.tobytes() not in found:
                found[word.tobytes()] = int(weight)
                out.append(word)
    return np.array(out), np.array(list(found.values()), dtype=np.int64)


def smallest(
    permutations: NDArray[np.int32], words: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Smallest equivalent of each word and its multiplicity; the group must be closed."""
    from defectra.structures.kernel import smallest_images

    best, ties = smallest_images(permutations, words)
    images = np.take_along_axis(words, permutations[best].astype(np.int64), axis=1)
    return images, len(permutations) // ties


class _Weighted:
    """Any colouring as likely as any other: an inequivalent one by its multiplicity."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    def word(self, generator: random.Random) -> NDArray[np.uint8]:
        parts = []
        for colours, amounts in zip(self.problem.colours, self.problem.amounts):
            own = [c for c, n in zip(colours, amounts) for _ in range(n)]
            generator.shuffle(own)
            parts += own
        return np.array(parts, dtype=np.uint8)


class _Uniform:
    """Any inequivalent colouring as likely as any other."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        types, self.rows = cycle_types(problem.permutations, problem.blocks)
        self.kinds = list(types)
        self.members = {k: [g for g, row in enumerate(self.rows) if row == k] for k in types}
        self.weights = [types[k] * fixed_by(k, problem.amounts) for k in types]

    def word(self, generator: random.Random) -> NDArray[np.uint8]:
        kind = self.kinds[_pick(self.weights, generator)]
        members = self.members[kind]
        row = self.problem.permutations[members[generator.randrange(len(members))]]
        out = np.zeros(len(row), dtype=np.uint8)
        for block, cycles, colours, amounts in zip(
            self.problem.blocks, kind, self.problem.colours, self.problem.amounts
        ):
            by_length = _cycles_of(row, block)
            for members_of, colour in _coloured(cycles, amounts, colours, by_length, generator):
                out[members_of] = colour
        return out


def _pick(weights: Sequence[int], generator: random.Random) -> int:
    point = generator.randrange(sum(weights))
    for k, weight in enumerate(weights):
        point -= weight
        if point < 0:
            return k
    raise AssertionError


def _cycles_of(row: NDArray[np.int32], block: slice) -> dict[int, list[list[int]]]:
    seen: set[int] = set()
    out: dict[int, list[list[int]]] = {}
    for start in range(block.start, block.stop):
        cycle, site = [], start
        while site not in seen:
            seen.add(site)
            cycle.append(site)
            site = int(row[site])
        if cycle:
            out.setdefault(len(cycle), []).append(cycle)
    return out


def _coloured(
    cycles: Cycles,
    amounts: Amounts,
    colours: Sequence[int],
    by_length: dict[int, list[list[int]]],
    generator: random.Random,
) -> list[tuple[list[int], int]]:
    """A colour for each cycle, drawn uniformly from all that keep the amounts."""
    out = []
    left = amounts
    for k, (length, _) in enumerate(cycles):
        options = shares(cycles[k:], left)
        share = options[_pick([ways for _, ways in options], generator)][0]
        own = [c for c, n in zip(colours, share) for _ in range(n)]
        generator.shuffle(own)
        out += list(zip(by_length[length], own))
        left = tuple(a - length * n for a, n in zip(left, share))
    return out
