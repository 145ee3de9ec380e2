"""Series of patterns: what is asked of engine `coherent`, and how its rows are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.arrays import ArrayReader, array_table
from defectra.core.errors import TableError
from defectra.core.records import Column, Status
from defectra.core.store import read_table
from defectra.engines.coherent.scattering import Detector
from defectra.studies.dynamics.settings import (
    DynamicsStudy,
    KuramotoSystem,
    PlanarSystem,
    SwarmSystem,
    View,
)

Floats = NDArray[np.float64]
System = KuramotoSystem | SwarmSystem | PlanarSystem
SYSTEMS = ("kuramoto", "swarm", "source", "scan")
KIND = "dynamics_series"
SERIES = array_table(
    "dynamics_series",
    Column("system", "string", "", "kuramoto, swarm, source or scan"),
    Column("trajectory", "int", "", "number of the trajectory: its group in every split"),
)


@dataclass(frozen=True)
class Series:
    """Patterns of one trajectory.

    Attributes
    ----------
    trajectory
        Its number.
    calculation_id
        Calculation behind it.
    counts
        Shape (t, m, m), photons; without noise the intensity, its largest value 1.
    state
        Shape (T, v): at the observed times, then at the later ones.
    scatterers
        Places at the first observed time, shape (n, 2).
    scale
        Expected counts of an intensity of 1.
    ideal
        Whether there is no noise.
    """

    trajectory: int
    calculation_id: str
    counts: Floats
    state: Floats
    scatterers: Floats
    scale: float
    ideal: bool


def detector_of(view: View, box: float) -> Detector:
    """Detector of a system."""
    return Detector(**view.model_dump(), box=box)


def times_of(system: System) -> Floats:
    """Observed times."""
    first = 0.0 if isinstance(system, PlanarSystem) else system.first
    return np.asarray(first + system.interval * np.arange(system.patterns), np.float64)


def later_of(system: System) -> list[float]:
    """Times at which only the state is kept."""
    if isinstance(system, KuramotoSystem):
        return [t for t in system.later if t > times_of(system)[-1]]
    return []


def asked(name: str, study: DynamicsStudy, trajectory: int, seed: int) -> dict[str, Any]:
    """Input of engine `coherent` of a trajectory, without its protocol.

    Parameters
    ----------
    name
        Of :data:`SYSTEMS`.
    """
    system: System = getattr(study, name)
    laws = {
        "kuramoto": lambda s: {"coupling": s.coupling, "width": s.width},
        "swarm": lambda s: {"reach": s.reach},
    }
    law = laws.get(name, lambda s: dict(s.law))(system)
    detector = {**system.view.model_dump(), "box": system.box}
    return {
        "system": name,
        "law": law,
        "number": system.number,
        "radius": getattr(system, "radius", 0.0),
        "detector": detector,
        "times": [round(float(t), 9) for t in times_of(system)],
        "later": later_of(system),
        "seed": [seed, SYSTEMS.index(name), trajectory],
    }


def read_series(path: str | Path, name: str) -> Iterator[tuple[str, list[Series]]]:
    """Series of a system for each protocol; a failed calculation is left out.

    Raises
    ------
    TableError
        If a protocol has no series at all.
    """
    rows = [r for r in read_table(path, SERIES) if r["system"] == name]
    for protocol in dict.fromkeys(r["protocol"] for r in rows):
        own = [r for r in rows if r["protocol"] == protocol and r["status"] == Status.OK]
        if not own:
            raise TableError(f"{path}: no finished series of {name} at {protocol}")
        with ArrayReader(Path(path).parent) as arrays:
            yield protocol, [_series(r, arrays) for r in sorted(own, key=_number)]


def _number(row: Mapping[str, Any]) -> int:
    return int(row["trajectory"])


def _series(row: Mapping[str, Any], arrays: ArrayReader) -> Series:
    found = {name: np.asarray(a, float) for name, a in arrays.of(dict(row)).items()}
    return Series(
        trajectory=_number(row),
        calculation_id=str(row["calculation_id"]),
        counts=found["counts"],
        state=found["state"],
        scatterers=found["scatterers"],
        scale=float(found["scale"][0]),
        ideal=row["protocol"] == "ideal",
    )


def photons_per_pattern(series: Sequence[Series]) -> float:
    """Mean number of photons of a pattern; NaN without noise."""
    if any(s.ideal for s in series):
        return float("nan")
    return float(np.mean([s.counts.sum(axis=(1, 2)).mean() for s in series]))
