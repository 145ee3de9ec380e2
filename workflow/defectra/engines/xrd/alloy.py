"""Alloys of the ThMn12 type, Sm(1-y)Zr(y)Fe(12-x)Ti(x): mixed occupancies and ordered supercells.

Space group I4/mmm; the rare earth on 2a (0, 0, 0), the transition metals on 8f (1/4, 1/4, 1/4),
8i (X, 0, 0) and 8j (X, 1/2, 0). Cell and coordinates are those that the Crystallography Open
Database holds under number 1525023, SmFe10Mo2 (K. Ohashi et al., J. Appl. Phys. 64, 5714 (1988)).
Zr replaces Sm; Ti replaces Fe on 8i alone. The cell grows and shrinks with the mean metallic radius
of the atoms (Vegard's law, one factor for both axes; radii of pymatgen's table of elements), which
takes SmFe10Mo2 to a = 8.565 and c = 4.790 Å for SmFe11Ti; coordinates stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError

if TYPE_CHECKING:
    from pymatgen.core import Lattice, Structure

A, C = 8.59, 4.804  # Å, of SmFe10Mo2
X_8I, X_8J = 0.352, 0.278
REFERENCE = {"Sm": 1.0, "Fe": 10.0, "Mo": 2.0}
SITES_8I = 4  # of a formula unit
RARE_EARTH, TITANIUM = "2a", "8i"


@dataclass(frozen=True)
class Contents:
    """Contents of a formula unit: x titanium of 12, y zirconium of 1."""

    x: float
    y: float

    def __post_init__(self) -> None:
        if not (0 <= self.x <= SITES_8I and 0 <= self.y <= 1):
            raise EngineError(
                "bad_input",
                f"contents x = {self.x:g}, y = {self.y:g}: x lies between 0 and {SITES_8I} (sites "
                f"8i), y between 0 and 1",
            )

    def formula(self) -> dict[str, float]:
        """Atoms of a formula unit."""
        return {"Sm": 1 - self.y, "Zr": self.y, "Fe": 12 - self.x, "Ti": self.x}


@cache
def _radius(element: str) -> float:
    from pymatgen.core import Element

    return float(Element(element).metallic_radius)


def _mean_radius(formula: dict[str, float]) -> float:
    return sum(_radius(e) * n for e, n in formula.items()) / sum(formula.values())


def lattice_of(contents: Contents) -> Lattice:
    """Conventional tetragonal cell, Å."""
    from pymatgen.core import Lattice

    scale = _mean_radius(contents.formula()) / _mean_radius(REFERENCE)
    return Lattice.tetragonal(A * scale, C * scale)


def positions() -> list[tuple[str, NDArray[np.float64]]]:
    """Wyckoff letter and fractional coordinates of the 26 sites of the conventional cell."""
    quarter, rest = 1 / 4, 3 / 4
    half: dict[str, list[tuple[float, float, float]]] = {
        "2a": [(0, 0, 0)],
        "8f": [(i, j, quarter) for i in (quarter, rest) for j in (quarter, rest)],
        "8i": [(X_8I, 0, 0), (-X_8I, 0, 0), (0, X_8I, 0), (0, -X_8I, 0)],
        "8j": [(X_8J, 1 / 2, 0), (-X_8J, 1 / 2, 0), (1 / 2, X_8J, 0), (1 / 2, -X_8J, 0)],
    }
    centred = ((0, 0, 0), (1 / 2, 1 / 2, 1 / 2))
    return [
        (site, np.mod(np.add(point, shift), 1.0))
        for site, points in half.items()
        for point in points
        for shift in centred
    ]


def mixed(contents: Contents) -> Structure:
    """Conventional cell whose sites are occupied in part: 26 sites."""
    from pymatgen.core import Structure

    share = contents.x / SITES_8I
    occupied = {
        "2a": {"Sm": 1 - contents.y, "Zr": contents.y},
        "8i": {"Fe": 1 - share, "Ti": share},
        "8f": {"Fe": 1.0},
        "8j": {"Fe": 1.0},
    }
    sites = positions()
    species = [{e: n for e, n in occupied[site].items() if n > 0} for site, _ in sites]
    return Structure(lattice_of(contents), species, [point for _, point in sites])


def ordered(contents: Contents, cells: tuple[int, int, int], rng: np.random.Generator) -> Structure:
    """Supercell in which Zr and Ti sit on sites drawn at random, whole atoms.

    Raises
    ------
    EngineError
        ``not_whole``: the supercell has no whole number of atoms of these contents.
    """
    from pymatgen.core import Structure

    sites = positions()
    structure = Structure(
        lattice_of(contents),
        ["Sm" if site == RARE_EARTH else "Fe" for site, _ in sites],
        [point for _, point in sites],
        site_properties={"wyckoff": [site for site, _ in sites]},
    )
    structure.make_supercell(list(cells))
    letters = np.array(structure.site_properties["wyckoff"])
    units = int(np.sum(letters == RARE_EARTH))
    for element, letter, content in (("Zr", RARE_EARTH, contents.y), ("Ti", TITANIUM, contents.x)):
        count = content * units
        if abs(count - round(count)) > 1e-6:
            raise EngineError(
                "not_whole",
                f"{count:g} atoms of {element} in a supercell of {units} formula units: choose "
                f"contents that are multiples of 1/{units}",
            )
        for index in rng.choice(np.flatnonzero(letters == letter), round(count), replace=False):
            structure.replace(int(index), element, properties={"wyckoff": letter})
    return structure
