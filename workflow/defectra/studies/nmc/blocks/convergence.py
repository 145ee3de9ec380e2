"""Blocks with potentials of FEFF from a larger radius: what these change, and what carries over.

Every eighth block is computed at two protocols, the second with converged potentials and at fewer
sites. Spectra are compared at the sites that both protocols have, and a change at those that stand
in both arms. The questions are fixed in ``docs/nmc.md``. RMS: root mean square; AUROC: area under
the receiver operating characteristic.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.claims import NAN, Estimate
from defectra.learn import scores
from defectra.spectra.align import Curve, points
from defectra.spectra.grid import Grid
from defectra.spectra.normalise import unit_area
from defectra.studies.nmc.blocks.design import blocks
from defectra.studies.nmc.blocks.detection import Sample, scored
from defectra.studies.nmc.blocks.scores import CLAIMED
from defectra.studies.nmc.blocks.shells import on_grid
from defectra.studies.nmc.blocks.sites import PRISTINE, Site, pairs_of, read_cells, read_sites
from defectra.studies.nmc.blocks.sites import Pair as SitePair
from defectra.studies.nmc.blocks.tables import RAW, edges_in
from defectra.studies.nmc.settings import NmcBlocks

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
Cells = Mapping[str, Mapping[str, Any]]
COLUMNS = ["edge", "statistic", "subject", "spectra", "block", "value", "lo", "hi", "n"]
FAST, CONVERGED = "campaign", "converged"  # short for the two protocols, whatever they are called
FAST_SITES = "campaign, sites of the converged"
APART, DIFFERENCE = f"{FAST}, {CONVERGED}", f"{CONVERGED} minus {FAST} at its sites"
DISTANCE, ALIKE, SIZE = "relative RMS distance", "correlation of changes", "relative RMS change"
COMPARED, WITHOUT = "blocks compared", "whole blocks without converged spectra"
MEAN, ALL_EDGES = "mean", "all"
ARMS = tuple(dict.fromkeys(name for pair in CLAIMED for name in (pair.other, pair.arm)))


@dataclass(frozen=True)
class Spectra:
    """Spectra of single sites at both protocols.

    Attributes
    ----------
    fast, converged
        By structure, edge and site (:func:`defectra.studies.nmc.blocks.sites.read_sites`).
    grids
        Declared grid of each edge.
    """

    fast: Mapping[Site, Curve]
    converged: Mapping[Site, Curve]
    grids: Mapping[str, Grid]

    def common(self, structure: str, edge: str) -> list[Site]:
        """Sites of an arm that both protocols have."""
        return sorted(s for s in self.converged if s[:2] == (structure, edge) and s in self.fast)

    def means(self, sites: Sequence[Site]) -> Floats:
        """Mean of some sites of one edge by either protocol, unit area, shape (2, g)."""
        grid = self.grids[sites[0][1]]
        own = [[on_grid(kept[s], grid) for s in sites] for kept in (self.fast, self.converged)]
        return np.array([unit_area(points(grid), np.mean(curves, axis=0)) for curves in own])


def compare(
    design: str,
    rows: Rows,
    converged: Rows,
    spectra: Spectra,
    cells: Cells,
    seed: int,
    repeats: int | None = None,
) -> list[Row]:
    """Every statistic of the converged potentials; blocks without such spectra are counted.

    Parameters
    ----------
    design
        :func:`defectra.studies.nmc.blocks.tables.block_design`.
    rows, converged
        Arms at either protocol (:func:`defectra.studies.nmc.blocks.tables.block_rows_table`).
    spectra
        Single sites of these arms.
    cells
        Geometries rows by structure (:func:`defectra.studies.nmc.blocks.sites.read_cells`).
    seed, repeats
        Of the jitters: draws, each with three measurements; none given: by the number of blocks.

    Returns
    -------
    Rows with columns :data:`COLUMNS`: a value of each block, and below `block` ``mean`` their mean
    with the 90 % interval of Student's t over `n` blocks (:func:`defectra.learn.scores.student`);
    no mean of fewer than two. Nothing without any block.
    """
    if not rows:
        return []
    edges, whole = edges_in(rows), _whole(converged, spectra, edges_in(rows))
    arms = [r for r in converged if r["block"] in whole and r["arm"] in ARMS]
    missing = len({r["block"] for r in rows} - whole)
    out = [_count(COMPARED, len(whole)), _count(WITHOUT, missing)]
    if not whole:
        return out
    shared = _shared(design, whole, spectra, cells)
    for edge in edges:
        out += _distances([r for r in arms if r["arm"] == PRISTINE], edge, spectra)
        for pair in CLAIMED:
            own = [p for p in shared if (p.edge, p.arm) == (edge, pair.arm)]
            out += _changes(own, edge, f"{pair.arm} minus {pair.other}", spectra)
    return out + list(_detected(rows, arms, spectra, seed, repeats))


def compare_archived(
    design: str,
    rows: Rows,
    converged: Rows,
    archive: Path,
    grids: Mapping[str, Grid],
    seed: int,
) -> list[Row]:
    """The same, with spectra and cells from the archive of blocks."""
    if not converged:
        return compare(design, rows, [], Spectra({}, {}, grids), {}, seed)
    names = [str(own[0]["protocol"]) for own in (rows, converged)]
    fast, slow = (read_sites(archive, name, edges_in(rows)) for name in names)
    cells = read_cells(archive, converged)
    return compare(design, rows, converged, Spectra(fast, slow, grids), cells, seed)


def _whole(converged: Rows, spectra: Spectra, edges: Sequence[str]) -> set[int]:
    """Blocks with a common site at every edge of every arm that is compared."""
    there: dict[int, set[str]] = {}
    for row in converged:
        if all(spectra.common(row["structure_id"], edge) for edge in edges):
            there.setdefault(row["block"], set()).add(row["arm"])
    return {block for block, arms in there.items() if set(ARMS) <= arms}


def _row(about: Mapping[str, str], block: str, found: Estimate) -> Row:
    return {**about, "block": block, **found._asdict()}


def _count(statistic: str, number: int) -> Row:
    about = {"edge": ALL_EDGES, "statistic": statistic, "subject": "", "spectra": ""}
    return _row(about, MEAN, Estimate.exact(number, number))


def _of_blocks(about: Mapping[str, str], values: Mapping[int, float]) -> Iterator[Row]:
    """Value of each block, then their mean if there are two."""
    for block, value in values.items():
        yield _of_one(about, block, value)
    if len(values) > 1:
        weights = scores.left_out_weights([str(b) for b in values])
        curve = weights @ list(values.values()) / weights.sum(axis=1)
        bounds = (-1.0, 1.0) if about["statistic"] == ALIKE else (0.0, np.inf)
        yield _row(about, MEAN, Estimate(*scores.student(curve, bounds), len(values)))


def _of_one(about: Mapping[str, str], block: int, value: float) -> Row:
    return _row(about, str(block), Estimate(value, NAN, NAN, 1))


def _distances(pristine: Rows, edge: str, spectra: Spectra) -> Iterator[Row]:
    """How far the pristine spectra of both protocols lie apart, in units of the converged one."""
    values = {}
    for row in pristine:
        fast, own = spectra.means(spectra.common(row["structure_id"], edge))
        values[int(row["block"])] = _size(fast - own, own)
    about = {"edge": edge, "statistic": DISTANCE, "subject": PRISTINE, "spectra": APART}
    yield from _of_blocks(about, values)


def _size(part: Floats, whole: Floats) -> float:
    return float(np.linalg.norm(part) / np.linalg.norm(whole))


def _shared(design: str, whole: set[int], spectra: Spectra, cells: Cells) -> list[SitePair]:
    """Sites that stand in a defect arm and in the pristine one, with all four spectra."""
    parts = json.loads(design)
    spec = NmcBlocks(**parts["blocks"])
    return [
        p
        for block in blocks(spec, parts["metals"], parts["seed"])
        if block.number in whole
        for pair in CLAIMED
        for p in pairs_of(block, pair.arm, spec, cells)
        if all(s in kept for s in (p.defect, p.pristine)
               for kept in (spectra.fast, spectra.converged))
    ]  # fmt: skip


def _changes(
    shared: Sequence[SitePair], edge: str, subject: str, spectra: Spectra
) -> Iterator[Row]:
    """What a defect changes by either protocol; blocks without a shared site give no value."""
    alike: dict[int, float] = {}
    sizes: dict[str, dict[int, float]] = {FAST_SITES: {}, CONVERGED: {}}
    for block in dict.fromkeys(p.block for p in shared):
        own = [p for p in shared if p.block == block]
        defect = spectra.means([p.defect for p in own])
        plain = spectra.means([p.pristine for p in own])
        alike[block] = float(np.corrcoef(*(defect - plain))[0, 1])
        for values, d, p in zip(sizes.values(), defect, plain):
            values[block] = _size(d - p, p)
    about = {"edge": edge, "subject": subject}
    yield from _of_blocks(about | {"statistic": ALIKE, "spectra": APART}, alike)
    for name, values in sizes.items():
        yield from _of_blocks(about | {"statistic": SIZE, "spectra": name}, values)


def _detected(
    rows: Rows, arms: Rows, spectra: Spectra, seed: int, repeats: int | None
) -> Iterator[Row]:
    """The detector of the claims on the spectra of blocks that it was not trained on."""
    own, means = {(r["block"], r["arm"]) for r in arms}, [_with_means(r, spectra) for r in arms]
    samples: dict[str, Rows] = {
        FAST: [r for r in rows if (r["block"], r["arm"]) in own],
        FAST_SITES: [both[0] for both in means],
        CONVERGED: [both[1] for both in means],
    }
    found_of = scored(Sample(rows, samples, spectra.grids), seed, repeats)
    for (subset, pair, metric), found in found_of.items():
        found[DIFFERENCE] = found[CONVERGED].minus(found[FAST_SITES])
        about = {"edge": subset, "statistic": str(metric), "subject": pair.name}
        for name, score in found.items():
            for block, value in score.by_block.items():
                yield _of_one(about | {"spectra": name}, block, value)
            if len(score.curve) > 1:
                yield _row(about | {"spectra": name}, MEAN, score.estimate)


def _with_means(row: Mapping[str, Any], spectra: Spectra) -> tuple[Row, Row]:
    """An arm with the mean of its common sites at every edge, by either protocol."""
    out: tuple[Row, Row] = {**row}, {**row}
    for edge in edges_in([row]):
        means = spectra.means(spectra.common(row["structure_id"], edge))
        for new, mean in zip(out, means):
            new[f"{RAW}{edge}"] = mean.tolist()
    return out
