"""FEFF10 of the ``feff10-rs`` wheel: run one site, all its edges, and parse what came out."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from defectra.config import FeffProtocol
from defectra.engines import process
from defectra.engines.feff_input import (
    Cluster,
    calculation_id,
    cluster,
    feff_input,
    potentials_key,
)
from defectra.engines.feff_parse import FeffSpectrum, read_convergence, read_xmu
from defectra.engines.feff_potentials import carry_over
from defectra.errors import EngineError
from defectra.records import Status

ENGINE = "feff"

# Half the time of a run goes into mapping and unmapping memory unless glibc is told otherwise;
# the output is the same to the bit.
ALLOCATOR = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
}
# The stages that a XANES run without density of states, paths or EELS needs.
POTENTIALS = ("rdinp", "atomic", "pot")
SPECTRUM = ("screen", "xsph", "fms", "mkgtr", "path", "genfmt", "ff2x")
KEPT = ("xmu.dat", "log1.dat")


@dataclass
class Outcome:
    """What became of one calculation.

    Attributes
    ----------
    calculation_id
        SHA-256 of the input of the first attempt: the identity of what was asked.
    inputs_sha256
        SHA-256 of the input that was run in the end (other mixing in a second attempt).
    files
        Raw outputs that can be parsed again.
    """

    calculation_id: str
    status: Status = Status.FAILED
    attempt: int = 1
    error_class: str = ""
    message: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    max_rss_mb: float = 0.0
    iterations: int = 0
    shared_from: str = ""
    inputs_sha256: str = ""
    spectrum: FeffSpectrum | None = None
    files: dict[str, bytes] = field(default_factory=dict)


def engine_version() -> str:
    """Version of the wheel and of the Fortran in it."""
    return f"feff10-rs {version('feff10-rs')} (FEFF 10.0.0)"


class Site:
    """One absorber of one geometry: its edges share potentials where that changes no bit.

    Parameters
    ----------
    geometry
        Row of the geometries table.
    index
        Site in that row.
    """

    def __init__(self, geometry: Mapping[str, Any], index: int) -> None:
        self.cluster: Cluster = cluster(geometry, index)
        self._potentials: dict[str, tuple[str, str, str, int]] = {}

    def identity(self, edge: str, protocol: FeffProtocol) -> str:
        """`calculation_id` of an edge."""
        return calculation_id(feff_input(self.cluster, edge, protocol, protocol.mixing))

    def run(self, edge: str, protocol: FeffProtocol) -> Outcome:
        """Compute one edge; a second attempt with safer mixing if it is not self-consistent."""
        outcome = Outcome(self.identity(edge, protocol))
        for attempt, mixing in enumerate((protocol.mixing, protocol.safer_mixing), 1):
            outcome.attempt = attempt
            self._attempt(outcome, edge, protocol, mixing)
            if outcome.status is Status.OK or outcome.error_class in ("timeout", "log_too_large"):
                break
        return outcome

    def _attempt(self, out: Outcome, edge: str, protocol: FeffProtocol, mixing: float) -> None:
        text = feff_input(self.cluster, edge, protocol, mixing)
        out.inputs_sha256 = calculation_id(text)
        folder = Path(tempfile.mkdtemp(prefix="feff-"))
        start = time.perf_counter()
        try:
            (folder / "feff.inp").write_text(text, encoding="utf-8")
            self._stages(out, folder, text, edge, protocol.timeout_s)
            out.spectrum = read_xmu(folder / "xmu.dat")
            converged, out.iterations = read_convergence(folder / "log1.dat")
            out.status = Status.OK if converged else Status.UNCONVERGED
            out.error_class = "" if converged else "not_self_consistent"
            out.message = (
                "" if converged else f"potentials not converged in {out.iterations} iterations"
            )
            out.files = {name: (folder / name).read_bytes() for name in KEPT}
        except EngineError as error:
            if out.spectrum is None:
                out.status = Status.FAILED
                out.error_class, out.message = error.error_class, str(error)
        finally:
            out.wall_s += time.perf_counter() - start
            shutil.rmtree(folder, ignore_errors=True)

    def _stages(self, out: Outcome, folder: Path, text: str, edge: str, timeout_s: float) -> None:
        key = potentials_key(text)
        share = "COREHOLE RPA" in text
        known = self._potentials.get(key) if share else None
        if known is None:
            self._call(out, folder, (*POTENTIALS, *SPECTRUM), timeout_s)
            if share and read_convergence(folder / "log1.dat")[0]:
                log = (folder / "log1.dat").read_text(encoding="utf-8", errors="replace")
                pot = (folder / "pot.bin").read_text(encoding="latin-1")
                self._potentials[key] = (edge, pot, log, 0)
                self._owner = out.calculation_id
            return
        from_edge, pot, log, _ = known
        if from_edge != edge:
            plain = [self._plain(out, text, e, timeout_s) for e in (from_edge, edge)]
            pot = carry_over(pot, *plain)
        self._call(out, folder, ("rdinp", "atomic"), timeout_s)
        (folder / "pot.bin").write_text(pot, encoding="latin-1")
        (folder / "log1.dat").write_text(log, encoding="utf-8")
        out.shared_from = self._owner
        self._call(out, folder, SPECTRUM, timeout_s)

    def _plain(self, out: Outcome, text: str, edge: str, timeout_s: float) -> str:
        """``pot.bin`` of an edge without self-consistency."""
        lines = [line for line in text.splitlines() if not line.startswith("SCF ")]
        lines = [f"EDGE {edge}" if line.startswith("EDGE ") else line for line in lines]
        folder = Path(tempfile.mkdtemp(prefix="feff-"))
        try:
            (folder / "feff.inp").write_text("\n".join([*lines, ""]), encoding="utf-8")
            self._call(out, folder, POTENTIALS, timeout_s)
            return (folder / "pot.bin").read_text(encoding="latin-1")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _call(self, out: Outcome, folder: Path, stages: tuple[str, ...], timeout_s: float) -> None:
        command = [sys.executable, "-m", "defectra.engines.feff_child", *stages]
        used = process.run(command, folder, ALLOCATOR, timeout_s)
        out.cpu_s += used.cpu_s
        out.max_rss_mb = max(out.max_rss_mb, used.max_rss_mb)
        if used.returncode != 0:
            raise EngineError("engine_failed", _why(folder))


def _why(folder: Path) -> str:
    """Last telling line of a failed run."""
    for name in ("log1.dat", "log.dat", "stages.json", "child.log"):
        path = folder / name
        if path.exists():
            text = path.read_text(encoding="utf-8", errors="replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            told = [x for x in lines if any(w in x for w in ("rror", "annot", "ould not", "quitting"))]
            if told:
                return f"FEFF stopped: {'; '.join(told[-3:])[:300]}"
    return "FEFF stopped without a message"
