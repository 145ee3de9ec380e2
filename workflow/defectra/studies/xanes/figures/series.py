"""Figures of study `xanes`: comparison of fidelities, measured spectra, what a model looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.xanes.fidelity_comparison import ANATASE
from defectra.studies.xanes.series import (
    ALIGNED,
    AUTHORS,
    CENTROID,
    DECLARED,
    FOREST,
    PEAK,
    UNALIGNED,
)

Rows = Sequence[Mapping[str, Any]]
_COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.RED, style.PURPLE)
_APART = 2.9  # offset between curves, mean = 1
_MARKERS = {"NMC622": "o", "NMC721": "s"}


@style.styled()
def plot_ladder(rows: Rows, path: str | Path) -> None:
    """Anatase Ti K in five codes and measured; our sites at every fidelity; our Ni K at two."""
    rows = [r for r in rows if style.finite(r["energy_eV"], r["mu"])]
    nickel = [r for r in rows if r["panel"].startswith("Ni K ")]
    sites = [r for r in rows if r["panel"] != ANATASE and r not in nickel]
    panels = list(dict.fromkeys(r["panel"] for r in sites))
    figure, axes = style.canvas(1, 2 + len(panels), (5.2 * (2 + len(panels)), 6.4))
    own = [r for r in rows if r["panel"] == ANATASE]
    measured = [r for r in own if not r["reference"]]
    codes = sorted((r for r in own if r["reference"]), key=lambda r: r["relative_rms"])
    _stack(axes[0, 0], measured, codes, 0.9)
    axes[0, 0].set_title("anatase, Ti K: five codes against the measured spectrum")
    for axis, name in zip(axes.flat[1:], panels):
        _site_curves(axis, [r for r in sites if r["panel"] == name])
        axis.set_title(name)
    _nickel(axes.flat[-1], nickel)
    for axis in axes.flat:
        axis.set(xlabel="energy (eV)", ylabel="absorption, mean = 1, offset", yticks=[])
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
    """Ni K of some sites, the cheap protocol (lines) over the dear one (dotted)."""
    for k, name in enumerate(sorted({r["panel"] for r in rows})[:5]):
        for row in [r for r in rows if r["panel"] == name]:
            dear = not row["reference"]
            colour = style.BLACK if dear else _COLOURS[k % 5]
            axis.plot(row["energy_eV"], np.array(row["mu"]) + 1.2 * k, ":" if dear else "-",
                      color=colour, lw=1.0 if dear else 1.4)  # fmt: skip
            if not dear:
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


@style.styled()
def plot_series(rows: Rows, path: str | Path) -> None:
    """State of nickel against voltage: own model in three alignments, published, two baselines."""
    figure, axes = style.canvas(1, 6, (14.5, 3.9))
    wanted = (
        (FOREST, "cdf", ALIGNED, "own calculations, CDF,\naligned without labels"),
        (FOREST, "cdf", DECLARED, "own calculations, CDF,\ndeclared shift"),
        (FOREST, "cdf", UNALIGNED, "own calculations, CDF,\nnot aligned"),
        (AUTHORS, "cdf", "", "published model"),
        (PEAK, "", "", "peak position"),
        (CENTROID, "", "", "centroid"),
    )
    for axis, (method, features, alignment, title) in zip(axes.flat, wanted):
        own = [r for r in rows if r["method"] == method and _same(r["features"], features)
               and _same(r["alignment"], alignment)]  # fmt: skip
        _voltage_panel(axis, own)
        axis.set_title(title)
    for axis in axes.flat[:4]:
        axis.set_ylim(1.95, 4.2)
        axis.axhline(16 / 6, color=style.GREY, lw=0.8, ls="--")
    axes[0, 0].set_ylabel("Ni oxidation state")
    axes[0, 4].set_ylabel("eV")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2,
                  title="bars: 90 % on held-out calculated spectra; dashed: charge balance, "
                  "pristine NMC622 (2.67)")  # fmt: skip
    style.save(figure, path)


def _same(value: object, wanted: str) -> bool:
    return (value if isinstance(value, str) else "") == wanted


def _voltage_panel(axis: Axes, rows: Rows) -> None:
    position = {3.0: 1, 4.3: 2, 4.8: 3}
    for (name, marker), colour, shift in zip(
        _MARKERS.items(), (style.BLUE, style.RED), (-0.12, 0.12)
    ):
        own = [r for r in rows if r["composition"] == name]
        volts = np.array([r["voltage_V"] for r in own], np.float64)
        x = np.array([position.get(float(v), 0) for v in np.nan_to_num(volts)]) + shift
        y = np.array([r["value"] for r in own])
        half = np.clip(np.nan_to_num(np.array([r["half"] for r in own], np.float64)), 0, None)
        axis.errorbar(x, y, half, fmt=marker, ms=5, color=colour, elinewidth=0.6, label=name,
                      alpha=0.8)  # fmt: skip
    axis.set_xticks([0, 1, 2, 3], ["pristine", "3.0 V", "4.3 V", "4.8 V"])
    axis.set_xlim(-0.5, 3.5)


@style.styled()
def plot_importance(rows: Rows, path: str | Path) -> None:
    """Where models of the Ni state look, mapped back to energy."""
    figure, axes = style.canvas(1, 1, (6.4, 3.8))
    axis = axes[0, 0]
    for k, name in enumerate(dict.fromkeys(r["features"] for r in rows)):
        own = [r for r in rows if r["features"] == name]
        value = np.array([r["importance"] for r in own])
        share = value / (value.max() or 1.0)
        axis.plot([r["energy_eV"] for r in own], share, color=_COLOURS[k % 5], label=name)
    first = [r for r in rows if r["features"] == rows[0]["features"]]
    axis.plot([r["energy_eV"] for r in first], [r["spectrum"] for r in first], ":",
              color=style.BLACK, label="mean calculated spectrum")  # fmt: skip
    axis.set(xlabel="energy (eV)", ylabel="importance, largest = 1")
    axis.set_title("Ni oxidation state: where the forests look")
    axis.legend()
    style.save(figure, path)
