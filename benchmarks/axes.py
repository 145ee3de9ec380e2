"""Computed axes of study `nmc` beside measured ones: ``python -m benchmarks.axes [RESULTS]``.

Writes ``resources/nmc/axes.csv``, which ``make nmc`` puts into its model for ``defectra predict``.
A shift is added to *measured* energies. Two sources:

- ``RESULTS/nmc/experiment.csv`` (default ``results``; a run with the mirror): the pristine
  electrodes, onto which the computed Ni K of all lithium was laid by its shape. That shift is added
  to computed energies, so that its sign is turned here. Standard deviation: that of one series and
  that between the series, in quadrature.
- ``benchmarks/measured/references.csv``: the strongest peak of a reference crystal, computed (with
  the declared shift of the edge) and measured. One crystal gives no standard deviation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.references import KEPT, NMC
from defectra.core.config import load
from defectra.core.csvs import read_csv, write_csv
from defectra.core.paths import PROJECT
from defectra.studies.nmc.blocks.saved import AXES_COLUMNS
from defectra.studies.nmc.measured.electrode_models import EDGE
from defectra.studies.nmc.measured.electrodes import EXPERIMENT_COLUMNS, KERNEL, PRISTINE

Row = dict[str, Any]
Rows = Iterable[Mapping[str, Any]]
TABLE = PROJECT / "resources/nmc/axes.csv"


def of_electrodes(experiment: Rows) -> Row:
    """Row of the nickel edge, from rows of ``experiment.csv``."""
    found = {
        str(r["composition"]): (-r["shift_eV"], r["shift_sd_eV"]) for r in experiment
        if (r["cycle"], r["quantity"], r["method"]) == (PRISTINE, "x_Li", KERNEL)
    }  # fmt: skip
    shifts, sds = np.array(list(found.values())).T
    between = shifts.var(ddof=1) if len(shifts) > 1 else 0.0
    sd = float(np.sqrt((sds**2).mean() + between))
    by = f"the shape of pristine electrodes ({' and '.join(found)})"
    return dict(zip(AXES_COLUMNS, (EDGE, float(shifts.mean()), sd, by), strict=True))


def of_crystals(references: Rows, declared: Mapping[str, float]) -> list[Row]:
    """Rows of the edges whose strongest peak was measured, from the kept references.

    Parameters
    ----------
    declared
        Shift that is added to computed energies, by edge, eV.
    """
    out = []
    for row in references:
        edge, measured = f"{row['element']} K", row["measured_peak_eV"]
        if np.isnan(measured) or row["crystal"] == NMC:
            continue
        shift = round(row["computed_peak_eV"] + declared[edge] - measured, 2)
        by = f"the strongest peak of {row['crystal']}"
        out.append(dict(zip(AXES_COLUMNS, (edge, shift, float("nan"), by), strict=True)))
    return out


def main() -> None:
    """Write the table."""
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
    declared = {name: edge.shift for name, edge in load().nmc.edges.items()}
    electrodes = of_electrodes(read_csv(results / "nmc/experiment.csv", EXPERIMENT_COLUMNS))
    write_csv(TABLE, [*of_crystals(KEPT.rows(), declared), electrodes], AXES_COLUMNS)


if __name__ == "__main__":
    main()
