"""Hosts and charged cells by GPAW: batches of requests in one child, one result file for each.

Beside :mod:`defectra.engines.gpaw.run`, whose program it uses, since one start of GPAW serves a
whole set, and since charged cells need states and occupations near the Fermi level, hosts a
dielectric constant.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.core.errors import EngineError
from defectra.engines import process
from defectra.engines.gpaw import run as gpaw

Json = dict[str, Any]


def compute(requests: Sequence[Mapping[str, Any]], timeout_s: float) -> dict[str, Json]:
    """Results of all requests by id, from one child; what it did not finish is not there.

    Raises
    ------
    EngineError
        ``engine_missing`` if there is no GPAW (see :func:`gpaw.program`); ``crashed`` with the
        end of its log if the child ended badly before its first result.
    """
    command = [*gpaw.command("levels.py"), "in.json", "out"]
    with tempfile.TemporaryDirectory(prefix="defectra-gpaw-") as name:
        folder = Path(name)
        (folder / "in.json").write_text(json.dumps(list(requests)), encoding="utf-8")
        (folder / "out").mkdir()
        failure: EngineError | None = None
        try:
            if process.run(command, folder, gpaw.environment("levels.py"), timeout_s).returncode:
                log = (folder / "child.log").read_text(encoding="utf-8", errors="replace")
                failure = EngineError("crashed", " ".join(log[-800:].split()))
        except EngineError as error:
            failure = error
        found = {p.stem: json.loads(p.read_text()) for p in (folder / "out").glob("*.json")}
    if failure is not None and not found:
        raise failure
    return found
