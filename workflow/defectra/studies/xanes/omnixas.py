"""Published tables of OmniXAS: spectra of one engine on a grid of 141 points, sites beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError

Floats = NDArray[np.float64]
POINTS, STEP = 141, 0.25  # eV


def read_spectra(lists: Sequence[Path], tables: Sequence[Path]) -> dict[str, Floats]:
    """Spectra by site, e.g. ``mp-1005792_008``; edge step = 1, shape (141,).

    Parameters
    ----------
    lists, tables
        Files of sites and of spectra, pairwise in step.

    Raises
    ------
    DataError
        If they are not in step.
    """
    out: dict[str, Floats] = {}
    for names, table in zip(lists, tables, strict=True):
        sites = names.read_text(encoding="utf-8").split()
        values = np.loadtxt(table, ndmin=2)
        if values.shape != (len(sites), POINTS):
            raise DataError(f"{table}: {values.shape} where {len(sites)} x {POINTS} belong")
        out.update(zip(sites, values))
    return out


def material(site: str) -> str:
    """Material of a site: the group that no split may cut."""
    return site.rsplit("_", 1)[0]
