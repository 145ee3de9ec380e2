"""Vacancies in cells of their own: is what was learnt in the cell of the pristine arm seen there?

The questions are fixed in ``docs/nmc.md``. The vacancy relaxes with its cell (V*); the pristine
structure is scaled to that volume and its sites relax (P*). NMC: lithium nickel manganese cobalt
oxide; RMS: root mean square; AUROC: area under the receiver operating characteristic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Metric
from defectra.learn import scores
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.campaign import OWN_CELL_ARMS
from defectra.studies.nmc.blocks.detection import Sample, scored
from defectra.studies.nmc.blocks.scores import VACANCY
from defectra.studies.nmc.blocks.tables import RAW, edges_in

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
FEWEST = 2  # blocks; of one there is no interval
EQUAL = 1e-12  # between shares of pairs won
OWN, SCALED = OWN_CELL_ARMS
SAME_VOLUME = "V* against P* (same volume)"
FREE = "V* against P (own cells)"
SAME_CELL = "V against P (cell of P)"
BY_CELL, BY_DEFECT, VOLUME = "change from V to V*", "change from P to V", "volume of V* less P"
SHAPE = "change of shape from P* to V*, RMS of the principal strains"
COLUMNS = ["statistic", "subject", "unit", "value", "lo", "hi", "n"]


def compare(
    rows: Rows,
    own: Rows,
    cells: Rows,
    grids: Mapping[str, Grid],
    seed: int,
    repeats: int | None = None,
) -> list[Row]:
    """Every statistic of the relaxed cells; nothing with fewer than two common blocks.

    Parameters
    ----------
    rows, own
        Arms of the blocks, and those of :data:`OWN_CELL_ARMS`
        (:func:`defectra.studies.nmc.blocks.tables.block_rows_table`).
    cells
        Geometries rows of the latter.
    grids
        Declared grid of each edge.
    seed, repeats
        Of the jitters, as in :func:`defectra.studies.nmc.blocks.detection.scored`.

    Returns
    -------
    Rows with columns :data:`COLUMNS`: value and 90 % interval of Student's t over `n` blocks
    (:func:`defectra.learn.scores.student`), clipped to what the statistic can be; where all blocks
    win the same share of pairs, the exact one (:func:`defectra.learn.scores.unseen`).
    """
    common = sorted({r["block"] for r in own} & {r["block"] for r in rows})
    if len(common) < FEWEST:
        return []
    of = {(r["block"], r["arm"]): r for r in (*rows, *own)}
    out = list(_detected(rows, of, common, (grids, seed, repeats)))
    for edge in edges_in(rows):
        out += _changes(of, common, edge)
    change = [of[b, OWN]["volume"] - of[b, VACANCY.other]["volume"] for b in common]
    lattice = {c["structure_id"]: np.reshape(c["lattice"], (3, 3)) for c in cells}
    shapes = [
        100 * shape_change(*(lattice[of[b, arm]["structure_id"]] for arm in (SCALED, OWN)))
        for b in common
    ]
    out.append(_mean(VOLUME, "", "Å³", change, -np.inf))
    return [*out, _mean(SHAPE, "", "%", shapes, 0.0)]


def shape_change(before: Floats, after: Floats) -> float:
    """Root mean square of the three principal (logarithmic) strains less their mean.

    Parameters
    ----------
    before, after
        Lattice vectors of the same setting as rows, Å, shape (3, 3); a rotation changes nothing.
    """
    stretches = np.linalg.svd(np.linalg.solve(before, after), compute_uv=False)
    return float(np.std(np.log(stretches)))


def _detected(
    rows: Rows,
    of: Mapping[tuple[int, str], Mapping[str, Any]],
    common: Sequence[int],
    how: tuple[Mapping[str, Grid], int, int | None],
) -> Iterator[Row]:
    """The detector of the claims on three pairs of arms of blocks that it was not trained on."""
    grids, seed, repeats = how
    pairs = {
        SAME_VOLUME: (OWN, SCALED),
        FREE: (OWN, VACANCY.other),
        SAME_CELL: (VACANCY.arm, VACANCY.other),
    }
    asked = {
        name: [
            {**of[block, arm], "arm": as_}
            for block in common
            for arm, as_ in zip(arms, (VACANCY.arm, VACANCY.other), strict=True)
        ]
        for name, arms in pairs.items()
    }
    sample = Sample(rows, asked, grids, pairs=(VACANCY,), all_edges_alone=True)
    for (_, _, metric), found in scored(sample, seed, repeats).items():
        for name, score in found.items():
            value, lo, hi, n = score.estimate
            if metric is Metric.WIN_RATE and np.ptp(score.curve) <= EQUAL:
                value, lo, hi = scores.unseen(value, n, (0.0, 1.0))
            yield _row(str(metric), name, "", (value, lo, hi), n)


def _changes(
    of: Mapping[tuple[int, str], Mapping[str, Any]], common: Sequence[int], edge: str
) -> Iterator[Row]:
    """RMS change of the spectrum of an edge, relative to that of the pristine arm."""
    mu = {
        arm: np.array([of[block, arm][f"{RAW}{edge}"] for block in common])
        for arm in (VACANCY.other, VACANCY.arm, OWN)
    }
    size = np.linalg.norm(mu[VACANCY.other], axis=1)
    for name, (after, before) in {
        BY_DEFECT: (VACANCY.arm, VACANCY.other),
        BY_CELL: (OWN, VACANCY.arm),
    }.items():
        yield _mean(name, edge, "", np.linalg.norm(mu[after] - mu[before], axis=1) / size, 0.0)


def _mean(
    statistic: str, subject: str, unit: str, values: Sequence[float] | Floats, least: float
) -> Row:
    """Mean over blocks."""
    weights = scores.left_out_weights([str(k) for k in range(len(values))])
    curve = np.asarray(weights @ np.asarray(values) / weights.sum(axis=1))
    return _row(statistic, subject, unit, scores.student(curve, (least, np.inf)), len(values))


def _row(statistic: str, subject: str, unit: str, ends: tuple[float, float, float], n: int) -> Row:
    value, lo, hi = ends
    about = {"statistic": statistic, "subject": subject, "unit": unit}
    return {**about, "value": value, "lo": lo, "hi": hi, "n": n}
