"""VASP runs of defects as rows of CELL_RUNS, wherever they lie and whatever they are called.

Readers are pymatgen's. What a folder holds is decided from its files alone: charge from NELECT and
the valences, the defect from the cell against that of the bulk, so that a moved, renamed or
gzipped folder gives the same row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.records import Origin
from defectra.defects.charge_states import with_unstable_charges
from defectra.defects.corrections import Correction
from defectra.defects.equations import check
from defectra.defects.levels import Cells, Host, corrected, edges, levels_or_bare, run_of
from defectra.defects.point_defects import Found, identify
from defectra.defects.tiling import lattice_in_bulk, strain_of
from defectra.engines.vasp.cells import read_tree
from defectra.engines.vasp.method import difference

Row = dict[str, Any]
UNSTRAINED = 1e-4  # band edges move by some 20 meV for each 0.1 %; less is rounding of files
Sets: TypeAlias = list[tuple[Cells, Found]]
CELLS_COLUMNS = [
    *("host", "site", "multiplicity", "impurity", "charge", "energy_above_bulk_eV", "efnv_eV"),
    *("freysoldt_eV", "corrected_above_bulk_eV", "plateau_V", "vbm_eV", "gap_eV", "functional"),
    *("status", "message", "calculation_id"),
]


def bulk_of(rows: list[Row], host: str) -> Row:
    """The run of the host without a defect.

    Raises
    ------
    EngineError
        ``no_bulk`` if there is none, or several that differ in more than their path.
    """
    from pymatgen.core import Composition

    wanted = Composition(host).reduced_formula
    found = [
        row
        for row in rows
        if row["charge"] == 0 and Composition(Counter(row["species"])).reduced_formula == wanted
    ]
    if len(found) != 1:
        raise EngineError("no_bulk", f"{len(found)} runs of pure, neutral {host}; one is needed")
    return found[0]


def levels_of_sets(
    sets: Sets, host: str, dielectric: NDArray[np.float64], coefficient: float
) -> tuple[list[Row], list[dict[str, str]]]:
    """Levels of sets of cells (columns of COMPUTED_LEVELS), and what was left out.

    Parameters
    ----------
    sets
        As of :func:`read_sets`.
    dielectric
        Tensor, shape (3, 3): electronic for unrelaxed cells, static for relaxed ones.
    """
    out: list[Row] = []
    left_out: list[dict[str, str]] = []
    for cells, found in sets:
        bulk = cells.bulk
        same: Row = {"host": host, "site": found.site, "impurity": found.impurity}
        same |= {"atoms": len(bulk["species"]), "published_eV": float("nan")}
        same["protocol"] = str(Origin.PARSED)
        same["fidelity"] = f"{bulk['functional']}, parsed from {bulk['engine_version']}"
        fixes = partial(corrected, cells, dielectric)
        try:
            made = levels_or_bare(cells, fixes, Host(dielectric), coefficient)
        except EngineError as error:
            left_out.append({"source": f"{found.impurity} {found.site}", "reason": str(error)})
            continue
        if len(cells.charged) == 1:
            charge = cells.charged[0]["charge"]
            reason = f"one charge alone ({charge:+d}): no level, see parsed_cells.csv"
            left_out.append({"source": f"{found.impurity} {found.site}", "reason": reason})
        out += [{**same, **_with_remarks(row, cells)} for row in with_unstable_charges(made)]
    return out, left_out


def _with_remarks(level: Row, cells: Cells) -> Row:
    """A level with what was remarked of its two cells and of the bulk."""
    own = [r["message"] for r in cells.charged if r["charge"] in (level["q_from"], level["q_to"])]
    parts = [level["message"], *own, _of_bulk(cells.bulk)]
    return level | {"message": "; ".join(dict.fromkeys(p for p in parts if p))}


def _of_bulk(bulk: Row) -> str:
    return f"bulk: {bulk['message']}" if bulk["message"] else ""


def read_sets(root: Path, host: str) -> tuple[Sets, list[dict[str, str]]]:
    """Cells of each defect below `root` with their bulk, and what was left out.

    Raises
    ------
    EngineError
        If there is no folder, or no bulk in it.
    """
    if not root.is_dir():
        raise EngineError("no_folder", f"{root}: no such folder (levels.live.parsed)")
    rows, left_out = read_tree(root)
    bulk = bulk_of(rows, host)
    sets: dict[tuple[str, str], list[tuple[Row, Found]]] = {}
    for row in rows:
        if row is bulk:
            continue
        try:
            _check_alike(row, bulk)
            found = identify(row, bulk, host)
        except EngineError as error:
            left_out.append({"source": row["calculation_id"][:12], "reason": str(error)})
            continue
        in_bulk = row | {"lattice": lattice_in_bulk(bulk, row)}  # but for rounding of files
        sets.setdefault((found.site, found.impurity), []).append((in_bulk, found))
    members = [(Cells(bulk, [r for r, _ in m], m[0][1].centre), m[0][1]) for m in sets.values()]
    return members, left_out


def _check_alike(row: Row, bulk: Row) -> None:
    """Refuse a cell that was run in another way than the bulk, or in another lattice."""
    parts = [difference(row[k], bulk[k]) for k in ("elements", "numerical")]
    own, other = ({"functional": r["functional"], "ENCUT": f"{r['cutoff_eV']:g} eV"}
                  for r in (row, bulk))  # fmt: skip
    unlike = "; ".join(p for p in (difference(own, other), *parts) if p)
    if unlike:
        raise EngineError("mixed_settings", f"{unlike}; run both alike")
    strain = strain_of(bulk, row)
    if strain > UNSTRAINED:
        raise EngineError(
            "mixed_cells",
            f"the cell is strained by {strain:.3%} against the bulk: energies and band edges of "
            "two volumes; relax the atoms in the lattice of the bulk",
        )


def cells_of_sets(sets: Sets, host: str, dielectric: NDArray[np.float64]) -> list[Row]:
    """Every cell of sets (see :func:`read_sets`) with its corrections, in CELLS_COLUMNS.

    Energies are those of the cell less that of the bulk, without chemical potentials. Where a
    correction cannot be made it is NaN and the message says why: never zero.
    """
    return [
        _cell_row(replace(cells, charged=[row]), found, host, dielectric)
        for cells, found in sets
        for row in cells.charged
    ]


def _cell_row(cells: Cells, found: Found, host: str, dielectric: NDArray[np.float64]) -> Row:
    (row,), bulk = cells.charged, cells.bulk
    notes = [row["message"], row["state_note"], _of_bulk(bulk)]
    nothing = Correction(float("nan"), float("nan"), float("nan"))
    fix, above = nothing, float("nan")
    try:
        check(run_of(bulk, bulk), [run_of(row, bulk)])
        above = row["energy_eV"] - bulk["energy_eV"]
        neutral = {0: Correction(0.0, 0.0, 0.0, 0.0)}
        fixes = corrected(cells, dielectric) if row["charge"] else neutral
        fix = fixes.get(row["charge"], nothing)
    except EngineError as error:
        notes.append(str(error))
    if row["charge"] and not bulk["potentials_V"]:
        notes.append("the bulk has no potentials: no correction possible")
    vbm, cbm = edges(bulk)
    return {
        "host": host,
        "site": found.site,
        "multiplicity": found.multiplicity,
        "impurity": found.impurity,
        "charge": row["charge"],
        "energy_above_bulk_eV": above,
        "efnv_eV": fix.total_ev,
        "freysoldt_eV": fix.freysoldt_ev,
        "corrected_above_bulk_eV": above + fix.total_ev,
        "plateau_V": fix.spread_ev,
        "vbm_eV": vbm,
        "gap_eV": max(cbm - vbm, 0.0),
        "functional": row["functional"],
        "status": row["status"],
        "message": "; ".join(n for n in notes if n),
        "calculation_id": row["calculation_id"],
    }
