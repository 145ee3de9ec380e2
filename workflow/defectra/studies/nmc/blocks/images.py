"""Vacancies without their nearest images: cells of 80 atoms made of the pristine cells of blocks.

In a cell of 40 atoms a defect has images at 5.0 and 5.7 Å. The supercell :data:`DOUBLE` of the
relaxed pristine cell has none nearer than 6.5 Å. One of its two copies of the block's vacancy is
made, the sites relax in the fixed cell as in the block, and the block's sites are computed: of the
two copies of a site the one that lies nearer to the vacancy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.campaign.request import Family, Item, Known
from defectra.core.records import Status
from defectra.engines.relaxation import RelaxationProtocol
from defectra.learn import scores
from defectra.spectra.align import Curve
from defectra.spectra.grid import Grid
from defectra.structures.geometry import as_row
from defectra.studies.nmc.blocks.design import Block, blocks, tasks
from defectra.studies.nmc.blocks.shells import SHELLS, on_grid, shell_of
from defectra.studies.nmc.blocks.sites import PRISTINE, Pair, Site, pairs_of, touched_sites
from defectra.studies.nmc.geometries import Geometries
from defectra.studies.nmc.requests import Settings, task_families
from defectra.studies.nmc.settings import NmcBlocks

Row = dict[str, Any]
Floats = NDArray[np.float64]
ARM, FREE, IN_CELL = "vacancy", "chgnet", "chgnet-cell"
DOUBLE = ((1, 0, 1), (0, 1, 1), (0, 0, 2))
_COPIES = ((0, 0, 0), (0, 0, 1))  # lattice vectors of the small cell that are not of the large one
COLUMNS = ["statistic", "shell", "value", "lo", "hi", "n_sites", "n"]
ALIKE, SMALL, LARGE = "correlation of changes", "change, 40 atoms", "change, 80 atoms"


def doubled(lattice: ArrayLike, coords: ArrayLike) -> tuple[Floats, Floats]:
    """Lattice (Å) and fractional coordinates of :data:`DOUBLE`: all sites, then their copies."""
    matrix = np.array(DOUBLE, float)
    large = matrix @ np.asarray(lattice, float).reshape(3, 3)
    own = np.asarray(coords, float).reshape(-1, 3)
    both = np.vstack([own + copy for copy in _COPIES]) @ np.linalg.inv(matrix)
    return large, both % 1.0


def large_row(block: Block) -> tuple[Row, int]:
    """Structures row of the large cell with one vacancy, and the place of the missing oxygen."""
    plain = block.rows[PRISTINE]
    (missing,) = touched_sites(plain, block.rows[ARM])
    hole = plain["family_sites"].index(missing)
    lattice, coords = doubled(plain["lattice"], plain["coords"])
    names = [*plain["site_labels"], *(f"{label}b" for label in plain["site_labels"])]
    text = "|".join((plain["structure_id"], json.dumps(DOUBLE), f"vacancy at {missing}"))
    row = dict(block.rows[ARM]) | {
        "structure_id": hashlib.sha256(text.encode()).hexdigest()[:16],
        "supercell": [int(v) for v in (np.array(DOUBLE) @ _matrix(plain)).ravel()],
        "lattice": [float(v) for v in lattice.ravel()],
        "species": _without([*plain["species"], *plain["species"]], hole),
        "coords": [float(v) for v in np.delete(coords, hole, axis=0).ravel()],
        "site_labels": _without(names, hole),
        "family_sites": [],
        "parent_id": plain["structure_id"],
    }
    return row, hole


def _matrix(row: Mapping[str, Any]) -> NDArray[np.int64]:
    return np.array(row["supercell"]).reshape(3, 3)


def _without(values: Sequence[Any], place: int) -> list[Any]:
    return [v for k, v in enumerate(values) if k != place]


class LargeCells(Geometries):
    """Geometries of the pristine cells of blocks, and of the large cells that start from them."""

    def __init__(
        self, plain: Row, large: tuple[Row, int], protocols: Mapping[str, RelaxationProtocol]
    ) -> None:
        super().__init__({r["structure_id"]: r for r in (plain, large[0])}, protocols, relax=True)
        self._plain, self._hole = plain["structure_id"], large[1]

    def _start(
        self, row: Row, name: str, settings: RelaxationProtocol, known: Known
    ) -> Generator[Item, None, Row | None]:
        """Large cells start from the relaxed pristine cell."""
        if row["structure_id"] == self._plain:
            return (yield from super()._start(row, name, settings, known))
        base = yield from self.get(self._plain, FREE, known)
        if base["status"] == Status.FAILED:
            return base
        ideal = np.array(self.structures[self._plain]["coords"]).reshape(-1, 3)
        own = np.array(base["coords"]).reshape(-1, 3)
        own -= np.round(own - ideal)  # a site that crossed the face of the cell stays in its copy
        lattice, coords = doubled(base["lattice"], own)
        return as_row(row, name, lattice, np.delete(coords, self._hole, axis=0))


def nearer_copy(plain: Mapping[str, Any], site: int, hole: int) -> int:
    """Index in the full large cell of the copy of a site that lies nearer to the vacancy."""
    from pymatgen.core import Lattice

    lattice, coords = doubled(plain["lattice"], plain["coords"])
    copies = [site, site + len(plain["species"])]
    found = Lattice(lattice).get_all_distances(coords[copies], coords[[hole]])[:, 0]
    return copies[int(found.round(6).argmin())]


def families_of_block(block: Block, spec: NmcBlocks, settings: Settings) -> Iterator[Family]:
    """The relaxed large cell of a block, and the spectra of the block's sites in it."""
    plain = block.rows[PRISTINE]
    large = large_row(block)
    row, hole = large
    asked = []
    for task in tasks(block, spec):
        is_own = task["structure_id"] == plain["structure_id"] and task["protocol"] == spec.protocol
        if is_own and task["site_index"] != hole:
            index = nearer_copy(plain, task["site_index"], hole)
            moved = index - (index > hole)
            asked.append(
                task
                | {
                    "structure_id": row["structure_id"],
                    "geometry_protocol": IN_CELL,
                    "site_index": moved,
                    "multiplicity": 1,
                }
            )
    cells = LargeCells(plain, large, settings.relaxations)
    return task_families([row], asked, settings, geometries=cells)


def compare(
    design: str,
    whole: Sequence[int],
    small: Mapping[Site, Curve],
    large: Mapping[Site, Curve],
    cells: Mapping[str, Mapping[str, Any]],
    grids: Mapping[str, Grid],
) -> list[Row]:
    """What a vacancy changes with and without its nearest images, by shell of sites.

    Parameters
    ----------
    design
        :func:`defectra.studies.nmc.blocks.tables.block_design`.
    whole
        Numbers of the blocks that are looked at.
    small, large
        Spectra of sites of the blocks and of the large cells
        (:func:`defectra.studies.nmc.blocks.sites.read_sites`).
    cells
        Relaxed geometries rows of the pristine cells, by structure.
    grids
        Declared grid of each edge.

    Returns
    -------
    Rows with columns :data:`COLUMNS`: mean over sites with the 90 % interval of Student's t over
    `n` blocks (:func:`defectra.learn.scores.student`), clipped to what a correlation or a size can
    be; changes are relative root mean square differences to the pristine spectrum.
    """
    parts = json.loads(design)
    spec, wanted = NmcBlocks(**parts["blocks"]), set(whole)
    found: list[Row] = []
    for block in blocks(spec, parts["metals"], parts["seed"]):
        if block.number in wanted and ARM in block.rows:
            name = large_row(block)[0]["structure_id"]
            for pair in pairs_of(block, ARM, spec, cells):
                found += _site(pair, (name, pair.edge, pair.pristine[2]), small, large, grids)
    return [row for shell in SHELLS for row in _shell(found, shell)]


def _site(
    pair: Pair,
    key: Site,
    small: Mapping[Site, Curve],
    large: Mapping[Site, Curve],
    grids: Mapping[str, Grid],
) -> Iterator[Row]:
    if key not in large or pair.defect not in small or pair.pristine not in small:
        return
    grid = grids[pair.edge]
    plain, own, wide = (
        on_grid(c, grid) for c in (small[pair.pristine], small[pair.defect], large[key])
    )
    size = np.linalg.norm(plain)
    yield {
        "block": pair.block,
        "shell": shell_of(ARM, pair.edge, pair.distance),
        ALIKE: float(np.corrcoef(own - plain, wide - plain)[0, 1]),
        SMALL: float(np.linalg.norm(own - plain) / size),
        LARGE: float(np.linalg.norm(wide - plain) / size),
    }


def _shell(sites: Sequence[Row], shell: str) -> Iterator[Row]:
    own = [r for r in sites if r["shell"] == shell]
    names = sorted({str(r["block"]) for r in own})
    if len(names) < 2:
        return
    weights = scores.left_out_weights(names)[:, [names.index(str(r["block"])) for r in own]]
    for statistic in (ALIKE, SMALL, LARGE):
        values = np.array([r[statistic] for r in own])
        bounds = (-1.0, 1.0) if statistic == ALIKE else (0.0, np.inf)
        value, lo, hi = scores.student(weights @ values / weights.sum(axis=1), bounds)
        about = {"statistic": statistic, "shell": shell, "value": value, "lo": lo, "hi": hi}
        yield about | {"n_sites": len(own), "n": len(names)}
