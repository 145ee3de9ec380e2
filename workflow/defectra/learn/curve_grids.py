"""Energies of the curves of a table: one grid for all rows, and the same in training and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import TableError
from defectra.learn.any_table import AnyTable

Floats = NDArray[np.float64]
Grids = dict[str, list[float]]  # first energy and step (eV) by the feature that is of the curve
ENERGIES = "energy_eV"  # column of the energies themselves, where the columns of a grid are missing
_NEAR = 1e-6  # eV, within a table
_FIRST, _STEP = 1e-4, 1e-6  # eV, between tables that were written by different programs


def grids_of(table: AnyTable, curves: Sequence[str], rows: Sequence[int]) -> Grids:
    """Grid of each curve whose energies the table says: ``first_eV: Ni K`` and ``step_eV: Ni K``.

    Parameters
    ----------
    curves
        Features that are of curves, e.g. ``cdf: Ni K``.
    rows
        Which rows are asked of.

    Raises
    ------
    TableError
        If a grid is not the same in all these rows.
    """
    out: Grids = {}
    for name in curves:
        edge = name.partition(": ")[2]
        columns = [f"{c}: {edge}" for c in ("first_eV", "step_eV")]
        if all(c in table.columns for c in columns):
            out[name] = [_same(table, c, table.numbers(c)[rows]) for c in columns]
        elif ENERGIES in table.columns and table.is_curve(ENERGIES) and len(rows):
            energy = table.matrix(ENERGIES)[rows]
            _same(table, ENERGIES, energy)
            steps = max(energy.shape[1] - 1, 1)
            out[name] = [float(energy[0, 0]), float(energy[0, -1] - energy[0, 0]) / steps]
    return out


def _same(table: AnyTable, name: str, values: Floats) -> float:
    """The one value (or row of energies) of a column; its first number.

    Raises
    ------
    TableError
        If there are several, or a row has none.
    """
    if not len(values) or not np.ptp(values, axis=0).max(initial=0.0) <= _NEAR:  # NaN is no grid
        column = values.reshape(len(values), -1)[:, 0]
        known = column[np.isfinite(column)]
        there = f" ({known.min():g} to {known.max():g} eV)" if len(known) else ""
        without = f", {len(column) - len(known)} rows have none" if len(known) < len(column) else ""
        raise TableError(
            f"{table.path}: {name!r} is not the same in all rows{there}{without}: curves on other "
            "grids are other features; put all on one grid, or leave those rows out"
        )
    return float(values.flat[0])


def units_of(table: AnyTable, columns: Sequence[str]) -> dict[str, str]:
    """Units that a table says for some features, by feature, and for the grids of curves."""
    edges = {name.partition(": ")[2] for name in columns}
    raw = {name: f"raw: {name.partition(': ')[2]}" for name in columns}
    found = {name: table.units.get(name) or table.units.get(raw[name], "") for name in columns}
    grid = [f"{c}: {edge}" for edge in sorted(edges) for c in ("first_eV", "step_eV")]
    found |= {name: table.units.get(name, "") for name in [*grid, ENERGIES]}
    return {name: unit for name, unit in found.items() if unit}


def check_grids(
    table: AnyTable, wanted: Mapping[str, Sequence[float]], rows: Sequence[int]
) -> None:
    """Refuse a table whose curves have other energies than those that a model was trained on.

    Raises
    ------
    TableError
        With both grids, or with the columns that are missing.
    """
    found = grids_of(table, list(wanted), rows)
    for name, (first, step) in wanted.items():
        trained = f"the model was trained on curves from {first:g} eV in steps of {step:g} eV"
        edge = name.partition(": ")[2]
        if name not in found:
            raise TableError(
                f"{table.path}: nothing says the energies of {name!r} (columns 'first_eV: {edge}' "
                f"and 'step_eV: {edge}'); {trained}"
            )
        own = found[name]
        if abs(own[0] - first) > _FIRST or abs(own[1] - step) > _STEP:
            raise TableError(
                f"{table.path}: the curves of {name!r} start at {own[0]:g} eV in steps of "
                f"{own[1]:g} eV, {trained}; put the curves on that grid"
            )


def check_units(table: AnyTable, wanted: Mapping[str, str]) -> None:
    """Refuse a table that says another unit for a feature than the one of the training.

    Raises
    ------
    TableError
        With both units.
    """
    found = units_of(table, list(wanted))
    for name, unit in wanted.items():
        own = found.get(name) or table.units.get(name, unit)
        if own != unit:
            raise TableError(
                f"{table.path}: column {name!r} is in {own}, the model was trained on {unit}; "
                "convert the column and its unit"
            )
