"""Cells that benchmarks compute: reference crystals with the source of their lattice; NMC622."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from defectra.core.errors import DefectraError
from defectra.core.records import GEOMETRIES
from defectra.core.store import Archive
from defectra.structures.geometry import as_row

# name: (space group, a, b, c in Å, angles, sites). Sources:
# LiCoO2 Akimoto et al., J. Solid State Chem. 141, 298 (1998); NiO Sasaki et al., Proc. Jpn Acad.
# 55, 43 (1979); MnO2 (pyrolusite) Bolzan et al., Aust. J. Chem. 46, 939 (1993);
# Li2O Farley et al., J. Phys.: Condens. Matter 3, 4761 (1991).
CRYSTALS: dict[str, tuple[str, tuple[float, ...], Sequence[str], Sequence[Sequence[float]]]] = {
    "LiCoO2": (
        "R-3m",
        (2.8161, 2.8161, 14.0536, 90, 90, 120),
        ("Li", "Co", "O"),
        ((0, 0, 0.5), (0, 0, 0), (0, 0, 0.2606)),
    ),
    "NiO": ("Fm-3m", (4.178, 4.178, 4.178, 90, 90, 90), ("Ni", "O"), ((0, 0, 0), (0.5, 0.5, 0.5))),
    "MnO2": (
        "P4_2/mnm",
        (4.4041, 4.4041, 2.8765, 90, 90, 90),
        ("Mn", "O"),
        ((0, 0, 0), (0.3046, 0.3046, 0)),
    ),
    "Li2O": (
        "Fm-3m",
        (4.619, 4.619, 4.619, 90, 90, 90),
        ("Li", "O"),
        ((0.25, 0.25, 0.25), (0, 0, 0)),
    ),
}


def crystal(name: str) -> dict[str, Any]:
    """Geometries row of the primitive cell of a reference crystal."""
    from pymatgen.core import Lattice, Structure

    group, constants, species, coords = CRYSTALS[name]
    whole = Structure.from_spacegroup(group, Lattice.from_parameters(*constants), species, coords)
    cell = whole.get_primitive_structure()
    elements = [site.specie.symbol for site in cell]
    row = {
        "structure_id": name,
        "species": elements,
        "site_labels": [f"{e}{k:02d}" for k, e in enumerate(elements)],
    }
    return as_row(row, "reference", cell.lattice.matrix, np.array(cell.frac_coords))


def case(name: str) -> tuple[dict[str, Any], int]:
    """Geometry and absorber: ``LiCoO2:O``, or ``NMC622:Ni`` of the archive."""
    which, element = name.split(":")
    row = full_nmc622()[0] if which == "NMC622" else crystal(which)
    return row, row["species"].index(element)


def full_nmc622() -> list[dict[str, Any]]:
    """Relaxed NMC622 of the archive at full lithiation, by identity.

    Raises
    ------
    DefectraError
        If there is none.
    """
    rows = Archive("resources/archive").read(GEOMETRIES)
    wanted = (r for r in rows if _formula(r) == {"Li": 10, "Ni": 6, "Mn": 2, "Co": 2, "O": 20})
    found = sorted(wanted, key=lambda r: str(r["structure_id"]))
    if not found:
        raise DefectraError("the archive holds no relaxed NMC622 at full lithiation")
    return found


def _formula(row: dict[str, Any]) -> dict[str, int]:
    return {e: row["species"].count(e) for e in dict.fromkeys(row["species"])}
