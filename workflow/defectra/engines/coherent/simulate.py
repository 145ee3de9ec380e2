"""A moving sample and its patterns: trajectory, intensities, counts, from one plain input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.engines.coherent import kuramoto, planar, swarm
from defectra.engines.coherent.scattering import (
    Detector,
    counted,
    grid_axis,
    grid_intensity,
    sphere_intensity,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """What moves and what is seen of it.

    Attributes
    ----------
    state
        Shape (T, v): angles of a grid row by row, places of particles (x, y of each), or the place
        of the source or probe.
    scatterers
        Places at the first time, shape (n, 2), length.
    intensity
        Of the observed times, shape (t, m, m).
    """

    state: Floats
    scatterers: Floats
    intensity: Floats


def simulate(asked: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Arrays of one series, see ``engine.py``.

    Parameters
    ----------
    asked
        ``system``, ``law`` (its parameters), ``number`` (side of the grid, or particles),
        ``radius`` of the spheres, ``detector`` (fields of :class:`Detector`), ``times``: the
        observed ones, rising from 0 or later (the random start is at 0); ``later``: further ones of
        which only the state is given; ``photons``, ``tolerance``, ``seed``.

    Raises
    ------
    EngineError
        ``no_trajectory`` if the integrator gives up; ``unknown_system``.
    """
    motion = _motion(json.dumps({k: v for k, v in asked.items() if k != "photons"}))
    noise = np.random.default_rng(np.random.SeedSequence(asked["seed"]).spawn(2)[1])
    counts, scale = counted(motion.intensity, asked["photons"], noise)
    return {
        "counts": counts.astype(np.float32),
        "state": motion.state,
        "scatterers": motion.scatterers,
        "scale": np.array([scale]),
    }


@lru_cache(maxsize=1)
def _motion(text: str) -> Motion:
    """Motion of an input without its photons: the fidelities of a trajectory share it."""
    asked = json.loads(text)
    systems = {"kuramoto": _kuramoto, "swarm": _swarm, "source": _planar, "scan": _planar}
    if asked["system"] not in systems:
        known = ", ".join(systems)
        raise EngineError("unknown_system", f"no system {asked['system']!r}; there are {known}")
    draw = np.random.default_rng(np.random.SeedSequence(asked["seed"]).spawn(2)[0])
    wanted = [*asked["times"], *asked["later"]]
    path = np.array(wanted if wanted[0] == 0 else [0.0, *wanted])
    try:
        return systems[asked["system"]](asked, path, draw)
    except RuntimeError as error:
        raise EngineError("no_trajectory", f"{asked['system']}: {error}") from None


def _kuramoto(asked: Mapping[str, Any], path: Floats, draw: np.random.Generator) -> Motion:
    """Random angles, then the law; seen is the cosine of the angle (magnetic channel)."""
    detector, number = Detector(**asked["detector"]), int(asked["number"])
    kernel = kuramoto.log_kernel(**asked["law"])
    start = draw.uniform(0, 2 * np.pi, (number, number))
    theta = _wanted(kuramoto.trajectory(start, kernel, path, asked["tolerance"]), asked)
    seen = theta[: len(asked["times"])]
    axis = grid_axis(number, detector.box)
    places = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return Motion(theta.reshape(len(theta), -1), places, grid_intensity(detector, np.cos(seen)))


def _swarm(asked: Mapping[str, Any], path: Floats, draw: np.random.Generator) -> Motion:
    detector, number = Detector(**asked["detector"]), int(asked["number"])
    box = detector.box
    start = draw.uniform(-box / 2, box / 2, (number, 2))
    reach = asked["law"]["reach"]
    places = _wanted(swarm.trajectory(start, reach, box, path, asked["tolerance"]), asked)
    seen = places[: len(asked["times"])]
    found = sphere_intensity(detector, seen, asked["radius"])
    return Motion(places.reshape(len(places), -1), places[0], found)


def _planar(asked: Mapping[str, Any], path: Floats, draw: np.random.Generator) -> Motion:
    """Fixed spheres that are moved as a whole.

    Source: the state is (1, 1) plus the mean place of the spheres. Scan: it is the place of the
    probe, drawn within `spread` of the middle.
    """
    detector, number = Detector(**asked["detector"]), int(asked["number"])
    box = detector.box
    spheres = draw.uniform(-box / 2, box / 2, (number, 2))
    source = asked["system"] == "source"
    start = spheres.mean(axis=0) + 1 if source else draw.uniform(-0.2, 0.2, 2) * box
    law = partial(planar.LAWS[asked["system"]], **asked["law"])
    state = _wanted(planar.trajectory(start, law, path, asked["tolerance"]), asked)
    seen = state[: len(asked["times"])]
    moved = spheres + (seen - start)[:, None] if source else spheres - seen[:, None]
    found = sphere_intensity(detector, moved, asked["radius"])
    return Motion(state, moved[0], found)


def _wanted(states: Floats, asked: Mapping[str, Any]) -> Floats:
    """States of the times that were asked for, without the start if that is none of them."""
    return states[-(len(asked["times"]) + len(asked["later"])) :]
