"""Figure of the comparison of fidelities: spectra at a low and a higher-fidelity protocol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from defectra.figures import style
from defectra.spectra.normalise import relative_rms

Rows = Iterable[Mapping[str, Any]]


def fidelity_pairs(
    site_averages: Rows, geometry: str, low: str, high: str
) -> dict[str, list[float]]:
    """Relative RMS difference (root mean square) of two protocols, for each edge with pairs."""
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for row in site_averages:
        if row["geometry_protocol"] == geometry and row["mu"]:
            key = (f"{row['element']} {row['edge']}", row["structure_id"])
            found[key][row["protocol"]] = row["mu"]
    out: dict[str, list[float]] = defaultdict(list)
    for (edge, _), curves in sorted(found.items()):
        if low in curves and high in curves and low != high:
            found_rms = float(relative_rms(curves[low], curves[high]))
            if np.isfinite(found_rms):
                out[edge].append(found_rms)
    return dict(out)


@style.styled()
def plot_ladder(site_averages: Rows, geometry: str, low: str, high: str, path: str | Path) -> None:
    """How far the low-fidelity protocol is from the other, structure by structure."""
    pairs = fidelity_pairs(site_averages, geometry, low, high)
    figure, axes = style.canvas(1, 1, (max(4.0, 1.6 + 0.9 * len(pairs)), 3.4))
    axis = axes[0, 0]
    if not pairs:
        style.say(axis, f"no structure at both {low} and {high}")
        style.save(figure, path)
        return
    for k, values in enumerate(pairs.values()):
        offset = 0.3 * (np.arange(len(values)) / max(1, len(values) - 1) - 0.5)
        axis.plot(k + offset, values, "o", ms=4, color=style.BLUE, alpha=0.6, mec="none")
        axis.hlines(np.median(values), k - 0.28, k + 0.28, color=style.RED, lw=1.8)
    axis.set_xticks(range(len(pairs)), [f"{e}\n(n = {len(v)})" for e, v in pairs.items()])
    axis.set(xlim=(-0.6, len(pairs) - 0.4), ylabel=f"relative RMS, {low} against {high}")
    axis.set_ylim(0, 1.08 * max(map(max, pairs.values())) or 0.01)
    axis.set_title("site means; line: median")
    style.save(figure, path)
