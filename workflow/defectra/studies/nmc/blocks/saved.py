"""The model of the blocks as ``defectra predict`` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.csvs import read_csv
from defectra.core.errors import DataError
from defectra.core.store import write_bytes
from defectra.learn.crossval import TARGETS
from defectra.learn.edges_model import AboutEdges, EdgesModel, KnownAxis
from defectra.spectra.align import points
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.evaluate import NICKEL
from defectra.studies.nmc.blocks.models import MEASURED
from defectra.studies.nmc.blocks.tables import RAW, edges_in

Rows = Sequence[Mapping[str, Any]]
AXES_COLUMNS = ["edge", "shift_eV", "sd_eV", "compared"]


def read_axes(path: str | Path) -> dict[str, KnownAxis]:
    """Computed axes that were compared with a measured one, by edge.

    The file is made by ``python -m benchmarks.axes``.

    Raises
    ------
    DataError
        If a shift is no number.
    """
    out = {}
    for row in read_csv(path, AXES_COLUMNS):
        shift, sd = row["shift_eV"], row["sd_eV"]
        if not np.isfinite(shift):
            raise DataError(f"{path}: shift_eV of {row['edge']} is no number")
        out[row["edge"]] = KnownAxis(shift, sd if np.isfinite(sd) else None, row["compared"])
    return out


def save(
    rows: Rows,
    grids: Mapping[str, Grid],
    halves: Rows,
    seed: int,
    path: str | Path,
    axes: Mapping[str, KnownAxis] | None = None,
) -> None:
    """Keep the model of all targets; an empty file where there are too few blocks for one.

    Parameters
    ----------
    rows
        Arms of the blocks.
    halves
        Rows of :data:`defectra.studies.nmc.blocks.evaluate.HALVES_COLUMNS`; none: no model.
    axes
        Of :func:`read_axes`.
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
        axes={e: found for e, found in (axes or {}).items() if e in edges},
    )
    curves = {e: np.array([r[f"{RAW}{e}"] for r in rows]) for e in edges}
    labels = np.array([[float(r[t.column]) for t in targets] for r in rows])
    EdgesModel(about, curves, labels, [str(r["group"]) for r in rows]).write(path)
