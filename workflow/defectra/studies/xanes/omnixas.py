"""Published tables of OmniXAS: spectra of one engine on a grid of 141 points, sites beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError

Floats = NDArray[np.float64]
ELEMENTS = ("Ti", "Cu")  # of which both engines are published
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


def read_engines(job: Any) -> dict[str, tuple[dict[str, Floats], dict[str, Floats]]]:
    """FEFF and VASP spectra of each of :data:`ELEMENTS`, from the inputs of a step.

    Input lists and tables of both engines; params.mirror = folder of the published data.
    """
    from defectra.core.datasets import located

    found = {k: located(job.input[k], job.params.mirror) for k in ("lists", "tables")}

    def one(element: str, engine: str) -> dict[str, Floats]:
        names = [
            [p for p in found[k] if f"{element}_{engine}_" in p.name] for k in ("lists", "tables")
        ]
        return read_spectra(*names)

    return {element: (one(element, "FEFF"), one(element, "VASP")) for element in ELEMENTS}


def material(site: str) -> str:
    """Material of a site: the group that no split may cut."""
    return site.rsplit("_", 1)[0]
