"""Spectra of single sites of the blocks, and where these sites lie from the defect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA, Status
from defectra.core.store import Archive
from defectra.spectra.align import Curve
from defectra.structures.periodic import distances
from defectra.studies.nmc.blocks.design import Block, tasks
from defectra.studies.nmc.settings import NmcBlocks

Row = dict[str, Any]
Floats = NDArray[np.float64]
Site = tuple[str, str, str]  # structure, edge ("O K"), site
PRISTINE = "pristine"
_USABLE = (Status.OK, Status.UNCONVERGED)


def read_sites(archive: Path, protocol: str, edges: Sequence[str]) -> dict[Site, Curve]:
    """Usable spectra of an archive: energies (eV) and absorption by structure, edge and site.

    Parameters
    ----------
    archive
        Folder with tables `calculations` and `spectra`.
    protocol
        Fidelity that is read; others are left out.
    edges
        As ``"O K"``.
    """

    def wanted(row: Row) -> bool:
        edge = f"{row['element']} {row['edge']}"
        return row["protocol"] == protocol and edge in edges and row["status"] in _USABLE

    store = Archive(archive)
    found = {r["calculation_id"]: r for r in store.read(CALCULATIONS, keep=wanted)}
    curves = store.read(SPECTRA, keep=lambda r: r["calculation_id"] in found)
    out: dict[Site, Curve] = {}
    for curve in curves:
        about = found[curve["calculation_id"]]
        site = about["structure_id"], f"{about['element']} {about['edge']}", about["site"]
        out[site] = np.asarray(curve["energy_eV"], float), np.asarray(curve["mu"], float)
    return out


def read_cells(archive: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Relaxed geometries rows of arms, by structure.

    Parameters
    ----------
    archive
        Folder with table `geometries`.
    rows
        Arms with `structure_id` and `geometry_protocol`.
    """
    wanted = {(r["structure_id"], r["geometry_protocol"]) for r in rows}
    found = Archive(archive).read(
        GEOMETRIES, keep=lambda r: (r["structure_id"], r["protocol"]) in wanted
    )
    return {r["structure_id"]: r for r in found}


@dataclass(frozen=True)
class Pair:
    """A site of a defect arm and the same site of the pristine arm.

    Attributes
    ----------
    edge
        As ``"O K"``.
    defect, pristine
        Keys of both spectra.
    distance
        To the nearest site that the defect touches, Å, in the relaxed pristine cell.
    """

    block: int
    arm: str
    edge: str
    defect: Site
    pristine: Site
    distance: float


def same_sites(block: Block, arm: str, spec: NmcBlocks) -> Iterator[tuple[str, int, Site, Site]]:
    """Computed sites that an arm shares with the pristine one, without those that the defect took.

    One site may have another name in another arm: names follow the setting that the cell is
    identified in, which the defect may change.

    Yields
    ------
    Edge, number of the site in the family, the site in the arm, and in the pristine one.
    """
    plain, own = block.rows[PRISTINE], block.rows[arm]
    touched = touched_sites(plain, own)
    asked: dict[tuple[str, str, int], dict[str, str]] = {}
    for task in tasks(block, spec):
        for name, row in ((PRISTINE, plain), (arm, own)):
            if task["structure_id"] == row["structure_id"] and task["protocol"] == spec.protocol:
                family = row["family_sites"][task["site_index"]]
                asked.setdefault((task["element"], task["edge"], family), {})[name] = task["site"]
    for (element, edge, family), sites in asked.items():
        if len(sites) == 2 and family not in touched:
            name = f"{element} {edge}"
            yield (
                name,
                family,
                (own["structure_id"], name, sites[arm]),
                (plain["structure_id"], name, sites[PRISTINE]),
            )


def pairs_of(
    block: Block, arm: str, spec: NmcBlocks, cells: Mapping[str, Mapping[str, Any]]
) -> Iterator[Pair]:
    """Sites that a defect arm shares with the pristine one; what the defect replaced is left out.

    Parameters
    ----------
    block
        With both arms.
    cells
        Relaxed geometries rows by structure; the pristine one is used.
    """
    plain, own = block.rows[PRISTINE], block.rows[arm]
    touched = touched_sites(plain, own)
    cell = cells[plain["structure_id"]]
    for edge, family, defect, pristine in same_sites(block, arm, spec):
        away = _distance(cell, plain["family_sites"], family, touched)
        yield Pair(block.number, arm, edge, defect, pristine, away)


def touched_sites(plain: Mapping[str, Any], own: Mapping[str, Any]) -> set[int]:
    """Sites of the family whose species differs between two arms, or that one of them lacks."""
    species = [dict(zip(row["family_sites"], row["species"])) for row in (plain, own)]
    return {s for s in set(species[0]) | set(species[1]) if species[0].get(s) != species[1].get(s)}


def _distance(
    cell: Mapping[str, Any], family_sites: Sequence[int], site: int, touched: set[int]
) -> float:
    """Shortest distance from a site to some others, periodic images included, Å."""
    coords = np.asarray(cell["coords"], float).reshape(-1, 3)
    place = {family: k for k, family in enumerate(family_sites)}
    others = [coords[place[t]] for t in touched if t in place]
    return float(distances(cell["lattice"], coords[place[site]], others).min())
