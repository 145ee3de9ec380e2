"""Read FEFF output folders: spectrum, threshold, self-consistency. Used for own and foreign runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.errors import EngineError

PARSER_VERSION = "1"
_MU = re.compile(r"Mu=\s*([-+.\dEe]+)\s*eV|Mu=\s*([-+.\dEe]+)")
_STEP = re.compile(r"xsedge\s*\+\s*\d+\s*,\s*used to normalize mu\s+([-+.\dEe]+)")
_ITERATION = re.compile(r"SCF ITERATION NUMBER\s+(\d+)", re.IGNORECASE)
_CONVERGED = re.compile(r"Convergence reached in\s+(\d+)\s+iteration", re.IGNORECASE)


@dataclass(frozen=True)
class FeffSpectrum:
    """Content of ``xmu.dat``.

    Attributes
    ----------
    energy, mu, mu0
        Absolute energy (eV), absorption and atomic background (edge step = 1), shape (n,).
    efermi
        Fermi level of the engine, eV.
    edge
        Absorption threshold on the absolute axis, eV.
    edge_step
        Absolute edge step of the header (engine units): what scales L2 against L3.
    """

    energy: NDArray[np.float64]
    mu: NDArray[np.float64]
    mu0: NDArray[np.float64]
    efermi: float
    edge: float
    edge_step: float


def read_xmu(path: str | Path) -> FeffSpectrum:
    """Read ``xmu.dat`` of FEFF9 or FEFF10.

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
    return FeffSpectrum(
        energy,
        mu,
        mu0,
        float(level.group(1) or level.group(2)),
        float(np.mean(energy - relative)),
        float(step.group(1)),
    )


def _split(path: Path) -> tuple[list[str], list[list[float]]]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        raise EngineError("missing_output", f"{path.name} was not written") from None
    header = [line for line in lines if line.lstrip().startswith("#")]
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        try:
            values = [float(v) for v in line.split()]
        except ValueError:
            raise EngineError("bad_output", f"{path.name}: line {number} is no number row") from None
        if len(values) != 6:
            raise EngineError("truncated_output", f"{path.name}: line {number} is cut off")
        rows.append(values)
    return header, rows


def read_convergence(path: str | Path) -> tuple[bool, int]:
    """Whether the potentials of ``log1.dat`` are self-consistent, and after how many iterations."""
    path = Path(path)
    if not path.exists():
        return False, 0
    text = path.read_text(encoding="utf-8", errors="replace")
    done = _CONVERGED.search(text)
    if done:
        return True, int(done.group(1))
    steps = [int(n) for n in _ITERATION.findall(text)]
    return False, max(steps, default=0)
