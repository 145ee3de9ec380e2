"""Transition-level diagrams as a defect physicist draws them: bands, levels, charge states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.defects.equations import lower_envelope
from defectra.figures import style

Rows = Sequence[Mapping[str, Any]]
MARGIN_EV = 0.45
ROOM = 0.04  # share of the axis that the name of a charge needs between two levels
SITES = ("M_A", "M_B", "M_i_A")


@style.styled()
def plot_diagrams(
    space: Iterable[Mapping[str, Any]],
    hosts: Mapping[str, Mapping[str, float]],
    wanted: Mapping[str, Sequence[str]],
    path: str | Path,
) -> None:
    """One panel for each host; a column for each impurity and site.

    A level is drawn where two stable charges meet (lower envelope), so that a negative-U pair
    shows as one line. Full: published DFT; dashed with a band: predicted, 90 % interval.
    """
    rows = list(space)
    figure, axes = style.canvas(1, max(len(wanted), 1), (6.2 * max(len(wanted), 1), 5.0))
    for axis, (host, impurities) in zip(axes.flat, wanted.items()):
        if host not in hosts:
            style.say(axis, f"{host}: not among the hosts")
            continue
        _panel(axis, [r for r in rows if r["host"] == host], hosts[host]["gap"], impurities)
        axis.set_title(f"{host} (gap {hosts[host]['gap']:.2f} eV, measured; levels PBE)")
    axes[0, 0].set_ylabel("Fermi level above the VBM (eV)")
    style.save(figure, path)


def _panel(axis: Axes, rows: Rows, gap: float, impurities: Sequence[str]) -> None:
    axis.axhspan(-MARGIN_EV, 0, color=style.GREY, alpha=0.35, lw=0)
    axis.axhspan(gap, gap + MARGIN_EV, color=style.GREY, alpha=0.35, lw=0)
    labels, x = [], 0.0
    for impurity in impurities:
        for site in SITES:
            six = [r for r in rows if (r["impurity"], r["site"]) == (impurity, site)]
            levels = [r["published_eV"] if _known(six) else r["level_eV"] for r in six]
            if six and np.isfinite(levels).all():
                _column(axis, x, six, gap)
                labels.append((x, f"{impurity}\n{_subscript(site)}"))
                x += 1.0
        x += 0.4
    axis.set_xticks([x for x, _ in labels], [t for _, t in labels], fontsize=7)
    axis.set(xlim=(-0.7, max(x - 0.7, 1.0)), ylim=(-MARGIN_EV, gap + MARGIN_EV))
    axis.tick_params(axis="x", length=0)


def _subscript(site: str) -> str:
    return {"M_A": "cation", "M_B": "anion", "M_i_A": "interst."}[site]


def _known(six: Rows) -> bool:
    """Whether the levels of a column are published ones."""
    return bool(six) and bool(np.isfinite(six[0]["published_eV"]))


def _column(axis: Axes, x: float, six: Rows, gap: float) -> None:
    known = _known(six)
    levels = {r["q_from"]: r["published_eV"] if known else r["level_eV"] for r in six}
    half = {r["q_from"]: (r["hi_eV"] - r["lo_eV"]) / 2 for r in six}
    segments = lower_envelope(levels, -MARGIN_EV, gap + MARGIN_EV)
    for k, segment in enumerate(segments):
        if k:
            colour = style.BLUE if known else style.ORANGE
            axis.plot(
                [x - 0.36, x + 0.36],
                [segment.start_ev] * 2,
                color=colour,
                lw=1.8,
                ls="-" if known else "--",
            )
            if not known:
                reach = half[segment.charge + 1]
                axis.fill_between(
                    [x - 0.36, x + 0.36],
                    segment.start_ev - reach,
                    segment.start_ev + reach,
                    color=style.ORANGE,
                    alpha=0.09,
                    lw=0,
                )
        low, high = max(segment.start_ev, 0.0), min(segment.stop_ev, gap)
        if high - low > ROOM * (gap + 2 * MARGIN_EV):
            text = f"{segment.charge:+d}".replace("-", "\u2212") if segment.charge else "0"
            axis.text(x, (low + high) / 2, text, ha="center", va="center", fontsize=7)
