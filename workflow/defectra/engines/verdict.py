"""Whether a calculation is finished: decided by the physics, or stopped by the machine.

A white list: finished is what an engine's own output proves. Everything else (no output, an output
cut off, a full disk, too little memory, an engine that cannot be imported, a signal, a time limit)
may be the machine's, stays in its table as a row of class ``machine:...``, and is tried again at
the next start. Nothing here touches a file or the machine.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from defectra.campaign.verdict import MACHINE, is_machine, machine_class
from defectra.core.records import Status

Row = dict[str, Any]
Files = Mapping[str, bytes]
Proof = Callable[[Files], bool]

__all__ = ["MACHINE", "REFUSED", "is_finished", "is_machine", "machine_class"]

REFUSED = "input_refused"  # by the engine, with a sentence of its own
UNCONVERGED = ("not_self_consistent", "convergence_unknown")

# Sentences of FEFF 10 about an input that it does not compute, as they stand in its source text.
_FEFF_REFUSALS = re.compile(
    r"Too many (?:atoms|overlap shells)"
    r"|No atoms or overlap cards for unique pot"
    r"|(?:No|More than one|Only one) absorbing atom"
    r"|Absorbing atom coords not specified"
    r"|Unique potentials must be between"
    r"|Cannot find all representative atoms"
    r"|Cannot remove an electron from this level"
    r"|Cannot run with specified ca1 in SCF card"
    r"|Fatal error in subroutine corval"
    r"|error in getorb\.f"
)
# The last line of a FEFF that stopped by itself names the routine: RDINP-3, CORVAL-1.
_FEFF_STOP = re.compile(r"[A-Z][A-Z0-9_]*(?:-\d*)?")
# What the wheel says of a line of feff.inp before FEFF is started.
_FEFF_LINE = re.compile(r"line \d+: ")


def is_finished(engine: str, row: Mapping[str, Any], files: Files | None = None) -> bool:
    """Whether what became of a calculation is decided, so that it is not computed again.

    Parameters
    ----------
    engine
        Name in the tables.
    row
        ``status`` and ``error_class``; of an archive ``iterations`` as well, where it has them.
    files
        Raw outputs that were kept; None for a row of an archive, which holds none: its spectrum
        was read from them before it was archived.
    """
    status, kind = str(row["status"]), str(row["error_class"])
    if status == Status.OK:
        wanted = not kind
    elif status == Status.UNCONVERGED:
        wanted = kind in UNCONVERGED
    else:
        wanted = kind in _FAILURES.get(engine, ())
    if not wanted:
        return False
    if files is None:
        ran_out = status == Status.UNCONVERGED and engine == "feff"
        return not ran_out or int(row.get("iterations", 1)) > 0
    proof = _PROOFS.get((engine, status))
    return proof is not None and proof(files)


def is_level_result(found: Mapping[str, Any]) -> bool:
    """Whether GPAW's result of a host, a cell or a phase of study levels is a finished one."""
    if found.get("status") == Status.UNCONVERGED:
        return bool(found.get("message"))
    return any(_finite(found.get(key)) for key in ("energy_eV", "lattice_A"))


def feff_refusal(files: Files) -> str:
    """FEFF's own sentence about an input that it refuses; empty if its logs prove none.

    Parameters
    ----------
    files
        ``log.dat``, ``log1.dat`` and ``stages.json``, those that are there.
    """
    for name in ("log1.dat", "log.dat"):
        lines = [x.strip() for x in _text(files, name).splitlines() if x.strip()]
        if lines and _FEFF_STOP.fullmatch(lines[-1]):
            said = [x for x in lines if _FEFF_REFUSALS.search(x)]
            if said:
                return said[-1]
    said_of_line = str(_object(files, "stages.json").get("error", ""))
    return said_of_line if _FEFF_LINE.match(said_of_line) else ""


def feff_convergence(log: str) -> bool | None:
    """What ``log1.dat`` says of self-consistency; None if it does not come to an end."""
    if "Convergence reached in" in log:
        return True
    if re.search(r"Convergence (?:tolerance )?not reached", log):
        return False
    return None


def has_proof(engine: str) -> bool:
    """Whether the outputs of an engine are known well enough to prove how a run ended."""
    return (engine, str(Status.OK)) in _PROOFS


def _feff_spectrum(files: Files) -> bool:
    """Whether ``xmu.dat`` ends with a whole line."""
    return files.get("xmu.dat", b"").endswith(b"\n")


def _feff_ok(files: Files) -> bool:
    return _feff_spectrum(files) and feff_convergence(_text(files, "log1.dat")) is True


def _feff_unconverged(files: Files) -> bool:
    return _feff_spectrum(files) and feff_convergence(_text(files, "log1.dat")) is False


def _gpaw_ok(files: Files) -> bool:
    result = _object(files, "result.json")
    return bool(result.get("steps")) and not result.get("error")


def _gpaw_unconverged(files: Files) -> bool:
    error = _object(files, "result.json").get("error")
    return isinstance(error, dict) and error.get("class") == "not_self_consistent"


def _curve(files: Files) -> bool:
    return {"onset", "peak"} <= _object(files, "curve.json").keys()


# Failures that the physics decides: FEFF's refusals, and a scan of volumes without a minimum.
_FAILURES: Mapping[str, tuple[str, ...]] = {
    "feff": (REFUSED,),
    "synthetic": (REFUSED,),
    "gpaw": ("no_minimum",),
}
_PROOFS: Mapping[tuple[str, str], Proof] = {
    ("feff", "ok"): _feff_ok,
    ("feff", "unconverged"): _feff_unconverged,
    ("feff", "failed"): lambda files: bool(feff_refusal(files)),
    ("gpaw", "ok"): _gpaw_ok,
    ("gpaw", "unconverged"): _gpaw_unconverged,
    ("gpaw", "failed"): _gpaw_ok,  # the energies are there, the minimum is not
    ("gpaw_corehole", "ok"): _gpaw_ok,
    ("gpaw_corehole", "unconverged"): _gpaw_unconverged,
    ("gpaw_emitter", "ok"): _gpaw_ok,
    ("gpaw_emitter", "unconverged"): _gpaw_unconverged,
    ("synthetic", "ok"): _curve,
    ("synthetic", "unconverged"): _curve,
    ("synthetic", "failed"): lambda files: "refusal" in files,
}


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _text(files: Files, name: str) -> str:
    return files.get(name, b"").decode("utf-8", errors="replace")


def _object(files: Files, name: str) -> dict[str, Any]:
    try:
        found = json.loads(files.get(name, b""))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
