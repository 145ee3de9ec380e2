"""Decomposition energies of our own: D = E(ABX3) - E(AX) - E(BX2), for each formula unit.

AX in rock salt, or the lower of rock salt and CsCl type for CsX; BX2 in the types of
:mod:`defectra.studies.perovskites.phases`. Static energies at the minimum of each phase by PBE
(functional of Perdew, Burke, Ernzerhof), ideal cubic perovskite, no entropy. A mixed cell adds - T
dS, dS = -k_B sum over sites of x ln x (three X count three times), which published values do not
hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from defectra.core.records import Status
from defectra.studies.perovskites import runs
from defectra.studies.perovskites.binary_phases import WRONG_EV
from defectra.studies.perovskites.cells import SCAN, SITES
from defectra.studies.perovskites.compounds import A_IONS, B_IONS, X_IONS
from defectra.studies.perovskites.elements import MOLECULES
from defectra.studies.perovskites.phases import SCANNED, SUBSTITUTES, UNITS

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
NAN = float("nan")
COLUMNS = [
    *("name", "a", "b", "x", "ours_eV", "ours_rocksalt_eV", "published_eV", "deviation_eV"),
    *("ax_consistent", "bx2_type", "instead_of", "status"),
]
SUMMARY_COLUMNS = ["subset", "n", "mean_eV", "mean_abs_eV", "rmse_eV", "largest_eV", "at"]


def energies(found: Rows) -> dict[str, tuple[str, float]]:
    """Structure type and energy (eV for each formula unit) of each phase that was finished."""
    out = {}
    for row in found:
        last = SCAN if row["phase"] in SCANNED else SITES
        if row["status"] == Status.OK and row["kind"] == last and row["phase"] in UNITS:
            out[row["name"]] = row["phase"], row["energy"] / UNITS[row["phase"]]
    return out


def compare(pure: Rows, found: Rows, published: Rows, excesses: Rows) -> list[Row]:
    """Rows of ``decomposition.csv``: all 54 inorganic compounds, what is missing said.

    Parameters
    ----------
    pure
        Rows of our runs: ABX3 and AX in rock salt.
    found
        Rows of our cells: BX2, and CsX in the CsCl type.
    published
        Rows of ``compounds.parquet``.
    excesses
        Rows of ``salts_excess.csv``: published AX that ours contradict.
    """
    known = {
        (r["name"], r["phase"]): r["energy"]
        for r in pure
        if r["kind"] == SCAN and r["status"] == Status.OK
    }
    others = energies(found)
    labels = {r["name"]: r["decomposition_PBE"] for r in published if r["kind"] == "pure"}
    wrong = {r["a"] + r["x"] for r in excesses if float(r["excess_eV"]) > WRONG_EV}
    inorganic = [a for a in A_IONS if a not in MOLECULES]
    out = []
    for a, b, x in product(inorganic, B_IONS, X_IONS):
        name = runs.pure_of(a, b, x).name
        whole = known.get((name, runs.PEROVSKITE), NAN)
        halide = known.get((a + x, runs.ROCKSALT), NAN)
        lowest = min(halide, others.get(a + x, ("", halide))[1])
        kind, metal = others.get(b + x + "2", ("", NAN))
        ours, theirs = whole - lowest - metal, labels.get(name, NAN)
        row = {"name": name, "a": a, "b": b, "x": x, "ours_eV": ours, "published_eV": theirs}
        row |= {"ours_rocksalt_eV": whole - halide - metal, "deviation_eV": ours - theirs}
        row |= {"ax_consistent": "no" if a + x in wrong else "yes", "bx2_type": kind}
        row |= {"instead_of": SUBSTITUTES.get(b + x + "2", "")}
        missing = f"no energy of {b}{x}2" if np.isnan(metal) else f"no energy of {name} or {a}{x}"
        out.append(row | {"status": missing if np.isnan(ours) else str(Status.OK)})
    return out


def summary(rows: Rows) -> list[Row]:
    """Deviation from the published column: all, where AX agrees, and of each BX2 of these."""
    good = [r for r in rows if np.isfinite(float(r["deviation_eV"]))]
    agreed = [r for r in good if r["ax_consistent"] == "yes"]
    subsets = {"all": good, "AX agrees": agreed}
    subsets |= {"AX contradicted": [r for r in good if r["ax_consistent"] == "no"]}
    for b, x in product(B_IONS, X_IONS):
        subsets[f"{b}{x}2, AX agrees"] = [r for r in agreed if (r["b"], r["x"]) == (b, x)]
    return [{"subset": name, **_statistics(some)} for name, some in subsets.items() if some]


def _statistics(rows: Rows) -> Row:
    off = np.array([float(r["deviation_eV"]) for r in rows])
    worst = int(np.abs(off).argmax())
    return {
        "n": len(rows),
        "mean_eV": float(off.mean()),
        "mean_abs_eV": float(np.abs(off).mean()),
        "rmse_eV": float(np.sqrt((off**2).mean())),
        "largest_eV": float(off[worst]),
        "at": rows[worst]["name"],
    }
