"""Band edges, states about them and planar potentials of a VASP run.

Real bands lie anywhere on VASP's axis: the edges come from the electron count, never from a
window about zero.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.textfiles import read_text

Row = dict[str, Any]
Floats = NDArray[np.float64]
BEYOND_EV = 3.0  # states kept beyond each edge
COUNT = 1e-2  # electrons; occupations may be rounded so much


def capacity(run: Any) -> float:
    """Electrons that one state holds: two, one with spin, one with spin-orbit coupling."""
    flags = [run.parameters.get(k, False) for k in ("LSORBIT", "LNONCOLLINEAR")]
    return 1.0 if any(flags) or len(run.eigenvalues) == 2 else 2.0


def states(run: Any, electrons: float) -> Row:
    """States within 3 eV of the band edges, and the edges (``vbm_eV``, ``cbm_eV``).

    The edges are where the states, filled from the lowest, hold the electrons of the run. If the
    run lists fewer states than electrons (it did not print them all), they are inferred from its
    occupations. `state_note` says so.

    Raises
    ------
    EngineError
        ``no_states`` if the run holds no eigenvalues, or none above the filled ones.
    """
    energy, filling, weight = _all(run)
    if not len(energy):
        raise EngineError("no_states", "no eigenvalues in the run")
    order = np.argsort(energy, kind="stable")
    held = np.cumsum(weight[order])
    note = ""
    if held[-1] + COUNT < electrons:
        note = (
            f"its states hold {held[-1]:.0f} of {electrons:.0f} electrons: edges from occupations"
        )
        full = filling > 0.5
        if not full.any() or full.all():
            raise EngineError("no_states", "no states on both sides of the gap")
        vbm, cbm = float(energy[full].max()), float(energy[~full].min())
    else:
        last = int(np.searchsorted(held, electrons - COUNT))
        following = int(np.searchsorted(held, electrons + COUNT))
        if following >= len(order):
            raise EngineError("no_states", "no empty states: the run was made with too few bands")
        vbm, cbm = float(energy[order[last]]), float(energy[order[following]])
    near = (energy > min(vbm, cbm) - BEYOND_EV) & (energy < max(vbm, cbm) + BEYOND_EV)
    return {
        "state_eV": energy[near].tolist(),
        "state_filling": filling[near].tolist(),
        "state_weight": weight[near].tolist(),
        "vbm_eV": vbm,
        "cbm_eV": cbm,
        "state_note": note,
    }


def _all(run: Any) -> tuple[Floats, Floats, Floats]:
    """Energy, occupation and electrons of every state of a run, each shape (n,)."""
    share = capacity(run)
    weights = np.asarray(run.actual_kpoints_weights, np.float64)
    weights = weights / weights.sum()
    energy, filling, weight = [], [], []
    for bands in (run.eigenvalues or {}).values():
        table = np.asarray(bands, np.float64)  # k-points, bands, (energy, occupation)
        energy.append(table[..., 0].ravel())
        filling.append(table[..., 1].ravel())
        weight.append(np.repeat(share * weights[: len(table)], table.shape[1]))
    if not energy:
        return (np.zeros(0),) * 3
    return np.concatenate(energy), np.concatenate(filling), np.concatenate(weight)


def fermi(xml: Path, outcar: Path | None) -> float:
    """Fermi level that a run prints, eV; NaN if it prints none."""
    number = r"(-?\d+\.?\d*(?:[eE][-+]?\d+)?)"
    found = re.findall(rf'<i name="efermi">\s*{number}\s*</i>', read_text(xml))
    if not found and outcar:
        found = re.findall(rf"E-fermi\s*:\s*{number}", read_text(outcar))
    return float(found[-1]) if found else float("nan")


def planes(locpot: Path) -> Row:
    """Planar averages of a LOCPOT along each axis, V, on a positive charge, and their numbers.

    Raises
    ------
    EngineError
        ``truncated_output`` if it cannot be read.
    """
    from pymatgen.io.vasp.outputs import Locpot

    try:
        found = Locpot.from_file(str(locpot))
        averages = [-np.asarray(found.get_average_along_axis(k)) for k in range(3)]
    except Exception as error:  # the parsers of others raise whatever comes
        text = " ".join(str(error).split())
        raise EngineError("truncated_output", f"{locpot.name} cannot be read: {text}") from None
    return {
        "planes_V": np.concatenate(averages).tolist(),
        "planes_n": [len(v) for v in averages],
    }
