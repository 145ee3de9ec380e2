"""Lithium of measured electrodes from Ni K, by models of computed spectra alone.

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
from defectra.learn import edge_kernels
from defectra.learn.edge_kernels import Kernel, Targets
from defectra.learn.moved_spectra import Disturbance, EdgeCurves
from defectra.spectra.align import fitted
from defectra.spectra.measured_series import Series
from defectra.spectra.peaks import peak_position
from defectra.studies.nmc.block_models import COPIES, MEASURED
from defectra.studies.nmc.block_tables import RAW
from defectra.studies.nmc.lithium_shift import NORMAL_90, LithiumShift

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
EDGE = "Ni K"
KERNEL, PEAK, CONSTANT = "kernel", "peak position", "mean of the training rows"
# Decided after the first look, so it carries no claim: the change since the pristine electrode is
# added to the computed spectrum of lithium 1.0, so that what all measured spectra share drops out.
DIFFERENCE = "kernel, change since pristine"
# Decided after the looks as well: the slope of the computed lithium series in place of a
# regression of lithium on the peaks of the blocks, which share one stoichiometry.
SERIES = "peak position, slope of the computed lithium series"
EXPERIMENT_COLUMNS = [
    *("composition", "number", "voltage_V", "method", "x", "x_sd", "truth", "truth_half"),
    *("shift_eV", "shift_sd_eV", "scored"),
]
FULL = 0.9  # lithium per metal; cells at or above stand for the pristine electrode
LARGEST = 12.0  # eV, shift that is looked for
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
        Arms of the blocks without defect are the training rows.
    energy
        Grid of their Ni K spectra, eV.
    series
        Measured spectra, eight for each composition in the order of :data:`_CYCLES`.
    line
        Slope of the computed lithium series; None: that method is left out.
    """
    plain = [r for r in rows if r["arm"] in ("pristine", "lithium")]
    if not plain or not any(r["lithium"] >= FULL for r in plain):
        return []
    out: list[Row] = []
    for name in dict.fromkeys(series.composition):
        places = [k for k, c in enumerate(series.composition) if c == name]
        if len(places) != len(_CYCLES):
            raise DataError(f"{name}: {len(places)} measured spectra, expected {len(_CYCLES)}")
        mu = series.mu[places]
        found = Electrodes.of(plain, energy, (series.energy, mu), seed)
        for number, (cycles, volts) in enumerate(_CYCLES):
            truth, half = charge.lithium(cycles, volts)
            about = {"composition": name, "number": number, "voltage_V": volts, "truth": truth,
                     "truth_half": half, "shift_eV": found.shift, "shift_sd_eV": found.shift_sd,
                     "scored": int(number > 0)}  # fmt: skip
            answers = {**found.answers, **_by_series(line, series.energy, mu)}
            for method, (values, sd) in answers.items():
                out.append(about | {"method": method, "x": float(values[number]),
                                    "x_sd": float(sd[number])})  # fmt: skip
    return out


def _by_series(
    line: LithiumShift | None, energy: Floats, mu: Floats
) -> dict[str, tuple[Floats, Floats]]:
    if line is None:
        return {}
    places = peak_position(energy, mu)
    values, halves = line.lithium(places - places[0])
    return {SERIES: (values, halves / NORMAL_90)}


@dataclass(frozen=True)
class Electrodes:
    """Answers about the electrodes of one series.

    Attributes
    ----------
    shift, shift_sd
        Added to the computed energies, eV.
    answers
        Lithium and its deviation over the jitter, by method; shape (electrodes,) each.
    """

    shift: float
    shift_sd: float
    answers: Mapping[str, tuple[Floats, Floats]]

    @classmethod
    def of(
        cls, rows: Rows, energy: Floats, measured: tuple[Floats, Floats], seed: int
    ) -> Electrodes:
        """Align on the pristine electrode, the first, then ask every method."""
        computed = np.array([r[f"{RAW}{EDGE}"] for r in rows])
        lithium = np.array([float(r["lithium"]) for r in rows])
        full = computed[lithium >= FULL].mean(axis=0)
        grid, mu = measured
        near = (grid >= energy[0] + LARGEST / 2) & (grid <= energy[-1] - LARGEST / 2)
        done = fitted((energy, full), (grid[near], mu[0][near]), LARGEST)
        onto = np.clip(grid - done.shift, energy[0], energy[-1])
        blurred = np.array([_blur(energy, c, done.fwhm) for c in computed])
        moved = np.array([np.interp(onto, energy, c) for c in blurred])
        inside = (grid - done.shift >= energy[0]) & (grid - done.shift <= energy[-1])
        curves = EdgeCurves(grid[inside], moved[:, inside])
        own = EdgeCurves(grid[inside], mu[:, inside])
        groups = [str(r["group"]) for r in rows]
        change = _since_pristine(own, curves.mu[lithium >= FULL].mean(axis=0))
        answers = {
            KERNEL: _kernel(curves, lithium, groups, own, seed),
            DIFFERENCE: _kernel(curves, lithium, groups, change, seed),
            PEAK: _peak(curves, lithium, own),
            CONSTANT: (np.full(len(mu), lithium.mean()), np.zeros(len(mu))),
        }
        return cls(done.shift, done.sd, answers)


def _since_pristine(own: EdgeCurves, full: Floats) -> EdgeCurves:
    """Measured change since the first electrode on top of a computed curve; areas made equal."""
    unit = own.mu / own.mu.mean(axis=1, keepdims=True) * full.mean()
    return EdgeCurves(own.energy, unit - unit[0] + full)


def _blur(energy: Floats, curve: Floats, fwhm: float) -> Floats:
    from defectra.spectra.broaden import gaussian

    return np.asarray(gaussian(energy, curve, energy, fwhm))


def _kernel(
    curves: EdgeCurves, lithium: Floats, groups: list[str], own: EdgeCurves, seed: int
) -> tuple[Floats, Floats]:
    """Kernel ridge with jittered training rows; deviation of the answer over the same jitter."""
    generator = np.random.default_rng([seed, 5])
    train = np.vstack([_drawn(curves, MEASURED, generator) for _ in range(COPIES)])
    kernel = Kernel.of("kernel", train)
    targets = Targets(np.tile(lithium, COPIES)[:, None], np.array([False]))
    parts = edge_kernels.inner_folds(groups * COPIES, seed)
    model = edge_kernels.fit(kernel.with_rows(train), targets, parts)
    still = model.answers(kernel.with_rows(own.moved(np.zeros(len(own.mu)))))[:, 0]
    moved = [
        model.answers(kernel.with_rows(_drawn(own, MEASURED, generator)))[:, 0] for _ in range(50)
    ]
    return still, np.std(moved, axis=0)


def _drawn(curves: EdgeCurves, by: Disturbance, generator: np.random.Generator) -> Floats:
    return by.draw({EDGE: curves}, generator)[EDGE]


def _peak(curves: EdgeCurves, lithium: Floats, own: EdgeCurves) -> tuple[Floats, Floats]:
    """Main peak, its slope with lithium from the computed spectra, anchored at the pristine one."""
    places = peak_position(curves.energy, curves.mu)
    known = np.isfinite(places)
    slope = np.polyfit(places[known], lithium[known], 1)[0]
    found = peak_position(own.energy, own.mu)
    error = np.full(len(found), abs(slope) * MEASURED.jitter)
    return 1.0 + slope * (found - found[0]), error


def rmse(rows: Rows, method: str) -> tuple[float, float, float, int]:
    """RMSE in x of the scored electrodes, 90 % bootstrap over them, and their number."""
    errors, drawn = _errors(rows, method)
    if not len(errors):
        return float("nan"), float("nan"), float("nan"), 0
    low, high = np.quantile(np.sqrt((drawn**2).mean(axis=1)), [0.05, 0.95])
    return float(np.sqrt((errors**2).mean())), float(low), float(high), len(errors)


def inside(rows: Rows, method: str) -> tuple[float, float, float, int]:
    """Share of scored electrodes within the stated 90 % interval; 90 % bootstrap, their number."""
    errors, _ = _errors(rows, method)
    if not len(errors):
        return float("nan"), float("nan"), float("nan"), 0
    own = [r for r in rows if r["method"] == method and int(float(r["scored"]))]
    within = np.abs(errors) <= NORMAL_90 * np.array([float(r["x_sd"]) for r in own])
    index = np.random.default_rng(2).integers(len(errors), size=(1000, len(errors)))
    low, high = np.quantile(within[index].mean(axis=1), [0.05, 0.95])
    return float(within.mean()), float(low), float(high), len(errors)


def rmse_less(rows: Rows, method: str, other: str) -> tuple[float, float, float, int]:
    """RMSE of a method minus that of another, the same electrodes in each resample."""
    (own, mine), (theirs, drawn) = (_errors(rows, m) for m in (method, other))
    if not len(own) or len(own) != len(theirs):
        return float("nan"), float("nan"), float("nan"), 0
    change = np.sqrt((mine**2).mean(axis=1)) - np.sqrt((drawn**2).mean(axis=1))
    value = np.sqrt((own**2).mean()) - np.sqrt((theirs**2).mean())
    low, high = np.quantile(change, [0.05, 0.95])
    return float(value), float(low), float(high), len(own)


def _errors(rows: Rows, method: str) -> tuple[Floats, Floats]:
    """Errors of the scored electrodes and 1,000 resamples of them; none if one is not known."""
    own = [r for r in rows if r["method"] == method and int(float(r["scored"]))]
    errors = np.array([float(r["x"]) - float(r["truth"]) for r in own])
    if not own or not np.isfinite(errors).all():
        return np.empty(0), np.empty((1000, 0))
    index = np.random.default_rng(1).integers(len(errors), size=(1000, len(errors)))
    return errors, errors[index]
