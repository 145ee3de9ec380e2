"""Tables of the campaign by blocks, read from its part of the archive: whole blocks alone.

The design follows from config and seed (:mod:`defectra.studies.nmc.blocks.design`), so that every
calculation is asked for by its identity; nothing is computed here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.config import Config, canonical
from defectra.core.limits import without_limits
from defectra.core.records import GEOMETRIES, Column, Status, Table
from defectra.core.store import Archive, read_table
from defectra.spectra.average import average_sites, chosen_sites, curves_on_grid, on_their_grid
from defectra.spectra.grid import Grid
from defectra.structures.composition import METALS
from defectra.studies.nmc.blocks.campaign import block_settings, drawn
from defectra.studies.nmc.blocks.design import Block, blocks, tasks
from defectra.studies.nmc.blocks.statistics import RELAXATION, Planned, Run, runs_of
from defectra.studies.nmc.chunk import Chunk
from defectra.studies.nmc.geometries import GEOMETRY_MISSING
from defectra.studies.nmc.requests import Settings
from defectra.studies.nmc.settings import NmcBlocks
from defectra.studies.nmc.training import column_names, labels

Row = dict[str, Any]
Floats = NDArray[np.float64]
ENGINE = "feff"  # of the archived blocks, whatever the study computes with now
MISSING_COLUMNS = ["block", "composition", "lithium", "reason"]
NOT_COMPUTED = "not computed yet"
RAW, AREA = "raw: ", "area: "
_COUNTS = {
    "n_computed": "sites in the mean",
    "n_unconverged": "of these, not self-consistent",
    "n_failed": "sites asked for without a spectrum",
    "iterations": "self-consistency iterations, mean over sites",
    "cpu_s": "CPU time, mean over sites",
    "wall_s": "wall time, mean over sites",
}
_FIXED = (
    Column("block", "int", "", "place in the seeded order"),
    Column("arm", "string", "", "what was done to the block's structure"),
    Column("structure_id", "string", "", "structure of the arm"),
    Column("geometry_protocol", "string", "", "fidelity of the geometry"),
    Column("protocol", "string", "", "fidelity of the spectra"),
    Column("group", "string", "", "family: what no split may cut"),
    Column("composition", "string", "", "metal composition"),
    Column("block_lithium", "float", "per metal", "lithium of the block, before the step"),
    Column("lithium", "float", "per metal", "lithium atoms over metal atoms of the cell"),
    *(Column(f"n_{m}", "float", "per metal", f"{m} atoms over metal atoms") for m in METALS),
    Column("vacancy", "int", "", "1 with an oxygen vacancy"),
    Column("antisite", "int", "", "1 with a Li/Ni antisite pair"),
    Column("defect", "string", "", "defect kind"),
    Column("vacancy_metals", "string", "", "metals next to the vacancy of the block"),
    Column("vacancy_lithium", "int", "", "lithium next to the vacancy, of three sites"),
    Column("antisite_kind", "string", "", "near or far"),
    Column("antisite_distance", "float", "Å", "between the sites of the antisite, ideal lattice"),
    Column("volume", "float", "Å³", "cell volume"),
    Column("nickel_state", "float", "e", "mean assigned oxidation state of Ni, NaN if ambiguous"),
    Column("relaxation_fmax", "float", "eV/Å", "largest force left by the relaxation"),
    Column("relaxation_cpu_s", "float", "s", "CPU time of the relaxation"),
    Column("relaxation_wall_s", "float", "s", "wall time of the relaxation"),
)


def block_rows_table(edges: Sequence[str]) -> Table:
    """Schema of the table of arms for these edges, e.g. ``"O K"``."""
    curves = [Column(f"{RAW}{e}", "floats", "1/eV", "site mean, unit area") for e in edges]
    areas = [
        Column(f"{AREA}{e}", "float", "eV", "area on the grid, edge step 1, mean over sites")
        for e in edges
    ]
    counts = [Column(f"{c}: {e}", "float", "", doc) for e in edges for c, doc in _COUNTS.items()]
    last = (Column("calculation_ids", "strings", "", "calculations behind the row"),)
    return Table("block_rows", (*_FIXED, *curves, *areas, *counts, *last))


@dataclass
class BlockTables:
    """What the archive holds of the blocks.

    Attributes
    ----------
    rows
        Rows of :func:`block_rows_table`, one for each arm of each whole block.
    converged
        The same at the higher-fidelity protocol, for the blocks and edges that have it.
    calculations, geometries
        Rows of these tables, of whole blocks.
    missing
        Blocks that are not whole, with the reason.
    planned, runs
        Every block of the design, and what was run for those that are begun, for
        :func:`defectra.studies.nmc.blocks.statistics.campaign`.
    """

    rows: list[Row] = field(default_factory=list)
    converged: list[Row] = field(default_factory=list)
    calculations: list[Row] = field(default_factory=list)
    geometries: list[Row] = field(default_factory=list)
    missing: list[Row] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)


def block_design(config: Config) -> str:
    """JSON of what decides which calculations the blocks consist of."""
    study = config.nmc.model_copy(update={"engine": ENGINE})  # whatever computes the structures
    next(drawn(config.model_copy(update={"nmc": study})), None)  # refuses what does not fit
    return canonical(
        {
            "blocks": config.nmc.blocks.model_dump(mode="json"),
            "metals": config.nmc.structures.metals,
            "seed": config.seed,
            "settings": without_limits(
                json.loads(block_settings(config, ENGINE).model_dump_json())
            ),
        }
    )


def read_blocks(design: str, archive: Path, grids: Mapping[str, Grid]) -> BlockTables:
    """Whole blocks of an archive.

    Parameters
    ----------
    design
        :func:`block_design`.
    archive
        Folder with the tables of the blocks, ``nmc_blocks`` of the archive.
    grids
        Declared grid of each edge.
    """
    parts = json.loads(design)
    spec, settings = NmcBlocks(**parts["blocks"]), Settings.model_validate(parts["settings"])
    store, out = Archive(archive), BlockTables()
    relaxed = _relaxations(store)
    design_blocks = list(blocks(spec, parts["metals"], parts["seed"]))
    begun = [b for b in design_blocks if any(r["structure_id"] in relaxed for r in b.rows.values())]
    found = _project(begun, spec, settings, store, grids)
    seen: set[tuple[str, ...]] = set()
    for block in design_blocks:
        if block in begun:
            _add(out, block, spec, found)
            out.runs += runs_of(block, found.calculations, relaxed, seen)
        else:
            out.missing.append(_missing(block, NOT_COMPUTED))
    whole, converged = ({r["block"] for r in rows} for rows in (out.rows, out.converged))
    out.planned = [_planned(b, spec, whole, converged) for b in design_blocks]
    return out


def _relaxations(store: Archive) -> dict[str, list[Row]]:
    """Relaxations of the archive by structure."""
    columns = ["geometry_id", "structure_id", "protocol", "status", "cpu_s"]
    found: dict[str, list[Row]] = {}
    for row in store.read(GEOMETRIES, columns):
        found.setdefault(row["structure_id"], []).append(row)
    return found


def _planned(
    block: Block, spec: NmcBlocks, whole: Collection[int], converged: Collection[int]
) -> Planned:
    first = block.table[0]
    parts = dict.fromkeys((RELAXATION, spec.protocol), block.number in whole)
    if block.converged:
        parts[spec.converged] = block.number in converged
    return Planned(block.number, first["composition"], first["lithium"], parts)


def _project(
    begun: Sequence[Block],
    spec: NmcBlocks,
    settings: Settings,
    store: Archive,
    grids: Mapping[str, Grid],
) -> Projected:
    cells = {row["structure_id"]: row for block in begun for row in block.rows.values()}
    asked: dict[str, list[Row]] = {}
    for block in begun:
        own: dict[str, list[Row]] = {}
        for task in tasks(block, spec, ENGINE):
            own.setdefault(task["structure_id"], []).append(task)
        asked = own | asked
    in_order = [task for some in asked.values() for task in some]
    chunk = Chunk(list(cells.values()), in_order, settings, store.root / "none.journal", store)
    return Projected(chunk, *chunk.project(), grids)


def _add(out: BlockTables, block: Block, spec: NmcBlocks, found: Projected) -> None:
    reason = found.why_not_whole(block, spec.protocol, spec.edges)
    if reason:
        out.missing.append(_missing(block, reason))
        return
    out.rows += found.rows(block, spec.protocol, spec.edges)
    if block.converged and not found.why_not_whole(block, spec.converged, spec.edges):
        out.converged += found.rows(block, spec.converged, spec.edges)
    for name in dict.fromkeys(row["structure_id"] for row in block.rows.values()):
        out.geometries.append(found.cells[name])
        out.calculations += found.calculations[name]


def _missing(block: Block, reason: str) -> Row:
    first = block.table[0]
    about = {"composition": first["composition"], "lithium": first["lithium"]}
    return {"block": block.number, **about, "reason": reason}


class Projected:
    """What is known of the arms of some blocks."""

    def __init__(
        self,
        chunk: Chunk,
        geometries: list[Row],
        calculations: list[Row],
        spectra: list[Row],
        grids: Mapping[str, Grid],
    ) -> None:
        self.cells = {g["structure_id"]: g for g in geometries}
        self.calculations: dict[str, list[Row]] = {name: [] for name in self.cells}
        for row in calculations:
            self.calculations[row["structure_id"]].append(row)
        averages = average_sites(calculations, spectra, chunk.structures, chunk.tasks, grids)
        self.averages = {
            (a["structure_id"], a["protocol"], f"{a['element']} {a['edge']}"): a for a in averages
        }
        self.areas = dict(_areas(calculations, spectra, grids))

    def _own(self, name: str, protocol: str) -> list[Row]:
        return [c for c in self.calculations[name] if c["protocol"] == protocol]

    def why_not_whole(self, block: Block, protocol: str, edges: Sequence[str]) -> str:
        """What an arm of a block lacks; empty if nothing."""
        for entry in block.table:
            name, arm = entry["structure_id"], entry["arm"]
            if self.cells[name]["status"] == Status.FAILED:
                return f"arm {arm}: no relaxed cell ({self.cells[name]['message']})"
            own = self._own(name, protocol)
            waiting = sum(c["error_class"] in ("not_computed", GEOMETRY_MISSING) for c in own)
            if waiting:
                return f"{NOT_COMPUTED}: {waiting} of {len(own)} spectra of arm {arm}"
            without = [e for e in edges if not self._mu(name, protocol, e)]
            if without:
                return f"arm {arm}: every site failed of {', '.join(without)}"
        return ""

    def _mu(self, name: str, protocol: str, edge: str) -> list[float]:
        found = self.averages.get((name, protocol, edge))
        return list(found["mu"]) if found else []

    def rows(self, block: Block, protocol: str, edges: Sequence[str]) -> list[Row]:
        """A row of each arm."""
        return [self._row(block, entry, protocol, edges) for entry in block.table]

    def _row(self, block: Block, entry: Row, protocol: str, edges: Sequence[str]) -> Row:
        name = entry["structure_id"]
        structure, cell = block.rows[entry["arm"]], self.cells[name]
        own = self._own(name, protocol)
        row = {
            **{k: entry[k] for k in ("block", "arm", "structure_id", "geometry_protocol")},
            "protocol": protocol,
            "group": entry["family"],
            "composition": entry["composition"],
            "block_lithium": entry["lithium"],
            **labels(structure),
            **{k: entry[k] for k in ("vacancy_metals", "vacancy_lithium", "antisite_distance")},
            "antisite_kind": entry["antisite"],
            "volume": cell["volume"],
            "nickel_state": _nickel_state(cell),
            **{f"relaxation_{k}": cell[k] for k in ("fmax", "cpu_s", "wall_s")},
            "calculation_ids": [c["calculation_id"] for c in own],
        }
        for edge in edges:
            row |= self._edge(name, protocol, edge, own)
        return row

    def _edge(self, name: str, protocol: str, edge: str, own: list[Row]) -> Row:
        average = self.averages[name, protocol, edge]
        done = [
            c for c in own if c["element"] == average["element"] and c["status"] != Status.FAILED
        ]
        columns = ("iterations", "cpu_s", "wall_s")
        means = {c: float(np.mean([float(r[c]) for r in done])) for c in columns}
        counts = {c: float(average[c]) for c in ("n_computed", "n_unconverged", "n_failed")}
        return {
            f"{RAW}{edge}": average["mu"],
            f"{AREA}{edge}": self.areas[name, protocol, edge],
            **{f"{c}: {edge}": v for c, v in (counts | means).items()},
        }


def _areas(
    calculations: Sequence[Row], spectra: Sequence[Row], grids: Mapping[str, Grid]
) -> Iterator[tuple[tuple[str, str, str], float]]:
    """Area of each edge on its grid with the edge step at one, eV, mean over the sites."""
    curves = {row["calculation_id"]: row for row in spectra}
    sites = on_their_grid(chosen_sites(calculations, []), curves, grids)
    found: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for key, mu in curves_on_grid(sites, curves, grids).items():
        edge = f"{key[3]} {key[4]}"
        area = float(mu.sum() * grids[edge].step)
        found.setdefault((key[0], key[2], edge), []).append(
            (area, float(sites[key]["multiplicity"]))
        )
    for name, values in found.items():
        areas, weights = np.array(values).T
        yield name, float(np.average(areas, weights=weights))


def _nickel_state(cell: Row) -> float:
    states = [o for o, s in zip(cell["oxidation"], cell["species"]) if s == "Ni"]
    return float(np.mean(states)) if states else float("nan")


def edges_of_design(design: str) -> list[str]:
    """Edges that the blocks are computed at."""
    return list(json.loads(design)["blocks"]["edges"])


def edges_in(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Edges of rows of :func:`block_rows_table`."""
    return [name.removeprefix(RAW) for name in rows[0] if name.startswith(RAW)] if rows else []


def read_block_rows(path: str | Path) -> list[Row]:
    """Read a table of arms, in the order of blocks and arms; its edges are those of the file.

    Raises
    ------
    TableError
        If there is no such table, or it is damaged.
    """
    names = column_names(path)
    edges = [name.removeprefix(RAW) for name in names if name.startswith(RAW)]
    rows = read_table(path, block_rows_table(edges))
    return sorted(rows, key=lambda row: (row["block"], row["arm"]))
