"""What our reference phases AX say of the published decomposition energies.

The decomposition energy is D = E(ABX3) - E(AX) - E(BX2). Between two cations A of the same B and X
the energy of BX2 drops out, so that the energies of perovskites and of nine alkali halides are
enough to test the differences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from defectra.core.records import Status
from defectra.studies.perovskites import runs
from defectra.studies.perovskites.tables import compound_of

Row = dict[str, Any]
WRONG_EV = 0.5
EXCESS_COLUMNS = ["a", "x", "excess_eV", "pairs", "scatter_eV"]
DIFFERENCE_COLUMNS = ["x", "b", "a", "against", "ours_eV", "published_eV", "deviation_eV"]


def differences(
    found: Sequence[Mapping[str, Any]], published: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """D of A less D of another A, for each pair of which both perovskites and halides are known.

    Parameters
    ----------
    found
        Rows of our calculations.
    published
        Rows of ``compounds.parquet``.
    """
    scans = [r for r in found if r["kind"] == "equation_of_state" and r["status"] == Status.OK]
    energy = {r["name"]: r["energy"] for r in scans}
    known: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
    for label in published:
        if label["kind"] != "pure" or label["name"] not in energy:
            continue
        a, b, x = runs.ions(compound_of(label))
        if a + x in energy and np.isfinite(label["decomposition_PBE"]):
            ours = energy[label["name"]] - energy[a + x]
            known.setdefault((x, b), {})[a] = (ours, label["decomposition_PBE"])
    out = []
    for (x, b), cations in sorted(known.items()):
        for one, two in combinations(sorted(cations), 2):
            ours, theirs = (cations[one][k] - cations[two][k] for k in (0, 1))
            out.append(
                {
                    "x": x,
                    "b": b,
                    "a": one,
                    "against": two,
                    "ours_eV": ours,
                    "published_eV": theirs,
                    "deviation_eV": theirs - ours,
                }
            )
    return out


def excesses(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """By how much published D of each AX is too high, against the lowest AX of the same halide.

    Least squares over all pairs: published less ours = excess(A) - excess(A'), eV.
    """
    out = []
    for x in dict.fromkeys(r["x"] for r in rows):
        own = [r for r in rows if r["x"] == x]
        cations = sorted({r["a"] for r in own} | {r["against"] for r in own})
        design = np.zeros((len(own), len(cations)))
        for line, row in zip(design, own):
            line[cations.index(row["a"])] += 1
            line[cations.index(row["against"])] -= 1
        off = np.array([float(r["deviation_eV"]) for r in own])
        answer = np.linalg.lstsq(design, off, rcond=None)[0]
        rest = float(np.sqrt(np.mean((design @ answer - off) ** 2)))
        for a, value in zip(cations, answer - answer.min()):
            pairs = sum(a in (r["a"], r["against"]) for r in own)
            out.append({"a": a, "x": x, "excess_eV": value, "pairs": pairs, "scatter_eV": rest})
    return out
