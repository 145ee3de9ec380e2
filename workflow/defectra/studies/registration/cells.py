"""Bicrystals of study `registration`: two that we build, and those of published POSCARs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from defectra.core.errors import DataError, DefectraError
from defectra.engines.stem_points.columns import Columns, bicrystal, project

CDTE = 6.48  # A, lattice constant (Madelung, Semiconductors: Data Handbook, 3rd edition)
CADMIUM_TELLURIUM = (48, 52)
TWIN, TILT = "twin", "tilt"
CELLS = (TWIN, TILT)


def own_cell(name: str, height: float = 32.0) -> Columns:
    """A coincidence-site boundary of CdTe along [110].

    `twin` is the sigma 3 {111} boundary, `tilt` the symmetric sigma 9 {114} boundary (38.94 degrees
    about [110]); both repeat along the interface without strain.
    """
    if name == TWIN:
        angle, period = np.degrees(np.arccos(1 / np.sqrt(3))), CDTE * np.sqrt(3 / 8)
    elif name == TILT:
        angle, period = np.degrees(np.arccos(4 / np.sqrt(18))), 3 * CDTE
    else:
        raise DataError(f"no bicrystal {name!r}; there are: {', '.join(CELLS)}")
    return bicrystal(CDTE, CADMIUM_TELLURIUM, (angle, -angle), float(period), height, 0.6)


def cell_of_file(path: str | Path) -> Columns:
    """Columns of a structure file: beam along its first axis, interface in the middle of the third.

    Raises
    ------
    DataError
        If it cannot be read, its axes are not perpendicular, or a site is shared.
    """
    from defectra.structures.io import read_structure

    try:
        structure = read_structure(path)
    except DefectraError as error:
        raise DataError(f"{path}: {error}") from None
    if not structure.is_ordered:
        raise DataError(f"{path}: sites with partial occupancies; put one atom on each of them")
    lattice = structure.lattice
    if max(abs(angle - 90.0) for angle in lattice.angles) > 0.5:
        raise DataError(
            f"{path}: a bicrystal has perpendicular axes, the beam along the first and the "
            f"interface normal along the third; here the angles are "
            f"{', '.join(f'{angle:.1f}' for angle in lattice.angles)} degrees"
        )
    lengths = np.array(lattice.abc)
    positions = (structure.frac_coords % 1.0) * lengths
    numbers = np.array([site.specie.Z for site in structure])
    return project(positions, numbers, float(lengths[1]), float(lengths[2]) / 2)


@dataclass(frozen=True)
class Published:
    """A registration of the authors.

    Attributes
    ----------
    name
        ``tilt`` or ``twin``.
    image, cell, progress, picture
        Files below the mirror; the picture shows the authors' best frame.
    shape
        Rows and columns of their best frame.
    """

    name: str
    image: str
    cell: str
    progress: str
    picture: str
    shape: tuple[int, int]

    @property
    def files(self) -> tuple[str, ...]:
        """Files, as registered in the mirror."""
        return self.image, self.cell, self.progress, self.picture


_FOLDER = "imaging/ingrained/CdTe_110_CdTe_110_"


def published() -> Iterator[Published]:
    """The two CdTe images."""
    for name, image, shape in ((TILT, "HAADF149", (301, 159)), (TWIN, "HAADF26", (195, 153))):
        folder = f"{_FOLDER}{name}"
        names = (f"{image}.dm3", "bicrystal.POSCAR.vasp", "progress.txt", "ingrained-best.png")
        first, cell, progress, picture = (f"{folder}/{file}" for file in names)
        yield Published(name, first, cell, progress, picture, shape)
