"""Read FEFF output folders (own and foreign): spectrum, threshold, self-consistency."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from defectra.campaign.engine import Parsed
from defectra.core.errors import EngineError
from defectra.core.fortran import real
from defectra.core.textfiles import read_text
from defectra.engines.finished.columns import checked, damaged, merged, row_of, table_of

PARSER_VERSION = "2"
# The titles come first and may say anything; what FEFF says stands below its line `POT`.
_POTENTIALS = re.compile(r"^[#\s]*POT\s+(?:Non-)?SCF\b", re.I)
_MU = re.compile(r"Mu=\s*([-+.\dEeDd]+)\s*(?:eV)?\s*kf=|Mu=\s*([-+.\dEeDd]+)\s*(?:eV)?\s*$", re.M)
_STEP = re.compile(r"xsedge\s*\+\s*\d+\s*,\s*used to normalize mu\s+([-+.\dEeDd]+)")
_ITERATION = re.compile(r"SCF ITERATION NUMBER\s+(\d{1,9})", re.IGNORECASE)
_OUT_OF = re.compile(r"SCF ITERATION NUMBER\s+(\d{1,9})\s+OUT OF\s+(\d{1,9})", re.IGNORECASE)
_CONVERGED = re.compile(
    r"^\s*Convergence reached(?:\s+in\s+(\d{1,9})\s+iteration|\s*\.)", re.IGNORECASE | re.MULTILINE
)


def read_folder(folder: str | Path) -> Parsed:
    """Read a finished folder: ``xmu.dat``, and ``log1.dat`` for self-consistency."""
    folder = Path(folder)
    converged, iterations = read_convergence(folder / "log1.dat")
    return replace(read_xmu(folder / "xmu.dat"), converged=converged, iterations=iterations)


def read_xmu(path: str | Path) -> Parsed:
    """Read ``xmu.dat`` of FEFF9 or FEFF10; it does not say whether potentials converged.

    Raises
    ------
    EngineError
        ``missing_output``, ``truncated_output``, ``not_finite`` or ``bad_output``.
    """
    path = Path(path)
    header, rows = _split(path)
    data = table_of(rows, path)
    energy, (mu, relative, mu0) = merged(path, data[:, 0], data[:, 3], data[:, 1], data[:, 4])
    energy, mu = checked(path, energy, mu)
    text = "\n".join(written_by_feff(header))
    level = next(iter([*_MU.finditer(text)][-1:]), None)
    step = next(iter([*_STEP.finditer(text)][-1:]), None)
    if level is None or step is None:
        raise EngineError("bad_output", f"{path.name}: no Fermi level or edge step in the header")
    try:
        words = (level.group(1) or level.group(2), step.group(1))
        efermi, edge_step = (real(w) for w in words)
    except ValueError:
        raise EngineError("bad_output", f"{path.name}: a damaged number in the header") from None
    with np.errstate(over="ignore", invalid="ignore"):  # damaged numbers may be as large as any
        edge = float(np.mean(energy - relative)) + efermi
    if not np.isfinite([efermi, edge, edge_step]).all():
        raise EngineError("bad_output", f"{path.name}: a damaged number in the header")
    return Parsed(
        energy,
        mu,
        mu0,
        efermi,
        edge,
        edge_step,
        converged=False,
        iterations=0,
    )


def check_end(path: str | Path, k_max: float, k_step: float) -> None:
    """Check that a spectrum reaches the end of its grid: a full disk may cut off whole lines.

    Parameters
    ----------
    k_max, k_step
        Of the input, 1/Å.

    Raises
    ------
    EngineError
        ``truncated_output``.
    """
    _, rows = _split(Path(path))
    last = rows[-1][2] if rows else 0.0
    if last < k_max - k_step / 2:
        raise EngineError("truncated_output", f"xmu.dat ends at k = {last:g} of {k_max:g} 1/Å")


def written_by_feff(header: list[str]) -> list[str]:
    """Header lines that FEFF wrote itself: from its line of the potentials on."""
    starts = [n for n, line in enumerate(header) if _POTENTIALS.match(line)]
    return header[starts[-1] :] if starts else header


def _split(path: Path) -> tuple[list[str], list[list[float]]]:
    lines = read_text(path).splitlines()
    header = [line for line in lines if line.lstrip().startswith("#")]
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        values = row_of(line)
        if values is None:
            kind = "truncated_output" if damaged(line.strip()) else "bad_output"
            raise EngineError(kind, f"{path.name}: line {number} is no number row")
        if len(values) != 6:
            raise EngineError(
                "truncated_output",
                f"{path.name}: line {number} has {len(values)} columns instead of 6: cut off, or "
                "another program's",
            )
        rows.append(values)
    return header, rows


def _stopped_early(text: str) -> bool:
    """Whether FEFF 8 left its cycle before the last iteration: it has no word for convergence."""
    found = _OUT_OF.findall(text)
    silent = "convergence" not in text.lower() and re.search(r"Done with module:? ?1?", text)
    return bool(found and silent and int(found[-1][0]) < int(found[-1][1]))


def read_convergence(path: str | Path) -> tuple[bool, int]:
    """Whether the potentials of ``log1.dat`` are self-consistent, and after how many iterations."""
    path = Path(path)
    if not path.exists():
        return False, 0
    text = read_text(path)
    steps = max((int(n) for n in _ITERATION.findall(text)), default=0)
    done = [*_CONVERGED.finditer(text)]
    if not done and _stopped_early(text):
        return True, steps
    return bool(done), int(done[-1].group(1) or steps) if done else steps
