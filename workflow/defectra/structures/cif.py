"""CIF files: sites by the file's own operations or those of its space group, all checked.

A crystal that comes out agrees with the formula, the multiplicities and the formula units that
the file tells; where two settings of a group agree with all of them, the file is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError
from defectra.structures import space_groups
from defectra.structures.cif_sites import COORDINATE, Site, formula_of, lattice_of, sites_of
from defectra.structures.cif_syntax import Block, parse
from defectra.structures.space_groups import Setting

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
    "_space_group_name_h-m_ref", "_space_group_name_h-m_full", "_space_group.name_h-m_alt",
)  # fmt: skip
_HALL = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
_NUMBER = (
    "_space_group_it_number", "_symmetry_int_tables_number", "_space_group.it_number",
)  # fmt: skip
_UNITS = "_cell_formula_units_z"
SAME = 0.25  # Å; images of one site that are nearer are one atom on a special position
SHARED = 0.05  # Å; partly occupied sites that are nearer share one site
APART = 0.7  # Å; a setting that brings two atoms nearer is not meant
ROUNDED = 0.03  # relative; of amounts with partial occupancies or a formula with decimals


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
        If the file is damaged, or tells no single crystal.
    """
    chosen = _chosen(parse(text), block)
    lattice = lattice_of(chosen)
    sites = sites_of(chosen)
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
    """Atoms of the cell in the one setting that agrees with all that the file tells."""
    own = _operations(block)
    settings = [own] if own else _settings(block, lattice.matrix)
    kept: list[Expanded] = []
    wrong: list[str] = []
    for found in settings:
        try:
            atoms = _atoms(sites, found, lattice)
            _check(block, sites, atoms, strict=own is None or len(own.rotations) == 1)
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


def _operations(block: Block) -> Setting | None:
    """Operations that the file lists; None without a list.

    Raises
    ------
    StructureError
        If they are no group (a cut list), or another one than the symbol says.
    """
    loop = block.loop(*_OPERATIONS)
    if loop is None:
        if any("symop_magn" in name for b in block.loops for name in b.names):
            raise StructureError(
                f"block {block.name}: a magnetic CIF; write the nuclear cell without magnetic "
                "operations"
            )
        return None
    column = loop.column(*_OPERATIONS)
    assert column is not None
    listed = []
    for row in loop.rows:
        try:
            listed.append(space_groups.operation(row[column].text))
        except StructureError as error:
            raise StructureError(f"line {row[column].line}: {error}") from None
    listed = list({space_groups.key(r, t): (r, t) for r, t in listed}.values())
    rotations, shifts = np.array([r for r, _ in listed]), np.array([t for _, t in listed])
    if not space_groups.is_group(rotations, shifts):
        raise StructureError(
            f"line {loop.line}: the {len(listed)} operations are no group: the list is cut off, or "
            "one is wrong"
        )
    try:
        named = _named(block)
    except StructureError:  # the operations say it; a symbol that nobody knows does not matter
        named = []
    if named and all(len(s.rotations) != len(listed) for s in named):
        raise StructureError(
            f"block {block.name}: {len(listed)} operation(s) are listed, {named[0].name} has "
            f"{len(named[0].rotations)}: correct the list or the symbol (P 1 for all atoms)"
        )
    return Setting(0, 0, "the listed operations", "", rotations, shifts)


def _named(block: Block) -> list[Setting]:
    """Settings that symbol, Hall symbol and number of the block allow together."""
    symbol, hall, number_ = block.text(*_SYMBOL), block.text(*_HALL), block.text(*_NUMBER)
    named: list[tuple[str, list[Setting]]] = []
    if hall and (by_hall := space_groups.by_hall(hall.text)):
        named.append((hall.text, by_hall))
    if symbol:
        named.append((symbol.text, space_groups.by_symbol(symbol.text)))
    if number_ and number_.text.isdecimal():
        own = space_groups.by_number(int(number_.text))
        if named:
            own = [s for _, group in named for s in group if s.number == own[0].number]
        named.append((f"number {number_.text}", own))
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
    return [space_groups.setting(h) for h in sorted(common)]


def _settings(block: Block, matrix: Floats) -> list[Setting]:
    named = _named(block)
    if not named:
        if not formula_of(block):
            raise StructureError(
                f"block {block.name}: neither operations nor a space group nor a formula: nothing "
                "tells whether all atoms are listed; add _symmetry_space_group_name_H-M ('P 1')"
            )
        return [space_groups.setting(1)]
    fitting = [s for s in named if space_groups.fits_cell(s, matrix)]
    if not fitting:
        raise StructureError(f"block {block.name}: the cell does not fit {named[0].name}")
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
    distance = _distances(coords, lattice)
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


def _distances(coords: Floats, lattice: Any) -> Floats:
    out = np.empty((len(coords), len(coords)))
    for i, own in enumerate(coords):
        delta = coords - own
        out[i] = np.linalg.norm((delta - np.round(delta)) @ lattice.matrix, axis=1)
    return out


def _check(block: Block, sites: list[Site], atoms: Expanded, *, strict: bool) -> None:
    """Amounts against the formula, and their number against the formula units."""
    have: dict[str, float] = {}
    for k in atoms.listed:
        have[sites[k].element] = have.get(sites[k].element, 0.0) + sites[k].occupancy
    wanted = formula_of(block)
    if not wanted:
        return
    exact = _whole(wanted) and all(s.occupancy == 1 for s in sites)
    ratios = [have.get(e, 0.0) / wanted.get(e, 1e-9) for e in {*have, *wanted}]
    if max(ratios) > (1 + (1e-6 if exact else ROUNDED)) * min(ratios):
        raise StructureError(
            f"the sites make {_shown(have)}, the formula is {_shown(wanted)}: sites are "
            "missing or the symmetry is another; add them or correct _chemical_formula_sum"
        )
    total, sum_ = sum(have.values()), sum(wanted.values())
    units = block.text(_UNITS)
    if units is None or not units.text.isdecimal() or not int(units.text):
        return
    whole = sum_ / math.gcd(*(round(v) for v in wanted.values())) if _whole(wanted) else sum_
    allowed = (int(units.text) * sum_, int(units.text) * whole)
    if strict and all(abs(total - n) > 0.02 * n for n in allowed):
        raise StructureError(
            f"{total:g} atoms come out, {units.text} formula units of {_shown(wanted)} are stated: "
            "the symmetry or _cell_formula_units_Z is wrong"
        )


def _whole(formula: dict[str, float]) -> bool:
    return all(abs(v - round(v)) < 1e-6 and round(v) > 0 for v in formula.values())


def _shown(amounts: Any) -> str:
    return " ".join(f"{e}{n:.4g}" for e, n in sorted(amounts.items()))


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
    distance = _distances(atoms.coords, lattice)
    done: set[int] = set()
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
    return Structure(
        lattice,
        species,
        np.array(coords),
        site_properties={"listed": numbers},
        properties={"block": block.name, "setting": atoms.setting},
    )
