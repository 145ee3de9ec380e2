"""Slopes before the edge in public Athena projects, in edge steps per eV; a script, not a test.

``python tests/parsers/pre_edge_slopes.py FOLDER...`` prints how large they are, a number for each
project: the median over its groups that begin 100 eV and more before the edge.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from step_agreement import Group, groups

from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.measured_spectrum import SpectrumError

FIRST, LAST, LONG = -200.0, -30.0, -100.0  # eV from the edge


def slope(group: Group) -> float:
    """Slope of a line from 200 to 30 eV before the edge, edge steps per eV; NaN: none fitted."""
    x = group.spectrum.energy - group.ranges.edge
    used = (x > FIRST) & (x < LAST)
    if x[0] > LONG or used.sum() < 10:
        return float("nan")
    try:
        step = normalise(group.spectrum).step
    except SpectrumError:
        return float("nan")
    return float(np.polyfit(x[used], group.spectrum.mu[used], 1)[0] / step)


def main() -> None:
    """Print the quantiles."""
    found: dict[str, list[float]] = {}
    for group in groups([Path(w) for w in sys.argv[1:]]):
        own = slope(group)
        if np.isfinite(own):
            found.setdefault(group.project, []).append(own)
    size = np.abs([np.median(v) for v in found.values()])
    parts = ", ".join(f"{q} % within {np.percentile(size, q):.1e}" for q in (50, 68, 90))
    print(f"{sum(map(len, found.values()))} groups of {len(found)} projects: {parts} steps per eV")


if __name__ == "__main__":
    main()
