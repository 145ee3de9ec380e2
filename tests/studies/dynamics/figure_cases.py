"""Rows with which every figure of study `dynamics` is drawn: none, one, two equal, no numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from defectra.studies.dynamics.rows import Metric
from defectra.studies.dynamics.series import Series
from defectra.studies.dynamics.settings import DynamicsStudy

STUDY = DynamicsStudy(kuramoto={"number": 11})


def _shown(rows: list[dict[str, Any]]) -> dict[str, Series]:
    """Series of one system for each row."""
    found = {}
    for name, row in zip(("swarm", "kuramoto"), rows):
        side = 84 if name == "kuramoto" else 64  # pixels
        counts = np.full((2, side, side), row["value"] or 0.0)
        found[name] = Series(0, "id", counts, np.zeros((2, 121)), np.zeros((3, 2)), 1.0, False)
    return found


CASES = {
    "dynamics.patterns.plot_patterns": ([{"value": 3.0}], lambda rows: (_shown(rows), STUDY)),
    "dynamics.laws.plot_laws": (
        [
            {"system": s, "model": "truth", "protocol": "none", "x": [0.1, 0.2],
             "values": [0.5] * 121 if s == "kuramoto" else [0.5, 0.1], "deviance": 1.0}
            for s in ("kuramoto", "swarm", "source", "scan")
        ],
        lambda rows: (rows, STUDY),
    ),
    "dynamics.counts.plot_counts": (
        [
            {"target": "source", "model": m, "metric": str(k), "fidelity": STUDY.main,
             "value": v, "lo": v, "hi": v, "n_groups": 4}
            for m, k, v in (
                ("search for the place", Metric.PLACE, 0.01),
                ("search for the place", Metric.PHOTONS, 1000.0),
            )
        ],
        lambda rows: (rows, STUDY),
    ),
}  # fmt: skip
