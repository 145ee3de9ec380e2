"""Equation of state: lattice constant and bulk modulus from energies of a few volumes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from defectra.core.errors import EngineError

EV_PER_A3_IN_GPA = 160.21766
LEAST = 5


@dataclass(frozen=True)
class Equilibrium:
    """Minimum of a third-order Birch-Murnaghan equation (Birch, Phys. Rev. 71, 809 (1947)).

    Attributes
    ----------
    volume, energy
        Å³, eV.
    bulk_modulus, derivative
        GPa, and its derivative with pressure.
    residual
        Root mean square of energies less the fit, eV.
    """

    volume: float
    energy: float
    bulk_modulus: float
    derivative: float
    residual: float

    @property
    def cubic_constant(self) -> float:
        """Edge of a cube of this volume, Å."""
        return float(np.cbrt(self.volume))


def fit(volumes: ArrayLike, energies: ArrayLike) -> Equilibrium:
    """Fit volumes (Å³, shape (n,)) and energies (eV, shape (n,)).

    Raises
    ------
    EngineError
        ``no_minimum``: too few volumes, or their lowest energy does not lie among them.
    """
    from pymatgen.analysis.eos import BirchMurnaghan, EOSError

    v, e = (np.asarray(x, dtype=float) for x in (volumes, energies))
    if len(v) < LEAST or not np.isfinite([v, e]).all():
        raise EngineError(
            "no_minimum", f"equation of state: {LEAST} volumes needed, {len(v)} given"
        )
    if not v.min() < v[e.argmin()] < v.max():
        raise EngineError(
            "no_minimum",
            f"equation of state: the energy still falls at {v[e.argmin()]:.1f} Å³, the end of the "
            f"volumes; begin from another lattice constant",
        )
    model = BirchMurnaghan(v.tolist(), e.tolist())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit()
    except (EOSError, RuntimeError, ValueError) as error:
        raise EngineError("no_minimum", f"equation of state: no fit ({error})") from None
    off = float(np.sqrt(np.mean((np.array([model(x) for x in v.tolist()]) - e) ** 2)))
    if not (v.min() < model.v0 < v.max() and model.b0 > 0):
        raise EngineError("no_minimum", f"equation of state: its minimum is at {model.v0:.1f} Å³")
    return Equilibrium(
        float(model.v0), float(model.e0), float(model.b0) * EV_PER_A3_IN_GPA, float(model.b1), off
    )
