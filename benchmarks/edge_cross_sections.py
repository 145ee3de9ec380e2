"""Photoabsorption of edges for energy loss: ``python -m benchmarks.edge_cross_sections``.

Writes ``resources/nmc/edge_cross_sections.csv``. Needs xraydb, which is no requirement of the
project (``pip install xraydb``).

Source: photoelectric cross-sections of C. T. Chantler, J. Phys. Chem. Ref. Data 29, 597 (2000), as
xraydb interpolates them, with thresholds at the edges of J. A. Bearden and A. F. Burr, Rev. Mod.
Phys. 39, 125 (1967) (:data:`SUBSHELLS`). They are tabulated in steps of some 10 eV near an edge,
so that edges are smeared out; the first table of this study (W. T. Elam et al., Radiat. Phys.
Chem. 63, 121 (2002)) even rose for 30 to 45 eV above an L3 edge, where it was too low by up to a
factor of two. Each edge is therefore a power of the energy, fitted where the tables are smooth,
from 25 eV above the last subshell up to the next shell, and continued down to the thresholds.
Below an edge a power of the energy is fitted, too, and subtracted. L3 and L2 share their sum as 2
to 1, the ratio of their electrons; rows named L3 hold both. The tables know neither white lines
nor other structure near an edge. From 45 to 100 eV above the edges, the partial cross-sections of
L. Kissel (Radiat. Phys. Chem. 59, 185 (2000), by xraylib 4.3.0) differ by -1 to 2 % for the metals
and are 2 to 4 % larger for O.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.csvs import write_csv
from defectra.core.paths import PROJECT

Floats = NDArray[np.float64]
TABLE = PROJECT / "resources" / "nmc" / "edge_cross_sections.csv"
COLUMNS = ["element", "edge", "edge_eV", "above_eV", "cross_section_barn"]
ABOVE = np.arange(2.5, 100.0, 5.0)  # eV above the edge
BARN_PER_CM2 = 1e24
AVOGADRO = 6.02214076e23
# Edge (eV) and electrons of each subshell, and the next edge that the tables have, eV
SUBSHELLS: dict[str, tuple[dict[str, tuple[float, int]], float]] = {
    "O": ({"K": (532.0, 2)}, np.inf),
    "Mn": ({"L3": (640.3, 4), "L2": (651.4, 2)}, 769.0),
    "Co": ({"L3": (778.6, 4), "L2": (793.6, 2)}, 925.6),
    "Ni": ({"L3": (854.7, 4), "L2": (871.9, 2)}, 1008.1),
}
SMOOTH_ABOVE, SMOOTH_BELOW = 25.0, 40.0  # eV: tables are smooth beyond the last edge and below one
REACH = 250.0  # eV that are fitted above an edge with no other above it
BEFORE = 140.0  # eV below an edge, where the fit begins


def power(energy: Floats, barn: Floats) -> tuple[float, float]:
    """Exponent and logarithm of the factor of a power law through cross-sections."""
    exponent, constant = np.polyfit(np.log(energy), np.log(barn), 1)
    return float(exponent), float(constant)


def edge_cross_section(
    total: Callable[[Floats], Floats], shells: dict[str, tuple[float, int]], beyond: float
) -> Floats:
    """Cross-section of the shells of one edge at :data:`ABOVE` over the first, barn per atom.

    Parameters
    ----------
    total
        Photoabsorption of the atom at energies (eV), barn.
    shells
        Threshold (eV) and electrons of each subshell, the lowest first.
    beyond
        Highest energy that is fitted, eV.
    """
    first, last = (f([e for e, _ in shells.values()]) for f in (min, max))
    below = np.arange(first - BEFORE, first - SMOOTH_BELOW)
    above = np.arange(last + SMOOTH_ABOVE, beyond)
    exponent, constant = power(below, total(below))
    step = total(above) - np.exp(constant) * above**exponent
    exponent, constant = power(above, step)
    energy = first + ABOVE
    whole = np.exp(constant) * energy**exponent
    electrons = sum(n for _, n in shells.values())
    share = sum((energy > e) * n / electrons for e, n in shells.values())
    return np.asarray(whole * share)


def rows() -> list[dict[str, Any]]:
    """Rows of the table, by xraydb."""
    import xraydb

    out = []
    for element, (subshells, further) in SUBSHELLS.items():
        barn = xraydb.atomic_mass(element) / AVOGADRO * BARN_PER_CM2
        (first, (edge, _)), *_ = subshells.items()
        found = edge_cross_section(
            lambda energy: xraydb.mu_chantler(element, energy, photo=True) * barn,  # noqa: B023
            subshells,
            min(further - SMOOTH_BELOW, edge + REACH),
        )
        out += [
            dict(zip(COLUMNS, (element, first, edge, above, round(value)), strict=True))
            for above, value in zip(ABOVE, found, strict=True)
        ]
    return out


def main() -> None:
    """Write the table."""
    write_csv(TABLE, rows(), COLUMNS)


if __name__ == "__main__":
    main()
