"""An engine of no cost and no physics: deterministic curves, for tests of the workflow itself."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from defectra.campaign.engine import Outcome, Parsed
from defectra.core.errors import EngineError
from defectra.core.limits import LIMIT
from defectra.core.records import Status
from defectra.engines.feff.settings import FeffProtocol
from defectra.engines.release import release

ENGINE = "synthetic"
PARSER_VERSION = "1"

_ONSET = {"Li": 55.0, "O": 530.0, "Mn": 6539.0, "Co": 7709.0, "Ni": 8333.0}
_ONSET_L3 = {"Mn": 639.0, "Co": 778.0, "Ni": 853.0}


def engine_version() -> str:
    """Version of the curves."""
    return release(ENGINE)


def parse(files: Mapping[str, bytes]) -> Parsed:
    """Curve from the few numbers that `run` kept."""
    try:
        data = json.loads(files["curve.json"])
        onset, peak = float(data["onset"]), float(data["peak"])
    except (KeyError, ValueError, TypeError) as error:
        raise EngineError("bad_output", f"curve.json cannot be read: {error}") from None
    energy = onset + np.linspace(-15.0, 46.0, 62)
    step = 0.5 + np.arctan(energy - onset) / np.pi
    mu = step + peak * np.exp(-(((energy - onset - 6.0) / 2.0) ** 2))
    return Parsed(energy, mu, step, -10.0, onset, 1e-3, True, 1)


class Site:
    """One absorber; the curve depends on its identity alone."""

    def __init__(self, geometry: Mapping[str, Any], index: int) -> None:
        self.key = f"{geometry['geometry_id']}/{geometry['site_labels'][index]}"
        self.element = geometry["species"][index]

    def identity(self, edge: str, protocol: FeffProtocol) -> str:
        """`calculation_id` of an edge."""
        text = self.inputs(edge, protocol)["input.txt"]
        return hashlib.sha256(text.encode()).hexdigest()

    def inputs(self, edge: str, protocol: FeffProtocol) -> dict[str, str]:
        """Input files by name: what the identity is the hash of; no words, one order."""
        holes = dict(sorted(protocol.core_hole.items()))
        plain = protocol.model_copy(update={"description": "", "core_hole": holes})
        return {"input.txt": f"{self.key}/{edge}/{plain.model_dump_json(exclude={LIMIT})}"}

    def run(self, edge: str, protocol: FeffProtocol, folder: Path | None = None) -> Outcome:  # noqa: ARG002
        """Draw the curve.

        For tests: ``DEFECTRA_SYNTHETIC_STARTS`` names a file that counts what was begun,
        ``DEFECTRA_SYNTHETIC_GATE`` a named pipe that is passed for one byte each.
        """
        name = self.identity(edge, protocol)
        if path := os.environ.get("DEFECTRA_SYNTHETIC_STARTS"):
            with Path(path).open("a", encoding="utf-8") as handle:
                handle.write(f"{name}\n")
        if path := os.environ.get("DEFECTRA_SYNTHETIC_GATE"):
            _pass_gate(path)
        onset = (_ONSET if edge == "K" else _ONSET_L3)[self.element]
        curve = {"onset": onset, "peak": int(name[:4], 16) / 65536}
        files = {"curve.json": json.dumps(curve).encode()}
        return Outcome(name, Status.OK, inputs_sha256=name, files=files)


def _pass_gate(path: str) -> None:
    """Wait for a byte of a named pipe; at once if nobody holds its other end."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.set_blocking(handle, True)
        os.read(handle, 1)
    finally:
        os.close(handle)


def site(geometry: Mapping[str, Any], index: int) -> Site:
    """Runner of one site."""
    return Site(geometry, index)
