"""Figures of study `hbn`: candidates beside the measured line, and their emission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.studies.hbn.ladder import EXCLUDED, UNDECIDED
from defectra.studies.hbn.settings import Line
from defectra.studies.hbn.transitions import FIDELITIES

Rows = Sequence[Mapping[str, Any]]
_COLOURS = {"PBE": style.ORANGE, "HSE06@PBE": style.BLUE}
_MOST = 6  # curves of a figure


def label(row: Mapping[str, Any]) -> str:
    """Name, charge, spin and size of a candidate."""
    spin = {0: "singlet", 1: "doublet", 2: "triplet"}.get(int(row["spin"]), f"{row['spin']} µB")
    charge = f"{int(row['charge']):+d}" if row["charge"] else "0"
    return f"{row['name']} ({charge}), {spin}, {int(row['size'])}×{int(row['size'])}"


@style.styled()
def plot_ladder(rows: Rows, line: Line, path: str | Path) -> None:
    """Zero-phonon lines with the error of their fidelity; the measured window is a band."""
    known = [r for r in rows if r["verdict"] not in UNDECIDED]
    names = list(dict.fromkeys(label(r) for r in known))
    figure, axes = style.canvas(1, 1, (7.2, 2.2 + 0.34 * len(names)))
    axis = axes[0, 0]
    if not names:
        style.say(axis, "no candidate is in the archive yet")
        style.save(figure, path)
        return
    axis.axvspan(
        line.energy - 2 * line.energy_sd, line.energy + 2 * line.energy_sd, color=style.GREEN,
        alpha=0.35, lw=0, label="measured, two standard deviations",
    )  # fmt: skip
    for shift, fidelity in zip((-0.14, 0.14), FIDELITIES, strict=True):
        _points(axis, [r for r in known if r["fidelity"] == fidelity], names, shift, fidelity)
    without = [len({label(r) for r in rows if r["verdict"] == v} - set(names)) for v in UNDECIDED]
    waits, ended = without
    failed = f", {ended} ended without a line" if ended else ""
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set(
        xlabel="zero-phonon line (eV)", title=f"{len(names)} computed, {waits} not yet{failed}"
    )
    axis.text(1.01, 1.01, "acceptance", transform=axis.transAxes, fontsize=8, va="bottom")
    figure.legend(loc="outside lower center", ncols=3)
    style.save(figure, path)


def _points(axis: Axes, rows: Rows, names: list[str], shift: float, fidelity: str) -> None:
    """Lines of one fidelity; an open marker is excluded."""
    for row in rows:
        y, colour = names.index(label(row)) + shift, _COLOURS[fidelity]
        face = "white" if row["verdict"] == EXCLUDED else colour
        bar = {"xerr": row["error_sd_eV"], "capsize": 2, "color": colour}
        axis.errorbar(row["zpl_eV"], y, fmt="o", ms=5, markerfacecolor=face, **bar)
        if style.finite(row["acceptance"]):
            chance = axis.text(
                1.01, y, f"{100 * row['acceptance']:.2g} %", color=colour, va="center"
            )
            chance.set(transform=axis.get_yaxis_transform(), fontsize=8)
    axis.plot([], [], "o", color=_COLOURS[fidelity], label=f"{fidelity}, error (open: excluded)")


@style.styled()
def plot_sidebands(rows: Rows, line: Line, path: str | Path) -> None:
    """Emission at the measured temperature, and partial Huang-Rhys factors of the modes."""
    known = [r for r in rows if r["modes"]][:_MOST]
    figure, axes = style.canvas(1, 2, (9.6, 3.8))
    if not known:
        style.say(axes[0, 0], "no relaxed candidate is in the archive yet")
        style.say(axes[0, 1], "")
        style.save(figure, path)
        return
    colours = (style.BLUE, style.ORANGE, style.GREEN, style.RED, style.PURPLE, style.SKY)
    for row, colour in zip(known, colours):
        text = f"{label(row)}: S = {row['huang_rhys']:.2f}"
        curve = np.asarray(row["warm"])
        axes[0, 0].plot(row["offset_eV"], curve / curve.max(), color=colour, label=text)
        energy, factor = 1e3 * np.asarray(row["phonons_eV"]), np.asarray(row["factors"])
        axes[0, 1].vlines(energy, 0, factor, color=colour, lw=1.4)
    axes[0, 0].axvspan(-line.width / 2, line.width / 2, color=style.GREY, alpha=0.25, lw=0)
    axes[0, 0].set(
        xlabel="photon energy less zero-phonon line (eV)",
        ylabel=f"emission at {line.temperature:g} K, highest = 1",
        title="grey: measured full width",
    )
    axes[0, 0].set(xlim=(-0.5, 0.1), yscale="log", ylim=(1e-3, 1.3))
    axes[0, 1].set(xlabel="phonon energy (meV)", ylabel="partial Huang-Rhys factor")
    axes[0, 1].set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=2)
    style.save(figure, path)
