"""Reference phases BX2 and CsX: structure types, cells to begin a relaxation from, and their jobs.

Structure types are those of the solids at room temperature where they are small enough; what had to
be replaced is listed in `SUBSTITUTES`. Lattice constants and coordinates are only a start: cell and
sites are relaxed. Sources: PbI2 (CdI2 type) Wyckoff, Crystal Structures 1 (1963); CaCl2, CaBr2
(Pnnm) Anselment, Dissertation, Karlsruhe (1985), van Bever and Nieuwenkamp, Z. Krist. 90, 374
(1935); SrCl2 (fluorite) Mark and Tobias, Z. Krist. 110, 104 (1958); BaCl2, BaBr2, BaI2 (PbCl2
type) Brackett et al., J. Phys. Chem. 67, 2132 (1963); PbCl2, PbBr2 Nozaki et al. (1976), Lumbreras
et al. (1986); SnCl2, SnBr2 van den Berg (1961), Andersson (1975); CsX (CsCl type) Wyckoff. Written
down from the literature known to us, without the papers at hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawProtocol
from defectra.structures.prototypes import FCC
from defectra.studies.perovskites.cells import SCAN, SITES, Task
from defectra.studies.perovskites.compounds import B_IONS, X_IONS

# Space group, sites of B and X (fractional); of the fluorite type the primitive cell is made.
TYPES: Mapping[str, tuple[str, Sequence[tuple[str, tuple[float, float, float]]]]] = {
    "CsCl": ("Pm-3m", [("B", (0, 0, 0)), ("X", (0.5, 0.5, 0.5))]),
    "CdI2": ("P-3m1", [("B", (0, 0, 0)), ("X", (1 / 3, 2 / 3, 0.255))]),
    "CaCl2": ("Pnnm", [("B", (0, 0, 0)), ("X", (0.277, 0.328, 0))]),
    "CaF2": ("Fm-3m", [("B", (0, 0, 0)), ("X", (0.25, 0.25, 0.25))]),
    "PbCl2": (
        "Pnma",
        [
            ("B", (0.2472, 0.25, 0.1142)),
            ("X", (0.1427, 0.25, 0.4275)),
            ("X", (0.0276, 0.25, 0.8374)),
        ],
    ),
}
# Type and lattice constants, Å.
PHASES: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "CsCl": ("CsCl", (4.12, 4.12, 4.12)),
    "CsBr": ("CsCl", (4.29, 4.29, 4.29)),
    "CsI": ("CsCl", (4.57, 4.57, 4.57)),
    "CaCl2": ("CaCl2", (6.26, 6.44, 4.17)),
    "CaBr2": ("CaCl2", (6.58, 6.87, 4.34)),
    "CaI2": ("CdI2", (4.48, 6.96)),
    "SrCl2": ("CaF2", (6.977,)),
    "SrBr2": ("PbCl2", (7.98, 4.78, 9.56)),
    "SrI2": ("PbCl2", (8.60, 5.10, 10.30)),
    "BaCl2": ("PbCl2", (7.878, 4.731, 9.415)),
    "BaBr2": ("PbCl2", (8.276, 4.956, 9.919)),
    "BaI2": ("PbCl2", (8.90, 5.30, 10.65)),
    "GeCl2": ("CdI2", (3.75, 6.10)),
    "GeBr2": ("CdI2", (3.97, 6.40)),
    "GeI2": ("CdI2", (4.25, 6.83)),
    "SnCl2": ("PbCl2", (7.793, 4.43, 9.207)),
    "SnBr2": ("PbCl2", (8.377, 4.159, 10.153)),
    "SnI2": ("CdI2", (4.50, 7.00)),
    "PbCl2": ("PbCl2", (7.622, 4.535, 9.045)),
    "PbBr2": ("PbCl2", (8.061, 4.735, 9.539)),
    "PbI2": ("CdI2", (4.557, 6.979)),
}
# What these crystallise in instead; their energy is an upper bound of that of the phase.
SUBSTITUTES: Mapping[str, str] = {
    "SrBr2": "P4/n, 30 atoms",
    "SrI2": "Pbca, 24 atoms",
    "SnI2": "C2/m, 18 atoms",
    "GeCl2": "monoclinic chains",
    "GeBr2": "monoclinic, 24 atoms",
}
# k-points, and whether they stand between the lattice points; a hexagonal cell wants its mesh
# through Γ (6 x 6 x 2 beside it leaves 36 points of PbI2 to compute, 4 x 4 x 2 through it 14).
MESHES: Mapping[str, tuple[tuple[int, int, int], bool]] = {
    "CsCl": ((4, 4, 4), True),
    "CdI2": ((4, 4, 2), False),
    "CaCl2": ((2, 2, 4), True),
    "CaF2": ((4, 4, 4), True),
    "PbCl2": ((2, 4, 2), True),
}
CAESIUM = "Cs"  # its halides: CsCl type as well as rock salt
RELAX = {"do": "relax", "fmax": 0.1, "steps": 6}
SCALES = (0.98, 0.995, 1.01, 1.025, 1.04)
EXTRA = 3
# The cells of 12 atoms are not scanned: they are taken by this factor larger than measured, where
# PBE has the minimum of PbCl2 (scanned once).
SWOLLEN = 1.014
SCANNED = ("CsCl", "CdI2", "CaCl2", "CaF2")
# Formula units in the primitive cell.
UNITS = {"CsCl": 1, "CdI2": 1, "CaCl2": 2, "CaF2": 1, "PbCl2": 4}


@dataclass(frozen=True)
class Phase:
    """A reference phase: formula, metal, halogen, structure type."""

    formula: str
    metal: str
    halogen: str
    type: str


def all_phases() -> list[Phase]:
    """The 18 BX2 and CsX in the CsCl type, those with few atoms first."""
    order = list(TYPES)
    pairs = [(b + x + "2", b, x) for b in B_IONS for x in X_IONS]
    pairs += [(CAESIUM + x, CAESIUM, x) for x in X_IONS]
    found = [Phase(formula, b, x, PHASES[formula][0]) for formula, b, x in pairs]
    return sorted(found, key=lambda p: order.index(p.type))


def start(phase: Phase) -> gpaw.Cell:
    """Cell that the relaxation begins from, primitive."""
    from pymatgen.core import Lattice, Structure

    names = {"B": phase.metal, "X": phase.halogen}
    group, sites = TYPES[phase.type]
    constants = PHASES[phase.formula][1]
    species, coords = [names[s] for s, _ in sites], [c for _, c in sites]
    if phase.type == "CaF2":
        quarter = [[0.0] * 3, [0.25] * 3, [0.75] * 3]
        return gpaw.Cell.of(
            constants[0] * FCC, [phase.metal, phase.halogen, phase.halogen], quarter
        )
    if phase.type == "CdI2":
        lattice = Lattice.hexagonal(a=constants[0], c=constants[1])
    else:
        factor = 1.0 if phase.type in SCANNED else SWOLLEN
        a, b, c = (factor * v for v in constants)
        lattice = Lattice.orthorhombic(a=a, b=b, c=c)
    crystal = Structure.from_spacegroup(group, lattice, species, coords)
    elements = [site.specie.symbol for site in crystal]
    return gpaw.Cell.of(crystal.lattice.matrix, elements, crystal.frac_coords)


def sites_task(phase: Phase, protocol: GpawProtocol) -> Task:
    """Relax the sites in the cell that the relaxation begins from."""
    return Task(phase.formula, phase.type, SITES, _job(phase, start(phase), protocol, RELAX))


def scan_task(phase: Phase, coords: Sequence[float], protocol: GpawProtocol) -> Task:
    """Equation of state: shape of the literature, relaxed sites (fractional)."""
    at = start(phase)
    cell = gpaw.Cell.of(at.lattice, at.species, coords)
    step = {"do": "equation_of_state", "scales": list(SCALES), "extra": EXTRA}
    return Task(phase.formula, phase.type, SCAN, _job(phase, cell, protocol, step))


def _job(phase: Phase, cell: gpaw.Cell, protocol: GpawProtocol, step: gpaw.Row) -> gpaw.Job:
    mesh, shifted = MESHES[phase.type]
    own = protocol.model_copy(update={"shifted": shifted, "glides": True})
    return gpaw.job(cell, own, [step], mesh=mesh)
