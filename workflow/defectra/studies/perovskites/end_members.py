"""Our own calculations of pure compounds as features of any composition.

The table of our runs holds lattice constant, bulk modulus and gap of the 54 inorganic compounds, by
PBE (Perdew-Burke-Ernzerhof) and HSE (hybrid functional of Heyd-Scuseria-Ernzerhof). For a
composition they are averaged over its end members by fractions; the gap also gives its lowest and
highest end member, the spread over cations on B, and a mean near the lowest. MA and FA
(methylammonium, formamidinium) were not computed: Cs, the largest cation that was, stands for them.
No published value enters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Status
from defectra.studies.perovskites import runs
from defectra.studies.perovskites.compounds import A_IONS, B_IONS, X_IONS, Compound, fractions
from defectra.studies.perovskites.descriptors import LONE_PAIR
from defectra.studies.perovskites.elements import MOLECULES

Floats = NDArray[np.float64]
Rows = Sequence[Mapping[str, Any]]
# Column of the table of our runs, and the kind of calculation that it stands in.
QUANTITIES = (
    ("gap_PBE", "bands"),
    ("gap_HSE", "bands"),
    ("lattice", "equation_of_state"),
    ("bulk_modulus", "equation_of_state"),
)
STAND_IN = "Cs"
LEAN_EV = 0.5  # scale of the mean that leans to the lowest gap
COLUMNS = len(QUANTITIES) + 5
_GAP_PBE, _GAP, _LATTICE = 0, 1, 2
_LOWEST, _LEAN = len(QUANTITIES), len(QUANTITIES) + 4
PAIRS = len(B_IONS) * (len(B_IONS) - 1) // 2


def matrix(compounds: Sequence[Compound], found: Rows) -> Floats:
    """Features from our calculations, shape (n, 9); NaN where an end was not computed.

    Parameters
    ----------
    compounds
        Compositions.
    found
        Rows of our runs.
    """
    a, b, x = fractions(compounds)
    table = ends(found)
    mean = mixed("na,nb,nx,abxq->nq", (a, b, x), table)
    end_members = mixed("na,nx,abxq->nbq", (a, x), table)
    there = b > 0
    gap, size = (np.where(there, end_members[:, :, k], 0.0) for k in (_GAP, _LATTICE))
    lean = -LEAN_EV * np.log((b * np.exp(-gap / LEAN_EV)).sum(axis=1))
    return np.column_stack(
        [
            mean,
            np.where(there, gap, np.inf).min(axis=1),
            np.where(there, gap, -np.inf).max(axis=1),
            _spread(b, gap),
            _spread(b, size),
            lean,
        ]
    )


def lattice(own: Floats) -> Floats:
    """Lattice constant of `own`, the answer of :func:`matrix`, averaged by fractions, Å."""
    return own[:, _LATTICE]


def step(own: Floats) -> Floats:
    """Gap by HSE less gap by PBE of `own`, the answer of :func:`matrix`, eV."""
    return np.asarray(own[:, _GAP] - own[:, _GAP_PBE])


def mixing(compounds: Sequence[Compound], own: Floats) -> Floats:
    """How a composition is mixed, shape (n, 22): products of B shares, then what molecules do.

    The last seven columns: number of B species, their mixing entropy (in k_B), share of molecules
    on A, share of lone-pair cations, and the share of molecules times that, times the mean that
    leans to the lowest gap, and times the lowest gap of `own`, the answer of :func:`matrix`.
    """
    a, b, _ = fractions(compounds)
    pairs = [b[:, i] * b[:, j] for i, j in combinations(range(b.shape[1]), 2)]
    entropy = -(b * np.log(np.where(b > 0, b, 1.0))).sum(axis=1)
    molecules = a @ np.array([ion in MOLECULES for ion in A_IONS], float)
    lone = b @ LONE_PAIR
    beside = [molecules * own[:, k] for k in (_LEAN, _LOWEST)]
    rest = [(b > 0).sum(axis=1), entropy, molecules, lone, lone * molecules, *beside]
    return np.column_stack([*pairs, *rest])


def ends(found: Rows, quantities: Sequence[tuple[str, str]] = QUANTITIES) -> Floats:
    """Values of each end, shape (5, 6, 3, q), from rows of our runs: column and kind of each."""
    good = {(r["name"], r["kind"]): r for r in found if r["status"] == Status.OK}
    out = np.full((len(A_IONS), len(B_IONS), len(X_IONS), len(quantities)), np.nan)
    for (i, a), (j, b), (k, x) in product(*map(enumerate, (A_IONS, B_IONS, X_IONS))):
        name = runs.pure_of(STAND_IN if a in MOLECULES else a, b, x).name
        for n, (column, kind) in enumerate(quantities):
            if (name, kind) in good:
                out[i, j, k, n] = good[name, kind][column]
    return out


def mixed(how: str, shares: Sequence[Floats], table: Floats) -> Floats:
    """Averages by fractions; an end that is missing counts where it takes part alone."""
    value = np.einsum(how, *shares, np.nan_to_num(table))
    gone = np.einsum(how, *shares, np.isnan(table).astype(float))
    return np.where(gone > 0, np.nan, value)


def _spread(shares: Floats, values: Floats) -> Floats:
    """Standard deviation over the cations that share a site."""
    mean = (shares * values).sum(axis=1)
    return np.sqrt(np.maximum((shares * values**2).sum(axis=1) - mean**2, 0))
