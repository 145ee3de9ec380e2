"""Rows of the tables of study `dynamics`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.special import stdtrit

from defectra.core.claims import NAN, Estimate
from defectra.core.records import Column, Table

Row = dict[str, Any]


class Metric(StrEnum):
    """Names of the metrics of this study."""

    R = "kernel_r"
    AMPLITUDE = "amplitude_error"
    DEVIANCE = "deviance"
    PHOTONS = "photons_per_pattern"
    ORDER = "order_difference"
    LOCAL = "local_order_difference"
    FIELD = "field_difference"
    PATTERN = "pattern_difference"
    CUT_OFF = "cut_off"
    INSIDE = "cut_off_inside"
    PROFILE = "profile_error"
    PLACE = "place_error"
    PARAMETER = "parameter"
    PERIOD = "period_error"
    EXTENT = "extent_error"
    COMPLETE = "complete_paths"
    SLOPE = "slope"
    SPREAD = "deviance_spread"


FITS = Table(
    "dynamics_fits",
    tuple(
        Column(*row)
        for row in (
            ("system", "string", "", "kuramoto, swarm, source or scan"),
            ("model", "string", "", "what was learned"),
            ("protocol", "string", "", "fidelity: photons"),
            ("trajectory", "int", "", "trajectory that it was learned from; -1: several"),
            ("seed", "int", "", "of the first weights"),
            ("x", "floats", "length or points", "where the law is given; empty of a field"),
            ("values", "floats", "see model", "kernel (1/time), speeds, or path (x, y by turns)"),
            ("deviance", "float", "", "mean of a pixel, or loss of the places, at the end"),
            ("cpu_s", "float", "s", "CPU time of the fit"),
            ("calculation_ids", "strings", "", "series behind it"),
        )
    ),
)


def score(
    target: str,
    model: str,
    metric: str,
    value: Estimate,
    fidelity: str,
    unit: str = "",
    subset: str = "all",
    features: str = "patterns",
) -> Row:
    """Row of ``metrics.csv``; `n_groups` counts trajectories, or networks."""
    return {
        "target": target,
        "unit": unit,
        "features": features,
        "model": model,
        "split": "none",
        "subset": subset,
        "fidelity": fidelity,
        "seed": 0,
        "n_train": value.n,
        "n_test": value.n,
        "n_groups": value.n,
        "metric": str(metric),
        "value": value.value,
        "lo": value.lo,
        "hi": value.hi,
    }


def of_resamples(
    whole: float, single: Sequence[float], drawn: int, least: float = -np.inf
) -> Estimate:
    """A number of a committee and its 90 % interval for new trajectories.

    Every member learnt from trajectories that were drawn with replacement, so that the standard
    deviation s of the members estimates the error that the trajectories cause (bootstrap: Efron and
    Tibshirani, An Introduction to the Bootstrap (1993), chapter 6). With m members and n
    trajectories the committee has the variance s² (n / (n - 1) + 1 / m), as a mean of means would
    have. The ends are Student's, with m - 1 degrees of freedom; of a mean of five means of seven
    values they hold the truth in 87 % of the cases. What else differs between members, such as
    their first weights, is in s too and makes the interval wider. Of an error without a sign the
    lower end is too high near zero; the upper end is not too low.

    Parameters
    ----------
    whole
        Number of the committee.
    single
        Number of each member; not finite: the ends are not known.
    drawn
        Trajectories that a member was drawn from, n.
    least
        Smallest possible number.
    """
    count = len(single)
    if count < 2 or drawn < 2:
        return Estimate(whole, NAN, NAN, count)
    spread = float(np.std(single, ddof=1)) * math.sqrt(drawn / (drawn - 1) + 1 / count)
    half = float(stdtrit(count - 1, 0.95)) * spread
    return Estimate(whole, float(np.maximum(least, whole - half)), whole + half, count)


def fit_row(
    system: str,
    model: str,
    protocol: str,
    values: Any,
    *,
    trajectory: int = -1,
    seed: int = 0,
    x: Any = (),
    loss: float = float("nan"),
    cpu_s: float = 0.0,
    ids: Sequence[str] = (),
) -> Mapping[str, Any]:
    """Row of :data:`FITS`."""
    return {
        "system": system,
        "model": model,
        "protocol": protocol,
        "trajectory": trajectory,
        "seed": seed,
        "x": [float(v) for v in np.ravel(x)],
        "values": [float(v) for v in np.ravel(values)],
        "deviance": loss,
        "cpu_s": cpu_s,
        "calculation_ids": list(ids),
    }
