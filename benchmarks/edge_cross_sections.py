"""Photoabsorption of edges for energy loss: ``python -m benchmarks.edge_cross_sections``.

Writes ``resources/nmc/edge_cross_sections.csv``. Needs xraydb, which is no requirement of the
project (``pip install xraydb``).

Source: photoelectric cross-sections of C. T. Chantler, J. Phys. Chem. Ref. Data 29, 597 (2000), as
xraydb interpolates them. They are tabulated in steps of some 10 eV near an edge, so that edges are
smeared out; the first table of this study (W. T. Elam et al., Radiat. Phys. Chem. 63, 121 (2002))
even rose for 30 to 45 eV above an L3 edge, where it was too low by up to a factor of two. Each
edge is therefore a power of the energy, fitted where the tables are smooth, from 25 eV above the
last subshell up to the next shell, and continued down to the thresholds. Below an edge a power of
the energy is fitted, too, and subtracted. L3 and L2 share their sum as 2 to 1, the ratio of their
electrons. The tables know neither white lines nor other structure near an edge. From 45 to 100 eV
above the edges the partial cross-sections of L. Kissel (Radiat. Phys. Chem. 59, 185 (2000), by
xraylib 4.3.0) are larger by 1 to 3 % for the metals, by 5 to 6 % for O.
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
# Subshells of each edge with their electrons, and the next shell that is ionised
SUBSHELLS = {
    "O": ({"K": 2}, None),
    "Mn": ({"L3": 4, "L2": 2}, "L1"),
    "Co": ({"L3": 4, "L2": 2}, "L1"),
    "Ni": ({"L3": 4, "L2": 2}, "L1"),
}
SMOOTH_ABOVE, SMOOTH_BELOW = 25.0, 10.0  # eV: tables are smooth beyond the last edge and below one
REACH = 250.0  # eV that are fitted above an edge with no other above it
BEFORE = 100.0  # eV that are fitted below an edge


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
        edge = {s: float(xraydb.xray_edge(element, s).energy) for s in xraydb.xray_edges(element)}
        barn = xraydb.atomic_mass(element) / AVOGADRO * BARN_PER_CM2
        first = next(iter(subshells))
        found = edge_cross_section(
            lambda energy: xraydb.mu_chantler(element, energy, photo=True) * barn,  # noqa: B023
            {s: (edge[s], n) for s, n in subshells.items()},
            edge[further] - SMOOTH_BELOW if further else edge[first] + REACH,
        )
        out += [
            dict(zip(COLUMNS, (element, first, edge[first], above, round(value)), strict=True))
            for above, value in zip(ABOVE, found, strict=True)
        ]
    return out


def main() -> None:
    """Write the table."""
    write_csv(TABLE, rows(), COLUMNS)


if __name__ == "__main__":
    main()
