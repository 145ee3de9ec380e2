"""A sample that is moved as a whole: its place from each pattern, then the law of the places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares

from defectra.engines.coherent import planar
from defectra.studies.dynamics.fitting import Stage, fit
from defectra.studies.dynamics.flow import Law, flow
from defectra.studies.dynamics.laws import PlanarLaw
from defectra.studies.dynamics.likelihood import deviance
from defectra.studies.dynamics.patterns import SpherePatterns
from defectra.studies.dynamics.series import Series, detector_of
from defectra.studies.dynamics.settings import PlanarSystem

Floats = NDArray[np.float64]
DECAY = 1e-6  # of the squared weights, beside a loss near 0.002
HUBER = 0.05  # length; a place farther off pulls no more than one that far off


class Scene:
    """Scatterers and patterns of one trajectory."""

    def __init__(
        self, seen: Series, system: PlanarSystem, scatterers: Floats | None = None
    ) -> None:
        detector = detector_of(system.view, system.box)
        self.patterns = SpherePatterns(detector, system.radius)
        self.lit = torch.from_numpy(detector.open)
        self.counts = torch.from_numpy(seen.counts)[:, self.lit]
        known = seen.scatterers if scatterers is None else scatterers
        self.scatterers, self.seen, self.system = torch.from_numpy(known), seen, system

    def expected(self, moved: torch.Tensor) -> torch.Tensor:
        """Counts of the open pixels, shape (k, p), of displacements of the sample, (k, 2)."""
        return self.patterns(self.scatterers + moved[:, None])[:, self.lit] * self.seen.scale

    def deviance(self, moved: torch.Tensor, times: slice = slice(None)) -> torch.Tensor:
        """Mean deviance of a pixel of some patterns at their displacements."""
        return deviance(self.expected(moved), self.counts[times], self.seen.ideal).mean()


def registered(scene: Scene, step: float = 0.1) -> Floats:
    """Displacement of the sample in each pattern, by search on a grid and refinement; (t, 2).

    Each pattern is taken alone: no law, no neighbour in time.
    """
    reach = scene.system.search
    axis = torch.arange(-reach, reach + step / 2, step, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    best = torch.full((len(scene.counts),), torch.inf, dtype=torch.float64)
    place = torch.zeros(len(scene.counts), 2, dtype=torch.float64)
    with torch.no_grad():
        for part in grid.split(64):
            expected = scene.expected(part)
            cost = expected.sum(1)[:, None] - torch.log(expected + 1e-12) @ scene.counts.T
            value, index = cost.min(0)
            better = value < best
            best[better], place[better] = value[better], part[index[better]]
    kept = torch.nn.ParameterList([place])
    fit(kept, [Stage("places", lambda: scene.deviance(kept[0]), 40)])
    result: Floats = kept[0].detach().numpy().copy()
    return result


def places(series: Series, moved: Floats, system_name: str) -> Floats:
    """Places of source or probe, shape (t, 2), from displacements of the sample.

    The first place is known, and displacements are counted from it: what is measured of the first
    pattern is noise. The probe moves against the sample.
    """
    sign = 1.0 if system_name == "source" else -1.0
    found: Floats = series.state[0] + sign * moved
    found[0] = series.state[0]
    return found


@dataclass(frozen=True)
class PlaneFit:
    """A learned law and its loss; CPU seconds."""

    law: PlanarLaw
    loss: float
    cpu_s: float


def fit_places(
    known: Sequence[Floats], system: PlanarSystem, seed: int, keep: Path | None = None
) -> PlaneFit:
    """Network from places by multiple shooting: every place starts shots of growing length.

    Parameters
    ----------
    known
        Places of each trajectory, shape (t, 2), the first of each exact.
    """
    every = torch.from_numpy(np.stack(known))
    middle, spread = every.mean((0, 1)), float(every.std())
    law = PlanarLaw(middle, spread, seed)

    def loss(number: int) -> torch.Tensor:
        return shots_loss(law, every, number, system) + DECAY * law.size()

    stages = [Stage(f"shots of {n}", partial(loss, n), system.iterations) for n in system.shots]
    found = fit(law, stages, keep)
    return PlaneFit(law, found.losses[-1], found.cpu_s)


def shots_loss(law: Law, every: torch.Tensor, number: int, system: PlanarSystem) -> torch.Tensor:
    """Mean Huber loss, in units of its width squared, of shots over `number` intervals."""
    away = shots_residuals(law, every, number, system)
    return torch.nn.functional.huber_loss(away, torch.zeros_like(away), delta=1.0)


def shots_residuals(
    law: Law, every: torch.Tensor, number: int, system: PlanarSystem
) -> torch.Tensor:
    """Places of shots from every known place less the known ones, in units of :data:`HUBER`.

    Parameters
    ----------
    every
        Known places, shape (trajectories, t, 2).
    number
        Intervals of a shot.
    """
    last = every.shape[1] - number
    start = every[:, :last].reshape(-1, 2)
    states = flow(law, start, number + 1, system.interval, system.substeps)[1:]
    wanted = torch.stack([every[:, k : k + last].reshape(-1, 2) for k in range(1, number + 1)])
    return (states - wanted) / HUBER


def fit_patterns(
    scenes: Sequence[Scene],
    system_name: str,
    horizons: Sequence[int],
    iterations: int,
    seed: int,
    law: PlanarLaw | None = None,
) -> PlaneFit:
    """Network from the patterns themselves, over horizons from the known start.

    Parameters
    ----------
    law
        One to go on from; None: a new one.
    """
    system = scenes[0].system
    start = torch.from_numpy(np.stack([s.seen.state[0] for s in scenes]))
    sign = 1.0 if system_name == "source" else -1.0
    module = law or PlanarLaw(start.mean(0), 0.5, seed)

    def loss(number: int) -> torch.Tensor:
        states = flow(module, start, number, system.interval, system.substeps)
        moved = sign * (states - start)[1:]
        parts = [s.deviance(moved[:, k], slice(1, number)) for k, s in enumerate(scenes)]
        return torch.stack(parts).mean()

    stages = [Stage(f"{n} patterns", partial(loss, n), iterations) for n in horizons]
    found = fit(module, stages)
    return PlaneFit(module, found.losses[-1], found.cpu_s)


def fit_family(known: Sequence[Floats], system: PlanarSystem, system_name: str) -> dict[str, float]:
    """Parameters of the true family from places: no network.

    From place to place first, then along the whole trajectory from its known start.
    """
    every = torch.from_numpy(np.stack(known))
    names, form = list(system.law), planar.LAWS[system_name]
    values = np.full(len(names), 0.4)
    for number in (1, every.shape[1] - 1):

        def residuals(values: Floats, number: int = number) -> Floats:
            numbers = dict(zip(names, values, strict=True))
            law = _bounded(lambda p: form(p, **numbers))
            return shots_residuals(law, every, number, system).numpy().ravel()

        values = least_squares(residuals, values, loss="soft_l1").x
    return dict(zip(names, map(float, values), strict=True))


def _bounded(law: Callable[[Floats], Floats]) -> Law:
    """Law of arrays for tensors; places and rates that run away are held."""

    def bounded(state: torch.Tensor) -> torch.Tensor:
        with np.errstate(all="ignore"):
            rate = law(np.clip(np.nan_to_num(state.numpy()), -10, 10))
        return torch.from_numpy(np.clip(np.nan_to_num(rate), -100, 100))

    return bounded


def fit_linear(known: Sequence[Floats]) -> Callable[[Floats, int], Floats]:
    """Best linear step with a constant from place to place: dynamic mode decomposition.

    Returns
    -------
    Function of a start (2,) and a number of steps that gives places (steps + 1, 2).
    """
    first = np.concatenate([k[:-1] for k in known])
    second = np.concatenate([k[1:] for k in known])
    padded = np.column_stack([first, np.ones(len(first))])
    matrix, *_ = np.linalg.lstsq(padded, second, rcond=None)

    def ahead(start: Floats, steps: int) -> Floats:
        found = [start]
        for _ in range(steps):
            found.append(np.append(found[-1], 1.0) @ matrix)
        return np.array(found)

    return ahead


def long_path(law: Law, start: Floats, duration: float, step: float = 0.05) -> Floats:
    """Places of a law over a long time, shape (t, 2), every `step`."""
    number = round(duration / step) + 1
    with torch.no_grad():
        found = flow(law, torch.from_numpy(start), number, step, 1).numpy()
    return np.clip(np.nan_to_num(found, nan=1e3), -1e3, 1e3)


def true_path(start: Floats, system: PlanarSystem, system_name: str, step: float = 0.05) -> Floats:
    """The same of the true law."""
    times = np.asarray(step * np.arange(round(system.judged / step) + 1), np.float64)
    form = planar.LAWS[system_name]
    return planar.trajectory(start, lambda p: form(p, **system.law), times, 1e-10)


@dataclass(frozen=True)
class Cycles:
    """Mean period, and extent of x and y in the last period; NaN without as many periods."""

    period: float
    extent: Floats


def cycles(path: Floats, step: float, number: int) -> Cycles:
    """First `number` periods of a path, by upward crossings of x through its middle."""
    x = path[:, 0] - (path[:, 0].max() + path[:, 0].min()) / 2
    up = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
    if len(up) <= number:
        return Cycles(float("nan"), np.full(2, np.nan))
    place = up + x[up] / (x[up] - x[up + 1])
    last = path[up[number - 1] : up[number] + 2]
    period = float((place[number] - place[0]) * step / number)
    return Cycles(period, last.max(axis=0) - last.min(axis=0))
