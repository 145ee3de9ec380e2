"""The blocks in cells of a second potential: does what was learnt in the first carry over?

Fixed in ``docs/nmc.md`` before the spectra were there. NMC: lithium nickel manganese cobalt oxide;
RMS: root mean square; AUROC: area under the receiver operating characteristic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Metric
from defectra.learn import scores
from defectra.learn.splits import Fold
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.arms import Arms
from defectra.studies.nmc.blocks.models import Asked, Held, hold_out_folds
from defectra.studies.nmc.blocks.scores import CLAIMED, Bootstrap, Pair, pair_curves

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
FIRST, SECOND = "CHGNet", "SevenNet"
DIFFERENCE = f"{SECOND} minus {FIRST}"
FEWEST, REPEATS = 2, 10
COLUMNS = ["statistic", "subject", "cells", "unit", "value", "lo", "hi", "n"]
FREE_CELLS = {"chgnet": FIRST, "sevennet": SECOND}  # by geometry protocol
CORRELATION, DISTANCE, VOLUME = "correlation", "relative RMS", "volume of a vacancy"


def compare(
    first: Rows, second: Rows, cells: Rows, grids: Mapping[str, Grid], seed: int
) -> list[Row]:
    """Every statistic of the second potential; nothing with fewer than two common blocks.

    Parameters
    ----------
    first, second
        Arms in cells of CHGNet and of SevenNet
        (:func:`defectra.studies.nmc.blocks.tables.block_rows_table`).
    cells
        Geometries rows of both potentials with cells that were free to change.
    grids
        Declared grid of each edge.
    seed
        Of jitters.

    Returns
    -------
    Rows with columns :data:`COLUMNS`: value and 90 % interval of Student's t over `n` blocks
    (:func:`defectra.learn.scores.student`), clipped to what the statistic can be.
    """
    common = {r["block"] for r in second} & {r["block"] for r in first}
    if len(common) < FEWEST:
        return []
    edges = [name.removeprefix("raw: ") for name in second[0] if name.startswith("raw: ")]
    both = [*first, *(r for r in second if r["block"] in common)]
    out = list(_carried_over(Arms.of(both, grids, edges), len(first), seed))
    for edge in edges:
        out += _spectra(first, second, f"raw: {edge}", edge, sorted(common))
    return out + list(_volumes(second, cells))


def _row(statistic: str, subject: str, cells: str, unit: str, curve: Floats, n: int) -> Row:
    value, lo, hi = scores.student(curve, _bounds(statistic, cells))
    about = {"statistic": statistic, "subject": subject, "cells": cells, "unit": unit}
    return {**about, "value": value, "lo": lo, "hi": hi, "n": n}


def _bounds(statistic: str, cells: str) -> tuple[float, float]:
    """Smallest and largest possible value of a statistic."""
    if statistic == VOLUME:
        return -np.inf, np.inf
    if statistic == DISTANCE:
        return 0.0, np.inf
    is_share = statistic != CORRELATION and cells != DIFFERENCE
    return (0.0 if is_share else -1.0), 1.0


def _carried_over(arms: Arms, n_first: int, seed: int) -> Iterator[Row]:
    """Pairs of held-out blocks in cells of either potential, trained on the first one's cells."""
    is_first = np.arange(len(arms.rows)) < n_first
    held = hold_out_folds(
        arms,
        Asked(kernels=("kernel",), components=(), subsets=[arms.edges], repeats=REPEATS, seed=seed),
        lambda _: _folds(arms, is_first),
    )
    tested = {g for g, old in zip(arms.groups, is_first) if not old}
    chosen = np.array([g in tested for g in arms.groups])
    found = {
        name: _pairs(arms, held, chosen & own)
        for name, own in ((FIRST, is_first), (SECOND, ~is_first))
    }
    for (pair, metric), curve in found[SECOND].items():
        old = found[FIRST][pair, metric]
        for cells, values in ((FIRST, old), (SECOND, curve), (DIFFERENCE, curve - old)):
            yield _row(str(metric), pair.name, cells, "", values, len(tested))


def _folds(arms: Arms, is_first: NDArray[np.bool_]) -> list[Fold]:
    """Each family with cells of the second potential once: trained on the first one's others."""
    groups = np.array(arms.groups)
    return [
        (np.flatnonzero(is_first & (groups != group)), np.flatnonzero(groups == group))
        for group in sorted(set(groups[~is_first]))
    ]


def _pairs(arms: Arms, held: Held, rows: NDArray[np.bool_]) -> dict[tuple[Pair, Metric], Floats]:
    """Scores of the claimed pairs on some rows, and without each block; shape (1 + blocks,)."""
    chosen = [int(i) for i in np.flatnonzero(rows)]
    part = replace(
        arms,
        rows=[arms.rows[i] for i in chosen],
        curves={e: replace(c, mu=c.mu[chosen]) for e, c in arms.curves.items()},
    )
    labels = [replace(own, values=own.values[chosen], arms=own.arms[chosen]) for own in held.labels]
    values = held.answers["kernel", arms.edges].values[:, chosen]
    bootstrap = Bootstrap.without_each(part)
    return {
        (pair, metric): curve
        for pair in CLAIMED
        for metric, curve in pair_curves(
            part, labels, values[..., pair.column], pair, bootstrap
        ).items()
        if metric in (Metric.AUROC, Metric.WIN_RATE)
    }


def _spectra(
    first: Rows, second: Rows, column: str, edge: str, blocks: Sequence[int]
) -> Iterator[Row]:
    """Agreement of the spectra of an edge between the potentials, block by block."""
    spectra = {
        (cells, arm): np.array([_of(rows, b, arm)[column] for b in blocks])
        for cells, rows in ((FIRST, first), (SECOND, second))
        for arm in sorted({name for pair in CLAIMED for name in (pair.arm, pair.other)})
    }
    weights = scores.left_out_weights([str(k) for k in range(len(blocks))])

    def row(statistic: str, subject: str, cells: str, values: Floats) -> Row:
        curve = np.asarray(weights @ values / weights.sum(axis=1))
        return _row(statistic, f"{edge}: {subject}", cells, "", curve, len(blocks))

    for pair in CLAIMED:
        both = [spectra[cells, pair.arm] - spectra[cells, pair.other] for cells in (FIRST, SECOND)]
        alike = np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(*both)])
        yield row(CORRELATION, f"{pair.arm} minus {pair.other}", f"{FIRST}, {SECOND}", alike)
        moved = _distance(spectra[FIRST, pair.arm], spectra[FIRST, pair.other])
        yield row(DISTANCE, pair.name, FIRST, moved)
    apart = _distance(spectra[SECOND, "pristine"], spectra[FIRST, "pristine"])
    yield row(DISTANCE, "pristine", DIFFERENCE, apart)


def _of(rows: Rows, block: int, arm: str) -> Mapping[str, Any]:
    return next(r for r in rows if (r["block"], r["arm"]) == (block, arm))


def _distance(a: Floats, b: Floats) -> Floats:
    """RMS of the difference over that of `b`, row by row; shapes (n, bins), (n,)."""
    return np.asarray(np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1))


def _volumes(second: Rows, cells: Rows) -> Iterator[Row]:
    """Change of the cell's volume with a vacancy, Å³, every cell free, by potential."""
    volume = {(c["structure_id"], c["protocol"]): float(c["volume"]) for c in cells}
    structures = {(r["block"], r["arm"]): r["structure_id"] for r in second}
    changes: dict[str, dict[int, float]] = {}
    for protocol, name in FREE_CELLS.items():
        for block in sorted({b for b, _ in structures}):
            both = [volume.get((structures[block, a], protocol)) for a in ("vacancy", "pristine")]
            if both[0] is not None and both[1] is not None:
                changes.setdefault(name, {})[block] = both[0] - both[1]
    blocks = sorted(set.intersection(*(set(c) for c in changes.values()))) if changes else []
    if len(changes) < len(FREE_CELLS) or len(blocks) < FEWEST:
        return
    weights = scores.left_out_weights([str(k) for k in range(len(blocks))])
    curves = {
        name: np.asarray(weights @ [own[b] for b in blocks] / weights.sum(axis=1))
        for name, own in changes.items()
    }
    curves[DIFFERENCE] = curves[SECOND] - curves[FIRST]
    for name, curve in curves.items():
        yield _row(VOLUME, "cell free to change", name, "Å³", curve, len(blocks))
