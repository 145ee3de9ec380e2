"""Finished core-hole runs of GPAW, as our own program leaves them, with their jobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from defectra.engines import gpaw as engine
from defectra.engines import gpaw_corehole
from defectra.errors import EngineError
from defectra.parsers.base import Absorber, Axis, Folder, Reading
from defectra.textfiles import read_bytes

ENGINE = gpaw_corehole.ENGINE
PARSER_VERSION = gpaw_corehole.PARSER_VERSION
UNIT = "Bohr² / eV, one site"

_MARK = '{"asked": {"hole":'


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Results of core-hole runs, whatever they are called."""
    return [(p,) for p in folder.files if folder.head(p).startswith(_MARK)]


def read(files: tuple[Path, ...], folder: Folder) -> Reading:
    """Read a result; cell, site and identity from the job beside it.

    Raises
    ------
    EngineError
        What the run itself says went wrong, or ``truncated_output``.
    """
    raw = {engine.RESULT: read_bytes(files[0])}
    whole = _object(raw[engine.RESULT])
    wrong = whole.get("error")
    if wrong:
        raise EngineError(str(wrong["class"]), f"GPAW: {wrong['message']}")
    parsed = gpaw_corehole.parse(raw)
    absolute = bool(np.isfinite(parsed.edge))
    job = _job(folder)
    hole = whole["asked"]["hole"]
    note = f"{hole} core hole; " + ("zero by ΔSCF" if absolute else "no ΔSCF energy")
    return Reading(
        parsed,
        _absorber(job),
        f"gpaw {whole.get('version', '')}",
        Axis.ABSOLUTE if absolute else Axis.FERMI,
        UNIT,
        True,
        own_structure=_cell(job) if job else None,
        note=note,
        identity=engine.calculation_id(job) if job else "",
    )


def _object(data: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(data))
    except (ValueError, TypeError):
        raise EngineError("truncated_output", "GPAW: the result is cut off") from None


def _job(folder: Folder) -> dict[str, Any]:
    """The job of a run; empty if it is not there or is another program's."""
    path = folder.named("job.json")
    if path is None:
        return {}
    try:
        job = dict(json.loads(read_bytes(path)))
        known = {"lattice", "species", "coords", "site", "settings"} <= set(job)
        return job if known and 0 <= job["site"] < len(job["species"]) else {}
    except (ValueError, TypeError, EngineError):
        return {}


def _absorber(job: dict[str, Any]) -> Absorber:
    if not job:
        return Absorber(edge="K", label="no job.json beside the result")
    return Absorber(job["species"][job["site"]], "K", job["site"], "job.json")


def _cell(job: dict[str, Any]) -> tuple[np.ndarray, list[str], np.ndarray]:
    lattice, coords = np.reshape(job["lattice"], (3, 3)), np.reshape(job["coords"], (-1, 3))
    return lattice, list(job["species"]), coords
