"""Molecular A cations of halide perovskites, built from bond lengths and angles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import StructureError

Vectors = NDArray[np.float64]
MOLECULES = ("MA", "FA")
AXES = {"100": (1, 0, 0), "110": (1, 1, 0), "111": (1, 1, 1)}

# Å and degrees; tetrahedral angles for MA; rounded means of gas-phase geometries.
CN_MA, CH_MA, NH_MA, TETRAHEDRAL = 1.51, 1.09, 1.03, 109.47
CN_FA, CH_FA, NH_FA, NCN_FA = 1.31, 1.09, 1.01, 125.5
MASS = {"H": 1.008, "C": 12.011, "N": 14.007}


def oriented(name: str, axis: str) -> tuple[tuple[str, ...], Vectors]:
    """Elements and Cartesian positions (Å) about the centre of mass, shape (n, 3).

    The polar axis points along `axis`; of the rotation about it, an atom off the axis is put
    into the plane of `axis` and z (of `axis` and x, if `axis` is z), so that nothing is left open.

    Raises
    ------
    StructureError
        For an unknown molecule or axis.
    """
    if name not in MOLECULES or axis not in AXES:
        raise StructureError(
            f"molecule {name!r} along {axis!r}; allowed: {', '.join(MOLECULES)} along "
            f"{', '.join(AXES)}"
        )
    elements, local = _methylammonium() if name == "MA" else _formamidinium()
    along = np.array(AXES[axis], dtype=float)
    along /= np.linalg.norm(along)
    up = np.array([0.0, 0.0, 1.0])
    side = up - (up @ along) * along
    side /= np.linalg.norm(side)
    frame = np.array([side, np.cross(along, side), along])
    masses = np.array([MASS[e] for e in elements])
    centre = masses @ local / masses.sum()
    return elements, (local - centre) @ frame


def _ring(radius: float, height: float, start: float) -> list[list[float]]:
    angles = np.radians(start + np.array([0, 120, 240]))
    return [[radius * np.cos(t), radius * np.sin(t), height] for t in angles]


def _methylammonium() -> tuple[tuple[str, ...], Vectors]:
    """Staggered CH3NH3, from C to N along z."""
    lean = np.radians(180 - TETRAHEDRAL)
    methyl = _ring(CH_MA * np.sin(lean), -CH_MA * np.cos(lean), 0)
    ammonium = _ring(NH_MA * np.sin(lean), CN_MA + NH_MA * np.cos(lean), 60)
    sites = [[0, 0, 0], [0, 0, CN_MA], *methyl, *ammonium]
    return ("C", "N", *"HHHHHH"), np.array(sites, dtype=float)


def _formamidinium() -> tuple[tuple[str, ...], Vectors]:
    """Planar HC(NH2)2 in the xz plane, from C to its H along z."""
    half = np.radians(NCN_FA / 2)
    out: list[list[float]] = [[0, 0, 0], [0, 0, CH_FA]]
    elements = ["C", "H"]
    for sign in (1, -1):
        direction = np.array([sign * np.sin(half), 0, -np.cos(half)])
        nitrogen = CN_FA * direction
        out.append(nitrogen.tolist())
        elements.append("N")
        for turn in (60, -60):
            t = np.radians(turn)
            turned = [
                direction[0] * np.cos(t) + direction[2] * np.sin(t),
                0,
                -direction[0] * np.sin(t) + direction[2] * np.cos(t),
            ]
            out.append((nitrogen + NH_FA * np.array(turned)).tolist())
            elements.append("H")
    return tuple(elements), np.array(out, dtype=float)
