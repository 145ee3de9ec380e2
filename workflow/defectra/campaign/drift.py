"""Drift check: recompute a seeded sample of the archive, past the store, and compare."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from defectra.campaign.engine import Parsed, engine_named
from defectra.campaign.request import Request
from defectra.core.errors import EngineError, StoreError
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA, Status
from defectra.core.seeds import seeded
from defectra.core.store import Archive

Row = dict[str, Any]


COMPARED = ("max_abs_mu", "relative_rms", "edge_shift_eV")


def sample(rows: Sequence[Row], number: int, seed: int) -> list[Row]:
    """Seeded draw of archived calculations that succeeded, expensive protocols left out."""
    good = sorted(
        (r for r in rows if r["status"] == Status.OK and r["protocol"] == "fast"),
        key=lambda r: str(r["calculation_id"]),
    )
    order = seeded(seed, "drift").permutation(len(good))
    return [good[k] for k in order[:number]]


def recompute(row: Row, geometry: Mapping[str, Any], old: Mapping[str, Any], protocol: Any) -> Row:
    """Drift row of one archived calculation: run again and compare with its spectrum."""
    engine: Any = engine_named(row["engine"])
    start = time.perf_counter()
    index = list(geometry["site_labels"]).index(row["site"])
    out: Row = {
        "calculation_id": row["calculation_id"],
        **{k: row[k] for k in ("element", "edge", "protocol")},
        "status": str(Status.FAILED),
        "message": "",
        "archived_version": row["engine_version"],
        "engine_version": engine.version(),
        "max_abs_mu": float("nan"),
        "relative_rms": float("nan"),
        "edge_shift_eV": float("nan"),
        "wall_s": 0.0,
    }
    request: Request = engine.site(geometry, index).request(
        row["edge"], (row["protocol"], protocol)
    )
    if request.calculation_id != row["calculation_id"]:
        return out | {"message": "the protocol of the archive is not that of the config"}
    outcome = engine.run(request, None)
    out |= {"status": str(outcome.status), "message": outcome.message}
    out["wall_s"] = time.perf_counter() - start
    try:
        found = engine.read(outcome.files)
    except EngineError as error:
        return out | {"status": str(Status.FAILED), "message": str(error)}
    out |= difference(old, found) | {"edge_shift_eV": found.edge - row["edge_eV"]}
    lacking = [k for k in COMPARED if not np.isfinite(out[k])]
    if lacking:
        why = f"{', '.join(lacking)}: no number, in the archive or now"
        return out | {"status": str(Status.FAILED), "message": why}
    return out


def difference(old: Mapping[str, Any], new: Parsed) -> dict[str, float]:
    """Largest and relative RMS difference of mu on the archived energies."""
    then = np.asarray(old["mu"])
    now = np.interp(old["energy_eV"], new.energy, new.mu)
    size = float(np.mean(then**2))
    rms = float(np.sqrt(np.mean((now - then) ** 2) / size)) if size > 0 else float("nan")
    return {"max_abs_mu": float(np.abs(now - then).max()), "relative_rms": rms}


def _finished(row: Row) -> bool:
    return engine_named(row["engine"]).finished(row, None)


def check(archive: Archive, protocols: Mapping[str, Any], number: int, seed: int) -> list[Row]:
    """Drift rows of a seeded sample of `number` archived calculations."""
    chosen = sample(archive.read(CALCULATIONS, keep=_finished), number, seed)
    if not chosen:
        return []
    geometries = {g["geometry_id"]: g for g in archive.read(GEOMETRIES)}
    missing = sorted({r["geometry_id"] for r in chosen} - set(geometries))
    if missing:
        raise StoreError(f"{archive.root}: no geometry {missing[0]} for a calculation; restore it")
    spectra = {s["calculation_id"]: s for s in archive.read(SPECTRA)}
    return [
        recompute(
            row,
            geometries[row["geometry_id"]],
            spectra[row["calculation_id"]],
            protocols[row["protocol"]],
        )
        for row in chosen
    ]
