"""Diffraction patterns of a convergent beam at many places, by abTEM."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.engines.abtem.samples import build

Floats = NDArray[np.float64]


def simulate(asked: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Arrays of one scan, see ``engine.py``.

    Parameters
    ----------
    asked
        ``sample`` (of :func:`defectra.engines.abtem.samples.build`), ``places`` of the probe (Å,
        from the corner of the cell), ``energy`` (keV), ``aperture`` and ``detector`` (mrad),
        fields of the protocol, ``seed``.

    Raises
    ------
    EngineError
        ``unknown_sample``, ``relaxation_failed``, ``outside`` for a place out of the cell.
    """
    kept = {k: v for k, v in asked.items() if k != "dose"}
    perfect, step, atoms = _scan(json.dumps(kept, sort_keys=True))
    patterns = perfect
    if asked["dose"] is not None:
        draw = np.random.default_rng(asked["seed"])
        patterns = draw.poisson(perfect * asked["dose"]).astype(np.float32)
    return {
        "patterns": patterns,
        "places": np.array(asked["places"], float),
        "atoms": atoms,
        "step": step,
    }


@lru_cache(maxsize=1)
def _scan(text: str) -> tuple[NDArray[np.float32], Floats, Floats]:
    """Noise-free patterns (n, k_y, k_x), steps (mrad; y, x), atoms (x, y, z, Z): doses share it."""
    asked = json.loads(text)
    places, numbers, edges = build(asked["sample"])
    where = np.array(asked["places"], float)
    if (where < 0).any() or (where > edges[:2]).any():
        raise EngineError("outside", "a place of the probe lies outside the cell")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _measured(asked, places, numbers, edges, where)
    patterns = np.asarray(found.array, np.float32)
    step = np.array([float(s) for s in found.angular_sampling])
    atoms = np.column_stack([places, numbers])
    return np.ascontiguousarray(patterns.transpose(0, 2, 1)), step[::-1].copy(), atoms


def _measured(
    asked: Mapping[str, Any],
    places: Floats,
    numbers: NDArray[np.int64],
    edges: Floats,
    where: Floats,
) -> Any:
    import abtem
    from ase import Atoms

    atoms: Any = Atoms(numbers, places, cell=edges, pbc=True)
    if asked["phonons"]:
        atoms = abtem.FrozenPhonons(
            atoms, num_configs=asked["phonons"], sigmas=asked["displacement"], seed=asked["seed"]
        )
    whole = asked["method"] == "phase_object"
    potential = abtem.Potential(
        atoms,
        sampling=asked["sampling"],
        slice_thickness=float(edges[2]) if whole else asked["slice_thickness"],
        projection="infinite",
    )
    probe = abtem.Probe(energy=1e3 * asked["energy"], semiangle_cutoff=asked["aperture"])
    probe.grid.match(potential)
    detector = abtem.PixelatedDetector(max_angle=asked["detector"])
    scan = abtem.CustomScan(where)
    found: Any = probe.scan(potential, scan=scan, detectors=detector, lazy=False)
    return found.mean(0) if found.array.ndim == 4 else found


def centre_of_mass(patterns: Floats, step: Floats) -> Floats:
    """Mean deflection of each pattern, (x, y) in mrad, shape (n, 2); NaN without electrons.

    Parameters
    ----------
    patterns
        Shape (n, k_y, k_x), the undiffracted beam in pixel ``size // 2``.
    step
        Of the pixels, mrad, (y, x).
    """
    total = patterns.sum((1, 2))
    y, x = (
        (np.arange(size) - size // 2) * s for size, s in zip(patterns.shape[1:], step, strict=True)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_x = (patterns.sum(1) * x).sum(1) / total
        mean_y = (patterns.sum(2) * y).sum(1) / total
    result: Floats = np.column_stack([mean_x, mean_y])
    return result
