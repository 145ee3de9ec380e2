"""Which point defect a cell holds, against the cell of its host: any host, any lattice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError, TableError
from defectra.defects.tiling import repeated, structure
from defectra.structures.elements import sublattices

if TYPE_CHECKING:
    from pymatgen.core import Structure

Floats = NDArray[np.float64]
MATCH_A = 0.9  # an atom that moved farther from every bulk site is an interstitial
FARTHEST_A = 2.2  # a relaxed atom farther from its site than this has left it
SAME_SHELL_A = 0.15
SAME_POSITION_A = 0.1
SYMPREC = 0.02  # Å


@dataclass(frozen=True)
class Found:
    """One defect in a host.

    Attributes
    ----------
    site
        ``M_A``, ``M_B``, ``M_i_A`` … in hosts of two sublattices; elsewhere the element that was
        there with its Wyckoff letter (``O 2b``), or ``interstitial``.
    impurity
        Element, or ``vacancy``.
    centre
        Fractional position in the cell of the defect.
    multiplicity
        Equivalent sites in the primitive cell of the host; 0 if it is not known.
    """

    site: str
    impurity: str
    centre: tuple[float, ...]
    multiplicity: int = 0


def identify(row: Mapping[str, Any], bulk: Mapping[str, Any], host: str) -> Found:
    """Which impurity sits on which site.

    Raises
    ------
    EngineError
        ``unknown_defect`` if it is no single substitution, vacancy or interstitial.
    """
    own, pure = structure(row), repeated(bulk, row)
    pairs = _assigned(own, pure)
    extra = [i for i in range(len(own)) if i not in pairs]
    swapped = [i for i, j in pairs.items() if own[i].specie != pure[j].specie]
    empty = sorted(set(range(len(pure))) - set(pairs.values()))
    if len(swapped) + max(len(empty), len(extra)) != 1 or (empty and extra):
        raise EngineError(
            "unknown_defect",
            f"{len(swapped)} atoms exchanged, {len(extra)} added, {len(empty)} missing: one change "
            "alone is a point defect",
        )
    if extra:
        where = own[extra[0]].frac_coords
        name = _hollow(where, pure, host)
        count = multiplicity(where, structure(bulk), pure)
        return Found(name, own[extra[0]].specie.symbol, tuple(map(float, where)), count)
    gone = pairs[swapped[0]] if swapped else empty[0]
    name = own[swapped[0]].specie.symbol if swapped else "vacancy"
    centre = pure[gone].frac_coords
    count = multiplicity(centre, structure(bulk), pure)
    return Found(_lattice_site(gone, pure, host), name, tuple(map(float, centre)), count)


def _assigned(own: Structure, pure: Structure) -> dict[int, int]:
    """Site of the host of each atom, one to one, the shortest ways in sum; atoms without one lack.

    Atoms that relaxed by more than 0.9 Å count as still there where their own site is the nearest
    of its element and no more than 2.2 Å away.
    """
    from scipy.optimize import linear_sum_assignment

    gaps = own.lattice.get_all_distances(own.frac_coords, pure.frac_coords)
    other = np.array([[a.specie != b.specie for b in pure] for a in own])
    rows, columns = linear_sum_assignment(np.minimum(gaps, 10.0) ** 2 + 0.3 * other)
    return {
        int(i): int(j)
        for i, j in zip(rows, columns)
        if gaps[i, j] < (MATCH_A if other[i, j] else FARTHEST_A)
    }


def _binary(host: str) -> tuple[str, str] | None:
    try:
        return sublattices(host)
    except TableError:
        return None


def _lattice_site(index: int, pure: Structure, host: str) -> str:
    two = _binary(host)
    symbol = pure[index].specie.symbol
    if two:
        return "M_A" if symbol == two[0] else "M_B"
    return f"{symbol} {_wyckoff(pure, index)}".strip()


def _wyckoff(pure: Structure, index: int) -> str:
    """Multiplicity and Wyckoff letter of a site in the conventional cell of the host."""
    found = _symmetry(pure)
    if found is None:
        return ""
    same = int((found.equivalent_atoms == found.equivalent_atoms[index]).sum())
    scale = len(found.std_positions) / len(pure)
    return f"{round(same * scale)}{found.wyckoffs[index]}"


def _symmetry(cell: Structure) -> Any:
    import spglib

    numbers = [s.specie.Z for s in cell]
    described: Any = (cell.lattice.matrix, cell.frac_coords, numbers)
    return spglib.get_symmetry_dataset(described, symprec=SYMPREC)


def multiplicity(where: Any, bulk: Structure, pure: Structure) -> int:
    """Positions equivalent to `where` (fractional in `pure`) in the primitive cell of the host.

    0 if the symmetry is not found.
    """
    from pymatgen.core import Lattice

    found = _symmetry(bulk)
    if found is None:
        return 0
    point = bulk.lattice.get_fractional_coords(pure.lattice.get_cartesian_coords(where))
    images = np.mod(found.rotations @ np.asarray(point) + found.translations, 1.0)
    lattice = Lattice(bulk.lattice.matrix)
    apart: list[Floats] = []
    for image in images:
        if not apart or lattice.get_all_distances([image], apart).min() > SAME_POSITION_A:
            apart.append(image)
    pure_translations = sum(
        np.array_equal(r, np.eye(3, dtype=int)) for r in found.rotations
    )  # primitive cells in the cell
    return round(len(apart) / pure_translations)


def _hollow(where: Any, pure: Structure, host: str) -> str:
    two = _binary(host)
    if two is None:
        return "interstitial"
    distance = pure.lattice.get_all_distances([where], pure.frac_coords)[0]
    shell = {
        pure[int(j)].specie.symbol for j in np.flatnonzero(distance < distance.min() + SAME_SHELL_A)
    }
    if len(shell) > 1:
        return "M_i_neut"
    return "M_i_A" if shell == {two[0]} else "M_i_B"
