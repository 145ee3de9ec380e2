"""Figure of the sets computed with GPAW: parity with published levels, levels of each host."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from defectra.figures import style
from defectra.structures.defects import VANADIUM
from defectra.studies.levels.inputs import DEFAULT_PROTOCOL, SMALLEST

Rows = Sequence[Mapping[str, Any]]
COLOURS = {
    "localised": style.BLUE,
    "no plateau": style.ORANGE,
    "shallow": style.RED,
}
FAR_EV = 1.0
MARGIN_EV = 0.3


@style.styled()
def plot_computed(levels: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Top: ours against the published PBE level; bottom: levels in the gap of each host."""
    rows = [
        r
        for r in levels
        if math.isfinite(r["level_eV"])
        and (r["atoms"], r["protocol"]) == (SMALLEST, DEFAULT_PROTOCOL)
    ]
    figure, axes = style.canvas(2, 1, (11.5, 10.6), height_ratios=[1.1, 1.0])
    if rows:
        _parity(axes[0, 0], [r for r in rows if math.isfinite(r["published_eV"])])
        _diagram(axes[1, 0], rows)
    else:
        style.say(axes[0, 0], "no set was computed with GPAW")
        axes[1, 0].set_axis_off()
    style.save(figure, path)


def _parity(axis: Axes, rows: Rows) -> None:
    values = [r["level_eV"] for r in rows] + [r["published_eV"] for r in rows] or [0.0, 1.0]
    limits = (min(values) - 0.3, max(values) + 0.3)
    axis.plot(limits, limits, color=style.BLACK, lw=0.8)
    for mark, colour in COLOURS.items():
        some = [r for r in rows if r["mark"] == mark]
        if some:
            x, y = ([r[k] for r in some] for k in ("published_eV", "level_eV"))
            axis.plot(x, y, "o", ms=4.5, color=colour, label=f"{mark} ({len(some)})")
    bare = [r["bare_eV"] for r in rows]
    x = [r["published_eV"] for r in rows]
    axis.plot(
        x, bare, "o", ms=4.5, mfc="none", color=style.GREY, label="no image-charge correction"
    )
    for r in rows:
        if abs(r["level_eV"] - r["published_eV"]) > FAR_EV:
            axis.annotate(
                _name(r), (r["published_eV"], r["level_eV"]), fontsize=7,
                xytext=(4, -2), textcoords="offset points",
            )  # fmt: skip
    error = np.array([r["level_eV"] - r["published_eV"] for r in rows])
    axis.set(xlim=limits, ylim=limits, aspect="equal", title="Ours beside published PBE levels")
    axis.set(xlabel="published, relaxed (eV above VBM)", ylabel="16 atoms, unrelaxed (eV)")
    if len(error):
        note = (
            f"{len(error)} levels\nmean {error.mean():+.2f} eV\nMAE {np.abs(error).mean():.2f} eV"
        )
        plain = np.abs(np.array(bare) - np.array(x)).mean()
        note += f"\nuncorrected {plain:.2f} eV"
        axis.text(0.97, 0.03, note, transform=axis.transAxes, ha="right", va="bottom")
    axis.legend(loc="upper left", fontsize=7)


def _name(r: Mapping[str, Any]) -> str:
    return f"{r['host']}:{_short(r)} ({r['q_from']:+d}/{r['q_to']:+d})".replace("+0", "0")


def defect_label(host: str, impurity: str, site: str) -> str:
    """Kröger-Vink-like label without the charge: Cd on Al, or interstitial i beside A or B."""
    from defectra.structures.elements import sublattices

    first, second = sublattices(host)
    near = {"M_i_A": f"i,{first}", "M_i_B": f"i,{second}", "M_i_neut": "i,oct"}
    on = {"M_A": first, "M_B": second, **near}[site]
    name = VANADIUM if impurity == "V" else impurity  # V alone would be a vacancy
    return rf"{name}$_{{\mathrm{{{on}}}}}$"


def level_label(r: Mapping[str, Any]) -> str:
    """Host, defect and level: ``AlP: Cd_Al (0/-1)``."""
    return f"{r['host']}: {_short(r)} ({charge_label(r['q_from'])}/{charge_label(r['q_to'])})"


def charge_label(charge: int) -> str:
    """``+1``, ``0``, ``-2`` with a minus sign of its own."""
    return f"{charge:+d}".replace("-", "\u2212") if charge else "0"


def _short(r: Mapping[str, Any]) -> str:
    return defect_label(r["host"], r["impurity"], r["site"])


def _diagram(axis: Axes, rows: Rows) -> None:
    x, ticks = 0.0, []
    for host in dict.fromkeys(r["host"] for r in rows):
        own = [r for r in rows if r["host"] == host]
        gap, start = own[0]["gap_eV"], x - 0.6
        for name in dict.fromkeys((r["site"], r["impurity"]) for r in own):
            some = [r for r in own if (r["site"], r["impurity"]) == name]
            for r in some:
                _level(axis, x, r)
            ticks.append((x, _short(some[0])))
            x += 1.0
        stop = x - 0.4
        axis.fill_between([start, stop], -MARGIN_EV, 0, color=style.GREY, alpha=0.35, lw=0)
        axis.fill_between([start, stop], gap, gap + MARGIN_EV, color=style.GREY, alpha=0.35, lw=0)
        axis.text((start + stop) / 2, gap + MARGIN_EV + 0.03, host, ha="center", weight="bold")
        x += 0.8
    axis.set_xticks([x for x, _ in ticks], [t for _, t in ticks], fontsize=7.5, rotation=90)
    axis.set(ylabel="Fermi level above the VBM (eV)", title="Levels in the PBE gap")
    axis.set_ylim(-MARGIN_EV, max(r["gap_eV"] for r in rows) + MARGIN_EV + 0.2)
    axis.tick_params(axis="x", length=0)


def _level(axis: Axes, x: float, r: Mapping[str, Any]) -> None:
    limits = (-MARGIN_EV + 0.03, r["gap_eV"] + MARGIN_EV - 0.03)
    level = float(np.clip(r["level_eV"], *limits))
    colour = COLOURS.get(r["mark"], style.GREY)
    axis.plot([x - 0.38, x + 0.38], [level] * 2, color=colour, lw=1.8)
    if level != r["level_eV"]:  # beyond what is shown
        axis.plot([x], [level], "^" if level > 0 else "v", color=colour, ms=4)
    text = f"{charge_label(r['q_from'])}/{charge_label(r['q_to'])}"
    below = level == limits[1]
    y, side = (level - 0.04, "top") if below else (level + 0.03, "bottom")
    style.optional(axis.text(x, y, text, ha="center", va=side, fontsize=6.5), -level)
