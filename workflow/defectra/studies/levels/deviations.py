"""What we computed beside published and measured values, where nobody has set a bound."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from defectra.core.claims import NAN, NOTHING, Estimate, Row, Rows
from defectra.studies.levels.checks_computed import CELLS, spread
from defectra.studies.levels.inputs import DEFAULT_PROTOCOL, SMALLEST
from defectra.studies.levels.tables import sizes_of
from defectra.studies.levels.whole_space import MODELS

DEVIATION_COLUMNS = ["quantity", "against", "metric", "value", "lo", "hi", "unit", "n"]
HOST_COLUMNS = {
    "lattice": ("lattice_A", "Å", "lattice constant, PBE"),
    "gap": ("gap_hse_eV", "eV", "gap, HSE06 on PBE orbitals"),
    "epsilon_electronic": ("epsilon_electronic", "", "electronic dielectric constant, RPA"),
}


def deviations(
    levels: Rows, computed: Rows, measured: Mapping[str, Mapping[str, float]], space: Rows
) -> list[Row]:
    """Rows of ``deviations.csv``; what nothing stands beside is left out.

    Parameters
    ----------
    levels, computed, space
        Rows of COMPUTED_LEVELS, HOST_RUNS and of the space table.
    measured
        Literature properties by host; estimates must not be among them.
    """
    rows = [*_levels(levels), *_hosts(computed, measured), *_space(space)]
    return [row for row in rows if not math.isnan(row["value"])]


def _row(quantity: str, against: str, metric: str, found: Estimate, unit: str) -> Row:
    return {
        "quantity": quantity,
        "against": against,
        "metric": metric,
        "value": found.value,
        "lo": found.lo,
        "hi": found.hi,
        "unit": unit,
        "n": found.n,
    }


def _levels(levels: Rows) -> Iterator[Row]:
    good = [r for r in levels if math.isfinite(r["level_eV"])]
    bound = sum(r["mark"] == "localised" for r in good) / len(good) if good else NAN
    text = "computed level whose potential has a plateau and whose carrier is bound"
    yield _row(text, "all computed levels", "share", Estimate.exact(bound, len(good)), "")
    known = [
        abs(r["level_eV"] - r["published_eV"])
        for r in good
        if math.isfinite(r["published_eV"])
        and r["atoms"] == SMALLEST
        and r["protocol"] == DEFAULT_PROTOCOL
    ]
    text = f"unrelaxed level in {SMALLEST} atoms"
    yield _row(text, "published relaxed PBE level", "mae", Estimate.mean(known), "eV")
    cells = [rows[-CELLS:] for rows in sizes_of(levels).values()]
    text = f"level without correction, {CELLS} largest cells of a defect"
    yield _row(text, "each other", "largest", spread(cells, "bare_eV"), "eV")


def _hosts(computed: Rows, measured: Mapping[str, Mapping[str, float]]) -> Iterator[Row]:
    for name, (column, unit, what) in HOST_COLUMNS.items():
        miss = [
            abs(r[column] - measured[r["host"]][name])
            for r in computed
            if name in measured.get(r["host"], {})
        ]
        yield _row(what, "measured value", "mae", Estimate.mean(miss), unit)


def _space(rows: Rows) -> Iterator[Row]:
    for model in MODELS:
        pairs: Sequence[tuple[Any, Any]] = [
            (r["level_eV"], r[f"{model}_eV"])
            for r in rows
            if math.isfinite(r[f"{model}_eV"]) and not math.isfinite(r["published_eV"])
        ]
        off = np.subtract(*np.transpose(pairs)) if pairs else np.array([])
        rms = float(np.sqrt(np.mean(off**2))) if pairs else NAN
        found = Estimate.exact(rms, len(pairs)) if pairs else NOTHING
        yield _row("predicted level that nobody computed", f"published {model}", "rms", found, "eV")
