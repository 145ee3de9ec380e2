"""The model of the blocks as ``defectra predict`` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.store import write_bytes
from defectra.learn.crossval import TARGETS
from defectra.learn.edges_model import AboutEdges, EdgesModel
from defectra.spectra.align import points
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.evaluate import NICKEL
from defectra.studies.nmc.blocks.models import MEASURED
from defectra.studies.nmc.blocks.tables import RAW, edges_in

Rows = Sequence[Mapping[str, Any]]


def save(rows: Rows, grids: Mapping[str, Grid], halves: Rows, seed: int, path: str | Path) -> None:
    """Keep the model of all targets; an empty file where there are too few blocks for one.

    Parameters
    ----------
    rows
        Arms of the blocks.
    halves
        Rows of :data:`defectra.studies.nmc.blocks.evaluate.HALVES_COLUMNS`; none: no model.
    """
    if not halves:
        write_bytes(path, b"")
        return
    edges, targets = edges_in(rows), (*TARGETS, NICKEL)
    blocks = len({r["block"] for r in rows})
    about = AboutEdges(
        edges=edges,
        first=[float(grids[e].start) for e in edges],
        step=[float(grids[e].step) for e in edges],
        points=[len(points(grids[e])) for e in edges],
        targets=[t.name for t in targets],
        units=[t.unit for t in targets],
        is_class=[t.is_class for t in targets],
        scores={f"{r['edges']}: {r['target']}": float(r["score"]) for r in halves},
        jitter=MEASURED.jitter,
        shifts=[0.0] * len(edges),
        seed=seed,
        trained_on=f"{len(rows)} computed cells of {blocks} blocks (FEFF, protocol "
        f"{rows[0]['protocol']}), never on a measured spectrum",
    )
    curves = {e: np.array([r[f"{RAW}{e}"] for r in rows]) for e in edges}
    labels = np.array([[float(r[t.column]) for t in targets] for r in rows])
    EdgesModel(about, curves, labels, [str(r["group"]) for r in rows]).write(path)
