"""SevenNet: relaxed geometries without magnetic moments (optional, `make relaxers`).

SevenNet-0 is an equivariant graph neural network of energies, forces and stresses, trained on the
relaxations of the Materials Project (Park, Kim, Hwang, Han, J. Chem. Theory Comput. 20, 4857
(2024)). CHGNet was trained on the same relaxations: where both agree, the network is excluded as
the reason, the density functional behind them is not.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from defectra.core.errors import EngineError
from defectra.engines.relaxation import Clock, shaken, state
from defectra.engines.sevennet.settings import SevennetProtocol
from defectra.structures.geometry import as_row, to_pymatgen


def engine_version() -> str:
    """Version of the installed package, or an error that says how to get it."""
    try:
        return f"sevenn {version('sevenn')}"
    except PackageNotFoundError:
        raise EngineError(
            "engine_missing",
            "SevenNet is not installed: run `make relaxers`; without it the relaxed cells of the "
            "archive are used",
        ) from None


@lru_cache(maxsize=1)
def _calculator(model: str) -> Any:
    import torch
    from sevenn.calculator import SevenNetCalculator

    torch.set_num_threads(1)
    return SevenNetCalculator(model, device="cpu")


def relax(
    row: Mapping[str, Any], name: str, protocol: SevennetProtocol, start: Mapping[str, Any]
) -> dict[str, Any]:
    """Row without moments; see :class:`defectra.engines.relaxation.Relax`."""
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    release, clock = engine_version(), Clock()
    atoms = to_pymatgen(start).to_ase_atoms()
    atoms.positions += shaken(row, protocol)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atoms.calc = _calculator(protocol.model)
        moved = FrechetCellFilter(atoms) if protocol.relax_cell else atoms
        FIRE(moved, logfile=None).run(fmax=protocol.fmax, steps=protocol.steps)
        energy, forces = float(atoms.get_potential_energy()), atoms.get_forces()
    fmax = float(np.linalg.norm(forces, axis=1).max())
    return as_row(row, name, np.asarray(atoms.cell), atoms.get_scaled_positions(wrap=False)) | {
        "energy": energy,
        "engine_version": release,
        **state(fmax, protocol),
        **clock.accounting(),
    }
