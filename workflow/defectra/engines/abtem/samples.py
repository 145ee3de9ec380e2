"""Cells of the samples: graphene with and without vacancies, zinc blende."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.engines.abtem import tersoff

Floats = NDArray[np.float64]
GRAPHENE = 2.46  # Å, lattice constant
GALLIUM_ARSENIDE = 5.6533  # Å
HEIGHT = 4.0  # Å, of the cell of graphene
MISSING = {"none": 0, "mono": 1, "di": 2}


def build(sample: Mapping[str, Any]) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Places (n, 3) in Å, atomic numbers (n,), edges of the rectangular cell (3,) in Å.

    Parameters
    ----------
    sample
        ``kind``: graphene or gallium_arsenide; ``repeat``: rectangular cells along x, y, z;
        ``vacancy``: none, mono, or di (graphene), about the atom nearest to the middle.

    Raises
    ------
    EngineError
        ``unknown_sample``, ``relaxation_failed``.
    """
    kind, vacancy = sample["kind"], sample["vacancy"]
    repeat = np.array(sample["repeat"])
    if kind == "graphene" and vacancy in MISSING:
        return _graphene(repeat[:2], MISSING[vacancy])
    if kind == "gallium_arsenide" and vacancy == "none":
        return _zinc_blende(repeat)
    raise EngineError("unknown_sample", f"no sample {kind} with vacancy {vacancy}")


def _graphene(repeat: NDArray[np.int64], missing: int) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Rectangular cells of four atoms; with a vacancy relaxed, then scaled to the measured bond."""
    a, b = GRAPHENE, np.sqrt(3) * GRAPHENE
    motif = np.array([[0, 0], [0, 1 / 3], [0.5, 0.5], [0.5, 5 / 6]]) * [a, b]
    places = _repeated(motif, np.array([a, b]), repeat)
    cell = np.array([a, b]) * repeat
    if missing:
        order = np.argsort(((places - cell / 2) ** 2).sum(1), kind="stable")
        first = order[0]
        near = np.argsort(((places - places[first]) ** 2).sum(1), kind="stable")
        places = np.delete(places, near[:missing], axis=0)
    full = np.column_stack([places, np.full(len(places), HEIGHT / 2)])
    edges = np.append(cell, HEIGHT)
    if missing:
        scale = tersoff.BOND * np.sqrt(3) / GRAPHENE
        # far apart along z, so that images of the sheet do not meet
        wide = np.append(cell * scale, 20.0)
        full[:, :2] = tersoff.relaxed(full * [scale, scale, 1.0], wide)[:, :2] / scale
    return full, np.full(len(full), 6), edges


def _zinc_blende(repeat: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Cubic cells of gallium arsenide; the beam runs along [001]."""
    corners = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    motif = np.concatenate([corners, corners + 0.25]) * GALLIUM_ARSENIDE
    edges = np.full(3, GALLIUM_ARSENIDE)
    places = _repeated(motif, edges, repeat)
    numbers = np.tile(np.repeat([31, 33], 4), int(np.prod(repeat)))
    return places, numbers, edges * repeat


def _repeated(motif: Floats, edges: Floats, repeat: NDArray[np.int64]) -> Floats:
    steps = np.stack(np.meshgrid(*(np.arange(n) for n in repeat), indexing="ij"), -1)
    shifts = steps.reshape(-1, len(edges)) * edges
    result: Floats = (shifts[:, None] + motif[None]).reshape(-1, len(edges))
    return result
