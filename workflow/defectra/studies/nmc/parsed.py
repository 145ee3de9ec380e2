"""New structures of study `nmc` from finished runs made elsewhere: rows of the training table.

A run joins if its structure is a layered oxide of Li, Ni, Mn, Co and O, its settings are those of
the protocol of the study, and the config says how its cell was made (``nmc.parsed_geometry``).
Whatever does not is left out with the reason: fidelities do not mix in one table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.records import Defect
from defectra.engines.finished.settings_digest import settings_digest
from defectra.engines.spectrum import SpectrumEngine
from defectra.spectra.align import grid_of
from defectra.spectra.average import average_sites
from defectra.spectra.finished_runs import FinishedRuns, read_finished
from defectra.spectra.grid import Grid
from defectra.spectra.reach import second_spectra, why_short
from defectra.structures.composition import METALS, name
from defectra.structures.families import Cell, families
from defectra.studies.nmc.training import build

Row = dict[str, Any]
ELEMENTS = {"Li", "O", *METALS}
NEIGHBOURS, IN_LAYER = 6, 3.45  # metals about a metal in its layer, and their distance, Å
LENGTH = 0.06  # relative: ideal cells of the study against relaxed ones
OVERLAP = 0.1  # Å; no two atoms are so near
CELL_METALS = 10  # to which compositions are named


@dataclass(frozen=True)
class Fidelity:
    """What a run must be of, and the grids of the study.

    Attributes
    ----------
    engine, protocol, settings
        Engine of the study, name and settings of its protocol.
    geometry, declared
        Geometry protocol of the study, and what the config says of the parsed cells.
    """

    engine: SpectrumEngine
    protocol: str
    settings: Any
    geometry: str
    declared: str
    grids: Mapping[str, Grid]


def parsed_training(
    folders: Sequence[str | Path],
    structures: Sequence[Row],
    known: set[str],
    wanted: Fidelity,
    config_hash: str,
) -> tuple[list[Row], list[Row]]:
    """Rows of the training table from finished runs, and what was left out and why.

    Parameters
    ----------
    structures
        Structures rows of the study: a parsed copy of one of their arrangements joins its group.
    known
        Calculations that the study has by itself; they are not counted twice.

    Returns
    -------
    list of dict
        Rows of :func:`defectra.studies.nmc.training.training_table`.
    list of dict
        ``structure_id`` (or the file) and ``reason``.
    """
    runs = read_finished(folders)
    left_out = [{"structure_id": r["source"], "reason": r["reason"]} for r in runs.left_out]
    usable, rest = [], Counter[tuple[str, str]]()
    for row in runs.calculations:
        if row["calculation_id"] in known:
            continue
        reason = _why_not(row, runs, wanted)
        if reason:
            rest[row["structure_id"], reason] += 1
        else:
            usable.append(row | {"protocol": wanted.protocol, "geometry_protocol": wanted.geometry})
    left_out += [
        {"structure_id": structure, "reason": f"{n} spectra: {reason}"}
        for (structure, reason), n in sorted(rest.items())
    ]
    names = dict.fromkeys(row["structure_id"] for row in usable)
    cells, without = _labelled([runs.structures[n] for n in names], structures)
    there = {cell["structure_id"] for cell in cells}
    own = [row for row in usable if row["structure_id"] in there]
    curves = [runs.spectra[row["calculation_id"]] for row in own]
    others = second_spectra(own, runs.spectra)
    left_out += [{"structure_id": r["structure_id"], "reason": reason} for r, reason in others]
    averages = average_sites(own, curves, cells, [], wanted.grids)
    rows, lacking = build(cells, averages, list(wanted.grids), config_hash)
    return [row | {"origin": "parsed"} for row in rows], [*left_out, *without, *lacking]


def _why_not(row: Row, runs: FinishedRuns, wanted: Fidelity) -> str:
    """Why a calculation cannot join; empty if it can."""
    cell, edge = runs.structures[row["structure_id"]], f"{row['element']} {row['edge']}"
    species = set(cell["species"])
    if species - ELEMENTS or not species & set(METALS) or "O" not in species:
        return f"{cell['formula']} is no oxide of Li, Ni, Mn and Co"
    if edge not in wanted.grids:
        return f"the study has no edge {edge}"
    if row["engine"] != wanted.engine.ENGINE or not _same_settings(row, runs, wanted):
        return (
            f"{row['engine']} {row['protocol']} is not {wanted.engine.ENGINE} {wanted.protocol} of "
            "the study, and fidelities do not mix: `defectra table FOLDER` makes a table of its own"
        )
    if wanted.declared != wanted.geometry:
        return (
            f"its cell is {wanted.declared!r}, the study's are {wanted.geometry!r}: if it was made "
            f"in the same way, set nmc.parsed_geometry: {wanted.geometry}"
        )
    grid = grid_of(wanted.grids, row["element"], row["edge"])
    return why_short(runs.spectra[row["calculation_id"]], grid, edge)


def _same_settings(row: Row, runs: FinishedRuns, wanted: Fidelity) -> bool:
    """Whether a run has the settings of the study's protocol.

    The name of a protocol says nothing: it may have meant something else. So the input of the
    study for the same cell and site is made, and is that of the run, or has the same settings.
    """
    geometry = runs.geometries[row["geometry_id"]]
    for index, label in enumerate(geometry["site_labels"]):
        if label != row["site"]:
            continue
        site = wanted.engine.site(geometry, index)
        try:
            request = site.request(row["edge"], (wanted.protocol, wanted.settings))
            inputs = site.runner.inputs(row["edge"], wanted.settings)
        except EngineError:
            return False
        digest = settings_digest(inputs)
        if request.calculation_id == row["calculation_id"]:
            return True
        if digest and row["protocol"] == f"parsed-{digest}":
            return True
    return False


def _labelled(found: Sequence[Row], structures: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Structures rows with defect, composition and group; those of which it cannot be decided."""
    parents = [row for row in structures if row["structure_id"] == row["family"]]
    others = [row for row in structures if row["structure_id"] != row["family"]]
    defects = [_defect(row) for row in found]
    linked = families(
        [
            *(_cell(row, "" if why else bonding(row)) for row, (why, _) in zip(found, defects)),
            *(_cell(row, bonding(row)) for row in parents),
            *(_cell(row, "") for row in others),
        ],
        LENGTH,
        others=0,  # swapped pairs are recognised by the neighbours of the metals
    )
    of_family: dict[str, set[str]] = {}
    for row in structures:
        of_family.setdefault(linked.family[row["structure_id"]], set()).add(row["family"])
    cells, left_out = [], []
    for row, (why, defect) in zip(found, defects):
        family = linked.family[row["structure_id"]]
        groups = of_family.get(family, set())
        reason = why or _no_group(groups, bonding(row))
        if reason:
            left_out.append({"structure_id": row["structure_id"], "reason": reason})
            continue
        labels_of_cell = {"defect": str(defect), "family": next(iter(groups), f"parsed {family}")}
        cells.append(row | labels_of_cell | {"composition": composition(row), "study": "nmc"})
    return cells, left_out


def _no_group(groups: set[str], bonds: str) -> str:
    """Why a structure cannot be put into a group without a leak; empty if it can."""
    if len(groups) > 1:
        return f"may be a copy of each of {len(groups)} structures of the study"
    if not groups and not bonds:
        return "its layers of metals are not whole: so which ordering it is cannot be decided"
    return ""


def _cell(row: Row, family: str) -> Cell:
    return Cell.of(row["structure_id"], row["lattice"], row["species"], row["coords"], family)


def composition(row: Row) -> str:
    """Metals of a structure by the name of the study, for a cell of ten where that is whole."""
    counts = [list(row["species"]).count(m) for m in METALS]
    total = sum(counts)
    if all(n * CELL_METALS % total == 0 for n in counts):
        counts = [n * CELL_METALS // total for n in counts]
    return name((counts[0], counts[1], counts[2]))


def cations(row: Row) -> tuple[list[str], NDArray[np.int64]]:
    """Lithium and metals of a structure, and how often each pair is as near as in one layer.

    Returns
    -------
    list of str
        Elements, (n,).
    ndarray
        Images of the second about the first, shape (n, n).
    """
    from pymatgen.core import Lattice, Structure

    places = [k for k, e in enumerate(row["species"]) if e != "O"]
    kinds = [row["species"][k] for k in places]
    coords = np.reshape(row["coords"], (-1, 3))[places]
    cell = Structure(Lattice(np.reshape(row["lattice"], (3, 3))), kinds, coords)
    centre, other, _, distance = cell.get_neighbor_list(IN_LAYER)
    near = distance > OVERLAP  # an atom may be in the list of its own neighbours
    table = np.zeros((len(kinds), len(kinds)), np.int64)
    np.add.at(table, (centre[near], other[near]), 1)
    return kinds, table


def bonding(row: Row) -> str:
    """Which metals are neighbours in the layers, by metal: the same in every setting of a cell.

    Copies of an ordering agree in it, other orderings need not differ. A Li/metal antisite pair is
    swapped back before; empty if that can be done in ways that differ, or the layers are not whole.
    """
    kinds, table = cations(row)
    found = {_bonding(k, table) for k in (kinds, *_swapped(kinds)) if _is_whole(k, table)}
    return found.pop() if len(found) == 1 else ""


def _swapped(kinds: list[str]) -> Iterator[list[str]]:
    """The same cations with one metal and one lithium exchanged, in every way."""
    lithium = [k for k, e in enumerate(kinds) if e == "Li"]
    metals = [k for k, e in enumerate(kinds) if e != "Li"]
    for i, j in product(metals, lithium):
        out = kinds.copy()
        out[i], out[j] = out[j], out[i]
        yield out


def _is_whole(kinds: Sequence[str], table: NDArray[np.int64]) -> bool:
    """Whether each metal has its six metals about it, as in a layer of them."""
    metal = np.array([e != "Li" for e in kinds])
    return bool((table[np.ix_(metal, metal)].sum(axis=1) == NEIGHBOURS).all())


def _bonding(kinds: Sequence[str], table: NDArray[np.int64]) -> str:
    counts = np.array([[table[k, [e == m for e in kinds]].sum() for m in METALS]
                       for k in range(len(kinds))])  # fmt: skip
    found = Counter((kinds[k], *map(int, counts[k])) for k in range(len(kinds)) if kinds[k] != "Li")
    total = found.total()
    return " ".join(
        f"{e}({a},{b},{c}):{n / total:.4f}" for (e, a, b, c), n in sorted(found.items())
    )


def _defect(row: Row) -> tuple[str, Defect]:
    """Defect of a layered oxide by its oxygen and the neighbours of its metals, or why not."""
    species = list(row["species"])
    metals = sum(species.count(m) for m in METALS)
    oxygen = species.count("O") - 2 * metals
    moved = not _is_whole(*cations(row))
    if species.count("Li") > metals:
        return "more lithium than metal: no layered oxide of the study", Defect.PRISTINE
    if oxygen not in (0, -1):
        return f"{oxygen:+d} oxygen against two for each metal", Defect.PRISTINE
    if oxygen and moved:
        return "an oxygen vacancy and moved metals: no defect of the study", Defect.PRISTINE
    if moved:
        return "", Defect.ANTISITE_PAIR
    return "", Defect.OXYGEN_VACANCY if oxygen else Defect.PRISTINE
