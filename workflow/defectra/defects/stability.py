"""Chemical potentials from the stability region of a host among its competing phases."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from defectra.core.errors import EngineError

Phase = tuple[Mapping[str, int], float]
_EPS = 1e-9


def corners(
    host: Mapping[str, int],
    formation_eV: float,
    others: Sequence[Phase],
    elements: Sequence[str],
) -> list[dict[str, float]]:
    """Corners of the region where the host is stable, chemical potentials against the elements.

    The host fixes sum n mu = its formation energy; no element (mu <= 0) and no other phase
    (sum n mu <= its formation energy) may form.

    Parameters
    ----------
    host
        Atoms of a formula unit.
    formation_eV
        Formation energy of a formula unit from the elements.
    others
        Competing phases: atoms and formation energy of a formula unit.
    elements
        All elements, impurity included.

    Raises
    ------
    EngineError
        ``unstable`` if the host is nowhere stable.
    """
    order = list(elements)
    equal = np.array([host.get(e, 0) for e in order], dtype=float)
    bounds = [(np.eye(len(order))[k], 0.0) for k in range(len(order))]
    bounds += [(np.array([p.get(e, 0) for e in order], dtype=float), h) for p, h in others]
    found: list[np.ndarray] = []
    for chosen in itertools.combinations(bounds, len(order) - 1):
        matrix = np.array([equal, *(c[0] for c in chosen)])
        if abs(np.linalg.det(matrix)) < _EPS:
            continue
        point = np.linalg.solve(matrix, [formation_eV, *(c[1] for c in chosen)])
        inside = all(row @ point <= limit + 1e-7 for row, limit in bounds)
        if inside and not any(np.allclose(point, f, atol=1e-7) for f in found):
            found.append(point)
    if not found:
        raise EngineError("unstable", f"host {dict(host)} decomposes into the other phases")
    return [dict(zip(order, map(float, p))) for p in found]


def rich(points: Sequence[Mapping[str, float]], element: str) -> dict[str, float]:
    """Corner richest in an element; of several the one poorest in all others."""
    best: Mapping[str, float] = max(
        points, key=lambda p: (round(p[element], 6), -sum(p[e] for e in p))
    )
    return dict(best)
