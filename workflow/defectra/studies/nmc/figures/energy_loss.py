"""Figure of the measured energy loss: O K beside computed spectra, contents by both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.nmc.measured.energy_loss import INTENSITIES, LEFT_IN
from defectra.studies.nmc.measured.energy_loss_shape import AS_COUNTS, EDGE, MEASURED, SHAPE

Rows = Sequence[Mapping[str, Any]]
_OTHERS, _OXYGEN = ("Li", "Mn", "Co", "Ni"), ("O",)
_COLOURS = (style.RED, style.ORANGE, style.SKY, style.PURPLE)
_WAYS = (style.BLUE, style.SKY, style.GREEN)  # of intensities; open marks: scattering left in


@style.styled()
def plot_energy_loss(
    contents: Iterable[Mapping[str, Any]], curves: Iterable[Mapping[str, Any]], path: str | Path
) -> None:
    """O K on the left, contents on the right, that of oxygen on an axis of its own.

    Parameters
    ----------
    contents, curves
        Rows of ``energy_loss.csv`` and ``energy_loss_curves.csv``; the answer without the factor
        between energy loss and absorption is in the table alone.
    """
    rows, lines = [r for r in contents if not str(r["way"]).endswith(AS_COUNTS)], list(curves)
    figure, axes = style.canvas(1, 3, (11.5, 5.6), width_ratios=(5, 4, 1.3))
    if lines:
        _draw_edge(axes[0, 0], lines, rows)
    else:
        style.say(axes[0, 0], f"no model of the blocks that knows {EDGE}")
    if rows:
        _draw_contents(axes[0, 1], rows, _OTHERS)
        _draw_contents(axes[0, 2], rows, _OXYGEN)
        axes[0, 1].set(ylabel="atoms per metal atom", title="contents")
        handles, names = axes[0, 1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower right", ncols=1)
    else:
        style.say(axes[0, 1], "no measured energy loss")
        axes[0, 2].set_axis_off()
    style.save(figure, path)


def _draw_edge(axes: Axes, lines: Rows, rows: Rows) -> None:
    names = list(dict.fromkeys(str(r["curve"]) for r in lines))
    colours = dict(zip([n for n in names if not n.startswith(MEASURED)], _COLOURS))
    for name in names:
        own = [r for r in lines if r["curve"] == name]
        energy, mu = (np.array([r[k] for r in own], float) for k in ("energy_eV", "mu"))
        first = name == MEASURED
        axes.plot(energy, mu, color=style.BLACK if first else colours.get(name, style.GREY),
                  linewidth=1.8 if first else 1.0, label=name,
                  linestyle="--" if name.endswith(LEFT_IN) else "-")  # fmt: skip
    axes.set(xlabel="energy on the axis of the calculations (eV)", ylabel="share of area (per eV)")
    told = next((r for r in rows if r["way"] == SHAPE), None)
    if told is not None:
        axes.set_title(f"{EDGE}: {float(told['outside']):.1f} times as far as left-out spectra")
    axes.legend(loc="upper right", fontsize=8)


def _draw_contents(axes: Axes, rows: Rows, elements: Sequence[str]) -> None:
    ways = list(dict.fromkeys(str(r["way"]) for r in rows))
    whole = [w for w in ways if w != SHAPE and not w.endswith(LEFT_IN)]
    shown = dict(zip(whole, _WAYS)) | {SHAPE: style.RED}
    for k, way in enumerate(ways):
        own = [r for r in rows if r["way"] == way and r["element"] in elements]
        value, low, high = (np.array([r[c] for r in own], float)
                            for c in ("per_metal", "lo", "hi"))  # fmt: skip
        places = [elements.index(str(r["element"])) + 0.12 * (k - (len(ways) - 1) / 2)
                  for r in own]  # fmt: skip
        axes.errorbar(places, value, style.bars(value, low, high), fmt="o", ms=4,
                      color=shown.get(way.removesuffix(LEFT_IN), style.GREY), elinewidth=0.9,
                      mfc="white" if way.endswith(LEFT_IN) else None,
                      label=_name(way, rows))  # fmt: skip
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    axes.set_xticks(range(len(elements)), elements)
    axes.set_xlim(-0.5, len(elements) - 0.5)


def _name(way: str, rows: Rows) -> str:
    if way == INTENSITIES:
        return f"{way}: all windows (no Li: below the axis)"
    if not way.startswith(SHAPE):
        return way.replace(" eV", " eV above the onset")
    outside = next(float(r["outside"]) for r in rows if r["way"] == way)
    return way if outside <= 1 else f"{way}: outside of the training spectra, bars do not hold"
