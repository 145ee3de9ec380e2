"""Wyckoff letters: the letter that a CIF gives a site, against where the site lies.

The tables of positions are those of spglib (one for each of its 530 settings). A helper crystal
of two general orbits has exactly the group that is asked; the sites are added to it, and spglib
names their positions.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError, StructureWarning
from defectra.structures import space_groups
from defectra.structures.space_groups import Setting

Floats = NDArray[np.float64]
_GENERAL = np.array([[0.1234, 0.3471, 0.2239], [0.4173, 0.0871, 0.3316]])
_NEAR = 1e-4  # fractional; positions that are nearer are one
_MOST = 24  # origins that are tried; no group has as many that change letters


def check_letters(
    labels: list[str], given: list[str], coords: Floats, found: Setting, matrix: Floats
) -> None:
    """Compare letters with the positions of the sites.

    An origin that the group leaves open exchanges letters (a and b of rock salt): letters that all
    sites have at one of these origins agree, with a warning. In settings that are not those of
    the International Tables letters are not fixed: there a warning is all.

    Parameters
    ----------
    labels, given
        Name and letter, site by site.
    coords
        Fractional coordinates on the positions, shape (n, 3).
    found
        Setting; listed operations are looked up among the settings of the tables.
    matrix
        Lattice vectors in rows, Å.

    Raises
    ------
    StructureError
        Naming the first site whose letter is that of another position.
    """
    known = found if found.hall else _in_tables(found, matrix)
    own = letters_of(known, matrix, coords) if known else []
    wrong = [k for k, is_ in enumerate(own) if given[k] not in (is_, is_.lower())]
    if known is None or not wrong:
        return
    for shift in _origins(known):
        if letters_of(known, matrix, coords + shift) == given:
            words = ", ".join(f"{v:.3g}" for v in shift)
            _tell(f"the Wyckoff letters are those of an origin that is moved by ({words})")
            return
    k = wrong[0]
    text = (
        f"site {labels[k]} lies on the Wyckoff position {own[k]} of {known.name}, the file says "
        f"{given[k]}"
    )
    if known.standard:
        raise StructureError(f"{text}: a coordinate, the setting or the letter is wrong")
    _tell(text)


def _tell(text: str) -> None:
    warnings.warn(text, StructureWarning, stacklevel=3)


def letters_of(found: Setting, matrix: Floats, coords: Floats) -> list[str]:
    """Letters of positions in the axes and at the origin of a setting; empty if none are found.

    Parameters
    ----------
    coords
        Fractional coordinates, shape (n, 3).
    """
    turn, shift = np.eye(3), np.zeros(3)
    for _ in range(2):  # spglib may choose other axes; the second time they are allowed for
        # x_tables = turn @ x + shift (spglib): what lies at `coords` in the tables
        own = np.asarray(np.linalg.solve(turn, (coords - shift).T).T, np.float64)
        data, first = _dataset(found, matrix, own)
        if data is None or data.hall_number != found.hall:
            return []
        same = np.allclose(data.transformation_matrix, turn, atol=1e-5)
        off = data.origin_shift - shift
        if same and np.abs(off - np.round(off)).max() < 1e-5:
            return [str(data.wyckoffs[k]) for k in first]
        turn, shift = data.transformation_matrix, data.origin_shift
    return []


def _dataset(found: Setting, matrix: Floats, coords: Floats) -> tuple[Any, list[int]]:
    """What spglib finds for the helper crystal, and the first atom of each site."""
    import spglib

    atoms: list[Floats] = []
    kinds: list[int] = []
    first: list[int] = []
    for kind, x in enumerate([*_GENERAL, *coords]):
        images = (found.rotations @ x + found.translations) % 1.0
        delta = images[:, None, :] - images[None, :, :]
        near = np.abs(delta - np.round(delta)).max(axis=2) < _NEAR
        alone = ~np.triu(near, 1).any(axis=0)
        first.append(len(atoms))
        atoms += list(images[alone])
        kinds += [kind + 1] * int(alone.sum())
    cell: Any = (matrix, np.array(atoms), kinds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        data = spglib.get_symmetry_dataset(cell, symprec=1e-4, hall_number=found.hall)
    return data, first[len(_GENERAL) :]


def _origins(found: Setting) -> list[Floats]:
    """Shifts of the origin that keep the operations, without those along free axes."""
    steps = np.arange(12) / 12
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    pure = [t for r, t in zip(found.rotations, found.translations) if (r == np.eye(3)).all()]
    moved = np.einsum("rij,gj->gri", found.rotations - np.eye(3, dtype=int), grid)
    kept = np.zeros(moved.shape[:2], bool)
    for shift in pure:
        off = moved - shift
        kept |= np.abs(off - np.round(off)).max(axis=2) < 1e-6
    free = found.rotations.mean(axis=0)  # onto the axes along which the origin is free
    keys: dict[tuple[int, ...], Floats] = {}
    for shift in grid[kept.all(axis=1)]:
        fixed = (np.eye(3) - free) @ shift
        images = [tuple(np.round((fixed + t) % 1.0 * 24).astype(int) % 24) for t in pure]
        keys.setdefault(min(images), shift)
    return [s for s in keys.values() if np.any(s)][:_MOST]


def _in_tables(own: Setting, matrix: Floats) -> Setting | None:
    """Setting of the tables with just these operations; None if they are at another origin."""
    number = space_groups.number_of(own.rotations, own.translations, matrix)
    keys = {space_groups.key(r, t) for r, t in zip(own.rotations, own.translations)}
    for found in space_groups.all_settings(number):
        if {space_groups.key(r, t) for r, t in zip(found.rotations, found.translations)} == keys:
            return found
    return None
