"""Features of a column of a table: a number, a curve as it is, or a transform of a curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import TableError
from defectra.learn.any_table import AnyTable
from defectra.learn.saved import STATELESS, features_of

Floats = NDArray[np.float64]
RAW = "raw: "


def feature_block(table: AnyTable, name: str) -> Floats:
    """Features by the name of a column, or of a transform of its curve: ``cdf: Ni K``.

    The transforms (intensity, cdf, cwt, joined with ``+``) are made of the column ``raw: Ni K``
    where there is one, whose largest value is set to one first. Shape (n, p); a row without the
    value is NaN throughout.

    Raises
    ------
    TableError
        If there is no such column, or it holds neither numbers nor curves of one length.
    """
    kind, _, edge = name.partition(": ")
    raw = RAW + edge
    if name in table.columns and not (raw in table.columns and kind in STATELESS):
        return table.matrix(name)
    known = all(p in STATELESS for p in kind.split("+"))
    if not known or raw not in table.columns:
        table.column(name)  # says what is wrong with the name
    spectra = table.matrix(raw)
    whole = np.isfinite(spectra).all(axis=1)
    if not whole.any():
        raise TableError(f"{table.path}: no row has {raw!r}")
    if not (spectra[whole].max(axis=1) > 0).all():
        raise TableError(f"{table.path}: a curve of {raw!r} is nowhere above zero")
    made = features_of(spectra[whole], kind)
    out = np.full((len(spectra), made.shape[1]), np.nan)
    out[whole] = made
    return out
