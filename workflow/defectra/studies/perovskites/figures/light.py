"""Figures of absorption spectra with their efficiency limits, and of tilted cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.core.records import Status
from defectra.figures import style
from defectra.studies.perovskites import efficiency

Rows = Sequence[Mapping[str, Any]]
_COLOURS = (style.RED, style.ORANGE, style.BLUE, style.GREEN, style.PURPLE, style.SKY, style.GREY)
_SHOWN_EV = (1.0, 4.0)


@style.styled()
def plot_absorption(spectra: Rows, films: Rows, path: str | Path) -> None:
    """Absorption at the measured gap, SLME by thickness, SLME beside the figure of merit."""
    figure, axes = style.canvas(1, 3, (12.0, 4.2))
    colour = _colours([*spectra, *films])
    best = efficiency.production(films, efficiency.MEASURED)
    _spectra(axes[0, 0], spectra, best, colour)
    _thickness(axes[0, 1], films, best, colour)
    _merit(axes[0, 2], efficiency.production(films, efficiency.HSE), colour)
    handles = [axes[0, 0].plot([], [], "-", color=c, label=_label(n))[0] for n, c in colour.items()]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    style.save(figure, path)


def _colours(rows: Rows) -> dict[str, str]:
    names = dict.fromkeys(str(r["name"]) for r in rows)
    return {name: _COLOURS[k % len(_COLOURS)] for k, name in enumerate(names)}


def _label(name: str) -> str:
    return name.replace("_3", "$_3$")


def _spectra(axis: Axes, spectra: Rows, best: Rows, colour: Mapping[str, str]) -> None:
    axis.set_title("absorption at the measured gap")
    if not best:
        style.say(axis, "not computed")
        return
    for film in best:
        row = next(r for r in spectra if r["name"] == film["name"] and r["mesh"][0] == film["mesh"])
        gap = float(film["gap_eV"])
        energy, per_m, _ = efficiency.moved(row, gap)
        shown = (energy >= max(gap, _SHOWN_EV[0])) & (energy <= _SHOWN_EV[1])
        axis.semilogy(energy[shown], per_m[shown] / 100, color=colour[str(film["name"])])
    axis.set(xlabel="photon energy (eV)", ylabel="absorption coefficient (cm$^{-1}$)")
    axis.set(ylim=(1e3, 2e6))


def _thickness(axis: Axes, films: Rows, best: Rows, colour: Mapping[str, str]) -> None:
    axis.set_title("SLME at the measured gap")
    if not best:
        style.say(axis, "not computed")
        return
    for one in best:
        own = [
            r for r in films
            if (r["name"], r["mesh"], r["gap_of"]) == (one["name"], one["mesh"], one["gap_of"])
        ]  # fmt: skip
        own = sorted(own, key=lambda r: float(r["thickness_um"]))
        x = [float(r["thickness_um"]) for r in own]
        axis.semilogx(
            x, [float(r["slme_percent"]) for r in own], "o-", ms=3, color=colour[str(one["name"])]
        )
        axis.axhline(float(one["limit_percent"]), color=colour[str(one["name"])], lw=0.6, ls=":")
    axis.set(xlabel="thickness (µm)", ylabel="SLME (%); dotted: limit")


def _merit(axis: Axes, films: Rows, colour: Mapping[str, str]) -> None:
    axis.set_title("order beside the figure of merit")
    shown = [r for r in films if style.finite(float(r["log_fom"]), float(r["slme_percent"]))]
    if not shown:
        style.say(axis, "no published figure of merit")
        return
    for row in shown:
        x, y, low = (float(row[c]) for c in ("log_fom", "slme_percent", "third_percent"))
        axis.plot([x, x], [low, y], color=colour[str(row["name"])], lw=1)
        axis.plot(x, y, "o", color=colour[str(row["name"])])
    axis.set(xlabel="log$_{10}$ of the published figure of merit")
    axis.set(ylabel=f"SLME at the HSE gap (%), {efficiency.FILM_UM:g} µm")


@style.styled()
def plot_tilts(angles: Rows, tilted: Rows, path: str | Path) -> None:
    """Energy and gap against the angle B-X-B, and what is missing to the measured gap."""
    figure, axes = style.canvas(1, 3, (12.0, 4.2))
    colour = _colours([*angles, *tilted])
    lowest = {str(r["name"]): r for r in tilted}
    for name, shade in colour.items():
        own = [r for r in angles if r["name"] == name and r["status"] == Status.OK]
        own = sorted(own, key=lambda r: float(r["angle_deg"]))
        if not own:
            continue
        x = np.array([float(r["angle_deg"]) for r in own])
        gap = np.array([float(r["gap_PBE_SOC_eV"]) for r in own])
        axes[0, 0].plot(x, [float(r["energy_meV"]) for r in own], "o-", ms=3, color=shade)
        axes[0, 1].plot(x, gap, "o-", ms=3, color=shade)
        at = lowest.get(name)
        if at is not None and style.finite(float(at["angle_deg"])):
            there = float(at["angle_deg"])
            change = gap[-1] + float(at["change_PBE_SOC_eV"])
            axes[0, 0].plot(there, float(at["energy_meV"]), "*", ms=9, color=shade)
            axes[0, 1].plot(there, change, "*", ms=9, color=shade)
    if not any(r["status"] == Status.OK for r in angles):
        style.say(axes[0, 0], "not computed")
        style.say(axes[0, 1], "not computed")
    axes[0, 0].set(xlabel="angle B-X-B (degrees)", ylabel="energy (meV per formula unit)")
    axes[0, 1].set(xlabel="angle B-X-B (degrees)", ylabel="gap, PBE + spin-orbit (eV)")
    _missing(axes[0, 2], tilted, colour)
    handles = [axes[0, 0].plot([], [], "-", color=c, label=_label(n))[0] for n, c in colour.items()]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    style.save(figure, path)


def _missing(axis: Axes, tilted: Rows, colour: Mapping[str, str]) -> None:
    columns = ("cubic_less_measured_eV", "tilted_less_measured_eV")
    shown = [r for r in tilted if style.finite(*(float(r[c]) for c in columns))]
    axis.set_title("HSE + spin-orbit less measured")
    if not shown:
        style.say(axis, "no measured gap")
        return
    for row in shown:
        values = [float(row[c]) for c in columns]
        axis.plot((0, 1), values, "o-", ms=4, color=colour[str(row["name"])])
    axis.axhline(0, color=style.GREY, lw=0.6)
    axis.set_xticks((0, 1), ("cubic", "tilted"))
    axis.set(ylabel="gap less measured (eV)", xlim=(-0.3, 1.3))
