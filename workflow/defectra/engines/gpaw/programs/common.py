"""What the GPAW programs of this folder share; it needs numpy and, where said, ase and gpaw.

The programs are run as ``python FOLDER/program.py JOB RESULT`` by a Python that has GPAW (GPL-3);
Python then finds this module beside them. The package never imports any of them.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Json = dict[str, Any]
UNCONVERGED = 3  # exit code: not self-consistent


def die_with_parent() -> None:
    """End this program when the one that started it has gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        return
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def read(path: str | Path) -> Json:
    """Object of a JSON file; empty if there is no such file."""
    path = Path(path)
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def is_first() -> bool:
    """Is this the only process, or the first of those that MPI started?"""
    mpi = sys.modules.get("gpaw.mpi")
    return mpi is None or mpi.world.rank == 0


def write(path: Path, value: Json) -> None:
    """Replace a JSON file; it is whole at any time. Of several processes the first one writes."""
    if not is_first():
        return
    draft = path.with_name(f".{path.name}.part")
    with draft.open("w", encoding="utf-8") as handle:
        json.dump(value, handle)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(path)


def used() -> Json:
    """CPU seconds (user + system) and peak memory (MB) of this program so far."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1024.0 if sys.platform == "linux" else 1024.0**2  # macOS counts bytes
    return {"cpu_s": spent.ru_utime + spent.ru_stime, "max_rss_mb": spent.ru_maxrss / unit}


def version() -> str:
    """Version of GPAW."""
    import gpaw

    return str(gpaw.__version__)


def atoms(job: Json) -> Any:
    """Atoms of ``lattice`` (Å), ``species``, ``coords`` (fractional), ``moments`` (µB, if any)."""
    from ase import Atoms

    found = Atoms(
        job["species"],
        scaled_positions=np.reshape(job["coords"], (-1, 3)),
        cell=np.reshape(job["lattice"], (3, 3)),
        pbc=True,
    )
    if job.get("moments"):
        found.set_initial_magnetic_moments(job["moments"])
    return found


def hubbard(job: Json) -> dict[str, str]:
    """U of each element of the cell that has one, as GPAW wants it: ``:d,6.000``."""
    given = job["settings"].get("hubbard") or {}
    return {e: f":{orbital},{u:.3f}" for e, (orbital, u) in given.items() if e in job["species"]}


def steps(path: Path, tasks: list[tuple[str, Callable[[], Json]]], about: Json) -> int:
    """Do each named task that the result does not hold yet, keeping what is done; the exit code.

    `about` goes into the result as it is. What goes wrong is there as ``error``, with a class and
    a message.
    """
    import gpaw

    result = read(path)
    result.pop("error", None)
    result |= {**about, "version": version()}
    done = result.setdefault("steps", {})
    try:
        for name, task in tasks:
            if name not in done:
                before = used()["cpu_s"]
                found = task()
                done[name] = {**found, "cpu_s": used()["cpu_s"] - before}
                write(path, {**result, **used()})
    except gpaw.ConvergenceError as error:
        result["error"] = {"class": "not_self_consistent", "message": str(error)[:300]}
    except MemoryError:
        result["error"] = {"class": "out_of_memory", "message": "not enough memory"}
    except Exception as error:  # what GPAW raises is not ours to list; it is reported as it is
        text = f"{type(error).__name__}: {error}"
        result["error"] = {"class": "engine_failed", "message": text[:300]}
    write(path, {**result, **used()})
    if "error" not in result:
        return 0
    return UNCONVERGED if result["error"]["class"] == "not_self_consistent" else 1
