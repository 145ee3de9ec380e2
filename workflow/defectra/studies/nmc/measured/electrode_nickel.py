"""Mean oxidation state of nickel in measured electrodes, from Ni K and by charge neutrality.

Two labels are learnt from the computed cells: states that CHGNet's magnetic moments assign to each
nickel atom (cells with an ambiguous one are left out), and the state that charge neutrality asks
for. Baselines know no spectrum but the measured one, or none. Fixed in ``docs/nmc.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from defectra.learn.moved_spectra import EdgeCurves
from defectra.structures.composition import counts, parse_composition
from defectra.studies.nmc.blocks.evaluate import NICKEL
from defectra.studies.nmc.measured.electrode_models import Aligned, Rows, kernel_answers
from defectra.studies.nmc.measured.lithium_shift import NORMAL_90, LithiumShift

Floats = NDArray[np.float64]
METAL_SITES = 10  # of the computed cells, and of those that names such as NMC622 are counted in
FIXED = {"Mn": 4.0, "Co": 3.0}  # oxidation states that are taken for granted
OXYGEN = 2.0  # atoms for each metal, each O 2-
LOWEST, HIGHEST = 2.0, 4.0  # states that nickel can have in these oxides
FEWEST = 2  # groups that a model is trained on
MOMENTS = "kernel, states by magnetic moments"
CHARGE = "kernel, states by charge neutrality"
CHANGE = "kernel, states by charge neutrality, change since pristine"
MEAN = "mean of the training rows"
PEAK = "peak position, slope of the computed series"
LITHIUM = "lithium by the series, then charge neutrality"


class State(NamedTuple):
    """State of nickel by charge neutrality.

    Attributes
    ----------
    value
        Mean oxidation state, 2 to 4.
    beyond
        Electrons for each metal that nickel cannot have given (above 4; cobalt or oxygen has, or
        less lithium has left than was said), below 0: that it cannot hold (below 2).
    """

    value: float
    beyond: float


class Answers(NamedTuple):
    """What a method says of each electrode.

    Attributes
    ----------
    values, sd
        State and its standard deviation, shape (electrodes,).
    cells, capped
        Computed cells that were learnt from, and those whose state charge neutrality capped.
    """

    values: Floats
    sd: Floats
    cells: int = 0
    capped: int = 0


def by_charge(composition: str, lithium: float) -> State:
    """State in Li_x M O2 with Li+, Mn4+, Co3+ and O2-.

    Parameters
    ----------
    composition
        Such as ``NMC622``.
    lithium
        Per metal atom.
    """
    return _neutral({"Li": lithium, "O": OXYGEN} | _shares(composition))


def of_cell(row: Mapping[str, Any]) -> State:
    """State in a computed cell, an arm of the blocks."""
    metals = {m: float(row[f"n_{m}"]) for m in ("Ni", *FIXED)}
    oxygen = OXYGEN - float(row["vacancy"]) / METAL_SITES
    return _neutral({"Li": float(row["lithium"]), "O": oxygen} | metals)


def _neutral(per_metal: Mapping[str, float]) -> State:
    nickel = per_metal["Ni"]
    rest = 2 * per_metal["O"] - per_metal["Li"] - sum(q * per_metal[m] for m, q in FIXED.items())
    asked = round(rest / nickel, 9)
    value = min(max(asked, LOWEST), HIGHEST)
    return State(value, (asked - value) * nickel)


@dataclass(frozen=True)
class Measured:
    """Electrodes of one series.

    Attributes
    ----------
    composition
        Such as ``NMC622``.
    aligned
        Their spectra and where computed ones lie.
    change
        Their change since the pristine one on top of a computed spectrum.
    moved
        Main peak less that of the pristine one, eV.
    """

    composition: str
    aligned: Aligned
    change: EdgeCurves
    moved: Floats


def nickel_answers(
    own: Measured, rows: Rows, line: LithiumShift | None, seed: int
) -> dict[str, Answers]:
    """State of each electrode by every method that has what it needs.

    The interval of a kernel model is that of held-out computed spectra with jitter. How far a
    measured spectrum differs from computed ones is not in it.

    Parameters
    ----------
    rows
        Arms of the blocks.
    line
        Slope of the computed lithium series, or none.
    """
    known = [r for r in rows if np.isfinite(r[NICKEL.column])]
    assigned = np.array([float(r[NICKEL.column]) for r in known])
    states = [of_cell(r) for r in rows]
    neutral = np.array([s.value for s in states])
    capped = sum(s.beyond != 0 for s in states)
    measured = own.aligned.own
    out = {
        MOMENTS: _learnt(own.aligned, known, assigned, measured, seed),
        CHARGE: _learnt(own.aligned, rows, neutral, measured, seed)._replace(capped=capped),
        CHANGE: _learnt(own.aligned, rows, neutral, own.change, seed)._replace(capped=capped),
    }
    count = len(own.moved)
    spread = np.full(count, neutral.std())
    out[MEAN] = Answers(np.full(count, neutral.mean()), spread, len(rows), capped)
    if line is not None:
        out |= _by_series(own, line)
    return out


def _learnt(aligned: Aligned, rows: Rows, labels: Floats, asked: EdgeCurves, seed: int) -> Answers:
    groups = [str(r["group"]) for r in rows]
    count = len(aligned.mu)
    if len(set(groups)) < FEWEST:
        nothing = np.full(count, np.nan)
        return Answers(nothing, nothing, len(rows))
    found = kernel_answers(aligned.curves(rows), labels, groups, asked, seed)
    return Answers(found.values, np.full(count, found.held_out), len(rows))


def _by_series(own: Measured, line: LithiumShift) -> dict[str, Answers]:
    """The two baselines by the computed lithium series; both are given the pristine state."""
    start, (lithium, halves) = by_charge(own.composition, 1.0).value, line.lithium(own.moved)
    sd = halves / NORMAL_90
    computed = _shares(line.composition)["Ni"]  # lithium for each unit of state in the series
    states = [by_charge(own.composition, float(x)).value for x in lithium]
    return {
        PEAK: Answers(start + (1 - lithium) / computed, sd / computed),
        LITHIUM: Answers(np.array(states), sd / _shares(own.composition)["Ni"]),
    }


def _shares(composition: str) -> dict[str, float]:
    found = counts(parse_composition(composition, METAL_SITES))
    return {m: n / METAL_SITES for m, n in found.items()}
