"""Defects in finished VASP runs: what a cell holds, told against that of the bulk, and its levels.

The runs are read by :mod:`defectra.engines.vasp.cells`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.records import Origin
from defectra.defects.levels import Cells, Host, corrected, levels_or_bare, structure
from defectra.engines.vasp.cells import read_tree
from defectra.structures.elements import sublattices

if TYPE_CHECKING:
    from pymatgen.core import Structure

Row = dict[str, Any]
MATCH_A = 0.9  # an atom that moved farther from every bulk site is an interstitial
SAME_SHELL_A = 0.15


@dataclass(frozen=True)
class Found:
    """One defect in a host: removed and placed species, site name, fractional centre."""

    site: str
    impurity: str
    centre: tuple[float, ...]


def bulk_of(rows: list[Row], host: str) -> Row:
    """The run of the host without a defect.

    Raises
    ------
    EngineError
        ``no_bulk`` if there is none, or several that differ in more than place.
    """
    first, second = sublattices(host)
    found = []
    for row in rows:
        counts: Counter[str] = Counter(row["species"])
        whole = set(counts) == {first, second} and len(set(counts.values())) == 1
        if whole and row["charge"] == 0:
            found.append(row)
    if len(found) != 1:
        raise EngineError("no_bulk", f"{len(found)} runs of pure, neutral {host}; one is needed")
    return found[0]


def identify(row: Mapping[str, Any], bulk: Mapping[str, Any], host: str) -> Found:
    """Which impurity sits on which site.

    Raises
    ------
    EngineError
        ``unknown_defect`` if it is no single substitution, vacancy or interstitial.
    """
    own, pure = structure(row), structure(bulk)
    if not np.allclose(own.lattice.matrix, pure.lattice.matrix, atol=1e-2):
        raise EngineError("mixed_cells", "the lattices of defect and bulk differ")
    gaps = own.lattice.get_all_distances(own.frac_coords, pure.frac_coords)
    nearest = gaps.argmin(axis=1)
    extra = [i for i in range(len(own)) if gaps[i].min() > MATCH_A]
    swapped = [
        i
        for i in range(len(own))
        if i not in extra and own[i].specie != pure[int(nearest[i])].specie
    ]
    empty = [j for j in range(len(pure)) if gaps[:, j].min() > MATCH_A]
    first = sublattices(host)[0]
    if len(extra) == 1 and not swapped and not empty:
        where = own[extra[0]].frac_coords
        return Found(_hollow(where, pure, host), own[extra[0]].specie.symbol, tuple(where))
    changed = [int(nearest[swapped[0]])] if swapped else empty
    if len(swapped) + len(empty) != 1 or extra:
        raise EngineError(
            "unknown_defect",
            f"{len(swapped)} atoms exchanged, {len(extra)} added, {len(empty)} missing: one change "
            "alone is a point defect",
        )
    gone = pure[changed[0]]
    name = own[swapped[0]].specie.symbol if swapped else "vacancy"
    return Found(
        "M_A" if gone.specie.symbol == first else "M_B", name, tuple(map(float, gone.frac_coords))
    )


def _hollow(where: Any, pure: Structure, host: str) -> str:
    distance = pure.lattice.get_all_distances([where], pure.frac_coords)[0]
    shell = {
        pure[int(j)].specie.symbol for j in np.flatnonzero(distance < distance.min() + SAME_SHELL_A)
    }
    if len(shell) > 1:
        return "M_i_neut"
    return "M_i_A" if shell == {sublattices(host)[0]} else "M_i_B"


def levels_of_folder(
    root: Path, host: str, dielectric: NDArray[np.float64], coefficient: float
) -> tuple[list[Row], list[dict[str, str]]]:
    """Levels of every defect below `root`, in the columns of LIVE_LEVELS, and what was left out.

    Parameters
    ----------
    dielectric
        Tensor, shape (3, 3): electronic for unrelaxed cells, static for relaxed ones.

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
            found = identify(row, bulk, host)
        except EngineError as error:
            left_out.append({"source": row["calculation_id"][:12], "reason": str(error)})
            continue
        sets.setdefault((found.site, found.impurity), []).append((row, found))
    out: list[Row] = []
    for (site, impurity), members in sets.items():
        cells = Cells(bulk, [row for row, _ in members], members[0][1].centre)
        same: Row = {"host": host, "site": site, "impurity": impurity}
        same |= {"atoms": len(bulk["species"]), "published_eV": float("nan")}
        same["protocol"] = str(Origin.PARSED)
        same["fidelity"] = f"{bulk['functional']}, parsed from {bulk['engine_version']}"
        fixes = partial(corrected, cells, dielectric)
        try:
            made = levels_or_bare(cells, fixes, Host(dielectric), coefficient)
        except EngineError as error:
            left_out.append({"source": f"{impurity} {site}", "reason": str(error)})
            continue
        out += [{**same, **row} for row in made]
    return out, left_out
