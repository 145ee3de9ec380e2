"""How far off an answer about a row of a new group is: conformal prediction over groups.

Rows of a group share an offset, so that many rows of few groups tell little about the next group.
Hierarchical conformal prediction (Lee, Barber and Willett, Distribution-free inference with
hierarchical data, arXiv:2306.06342; compare Dunn, Wasserman and Ramdas, J. Am. Stat. Assoc. 118,
2491 (2023)) lets every group weigh the same, its rows in equal parts, and the new group as much as
one of them, with an error that may be anything. Of G groups the chance to hold a row of a new one
is at most G / (G + 1), so that for 90 % at least nine are needed.

The guarantee is that of errors by one model that saw none of the groups. Errors of grouped folds
are by models of fewer groups than the one that is kept, and are taken for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEVEL = 0.9


def fewest_groups(level: float = LEVEL) -> int:
    """Groups below which no interval is known: the smallest G with G / (G + 1) >= `level`."""
    return math.ceil(level / (1 - level) - 1e-9)


def half_width(errors: Floats, groups: Sequence[str], level: float = LEVEL) -> float:
    """Half width that holds a share of the rows of new groups; NaN with too few groups.

    Parameters
    ----------
    errors
        Absolute errors of rows whose group was left out, shape (n,).
    groups
        Group of each row.
    """
    index = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    sizes = np.bincount(index)
    if len(sizes) < fewest_groups(level):
        return float("nan")
    order = np.argsort(errors, kind="stable")
    reached = np.cumsum(1 / sizes[index][order]) / (len(sizes) + 1)
    place = int(np.searchsorted(reached, level - 1e-9))
    return float(errors[order][min(place, len(errors) - 1)])


def caution(half: float, over_groups: bool) -> str:
    """What is to be said of the interval of a kept model; empty if it holds for new groups."""
    if not math.isfinite(half):
        return (
            f"no interval: trained on fewer than {fewest_groups()} groups, which do not tell how "
            "far off a new one is"
        )
    if not over_groups:
        return (
            "the interval counts rows, not groups, and is too narrow where the rows of a group err "
            "together; train the model again"
        )
    return ""
