"""Tables of what study `nmc` says of measured spectra, for ``docs/nmc_tables.md``.

``python -m benchmarks.pages.nmc_measured [RESULTS]`` prints those of a results folder (default
``results``), ``... write`` puts them between their marks.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.nmc_protocol import CHANGES
from benchmarks.rows import put, table, tables_below
from defectra.core.claims import Rows
from defectra.core.config import load
from defectra.core.csvs import read_csv
from defectra.core.errors import reports_errors
from defectra.core.paths import PROJECT
from defectra.studies.nmc.lithium import LITHIUM_COLUMNS
from defectra.studies.nmc.measured import electrode_nickel
from defectra.studies.nmc.measured.checks import electrode_checks, energy_loss_checks
from defectra.studies.nmc.measured.electrode_scores import LITHIUM, NICKEL, rmse, rmse_of_series
from defectra.studies.nmc.measured.electrodes import EXPERIMENT_COLUMNS, KERNEL, SERIES
from defectra.studies.nmc.measured.energy_loss import ENERGY_LOSS_COLUMNS
from defectra.studies.nmc.measured.energy_loss_shape import AS_COUNTS, EDGE, SHAPE
from defectra.studies.nmc.measured.lithium_shift import NORMAL_90, LithiumShift

PAGE = Path(__file__).parents[2] / "docs/nmc_tables.md"
ELEMENTS = ("O", "Mn", "Co", "Ni", "Li")
NOTHING = "Measured spectra: not computed, no mirror of the published data or no blocks."
_NONE = ""
_QUANTITY = {LITHIUM: "lithium", NICKEL: "Ni state"}
_PLACE = ("cell", "cycle", "voltage (V)")
SHOWN = {
    LITHIUM: (KERNEL, SERIES),
    NICKEL: (electrode_nickel.CHARGE, electrode_nickel.MOMENTS, electrode_nickel.PEAK),
}


def parts(folder: Path) -> list[str]:
    """Paragraphs and tables of a folder ``results/nmc``; one sentence where there is nothing."""
    electrodes = _rows(folder / "experiment.csv", EXPERIMENT_COLUMNS)
    loss = _rows(folder / "energy_loss.csv", ENERGY_LOSS_COLUMNS)
    out = []
    if electrodes:
        names = list(dict.fromkeys(str(r["composition"]) for r in electrodes))
        out += [
            "Measured electrodes, RMSE by cell (electrodes of one cell share its shift and a charge"
            " curve; the interval is Student's over the cells, 90 %). Lithium against the charge, "
            "state of nickel against charge neutrality (at most 4+):",
            table(["quantity", "by", *names, "all", "cells"], errors(electrodes, names)),
            *_learnt(electrodes),
            *stoichiometry(electrodes, _rows(folder / "lithium.csv", LITHIUM_COLUMNS)),
            "Checks of these electrodes and of the energy loss, by the tables of this run:",
            table(["check", "ours", "cells", "verdict"], judged(electrodes, loss)),
            "Lithium of every electrode (`experiment.csv`), 90 % intervals:",
            table([*_PLACE, "by charge", *SHOWN[LITHIUM]], every(electrodes, LITHIUM)),
            "State of nickel of every electrode, 90 % intervals (of kernels: those of held-out "
            "computed spectra); *beyond*: electrons for each metal that charge neutrality asks for "
            "and nickel of 4+ cannot have given:",
            table(
                [*_PLACE, "by charge neutrality", "beyond", *SHOWN[NICKEL]],
                every(electrodes, NICKEL),
            ),
        ]
    if loss:
        thickness = max(float(r["thickness"]) for r in loss)
        out += [
            "The authors' energy-loss spectrum (5 % Si-doped NMC; the ratio of its metals is not "
            "stated), atoms per metal atom (`energy_loss.csv`). Plural scattering is taken off by "
            f"the low-loss spectrum (t/λ {thickness:.2f}) where it is not said that it is left in."
            + _doubt(loss),
            table(["from", *ELEMENTS], contents(loss)),
        ]
    return out or [NOTHING]


def errors(rows: Rows, names: list[str]) -> Iterator[list[str]]:
    """Error of each method, by cell and over all."""
    for quantity, method in dict.fromkeys((str(r["quantity"]), str(r["method"])) for r in rows):
        single, found = rmse_of_series(rows, method, quantity), rmse(rows, method, quantity)
        cells = [f"{single[n]:.3f}" if n in single else _NONE for n in names]
        whole = _interval(found.value, found.lo, found.hi, 3) if found.n else "not computed"
        yield [_QUANTITY[quantity], method, *cells, whole, str(found.n)]


def stoichiometry(electrodes: Rows, lithium: Rows) -> Iterator[str]:
    """What the slope of the series, and its error, would be without each cell's own stoichiometry.

    The shifts that the own column makes at two lithium contents are those of ``validation.md``.
    """
    study = load(PROJECT / "config/config.yaml").nmc
    line = LithiumShift.of(lithium, study.lithium_series, study.protocol)
    moved = {float(r["lithium"]): float(r["shift_eV"]) for r in CHANGES.rows()
             if (r["change"], r["element"]) == ("stoichiometry", "Ni")}  # fmt: skip
    own = rmse(electrodes, SERIES, LITHIUM)
    if line is None or len(moved) < 2 or not own.n:
        return
    low, high = min(moved), max(moved)
    slope = line.slope - (moved[high] - moved[low]) / (high - low)
    other = [{**r, "value": 1 - (1 - float(r["value"])) * line.slope / slope} for r in electrodes]
    yield (
        "By the slope of the series the error depends on FEFF's stoichiometry column: with that of "
        f"each cell it is {line.slope:.2f} eV for each lithium and the RMSE is {own.value:.3f}; "
        "less what the column does ([`validation.md`](validation.md)) they are "
        f"{slope:.2f} eV and {rmse(other, SERIES, LITHIUM).value:.3f}."
    )


def judged(electrodes: Rows, loss: Rows) -> Iterator[list[str]]:
    """Each check with its verdict."""
    for check in (*electrode_checks(electrodes), *energy_loss_checks(loss)):
        row, found = check.row(), check.ours
        shown = _interval(found.value, found.lo, found.hi, 3) if found.n else "not computed"
        yield [str(row["check"]), shown, str(found.n), str(row["verdict"])]


def every(rows: Rows, quantity: str) -> Iterator[list[str]]:
    """One line for each electrode."""
    some = [r for r in rows if r["quantity"] == quantity]
    places = dict.fromkeys((str(r["composition"]), float(r["number"])) for r in some)
    for place in places:
        own = {str(r["method"]): r for r in some
               if (str(r["composition"]), float(r["number"])) == place}  # fmt: skip
        about = next(iter(own.values()))
        beyond = [_number(about["beyond_nickel"], 2)] if quantity == NICKEL else []
        yield [
            place[0],
            str(about["cycle"]),
            _number(about["voltage_V"], 1),
            _around(about["truth"], about["truth_half"]),
            *beyond,
            *(_told(own.get(method)) for method in SHOWN[quantity]),
        ]


def _learnt(rows: Rows) -> list[str]:
    row = next((r for r in rows if r["method"] == electrode_nickel.CHARGE), None)
    if row is None:
        return []
    return [
        f"Charge neutrality asks for a state of nickel outside of 2+ to 4+ in "
        f"{float(row['capped_cells']):.0f} of {float(row['cells']):.0f} computed cells; there the "
        "label is the nearer end, and cobalt, manganese or oxygen has the electrons."
    ]


def contents(rows: Rows) -> Iterator[list[str]]:
    """Contents by every way, a column for each element."""
    for way in dict.fromkeys(str(r["way"]) for r in rows):
        own = {str(r["element"]): r for r in rows if r["way"] == way}
        yield [way, *(_content(own.get(e)) for e in ELEMENTS)]


def _rows(path: Path, columns: list[str]) -> Rows:
    return read_csv(path, columns) if path.exists() else []


def _doubt(rows: Rows) -> str:
    by = {str(r["way"]): float(r["outside"]) for r in rows if str(r["way"]).startswith(SHAPE)}
    far, counts = by.get(SHAPE), by.get(SHAPE + AS_COUNTS)
    if far is None:
        return ""
    text = f" {EDGE} lies {far:.1f} times as far from the training spectra as left-out ones"
    text += ": outside, its intervals do not hold" if far > 1 else ": inside"
    if counts is not None:
        text += f"; with the factor between energy loss and absorption left in, {counts:.2f} times"
        text += f" instead of {far:.2f}"
    return f"{text}."


def _told(row: Mapping[str, Any] | None) -> str:
    return _NONE if row is None else _around(row["value"], NORMAL_90 * float(row["sd"]))


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


@reports_errors
def main() -> int:
    """Print the tables, or write them into the page."""
    words = [w for w in sys.argv[1:] if w != "write"]
    text = "\n\n".join(parts(tables_below(Path(words[0] if words else "results") / "nmc")))
    if "write" in sys.argv[1:]:
        put(PAGE, "nmc_measured", text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
