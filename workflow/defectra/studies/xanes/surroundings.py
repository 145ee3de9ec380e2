"""Labels of an absorbing site from the oxygens around it: coordination, length, valence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

REACH = 3.0  # Å; a Cu-O bond of this length has a valence of 0.03
SOFTNESS = 0.37  # Å, Brown and Altermatt, Acta Cryst. B 41, 244 (1985)
# Length (Å) of a bond to oxygen of valence one, by the oxidation state of copper.
# 1+: Brese and O'Keeffe, Acta Cryst. B 47, 192 (1991); 2+: Brown and Altermatt.
COPPER_OXYGEN: Mapping[int, float] = {1: 1.593, 2: 1.679}
NEAR = 0.3  # e; a valence sum further than this from the state says nothing


@dataclass(frozen=True)
class Surroundings:
    """What stands around a site.

    Attributes
    ----------
    coordination
        Effective coordination number of Hoppe: sum of exp(1 − (d / mean)⁶) over the oxygens.
    bond_length
        Mean of the distances with these weights, Å.
    valence
        Bond-valence sum with the length of the divalent ion, e.
    oxidation
        Oxidation state whose own bond-valence sum agrees with it within :data:`NEAR`, e; NaN
        where none or both do.
    """

    coordination: float
    bond_length: float
    valence: float
    oxidation: float


def describe(distances: Sequence[float], lengths: Mapping[int, float]) -> Surroundings:
    """Labels from the distances to the oxygens within :data:`REACH` (Å).

    Parameters
    ----------
    lengths
        As :data:`COPPER_OXYGEN`.

    Raises
    ------
    ValueError
        If there is no oxygen.
    """
    d = np.asarray(distances, np.float64)
    if not len(d):
        raise ValueError("no oxygen around the site")
    mean = hoppe_mean(d)
    sums = {state: valence_sum(d, length) for state, length in lengths.items()}
    agree = [state for state, total in sums.items() if abs(total - state) <= NEAR]
    return Surroundings(
        float(np.exp(1 - (d / mean) ** 6).sum()),
        mean,
        sums[2],
        float(agree[0]) if len(agree) == 1 else float("nan"),
    )


def hoppe_mean(distances: Floats) -> float:
    """Mean with weights exp(1 − (d / mean)⁶), iterated from the shortest distance, Å.

    R. Hoppe, Z. Kristallogr. 150, 23 (1979).
    """
    mean = float(distances.min())
    for _ in range(200):
        weights = np.exp(1 - (distances / mean) ** 6)
        new = float(weights @ distances / weights.sum())
        if abs(new - mean) < 1e-9:
            break
        mean = new
    return mean


def valence_sum(distances: ArrayLike, length: float) -> float:
    """Sum of exp((length − d) / 0.37 Å) over the bonds, e."""
    return float(np.exp((length - np.asarray(distances, np.float64)) / SOFTNESS).sum())
