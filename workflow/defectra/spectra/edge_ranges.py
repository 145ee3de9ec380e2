"""Where the absorption of an edge rises in solids and molecules, not in free atoms."""

from __future__ import annotations

import math
from dataclasses import dataclass

from defectra.engines.edges import Edge

_OFF = 0.004  # of the energy: an X-ray axis may be off by so much
_AXIS = 3e-4  # of the energy: how far axes are off, standard deviation
_UP = {"K": 9.0, "L3": 7.0}  # eV above the free atom (oxidised), standard deviation
_UP_ELSE = 4.0
_DOWN = 3.0  # eV below it
_CHEMISTRY = 6.0  # eV about the free atom that are allowed at least
_BEYOND = 1.0  # eV beyond a range of the table, standard deviation and allowed at least

_COMPOUNDS: dict[str, tuple[float, float]] = {
    "Li K": (54.0, 65.0),
    "Be K": (111.0, 120.0),
    "B K": (187.0, 200.0),
    "C K": (282.0, 293.0),
    "N K": (396.0, 407.0),
    "O K": (527.0, 541.0),
    "F K": (682.0, 696.0),
    "Na K": (1070.0, 1079.0),
    "Mg K": (1302.0, 1316.0),
    "Al K": (1558.0, 1572.0),
    "Si K": (1838.0, 1850.0),
    "P K": (2142.0, 2154.0),
    "S K": (2467.0, 2487.0),
    "Cl K": (2818.0, 2835.0),
    "Al L3": (72.0, 79.0),
    "Si L3": (99.0, 109.0),
    "P L3": (129.0, 139.0),
    "S L3": (160.0, 175.0),
    "K L3": (294.0, 299.0),
}
"""First and last energy (eV) of the steepest rise of light elements, rounded outwards.

The table of free atoms (Elam 2002) does not hold for them: gases lie 8 to 16 eV above solids (O K
543.1 against 527 to 541 eV), and oxidation moves an edge by as much as 20 eV.

- K and L onsets of elements and oxides: C. C. Ahn, O. L. Krivanek, EELS Atlas (Gatan, 1983); π* and
  σ* resonances of molecules: J. Stöhr, NEXAFS Spectroscopy (Springer, 1992).
- Li of the metal, oxides, carbonate: R. Qiao et al., PLoS ONE 7, e49182 (2012).
- Be and B, metal, borides, BN: L. A. J. Garvie, P. R. Buseck, P. Rez, J. Solid State Chem. 133,
  347 (1997); B of borates (196.8 to 199.6 eV): M. E. Fleet, X. Liu, Phys. Chem. Miner. 28, 421
  (2001).
- C: carbides to carbonates (290 eV) and fluorinated carbon. K L3, beside it, of potassium salts.
- N, nitrides to nitrates and ammonium: P. Leinweber et al., J. Synchrotron Rad. 14, 500 (2007);
  N2 at 400.8 eV: A. W. Gillespie et al., J. Synchrotron Rad. 15, 532 (2008).
- O, oxides of transition metals (528 eV) to silica, water, alumina: F. Frati, M. O. J. Y. Hunault,
  F. M. F. de Groot, Chem. Rev. 120, 4056 (2020).
- F, fluorides of 3d metals to LiF and SF6: A. S. Vinogradov et al., Phys. Scr. T115, 510 (2005);
  C. P. Schwartz et al., J. Electron Spectrosc. Relat. Phenom. 218, 30 (2017).
- Na: D. R. Neuville et al., Eur. J. Mineral. 16, 809 (2004). Mg: T. Yoshimura et al.,
  J. Synchrotron Rad. 20, 734 (2013). Al, metal to alumina (1566 eV): J. L. Fulton et al., J. Phys.
  Chem. B 119, 8380 (2015). Si, element to silicates (1847 eV): D. Li et al., Phys. Chem. Miner. 22,
  115 (1995).
- P, phosphides to phosphates: A. V. Blake et al., J. Synchrotron Rad. 25, 529 (2018). S, sulfides
  (2469.5 eV) to sulfates (2482 eV): M. E. Fleet, Can. Mineral. 43, 1811 (2005); ultramarine (2468
  eV): M. E. Fleet, X. Liu, Spectrochim. Acta B 65, 75 (2010); SF6 (2485 eV): ``sf6.prj`` of
  xraylarch. Cl, chlorides of metals (2819 eV in ``Cl_CAMD.prj`` of demeter) to perchlorates.
- L3 of Al and alumina (72.7 and 77.4 eV): K. Codling, R. P. Madden, Phys. Rev. 167, 587 (1968); of
  Si to SiO2 (99 to 106 eV): L. A. J. Garvie, P. R. Buseck, Am. Mineral. 84, 946 (1999); of P:
  J. Kruse et al., J. Synchrotron Rad. 16, 247 (2009).
"""


@dataclass(frozen=True)
class Place:
    """Where an edge rises: a range (eV), and how far beyond it may.

    Attributes
    ----------
    first, last
        Ends of the range of the compounds; both the energy of the free atom where no range is
        tabulated.
    below, above
        Standard deviations before and after the range.
    allowed
        How far beyond the range an edge is still taken for what it is said to be.
    """

    first: float
    last: float
    below: float
    above: float
    allowed: float

    @property
    def tabulated(self) -> bool:
        """Whether the range of the compounds is known."""
        return self.first < self.last

    def away(self, energy: float) -> float:
        """How far an energy lies above (positive) or below the range; 0 inside."""
        return max(energy - self.last, 0.0) + min(energy - self.first, 0.0)

    def deviations(self, energy: float) -> float:
        """The same in standard deviations."""
        away = self.away(energy)
        return away / (self.above if away > 0 else self.below)

    def log_density(self, energy: float) -> float:
        """Logarithm of the density at an energy: even in the range, Gaussian beyond it.

        Up to a constant that is the same for all edges.
        """
        side = self.above if energy > self.first else self.below
        width = (self.last - self.first) / math.sqrt(2 * math.pi) + side
        return -0.5 * self.deviations(energy) ** 2 - math.log(width)

    def holds(self, energy: float) -> bool:
        """Whether an edge that is said to be this one may rise at an energy."""
        return abs(self.away(energy)) <= self.allowed

    def overlaps(self, first: float, last: float) -> bool:
        """Whether a scan has energies of the range or of what is allowed beyond it."""
        return first < self.last + self.allowed and last > self.first - self.allowed

    def __str__(self) -> str:
        if self.tabulated:
            return f"{self.first:.0f} to {self.last:.0f} eV in compounds"
        return f"{self.first:.0f} eV"


def place(edge: Edge) -> Place:
    """Where an edge rises in solids and molecules.

    Light elements by the table of this module. Else about the free atom, from which oxidation
    moves an edge up by as much as 20 eV, hardly down.
    """
    axis = _AXIS * edge.energy
    known = _COMPOUNDS.get(f"{edge.element} {edge.edge}")
    if known:
        beyond = math.hypot(_BEYOND, axis)
        return Place(*known, beyond, beyond, max(_OFF * edge.energy, _BEYOND))
    up = math.hypot(_UP.get(edge.edge, _UP_ELSE), axis)
    allowed = max(_OFF * edge.energy, _CHEMISTRY)
    return Place(edge.energy, edge.energy, math.hypot(_DOWN, axis), up, allowed)
