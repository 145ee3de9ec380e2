"""Errors of lithium and of the state of nickel of measured electrodes, by series.

The electrodes of a series share one cell, one shift and one charge curve, so their errors are not
independent. Intervals are Student's over the series (90 %); what all series share, such as an
error of the charge, is in none of them. RMSE: root mean square error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.claims import NOTHING, Estimate
from defectra.studies.nmc.measured.lithium_shift import NORMAL_90

Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
LITHIUM, NICKEL = "x_Li", "nickel_state"  # quantities
AIM = 0.10  # RMSE of lithium per metal atom, fixed in docs/nmc.md
NICKEL_AIM = 0.17  # RMSE of the state of nickel, fixed there
Errors = Mapping[str, Floats]  # by series


def errors(rows: Rows, method: str, quantity: str = LITHIUM) -> dict[str, Floats]:
    """Errors of the scored electrodes by series; nothing if one of them is not known."""
    own = _scored(rows, method, quantity)
    found = {
        name: np.array([float(r["value"]) - float(r["truth"]) for r in some])
        for name, some in own.items()
    }
    known = all(np.isfinite(e).all() for e in found.values())
    return found if known else {}


def rmse_of_series(rows: Rows, method: str, quantity: str = LITHIUM) -> dict[str, float]:
    """RMSE of each series."""
    return {name: _root(e) for name, e in errors(rows, method, quantity).items()}


def rmse(rows: Rows, method: str, quantity: str = LITHIUM) -> Estimate:
    """RMSE over all scored electrodes; its interval over the series, whose number is `n`."""
    return _over(errors(rows, method, quantity), _root, lowest=0.0)


def inside(rows: Rows, method: str, quantity: str = LITHIUM) -> Estimate:
    """Share of scored electrodes within the stated 90 % interval."""
    found = errors(rows, method, quantity)
    halves = {
        name: NORMAL_90 * np.array([float(r["sd"]) for r in some])
        for name, some in _scored(rows, method, quantity).items()
    }
    within = {name: (np.abs(e) <= halves[name]).astype(float) for name, e in found.items()}
    return _over(within, _mean, lowest=0.0, highest=1.0)


def rmse_less(rows: Rows, method: str, other: str, quantity: str = LITHIUM) -> Estimate:
    """RMSE of a method minus that of another, in pairs of series."""
    own, theirs = errors(rows, method, quantity), errors(rows, other, quantity)
    if not own or own.keys() != theirs.keys():
        return NOTHING
    value = _root(np.concatenate([*own.values()])) - _root(np.concatenate([*theirs.values()]))
    return _with_spread(value, [_root(own[k]) - _root(theirs[k]) for k in own])


def _scored(rows: Rows, method: str, quantity: str) -> dict[str, list[Mapping[str, Any]]]:
    out: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        asked = (row["quantity"], row["method"]) == (quantity, method)
        if asked and int(float(row["scored"])):
            out.setdefault(str(row["composition"]), []).append(row)
    return out


def _over(
    found: Errors,
    statistic: Callable[[Floats], float],
    lowest: float,
    highest: float = np.inf,
) -> Estimate:
    if not found:
        return NOTHING
    value = statistic(np.concatenate([*found.values()]))
    got = _with_spread(value, [statistic(e) for e in found.values()])
    return got._replace(lo=max(got.lo, lowest), hi=min(got.hi, highest))


def _with_spread(value: float, series: Sequence[float]) -> Estimate:
    """A number, and the half width of the mean over the series about it."""
    spread = Estimate.mean(series)
    half = spread.hi - spread.value
    return Estimate(value, value - half, value + half, spread.n)


def _root(values: Floats) -> float:
    return float(np.sqrt((values**2).mean()))


def _mean(values: Floats) -> float:
    return float(values.mean())
