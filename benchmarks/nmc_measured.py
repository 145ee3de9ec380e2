"""Tables of what study `nmc` says of measured spectra, for ``docs/nmc.md``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.rows import table
from defectra.core.claims import Rows
from defectra.core.csvs import read_csv
from defectra.studies.nmc.electrode_scores import nickel_rmse_of_series, rmse, rmse_of_series
from defectra.studies.nmc.energy_loss import ENERGY_LOSS_COLUMNS
from defectra.studies.nmc.energy_loss_shape import EDGE, SHAPE
from defectra.studies.nmc.experiment import EXPERIMENT_COLUMNS, KERNEL, SERIES
from defectra.studies.nmc.lithium_shift import NORMAL_90

ELEMENTS = ("O", "Mn", "Co", "Ni", "Li")
NOTHING = "Measured spectra: not computed, no mirror of the published data or no blocks."
_NONE = ""


def parts(folder: Path) -> list[str]:
    """Paragraphs and tables of a folder ``results/nmc``; one sentence where there is nothing."""
    electrodes = _rows(folder / "experiment.csv", EXPERIMENT_COLUMNS)
    loss = _rows(folder / "energy_loss.csv", ENERGY_LOSS_COLUMNS)
    out = []
    if electrodes:
        names = list(dict.fromkeys(str(r["composition"]) for r in electrodes))
        out += [
            "Measured electrodes, RMSE by cell (electrodes of one cell share its shift and a charge"
            " curve; the interval is Student's over the cells, 90 %):",
            table(["quantity", *names, "all", "cells"], errors(electrodes, names)),
            "Every electrode (`experiment.csv`), 90 % intervals; charge neutrality takes Mn 4+, "
            "Co 3+, O 2- for granted:",
            table(
                ["cell", "cycle", "voltage (V)", "lithium by charge", f"by {KERNEL}",
                 "by the slope of the lithium series", "Ni state by charge neutrality",
                 f"Ni state by {KERNEL}"],
                every(electrodes),
            ),
        ]  # fmt: skip
    if loss:
        out += [
            "The authors' energy-loss spectrum (5 % Si-doped NMC; the ratio of its metals is not "
            "stated), atoms per metal atom (`energy_loss.csv`)." + _doubt(loss),
            table(["from", *ELEMENTS], contents(loss)),
        ]
    return out or [NOTHING]


def errors(rows: Rows, names: list[str]) -> Iterator[list[str]]:
    """Error of each method, by cell and over all."""
    for method in dict.fromkeys(str(r["method"]) for r in rows):
        single, found = rmse_of_series(rows, method), rmse(rows, method)
        cells = [f"{single[n]:.3f}" if n in single else _NONE for n in names]
        whole = _interval(found.value, found.lo, found.hi, 3) if found.n else "not computed"
        yield [f"lithium by {method}", *cells, whole, str(found.n)]
    nickel = nickel_rmse_of_series(rows, KERNEL)
    cells = [f"{nickel[n]:.2f}" if n in nickel else _NONE for n in names]
    yield [f"Ni state by {KERNEL}, against charge neutrality", *cells, _NONE, str(len(nickel))]


def every(rows: Rows) -> Iterator[list[str]]:
    """One line for each electrode."""
    places = dict.fromkeys((str(r["composition"]), float(r["number"])) for r in rows)
    for place in places:
        own = {str(r["method"]): r for r in rows
               if (str(r["composition"]), float(r["number"])) == place}  # fmt: skip
        about = next(iter(own.values()))
        yield [
            place[0],
            str(about["cycle"]),
            _number(about["voltage_V"], 1),
            _number(about["truth"], 2),
            *(_lithium(own.get(method)) for method in (KERNEL, SERIES)),
            _number(about["nickel_by_charge"], 2),
            _around(about["nickel_state"], about["nickel_half"]),
        ]


def contents(rows: Rows) -> Iterator[list[str]]:
    """Contents by every way, a column for each element."""
    for way in dict.fromkeys(str(r["way"]) for r in rows):
        own = {str(r["element"]): r for r in rows if r["way"] == way}
        yield [way, *(_content(own.get(e)) for e in ELEMENTS)]


def _rows(path: Path, columns: list[str]) -> Rows:
    return read_csv(path, columns) if path.exists() else []


def _doubt(rows: Rows) -> str:
    far = next((float(r["outside"]) for r in rows if r["way"] == SHAPE), None)
    if far is None:
        return ""
    text = f" {EDGE} lies {far:.1f} times as far from the training spectra as left-out ones"
    return f"{text}: outside, its intervals do not hold." if far > 1 else f"{text}: inside."


def _lithium(row: Mapping[str, Any] | None) -> str:
    return _NONE if row is None else _around(row["x"], NORMAL_90 * float(row["x_sd"]))


def _content(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return _NONE
    value, lo, hi = (float(row[k]) for k in ("per_metal", "lo", "hi"))
    return f"{value:.2f}" if math.isnan(lo) else _interval(value, lo, hi, 2)


def _interval(value: float, lo: float, hi: float, digits: int) -> str:
    if math.isnan(lo):
        return f"{value:.{digits}f} (one cell: no interval)"
    return f"{value:.{digits}f} [{lo:.{digits}f}, {hi:.{digits}f}]"


def _around(value: Any, half: Any) -> str:
    middle, away = float(value), float(half)
    return _NONE if math.isnan(middle) else f"{middle:.2f} ± {away:.2f}"


def _number(value: Any, digits: int) -> str:
    number = float(value)
    return _NONE if math.isnan(number) else f"{number:.{digits}f}"
