"""Orderly generation of inequivalent colourings, compiled.

Colours are distributed one after the other; each is a subset of those sites of its sublattice
that are still free. A subset is kept only if no symmetry operation maps it onto a larger one (sites
count like the digits of a binary number, the first the highest). Every part of such a subset
(leaving out its last sites) is of that kind too, so that whole branches fall early, and no list
of what was seen is needed. An operation whose image is smaller for good is dropped in the
branch. What keeps the finished subset is the group for the next colour.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def enumerate_colourings(
    permutations: NDArray[np.int32],
    within: NDArray[np.int64],
    decided: NDArray[np.uint64],
    plan: NDArray[np.int64],
    words: NDArray[np.uint8],
    multiplicities: NDArray[np.int64],
) -> int:
    """Fill `words` and `multiplicities`; returns how many were found.

    Parameters
    ----------
    permutations
        Group on the coloured sites, unique rows, shape (g, n).
    within
        Number of each site within its sublattice, shape (n,).
    decided
        Mask of the leading sites whose sources are all at or before site a, shape (n, g, w);
        or one row of zeros, shape (1, 1, w): then no operation is dropped early.
    plan
        One row for each site to be coloured, shape (d, 5): first site and end of its sublattice,
        colour, how many of this colour are left to distribute, 1 if it is the first of its colour.
    words
        Output, shape (count, n), filled beforehand with the colour that is left over.
    multiplicities
        Output, shape (count,).
    """
    group, n = permutations.shape
    end = len(plan)
    width = decided.shape[2]
    active = np.empty((end + 1, group), dtype=np.int32)
    image = np.zeros((end + 1, group, width), dtype=np.uint64)
    chosen = np.zeros((end + 1, width), dtype=np.uint64)
    number = np.zeros(end + 1, dtype=np.int64)
    cursor = np.zeros(end + 1, dtype=np.int64)
    picked = np.full(end + 1, -1, dtype=np.int64)
    taken = np.zeros(n, dtype=np.bool_)
    active[0] = np.arange(group)
    number[0] = group
    cursor[0] = plan[0, 0]
    found = 0
    d = 0
    while d >= 0:
        if d == end:
            if found == len(words):
                return found + 1
            for e in range(end):
                words[found, picked[e]] = plan[e, 2]
            multiplicities[found] = group // number[d]
            found += 1
        site = _next_site(taken, cursor[d], plan[d, 1], plan[d, 3]) if d < end else -1
        if site < 0:
            d -= 1
            if d >= 0:
                taken[picked[d]] = False
            continue
        cursor[d] = site + 1
        kept = _colour(permutations, active, image, chosen, number, within, decided, d, site, plan)
        if kept == 0:
            continue
        picked[d] = site
        taken[site] = True
        d += 1
        number[d] = kept
        cursor[d] = site + 1
        if d < end and plan[d, 4]:
            cursor[d] = plan[d, 0]
            chosen[d] = 0
            image[d, :kept] = 0
    return found


@njit(cache=True, nogil=True)
def _next_site(taken: NDArray[np.bool_], start: int, end: int, left: int) -> int:
    """First free site from `start` on; -1 if fewer than `left` are free there."""
    site = -1
    free = 0
    for j in range(start, end):
        if not taken[j]:
            if site < 0:
                site = j
            free += 1
            if free == left:
                return site
    return -1


@njit(cache=True, nogil=True)
def _colour(
    permutations: NDArray[np.int32],
    active: NDArray[np.int32],
    image: NDArray[np.uint64],
    chosen: NDArray[np.uint64],
    number: NDArray[np.int64],
    within: NDArray[np.int64],
    decided: NDArray[np.uint64],
    d: int,
    site: int,
    plan: NDArray[np.int64],
) -> int:
    """Add `site` at depth `d`: operations that stay, written to depth d + 1; 0 if not canonical."""
    width = chosen.shape[1]
    last = plan[d, 3] == 1
    full = decided.shape[0] > 1
    one = np.uint64(1)
    chosen[d + 1] = chosen[d]
    chosen[d + 1, within[site] // 64] |= one << np.uint64(63 - within[site] % 64)
    kept = 0
    for k in range(number[d]):
        g = active[d, k]
        target = within[permutations[g, site]]
        order = 0
        drop = False
        for w in range(width):
            value = image[d, k, w]
            if target // 64 == w:
                value |= one << np.uint64(63 - target % 64)
            image[d + 1, kept, w] = value
            own = chosen[d + 1, w]
            if order == 0 and value != own:
                order = 1 if value > own else -1
                known = decided[site, g, w] if full else decided[0, 0, w]
                drop = last or ((value ^ own) & known) != 0
        if order == 1:
            _forward(active, image, d, k)
            return 0
        if not drop:
            active[d + 1, kept] = g
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _forward(active: NDArray[np.int32], image: NDArray[np.uint64], d: int, k: int) -> None:
    """Move operation k of depth d half way to the front: who rejects once rejects again."""
    j = k // 2
    active[d, j], active[d, k] = active[d, k], active[d, j]
    for w in range(image.shape[2]):
        image[d, j, w], image[d, k, w] = image[d, k, w], image[d, j, w]


@njit(cache=True, nogil=True)
def smallest_images(
    permutations: NDArray[np.int32], words: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each word the operation with the smallest image, and how many operations keep it.

    Parameters
    ----------
    permutations
        Group given by sources: the image of w is ``w[permutations[g]]``, shape (g, n).
    words
        Colour of each site, shape (m, n).
    """
    group, n = permutations.shape
    best = np.zeros(len(words), dtype=np.int64)
    ties = np.zeros(len(words), dtype=np.int64)
    for m in range(len(words)):
        word = words[m]
        chosen = 0
        same = 0
        for g in range(group):
            order = 0
            for i in range(n):
                a = word[permutations[g, i]]
                b = word[permutations[chosen, i]]
                if a != b:
                    order = -1 if a < b else 1
                    break
            if order < 0:
                chosen = g
                same = 1
            elif order == 0:
                same += 1
        best[m] = chosen
        ties[m] = same
    return best, ties
