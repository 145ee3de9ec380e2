"""Descriptors of a composition: site averages of ionic properties and the two factors of geometry.

Tolerance factor t = (r_A + r_X) / (sqrt 2 (r_B + r_X)), Goldschmidt 1926; octahedral factor
mu = r_B / r_X. Radii and electronegativities of mixed sites are averaged by fraction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.studies.perovskites.compounds import (
    A_IONS,
    B_IONS,
    SITES,
    X_IONS,
    Compound,
    fractions,
)

Floats = NDArray[np.float64]
# Cations with an s2 lone pair: their s states make the valence band, their p states the
# conduction band; with Ca, Sr, Ba the gap is one between ions.
LONE_PAIR = np.array([ion in ("Ge", "Sn", "Pb") for ion in B_IONS], float)
COLUMNS = (
    "r_A",
    *(f"x_{ion}" for ion in B_IONS),
    "r_X",
    "tolerance",
    "octahedral",
    "var_r_B",
    "var_EN_B",
    "lone_pair",
)
# Columns that share one length scale and one linear weight in a Gaussian process.
GROUPS = ((0,), tuple(range(1, 7)), (7,), (8, 9), (10, 11), (12,))
# The 15 tabulated properties of each site follow, one more group for each site.
TABULATED = 15
WIDE = (
    *GROUPS,
    *(tuple(range(13 + n * TABULATED, 13 + (n + 1) * TABULATED)) for n in range(3)),
)
Table = Mapping[str, Mapping[str, float]]


def tolerance_factor(r_a: Floats, r_b: Floats, r_x: Floats) -> Floats:
    """Goldschmidt's tolerance factor of radii in one unit."""
    return (r_a + r_x) / (np.sqrt(2.0) * (r_b + r_x))


def octahedral_factor(r_b: Floats, r_x: Floats) -> Floats:
    """Ratio of the radii of B and X."""
    return r_b / r_x


def matrix(compounds: Sequence[Compound], ions: Table) -> Floats:
    """Descriptors, shape (n, 13), in the order of `COLUMNS`.

    Parameters
    ----------
    compounds
        Compositions.
    ions
        ``radius`` (Å) of every ion and ``electronegativity`` of the B cations.
    """
    a, b, x = fractions(compounds)
    radius_b = np.array([ions[i]["radius"] for i in B_IONS])
    negativity = np.array([ions[i]["electronegativity"] for i in B_IONS])
    r_a = a @ [ions[i]["radius"] for i in A_IONS]
    r_x = x @ [ions[i]["radius"] for i in X_IONS]
    r_b = b @ radius_b
    return np.column_stack(
        [
            r_a,
            b,
            r_x,
            tolerance_factor(r_a, r_b, r_x),
            octahedral_factor(r_b, r_x),
            _variance(b, radius_b),
            _variance(b, negativity),
            b @ LONE_PAIR,
        ]
    )


def wide_matrix(
    compounds: Sequence[Compound], ions: Table, rows: Sequence[Mapping[str, Any]]
) -> Floats:
    """`matrix` and the tabulated properties averaged over each site, shape (n, 58).

    `rows` are those of the compounds table; the pure ones say what the properties of an ion are.
    """
    sites = zip(fractions(compounds), _tabulated(rows))
    return np.hstack([matrix(compounds, ions), *(shares @ table for shares, table in sites)])


def _tabulated(rows: Sequence[Mapping[str, Any]]) -> tuple[Floats, Floats, Floats]:
    """Properties of the ions on A, B, X, shapes (5, 15), (6, 15), (3, 15), from pure compounds."""
    out = tuple(np.full((len(ions), TABULATED), np.nan) for ions in SITES.values())
    for row in rows:
        if row["kind"] != "pure" or len(row["descriptors"]) != len(SITES) * TABULATED:
            continue
        parts = np.asarray(row["descriptors"], float).reshape(len(SITES), TABULATED)
        for table, shares, part in zip(out, (row["a"], row["b"], row["x"]), parts):
            table[int(np.argmax(shares))] = part
    if any(np.isnan(table).any() for table in out):
        raise DataError("tabulated properties: an ion has no pure compound with descriptors")
    return out[0], out[1], out[2]


def _variance(shares: Floats, values: Floats) -> Floats:
    """Spread of a property over the cations that share a site."""
    return shares @ values**2 - (shares @ values) ** 2


def ions_from_rows(rows: Sequence[Mapping[str, object]]) -> dict[str, dict[str, float]]:
    """Ionic properties by ion from rows of ``ions.csv``."""
    out: dict[str, dict[str, float]] = {}
    for row in rows:
        out.setdefault(str(row["ion"]), {})[str(row["property"])] = float(str(row["ours"]))
    return out
