"""Carbon by the potential of Tersoff (Phys. Rev. Lett. 61, 2879, 1988), relaxed with torch.

``E = 1/2 sum_ij f(r_ij) (A exp(-l r) - b_ij B exp(-m r))`` with the bond order ``b_ij = (1 + (beta
zeta_ij)^n)^(-1/2n)`` and ``zeta_ij = sum_k f(r_ik) g(theta_ijk)``. It gives graphene a bond of
1.46 Å (measured: 1.42), so that relaxed cells are scaled to the measured lattice constant.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError

Floats = NDArray[np.float64]
A, B = 1393.6, 346.7  # eV
LAMBDA, MU = 3.4879, 2.2119  # 1/Å
BETA, N = 1.5724e-7, 0.72751
C, D, H = 38049.0, 4.3484, -0.57058
R, S = 1.8, 2.1  # Å, where the cut-off begins and ends
REACH = 2.6  # Å, pairs that may come within S while a cell relaxes
BOND = 1.46  # Å, about that of graphene in this potential


class Carbon:
    """Energy of a periodic cell of carbon.

    Parameters
    ----------
    places
        Shape (n, 3), Å: decides which pairs may interact.
    cell
        Edges of the rectangular cell, shape (3,), Å.
    """

    def __init__(self, places: Floats, cell: Floats) -> None:
        import torch
        from ase import Atoms
        from ase.neighborlist import neighbor_list

        atoms = Atoms("C" * len(places), places, cell=cell, pbc=True)
        first, second, shift = neighbor_list("ijS", atoms, REACH)
        self.torch, self.first, self.second = torch, first, second
        self.shift = torch.from_numpy(shift.astype(float) * cell)
        starts = np.searchsorted(first, np.arange(len(places) + 1))
        triples = [
            (a, b)
            for lo, hi in pairwise(starts)
            for a in range(lo, hi)
            for b in range(lo, hi)
            if a != b
        ]
        self.triples = np.array(triples, np.int64).reshape(-1, 2)

    def energy(self, places: Any) -> Any:
        """Energy, eV, of places (tensor, (n, 3), Å)."""
        torch = self.torch
        away = places[self.second] + self.shift - places[self.first]
        distance = away.norm(dim=1)
        inside = self._cut_off(distance)
        one, other = self.triples.T
        cosine = (away[one] * away[other]).sum(1) / (distance[one] * distance[other])
        angle = 1 + (C / D) ** 2 - C**2 / (D**2 + (H - cosine) ** 2)
        zeta = torch.zeros_like(distance).index_add(0, torch.from_numpy(one), inside[other] * angle)
        order = (1 + (BETA * zeta.clamp_min(1e-12)) ** N) ** (-1 / (2 * N))
        pair = A * torch.exp(-LAMBDA * distance) - order * B * torch.exp(-MU * distance)
        return 0.5 * (inside * pair).sum()

    def _cut_off(self, distance: Any) -> Any:
        torch = self.torch
        part = ((distance - R) / (S - R)).clamp(0, 1)
        return 0.5 + 0.5 * torch.cos(torch.pi * part)


def relaxed(places: Floats, cell: Floats, largest: float = 1e-3) -> Floats:
    """Places of least energy in a fixed cell, shape (n, 3), Å.

    Parameters
    ----------
    largest
        Force that may remain on an atom, eV/Å.

    Raises
    ------
    EngineError
        ``relaxation_failed`` if a larger force remains.
    """
    import torch

    carbon = Carbon(places, cell)
    free = torch.from_numpy(places.copy()).requires_grad_()
    optimiser = torch.optim.LBFGS(
        [free], max_iter=500, line_search_fn="strong_wolfe", tolerance_grad=1e-5,
        tolerance_change=1e-12,
    )  # fmt: skip

    def closure() -> Any:
        optimiser.zero_grad()
        value = carbon.energy(free)
        value.backward()
        return value

    optimiser.step(closure)
    closure()
    assert free.grad is not None
    force = float(free.grad.norm(dim=1).max())
    if not force < largest:
        raise EngineError("relaxation_failed", f"a force of {force:.3g} eV/Å remains")
    return np.asarray(free.detach().numpy(), np.float64)
