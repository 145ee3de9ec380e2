"""What a block of a CIF claims of its crystal, against what its sites and operations make.

Formula, formula units, volume and density are each an independent witness: a lost site, a cut
list of operations or a wrong cell contradicts at least one of them.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from defectra.core.errors import StructureError, StructureWarning
from defectra.structures.cif_formula import ISOTOPES, Formula, formula_of
from defectra.structures.cif_sites import Site, number
from defectra.structures.cif_syntax import Block

_UNITS = "_cell_formula_units_z"
_VOLUME = ("_cell_volume", "_cell.volume")
_DENSITY = ("_exptl_crystal_density_diffrn", "_exptl_crystal.density_diffrn")
_WEIGHT = ("_chemical_formula_weight", "_chemical_formula.weight")
ROUNDED = 0.03  # relative; of amounts with partial occupancies or a formula with decimals
VOLUME_OFF, DENSITY_OFF = 0.01, 0.05  # relative
CARTESIAN_OFF = 0.1  # Å
GRAMS = 1.66053907  # g/cm³ of one atomic mass unit in 1 Å³


def refuse_other_kinds(block: Block) -> None:
    """Refuse magnetic operations and modulated crystals.

    Raises
    ------
    StructureError
        Naming what the block is, and what to write instead.
    """
    names = [*block.items, *(n for loop in block.loops for n in loop.names)]
    if any("symop_magn" in n or "symop.magn" in n or "space_group_magn" in n for n in names):
        raise StructureError(
            f"block {block.name}: a magnetic CIF; write the nuclear cell without magnetic "
            "operations"
        )
    dimension = block.text("_cell_modulation_dimension")
    modulated = dimension is not None and dimension.text.strip() != "0"
    if modulated or any("_ssg_" in n or "_fourier_" in n or "wave_vector" in n for n in names):
        raise StructureError(
            f"block {block.name}: a modulated crystal; its sites are those of an average that "
            "does not exist: write an approximant cell"
        )


_LABELS = (
    "_atom_site_aniso_label", "_geom_bond_atom_site_label_1", "_geom_bond_atom_site_label_2",
)  # fmt: skip


def check_repeated(block: Block, sites: list[Site], lattice: Any) -> None:
    """Compare what other tables and columns repeat: labels, Cartesian coordinates.

    Raises
    ------
    StructureError
        As :func:`check_labels` and :func:`check_cartesian`.
    """
    check_labels(block, sites)
    check_cartesian(block, lattice)


def check_labels(block: Block, sites: list[Site]) -> None:
    """Compare the labels of other tables (displacements, bonds) with those of the sites.

    Raises
    ------
    StructureError
        If a table speaks of a site that is not listed: it was lost.
    """
    known = {s.label for s in sites}
    for name in _LABELS:
        loop = block.loop(name)
        column = loop.column(name) if loop else None
        if loop is None or column is None:
            continue
        for row in loop.rows:
            if row[column].known and row[column].text not in known:
                raise StructureError(
                    f"line {row[column].line}: {name} {row[column].text} is no listed site: add "
                    "it to the sites, or take it out here"
                )


def check_cartesian(block: Block, lattice: Any) -> None:
    """Compare fractional coordinates with Cartesian ones that stand beside them.

    Distances from the origin are compared, since the axes may be turned.

    Raises
    ------
    StructureError
        If they differ by more than :data:`CARTESIAN_OFF`.
    """
    loop = block.loop("_atom_site_cartn_x")
    names = [f"_atom_site_{kind}_{x}" for kind in ("fract", "cartn") for x in "xyz"]
    columns = [loop.column(n) for n in names] if loop else [None]
    if loop is None or None in columns or block.text("_atom_sites_cartn_tran_vector_1"):
        return
    for row in loop.rows:
        cells = [row[c] for c in columns if c is not None]
        if not all(c.known for c in cells):
            continue
        values = [number(c, "coordinate") for c in cells]
        ours = math.dist(lattice.get_cartesian_coords(values[:3]), (0, 0, 0))
        if abs(ours - math.hypot(*values[3:])) > CARTESIAN_OFF:
            raise StructureError(
                f"line {row[0].line}: the fractions lie {ours:.3f} Å from the origin, the "
                f"Cartesian coordinates beside them {math.hypot(*values[3:]):.3f} Å: one is wrong"
            )


def check_cell(block: Block, lattice: Any) -> None:
    """Compare the cell with the volume that is stated.

    Raises
    ------
    StructureError
        If they differ by more than a hundredth.
    """
    given = block.text(*_VOLUME)
    if given is None:
        return
    stated = number(given, _VOLUME[0])
    if abs(lattice.volume - stated) > VOLUME_OFF * stated:
        raise StructureError(
            f"line {given.line}: the cell has {lattice.volume:.4g} Å³, {stated:.4g} Å³ are stated: "
            "a length or an angle is wrong or missing"
        )


def check_atoms(
    block: Block, sites: list[Site], listed: list[int], volume: float, *, named: bool
) -> bool:
    """Compare the atoms of a cell with formula, formula units and density.

    Parameters
    ----------
    listed
        Site of each atom of the cell.
    volume
        Of the cell, Å³.
    named
        The operations are listed, more than one, and the space group that is named has as many.

    Returns
    -------
    bool
        Whether a witness confirms the number of atoms in the cell, not their proportions alone.

    Raises
    ------
    StructureError
        Naming what disagrees.
    """
    from pymatgen.core import Element

    have: dict[str, float] = {}
    mass = 0.0
    for k in listed:
        name = ISOTOPES.get(sites[k].element, sites[k].element)
        have[name] = have.get(name, 0.0) + sites[k].occupancy
        mass += float(Element(sites[k].element).atomic_mass) * sites[k].occupancy
    full = all(s.occupancy == 1 for s in sites)
    formula = formula_of(block)
    sure = formula is not None and _agrees(block, have, formula, full=full, named=named)
    return _check_mass(block, have, mass, volume, formula) or sure


def _agrees(
    block: Block, have: dict[str, float], formula: Formula, *, full: bool, named: bool
) -> bool:
    wanted = formula.amounts
    if formula.free and not full:
        if set(wanted) != set(have):
            raise StructureError(_differ(have, wanted))
        return False
    exact = _whole(wanted) and full
    ratios = [have.get(e, 0.0) / wanted.get(e, 1e-9) for e in {*have, *wanted}]
    if max(ratios) > (1 + (1e-6 if exact else ROUNDED)) * min(ratios):
        raise StructureError(_differ(have, wanted))
    total, amount = sum(have.values()), sum(wanted.values())
    common = math.gcd(*(round(v) for v in wanted.values())) if _whole(wanted) else 1
    units = block.text(_UNITS)
    if units is None or not units.text.isdecimal() or not int(units.text):
        if exact and total < 0.99 * amount:
            raise StructureError(
                f"{total:g} atoms come out, fewer than one formula unit of {shown(wanted)}: the "
                "symmetry or the formula is wrong"
            )
        return common > 1 and abs(total - amount) < 0.01 * amount  # the contents of the cell
    allowed = (int(units.text) * amount, int(units.text) * amount / common)
    fits = any(abs(total - n) <= 0.02 * n for n in allowed)
    if not fits:
        text = (
            f"{total:g} atoms come out, {units.text} formula units of {shown(wanted)} are stated: "
            "the symmetry or _cell_formula_units_Z is wrong"
        )
        if not named:
            raise StructureError(text)
        warnings.warn(f"block {block.name}: {text}", StructureWarning, stacklevel=3)
    return fits


def _differ(have: dict[str, float], wanted: dict[str, float]) -> str:
    return (
        f"the sites make {shown(have)}, the formula is {shown(wanted)}: sites are missing or the "
        "symmetry is another; add them or correct _chemical_formula_sum"
    )


def _check_mass(
    block: Block, have: dict[str, float], mass: float, volume: float, formula: Formula | None
) -> bool:
    """Whether a stated density (or weight of the formula units) confirms the mass of the cell."""
    density, weight, units = block.text(*_DENSITY), block.text(*_WEIGHT), block.text(_UNITS)
    if density is not None:
        stated, what, value = number(density, _DENSITY[0]), "g/cm³", GRAMS * mass / volume
        line = density.line
    elif formula is None and weight is not None and units is not None and units.text.isdecimal():
        stated, what, value = int(units.text) * number(weight, _WEIGHT[0]), "u", mass
        line = weight.line
    else:
        return False
    if stated > 0 and abs(value - stated) > DENSITY_OFF * stated:
        raise StructureError(
            f"line {line}: the atoms of the cell ({shown(have)}) make {value:.4g} {what}, "
            f"{stated:.4g} are stated: sites or operations are missing, or too many"
        )
    return stated > 0


def _whole(formula: dict[str, float]) -> bool:
    return all(abs(v - round(v)) < 1e-6 and round(v) > 0 for v in formula.values())


def shown(amounts: dict[str, float]) -> str:
    """Amounts for people: ``Li3 Co3 O6``."""
    return " ".join(f"{e}{n:.4g}" for e, n in sorted(amounts.items()))
