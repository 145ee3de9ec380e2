"""New Cu K spectra from finished runs made elsewhere: rows of the table that features learn from.

A run joins if it is of FEFF with the settings of the published runs, of a Cu K edge, its structure
is none of the published materials, and the config says that its cell was made as theirs
(``xanes.parsed_geometry``). Whatever does not is left out with the reason: fidelities do not mix
in one table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from defectra.core.records import Origin
from defectra.spectra.finished_runs import FinishedRuns, read_finished
from defectra.studies.xanes.copper import ELEMENT, GRID, WIDE, around

if TYPE_CHECKING:
    from pymatgen.core import Structure

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

# Every published feff.inp has these settings (`defectra table` shows those of any run): COREHOLE
# RPA, SCF 7.0, FMS 9.0, EXCHANGE 0 0 0 2, XANES 4 0.04 0.1.
ENGINE, PROTOCOL = "feff", "parsed-300c3bdb"
GEOMETRY = "Materials Project"  # cells of the published runs


def parsed_copper(
    folders: Sequence[str | Path], published: Mapping[str, str], declared: str
) -> tuple[list[Row], Counter[str]]:
    """Rows of :data:`defectra.studies.xanes.copper.COPPER`, and what was left out and why.

    Parameters
    ----------
    published
        POSCAR by published material.
    declared
        What the config says of how the parsed cells were made.
    """
    runs = read_finished(folders)
    left_out = Counter(str(row["reason"]) for row in runs.left_out)
    usable = []
    for row in runs.calculations:
        reason = _why_not(row, runs, declared)
        if reason:
            left_out[reason] += 1
        else:
            usable.append(row)
    groups = _groups([runs.structures[r["structure_id"]] for r in usable], published)
    rows = []
    for row in sorted(usable, key=lambda r: str(r["calculation_id"])):
        group, reason = groups[row["structure_id"]]
        found = reason or _row(row, runs, group)
        if isinstance(found, str):
            left_out[found] += 1
        else:
            rows.append(found)
    return rows, left_out


def _why_not(row: Row, runs: FinishedRuns, declared: str) -> str:
    """Why a calculation cannot join; empty if it can."""
    edge = f"{row['element']} {row['edge']}"
    if edge != f"{ELEMENT} K":
        return f"{edge}: the table is of {ELEMENT} K"
    if (row["engine"], row["protocol"]) != (ENGINE, PROTOCOL):
        return (
            f"{row['engine']} {row['protocol']} is not {ENGINE} {PROTOCOL} of the published runs, "
            "and fidelities do not mix: `defectra table FOLDER` makes a table of its own"
        )
    if declared != GEOMETRY:
        return (
            f"its cell is {declared!r}, the published are {GEOMETRY!r}: if it was made in the same "
            f"way, set xanes.parsed_geometry: {GEOMETRY}"
        )
    energy = runs.spectra[row["calculation_id"]]["energy_eV"]
    if energy[-1] < GRID[-1] - 1 or energy[0] > GRID[len(GRID) // 4]:
        return (
            f"{energy[0]:.1f} to {energy[-1]:.1f} eV does not cover {GRID[0]:.1f} to {GRID[-1]:.1f}"
        )
    return ""


def _row(row: Row, runs: FinishedRuns, group: str) -> Row | str:
    cell = runs.geometries[row["geometry_id"]]
    found = around(_cell(cell), list(cell["site_labels"]).index(row["site"]))
    if isinstance(found, str):
        return found
    curve = runs.spectra[row["calculation_id"]]
    return {
        "site": f"{group}_{row['calculation_id'][:8]}",
        "material": group,
        "coordination": found.coordination,
        "bond_length": found.bond_length,
        "valence": found.valence,
        "oxidation": found.oxidation,
        "mu": np.interp(WIDE, curve["energy_eV"], curve["mu"]).tolist(),
        "origin": str(Origin.PARSED),
    }


def _cell(row: Mapping[str, Any]) -> Structure:
    from pymatgen.core import Lattice, Structure

    lattice = Lattice(np.reshape(row["lattice"], (3, 3)))
    return Structure(lattice, row["species"], np.reshape(row["coords"], (-1, 3)))


def _groups(cells: Rows, published: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Group of each structure, or why it has none; copies of one crystal are one group."""
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core import Structure

    matcher = StructureMatcher()
    own = {str(c["structure_id"]): _cell(c) for c in cells}
    wanted = {s.composition.reduced_formula for s in own.values()}
    known: dict[str, list[tuple[str, Structure]]] = {}
    for name, text in published.items():
        formula = formula_of(text)
        if formula in wanted:
            known.setdefault(formula, []).append((name, Structure.from_str(text, "poscar")))
    first: dict[str, list[str]] = {}
    out: dict[str, tuple[str, str]] = {}
    for name in sorted(own):
        formula = own[name].composition.reduced_formula
        same = [m for m, s in known.get(formula, []) if matcher.fit(own[name], s)]
        if same:
            out[name] = "", f"its structure is {same[0]} of the published data"
            continue
        copies = (k for k in first.setdefault(formula, []) if matcher.fit(own[name], own[k]))
        leader = next(copies, "")
        if not leader:
            first[formula].append(name)
        out[name] = f"parsed {leader or name}", ""
    return out


def formula_of(poscar: str) -> str:
    """Reduced formula of a POSCAR, from its lines of names and counts alone."""
    from pymatgen.core import Composition

    lines = poscar.splitlines()
    amounts: Counter[str] = Counter()
    for element, count in zip(lines[5].split(), lines[6].split()):
        amounts[element] += int(count)
    return str(Composition(amounts).reduced_formula)
