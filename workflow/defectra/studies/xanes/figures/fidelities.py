"""Figure of study `xanes`: one site in several codes and at several fidelities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.xanes.fidelity_comparison import ANATASE

Rows = Sequence[Mapping[str, Any]]
_COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.RED, style.PURPLE)
_APART = 2.9  # offset between curves, mean = 1


@style.styled()
def plot_ladder(rows: Rows, path: str | Path) -> None:
    """Anatase Ti K in five codes and measured; our sites at every fidelity; our Ni K at two."""
    rows = [r for r in rows if style.finite(r["energy_eV"], r["mu"])]
    nickel = [r for r in rows if r["panel"].startswith("Ni K ")]
    sites = [r for r in rows if r["panel"] != ANATASE and r not in nickel]
    panels = list(dict.fromkeys(r["panel"] for r in sites))
    lines = math.ceil((2 + len(panels)) / 2)
    figure, axes = style.canvas(lines, 2, (11.5, 6.4 * lines))
    own = [r for r in rows if r["panel"] == ANATASE]
    measured = [r for r in own if not r["reference"]]
    codes = sorted((r for r in own if r["reference"]), key=lambda r: r["relative_rms"])
    _stack(axes[0, 0], measured, codes, 0.9)
    axes[0, 0].set_title("anatase, Ti K: five codes against the measured spectrum")
    for axis, name in zip(axes.flat[1:], panels):
        _site_curves(axis, [r for r in sites if r["panel"] == name])
        axis.set_title(name)
    _nickel(axes.flat[1 + len(panels)], nickel)
    for axis in axes.flat:
        axis.set(xlabel="energy (eV)", ylabel="absorption, mean = 1, offset", yticks=[])
    for axis in axes.flat[2 + len(panels) :]:
        axis.set_axis_off()
    style.save(figure, path)


def _site_curves(axis: Axes, rows: Rows) -> None:
    """One site: every fidelity over the last one (dotted), and the difference between them."""
    top = next((r for r in reversed(rows) if not r["reference"]), None)
    if top is None:
        style.say(axis, "the highest fidelity was not computed")
        return
    below = [r for r in rows if r["reference"] == top["rung"]]
    for k, row in enumerate([*below, top]):
        colour, low = _COLOURS[k % 5], _APART * k
        axis.plot(row["energy_eV"], np.array(row["mu"]) + low, color=colour, lw=1.4)
        if row is not top:
            axis.plot(top["energy_eV"], np.array(top["mu"]) + low, ":", color=style.BLACK,
                      lw=1.0)  # fmt: skip
        axis.text(0.99, low + 1.55, _said(row, rows), fontsize=6.5, color=colour, ha="right",
                  transform=axis.get_yaxis_transform(), in_layout=False)  # fmt: skip


def _said(row: Mapping[str, Any], rows: Rows) -> str:
    """What a fidelity costs and how far it is from later ones."""
    lines = [f"{row['rung']}: {row['cpu_s']:.0f} CPU s, axis: {row['axis']}"]
    others = [r for r in rows if r["rung"] == row["rung"] and r["reference"]]
    lines += [
        f"to {r['reference']}: rel. RMS {r['relative_rms']:.3f}, r {r['pearson']:.3f},\n"
        f"moved {r['shift']:+.2f} ± {r['shift_sd']:.2f}, broadened {r['fwhm']:.1f} eV"
        for r in others
    ]
    return "\n".join(lines)


def _nickel(axis: Axes, rows: Rows) -> None:
    """Ni K of some sites, the cheap protocol (lines) over the converged one (dotted)."""
    for k, name in enumerate(sorted({r["panel"] for r in rows})[:5]):
        for row in [r for r in rows if r["panel"] == name]:
            converged = not row["reference"]
            colour = style.BLACK if converged else _COLOURS[k % 5]
            axis.plot(row["energy_eV"], np.array(row["mu"]) + 1.2 * k, ":" if converged else "-",
                      color=colour, lw=1.0 if converged else 1.4)  # fmt: skip
            if not converged:
                text = f"{name[5:]}: rel. RMS {row['relative_rms']:.3f}, r {row['pearson']:.4f}"
                axis.text(8353.5, 1.2 * k + 0.55, text, fontsize=7.5, color=colour, in_layout=False)
    axis.set_title("Ni K of our sites: fast (lines), balanced (dotted)")


def _stack(axis: Axes, measured: Rows, codes: Rows, offset: float) -> None:
    for k, row in enumerate(codes):
        colour = _COLOURS[k % 5]
        axis.plot(row["energy_eV"], np.array(row["mu"]) + offset * k, color=colour, lw=1.4)
        for other in measured:
            axis.plot(other["energy_eV"], np.array(other["mu"]) + offset * k, ":",
                      color=style.BLACK, lw=1.0)  # fmt: skip
        text = (
            f"{row['rung']}: rel. RMS {row['relative_rms']:.3f}, r {row['pearson']:.3f}\n"
            f"moved {row['shift']:+.1f} ± {row['shift_sd']:.1f} eV,\n"
            f"broadened {row['fwhm']:.1f} eV"
        )
        axis.text(4966, offset * k + 0.34, text, fontsize=7, color=colour, in_layout=False)
