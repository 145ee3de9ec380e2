"""Geometries: cells with coordinates, their identity, and the Vegard estimate."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Origin, Status
from defectra.structures.composition import counts
from defectra.structures.layered import primitive

if TYPE_CHECKING:
    from pymatgen.core import Structure

# Hexagonal lattice constants a, c (Å) of the fully lithiated layered oxides.
# LiNiO2: Rougier, Gravereau, Delmas, J. Electrochem. Soc. 143, 1168 (1996);
# LiCoO2: Akimoto, Gotoh, Oosawa, J. Solid State Chem. 141, 298 (1998);
# "LiMnO2" in R-3m is not stable: its constants are those that give LiNi1/3Mn1/3Co1/3O2
# (2.862, 14.227) of Yabuuchi, Ohzuku, J. Power Sources 119, 171 (2003), by Vegard's rule.
LITHIATED = {"Ni": (2.878, 14.19), "Co": (2.816, 14.05), "Mn": (2.892, 14.44)}

# Change of a, c (Å) with lithium content, relative to x = 1: operando diffraction of NMC622,
# read to about 0.01 and 0.05 Å, from de Biasi et al., J. Phys. Chem. C 121, 26163 (2017).
# c is not monotonic: it grows to x near 0.4, then collapses.
LITHIUM = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
DELTA_A = (-0.050, -0.053, -0.054, -0.053, -0.050, -0.044, -0.036, -0.019, 0.0)
DELTA_C = (-0.70, -0.45, -0.05, 0.18, 0.26, 0.25, 0.20, 0.09, 0.0)


def vegard_constants(composition: str, lithium: float) -> tuple[float, float]:
    """Hexagonal a, c (Å) of a composition at a lithium content per metal."""
    n = counts(composition)
    total = sum(n.values())
    a, c = (sum(LITHIATED[m][k] * n[m] for m in n) / total for k in (0, 1))
    return (
        a + float(np.interp(lithium, LITHIUM, DELTA_A)),
        c + float(np.interp(lithium, LITHIUM, DELTA_C)),
    )


def vegard(row: Mapping[str, Any]) -> dict[str, Any]:
    """Geometry of a structures row with its fractional coordinates in the Vegard cell."""
    a, c = vegard_constants(row["composition"], row["lithium"])
    matrix = np.array(row["supercell"]).reshape(3, 3)
    return as_row(row, "vegard", matrix @ primitive(a, c), np.array(row["coords"]))


def as_row(
    row: Mapping[str, Any], protocol: str, lattice: NDArray[np.float64], coords: NDArray[np.float64]
) -> dict[str, Any]:
    """Geometries row of a structures row in a new cell (Å) with new fractional coordinates."""
    lattice, coords = np.asarray(lattice).reshape(3, 3), np.asarray(coords).reshape(-1, 3)
    return {
        "geometry_id": geometry_id(row["structure_id"], protocol, lattice, coords),
        "structure_id": row["structure_id"],
        "protocol": protocol,
        "settings": "",
        "lattice": [float(v) for v in lattice.ravel()],
        "species": list(row["species"]),
        "coords": [float(v) for v in coords.ravel()],
        "site_labels": list(row["site_labels"]),
        "moments": [],
        "oxidation": [],
        "volume": float(abs(np.linalg.det(lattice))),
        "energy": float("nan"),
        "fmax": float("nan"),
        "converged": True,
        "engine_version": "",
        "status": str(Status.OK),
        "attempt": 1,
        "error_class": "",
        "message": "",
        "wall_s": 0.0,
        "cpu_s": 0.0,
        "max_rss_mb": 0.0,
        "origin": str(Origin.RUN),
    }


def geometry_id(
    structure_id: str, protocol: str, lattice: NDArray[np.float64], coords: NDArray[np.float64]
) -> str:
    """Hash of structure, protocol and coordinates (cell and sites rounded to 1e-4 Å)."""
    numbers = np.round(np.vstack([lattice, coords @ lattice]), 4) + 0.0
    text = " ".join(f"{v:.4f}" for v in numbers.ravel())
    return hashlib.sha256(f"{structure_id}|{protocol}|{text}".encode()).hexdigest()[:16]


def to_pymatgen(row: Mapping[str, Any]) -> Structure:
    """Pymatgen structure of a structures or geometries row, site labels as a property."""
    from pymatgen.core import Lattice, Structure

    return Structure(
        Lattice(np.array(row["lattice"]).reshape(3, 3)),
        list(row["species"]),
        np.array(row["coords"]).reshape(-1, 3),
        site_properties={"orbit": list(row["site_labels"])},
    )
