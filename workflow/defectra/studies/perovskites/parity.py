"""Our lattice constants and gaps of pure compounds held against the published columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from defectra.core.records import Status
from defectra.studies.perovskites import runs
from defectra.studies.perovskites.compounds import Compound
from defectra.studies.perovskites.descriptors import tolerance_factor
from defectra.studies.perovskites.elements import radii
from defectra.studies.perovskites.tables import compound_of

Row = dict[str, Any]
NAN = float("nan")

# What of ours stands beside which published label: quantity, kind of calculation, column, unit.
QUANTITIES = (
    ("lattice_PBE", "equation_of_state", "lattice", "Å"),
    ("gap_PBE", "bands", "gap_PBE", "eV"),
    ("gap_HSE", "bands", "gap_HSE", "eV"),
)
# Further than this from the published value needs a reason.
FAR = {"lattice_PBE": 0.05, "gap_PBE": 0.15, "gap_HSE": 0.25}
TILTED = 0.80  # tolerance factor
PARITY_COLUMNS = [
    "name",
    "a",
    "b",
    "x",
    "quantity",
    "unit",
    "ours",
    "published",
    "deviation",
    "ours_spin_orbit",
    "ours_coarse",
    "tolerance",
    "lattice_deviation",
    "published_expansion",
    "far",
    "remark",
]
SUMMARY_COLUMNS = [
    "quantity",
    "b",
    "unit",
    "n",
    "mean",
    "mean_abs",
    "rmse",
    "largest",
    "at",
    "mean_abs_spin_orbit",
    "mean_abs_coarse",
]


def compare(
    found: Sequence[Mapping[str, Any]], published: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """Rows of ``parity.csv``.

    Parameters
    ----------
    found
        Rows of our calculations; only those that are ``ok`` are compared.
    published
        Rows of ``compounds.parquet``.
    """
    ours = {(r["name"], r["kind"]): r for r in found if r["status"] == Status.OK}
    labels = {r["name"]: r for r in published if r["kind"] == "pure"}
    radius = radii()
    out = []
    for name, label in sorted(labels.items()):
        compound = compound_of(label)
        for quantity, kind, column, unit in QUANTITIES:
            row = ours.get((name, kind))
            if row is None or not math.isfinite(label[quantity]):
                continue
            out.append(_row(compound, radius, quantity, unit, row[column], label, row, ours))
    return out


def _row(
    compound: Compound,
    radius: Mapping[str, float],
    quantity: str,
    unit: str,
    value: float,
    label: Mapping[str, Any],
    row: Mapping[str, Any],
    ours: Mapping[tuple[str, str], Mapping[str, Any]],
) -> Row:
    a, b, x = runs.ions(compound)
    scan = ours[compound.name, "equation_of_state"]
    factor = tolerance_factor(*(np.array([radius[i]]) for i in (a, b, x)))[0]
    out: Row = {
        "name": compound.name,
        "a": a,
        "b": b,
        "x": x,
        "quantity": quantity,
        "unit": unit,
        "ours": value,
        "published": label[quantity],
        "deviation": value - label[quantity],
        "ours_spin_orbit": row.get(f"{quantity}_SOC", NAN) if quantity != "lattice_PBE" else NAN,
        "ours_coarse": row.get("gap_HSE_coarse", NAN) if quantity == "gap_HSE" else NAN,
        "tolerance": float(factor),
        "lattice_deviation": scan["lattice"] - label["lattice_PBE"],
        "published_expansion": label["lattice_HSE"] - label["lattice_PBE"],
    }
    out["far"] = abs(out["deviation"]) > FAR[quantity]
    out["remark"] = _remark(out) if out["far"] else ""
    return out


def _remark(row: Mapping[str, Any]) -> str:
    """What the numbers themselves say of a far one; that they say nothing where they do not."""
    off, gap = abs(row["deviation"]), row["quantity"] != "lattice_PBE"
    hybrid = row["quantity"] == "gap_HSE"
    reasons = {
        "spin-orbit coupling would halve it": abs(row["ours_spin_orbit"] - row["published"])
        < off / 2,
        "exchange over 2 x 2 x 2 points would take a third or more of it": abs(
            row["ours_coarse"] - row["published"]
        )
        < off * 2 / 3,
        f"published at a lattice constant {row['published_expansion']:.2f} Å longer, of HSE": hybrid
        and row["published_expansion"] > FAR["lattice_PBE"],
        "at another lattice constant, see its row": gap
        and abs(row["lattice_deviation"]) > FAR["lattice_PBE"],
        "Ge may move off its centre there; ours is the ideal cube": row["b"] == "Ge"
        and row["deviation"] < 0,
        "octahedra may tilt there (small A); ours is the ideal cube": gap
        and row["deviation"] < 0
        and row["tolerance"] < TILTED,
    }
    holding = [text for text, holds in reasons.items() if holds]
    return "; ".join(holding) or "no reason found in these numbers"


def summary(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Mean and largest deviation of each quantity: all compounds, then by B cation."""
    out = []
    for quantity, _, _, unit in QUANTITIES:
        own = [r for r in rows if r["quantity"] == quantity]
        for b in ("all", *dict.fromkeys(r["b"] for r in own)):
            some = [r for r in own if b in ("all", r["b"])]
            if some:
                out.append({"quantity": quantity, "b": b, "unit": unit, **_statistics(some)})
    return out


def _statistics(rows: Sequence[Mapping[str, Any]]) -> Row:
    off = np.array([r["deviation"] for r in rows])
    coupled = np.array([r["ours_spin_orbit"] - r["published"] for r in rows])
    coarse = np.array([r["ours_coarse"] - r["published"] for r in rows])
    worst = int(np.abs(off).argmax())
    return {
        "n": len(rows),
        "mean": float(off.mean()),
        "mean_abs": float(np.abs(off).mean()),
        "rmse": float(np.sqrt((off**2).mean())),
        "largest": float(off[worst]),
        "at": rows[worst]["name"],
        "mean_abs_spin_orbit": float(np.abs(coupled).mean()),
        "mean_abs_coarse": float(np.abs(coarse).mean()),
    }
