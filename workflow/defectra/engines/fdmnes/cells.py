"""Cell of an indata file of FDMNES, with or without a space group."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError
from defectra.core.fortran import quotient
from defectra.engines.edges import symbol
from defectra.structures.cell_checks import OUTSIDE

Floats = NDArray[np.float64]
Cards = Mapping[str, list[list[str]]]
SAME = 0.02  # Å; images of a listed atom that are nearer are one


def own(cards: Cards) -> tuple[tuple[Floats, list[str], Floats], tuple[int, ...]] | None:
    """Cell (lattice rows in Å, species, fractional coordinates) and the listed atom of each site.

    None without a card Crystal that can be read, or if the space group stays open.
    """
    from pymatgen.core import Lattice

    rows = cards.get("crystal", [])
    if len(rows) < 2:
        return None
    try:
        numbers = [quotient(v) for v in rows[0][:6]]
        lattice = Lattice.from_parameters(*numbers[:3], *(numbers[3:] or (90.0, 90.0, 90.0)))
        species = [_species(int(r[0]), cards) for r in rows[1:]]
        coords = np.array([[quotient(v) for v in r[1:4]] for r in rows[1:]])
    except (TypeError, ValueError, IndexError):
        return None
    if not all(species) or coords.shape != (len(species), 3):
        return None
    if not (np.abs(coords) <= OUTSIDE).all():  # a damaged number
        return None
    if "spgroup" not in cards:
        return (lattice.matrix, species, coords), tuple(range(len(species)))
    return _expanded(cards, lattice.matrix, species, coords)


def _species(number: int, cards: Cards) -> str:
    """Element of the first column: an atomic number, or with the card Atom the row of that."""
    types = cards.get("atom", cards.get("atom_conf"))
    if types is None or "atom_conf" in cards:
        return symbol(number) or ""
    return symbol(int(types[abs(number) - 1][0])) or ""


def _expanded(
    cards: Cards, lattice: Floats, species: list[str], coords: Floats
) -> tuple[tuple[Floats, list[str], Floats], tuple[int, ...]] | None:
    from defectra.structures import space_groups

    name = " ".join(cards["spgroup"][0]) if cards["spgroup"] else ""
    bare, _, origin = name.partition(":")
    try:
        if bare.strip().isdecimal():
            found = space_groups.by_number(int(bare))
            found = [s for s in found if not origin or s.choice.lower() == origin.strip().lower()]
        else:
            found = space_groups.by_symbol(name)
    except StructureError:
        return None
    fitting = [s for s in found if space_groups.fits_cell(s, lattice)]
    if len(fitting) != 1:
        return None
    sites: list[Floats] = []
    listed: list[int] = []
    for k, own_coords in enumerate(coords):
        images = (own_coords @ fitting[0].rotations.transpose(0, 2, 1)) + fitting[0].translations
        for image in images % 1.0:
            delta = np.array([s for s, n in zip(sites, listed) if n == k]).reshape(-1, 3) - image
            delta -= np.round(delta)
            if not (np.linalg.norm(delta @ lattice, axis=1) < SAME).any():
                sites.append(image)
                listed.append(k)
    return (lattice, [species[k] for k in listed], np.array(sites)), tuple(listed)
