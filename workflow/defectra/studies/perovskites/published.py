"""The authors' own predictions of compounds they named, beside ours.

``Expt_points.csv`` of perovs_ml holds 67 names with descriptors (no measured value), and two text
files what the authors' networks say of them, row by row. Names off the 1/8 grid have no prediction
of ours and are left out; a compound named twice counts once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.claims import NOTHING, Estimate
from defectra.core.errors import DataError
from defectra.studies.perovskites.compounds import parse_formula

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
COLUMNS = ["name", "label", "authors", "ours", "published_value", "unit"]
# Columns of the two files, in order; ours has a prediction of those that the screen knows.
OPTICAL = ("gap_PBE", "gap_HSE", "refractive_index", "log_fom")
STRUCTURAL = ("lattice_PBE", "decomposition_PBE", "lattice_HSE", "decomposition_HSE")
_NORMAL_90 = 1.6448536269514722


def read_named(names: str | Path, optical: str | Path, structural: str | Path) -> list[Row]:
    """Predictions of the authors by canonical formula: ``name`` and one column for each label.

    Raises
    ------
    DataError
        If the files do not have one row for each name, four numbers each.
    """
    formulas = [line.split(",")[0].strip() for line in Path(names).read_text().split("\n") if line]
    tables: dict[str, NDArray[np.float64]] = {}
    for path, labels in ((optical, OPTICAL), (structural, STRUCTURAL)):
        table = np.loadtxt(path, ndmin=2)
        if table.shape != (len(formulas), len(labels)) or not np.isfinite(table).all():
            raise DataError(
                f"{path}: {table.shape[0]} rows of {table.shape[1]} where {len(formulas)} names "
                f"of {names} need {len(labels)} numbers each"
            )
        tables |= dict(zip(labels, table.T))
    found: dict[str, Row] = {}
    for k, formula in enumerate(formulas):
        try:
            name = parse_formula(formula).name
        except DataError:
            continue  # off the grid of eighths
        found[name] = {"name": name} | {label: float(v[k]) for label, v in tables.items()}
    return list(found.values())


def beside(named: Rows, screened: Rows, known: Rows, units: Mapping[str, str]) -> list[Row]:
    """Rows of ``published_predictions.csv``: each label that both sides predict.

    Parameters
    ----------
    named
        From :func:`read_named`.
    screened, known
        Rows of the screened table, and of the compounds table (the value that was published).
    units
        Unit of each label.
    """
    ours = {row["name"]: row for row in screened}
    labels = {row["name"]: row for row in known}
    return [
        {
            "name": row["name"],
            "label": label,
            "authors": row[label],
            "ours": float(ours[row["name"]][label]),
            "published_value": float(labels.get(row["name"], {}).get(label, math.nan)),
            "unit": units[label],
        }
        for row in named
        if row["name"] in ours
        for label in (*OPTICAL, *STRUCTURAL)
        if label in ours[row["name"]]
    ]


def correlation(rows: Rows, label: str, *, unseen: bool = False) -> Estimate:
    """Correlation of the authors' predictions with ours, interval by Fisher's z.

    `unseen`: only of compounds without a published value, of which neither side had one.
    """
    own = [r for r in rows if r["label"] == label]
    own = [r for r in own if not (unseen and math.isfinite(float(r["published_value"])))]
    if len(own) < 4:
        return NOTHING
    r = float(
        np.corrcoef([float(x["authors"]) for x in own], [float(x["ours"]) for x in own])[0, 1]
    )
    if not abs(r) < 1:
        return NOTHING
    half = _NORMAL_90 / math.sqrt(len(own) - 3)
    lo, hi = math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)
    return Estimate(r, lo, hi, len(own))
