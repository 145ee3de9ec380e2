"""From a structure to a powder pattern: reflections of pymatgen, texture, profile on a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

Floats = NDArray[np.float64]
CU_K_ALPHA_1 = 1.54056  # Å, the wavelength of pymatgen's "CuKa1"
MIXING = 0.5  # share of the Lorentzian in the pseudo-Voigt profile
REACH = 25  # widths from a reflection to the end of its profile


@dataclass(frozen=True)
class Grid:
    """Points of a pattern, degrees in 2 theta."""

    first: float
    last: float
    step: float

    @property
    def points(self) -> Floats:
        """All points, shape (n,)."""
        count = round((self.last - self.first) / self.step) + 1
        return np.asarray(self.first + self.step * np.arange(count), np.float64)


@dataclass(frozen=True)
class Reflections:
    """Reflections of a powder.

    Attributes
    ----------
    two_theta
        Degrees, shape (n,).
    intensity
        Squared structure factor of a formula unit, with multiplicity and Lorentz-polarisation
        factor, electrons², shape (n,).
    axis_angle
        Between the normal of the planes and the c axis, radians, shape (n,).
    hkl
        Indices of one of the planes, shape (n, 3).
    """

    two_theta: Floats
    intensity: Floats
    axis_angle: Floats
    hkl: NDArray[np.int64]


def reflections(structure: Structure, grid: Grid, units: float) -> Reflections:
    """Reflections of a structure for the radiation Cu K alpha 1.

    Parameters
    ----------
    grid
        Reflections within it and one degree beyond are kept.
    units
        Formula units of the cell.
    """
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    calculator = XRDCalculator(wavelength=CU_K_ALPHA_1, symprec=0)
    ends = (grid.first - 1, grid.last + 1)
    found = calculator.get_pattern(structure, scaled=False, two_theta_range=ends)
    hkl = np.array([families[0]["hkl"] for families in found.hkls], dtype=np.int64)
    reciprocal = structure.lattice.reciprocal_lattice_crystallographic
    normals = reciprocal.get_cartesian_coords(hkl)
    axis = structure.lattice.matrix[2] / np.linalg.norm(structure.lattice.matrix[2])
    cosine = np.abs(normals @ axis) / np.linalg.norm(normals, axis=1)
    angle = np.arccos(np.clip(cosine, 0, 1))
    return Reflections(np.array(found.x), np.array(found.y) / units**2, angle, hkl)


def march_dollase(angle: Floats, r: float) -> Floats:
    """Factor of preferred orientation of plates (r < 1) or needles (r > 1) along an axis.

    W. A. Dollase, J. Appl. Cryst. 19, 267 (1986), equation 7: (r² cos² + sin²/r)^(-3/2); its mean
    over all directions is one.
    """
    return np.asarray((r**2 * np.cos(angle) ** 2 + np.sin(angle) ** 2 / r) ** -1.5)


def profile(found: Reflections, grid: Grid, width: float, march: float = 1.0) -> Floats:
    """Pattern on a grid: a pseudo-Voigt profile of unit area for each reflection.

    Parameters
    ----------
    width
        Full width at half maximum, degrees.
    march
        Coefficient of preferred orientation about c; 1: none.

    Returns
    -------
    Intensity, electrons² per degree, shape (n,).
    """
    points = grid.points
    heights = found.intensity * march_dollase(found.axis_angle, march)
    out = np.zeros(len(points))
    for centre, height in zip(found.two_theta, heights, strict=True):
        near = np.abs(points - centre) <= REACH * width
        out[near] += height * _pseudo_voigt(points[near] - centre, width)
    return out


def _pseudo_voigt(x: Floats, width: float) -> Floats:
    gauss = np.sqrt(4 * np.log(2) / np.pi) / width * np.exp(-4 * np.log(2) * (x / width) ** 2)
    lorentz = 2 / (np.pi * width) / (1 + 4 * (x / width) ** 2)
    return np.asarray((1 - MIXING) * gauss + MIXING * lorentz)
