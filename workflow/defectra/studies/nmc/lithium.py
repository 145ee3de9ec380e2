"""What taking lithium out does to the spectra, split into electrons and relaxation.

Three states of each ordering: all lithium, relaxed; little lithium in the cell and on the sites
of the first ("fixed geometry"); little lithium, relaxed. The change from the first to the
second is the part at fixed geometry, from the second to the third that of the relaxation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Defect
from defectra.learn.scores import left_out_weights, student
from defectra.spectra.align import points
from defectra.spectra.average import chosen_sites, curves_on_grid, on_their_grid
from defectra.spectra.peaks import peak_position
from defectra.studies.nmc.settings import Grid, LithiumSeries

Floats = NDArray[np.float64]
Row = dict[str, Any]
Rows = Iterable[Mapping[str, Any]]
Curves = dict[int, Floats]

LITHIUM_COLUMNS = [
    "quantity",
    "part",
    "value",
    "lo",
    "hi",
    "unit",
    "n_orderings",
    "n_sites",
    "window_lo_eV",
    "window_hi_eV",
    "reason",
]
NI_MEAN, NI_SITES = "Ni K main peak of the site mean", "Ni K main peak of each site"
O_PRE_EDGE = "O K pre-edge area, ratio"
TOTAL, FIXED, RELAXATION = "total", "fixed geometry", "relaxation"
PARTS = {TOTAL: (0, 2), FIXED: (0, 1), RELAXATION: (1, 2)}
PRE_EDGE = (531.0, 538.0)  # eV on the axis of the engine: from the O K onset of FEFF to the dip
GEOMETRIES = ("chgnet", "chgnet-parent")


@dataclass(frozen=True)
class Quantity:
    """Something measured on a curve: `of` takes (grid, curves (..., g)) to values (...)."""

    name: str
    edge: str
    unit: str
    of: Callable[[Floats, Floats], Floats]
    each_site: bool = False
    ratio: bool = False
    window: tuple[float, float] = (float("nan"), float("nan"))


def window_area(window: tuple[float, float]) -> Callable[[Floats, Floats], Floats]:
    """Logarithm of the area under curves between two energies (eV), NaN if it is not positive."""

    def area(energy: Floats, mu: Floats) -> Floats:
        inside = (energy >= window[0]) & (energy <= window[1])
        values = np.asarray(np.trapezoid(mu[..., inside], energy[inside], axis=-1))
        return np.log(np.where(values > 0, values, np.nan))

    return area


def declared_window(
    grids: Mapping[str, Grid], pre_edge: tuple[float, float] = PRE_EDGE
) -> tuple[float, float]:
    """Pre-edge window of O K on the declared axis, eV."""
    shift = grids["O K"].shift if "O K" in grids else 0.0
    return pre_edge[0] + shift, pre_edge[1] + shift


def _widened(grids: Mapping[str, Grid], window: tuple[float, float]) -> dict[str, Grid]:
    """Grids, that of O K begun low enough for the whole window."""
    out = dict(grids)
    if "O K" in out:
        start = min(out["O K"].start, window[0])
        out["O K"] = out["O K"].model_copy(update={"start": start})
    return out


def quantities(pre_edge: tuple[float, float]) -> tuple[Quantity, ...]:
    """What is measured on the series; the window of the pre-edge is on the declared axis (eV)."""
    return (
        Quantity(NI_MEAN, "Ni K", "eV", peak_position),
        Quantity(NI_SITES, "Ni K", "eV", peak_position, each_site=True),
        Quantity(O_PRE_EDGE, "O K", "", window_area(pre_edge), ratio=True, window=pre_edge),
    )


def lithium_rows(
    structures: Rows,
    calculations: Rows,
    spectra: Rows,
    grids: Mapping[str, Grid],
    series: LithiumSeries,
    protocol: str,
    pre_edge: tuple[float, float] = PRE_EDGE,
) -> list[Row]:
    """Rows of the lithium table: every quantity and part, with 90 % intervals.

    Intervals are Student's t over the orderings of the metals, which are few; of a ratio, over its
    logarithm. Sites that are in both states are compared. Copies of one ordering with other
    lithium taken out are averaged. Where data are missing the value is NaN and `reason` says what
    is missing; below two orderings there is no interval.
    """
    window = declared_window(grids, pre_edge)
    grids = _widened(grids, window)
    curves = _state_curves(structures, calculations, spectra, grids, series, protocol)
    out: list[Row] = []
    for quantity in quantities(window):
        families = curves.get(quantity.edge, {})
        grid = grids.get(quantity.edge)
        for part, (first, last) in PARTS.items():
            if grid is None or not families:
                out.append(_row(quantity, part, reason=f"no {quantity.edge} spectra of the series"))
                continue
            pairs = [
                [(s.get(first, {}), s.get(last, {})) for s in copies]
                for copies in families.values()
            ]
            out.append(_measure(quantity, part, pairs, points(grid)))
    return out


def _state_curves(
    structures: Rows,
    calculations: Rows,
    spectra: Rows,
    grids: Mapping[str, Grid],
    series: LithiumSeries,
    protocol: str,
) -> dict[str, dict[str, list[dict[int, Curves]]]]:
    """Curves by edge, family, delithiated copy, state (0, 1, 2) and site of the family."""
    cells = {s["structure_id"]: s for s in structures if in_series(s, series)}
    edges = {e for e in series.edges if e in grids}
    wanted = [
        c
        for c in calculations
        if c["structure_id"] in cells
        and c["protocol"] == protocol
        and f"{c['element']} {c['edge']}" in edges
        and state_of(cells[c["structure_id"]], c["geometry_protocol"], series) is not None
    ]
    ids = {c["calculation_id"] for c in wanted}
    found = {r["calculation_id"]: r for r in spectra if r["calculation_id"] in ids}
    sites = on_their_grid(chosen_sites(wanted, []), found, grids)
    out: dict[str, dict[str, dict[str, dict[int, Curves]]]] = defaultdict(dict)
    for key, curve in curves_on_grid(sites, found, grids).items():
        cell = cells[key[0]]
        state = state_of(cell, key[1], series) or 0
        copies = out[f"{key[3]} {key[4]}"].setdefault(cell["family"], {})
        members = copies.setdefault(cell["structure_id"], {}).setdefault(state, {})
        for label, parent_site in zip(cell["site_labels"], cell["family_sites"]):
            if label == key[5]:
                members[parent_site] = curve
    return {e: {f: _completed(c) for f, c in families.items()} for e, families in out.items()}


def _completed(copies: Mapping[str, dict[int, Curves]]) -> list[dict[int, Curves]]:
    """States of each delithiated copy, that of the full parent (one for all) put in."""
    full = next((states[0] for states in copies.values() if 0 in states), {})
    return [{0: full} | states for states in copies.values() if 0 not in states]


def in_series(cell: Mapping[str, Any], series: LithiumSeries) -> bool:
    """Whether a structures row is a pristine end of the series."""
    return (
        cell["composition"] == series.composition
        and cell["defect"] == Defect.PRISTINE
        and cell["ordering"] < series.orderings
        and cell["lithium"] in (max(series.lithium), min(series.lithium))
    )


def state_of(cell: Mapping[str, Any], geometry_protocol: str, series: LithiumSeries) -> int | None:
    """State 0, 1 or 2 of an end of the series (see the module), None if it is neither."""
    relaxed, parent = GEOMETRIES
    full = cell["lithium"] == max(series.lithium)
    known = {(True, relaxed): 0, (False, parent): 1, (False, relaxed): 2}
    return known.get((full, geometry_protocol))


def _measure(
    quantity: Quantity,
    part: str,
    pairs: Sequence[Sequence[tuple[Curves, Curves]]],
    energy: Floats,
) -> Row:
    """One row; `pairs` holds both states of each delithiated copy of each ordering."""
    changes, n_sites = [], 0
    for copies in pairs:
        own = [_change(quantity, first, last, energy) for first, last in copies if first and last]
        own = [change for change in own if np.isfinite(change)]
        if own:
            changes.append(float(np.mean(own)))
            n_sites += sum(len(last) for first, last in copies if first and last)
    lost = len(pairs) - len(changes)
    reason = f"{lost} ordering(s) without both states" if lost else ""
    if not changes:
        return _row(quantity, part, reason=reason)
    weights = left_out_weights([str(k) for k in range(len(changes))])
    value = student(weights @ changes / np.maximum(weights.sum(axis=1), 1.0))
    found = tuple(np.exp(value)) if quantity.ratio else value
    return _row(quantity, part, found, len(changes), n_sites, reason)


def _change(quantity: Quantity, first: Curves, last: Curves, energy: Floats) -> float:
    """Last minus first of one ordering, over common sites if there are two."""
    common = sorted(set(first) & set(last))
    sites = [common, common] if len(common) >= 2 else [sorted(first), sorted(last)]
    a, b = (
        _statistic(quantity, [curves[k] for k in keys], energy)
        for curves, keys in zip((first, last), sites)
    )
    return b - a


def _statistic(quantity: Quantity, curves: Sequence[Floats], energy: Floats) -> float:
    stack = np.array(curves)
    if quantity.each_site:
        return float(quantity.of(energy, stack).mean())
    return float(quantity.of(energy, stack.mean(axis=0)))


def _row(
    quantity: Quantity,
    part: str,
    value: Sequence[float] = (float("nan"),) * 3,
    n_orderings: int = 0,
    n_sites: int = 0,
    reason: str = "",
) -> Row:
    names = ("value", "lo", "hi")
    return {
        "quantity": quantity.name,
        "part": part,
        **dict(zip(names, value)),
        "unit": quantity.unit,
        "n_orderings": n_orderings,
        "n_sites": n_sites,
        "window_lo_eV": quantity.window[0],
        "window_hi_eV": quantity.window[1],
        "reason": reason,
    }
