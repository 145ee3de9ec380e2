"""Rows of the tables of study `dynamics`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from defectra.core.claims import Estimate
from defectra.core.records import Column, Table
from defectra.learn.scores import student

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


def left_out(values: Sequence[float], least: float = -np.inf) -> Estimate:
    """A number of a committee and its 90 % interval of Student's t from the jackknife.

    Parameters
    ----------
    values
        Number of all members, then those without each one; not finite: the ends are not known.
    least
        Smallest possible number.
    """
    ends = student(np.array(values, dtype=float), (least, np.inf))
    return Estimate(*ends, len(values) - 1)


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
