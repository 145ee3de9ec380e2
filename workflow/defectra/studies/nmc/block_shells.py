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
from defectra.studies.nmc.block_sites import Pair, Site, pairs_of
from defectra.studies.nmc.blocks import blocks
from defectra.studies.nmc.settings import NmcBlocks

Row = dict[str, Any]
Floats = NDArray[np.float64]
ARMS = ("vacancy", "antisite")
# Å; bonds of metals and lithium with oxygen end below 2.5, the next shells (O-O, M-M) begin at 2.5
SHELLS = {"bonded": (0.0, 2.5), "second neighbours": (2.5, 3.6), "farther": (3.6, 99.0)}
FARTHEST = "farther"
FEWEST = 2  # blocks; a shell with fewer has no interval and is compared with nothing
RESAMPLES = 1000
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
        :func:`defectra.studies.nmc.block_tables.block_design`.
    whole
        Numbers of the blocks that are looked at.
    spectra
        :func:`defectra.studies.nmc.block_sites.read_sites`.
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


def shells(sites: Sequence[Mapping[str, Any]], seed: int) -> list[Row]:
    """Mean change by shell, and how much it falls from the nearest shell to the farther sites.

    The nearest shell is the bonded one where the edge has bonded sites (metals next to a missing
    oxygen), else the next.

    Returns
    -------
    Rows with columns :data:`SHELL_COLUMNS`: value and 90 % interval of a bootstrap over blocks.
    """
    out: list[Row] = []
    for arm in dict.fromkeys(str(r["arm"]) for r in sites):
        own = [r for r in sites if r["arm"] == arm]
        for edge in sorted({str(r["edge"]) for r in own}):
            out += _shells(arm, edge, [r for r in own if r["edge"] == edge], seed)
    return out


def _shells(arm: str, edge: str, rows: Sequence[Mapping[str, Any]], seed: int) -> Iterator[Row]:
    names = sorted({str(r["block"]) for r in rows})
    place = {name: k for k, name in enumerate(names)}
    weights = scores.group_weights(names, RESAMPLES, seed)
    distance, change = (np.array([float(r[k]) for r in rows]) for k in ("distance_A", "change"))
    block = np.array([place[str(r["block"])] for r in rows])
    curves: dict[str, tuple[Floats, int, int]] = {}
    for shell, (low, high) in SHELLS.items():
        inside = (distance >= low) & (distance < high)
        if inside.any():
            drawn = weights[:, block[inside]]
            total = drawn.sum(axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                curve = drawn @ change[inside] / total
            curves[shell] = curve, int(inside.sum()), len(set(block[inside]))
    for shell, (curve, n_sites, n) in curves.items():
        yield _shell_row(arm, edge, shell, curve, n_sites, n)
    nearest = next((s for s, (_, _, n) in curves.items() if n >= FEWEST), FARTHEST)
    if FARTHEST in curves and nearest != FARTHEST:
        (near, n_near, first), (far, n_far, second) = curves[nearest], curves[FARTHEST]
        yield _shell_row(arm, edge, FALL, near - far, n_near + n_far, min(first, second))


def _shell_row(arm: str, edge: str, shell: str, curve: Floats, n_sites: int, n: int) -> Row:
    value, lo, hi = scores.interval(curve)
    about = {"arm": arm, "edge": edge, "shell": shell, "value": value, "lo": lo, "hi": hi}
    return about | {"n_sites": n_sites, "n": n}
