"""The whole space in one picture: a periodic table whose tiles are heat maps of their own.

Each element's tile shows its levels in every II-VI and III-V host (columns) on every site at
every charge (rows), coloured by where the level lies between the band edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from numpy.typing import NDArray

from defectra.figures import style
from defectra.structures.elements import element, is_compound, sublattices
from defectra.studies.levels.figures.computed import charge_label
from defectra.studies.levels.published import SITES

Properties = Mapping[str, Mapping[str, float]]
CHARGES = (3, 2, 1, 0, -1, -2)
PAUSE = 1  # white rows between two sites
ROWS = len(SITES) * (len(CHARGES) + PAUSE) - PAUSE
SITE_NAMES = {
    "M_A": "on the cation site",
    "M_B": "on the anion site",
    "M_i_A": "interstitial, cations about it",
    "M_i_B": "interstitial, anions about it",
    "M_i_neut": "interstitial, both about it",
}
SIZE = (24.0, 12.0)
TILE = (0.92, 0.78)  # of a cell of the table; the symbol stands above
KEY = (3.3, -3.3, 6.9, 1.95)  # left, bottom, width, height of the key, in cells


@style.styled()
def plot_wall(space: Iterable[Mapping[str, Any]], hosts: Properties, path: str | Path) -> None:
    """Draw the table.

    Parameters
    ----------
    space
        Rows of SPACE.
    hosts
        Properties of each host; ``gap`` in eV is its scale.
    """
    names = columns(hosts)
    tiles = grids(space, names, hosts)
    figure, axes = style.canvas(1, 1, SIZE)
    axis = axes[0, 0]
    colours = mpl.colormaps["RdYlBu"].with_extremes(under="#3b3b3b", over="#c9c9c9", bad="white")
    for symbol, grid in tiles.items():
        x, y = _position(symbol)
        _tile(axis, grid, (x - TILE[0] / 2, y - 0.45, *TILE), colours)
        axis.text(x, y + 0.42, symbol, ha="center", va="center", size=13, weight="bold")
    _key(axis, tiles.get("Cu"), names, hosts, colours)
    axis.set(xlim=(0.4, 18.6), ylim=(-7.75, -0.8))
    axis.set_axis_off()
    axis.set_title(
        "Predicted charge-state levels of every impurity in every host", size=20, y=0.985
    )
    scale = ScalarMappable(Normalize(0, 1), colours)
    bar = figure.colorbar(scale, ax=axis, shrink=0.5, pad=0.005, extend="both", aspect=40)
    bar.set_ticks([0, 0.5, 1], labels=["VBM", "middle", "CBM"])
    bar.set_label("where the PBE level lies in the measured gap (grey: outside)", size=12)
    style.save(figure, path)


def columns(hosts: Properties) -> list[str]:
    """Hosts in the order of the columns: II-VI, then III-V, the gap rising in each."""

    def order(host: str) -> tuple[bool, float]:
        return element(sublattices(host)[0])["valence"] != 2, hosts[host]["gap"]

    return sorted((h for h in hosts if is_compound(h)), key=order)


def grids(
    space: Iterable[Mapping[str, Any]], names: Sequence[str], hosts: Properties
) -> dict[str, NDArray[np.float64]]:
    """Level over gap by impurity, shape (ROWS, hosts): 0 at the VBM, 1 at the CBM, NaN if none."""
    column = {h: k for k, h in enumerate(names)}
    out: dict[str, NDArray[np.float64]] = {}
    for r in space:
        gap = hosts.get(r["host"], {}).get("gap", 0.0)
        if r["host"] in column and gap > 0:
            grid = out.setdefault(r["impurity"], np.full((ROWS, len(names)), np.nan))
            row = SITES.index(r["site"]) * (len(CHARGES) + PAUSE) + CHARGES.index(r["q_from"])
            grid[row, column[r["host"]]] = r["level_eV"] / gap
    return out


def _position(symbol: str) -> tuple[float, float]:
    from pymatgen.core import Element

    atom = Element(symbol)
    if atom.is_lanthanoid and symbol != "La":
        return 3.0 + atom.Z - 57, -7.2
    return float(atom.group), -float(atom.row)


def _tile(
    axis: Axes, grid: NDArray[np.float64], box: tuple[float, float, float, float], colours: Colormap
) -> None:
    left, bottom, width, height = box
    extent = (left, left + width, bottom, bottom + height)
    axis.imshow(
        np.ma.masked_invalid(grid), cmap=colours, vmin=0, vmax=1, extent=extent,
        interpolation="nearest", aspect="auto",
    )  # fmt: skip


def _key(
    axis: Axes,
    grid: NDArray[np.float64] | None,
    names: Sequence[str],
    hosts: Properties,
    colours: Colormap,
) -> None:
    """The tile of copper, large, with the names of its rows and columns."""
    if grid is None:
        return
    left, bottom, width, height = KEY
    _tile(axis, grid, KEY, colours)
    step = width / len(names)
    for k, host in enumerate(names):
        text = f"{host} {hosts[host]['gap']:.1f}"
        axis.text(
            left + (k + 0.5) * step, bottom + height + 0.04, text, rotation=90, ha="center", size=8
        )
    high = height / ROWS
    for k, site in enumerate(SITES):
        top = bottom + height - k * (len(CHARGES) + PAUSE) * high
        middle = top - len(CHARGES) / 2 * high
        axis.text(left + width + 0.55, middle, SITE_NAMES[site], va="center", size=9)
        for j, charge in enumerate(CHARGES):
            text = f"{charge_label(charge)}/{charge_label(charge - 1)}"
            axis.text(left + width + 0.05, top - (j + 0.5) * high, text, va="center", size=5)
    axis.text(left - 0.1, bottom + height / 2, "Cu", ha="right", va="center", size=18)
    axis.text(left - 0.1, bottom + height + 0.05, "host and\ngap (eV)", ha="right", size=8)
