"""Rings of both fidelities: first moments, profiles, and how far the two are apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.arrays import ArrayReader
from defectra.engines.speckle.engine import ANALYTIC, PIXEL

Floats = NDArray[np.float64]
Row = dict[str, Any]
FIDELITY_COLUMNS = ["number", "patterns", "relative_l1", "first_moment_difference"]


@dataclass(frozen=True)
class RingTable:
    """Rings by number of disks and fidelity: arrays by name, see the engine."""

    found: Mapping[tuple[int, str], Mapping[str, Floats]]

    def moments(self) -> list[tuple[int, str, Floats]]:
        """Number of disks, fidelity, first moment of each pattern in pixels."""
        return [(n, form, own["first_moment"]) for (n, form), own in sorted(self.found.items())]

    def analytic_profiles(self) -> dict[int, tuple[Floats, Floats]]:
        """Ring means and contrasts, both (patterns, rings), by number of disks."""
        own = {n: a for (n, form), a in self.found.items() if form == ANALYTIC}
        return {
            n: (np.asarray(a["mean"], np.float64), np.asarray(a["contrast"], np.float64))
            for n, a in own.items()
        }


def read_rings(rows: Sequence[Row], folder: Path) -> RingTable:
    """Rings of a table; failed calculations are left out."""
    found: dict[tuple[int, str], Mapping[str, Floats]] = {}
    with ArrayReader(folder) as arrays:
        for row in rows:
            if row["status"] != "failed":
                found[row["number"], row["protocol"]] = arrays.of(row)
    return RingTable(found)


def fidelity_rows(rings: RingTable) -> list[Row]:
    """How far the two fidelities are apart on the same configurations.

    The relative L1 difference is the sum over rings of the sizes of the differences, weighted with
    the pixels of a ring, over that of the intensity; mean over patterns.
    """
    rows = []
    for (number, form), high in sorted(rings.found.items()):
        if form != PIXEL or (number, ANALYTIC) not in rings.found:
            continue
        low, count = rings.found[number, ANALYTIC], len(high["mean"])
        weight = 2 * np.pi * (np.arange(high["mean"].shape[1]) + 0.5)
        apart = np.abs(low["mean"][:count].astype(float) - high["mean"]) @ weight
        moments = low["first_moment"][:count] - high["first_moment"]
        rows.append(
            {
                "number": number,
                "patterns": count,
                "relative_l1": float(np.mean(apart / (high["mean"].astype(float) @ weight))),
                "first_moment_difference": float(np.mean(moments)),
            }
        )
    return rows
