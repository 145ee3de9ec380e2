"""GPAW: energies, equations of state, band edges, hybrid eigenvalues; a program of its own.

GPAW is GPL-3 and is never imported here: the programs of ``programs`` are run by a Python that
has it. `make gpaw` builds that one (``.venv-gpaw``), ``DEFECTRA_GPAW`` names another, and
``DEFECTRA_GPAW_LAUNCH`` (such as ``mpiexec -n 4``) starts it on several cores.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from defectra.campaign.engine import Outcome
from defectra.core.errors import EngineError
from defectra.core.paths import PROJECT
from defectra.core.records import Status
from defectra.core.store import disk_errors, made
from defectra.engines import process
from defectra.engines.gpaw.settings import GpawProtocol

Row = dict[str, Any]
Job = dict[str, Any]

ENGINE = "gpaw"
PARSER_VERSION = "1"
VARIABLE = "DEFECTRA_GPAW"
LAUNCH = "DEFECTRA_GPAW_LAUNCH"
BESIDE = PROJECT / ".venv-gpaw" / "bin" / "python"
PROGRAMS = Path(__file__).with_name("programs")
# What ``cells.py`` can do, and its exit code for what is not self-consistent.
STEPS = (
    "energy",
    "equation_of_state",
    "forces",
    "relax",
    "potentials",
    "edges",
    "spin_orbit",
    "hybrid",
    "dielectric",
)
UNCONVERGED = 3
# Programs that were tried on several processes; the others run alone.
PARALLEL = ("cells.py",)
# One thread: a campaign runs calculations side by side. The allocator as for FEFF.
# A program of programs/ finds its neighbours only without safe paths.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "PYTHONSAFEPATH": "",
}
RESULT = "result.json"
# What a job asks for that decides no number.
_BESIDE_IDENTITY = ("description", "timeout_s", "checkpoint", "sets")


@dataclass(frozen=True)
class Cell:
    """What is computed: lattice (Å, rows, 3 x 3), elements, fractional coordinates (n x 3)."""

    lattice: tuple[float, ...]
    species: tuple[str, ...]
    coords: tuple[float, ...]

    @classmethod
    def of(cls, lattice: ArrayLike, species: Sequence[str], coords: ArrayLike) -> Cell:
        """Cell from arrays, rounded to what an input file would carry."""
        rows, points = (np.round(np.asarray(v, float).ravel(), 8) + 0.0 for v in (lattice, coords))
        return cls(tuple(rows.tolist()), tuple(species), tuple(points.tolist()))

    @property
    def volume(self) -> float:
        """Å³."""
        return abs(float(np.linalg.det(np.reshape(self.lattice, (3, 3)))))


def program() -> Path:
    """Python that can import GPAW.

    Raises
    ------
    EngineError
        ``engine_missing``: none is named or built, or the one that is named is no program.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if Path(named).is_file() and os.access(named, os.X_OK):
            return Path(named).absolute()  # it is started in another folder
        raise EngineError("engine_missing", f"{VARIABLE} names {named}, which is no program")
    if BESIDE.is_file():
        return BESIDE
    raise EngineError(
        "engine_missing",
        f"GPAW is not installed: run `make gpaw`, or name a Python that can import gpaw in "
        f"{VARIABLE}; without it only the calculations of the archive are used",
    )


def command(name: str) -> list[str]:
    """What starts a program of ``programs``; its arguments are to be added.

    The launcher starts those of `PARALLEL` alone.

    Raises
    ------
    EngineError
        ``engine_missing``, see :func:`program`; or there is no such launcher.
    """
    python = [str(program()), str(PROGRAMS / name)]
    launch = shlex.split(os.environ.get(LAUNCH, ""))
    if not launch or name not in PARALLEL:
        return python
    if shutil.which(launch[0]) is None:
        raise EngineError("engine_missing", f"{LAUNCH} names {launch[0]}, which is not there")
    return process.bound([*launch, *python])


def processes(name: str = "cells.py") -> int:
    """Processes that a program of ``programs`` is started on by the launcher."""
    launch = shlex.split(os.environ.get(LAUNCH, ""))
    return process.processes(launch) if name in PARALLEL else 1


def environment(name: str) -> dict[str, str]:
    """Environment of a program; under a launcher GPAW is made to use its MPI."""
    parallel = name in PARALLEL and os.environ.get(LAUNCH)
    return ENVIRONMENT | ({"GPAW_MPI_BACKEND": "cgpaw"} if parallel else {})


def engine_version() -> str:
    """Version of the GPAW that :func:`program` finds; EngineError if it cannot be imported."""
    return _version(str(program()))


def version() -> str:
    """Version of GPAW; empty if it is not there."""
    return "" if available() else engine_version()


def available() -> str:
    """Empty, or the sentence that says what is missing and how to get it."""
    try:
        engine_version()
    except EngineError as error:
        return str(error)
    return ""


@cache
def _version(python: str) -> str:
    command = [python, "-P", "-c", "import gpaw; print(gpaw.__version__)"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError("engine_missing", f"{python} cannot be asked for gpaw: {error}") from None
    lines = done.stdout.split()
    if done.returncode or not lines:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise EngineError("engine_missing", f"{python} cannot import gpaw: {reason[:200]}")
    return f"gpaw {lines[-1]}"


def job(
    cell: Cell,
    protocol: GpawProtocol,
    steps: Sequence[Mapping[str, Any]],
    *,
    charge: float = 0.0,
    moments: Sequence[float] = (),
    mesh: Sequence[int] = (),
) -> Job:
    """What the child reads.

    Parameters
    ----------
    cell, protocol
        What, and how.
    steps
        ``{"do": ...}`` with one of ``energy``, ``equation_of_state`` (scales, extra), ``forces``,
        ``relax`` (cell, fmax, steps), ``potentials``, ``edges``, ``spin_orbit``, ``hybrid``
        (xc, empty, spin_orbit), ``dielectric`` (bands, cutoff, largest, spacing, eta), done in
        order.
    charge
        Of the cell, e; +1 is an electron less.
    moments
        Initial magnetic moments, µB, one for each site; empty: not spin-polarised.
    mesh
        k-points instead of those of the protocol.

    Raises
    ------
    EngineError
        ``bad_input``: an unknown step, or numbers that do not fit the cell.
    """
    n = len(cell.species)
    if len(cell.lattice) != 9 or len(cell.coords) != 3 * n or (moments and len(moments) != n):
        raise EngineError(
            "bad_input", f"GPAW: lattice, coordinates or moments do not fit {n} sites"
        )
    unknown = [s.get("do") for s in steps if s.get("do") not in STEPS]
    if unknown or not steps:
        known = ", ".join(STEPS)
        raise EngineError("bad_input", f"GPAW: unknown step {unknown}; there are {known}")
    return {
        "lattice": list(cell.lattice),
        "species": list(cell.species),
        "coords": list(cell.coords),
        "charge": float(charge),
        "moments": [float(m) for m in moments],
        "mesh": [int(k) for k in (mesh or protocol.mesh)],
        "settings": protocol.model_dump(mode="json", exclude=_unsaid(protocol)),
        "steps": [dict(s) for s in steps],
    }


def _unsaid(protocol: GpawProtocol) -> set[str]:
    """Settings that a job does not name: `glides` where it is off, as in jobs of before."""
    return {"description", "mesh"} | (set() if protocol.glides else {"glides"})


def calculation_id(asked: Job) -> str:
    """SHA-256 of what decides the numbers."""
    settings = {k: v for k, v in asked["settings"].items() if k not in _BESIDE_IDENTITY}
    text = json.dumps({**asked, "settings": settings}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def run(
    asked: Job, folder: Path | None = None, name: str = "cells.py", *, keep: bool = False
) -> Outcome:
    """Run a job in a child; what came out is in ``files`` of the outcome, see :func:`parse`.

    Parameters
    ----------
    folder
        Folder that outlives this process: steps that a killed run finished there are not done
        again. Of a good run it is `spent`. None: a temporary one.
    name
        Program of ``programs``.
    keep
        The folder of a good run stays.
    """
    out = Outcome(calculation_id(asked))
    out.inputs_sha256 = out.calculation_id
    work = folder or Path(tempfile.mkdtemp(prefix="gpaw-"))
    start = time.perf_counter()
    try:
        _call(out, asked, made(work), name)
    except EngineError as error:
        out.status, out.error_class, out.message = Status.FAILED, error.error_class, str(error)
    finally:
        out.files = _files(work)
        out.wall_s = time.perf_counter() - start
        if folder is None:
            shutil.rmtree(work, ignore_errors=True)
        elif out.status is Status.OK and not keep:
            out.spent = work
    return out


def _call(out: Outcome, asked: Job, folder: Path, name: str) -> None:
    with disk_errors(folder):
        (folder / "job.json").write_text(json.dumps(asked, indent=1), encoding="utf-8")
    used = process.run(
        [*command(name), "job.json", RESULT],
        folder,
        environment(name),
        asked["settings"]["timeout_s"],
    )
    out.cpu_s, out.max_rss_mb = used.cpu_s, used.max_rss_mb
    if used.returncode < 0:
        raise EngineError("signal", f"GPAW was ended by signal {-used.returncode}")
    if used.returncode == 0:
        parse(_files(folder))
        out.status = Status.OK
        return
    kind, why = _why(folder)
    if used.returncode == UNCONVERGED:
        out.status, out.error_class = Status.UNCONVERGED, "not_self_consistent"
        out.message = f"GPAW: {why}"
        return
    raise EngineError(kind, f"GPAW stopped: {why}")


def _files(folder: Path) -> dict[str, bytes]:
    path = folder / RESULT
    return {RESULT: path.read_bytes()} if path.is_file() else {}


def failure(files: Mapping[str, bytes]) -> tuple[str, str] | None:
    """Class and message of the error that a kept result states; None if it states none."""
    try:
        found = json.loads(files[RESULT])["error"]
    except (KeyError, TypeError, ValueError):
        return None
    if not found:
        return None
    known = found if isinstance(found, dict) else {"message": found}
    text = " ".join(str(known.get("message") or "no message").split())
    return str(known.get("class") or "engine_failed"), text


def _why(folder: Path) -> tuple[str, str]:
    """Class and message of what the child said of its failure; else its last line."""
    found = failure(_files(folder))
    if found:
        return found
    log = folder / "child.log"
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else "no message"
    missing = "No module named" in last
    return "engine_missing" if missing else "engine_failed", last[:300]


def version_in(files: Mapping[str, bytes]) -> str:
    """Version of GPAW that a kept result names; empty if it names none."""
    try:
        return f"gpaw {json.loads(files[RESULT])['version']}"
    except (KeyError, ValueError):
        return ""


def parse(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """Steps of a kept result, by name: ``energy``, ``edges``, ``hybrid_HSE06`` ...

    Raises
    ------
    EngineError
        ``truncated_output`` or ``no_output``.
    """
    if RESULT not in files:
        raise EngineError("no_output", f"GPAW: no {RESULT}")
    try:
        data = json.loads(files[RESULT])
        steps = data["steps"]
        return {str(name): dict(step) for name, step in steps.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError("truncated_output", f"GPAW: {RESULT} cannot be read ({error})") from None
