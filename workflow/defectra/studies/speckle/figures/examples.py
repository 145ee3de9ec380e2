"""Patterns that are shown: both kinds of disks, few and many, and one of the authors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.arrays import ArrayReader
from defectra.engines.speckle.scattering import whole
from defectra.studies.speckle.samples import KINDS, TEST, set_name

Floats = NDArray[np.float64]
NUMBERS, AUTHORS = (3, 10), 10


def examples(
    rows: Sequence[dict[str, Any]], folder: Path, theirs: Mapping[int, Floats]
) -> list[tuple[str, Floats]]:
    """Title and whole pattern of each example, shape (n, n).

    Parameters
    ----------
    theirs
        Patterns of the authors by number of disks; may be empty.
    """
    shown: list[tuple[str, Floats]] = []
    with ArrayReader(folder) as arrays:
        for kind in KINDS:
            for number in NUMBERS:
                for row in rows:
                    if row["set"] == set_name(kind, TEST) and row["number"] == number:
                        first = arrays.read(row, "intensity", slice(0, 1))[0]
                        shown.append(
                            (f"{number} {kind} disks", np.asarray(whole(first), np.float64))
                        )
                        break
    if AUTHORS in theirs:
        shown.append((f"authors' pattern, {AUTHORS} disks", theirs[AUTHORS]))
    return shown
