"""One run of FEFF from an input file, for benchmarks: its cost, convergence and spectrum."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.kept import machine
from defectra.core.errors import EngineError
from defectra.engines import process
from defectra.engines.feff import child as feff_child
from defectra.engines.feff.dimensions import limited
from defectra.engines.feff.output import read_folder
from defectra.engines.feff.run import ALLOCATOR, ATOMS

TIMEOUT = 4 * 3600.0


def run_input(text: str, stages: tuple[str, ...], largest: int | None = None) -> dict[str, Any]:
    """Cost, convergence and spectrum of one ``feff.inp``; `message` says why there is none.

    Parameters
    ----------
    largest
        Atoms of the largest cluster of the potentials: their arrays are cut to it, as this
        project's driver does, and the stages are those after ``pot``. None: FEFF's own sizes.
    """
    with tempfile.TemporaryDirectory(prefix="feff-") as name:
        folder, out = Path(name), machine()
        (folder / "feff.inp").write_text(text, encoding="utf-8")
        out |= {"cpu_s": 0.0, "wall_s": 0.0, "message": ""}
        if largest is not None:
            _call(folder, ATOMS, out)
            with limited(folder, largest):
                _call(folder, ("pot",), out)
        _call(folder, stages, out)
        try:
            found = read_folder(folder)
        except EngineError as error:
            return out | {"message": str(error)}
        out |= {"converged": found.converged, "iterations": found.iterations}
        out |= {"edge": found.edge, "efermi": found.efermi}
        return out | {"energy": found.energy.tolist(), "mu": found.mu.tolist()}


def _call(folder: Path, stages: tuple[str, ...], out: dict[str, Any]) -> None:
    command = [sys.executable, "-P", feff_child.__file__, *stages]
    used = process.run(command, folder, ALLOCATOR, TIMEOUT)
    out["cpu_s"] += used.cpu_s
    out["wall_s"] += used.wall_s
