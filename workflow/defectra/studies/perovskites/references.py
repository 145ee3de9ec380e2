"""Energies of the reference phases AX and BX2 behind the published decomposition energies.

The design set prints both the energy E of a compound and its decomposition energy D. E - D is the
energy of what it falls apart into, and over all compounds of both fidelities it is additive to
1e-8 eV: E - D = R(AX) + R(BX2), by fractions, without a mixing entropy. So 15 + 18 numbers stand
behind every D, and D is about the perovskite only after they are taken off.

R(AX) and R(BX2) are separable only up to a constant for each halide; `offset` is R(AX) less that
of the consistent AX of the same halide (median), so that D + offset changes smoothly with
composition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.studies.perovskites.compounds import A_IONS, B_IONS, X_IONS, Compound, fractions
from defectra.studies.perovskites.elements import EV_IN_KJ_PER_MOL
from defectra.studies.perovskites.tables import compounds_of

Row = dict[str, Any]
Floats = NDArray[np.float64]
# Standard enthalpies of formation at 298 K, kJ/mol, of the solids: CRC Handbook of Chemistry and
# Physics, "Standard thermodynamic properties of chemical substances". Organic halides, germanium
# halides: no value of like quality, and none is needed.
ENTHALPIES: Mapping[str, Mapping[str, float]] = {
    "K": {"Cl": -436.5, "Br": -393.8, "I": -327.9},
    "Rb": {"Cl": -435.4, "Br": -394.6, "I": -333.8},
    "Cs": {"Cl": -443.0, "Br": -405.8, "I": -346.6},
    "Ca": {"Cl": -795.4, "Br": -682.8, "I": -533.5},
    "Sr": {"Cl": -828.9, "Br": -717.6, "I": -558.1},
    "Ba": {"Cl": -855.0, "Br": -757.3, "I": -602.1},
    "Sn": {"Cl": -325.1, "Br": -243.5, "I": -143.5},
    "Pb": {"Cl": -359.4, "Br": -278.7, "I": -175.5},
}
# Against calorimetry PBE and HSE06 bind the halides too weakly, by an amount that hangs on the
# halide; K, Rb and Cs of one halide differ in it by 0.05 eV where nothing is wrong (bromides).
EXCESS_EV = -0.5
ADDITIVE_EV = 1e-6


def reference_rows(rows: Sequence[Mapping[str, Any]], fidelity: str) -> list[Row]:
    """Rows of ``references.csv`` of one fidelity: each AX, held against calorimetry.

    `rows` are those of the design set, which prints both energies in full.

    `energy_eV` is R(AX) with R(BX2) of PbX2 taken as its measured enthalpy (a gauge), `excess_eV`
    R(AX) + R(BX2) less the measured enthalpies (mean over the five B with one), relative to the
    largest among the alkali metals of the same halide. An AX that is bound 0.5 eV more strongly
    than calorimetry leaves room for is not consistent.

    Raises
    ------
    DataError
        If the energies are not additive, or too few compounds to find them.
    """
    known = [r for r in rows if np.isfinite(r[f"energy_{fidelity}"])]
    a, b, x = fractions(compounds_of(known))
    design = np.hstack([_pairs(a, x), _pairs(b, x)])
    total = np.array([r[f"energy_{fidelity}"] - r[f"decomposition_{fidelity}"] for r in known])
    pure = np.array([r["kind"] == "pure" for r in known])
    answer, _, rank, _ = np.linalg.lstsq(design[pure], total[pure], rcond=None)
    if rank < 30:
        raise DataError(f"energies {fidelity}: too few pure compounds to find the references")
    worst = float(np.abs(design @ answer - total).max())
    if worst > ADDITIVE_EV:
        raise DataError(f"energies {fidelity}: references not additive, {worst:.2g} eV off")
    of_a = answer[:15].reshape(len(A_IONS), len(X_IONS))
    of_b = answer[15:].reshape(len(B_IONS), len(X_IONS))
    return _rows(of_a, of_b, fidelity)


def _rows(of_a: Floats, of_b: Floats, fidelity: str) -> list[Row]:
    measured = {i: np.array([v[x] for x in X_IONS]) / EV_IN_KJ_PER_MOL
                for i, v in ENTHALPIES.items()}  # fmt: skip
    with_b = [i for i in B_IONS if i in measured]
    excess_b = np.mean([of_b[B_IONS.index(i)] - measured[i] for i in with_b], axis=0)
    gauge = of_b[B_IONS.index("Pb")] - measured["Pb"]
    excess = np.array(
        [of_a[n] + excess_b - measured[i] if i in measured else np.full(3, np.nan)
         for n, i in enumerate(A_IONS)]
    )  # fmt: skip
    excess = excess - np.nanmax(excess, axis=0)
    consistent = excess > EXCESS_EV
    level = np.array([np.median(of_a[consistent[:, k], k]) for k in range(len(X_IONS))])
    return [
        {
            "fidelity": fidelity,
            "A": A_IONS[n],
            "X": X_IONS[k],
            "energy_eV": float(of_a[n, k] + gauge[k]),
            "offset_eV": float(of_a[n, k] - level[k]),
            "excess_eV": float(excess[n, k]),
            "consistent": _verdict(excess[n, k]),
        }
        for n, k in product(range(len(A_IONS)), range(len(X_IONS)))
    ]


def _verdict(excess: float) -> str:
    if np.isnan(excess):
        return "not tested"
    return "yes" if excess > EXCESS_EV else "no"


def offsets(
    compounds: Sequence[Compound],
    references: Sequence[Mapping[str, Any]],
    fidelity: str,
    *,
    only_wrong: bool = False,
) -> Floats:
    """Offset of the reference AX of each compound, eV, shape (n,); mixed sites by fractions.

    Parameters
    ----------
    compounds, references, fidelity
        What, and rows of ``references.csv``.
    only_wrong
        Only the offsets of halides that calorimetry contradicts, 0 for all others: what D is to
        be corrected by.
    """
    table = np.zeros((len(A_IONS), len(X_IONS)))
    for row in references:
        if row["fidelity"] == fidelity and (not only_wrong or row["consistent"] == "no"):
            cell = A_IONS.index(row["A"]), X_IONS.index(row["X"])
            table[cell] = float(row["offset_eV"])
    a, _, x = fractions(compounds)
    return np.einsum("na,ax,nx->n", a, table, x)


def _pairs(one: Floats, two: Floats) -> Floats:
    return (one[:, :, None] * two[:, None, :]).reshape(len(one), -1)
