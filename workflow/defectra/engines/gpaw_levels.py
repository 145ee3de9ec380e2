"""Hosts and charged cells by GPAW, a program of its own in a Python of its own."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.engines import process
from defectra.errors import EngineError

Json = dict[str, Any]

VARIABLE = "DEFECTRA_GPAW"
ROOT = Path(__file__).parents[3]
CHILD = Path(__file__).with_name("gpaw_levels_child.py")
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def python() -> Path | None:
    """Python that can import GPAW: of the variable, else of ``.venv-gpaw``; None without one."""
    named = os.environ.get(VARIABLE)
    found = Path(named) if named else ROOT / ".venv-gpaw" / "bin" / "python"
    return found if os.access(found, os.X_OK) else None


def compute(requests: Sequence[Mapping[str, Any]], timeout_s: float) -> dict[str, Json]:
    """Results of all requests by id, from one child; what it did not finish is not there.

    Raises
    ------
    EngineError
        ``engine_missing`` if there is no GPAW; ``crashed`` with the end of its log if the child
        ended badly before its first result.
    """
    program = python()
    if program is None:
        raise EngineError(
            "engine_missing",
            f"GPAW is not installed: `make engines` brings it into .venv-gpaw, or set {VARIABLE} "
            "to a Python that can import gpaw",
        )
    with tempfile.TemporaryDirectory(prefix="defectra-gpaw-") as name:
        folder = Path(name)
        (folder / "in.json").write_text(json.dumps(list(requests)), encoding="utf-8")
        (folder / "out").mkdir()
        command = [str(program), "-P", str(CHILD), "in.json", "out"]
        failure: EngineError | None = None
        try:
            if process.run(command, folder, THREADS, timeout_s).returncode:
                log = (folder / "child.log").read_text(encoding="utf-8", errors="replace")
                failure = EngineError("crashed", " ".join(log[-800:].split()))
        except EngineError as error:
            failure = error
        found = {p.stem: json.loads(p.read_text()) for p in (folder / "out").glob("*.json")}
    if failure is not None and not found:
        raise failure
    return found
