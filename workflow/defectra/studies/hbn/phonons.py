"""Modes of the layer from a few displaced cells, and how much of a displacement each takes.

Force constants of the pristine layer, with the masses of the defect and without the atoms that are
missing; what the defect does to the springs is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import TableError
from defectra.structures.periodic import distances
from defectra.studies.hbn.transitions import PHONON, displacement, masses

Floats = NDArray[np.float64]
NEAR = 0.2  # Å; a site of the layer that is farther from an atom is another one
SOFT = 1e-3  # eV; a slower mode is a shift of the layer, or not stable


def _matched(points: Floats, sites: Floats, lattice: Floats) -> NDArray[np.int64]:
    """Site of each point, both fractional, shape (n,).

    Raises
    ------
    TableError
        If a point is on no site, or two are on one.
    """
    away = distances(lattice, points, sites)
    found = away.argmin(axis=1)
    if away.min(axis=1).max() > NEAR or len(set(found.tolist())) < len(found):
        raise TableError("hbn: the atoms of a cell are not on the sites of the layer")
    return found


def force_constants(rows: Sequence[Mapping[str, Any]]) -> Floats:
    """Second derivatives of the energy of the layer, eV/Å², shape (n, 3, n, 3).

    Parameters
    ----------
    rows
        Of the table of forces: of one site of each element a displacement along x, normal to a bond
        and so in a mirror plane's normal, and one along z. Both have the opposite displacement as
        a mirror image, which takes out the third order; the threefold axis through the site gives
        the other direction in the plane, translations the other sites, and the sum rule the terms
        of an atom with itself.

    Raises
    ------
    TableError
        If a displacement is not there.
    """
    if not rows or {(r["site"], int(np.argmax(np.abs(r["displacement"])))) for r in rows} != {
        (s, axis) for s in {r["site"] for r in rows} for axis in (0, 2)
    }:
        raise TableError("hbn: displaced cells are missing; no force constants")
    lattice = np.reshape(rows[0]["lattice"], (3, 3))
    sites = np.reshape(rows[0]["coords"], (-1, 3))
    species = list(rows[0]["species"])
    found = np.zeros((len(sites), 3, len(sites), 3))
    for site in sorted({r["site"] for r in rows}):
        column = _column([r for r in rows if r["site"] == site], site, sites, lattice)
        for other in (k for k, s in enumerate(species) if s == species[site]):
            moved = _matched(sites + sites[other] - sites[site], sites, lattice)
            found[moved, :, other, :] = column
    found = (found + found.transpose(2, 3, 0, 1)) / 2
    return summed_to_zero(found)


def summed_to_zero(constants: Floats) -> Floats:
    """Force constants whose terms of an atom with itself obey the sum rule of translations."""
    out = constants.copy()
    every = np.arange(len(out))
    out[every, :, every, :] = 0
    out[every, :, every, :] = -out.sum(axis=2)
    return out


def _column(rows: Sequence[Mapping[str, Any]], site: int, sites: Floats, lattice: Floats) -> Floats:
    """Minus the forces on all atoms for a unit displacement of `site`, shape (n, 3, 3)."""
    shifts, fields = [], []
    for row in rows:
        shift = np.asarray(row["displacement"], float)
        field = -np.reshape(row["forces"], (-1, 3))
        axis = int(np.argmax(np.abs(shift)))
        mirror = np.eye(3)
        mirror[axis, axis] = -1.0
        for turn in range(3):
            c, s = np.cos(2 * np.pi * turn / 3), np.sin(2 * np.pi * turn / 3)
            rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
            for operation in (rotation, rotation @ mirror):
                shifts.append(operation @ shift)
                fields.append(_carried(operation, field, site, sites, lattice))
    flat = np.reshape(fields, (len(fields), -1))
    solved = np.linalg.lstsq(np.array(shifts), flat, rcond=None)[0]
    return np.asarray(solved.reshape(3, len(sites), 3).transpose(1, 2, 0))


def _carried(operation: Floats, field: Floats, site: int, sites: Floats, lattice: Floats) -> Floats:
    """Forces after an operation about a site."""
    away = (sites - sites[site]) @ lattice @ operation.T
    image = _matched(away @ np.linalg.inv(lattice) + sites[site], sites, lattice)
    out = np.empty_like(field)
    out[image] = field @ operation.T
    return out


def modes(constants: Floats, mass: Floats) -> tuple[Floats, Floats]:
    """Phonon energies (eV, negative if not stable) and vectors, shapes (3n,), (3n, n, 3)."""
    root = np.sqrt(np.repeat(mass, 3))
    n = len(mass)
    matrix = constants.reshape(3 * n, 3 * n) / np.outer(root, root)
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return PHONON * np.sign(values) * np.sqrt(np.abs(values)), vectors.T.reshape(3 * n, n, 3)


def huang_rhys(
    row: Mapping[str, Any], constants: Floats, layer: Mapping[str, Any]
) -> tuple[Floats, Floats]:
    """Phonon energies (eV) and partial Huang-Rhys factors of a candidate, of the stable modes.

    Parameters
    ----------
    row
        Of the runs, in the cell of the layer.
    constants, layer
        Of :func:`force_constants`, and a row of the table of forces.
    """
    lattice = np.reshape(layer["lattice"], (3, 3))
    sites, start = (np.reshape(r["coords"], (-1, 3)) for r in (layer, row))
    first = list(row["species"]).index("B")
    other = list(layer["species"]).index("B")
    where = _matched(start + sites[other] - start[first], sites, lattice)
    own = summed_to_zero(constants[where][:, :, where])
    mass = masses(row["species"])
    energies, vectors = modes(own, mass)
    along = np.einsum("kia,ia,i->k", vectors, displacement(row), np.sqrt(mass))
    stable = energies > SOFT
    return energies[stable], energies[stable] * along[stable] ** 2 / (2 * PHONON**2)
