"""What no crystal is: cells and atoms that a damaged number, other units or a scale give."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureWarning
from defectra.structures.neighbours import nearest_pairs

if TYPE_CHECKING:
    from pymatgen.core import Structure

Floats = NDArray[np.float64]
# Of the sum of covalent radii: half of the atoms nearer than the first, or two nearer than the
# second, are in each other; none nearer than the third means no bond. In 1,499 crystals (OmniXAS,
# examples of xraylarch, feff10, OCEAN) half of the atoms are 0.759 and more apart, the nearest two
# 0.690 to 1.117; Bohr taken for Å, or Å for Bohr, is a factor of 1.890. Cells of more atoms are not
# checked.
NEAR, IN_ONE, APART, MANY = 0.6, 0.35, 1.3, 20_000
NOBLE = frozenset((2, 10, 18, 36, 54, 86))  # solids of these alone have no bonds
FAR = 50.0  # Å; no crystal has all its atoms further apart
FLATTEST = 0.3  # Å between two faces of a cell
LONGEST = 10_000.0  # Å of a lattice vector
DENSEST = 0.5  # Å³ of one atom; hydrogen compressed to a metal has twice that
OUTSIDE = 100  # cells that an atom may lie away from the one it is listed in
CROWD = 48  # neighbours of one atom that are looked at


def checked(structure: Structure) -> Structure:
    """Refuse what no crystal is: no sites, no volume, numbers that are not finite, atoms in one.

    Atoms much nearer than the sum of their covalent radii mean coordinates of another kind than
    the file says, or another scale; sites whose occupancies exclude each other may be near.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    if not len(structure) or not np.isfinite(structure.frac_coords).all():
        raise ValueError("no sites, or a coordinate that is no number")
    _refuse_cell(structure)
    _refuse_outside(structure)
    _refuse_overlap(structure)
    _refuse_far(structure)
    return structure


def _refuse_cell(structure: Structure) -> None:
    """A cell without volume or height, too long, or too dense for its atoms."""
    matrix = structure.lattice.matrix
    if not np.isfinite(matrix).all():
        raise ValueError("a lattice vector that is no number")
    longest = float(np.linalg.norm(matrix, axis=1).max())
    if longest > LONGEST:
        raise ValueError(
            f"a lattice vector is {longest:.3g} Å long, allowed are {LONGEST:.0f}: lengths in "
            "another unit, or a damaged number?"
        )
    volume = abs(float(np.linalg.det(matrix)))
    if not volume >= 1e-3:
        raise ValueError(f"a cell of volume {volume:.3g} Å³")
    height = float(1 / np.linalg.norm(structure.lattice.inv_matrix, axis=0).max())
    if height < FLATTEST:
        raise ValueError(f"two faces of the cell are {height:.3g} Å apart: no atom fits between")
    atoms = sum(s.species.num_atoms for s in structure)
    if volume < DENSEST * atoms:
        raise ValueError(
            f"a cell of {volume:.3g} Å³ for {atoms:.6g} atoms: lengths in another unit, or a "
            "damaged number?"
        )


def _refuse_outside(structure: Structure) -> None:
    """Fractions of hundreds: coordinates of another kind, or a damaged number."""
    away = np.abs(structure.frac_coords).max(axis=1)
    worst = int(away.argmax())
    if away[worst] > OUTSIDE:
        raise ValueError(
            f"atom {worst + 1} ({structure[worst].species_string}) lies {away[worst]:.3g} cells "
            "away: a damaged number, or coordinates of another kind than the file says?"
        )


def _refuse_far(structure: Structure) -> None:
    """Atoms that have no neighbour within `FAR`: lengths of another unit (picometres)."""
    lattice = structure.lattice
    if lattice.volume / len(structure) < FAR**3 / 10:
        return
    if min(lattice.get_lll_reduced_lattice().abc) <= FAR:  # an atom and its own image
        return
    if not len(nearest_pairs(lattice.matrix, structure.frac_coords, FAR, 1)[0]):
        raise ValueError(f"no two atoms are nearer than {FAR:.0f} Å: lengths in another unit?")


def _refuse_overlap(structure: Structure) -> None:
    from ase.data import covalent_radii

    if len(structure) > MANY:
        return
    size = np.array([max(covalent_radii[e.Z] for e in s.species.elements) for s in structure])
    filled = np.array([s.species.num_atoms for s in structure])
    first, second, distance = nearest_pairs(
        structure.lattice.matrix, structure.frac_coords, NEAR * size.max() * 2, CROWD
    )
    share = distance / (size[first] + size[second])
    near = (share < NEAR) & (filled[first] + filled[second] > 1.001)
    if not near.any():
        _remark_apart(structure, size)
        return
    worst = int(np.argmin(np.where(near, share, np.inf)))
    i, j = int(first[worst]), int(second[worst])
    text = (
        f"atoms {i + 1} and {j + 1} ({structure[i].species_string} and "
        f"{structure[j].species_string}) are {distance[worst]:.3f} Å apart"
    )
    if share[worst] < IN_ONE or 2 * len(set(first[near])) >= len(structure):
        raise ValueError(
            f"{text}: the coordinates are of another kind than the file says (fractions, Å), or "
            "the scale is wrong"
        )
    warnings.warn(f"{text}, nearer than any bond", StructureWarning, stacklevel=2)


def _remark_apart(structure: Structure, size: Floats) -> None:
    """Remark on atoms none of which has a bond: lengths in Bohr, or single atoms."""
    first, second, distance = nearest_pairs(
        structure.lattice.matrix, structure.frac_coords, APART * size.max() * 2, CROWD
    )
    bonded = (distance < APART * (size[first] + size[second])).any()
    if not bonded and not all(e.Z in NOBLE for e in structure.composition.elements):
        warnings.warn(
            "no two atoms are as near as a bond: lengths in another unit (Bohr), or single atoms?",
            StructureWarning,
            stacklevel=2,
        )
