"""Image of a cell by abTEM's multislice: the high fidelity beside the bright points.

HAADF: high-angle annular dark field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError


def scanned(asked: Mapping[str, Any]) -> dict[str, NDArray[np.generic]]:
    """Image of a cell, periodic along the beam and the interface.

    Parameters
    ----------
    asked
        ``cell`` (A: along the interface, upwards, along the beam), ``positions`` (A, same axes),
        ``numbers``, ``repeats`` (along the interface, along the beam), ``region`` (lowest and
        highest y that are scanned, A), ``step`` (A between positions), ``sampling`` (A, of the
        potential), ``slice`` (A), ``energy`` (eV), ``aperture``, ``inner``, ``outer`` (mrad).

    Returns
    -------
    ``image``, shape (1, rows, columns): rows from the highest y down, columns along x from 0; one
    period along the interface.
    """
    import abtem
    import ase

    positions, cell = np.asarray(asked["positions"], float), np.asarray(asked["cell"], float)
    low, high = asked["region"]
    if positions.ndim != 2 or not 0 <= low < high <= cell[1]:
        raise EngineError("bad_cell", "no atoms, or a region outside the cell")
    atoms = ase.Atoms(asked["numbers"], positions=positions, cell=cell, pbc=True)
    along, beam = asked["repeats"]
    atoms = atoms.repeat((along, 1, beam))
    potential = abtem.Potential(
        atoms, sampling=asked["sampling"], slice_thickness=asked["slice"], projection="infinite"
    )
    probe = abtem.Probe(energy=asked["energy"], semiangle_cutoff=asked["aperture"])
    probe.grid.match(potential)
    columns, rows = round(cell[0] / asked["step"]), round((high - low) / asked["step"])
    scan = abtem.GridScan(start=(0, low), end=(cell[0], high), gpts=(columns, rows), endpoint=False)
    detector = abtem.AnnularDetector(inner=asked["inner"], outer=asked["outer"])
    with abtem.config.set({"device": "cpu", "dask.lazy": False}):
        found: Any = probe.scan(potential, scan=scan, detectors=detector)
    image = np.asarray(found.array, np.float32).reshape(columns, rows)
    return {"image": image.T[None, ::-1].copy()}
