"""Figure of study `hbn`: lines of measured or simulated spectra beside the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.figures import style
from defectra.studies.hbn.settings import Line

Rows = Sequence[Mapping[str, Any]]


@style.styled()
def plot_lines(rows: Rows, line: Line, path: str | Path) -> None:
    """Centre and width of the main line of each spectrum."""
    rows = [r for r in rows if not str(r["spectrum"]).startswith("background")]
    known = [r for r in rows if style.finite(r["center_eV"], r["width_eV"])]
    good = [r for r in known if r["status"] == "ok"]
    figure, axes = style.canvas(1, 2, (8.4, 3.8))
    if not good:
        style.say(axes[0, 0], "no spectrum has a line")
        style.say(axes[0, 1], "")
        style.save(figure, path)
        return
    center, width = (np.array([r[k] for r in good], float) for k in ("center_eV", "width_eV"))
    errors = [np.array([r[f"{k}_error_eV"] for r in good], float) for k in ("center", "width")]
    own = [str(r["spectrum"]).startswith("emitters:") for r in good]
    kinds = ((True, style.BLUE, "simulated"), (False, style.RED, "measured"))
    for simulated, colour, name in kinds:
        chosen = np.array(own) == simulated
        if chosen.any():
            axes[0, 0].errorbar(
                center[chosen], 1e3 * width[chosen], 1e3 * errors[1][chosen], errors[0][chosen],
                "o", ms=3, lw=0.8, color=colour, label=name,
            )  # fmt: skip
    low, high = line.energy - 2 * line.energy_sd, line.energy + 2 * line.energy_sd
    window = {"color": style.GREEN, "alpha": 0.3, "lw": 0, "zorder": 0}
    axes[0, 0].axvspan(low, high, label="measured window, two standard deviations", **window)
    axes[0, 0].set(xlabel="centre (eV)", ylabel="full width at half maximum (meV)")
    axes[0, 1].hist(center, bins=15, color=style.SKY)
    axes[0, 1].axvspan(low, high, **window)
    axes[0, 1].set(xlabel="centre (eV)", ylabel="spectra")
    figure.legend(loc="outside lower center", ncols=3)
    style.save(figure, path)
