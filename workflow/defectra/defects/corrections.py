"""Finite-size corrections of charged cells, by the libraries that the field trusts.

Freysoldt: pymatgen-analysis-defects; Kumagai and Oba (eFNV: the scheme of Freysoldt, Neugebauer and
Van de Walle, extended): pydefect. Both come with the extra ``levels`` (`make corrections`); nothing
else needs them. Potentials are in V and act on a *positive* unit charge, the opposite of VASP's
local potential. All dielectric arguments are tensors, shape (3, 3): the electronic one for
unrelaxed cells, the static one for relaxed cells.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.units import BOHR_ANGSTROM, HARTREE_EV

if TYPE_CHECKING:
    from pymatgen.core import Structure

Floats = NDArray[np.float64]
COULOMB_EV_ANGSTROM = HARTREE_EV * BOHR_ANGSTROM  # e²/(4 pi eps0) = 14.40 eV Å
MADELUNG_SIMPLE_CUBIC = 2.8372974794806  # point charges in a neutralising background
PLATEAU_EV = 0.1


@dataclass(frozen=True)
class Correction:
    """Correction of one charged cell, in eV, both parts to be added to its energy.

    `spread_ev` is the scatter of the potential where it should be flat: above `PLATEAU_EV` per
    unit charge the defect is shallow or the cell too small, and the correction not trustworthy.
    `freysoldt_ev` is the sum by Freysoldt's scheme, where the planar averages for it are there.
    """

    point_charge_ev: float
    alignment_ev: float
    spread_ev: float
    freysoldt_ev: float = float("nan")

    @property
    def total_ev(self) -> float:
        """Sum of both parts."""
        return self.point_charge_ev + self.alignment_ev

    @property
    def trustworthy(self) -> bool:
        """False for shallow defects and cells without a potential plateau: mark, do not use."""
        return self.spread_ev <= PLATEAU_EV


def madelung_cubic(length: float, epsilon: float, charge: float) -> float:
    """Correction of a point charge in a cubic cell, eV: q² alpha / (2 eps L), above zero.

    M. Leslie and M. J. Gillan, J. Phys. C 18, 973 (1985). Analytic; `length` in Å.
    """
    return charge**2 * MADELUNG_SIMPLE_CUBIC * COULOMB_EV_ANGSTROM / (2 * epsilon * length)


def isotropic(dielectric: Floats) -> float:
    """Harmonic mean of the principal values of a dielectric tensor, shape (3, 3).

    It does not depend on the axes of the cell. doped takes the mean of the diagonal, which is the
    same for a diagonal tensor alone.
    """
    return float(3 / np.sum(1 / np.linalg.eigvalsh(dielectric)))


def freysoldt(
    lattice: Floats,
    averages: tuple[Sequence[Floats], Sequence[Floats]],
    centre: Sequence[float],
    charge: int,
    dielectric: Floats,
) -> Correction:
    """Correction of a charged cell from planar averages, by pymatgen-analysis-defects.

    Freysoldt's scheme is one of an isotropic medium: of a tensor :func:`isotropic` is taken. The
    full tensor, as sxdefectalign has it, gives other numbers (0.104 instead of 0.117 eV for F on O
    in Y2Ti2O5S2, whose values are 40.7, 40.7, 25.2).

    Parameters
    ----------
    averages
        Of the defect cell and of the bulk cell: potential averaged over planes along each of the
        three axes, V, on a positive unit charge.
    centre, charge, dielectric
        As of :func:`kumagai`; `spread_ev` is the scatter of the alignment over the axes.

    Raises
    ------
    EngineError
        If the numbers of planes differ, or the library is not there.
    """
    from pymatgen.core import Lattice

    check_dielectric(dielectric)
    if [len(a) for a in averages[0]] != [len(a) for a in averages[1]] or len(averages[0]) != 3:
        raise EngineError("potentials", "planar averages of defect and bulk on different planes")
    module = _library("pymatgen.analysis.defects.corrections.freysoldt")
    electron = [{k: -np.asarray(a) for k, a in enumerate(side)} for side in averages]
    mean = isotropic(dielectric)
    found = module.get_freysoldt_correction(
        charge, mean, *electron, defect_frac_coords=list(centre), lattice=Lattice(lattice)
    ).metadata
    spread = float(np.std(list(found["alignments"].values())))
    return Correction(float(found["electrostatic"]), float(found["potential"]), spread)


def kumagai(
    defect: Structure,
    bulk: Structure,
    potentials: tuple[Sequence[float], Sequence[float]],
    centre: Sequence[float],
    charge: int,
    dielectric: Floats,
) -> Correction:
    """Correction of a charged cell from the potentials at its atoms (eFNV), by pydefect.

    Parameters
    ----------
    defect, bulk
        Cells of one lattice.
    potentials
        At the atoms of the defect cell and of the bulk cell, V, on a positive unit charge.
    centre
        Fractional position of the defect.
    charge
        Of the cell, in units of +e.

    Raises
    ------
    EngineError
        If the numbers of potentials and atoms differ, no atom far from the defect is one of the
        bulk, or the library is not there.
    """
    check_dielectric(dielectric)
    for cell, values in zip((defect, bulk), potentials):
        if len(cell) != len(values):
            raise EngineError("potentials", f"{len(values)} potentials for {len(cell)} atoms")
    results = _library("pydefect.analyzer.calc_results").CalcResults
    made = _library("pydefect.cli.vasp.make_efnv_correction").make_efnv_correction(
        charge,
        *(results(c, 0.0, 0.0, list(v)) for c, v in zip((defect, bulk), potentials)),
        dielectric,
        defect_coords=list(centre),
    )
    far = [s.diff_pot for s in made.sites if s.distance > made.defect_region_radius]
    if not far:
        raise EngineError(
            "potentials",
            "no atom far from the defect lies near one of its element in the bulk: is the cell "
            "shifted as a whole? Shift its atoms back onto those of the bulk, and run it anew",
        )
    return Correction(
        float(made.point_charge_correction), float(made.alignment_correction), float(np.std(far))
    )


def check_dielectric(dielectric: Floats) -> None:
    """Refuse what is no dielectric tensor.

    Raises
    ------
    EngineError
        If it is not 3 x 3, symmetric, with every principal value at least 1.
    """
    tensor = np.asarray(dielectric, dtype=float)
    if tensor.shape != (3, 3) or not np.allclose(tensor, tensor.T):
        raise EngineError("dielectric", "a symmetric 3 x 3 dielectric tensor is needed")
    if np.linalg.eigvalsh(tensor).min() < 1:
        raise EngineError("dielectric", "a principal value of the dielectric tensor is below 1")


def _library(name: str) -> ModuleType:
    package = name.split(".", maxsplit=1)[0]
    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = (
            f"{package}: {error}; `make corrections` (or pip install 'defectra[levels]') brings it"
        )
        raise EngineError("not_installed", message) from None
