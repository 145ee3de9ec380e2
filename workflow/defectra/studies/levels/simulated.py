"""What error against the gap one must expect if the levels were drawn from the model itself.

Levels are drawn from the prior of the saved model (its kernel and noise, each charge with a
variance of its own) on the real defects, and every host is left out as with the real levels. Where
the measured error of a host lies above the simulated one, it is the model that fails and not the
number of hosts.
(The paper's simulated data, arXiv:2203.10349, are drawn in another way that it does not describe.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Split
from defectra.studies.levels import gaussian_process, learnt_kernel
from defectra.studies.levels.evaluate import DECLARED
from defectra.studies.levels.saved import LevelModel

Row = dict[str, Any]

SIMULATED_COLUMNS = [
    *("host", "gap_eV", "n_defects", "simulated_eV", "simulated_lo_eV", "simulated_hi_eV"),
    *("measured_eV", "outside"),
]


def simulate(
    model: LevelModel, predictions: Sequence[Mapping[str, Any]], draws: int, seed: int
) -> list[Row]:
    """RMSE of each left-out host, eV: mean and 90 % range over seeded draws, measured beside.

    Parameters
    ----------
    predictions
        Rows of the predictions table: where the measured errors come from.
    """
    groups = [k[0] for k in model.keys]
    errors = _errors(model, groups, draws, seed)
    members = [m[model.scored[m]] for m in gaussian_process.members(groups)]
    gap, measured = model.rows().gap, _measured(predictions)
    out = []
    for k, host in enumerate(sorted(set(groups))):
        if not len(members[k]):
            continue
        low, high = np.quantile(errors[:, k], [0.05, 0.95])
        own = measured.get(host, float("nan"))
        out.append(
            {
                "host": host,
                "gap_eV": float(gap[members[k][0]]),
                "n_defects": len(members[k]),
                "simulated_eV": float(errors[:, k].mean()),
                "simulated_lo_eV": float(low),
                "simulated_hi_eV": float(high),
                "measured_eV": own,
                "outside": "above" if own > high else "below" if own < low else "",
            }
        )
    return sorted(out, key=lambda r: (r["gap_eV"], r["host"]))


def _errors(model: LevelModel, groups: Sequence[str], draws: int, seed: int) -> NDArray[np.float64]:
    """RMSE of each host, left out, in each draw, eV; NaN where none of its defects is scored.

    Parameters
    ----------
    groups
        Host of each defect of the model.

    Returns
    -------
    ndarray
        Shape (draws, hosts), hosts sorted by name.
    """
    rows, labels_of = model.rows(), model.labels
    prior = learnt_kernel.covariance(rows, rows, model.kernel)
    root = np.linalg.cholesky(prior + 1e-8 * np.eye(len(prior)))
    spread = np.sqrt(learnt_kernel.noise(rows, model.kernel))[:, None]
    generator = np.random.default_rng(seed)
    nothing = np.zeros(len(rows), dtype=bool)
    base = learnt_kernel.fit(rows, labels_of, model.kernel, nothing)
    charges = np.sqrt((labels_of * base.weights).mean(axis=0))
    members = gaussian_process.members(groups)
    errors = np.full((draws, len(members)), np.nan)
    for draw in range(draws):
        labels = root @ generator.normal(size=labels_of.shape)
        labels += spread * generator.normal(size=labels_of.shape)
        labels *= charges
        fitted = gaussian_process.Fitted(base.inverse, labels, base.inverse @ labels, base.surplus)
        for k, whole in enumerate(members):
            value = fitted.without(whole)[0]
            kept = model.scored[whole]
            if kept.any():
                errors[draw, k] = np.sqrt(((value - labels[whole]) ** 2)[kept].mean())
    return errors


def _measured(predictions: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for r in predictions:
        if (r["model"], r["split"]) == (DECLARED, str(Split.HOST_OUT)):
            found.setdefault(r["host"], []).append((r["prediction"] - r["truth"]) ** 2)
    return {host: float(np.sqrt(np.mean(v))) for host, v in found.items()}
