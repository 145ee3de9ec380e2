"""FEFF10 of the ``feff10-rs`` wheel: run one site, all its edges, and parse what came out."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from defectra.campaign import node
from defectra.campaign.engine import Outcome, Parsed
from defectra.core.errors import EngineError
from defectra.core.records import Status
from defectra.core.store import write_bytes
from defectra.engines import process
from defectra.engines.feff import child as feff_child
from defectra.engines.feff.dimensions import largest_cluster, limited
from defectra.engines.feff.input import (
    Cluster,
    calculation_id,
    cluster,
    feff_input,
    potentials_key,
)
from defectra.engines.feff.output import (
    PARSER_VERSION,
    check_end,
    read_convergence,
    read_folder,
)
from defectra.engines.feff.potentials import carry_over
from defectra.engines.feff.settings import FeffProtocol
from defectra.engines.release import release
from defectra.engines.verdict import REFUSED, feff_convergence, feff_refusal, machine_class

ENGINE = "feff"

# Half the time of a run goes into mapping and unmapping memory unless glibc is set otherwise;
# the output is the same to the bit.
ALLOCATOR = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
}
# The stages that a XANES run without density of states, paths or EELS needs.
ATOMS = ("rdinp", "atomic")
POTENTIALS = (*ATOMS, "pot")
SPECTRUM = ("screen", "xsph", "fms", "mkgtr", "path", "genfmt", "ff2x")
KEPT = ("xmu.dat", "log1.dat")
LOGS = ("log.dat", "log1.dat", "stages.json")  # what proves that FEFF refused an input
# After these a second attempt with another mixing may help; all others may be the machine's.
ANOTHER_MIXING = ("not_self_consistent", "not_finite", "bad_output", REFUSED)

__all__ = ["ENGINE", "PARSER_VERSION", "Site", "engine_version", "parse", "site"]


def engine_version() -> str:
    """Version of the wheel and of the Fortran in it."""
    return release(ENGINE)


def site(geometry: Mapping[str, Any], index: int) -> Site:
    """Runner of one site."""
    return Site(geometry, index)


def parse(files: Mapping[str, bytes]) -> Parsed:
    """Read kept raw outputs again.

    Raises
    ------
    EngineError
        If they are missing, cut off or not a spectrum.
    """
    with tempfile.TemporaryDirectory(prefix="feff-") as name:
        folder = Path(name)
        for file in KEPT:
            if file in files:
                (folder / file).write_bytes(files[file])
        return read_folder(folder)


class Site:
    """One absorber of one geometry: calculations share potentials where that changes no bit.

    The same edge with another radius of full multiple scattering always can; another edge can
    if the core hole is screened after self-consistency (``COREHOLE RPA``).

    Parameters
    ----------
    geometry
        Row of the geometries table.
    index
        Site in that row.
    """

    def __init__(self, geometry: Mapping[str, Any], index: int) -> None:
        self.cluster: Cluster = cluster(geometry, index)
        self._potentials: dict[str, tuple[str, str, str, str]] = {}
        self._plains: dict[tuple[str, str], str] = {}

    def identity(self, edge: str, protocol: FeffProtocol) -> str:
        """`calculation_id` of an edge."""
        return calculation_id(self.inputs(edge, protocol)["feff.inp"])

    def last_input(self, edge: str, protocol: FeffProtocol) -> str:
        """SHA-256 of the input with the safer mixing."""
        return calculation_id(feff_input(self.cluster, edge, protocol, protocol.safer_mixing))

    def inputs(self, edge: str, protocol: FeffProtocol) -> dict[str, str]:
        """Input files by name."""
        return {"feff.inp": feff_input(self.cluster, edge, protocol, protocol.mixing)}

    def run(self, edge: str, protocol: FeffProtocol, folder: Path | None = None) -> Outcome:
        """Compute one edge; a second attempt with safer mixing if it is not self-consistent.

        Parameters
        ----------
        folder
            Gets what is kept of the run; FEFF itself works in temporary folders.
        """
        outcome = Outcome(self.identity(edge, protocol))
        for attempt, mixing in enumerate((protocol.mixing, protocol.safer_mixing), 1):
            outcome.attempt = attempt
            self._attempt(outcome, edge, protocol, mixing)
            if outcome.status is Status.OK or outcome.error_class not in ANOTHER_MIXING:
                break
        if folder is not None:
            for name, text in self.inputs(edge, protocol).items():
                write_bytes(folder / name, text.encode())
            for name, data in outcome.files.items():
                write_bytes(folder / name, data)
        return outcome

    def _attempt(self, out: Outcome, edge: str, protocol: FeffProtocol, mixing: float) -> None:
        text = feff_input(self.cluster, edge, protocol, mixing)
        out.inputs_sha256 = calculation_id(text)
        folder = Path(tempfile.mkdtemp(prefix="feff-"))
        start = time.perf_counter()
        try:
            (folder / "feff.inp").write_text(text, encoding="utf-8")
            self._stages(out, folder, text, edge, protocol)
            self._read(out, folder, protocol)
        except EngineError as error:
            _fail(out, folder, error)
        finally:
            out.wall_s += time.perf_counter() - start
            shutil.rmtree(folder, ignore_errors=True)

    def _read(self, out: Outcome, folder: Path, protocol: FeffProtocol) -> None:
        """Take in a finished folder.

        Raises
        ------
        EngineError
            If it does not hold a whole spectrum and the end of self-consistency.
        """
        found = read_folder(folder)
        files = {name: (folder / name).read_bytes() for name in KEPT if (folder / name).exists()}
        log = files.get("log1.dat", b"").decode("utf-8", errors="replace")
        if feff_convergence(log) is None:
            raise EngineError("truncated_output", "log1.dat gives no end of self-consistency")
        check_end(folder / "xmu.dat", protocol.k_max, protocol.k_step)
        out.files = files
        out.status = Status.OK if found.converged else Status.UNCONVERGED
        out.error_class = "" if found.converged else "not_self_consistent"
        out.message = "" if found.converged else f"{found.iterations} iterations did not do"

    def _stages(
        self, out: Outcome, folder: Path, text: str, edge: str, protocol: FeffProtocol
    ) -> None:
        timeout_s = protocol.timeout_s
        key = potentials_key(text) + ("" if "COREHOLE RPA" in text else edge)
        known = self._potentials.get(key)
        if known is None:
            self._own_potentials(out, folder, protocol)
            if read_convergence(folder / "log1.dat")[0]:
                log = (folder / "log1.dat").read_text(encoding="utf-8", errors="replace")
                pot = (folder / "pot.bin").read_text(encoding="latin-1")
                self._potentials[key] = (edge, pot, log, out.calculation_id)
            self._call(out, folder, SPECTRUM, timeout_s)
            return
        from_edge, pot, log, owner = known
        if from_edge != edge:
            plain = [self._plain(out, text, e, key, timeout_s) for e in (from_edge, edge)]
            pot = carry_over(pot, *plain)
        self._call(out, folder, ATOMS, timeout_s)
        (folder / "pot.bin").write_text(pot, encoding="latin-1")
        (folder / "log1.dat").write_text(log, encoding="utf-8")
        out.shared_from = owner
        self._call(out, folder, SPECTRUM, timeout_s)

    def _own_potentials(self, out: Outcome, folder: Path, protocol: FeffProtocol) -> None:
        self._call(out, folder, ATOMS, protocol.timeout_s)
        with limited(folder, largest_cluster(self.cluster, protocol.scf_radius)):
            self._call(out, folder, ("pot",), protocol.timeout_s)

    def _plain(self, out: Outcome, text: str, edge: str, key: str, timeout_s: float) -> str:
        """``pot.bin`` of an edge without self-consistency; computed once."""
        if (key, edge) in self._plains:
            return self._plains[key, edge]
        lines = [line for line in text.splitlines() if not line.startswith("SCF ")]
        lines = [f"EDGE {edge}" if line.startswith("EDGE ") else line for line in lines]
        folder = Path(tempfile.mkdtemp(prefix="feff-"))
        try:
            (folder / "feff.inp").write_text("\n".join([*lines, ""]), encoding="utf-8")
            self._call(out, folder, POTENTIALS, timeout_s)
            self._plains[key, edge] = (folder / "pot.bin").read_text(encoding="latin-1")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return self._plains[key, edge]

    def _call(self, out: Outcome, folder: Path, stages: tuple[str, ...], timeout_s: float) -> None:
        command = [sys.executable, "-P", feff_child.__file__, str(os.getpid()), *stages]
        used = process.run(command, folder, ALLOCATOR, timeout_s)
        out.cpu_s += used.cpu_s
        out.max_rss_mb = max(out.max_rss_mb, used.max_rss_mb)
        if used.returncode < 0:
            raise EngineError("signal", f"FEFF was ended by signal {-used.returncode}")
        if used.returncode != 0:
            raise _failure(folder)


def _fail(out: Outcome, folder: Path, error: EngineError) -> None:
    """Take in a failed attempt; a spectrum of the first one is kept."""
    if not out.files or out.status is Status.FAILED:
        out.status = Status.FAILED
        out.error_class, out.message = error.error_class, str(error)
        names = [n for n in LOGS if error.error_class == REFUSED and (folder / n).exists()]
        out.files = {name: (folder / name).read_bytes() for name in names}
    elif error.error_class not in ANOTHER_MIXING:  # the second attempt is still to be made
        out.error_class = machine_class(error.error_class, str(error))
        out.message = f"{out.message}; second attempt: {error}"


def _failure(folder: Path) -> EngineError:
    """Why a run ended badly: its input was refused, or the machine did not let it."""
    logs = {name: (folder / name).read_bytes() for name in LOGS if (folder / name).exists()}
    refusal, lack = feff_refusal(logs), node.full(folder)
    if refusal and not lack:
        return EngineError(REFUSED, f"FEFF refused the input: {refusal}")
    return EngineError("engine_failed", "; ".join(t for t in (_why(folder), lack) if t))


def _why(folder: Path) -> str:
    """Last informative line of a failed run."""
    for name in ("log1.dat", "log.dat", "stages.json", "child.log"):
        path = folder / name
        if path.exists():
            text = path.read_text(encoding="utf-8", errors="replace")
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            reasons = [
                x for x in lines if any(w in x for w in ("rror", "annot", "ould not", "quitting"))
            ]
            if reasons:
                return f"FEFF stopped: {'; '.join(reasons[-3:])[:300]}"
    return "FEFF stopped without a message"
