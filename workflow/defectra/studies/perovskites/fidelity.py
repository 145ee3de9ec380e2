"""Error against budget: a fixed cost spent on PBE and HSE06 values in several ways.

PBE: functional of Perdew-Burke-Ernzerhof; HSE06: hybrid functional of Heyd-Scuseria-Ernzerhof.
One HSE value costs `cost_ratio` PBE values. Three ways to spend a budget:

- ``single``: HSE values alone.
- ``delta``: the PBE value of every compound, those to be predicted included, and HSE values for
  the rest; learnt is their difference, with the PBE value among the features.
- ``cokriging``: PBE values for half of the compounds, those with an HSE value among them. Two
  levels (Kennedy and O'Hagan, Biometrika 87, 1, 2000; recursive form of Le Gratiet and Garnier,
  2014): y_HSE = rho y_PBE + d, both Gaussian processes; a compound without any value is predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.grouped_gp import GroupedGP, Groups
from defectra.studies.perovskites import descriptors
from defectra.studies.perovskites.problems import label
from defectra.studies.perovskites.references import offsets
from defectra.studies.perovskites.settings import Fidelity
from defectra.studies.perovskites.tables import UNITS, compounds_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Row = dict[str, Any]
METHODS = ("single", "delta", "cokriging")
QUANTITIES = ("gap", "decomposition", "lattice")
FIDELITY_COLUMNS = [
    "target",
    "unit",
    "method",
    "budget",
    "n_HSE",
    "n_PBE",
    "n_test",
    "rmse",
    "lo",
    "hi",
    "mean_rmse",
]
_FEWEST = 8


def fidelity_rows(
    rows: Sequence[Mapping[str, Any]],
    references: Sequence[Mapping[str, Any]],
    ions: descriptors.Table,
    settings: Fidelity,
    seed: int,
) -> list[Row]:
    """Rows of ``fidelity.csv``: mean, least and largest error over the draws.

    Every method is tested on the compounds of a draw that no budget buys; the order in which
    compounds are bought is the same for all methods and budgets of a draw. Decomposition energies
    are counted from one level for all A.
    """
    own = [row for row in rows if row["in_ml"]]
    matrix = descriptors.matrix(compounds_of(own), ions)
    out = []
    for quantity in QUANTITIES:
        low, high = (label(own, f"{quantity}_{f}") for f in ("PBE", "HSE"))
        if quantity == "decomposition":
            low = low + offsets(compounds_of(own), references, "PBE")
            high = high + offsets(compounds_of(own), references, "HSE")
        for method in METHODS:
            for budget in settings.budgets:
                out += _point(quantity, method, budget, (matrix, low, high), settings, seed)
    return out


def _point(
    quantity: str,
    method: str,
    budget: float,
    data: tuple[Floats, Floats, Floats],
    settings: Fidelity,
    seed: int,
) -> list[Row]:
    n = len(data[1])
    n_high, n_low = bought(method, budget, n, settings.cost_ratio)
    n_test = n - max(bought("single", b, n, settings.cost_ratio)[0] for b in settings.budgets)
    if n_high < _FEWEST or n_test < _FEWEST:
        return []
    errors, means = [], []
    for draw in range(settings.draws):
        order = np.random.default_rng(seed + draw).permutation(n)
        train, test = order[:n_high], order[n - n_test :]
        answer = predict(method, data, train, order[:n_low], test)
        errors.append(float(np.sqrt(np.mean((answer - data[2][test]) ** 2))))
        means.append(float(np.sqrt(np.mean((data[2][train].mean() - data[2][test]) ** 2))))
    return [
        {
            "target": f"{quantity}_HSE",
            "unit": UNITS[f"{quantity}_HSE"],
            "method": method,
            "budget": budget,
            "n_HSE": n_high,
            "n_PBE": n_low,
            "n_test": n_test,
            "rmse": float(np.mean(errors)),
            "lo": min(errors),
            "hi": max(errors),
            "mean_rmse": float(np.mean(means)),
        }
    ]


def bought(method: str, budget: float, n: int, ratio: float) -> tuple[int, int]:
    """Numbers of HSE and PBE values that a budget (in HSE values) buys for `n` compounds."""
    if method == "single":
        return min(n, int(budget)), 0
    n_low = n if method == "delta" else n // 2
    n_high = max(0, min(n_low, int(budget - n_low / ratio)))
    return n_high, n_low


def predict(
    method: str, data: tuple[Floats, Floats, Floats], train: Ints, cheap: Ints, test: Ints
) -> Floats:
    """HSE values of test rows, from HSE values of `train` and PBE values of `cheap` rows."""
    matrix, low, high = data
    groups = descriptors.GROUPS
    if method == "single":
        return GroupedGP(groups).fit(matrix[train], high[train]).predict(matrix[test])[0]
    if method == "delta":
        both = np.column_stack([matrix, low])
        model = GroupedGP((*groups, (matrix.shape[1],)))
        model.fit(both[train], (high - low)[train])
        return low[test] + model.predict(both[test])[0]
    return Cokriging(groups).fit(matrix, low, cheap, high, train).predict(matrix[test])[0]


class Cokriging:
    """Two-level autoregressive co-kriging, recursive; every high-fidelity row has a low value."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups

    def fit(
        self, x: Floats, low: Floats, low_rows: Ints, high: Floats, high_rows: Ints
    ) -> Cokriging:
        """Fit to `low` of `low_rows` and `high` of `high_rows`; `x` has shape (n, p)."""
        if not np.isin(high_rows, low_rows).all():
            raise ValueError("every row with a high-fidelity value needs its low-fidelity value")
        self.low = GroupedGP(self.groups).fit(x[low_rows], low[low_rows])
        self.scale, intercept = np.polyfit(low[high_rows], high[high_rows], 1)
        del intercept
        self.difference = GroupedGP(self.groups).fit(
            x[high_rows], (high - self.scale * low)[high_rows]
        )
        return self

    def predict(self, x: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the high-fidelity value at `x`."""
        one, spread = self.low.predict(x)
        two, rest = self.difference.predict(x)
        return self.scale * one + two, np.hypot(self.scale * spread, rest)
