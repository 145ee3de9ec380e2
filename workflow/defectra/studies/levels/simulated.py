"""What error against the gap one must expect if the levels were drawn from the model itself.

Levels are drawn from the prior of the declared Gaussian process with its centre kernel and noise,
on the real defects, and every host is left out as with the real levels. Where the measured error
of a host lies above the simulated one, it is the model that fails and not the number of hosts.
(The paper's simulated data, arXiv:2203.10349, are drawn in another way that it does not describe.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from defectra.core.records import Split
from defectra.studies.levels import gaussian_process
from defectra.studies.levels.evaluate import DECLARED, Data
from defectra.studies.levels.settings import LevelsStudy

Row = dict[str, Any]

SIMULATED_COLUMNS = [
    *("host", "gap_eV", "n_defects", "simulated_eV", "simulated_lo_eV", "simulated_hi_eV"),
    *("measured_eV", "outside"),
]


def simulate(
    data: Data, predictions: Sequence[Mapping[str, Any]], study: LevelsStudy, seed: int
) -> list[Row]:
    """RMSE of each left-out host, eV: mean and 90 % range over seeded draws, measured beside.

    Parameters
    ----------
    predictions
        Rows of the predictions table: where the measured errors come from.
    """
    rows = data.descriptors
    prior = gaussian_process.covariance(rows, rows, study.kernel)
    root = np.linalg.cholesky(prior + 1e-8 * np.eye(len(prior)))
    spread = np.sqrt(gaussian_process.noise(rows, study.kernel))[:, None]
    generator = np.random.default_rng(seed)
    base = gaussian_process.fit(rows, data.labels, study.kernel)
    groups = data.groups(Split.HOST_OUT)
    members = [m[data.scored[m]] for m in gaussian_process.members(groups)]
    names = sorted(set(groups))
    errors = np.full((study.simulations, len(names)), np.nan)
    for draw in range(study.simulations):
        labels = root @ generator.normal(size=data.labels.shape)
        labels += spread * generator.normal(size=data.labels.shape)
        fitted = gaussian_process.Fitted(base.inverse, labels, base.inverse @ labels, base.surplus)
        for k, whole in enumerate(gaussian_process.members(groups)):
            value = fitted.without(whole)[0]
            kept = data.scored[whole]
            if kept.any():
                errors[draw, k] = np.sqrt(((value - labels[whole]) ** 2)[kept].mean())
    measured = _measured(predictions)
    out = []
    for k, host in enumerate(names):
        if not len(members[k]):
            continue
        low, high = np.quantile(errors[:, k], [0.05, 0.95])
        own = measured.get(host, float("nan"))
        out.append(
            {
                "host": host,
                "gap_eV": float(rows.gap[members[k][0]]),
                "n_defects": len(members[k]),
                "simulated_eV": float(errors[:, k].mean()),
                "simulated_lo_eV": float(low),
                "simulated_hi_eV": float(high),
                "measured_eV": own,
                "outside": "above" if own > high else "below" if own < low else "",
            }
        )
    return sorted(out, key=lambda r: (r["gap_eV"], r["host"]))


def _measured(predictions: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for r in predictions:
        if (r["model"], r["split"]) == (DECLARED, str(Split.HOST_OUT)):
            found.setdefault(r["host"], []).append((r["prediction"] - r["truth"]) ** 2)
    return {host: float(np.sqrt(np.mean(v))) for host, v in found.items()}
