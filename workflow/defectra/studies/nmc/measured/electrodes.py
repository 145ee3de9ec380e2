"""Lithium and nickel of measured electrodes from Ni K, by models of computed spectra alone.

One shift for each series lays the computed spectra of lithium 1.0 upon the pristine electrode; that
electrode is not scored. Truth is the charge of the same cells (``x`` = 1 - Q / Q of all lithium),
at the voltage where each electrode was taken; the cycle is not stated for all; it is the mean of
those that it may be. RMSE: root mean square error. Fixed in ``docs/nmc.md``.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.learn.moved_spectra import EdgeCurves
from defectra.spectra.measured_series import Series
from defectra.spectra.peaks import peak_position
from defectra.studies.nmc.blocks.models import MEASURED
from defectra.studies.nmc.blocks.tables import RAW
from defectra.studies.nmc.measured.electrode_models import EDGE, Aligned, kernel_answers
from defectra.studies.nmc.measured.electrode_nickel import (
    Answers,
    Measured,
    by_charge,
    nickel_answers,
)
from defectra.studies.nmc.measured.electrode_scores import LITHIUM, NICKEL
from defectra.studies.nmc.measured.lithium_shift import NORMAL_90, LithiumShift

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
KERNEL, PEAK, CONSTANT = "kernel", "peak position", "mean of the training rows"
# Decided after the first look, so it carries no claim: the change since the pristine electrode is
# added to the computed spectrum of lithium 1.0, so that what all measured spectra share drops out.
DIFFERENCE = "kernel, change since pristine"
# Decided after the looks as well: the slope of the computed lithium series in place of a
# regression of lithium on the peaks of the blocks, which share one stoichiometry.
SERIES = "peak position, slope of the computed lithium series"
EXPERIMENT_COLUMNS = [
    *("composition", "number", "cycle", "voltage_V", "quantity", "method", "value", "sd"),
    *("truth", "truth_half", "beyond_nickel", "shift_eV", "shift_sd_eV", "scored"),
    *("cells", "capped_cells"),
]
PRISTINE = "pristine"
FULL = 0.9  # lithium per metal; cells at or above stand for the pristine electrode
# Place in the series: cycle (charge C or discharge D) and voltage; several: not stated which.
_CYCLES: tuple[tuple[tuple[str, ...], float], ...] = (
    ((), np.nan),
    (("1C",), 4.3),
    (("1C",), 4.8),
    (("1D",), 3.0),
    (("2C",), 4.3),
    (("2C",), 4.8),
    (("2C", "5C", "10C"), 4.8),
    (("2D", "5D", "10D"), 3.0),
)


@dataclass(frozen=True)
class Charge:
    """Lithium over voltage of some cycles: name to voltage (V) and lithium per metal."""

    cycles: Mapping[str, tuple[Floats, Floats]]

    def lithium(self, names: Sequence[str], voltage: float) -> tuple[float, float]:
        """Mean of the cycles at a voltage, and half their range."""
        if not names:
            return 1.0, 0.0
        found = [self._at(*self.cycles[name], voltage) for name in names]
        return float(np.mean(found)), float(np.ptp(found) / 2)

    @staticmethod
    def _at(volts: Floats, lithium: Floats, voltage: float) -> float:
        """Lithium where a curve first reaches a voltage; at its end if it stops within 10 mV."""
        sign = 1.0 if volts[-1] > volts[0] else -1.0
        past = np.flatnonzero(sign * (volts - voltage) >= -0.01)
        if not len(past):
            raise DataError(f"a cycle runs to {volts[-1]:.2f} V and not to {voltage:.2f} V")
        return float(lithium[past[0]])


def read_charge(path: Path) -> Charge:
    """Cycles of a cell: columns voltage, capacity, lithium for each, their names in row two.

    Raises
    ------
    DataError
        If the file is not such a table.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            rows = list(csv.reader(handle))
        out = {}
        for column in range(0, len(rows[0]), 3):
            own = [(float(r[column]), float(r[column + 2])) for r in rows[2:] if r[column]]
            volts, lithium = np.array(own).T
            out[rows[1][column]] = (volts, lithium)
        return Charge({name: out[name] for names, _ in _CYCLES for name in names})
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise DataError(f"{path}: no table of charge and lithium ({error})") from None


def measure(
    rows: Rows,
    energy: Floats,
    series: Series,
    charge: Charge,
    line: LithiumShift | None,
    seed: int,
) -> list[Row]:
    """Rows of :data:`EXPERIMENT_COLUMNS`: every electrode and method.

    Parameters
    ----------
    rows
        Arms of the blocks; those without defect are the training rows for lithium.
    energy
        Grid of their Ni K spectra, eV.
    series
        Measured spectra, eight for each composition in the order of :data:`_CYCLES`.
    line
        Slope of the computed lithium series; None: methods that need it are left out.
    """
    if not any(r["lithium"] >= FULL for r in _without_defect(rows)):
        return []
    out: list[Row] = []
    for name in dict.fromkeys(series.composition):
        places = [k for k, c in enumerate(series.composition) if c == name]
        if len(places) != len(_CYCLES):
            raise DataError(f"{name}: {len(places)} measured spectra, expected {len(_CYCLES)}")
        mu = series.mu[places]
        found = Electrodes.of(name, rows, energy, (series.energy, mu), line, seed)
        for number, cycle in enumerate(_CYCLES):
            truth = _charged(name, cycle, charge)
            about = {"composition": name, "number": number,
                     "cycle": " or ".join(cycle[0]) or PRISTINE, "voltage_V": cycle[1],
                     "shift_eV": found.shift, "shift_sd_eV": found.shift_sd,
                     "scored": int(number > 0)}  # fmt: skip
            for quantity, answers in ((LITHIUM, found.answers), (NICKEL, found.nickel)):
                out += [about | truth[quantity] | _answer(quantity, method, told, number)
                        for method, told in answers.items()]  # fmt: skip
    return out


def _answer(quantity: str, method: str, told: Answers, number: int) -> Row:
    return {
        "quantity": quantity,
        "method": method,
        "value": float(told.values[number]),
        "sd": float(told.sd[number]),
        "cells": told.cells,
        "capped_cells": told.capped,
    }


def _charged(
    composition: str, cycle: tuple[tuple[str, ...], float], charge: Charge
) -> dict[str, Row]:
    """What the charge says of an electrode, by quantity."""
    lithium, half = charge.lithium(*cycle)
    state = by_charge(composition, lithium)
    low, high = (by_charge(composition, lithium + sign * half).value for sign in (1, -1))
    return {
        LITHIUM: {"truth": lithium, "truth_half": half, "beyond_nickel": float("nan")},
        NICKEL: {"truth": state.value, "truth_half": (high - low) / 2,
                 "beyond_nickel": state.beyond},
    }  # fmt: skip


@dataclass(frozen=True)
class Electrodes:
    """Answers about the electrodes of one series.

    Attributes
    ----------
    shift, shift_sd
        Added to the computed energies, eV.
    answers
        Lithium, its deviation that over the jitter (kernels), by method.
    nickel
        Mean oxidation state of nickel, by method.
    """

    shift: float
    shift_sd: float
    answers: Mapping[str, Answers]
    nickel: Mapping[str, Answers]

    @classmethod
    def of(
        cls,
        composition: str,
        rows: Rows,
        energy: Floats,
        measured: tuple[Floats, Floats],
        line: LithiumShift | None,
        seed: int,
    ) -> Electrodes:
        """Align on the pristine electrode, the first, then ask every method.

        Parameters
        ----------
        rows
            Arms of the blocks; lithium is learnt from those without defect.
        line
            Slope of the computed lithium series, or none.
        """
        plain = _without_defect(rows)
        lithium = np.array([float(r["lithium"]) for r in plain])
        computed = np.array([r[f"{RAW}{EDGE}"] for r in plain])
        full = computed[lithium >= FULL].mean(axis=0)
        aligned = Aligned.on_first(full, energy, *measured)
        curves, own = aligned.curves(plain), aligned.own
        groups = [str(r["group"]) for r in plain]
        change = _since_pristine(own, curves.mu[lithium >= FULL].mean(axis=0))
        kernels = {k: kernel_answers(curves, lithium, groups, e, seed)
                   for k, e in ((KERNEL, own), (DIFFERENCE, change))}  # fmt: skip
        answers = {
            **{k: Answers(e.values, e.sd, len(plain)) for k, e in kernels.items()},
            PEAK: _peak(curves, lithium, own),
            CONSTANT: Answers(np.full(len(own.mu), lithium.mean()), np.zeros(len(own.mu)),
                              len(plain)),
        }  # fmt: skip
        places = peak_position(*measured)
        moved = places - places[0]
        if line is not None:
            values, halves = line.lithium(moved)
            answers[SERIES] = Answers(values, halves / NORMAL_90)
        done, series = aligned.alignment, Measured(composition, aligned, change, moved)
        return cls(done.shift, done.sd, answers, nickel_answers(series, rows, line, seed))


def _without_defect(rows: Rows) -> Rows:
    return [r for r in rows if r["arm"] in ("pristine", "lithium")]


def _since_pristine(own: EdgeCurves, full: Floats) -> EdgeCurves:
    """Measured change since the first electrode on top of a computed curve; areas made equal."""
    unit = own.mu / own.mu.mean(axis=1, keepdims=True) * full.mean()
    return EdgeCurves(own.energy, unit - unit[0] + full)


def _peak(curves: EdgeCurves, lithium: Floats, own: EdgeCurves) -> Answers:
    """Main peak, its slope with lithium from the computed spectra, anchored at the pristine one."""
    places = peak_position(curves.energy, curves.mu)
    known = np.isfinite(places)
    slope = np.polyfit(places[known], lithium[known], 1)[0]
    found = peak_position(own.energy, own.mu)
    error = np.full(len(found), abs(slope) * MEASURED.jitter)
    return Answers(1.0 + slope * (found - found[0]), error, len(lithium))
