"""CIF files: sites by the file's own operations or those of its space group, all checked.

A crystal that comes out agrees with the formula, the multiplicities and the formula units that
the file states; where two settings of a group agree with all of them, the file is refused.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError, StructureWarning
from defectra.structures import periodic, space_groups
from defectra.structures.cif_claims import (
    check_atoms,
    check_cell,
    check_repeated,
    refuse_other_kinds,
)
from defectra.structures.cif_formula import formula_of
from defectra.structures.cif_sites import COORDINATE, Site, lattice_of, sites_of
from defectra.structures.cif_syntax import Block, Loop, parse
from defectra.structures.space_groups import Setting, UnknownSymbolError
from defectra.structures.wyckoff import check_letters

if TYPE_CHECKING:
    from pymatgen.core import Structure

Floats = NDArray[np.float64]
_OPERATIONS = (
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    "_space_group_symop.operation_xyz",
)
_SYMBOL = (
    "_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_full", "_space_group.name_h-m_alt", "_space_group_name_h-m_ref",
)  # fmt: skip
_REFERENCE = ("_space_group_name_h-m_ref",)  # of the group, in a setting that may be another
_HALL = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
_CODE = (
    "_space_group_it_coordinate_system_code", "_space_group.it_coordinate_system_code",
)  # fmt: skip
_NUMBER = (
    "_space_group_it_number", "_symmetry_int_tables_number", "_space_group.it_number",
)  # fmt: skip
SAME = 0.25  # Å; images of one site that are nearer are one atom on a special position
SHARED = 0.05  # Å; partly occupied sites that are nearer share one site
EMPTY = 0.5  # a crystal has a position that is occupied by more
APART = 0.7  # Å; a setting that brings two atoms nearer is not meant


@dataclass(frozen=True)
class Expanded:
    """All atoms of a cell: coordinates (n, 3) and the listed site that each comes from."""

    coords: Floats
    listed: NDArray[np.int64]
    setting: str


def read_cif(text: str, block: str | None = None) -> Structure:
    """Crystal of a CIF.

    Site property ``listed`` is the number of the listed site, from 0; `properties` of the
    structure tell block and setting.

    Parameters
    ----------
    block
        Name of the data block, where there are several crystals.

    Raises
    ------
    StructureError
        If the file is damaged, or gives no single crystal.
    """
    chosen = _chosen(parse(text), block)
    refuse_other_kinds(chosen)
    lattice = lattice_of(chosen)
    check_cell(chosen, lattice)
    sites = sites_of(chosen)
    check_repeated(chosen, sites, lattice)
    found = _expand(chosen, sites, lattice)
    return _structure(chosen, sites, found, lattice)


def _chosen(blocks: list[Block], name: str | None) -> Block:
    with_sites = [b for b in blocks if b.loop(*COORDINATE) is not None]
    if name is not None:
        with_sites = [b for b in with_sites if b.name == name]
        if not with_sites:
            raise StructureError(f"no block {name!r} with sites; there are {_names(blocks)}")
    if not with_sites:
        raise StructureError(
            f"no block with _atom_site_fract_x (blocks: {_names(blocks) or 'none'}); "
            "fractional coordinates are needed"
        )
    if len(with_sites) > 1:
        raise StructureError(
            f"{len(with_sites)} crystals in one file (blocks {_names(with_sites)}); keep one of "
            "them, or name it (key `block` of a request)"
        )
    return with_sites[0]


def _names(blocks: list[Block]) -> str:
    return ", ".join(b.name for b in blocks)


def _expand(block: Block, sites: list[Site], lattice: Any) -> Expanded:
    """Atoms of the cell in the one setting that agrees with all that the file states."""
    own = _operations(block, lattice.matrix)
    named = _named_or_none(block) if own else _named(block)
    settings = [own] if own else _settings(block, named, lattice.matrix)
    kept: list[Expanded] = []
    wrong: list[str] = []
    for found in settings:
        try:
            atoms = _atoms(sites, found, lattice)
            sure = check_atoms(
                block,
                sites,
                atoms.listed.tolist(),
                lattice.volume,
                named=bool(own and named and len(own.rotations) > 1),
            )
            _check_sure(block, own, bool(named), sure=sure)
            _check_letters(sites, atoms, found, lattice.matrix)
        except StructureError as error:
            wrong.append(f"{found.name}: {error}")
            continue
        if not any(_same(atoms, sites, other) for other in kept):
            kept.append(atoms)
    if not kept:
        raise StructureError(f"block {block.name}: {'; '.join(wrong)[:400]}")
    if len(kept) > 1:
        names = ", ".join(k.setting for k in kept)
        raise StructureError(
            f"block {block.name}: the space group can be meant as {names}, which are different "
            "crystals; list the operations (_space_group_symop_operation_xyz) or add the setting "
            "to the symbol, e.g. 'F d -3 m:2'"
        )
    return kept[0]


def _check_letters(sites: list[Site], atoms: Expanded, found: Setting, matrix: Floats) -> None:
    lettered = [k for k, s in enumerate(sites) if s.letter and k in atoms.listed]
    if lettered:
        at = np.array([atoms.coords[atoms.listed == k][0] for k in lettered])
        letters = [sites[k].letter or "" for k in lettered]
        check_letters([sites[k].label for k in lettered], letters, at, found, matrix)


def _check_sure(block: Block, own: Setting | None, named: bool, *, sure: bool) -> None:
    """Refuse atoms whose completeness nothing says; say so where operations alone tell it."""
    if named or sure:
        return
    if own is None:
        raise StructureError(
            "neither operations nor a space group are given, and nothing says whether all atoms "
            "of the cell are listed; add _symmetry_space_group_name_H-M ('P 1') or "
            "_cell_formula_units_Z"
        )
    if formula_of(block) is None:
        warnings.warn(
            f"block {block.name}: no space group symbol, formula or density confirms the "
            f"{len(own.rotations)} listed operation(s)",
            StructureWarning,
            stacklevel=2,
        )


def _operations(block: Block, matrix: Floats) -> Setting | None:
    """Operations that the file lists; None without a list.

    Raises
    ------
    StructureError
        If they are no group (a cut list), two lists differ, or the symbol is of another group.
    """
    lists = [(n, lp) for n in _OPERATIONS if (lp := block.loop(n)) is not None]
    if not lists:
        return None
    (_, loop), found = lists[0], [_parsed(lp, name) for name, lp in lists]
    if any(set(x) != set(found[0]) for x in found[1:]):
        raise StructureError(
            f"block {block.name}: {' and '.join(n for n, _ in lists)} list different operations; "
            "take one of the lists out"
        )
    listed = list(found[0].values())
    rotations, shifts = np.array([r for r, _ in listed]), np.array([t for _, t in listed])
    if not space_groups.is_group(rotations, shifts):
        raise StructureError(
            f"line {loop.line}: the {len(listed)} operations are no group: the list is cut off, or "
            "one is wrong"
        )
    _check_group(block, rotations, shifts, matrix)
    return Setting(0, 0, "the listed operations", "", rotations, shifts)


def _parsed(loop: Loop, name: str) -> dict[tuple[int, ...], tuple[Any, Any]]:
    column = loop.column(name)
    assert column is not None
    out = {}
    for row in loop.rows:
        try:
            rotation, shift = space_groups.operation(row[column].text)
        except StructureError as error:
            raise StructureError(f"line {row[column].line}: {error}") from None
        out[space_groups.key(rotation, shift)] = (rotation, shift)
    return out


def _check_group(block: Block, rotations: Any, shifts: Any, matrix: Floats) -> None:
    """Refuse listed operations of another order or group than the one that is named."""
    named = _named_or_none(block)
    if not named:
        return
    if all(len(s.rotations) != len(rotations) for s in named):
        raise StructureError(
            f"block {block.name}: {len(rotations)} operation(s) are listed, {named[0].name} has "
            f"{len(named[0].rotations)}: correct the list or the symbol (P 1 for all atoms)"
        )
    number = space_groups.number_of(rotations, shifts, matrix)
    if number and all(s.number != number for s in named):
        raise StructureError(
            f"block {block.name}: the operations that are listed are of space group {number}, "
            f"{named[0].name} is {named[0].number}: correct the list or the symbol"
        )


def _named_or_none(block: Block) -> list[Setting]:
    """As below, but a symbol that nobody knows does not matter: the operations say it."""
    try:
        return _named(block)
    except UnknownSymbolError:
        return []


def _named(block: Block) -> list[Setting]:
    """Settings that all symbols, Hall symbols and numbers of the block allow together."""
    halls = [hall.text for name in _HALL if (hall := block.text(name)) is not None]
    named = [(text, found) for text in halls if (found := space_groups.by_hall(text))]
    for name in _SYMBOL:
        symbol = block.text(name)
        if symbol and not (named and name in _REFERENCE):
            named.append((symbol.text, space_groups.by_symbol(symbol.text)))
    for name in _NUMBER:
        given = block.text(name)
        if given and given.text.isdecimal():
            own = space_groups.by_number(int(given.text))
            if named:
                own = [s for _, group in named for s in group if s.number == own[0].number]
            named.append((f"number {given.text}", own))
    if not named:
        return []
    common = {s.hall for s in named[0][1]}
    for _, group in named[1:]:
        common &= {s.hall for s in group}
    if not common:
        raise StructureError(
            f"block {block.name}: {' and '.join(name for name, _ in named)} are different space "
            "groups or settings; correct one of them"
        )
    both = [space_groups.setting(h) for h in sorted(common)]
    code = block.text(*_CODE)
    meant = [s for s in both if code and s.choice.lower() == code.text.strip().lower()]
    return meant or both


def _settings(block: Block, named: list[Setting], matrix: Floats) -> list[Setting]:
    if not named:
        return [space_groups.setting(1)]
    fitting = [s for s in named if space_groups.fits_cell(s, matrix)]
    if not fitting:
        raise StructureError(f"block {block.name}: the cell does not fit {named[0].name}")
    if block.text(*_SYMBOL, *_HALL) is None and space_groups.has_other_settings(fitting[0], matrix):
        warnings.warn(
            f"block {block.name}: space group number {fitting[0].number} alone: the standard "
            f"setting {fitting[0].name} is taken, others fit the cell as well",
            StructureWarning,
            stacklevel=2,
        )
    return fitting


def _atoms(sites: list[Site], found: Setting, lattice: Any) -> Expanded:
    coords: list[Floats] = []
    listed: list[int] = []
    for k, site in enumerate(sites):
        images = (site.coords @ found.rotations.transpose(0, 2, 1) + found.translations) % 1.0
        for atom in _distinct(images, site, lattice):
            coords.append(atom)
            listed.append(k)
    return _without_copies(np.array(coords), np.array(listed), sites, lattice, found.name)


def _distinct(images: Floats, site: Site, lattice: Any) -> list[Floats]:
    """Images of one site, those that fall together moved to their mean."""
    left = list(range(len(images)))
    groups: list[tuple[int, Floats]] = []
    while left:
        delta = images[left] - images[left[0]]
        delta -= np.round(delta)
        near = np.linalg.norm(delta @ lattice.matrix, axis=1) < SAME
        groups.append((int(near.sum()), (images[left[0]] + delta[near].mean(axis=0)) % 1.0))
        left = [k for k, n in zip(left, near) if not n]
    if len({size for size, _ in groups}) > 1:
        raise StructureError(
            f"line {site.line}: site {site.label} is near a special position, but not on it"
        )
    order = len(images) // len(groups)  # SHELX writes the order of the site symmetry instead
    if site.multiplicity is not None and site.multiplicity not in (len(groups), order):
        raise StructureError(
            f"line {site.line}: site {site.label} gets {len(groups)} atoms, its multiplicity is "
            f"given as {site.multiplicity}"
        )
    return [mean for _, mean in groups]


def _without_copies(
    coords: Floats, listed: NDArray[np.int64], sites: list[Site], lattice: Any, name: str
) -> Expanded:
    """The atoms, a full site that is listed twice (by its images) once."""
    distance = periodic.distances(lattice.matrix, coords, coords)
    drop = np.zeros(len(coords), dtype=bool)
    for i, j in np.argwhere(np.triu(distance < APART, 1)):
        one, two = sites[listed[i]], sites[listed[j]]
        shared = one.occupancy + two.occupancy <= 1.001
        copy = one.element == two.element and distance[i, j] < 0.02
        if shared or (copy and one.occupancy == two.occupancy and listed[i] != listed[j]):
            drop[j] |= not shared
            continue
        what = f"line {two.line}: {one.label} and {two.label} are {distance[i, j]:.3f} Å apart"
        if distance[i, j] < SHARED:
            what += f", their occupancies sum to {one.occupancy + two.occupancy:g}"
        raise StructureError(what)
    return Expanded(coords[~drop], listed[~drop], name)


def _same(one: Expanded, sites: list[Site], two: Expanded) -> bool:
    """Whether two settings give the same atoms at the same positions."""

    def rows(atoms: Expanded) -> list[tuple[Any, ...]]:
        steps = np.round((atoms.coords % 1.0) * 1000).astype(int) % 1000
        return sorted(
            (sites[k].element, *(int(v) for v in row)) for k, row in zip(atoms.listed, steps)
        )

    return rows(one) == rows(two)


def _structure(block: Block, sites: list[Site], atoms: Expanded, lattice: Any) -> Structure:
    from pymatgen.core import Structure

    species: list[Any] = []
    coords: list[Floats] = []
    numbers: list[int] = []
    distance = periodic.distances(lattice.matrix, atoms.coords, atoms.coords)
    done: set[int] = set()
    fullest = 0.0
    for i, k in enumerate(atoms.listed):
        if i in done:
            continue
        together = [int(j) for j in np.flatnonzero(distance[i] < SHARED) if j not in done]
        done.update(together)
        amounts: dict[str, float] = {}
        for j in together:
            own = sites[atoms.listed[j]]
            amounts[own.element] = amounts.get(own.element, 0.0) + own.occupancy
        full = len(amounts) == 1 and abs(sum(amounts.values()) - 1) < 2e-3
        species.append(next(iter(amounts)) if full else amounts)
        coords.append(atoms.coords[i])
        numbers.append(int(k))
        fullest = max(fullest, sum(amounts.values()))
    if fullest < EMPTY:
        raise StructureError(
            f"block {block.name}: no position is occupied by more than {fullest:.3g}: these are no "
            "occupancies (FullProf divides them by the order of the group)"
        )
    return Structure(
        lattice,
        species,
        np.array(coords),
        site_properties={"listed": numbers},
        properties={"block": block.name, "setting": atoms.setting},
    )
