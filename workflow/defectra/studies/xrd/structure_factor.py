"""Structure factors of the ThMn12 type, site by site: why a reflection carries contents or not.

F(hkl) = sum over sites of (mean scattering factor of the site) x (geometric sum of the site). The
centred cell doubles it for h + k + l even. Atomic scattering factors are those of pymatgen's table
without dispersion, so that F is real in this centrosymmetric structure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.engines.xrd.alloy import SITES_8I, Contents, lattice_of, positions
from defectra.engines.xrd.powder import CU_K_ALPHA_1

Floats = NDArray[np.float64]
Hkl = tuple[int, int, int]
SMALL = 1e-3  # of a content, for derivatives


@dataclass(frozen=True)
class Plane:
    """One reflection at given contents.

    Attributes
    ----------
    two_theta
        Degrees.
    intensity
        Multiplicity times Lorentz-polarisation factor times squared structure factor of a formula
        unit, electrons².
    sums
        Geometric sum of each site over a formula unit.
    """

    two_theta: float
    intensity: float
    sums: dict[str, float]


def scattering_factor(element: str, s: float) -> float:
    """Atomic scattering factor, electrons, at s = sin(theta)/wavelength in 1/Å.

    The expansion of pymatgen's X-ray diffraction calculator: Z - 41.78214 s² sum of a exp(-b s²).
    """
    from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS
    from pymatgen.core import Element

    table: Any = np.array(ATOMIC_SCATTERING_PARAMS[element])
    return float(
        Element(element).Z - 41.78214 * s**2 * np.sum(table[:, 0] * np.exp(-table[:, 1] * s**2))
    )


def reflection(hkl: Hkl, contents: Contents) -> Plane:
    """Reflection of an alloy with mixed occupancies."""
    spacing = lattice_of(contents).d_hkl(hkl)
    s = 1 / (2 * spacing)
    theta = np.arcsin(s * CU_K_ALPHA_1)
    share = contents.x / SITES_8I
    f = {e: scattering_factor(e, s) for e in ("Sm", "Zr", "Fe", "Ti")}
    mean = {
        "2a": (1 - contents.y) * f["Sm"] + contents.y * f["Zr"],
        "8i": (1 - share) * f["Fe"] + share * f["Ti"],
        "8f": f["Fe"],
        "8j": f["Fe"],
    }
    sums = dict.fromkeys(mean, 0.0)
    for site, point in positions():
        sums[site] += float(np.cos(2 * np.pi * np.dot(hkl, point))) / 2
    total = sum(mean[site] * sums[site] for site in mean)
    lorentz = (1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))
    intensity = float(total**2 * lorentz * multiplicity(hkl))
    return Plane(float(2 * np.degrees(theta)), intensity, sums)


def multiplicity(hkl: Hkl) -> int:
    """Number of equivalent planes in the Laue class 4/mmm."""
    h, k, m = (abs(int(v)) for v in hkl)
    return len({(a * p, b * q, m * r) for a, b in ((h, k), (k, h)) for p in (1, -1)
                for q in (1, -1) for r in (1, -1)})  # fmt: skip


def slopes(hkl: Hkl, contents: Contents) -> tuple[float, float]:
    """Relative change of the intensity per unit of x and of y, cell included."""
    x, y = contents.x, contents.y
    pairs = (
        (Contents(x + SMALL, y), Contents(x - SMALL, y)),
        (Contents(x, y + SMALL), Contents(x, y - SMALL)),
    )
    found = []
    for more, less in pairs:
        up, down = (reflection(hkl, c).intensity for c in (more, less))
        found.append((up - down) / (2 * SMALL) / reflection(hkl, contents).intensity)
    return found[0], found[1]
