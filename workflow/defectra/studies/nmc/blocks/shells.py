"""How far a defect reaches: change of the spectrum of a site over its distance from the defect.

What explains the difference spectra and the weights over energy is which neighbours change. A
defect that changed the cell as a whole (a Fermi level, a setting of the code that follows the
formula) would change all sites alike; a local one changes its neighbours. RMS: root mean square.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn import scores
from defectra.spectra.align import Curve, aligned, points
from defectra.spectra.broaden import gaussian
from defectra.spectra.grid import Grid
from defectra.spectra.normalise import unit_area
from defectra.studies.nmc.blocks.design import blocks
from defectra.studies.nmc.blocks.sites import Pair, Site, pairs_of
from defectra.studies.nmc.settings import NmcBlocks

Row = dict[str, Any]
Floats = NDArray[np.float64]
ARMS = ("vacancy", "antisite")
# Å; bonds of metals and lithium with oxygen end below 2.5, the next shells (O-O, M-M) begin near
# it: `shell_of` says which of both a site is in
BONDED, NEXT, FARTHEST = "bonded", "second neighbours", "farther"
SHELLS = {BONDED: (0.0, 2.5), NEXT: (2.5, 3.6), FARTHEST: (3.6, 99.0)}
FEWEST = 2  # blocks; a shell with fewer has no interval and is compared with nothing
SITE_COLUMNS = ["block", "arm", "edge", "site", "distance_A", "change"]
SHELL_COLUMNS = ["arm", "edge", "shell", "value", "lo", "hi", "n_sites", "n"]
FALL = "nearest less farther"


def site_changes(
    design: str,
    whole: Sequence[int],
    spectra: Mapping[Site, Curve],
    cells: Mapping[str, Mapping[str, Any]],
    grids: Mapping[str, Grid],
) -> list[Row]:
    """Change of each common site of the defect arms, rows with columns :data:`SITE_COLUMNS`.

    `change` is the RMS difference between the site in the defect arm and in the pristine arm over
    the RMS of the latter, both of unit area on the declared grid.

    Parameters
    ----------
    design
        :func:`defectra.studies.nmc.blocks.tables.block_design`.
    whole
        Numbers of the blocks that are looked at.
    spectra
        :func:`defectra.studies.nmc.blocks.sites.read_sites`.
    cells
        Geometries rows by structure.
    grids
        Declared grid of each edge.
    """
    parts = json.loads(design)
    spec, wanted = NmcBlocks(**parts["blocks"]), set(whole)
    out = []
    for block in blocks(spec, parts["metals"], parts["seed"]):
        if block.number not in wanted:
            continue
        for arm in ARMS:
            if arm in block.rows:
                pairs = pairs_of(block, arm, spec, cells)
                out += [_row(p, spectra, grids[p.edge]) for p in pairs if _both(p, spectra)]
    return out


def _both(pair: Pair, spectra: Mapping[Site, Curve]) -> bool:
    return pair.defect in spectra and pair.pristine in spectra


def _row(pair: Pair, spectra: Mapping[Site, Curve], grid: Grid) -> Row:
    own, plain = (on_grid(spectra[site], grid) for site in (pair.defect, pair.pristine))
    return {
        "block": pair.block,
        "arm": pair.arm,
        "edge": pair.edge,
        "site": pair.pristine[2],
        "distance_A": pair.distance,
        "change": float(np.linalg.norm(own - plain) / np.linalg.norm(plain)),
    }


def on_grid(curve: Curve, grid: Grid) -> Floats:
    """Spectrum of a site on the declared grid of its edge, unit area, shape (g,)."""
    energy = points(grid)
    mu = gaussian(aligned(curve[0], grid), curve[1], energy, grid.fwhm)
    return np.asarray(unit_area(energy, mu))


def shell_of(arm: str, edge: str, distance: float) -> str:
    """Shell of a site by what the arm touches, its edge (``"O K"``) and its distance (Å).

    Bonds join oxygen with metals and lithium: a site of the same sublattice as the defect is no
    bonded one, however near a relaxed cell brings it.
    """
    shell = next(name for name, (low, high) in SHELLS.items() if low <= distance < high)
    touches_oxygen = arm == "vacancy"
    same_sublattice = edge.startswith("O ") == touches_oxygen
    return NEXT if shell == BONDED and same_sublattice else shell


def shells(sites: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Mean change by shell, and how much it falls from the nearest shell to the farther sites.

    The nearest shell is the bonded one where the edge has bonded sites (metals next to a missing
    oxygen), else the next.

    Returns
    -------
    Rows with columns :data:`SHELL_COLUMNS`: mean over sites and its 90 % interval of Student's t
    over `n` blocks (:func:`defectra.learn.scores.student`); none with fewer than two blocks.
    """
    out: list[Row] = []
    for arm in dict.fromkeys(str(r["arm"]) for r in sites):
        own = [r for r in sites if r["arm"] == arm]
        for edge in sorted({str(r["edge"]) for r in own}):
            out += _shells(arm, edge, [r for r in own if r["edge"] == edge])
    return out


def _shells(arm: str, edge: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in SHELLS}
    for row in rows:
        found[shell_of(arm, edge, float(row["distance_A"]))].append(row)
    found = {name: own for name, own in found.items() if own}
    blocks = {name: len(_blocks(own)) for name, own in found.items()}
    for shell, own in found.items():
        value = scores.student(_means(own, _blocks(own)), (0.0, np.inf))
        yield _shell_row(arm, edge, shell, value, len(own), blocks[shell])
    nearest = next((name for name in found if blocks[name] >= FEWEST), FARTHEST)
    if blocks.get(FARTHEST, 0) >= FEWEST and nearest != FARTHEST:
        near, far = found[nearest], found[FARTHEST]
        names, n = _blocks([*near, *far]), min(blocks[nearest], blocks[FARTHEST])
        value = scores.student(_means(near, names) - _means(far, names), count=n)
        yield _shell_row(arm, edge, FALL, value, len(near) + len(far), n)


def _blocks(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({str(r["block"]) for r in rows})


def _means(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Floats:
    """Mean change of some sites, then without each of the blocks `names`; NaN if none is left."""
    place = [names.index(str(r["block"])) for r in rows]
    weights = scores.left_out_weights(names)[:, place]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(weights @ [float(r["change"]) for r in rows] / weights.sum(axis=1))


def _shell_row(
    arm: str, edge: str, shell: str, value: tuple[float, float, float], n_sites: int, n: int
) -> Row:
    ends = dict(zip(("value", "lo", "hi"), value))
    return {"arm": arm, "edge": edge, "shell": shell, **ends, "n_sites": n_sites, "n": n}
