"""Interstitial sites of any crystal: vertices of the Voronoi cells of its atoms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError
from defectra.structures import periodic
from defectra.structures.crystal import CLOSEST, VACANCY, Crystal, with_sublattice

Vectors = NDArray[np.float64]
MERGE = 0.2  # Å; vertices that near to each other are one site


def voronoi(crystal: Crystal, least: float = 1.0) -> Crystal:
    """Crystal with the Voronoi interstitials added as empty sublattices ``i_1``, ``i_2`` ...

    Ordered by distance to the nearest atom, the roomiest first; a site that lies nearer than
    0.5 Å to a roomier one is left out.

    Parameters
    ----------
    least
        Å, smallest distance to an atom.

    Raises
    ------
    StructureError
        If `least` is below 0.5 Å, or no site has that much room.
    """
    if least < CLOSEST:
        raise StructureError(f"interstitials {least} Å from an atom overlap it; at least {CLOSEST}")
    atoms = crystal.coords[[s != VACANCY for s in crystal.species]]
    orbits = [_orbit(crystal, p) for p in _vertices(crystal.lattice, atoms)]
    room = [float(_nearest(crystal.lattice, o[:1], atoms)[0]) for o in orbits]
    ranked = sorted(range(len(orbits)), key=lambda k: (-round(room[k], 3), _text(orbits[k])))
    out, number = crystal, 0
    for k in ranked:
        near = _nearest(crystal.lattice, orbits[k], out.coords).min()
        if room[k] >= least and near >= CLOSEST and _apart(crystal.lattice, orbits[k]):
            number += 1
            out = with_sublattice(out, f"i_{number}", orbits[k])
    if not number:
        raise StructureError(
            f"{crystal.host}: no interstitial {least} Å from all atoms; the largest room is "
            f"{max(room, default=0.0):.2f} Å"
        )
    return out


def _vertices(lattice: Vectors, atoms: Vectors) -> Vectors:
    """Fractional Voronoi vertices within one cell, near ones merged."""
    from ase.geometry import minkowski_reduce
    from scipy.spatial import Voronoi

    reduced = np.asarray(minkowski_reduce(lattice)[0])
    shifts = np.array(list(np.ndindex(5, 5, 5))) - 2
    points = ((atoms @ lattice)[:, None, :] + (shifts @ reduced)[None]).reshape(-1, 3)
    fractional = Voronoi(points).vertices @ np.linalg.inv(reduced)
    inside = fractional[(np.abs(fractional - 0.5) < 0.75).all(axis=1)] % 1.0
    inside = np.where(inside > 1 - 1e-6, 0.0, inside)
    kept: list[Vectors] = []
    for vertex in inside[np.lexsort(np.round(inside, 4).T[::-1])]:
        here = np.array(kept).reshape(-1, 3)
        if not kept or _nearest(reduced, vertex[None], here)[0] > MERGE:
            kept.append(vertex)
    out = np.array(kept) @ reduced @ np.linalg.inv(lattice)
    return out % 1.0


def _orbit(crystal: Crystal, point: Vectors) -> Vectors:
    """All images of a point, first moved onto the mean of those within `MERGE` of it."""
    images = crystal.rotations @ point + crystal.translations
    delta = images - point
    delta -= np.round(delta)
    close = np.linalg.norm(delta @ crystal.lattice, axis=1) < MERGE
    centre = point + delta[close].mean(axis=0)
    images = (crystal.rotations @ centre + crystal.translations) % 1.0
    out: list[Vectors] = []
    for image in images:
        if not out or _nearest(crystal.lattice, image[None], np.array(out))[0] > 1e-3:
            out.append(image)
    return np.array(out)


def _nearest(lattice: Vectors, points: Vectors, others: Vectors) -> Vectors:
    """Distance (Å) of each point to the nearest image of any of `others`."""
    return periodic.distances(lattice, points, others).min(axis=1)


def _apart(lattice: Vectors, orbit: Vectors) -> bool:
    """Are the sites of an orbit at least 0.5 Å from each other?"""
    return all(
        _nearest(lattice, orbit[k : k + 1], np.delete(orbit, k, axis=0))[0] >= CLOSEST
        for k in range(len(orbit))
        if len(orbit) > 1
    )


def _text(orbit: Vectors) -> str:
    return str(np.round(orbit[np.lexsort(np.round(orbit, 3).T)], 3).tolist())
