"""CHGNet: relaxed geometries with magnetic moments (optional, `make engines`)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from defectra.core.errors import EngineError
from defectra.engines.chgnet.settings import ChgnetProtocol
from defectra.engines.relaxation import Clock, shaken, state
from defectra.structures.geometry import as_row, to_pymatgen
from defectra.structures.oxidation import assign

if TYPE_CHECKING:
    from chgnet.model import StructOptimizer


def engine_version() -> str:
    """Version of the installed package, or an error that says how to get it."""
    try:
        return f"chgnet {version('chgnet')}"
    except PackageNotFoundError:
        raise EngineError(
            "engine_missing",
            "CHGNet is not installed: run `make engines`; without it only the relaxed cells of the "
            "archive can be used",
        ) from None


@lru_cache(maxsize=1)
def _optimizer() -> StructOptimizer:
    import torch
    from chgnet.model import StructOptimizer

    torch.set_num_threads(1)
    return StructOptimizer(use_device="cpu")


def relax(
    row: Mapping[str, Any], name: str, protocol: ChgnetProtocol, start: Mapping[str, Any]
) -> dict[str, Any]:
    """Row with moments and oxidation states; see :class:`defectra.engines.relaxation.Relax`."""
    release, clock = engine_version(), Clock()
    structure = to_pymatgen(start)
    for index, move in enumerate(shaken(row, protocol)):
        structure.translate_sites([index], move, frac_coords=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = _optimizer().relax(
            structure,
            fmax=protocol.fmax,
            steps=protocol.steps,
            relax_cell=protocol.relax_cell,
            verbose=False,
        )
    final, path = result["final_structure"], result["trajectory"]
    moments = [float(m) for m in final.site_properties["magmom"]]
    fmax = float(np.linalg.norm(np.asarray(path.forces[-1]), axis=1).max())
    return as_row(row, name, final.lattice.matrix, final.frac_coords) | {
        "moments": moments,
        "oxidation": assign(row["species"], moments, row["charge"]),
        "energy": float(path.energies[-1]),
        "engine_version": release,
        **state(fmax, protocol),
        **clock.accounting(),
    }


def from_parent(row: Mapping[str, Any], parent: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Geometry of a delithiated row in the relaxed cell of its fully lithiated parent.

    Parameters
    ----------
    row
        Structures row; its ``family_sites`` say on which parent site each of its sites sits.
    parent
        Relaxed geometries row of the fully lithiated parent.
    """
    coords = np.array(parent["coords"]).reshape(-1, 3)[row["family_sites"]]
    moments = [parent["moments"][k] for k in row["family_sites"]] if parent["moments"] else []
    return as_row(row, name, np.array(parent["lattice"]), coords) | {
        "moments": moments,
        "engine_version": parent["engine_version"],
    }
