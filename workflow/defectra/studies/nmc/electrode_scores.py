"""Errors of the lithium of measured electrodes, by series.

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
from defectra.studies.nmc.lithium_shift import NORMAL_90

Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
AIM = 0.10  # RMSE per metal atom, fixed in docs/nmc.md
Errors = Mapping[str, Floats]  # by series


def errors(rows: Rows, method: str) -> dict[str, Floats]:
    """Errors of the scored electrodes by series; nothing if one of them is not known."""
    own = _scored(rows, method)
    found = {
        name: np.array([float(r["x"]) - float(r["truth"]) for r in some])
        for name, some in own.items()
    }
    known = all(np.isfinite(e).all() for e in found.values())
    return found if known else {}


def rmse_of_series(rows: Rows, method: str) -> dict[str, float]:
    """RMSE of each series."""
    return {name: _root(e) for name, e in errors(rows, method).items()}


def nickel_rmse_of_series(rows: Rows, method: str) -> dict[str, float]:
    """RMSE of the oxidation state of nickel against charge neutrality, of each series."""
    out = {}
    for name, some in _scored(rows, method).items():
        away = np.array([float(r["nickel_state"]) - float(r["nickel_by_charge"]) for r in some])
        if np.isfinite(away).all():
            out[name] = _root(away)
    return out


def rmse(rows: Rows, method: str) -> Estimate:
    """RMSE over all scored electrodes; its interval over the series, whose number is `n`."""
    found = errors(rows, method)
    return _over(found, _root, lowest=0.0)


def inside(rows: Rows, method: str) -> Estimate:
    """Share of scored electrodes within the stated 90 % interval."""
    found = errors(rows, method)
    halves = {
        name: NORMAL_90 * np.array([float(r["x_sd"]) for r in some])
        for name, some in _scored(rows, method).items()
    }
    within = {name: (np.abs(e) <= halves[name]).astype(float) for name, e in found.items()}
    return _over(within, _mean, lowest=0.0, highest=1.0)


def rmse_less(rows: Rows, method: str, other: str) -> Estimate:
    """RMSE of a method minus that of another, in pairs of series."""
    own, theirs = errors(rows, method), errors(rows, other)
    if not own or own.keys() != theirs.keys():
        return NOTHING
    value = _root(np.concatenate([*own.values()])) - _root(np.concatenate([*theirs.values()]))
    return _with_spread(value, [_root(own[k]) - _root(theirs[k]) for k in own])


def _scored(rows: Rows, method: str) -> dict[str, list[Mapping[str, Any]]]:
    out: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["method"] == method and int(float(row["scored"])):
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
