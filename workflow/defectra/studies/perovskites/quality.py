"""Quality of the published rows by physics: identities that hold whatever the compound is.

Charge neutrality of V_A(-) and V_X(+) fixes the Fermi level where both cost the same:
E_F = [H(V_A) + e_A - H(V_X) + e_X] / 2, and that cost is H(V_A) + e_A - E_F, with neutral
formation energies H and the levels e_A = (0/-1), e_X = (+1/0).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Row = dict[str, Any]
# The columns carry rounded numbers: the two identities then hold within a few hundredths of an eV.
TOLERANCE_EV = 0.05
CONDITIONS = {"X-rich": "_x_rich", "moderate": "", "B-rich": "_b_rich"}
FERMI, COST = "equilibrium of charge", "cost at equilibrium"


def identities(row: Mapping[str, Any], suffix: str) -> dict[str, tuple[str, float]]:
    """Label and how far it is off, eV, by identity, under one condition."""
    cost = row[f"vacancy_A{suffix}"] + row["level_A"]
    gain = row[f"vacancy_X{suffix}"] - row["level_X"]
    fermi, energy = f"fermi_level{suffix}", f"defect_energy{suffix}"
    return {
        FERMI: (fermi, row[fermi] - (cost - gain) / 2),
        COST: (energy, row[energy] - (cost - row[fermi])),
    }


def check(rows: Sequence[Row], tolerance: float = TOLERANCE_EV) -> tuple[list[Row], list[Row]]:
    """Rows with their wrong labels in `flags`, and the failures as rows of ``quality.csv``.

    An identity ties five numbers and cannot tell alone which is wrong: the label on its left side
    is blamed, which one wrong label under every condition bears out.
    """
    found, out = [], []
    for row in rows:
        flags = []
        for condition, suffix in CONDITIONS.items():
            for identity, (label, off) in identities(row, suffix).items():
                if not math.isnan(off) and abs(off) > tolerance:
                    flags.append(label)
                    found.append(_finding(row["name"], identity, condition, label, off))
        out.append({**row, "flags": sorted(set(flags))})
    return out, found


def _finding(name: str, identity: str, condition: str, label: str, off: float) -> Row:
    return {
        "name": name,
        "identity": identity,
        "condition": condition,
        "label": label,
        "off_eV": off,
        "verdict": "left out of training",
    }
