"""Oxidation states of the metals from magnetic moments, under charge neutrality of the cell.

A moment alone does not settle a state (CHGNet gives low-spin Co3+ 0.4 to 1.0 µB), so the states
of all metals are assigned together: the cheapest assignment whose charges sum to what oxygen
and lithium leave over. A site is ambiguous if another state costs hardly more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Absolute moments (µB) as CHGNet 0.3.0 predicts them, with the spread that is taken as one σ.
MOMENTS: dict[str, dict[int, tuple[float, float]]] = {
    "Ni": {2: (1.70, 0.20), 3: (1.10, 0.30), 4: (0.20, 0.20)},
    "Mn": {3: (3.80, 0.25), 4: (3.15, 0.15)},
    "Co": {2: (2.60, 0.30), 3: (0.50, 0.35), 4: (1.05, 0.35)},
}
FIXED = {"Li": 1, "O": -2}
AMBIGUOUS_BELOW = 1.0  # cost (half squared σ) that separates the best state from the next


def assign(species: Sequence[str], moments: Sequence[float], charge: int = 0) -> list[float]:
    """Oxidation state of each site; NaN where it is ambiguous or cannot be neutral.

    A cell with another element than those of :data:`MOMENTS` and :data:`FIXED` has no assigned
    metal: the charge of that element is not known.

    Parameters
    ----------
    species
        Elements, shape (n,).
    moments
        Magnetic moments, µB, shape (n,).
    charge
        Charge of the cell, e.
    """
    out = [float(FIXED.get(s, np.nan)) for s in species]
    if not set(species) <= {*FIXED, *MOMENTS}:
        return out
    metals = [i for i, s in enumerate(species) if s in MOMENTS]
    target = charge - sum(FIXED.get(s, 0) for s in species)
    costs = [_costs(species[i], abs(moments[i])) for i in metals]
    forward = _tables(costs)
    backward = _tables(costs[::-1])[::-1]
    best = forward[-1].get(target, np.inf)
    if not np.isfinite(best):
        return out
    for k, site in enumerate(metals):
        total = {
            state: min(
                (
                    left + cost + backward[k + 1].get(target - q - state, np.inf)
                    for q, left in forward[k].items()
                ),
                default=np.inf,
            )
            for state, cost in costs[k].items()
        }
        ranked = sorted(total, key=total.__getitem__)
        gap = total[ranked[1]] - total[ranked[0]] if len(ranked) > 1 else np.inf
        if gap >= AMBIGUOUS_BELOW:
            out[site] = float(ranked[0])
    return out


def _costs(element: str, moment: float) -> dict[int, float]:
    return {q: 0.5 * ((moment - m) / s) ** 2 for q, (m, s) in MOMENTS[element].items()}


def _tables(costs: list[dict[int, float]]) -> list[dict[int, float]]:
    """Cheapest cost of the first k metals for each total charge, k = 0 ... n."""
    tables: list[dict[int, float]] = [{0: 0.0}]
    for own in costs:
        step: dict[int, float] = {}
        for total, cost in tables[-1].items():
            for state, extra in own.items():
                step[total + state] = min(step.get(total + state, np.inf), cost + extra)
        tables.append(step)
    return tables
