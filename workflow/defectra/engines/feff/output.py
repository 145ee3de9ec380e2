"""Read FEFF output folders (own and foreign): spectrum, threshold, self-consistency."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from defectra.campaign.engine import Parsed
from defectra.core.errors import EngineError
from defectra.core.textfiles import read_text

PARSER_VERSION = "2"
_MU = re.compile(r"Mu=\s*([-+.\dEe]+)\s*eV|Mu=\s*([-+.\dEe]+)")
_STEP = re.compile(r"xsedge\s*\+\s*\d+\s*,\s*used to normalize mu\s+([-+.\dEe]+)")
_ITERATION = re.compile(r"SCF ITERATION NUMBER\s+(\d{1,9})", re.IGNORECASE)
_CONVERGED = re.compile(r"Convergence reached in\s+(\d{1,9})\s+iteration", re.IGNORECASE)


def read_folder(folder: str | Path) -> Parsed:
    """Read a finished folder: ``xmu.dat``, and ``log1.dat`` for self-consistency."""
    folder = Path(folder)
    converged, iterations = read_convergence(folder / "log1.dat")
    return replace(read_xmu(folder / "xmu.dat"), converged=converged, iterations=iterations)


def read_xmu(path: str | Path) -> Parsed:
    """Read ``xmu.dat`` of FEFF9 or FEFF10; it does not tell whether potentials converged.

    Raises
    ------
    EngineError
        ``missing_output``, ``truncated_output``, ``not_finite`` or ``bad_output``.
    """
    path = Path(path)
    header, rows = _split(path)
    if len(rows) < 20:
        raise EngineError("truncated_output", f"{path.name}: only {len(rows)} energies")
    data = np.array(rows)
    if not np.isfinite(data).all():
        raise EngineError("not_finite", f"{path.name}: not a number among the values")
    energy, relative, mu, mu0 = data[:, 0], data[:, 1], data[:, 3], data[:, 4]
    if (np.diff(energy) <= 0).any():
        raise EngineError("bad_output", f"{path.name}: energies do not increase")
    if np.ptp(mu) == 0 or mu.max() <= 0:
        raise EngineError("bad_output", f"{path.name}: the absorption is flat or negative")
    text = "\n".join(header)
    level, step = _MU.search(text), _STEP.search(text)
    if level is None or step is None:
        raise EngineError("bad_output", f"{path.name}: no Fermi level or edge step in the header")
    try:
        efermi, edge_step = float(level.group(1) or level.group(2)), float(step.group(1))
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


def _split(path: Path) -> tuple[list[str], list[list[float]]]:
    lines = read_text(path).splitlines()
    header = [line for line in lines if line.lstrip().startswith("#")]
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        try:
            values = [float(v) for v in line.split()]
        except ValueError:
            raise EngineError(
                "bad_output", f"{path.name}: line {number} is no number row"
            ) from None
        if len(values) != 6:
            raise EngineError("truncated_output", f"{path.name}: line {number} is cut off")
        rows.append(values)
    return header, rows


def read_convergence(path: str | Path) -> tuple[bool, int]:
    """Whether the potentials of ``log1.dat`` are self-consistent, and after how many iterations."""
    path = Path(path)
    if not path.exists():
        return False, 0
    text = read_text(path)
    done = _CONVERGED.search(text)
    if done:
        return True, int(done.group(1))
    steps = [int(n) for n in _ITERATION.findall(text)]
    return False, max(steps, default=0)
