"""Formation energies, transition levels and what a host's diagram shows.

Signs, once and for all: `n_added` counts atoms put in (+) or taken out (-), each costs its
chemical potential, so the term is *minus* the sum of n mu. A charge q has given q electrons to the
Fermi sea at E_VBM + E_F, so the term is *plus* q (E_VBM + E_F). Corrections are added.
C. Freysoldt et al., Rev. Mod. Phys. 86, 253 (2014), eq. 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from defectra.core.errors import EngineError


@dataclass(frozen=True)
class Run:
    """Total energy of one supercell run.

    Attributes
    ----------
    energy_ev
        Total energy; NaN or exactly 0 is a blank, not an energy.
    charge
        Of the cell, in units of +e.
    cutoff_ev, functional, kpoints
        What must agree between bulk and defect.
    converged
        False: its levels are made, and marked.
    correction_ev
        Finite-size correction, to be added.
    """

    energy_ev: float
    charge: int
    cutoff_ev: float
    functional: str
    kpoints: str
    converged: bool = True
    correction_ev: float = 0.0


class GapPosition(StrEnum):
    """Where a level lies; what lies outside the gap is kept and marked."""

    IN_GAP = "in gap"
    BELOW = "below VBM"
    ABOVE = "above CBM: the electron sits in the conduction band"
    NO_GAP = "host without a gap"


def gap_position(level: float, gap: float) -> GapPosition:
    """Where a level (eV above the VBM) lies in a host with this gap (eV)."""
    if not gap > 0:
        return GapPosition.NO_GAP
    if level < 0:
        return GapPosition.BELOW
    return GapPosition.ABOVE if level > gap else GapPosition.IN_GAP


def check(bulk: Run, runs: Sequence[Run]) -> None:
    """Refuse what must not be subtracted from each other.

    Raises
    ------
    EngineError
        ``blank_energy`` or ``mixed_settings``.
    """
    for run in (bulk, *runs):
        if not math.isfinite(run.energy_ev) or run.energy_ev == 0.0:
            raise EngineError(
                "blank_energy", f"charge {run.charge:+d}: energy {run.energy_ev} is a blank"
            )
        for name in ("cutoff_ev", "functional", "kpoints"):
            have, want = getattr(run, name), getattr(bulk, name)
            if have != want:
                raise EngineError(
                    "mixed_settings",
                    f"charge {run.charge:+d}: {name} is {have}, that of the bulk {want}; "
                    "run both alike",
                )


def formation_energy(
    run: Run,
    bulk: Run,
    n_added: Mapping[str, int],
    potentials: Mapping[str, float],
    vbm_eV: float,
    fermi_eV: float = 0.0,
) -> float:
    """Formation energy in eV at a Fermi level `fermi_eV` above the VBM.

    Parameters
    ----------
    n_added
        Atoms added (+) or removed (-), by element.
    potentials
        Chemical potential of each, eV per atom, on the scale of the total energies.
    vbm_eV
        Valence-band maximum on the scale of the electron energies of the runs.

    Raises
    ------
    EngineError
        If the runs do not belong together, or a chemical potential is missing.
    """
    check(bulk, [run])
    missing = sorted(set(n_added) - set(potentials))
    if missing:
        raise EngineError("no_potential", f"no chemical potential of {', '.join(missing)}")
    atoms = sum(n * potentials[element] for element, n in n_added.items())
    electrons = run.charge * (vbm_eV + fermi_eV)
    return run.energy_ev - bulk.energy_ev - atoms + electrons + run.correction_ev


def transition_level(upper: Run, lower: Run, vbm_eV: float) -> float:
    """Level e(q/q-k) in eV above the VBM: the Fermi level at which both charges cost the same.

    For k = 1 it is E(q-1) + E_corr(q-1) - E(q) - E_corr(q) - E_VBM.

    Parameters
    ----------
    upper, lower
        Runs of the higher and of the lower charge.

    Raises
    ------
    EngineError
        If the runs do not belong together, or the charges do not fall.
    """
    check(upper, [lower])
    step = upper.charge - lower.charge
    if step < 1:
        raise EngineError("charges", f"charges {upper.charge:+d}, {lower.charge:+d}: must fall")
    before = upper.energy_ev + upper.correction_ev
    return (lower.energy_ev + lower.correction_ev - before) / step - vbm_eV


@dataclass(frozen=True)
class Segment:
    """Stretch of the Fermi level over which one charge is the cheapest, eV above the VBM."""

    charge: int
    start_ev: float
    stop_ev: float


def lower_envelope(levels: Mapping[int, float], start_ev: float, stop_ev: float) -> list[Segment]:
    """Stable charges between two Fermi levels, the charge falling.

    Negative U comes out by itself: a charge whose levels are inverted is never the cheapest, and
    its neighbours meet at the mean of its two levels.

    Parameters
    ----------
    levels
        Level e(q/q-1) by the upper charge q; the charges must be consecutive.

    Raises
    ------
    EngineError
        If a charge or a level is missing.
    """
    upper = sorted(levels, reverse=True)
    if not upper or upper != list(range(upper[0], upper[-1] - 1, -1)):
        raise EngineError("charges", f"levels of charges {upper}: consecutive charges are needed")
    if any(not math.isfinite(v) for v in levels.values()):
        raise EngineError("blank_energy", "a level is missing")
    energy = {upper[-1] - 1: 0.0}  # at E_F = 0; E(q) = E(q-1) - level (+ q E_F)
    for charge in reversed(upper):
        energy[charge] = energy[charge - 1] - levels[charge]
    charge = min(energy, key=lambda q: (energy[q] + q * start_ev, q))
    out, fermi = [], start_ev
    while True:
        ahead = [((energy[q] - energy[charge]) / (charge - q), q) for q in energy if q < charge]
        crossing, successor = min(ahead, default=(math.inf, charge))
        out.append(Segment(charge, fermi, min(crossing, stop_ev)))
        if crossing >= stop_ev:
            return out
        charge, fermi = successor, crossing
