"""How many inequivalent colourings there are, exactly, without making one (Pólya, Burnside)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

Cycles = tuple[tuple[int, int], ...]  # (length, how many), lengths falling
Amounts = tuple[int, ...]


def cycle_lengths(permutations: NDArray[np.int32]) -> NDArray[np.int32]:
    """Length of the cycle that each site lies on, shape (g, n)."""
    identity = np.arange(permutations.shape[1])
    lengths = np.zeros(permutations.shape, dtype=np.int32)
    image, step = permutations, 1
    while True:
        lengths[(image == identity) & (lengths == 0)] = step
        if lengths.all():
            return lengths
        image = np.take_along_axis(permutations, image, axis=1)
        step += 1


def cycle_types(
    permutations: NDArray[np.int32], blocks: Sequence[slice]
) -> tuple[dict[tuple[Cycles, ...], int], list[tuple[Cycles, ...]]]:
    """Cycle type of each operation on each sublattice: how often each occurs, and of each row."""
    lengths = cycle_lengths(permutations)
    merged = np.hstack([np.sort(lengths[:, b], axis=1) for b in blocks])
    kinds, index = np.unique(merged, axis=0, return_inverse=True)
    names = [tuple(_cycles(row[b]) for b in blocks) for row in kinds]
    rows = [names[k] for k in index.ravel()]
    return dict(Counter(rows)), rows


def _cycles(lengths: NDArray[np.int32]) -> Cycles:
    found = Counter(int(v) for v in lengths)
    return tuple((length, n // length) for length, n in sorted(found.items(), reverse=True))


@lru_cache(maxsize=1 << 18)
def fixed(cycles: Cycles, amounts: Amounts) -> int:
    """Colourings of one sublattice with these amounts that an operation leaves unchanged."""
    if not cycles:
        return int(not any(amounts))
    return sum(ways for _, ways in shares(cycles, amounts))


def shares(cycles: Cycles, amounts: Amounts) -> list[tuple[Amounts, int]]:
    """Cycles of the first length that each colour gets, with the ways to finish from there."""
    (length, number), rest = cycles[0], cycles[1:]
    if not rest:
        if any(a % length for a in amounts):
            return []
        share = tuple(a // length for a in amounts)
        return [(share, multinomial(share))] if sum(share) == number else []
    out = []
    for head in product(*(range(min(number, a // length) + 1) for a in amounts[:-1])):
        share = (*head, number - sum(head))
        if 0 <= share[-1] <= amounts[-1] // length:
            left = tuple(a - length * x for a, x in zip(amounts, share))
            ways = multinomial(share) * fixed(rest, left)
            if ways:
                out.append((share, ways))
    return out


def multinomial(amounts: Sequence[int]) -> int:
    """Ways to colour ``sum(amounts)`` sites with exactly these amounts."""
    return factorial(sum(amounts)) // prod(factorial(a) for a in amounts)


def count(
    permutations: NDArray[np.int32], blocks: Sequence[slice], amounts: Sequence[Amounts]
) -> int:
    """Inequivalent colourings of one or several sublattices at fixed composition.

    Parameters
    ----------
    permutations
        Group on the coloured sites, shape (g, n).
    blocks
        Columns of each sublattice.
    amounts
        Sites of each colour, for each sublattice.
    """
    types, _ = cycle_types(permutations, blocks)
    total = sum(n * fixed_by(kind, amounts) for kind, n in types.items())
    return total // len(permutations)


def fixed_by(kind: tuple[Cycles, ...], amounts: Sequence[Amounts]) -> int:
    """Colourings of all sublattices that an operation of this cycle type leaves unchanged."""
    return prod(fixed(cycles, tuple(own)) for cycles, own in zip(kind, amounts))
