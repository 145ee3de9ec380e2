"""Finished core-hole runs of GPAW, as our own program leaves them, with their jobs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field, FiniteFloat, StrictInt, model_validator

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_bytes
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading
from defectra.engines.gpaw import corehole as gpaw_corehole
from defectra.engines.gpaw import run as engine

ENGINE = gpaw_corehole.ENGINE
PARSER_VERSION = gpaw_corehole.PARSER_VERSION
UNIT = "Bohr² / eV, one site"
COMPANIONS = re.compile(r"(job|result)\.json|.*\.gpw|(gpaw|child)\w*\.(txt|log)", re.I)

MARKS: tuple[str, ...] = ()

_MARK = re.compile(r'^\s*\{.*"asked"\s*:\s*\{[^}]*"hole"', re.S)


class _Job(BaseModel):
    """What must stand in a job."""

    lattice: list[FiniteFloat] = Field(min_length=9, max_length=9)
    species: list[str]
    coords: list[FiniteFloat]
    site: StrictInt = Field(ge=0)
    hole: str
    settings: dict[str, Any]

    @model_validator(mode="after")
    def _fits(self) -> _Job:
        if len(self.coords) != 3 * len(self.species) or self.site >= len(self.species):
            raise ValueError("coordinates, species and site do not fit")
        return self


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Results of core-hole runs, whatever they are called; else a job of ours with what it left."""
    results: list[tuple[Path, ...]] = [(p,) for p in folder.files if _MARK.search(folder.head(p))]
    if results or not _job(folder):
        return results
    left = folder.named(engine.RESULT, "job.json")
    return [(left,)] if left else []


def read(files: tuple[Path, ...], folder: Folder) -> Reading:
    """Read a result; cell, site and identity from the job beside it.

    Raises
    ------
    EngineError
        What the run itself says went wrong, unless the spectrum is there and something else did not
        converge; ``not_finished``; ``truncated_output``.
    """
    if plain_name(files[0]).lower() == "job.json":
        raise EngineError("not_finished", "GPAW: job.json is there, but no result")
    raw = {engine.RESULT: read_bytes(files[0])}
    wrong = engine.failure(raw)
    if wrong and not (wrong[0] == "not_self_consistent" and "spectrum" in engine.parse(raw)):
        raise EngineError(wrong[0], f"GPAW: {wrong[1]}")
    parsed = gpaw_corehole.parse(raw)
    absolute = bool(np.isfinite(parsed.edge))
    job = _job(folder)
    hole = json.loads(raw[engine.RESULT])["asked"].get("hole", "unknown")
    note = f"{hole} core hole; " + ("zero by ΔSCF" if absolute else "no ΔSCF energy")
    return Reading(
        parsed,
        _absorber(job),
        engine.version_in(raw),
        Axis.ABSOLUTE if absolute else Axis.FERMI,
        UNIT,
        not wrong,
        own_structure=_cell(job) if job else None,
        note=f"{note}; {wrong[1]}" if wrong else note,
        identity=engine.calculation_id(job) if job else "",
    )


def _job(folder: Folder) -> dict[str, Any]:
    """The job of a run; empty if it is not there, damaged or another program's."""
    path = folder.named("job.json")
    if path is None:
        return {}
    try:
        job = json.loads(read_bytes(path))
        _Job.model_validate(job)
    except (ValueError, EngineError):  # ValidationError is a ValueError
        return {}
    return dict(job)


def _absorber(job: dict[str, Any]) -> Absorber:
    if not job:
        return Absorber(edge="K", label="no sound job.json beside the result")
    return Absorber(job["species"][job["site"]], "K", job["site"], "job.json")


def _cell(job: dict[str, Any]) -> tuple[np.ndarray, list[str], np.ndarray]:
    lattice, coords = np.reshape(job["lattice"], (3, 3)), np.reshape(job["coords"], (-1, 3))
    return lattice, list(job["species"]), coords
