"""Particles that act on each other: the law between pairs from patterns, and its cut-off."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from defectra.engines.coherent import swarm
from defectra.engines.coherent.scattering import sphere_intensity
from defectra.studies.dynamics.fitting import Stage, fit
from defectra.studies.dynamics.flow import flow
from defectra.studies.dynamics.kernels import relative_difference
from defectra.studies.dynamics.laws import (
    CutPullProfile,
    FreeProfile,
    PullProfile,
    RadialLaw,
    close_pairs,
)
from defectra.studies.dynamics.likelihood import deviance
from defectra.studies.dynamics.patterns import SpherePatterns
from defectra.studies.dynamics.series import Series, detector_of
from defectra.studies.dynamics.settings import SwarmSystem

Floats = NDArray[np.float64]
STARTS = 3  # sets of first weights
ENDED = 2  # of them that are fitted to the end at most
MARGIN = 0.3  # length; how much nearer a pair may come than it was at the start


@dataclass(frozen=True)
class PairFit:
    """Law of one trajectory.

    Attributes
    ----------
    distance, speed
        Speed of a pair along its line, length/time, shape (k,) each.
    reach
        Cut-off that is read from the force, length; see :func:`read_reach`.
    inside
        Cut-off that was learned inside the network, length; NaN where there is none.
    deviance, cpu_s
        Mean of a pixel at the end; CPU seconds.
    """

    distance: Floats
    speed: Floats
    reach: float
    inside: float
    deviance: float
    cpu_s: float


def start_of(series: Series) -> Floats:
    """Places at the first pattern, which every fit takes as known; shape (n, 2)."""
    return series.scatterers


def make_law(kind: str, system: SwarmSystem, seed: int) -> RadialLaw:
    """Law to be learned.

    Parameters
    ----------
    kind
        ``pull``: the form of arXiv:2311.14196 with a free pull; ``free``: no form at all;
        ``cut``: as pull, times a cut-off whose reach is learned beside the network.
    """
    factor = (2 / system.box) ** 2
    profiles: dict[str, Callable[[], torch.nn.Module]] = {
        "pull": lambda: PullProfile(factor, seed),
        "free": lambda: FreeProfile(0.01, seed),
        "cut": lambda: CutPullProfile(factor, seed, system.first_guess),
    }
    return RadialLaw(profiles[kind](), system.range)


class _Scene:
    """Start, patterns and pairs of one trajectory."""

    def __init__(self, seen: Series, start: Floats, system: SwarmSystem) -> None:
        detector = detector_of(system.view, system.box)
        self.patterns = SpherePatterns(detector, system.radius)
        self.lit = torch.from_numpy(detector.open)
        self.counts = torch.from_numpy(seen.counts)[:, self.lit]
        self.begin, self.seen, self.system = torch.from_numpy(start), seen, system
        self.pairs = close_pairs(self.begin, system.range + MARGIN)

    def explained(self, law: RadialLaw) -> bool:
        """Whether a law explains the patterns of the last stage.

        Their deviance is at most 1.1 times that of counts drawn from the law's own patterns;
        without noise at most 1e-4 of that of particles at rest.
        """
        number = self.system.horizons[-1]
        counts = self.counts[1:number]
        with torch.no_grad():
            expected = self.expected(law, law.table(), number)
            found = float(deviance(expected, counts, self.seen.ideal).mean())
            if self.seen.ideal:
                rest = (self.patterns(self.begin[None])[:, self.lit] * self.seen.scale).expand_as(
                    counts
                )
                return found < 1e-4 * float(deviance(rest, counts, True).mean())
            drawn = torch.poisson(expected, torch.Generator().manual_seed(self.seen.trajectory))
            return found < 1.1 * float(deviance(expected, drawn).mean())

    def stages(self, law: RadialLaw) -> list[Stage]:
        """Stages of a fit with more and more patterns; the last has twice the iterations."""

        def loss(number: int) -> torch.Tensor:
            return self.loss(law, law.table(), number)

        *first, last = self.system.horizons
        asked = [(n, self.system.iterations) for n in first] + [(last, 2 * self.system.iterations)]
        return [
            Stage(f"{n} patterns", partial(loss, n), many, 1 / (int(self.lit.sum()) * (n - 1)))
            for n, many in asked
        ]

    def loss(self, law: RadialLaw, table: torch.Tensor, number: int) -> torch.Tensor:
        """Mean deviance of a pixel of the first patterns after the start."""
        expected = self.expected(law, table, number)
        return deviance(expected, self.counts[1:number], self.seen.ideal).mean()

    def expected(self, law: RadialLaw, table: torch.Tensor, number: int) -> torch.Tensor:
        """Counts that a law expects in the open pixels of these patterns."""
        states = flow(
            lambda place: law.velocity(place, table, self.pairs),
            self.begin,
            number,
            self.system.interval,
            1,
        )[1:]
        return self.patterns(states)[:, self.lit] * self.seen.scale


def fit_pairs(
    kind: str,
    seen: Series,
    start: Floats,
    system: SwarmSystem,
    seed: int,
    keep: Path | None = None,
) -> PairFit:
    """Law from the patterns of one trajectory; `kind` as of :func:`make_law`.

    The first stage is tried from :data:`STARTS` sets of weights, since some end where the pull is
    on the wrong branch: the speed ``g (1 - g / x)`` is the same for ``g`` and ``x - g``. The best
    goes on; if it does not explain the patterns in the end (:meth:`_Scene.explained`), so does the
    next.
    """
    scene = _Scene(seen, start, system)
    tried: list[tuple[float, RadialLaw]] = []
    seconds = 0.0
    for number in range(STARTS):
        law = make_law(kind, system, seed + 1000 * number)
        found = fit(law, scene.stages(law)[:1], _beside(keep, f"{number}-begun"))
        seconds += found.cpu_s
        tried.append((found.losses[-1], law))
    tried.sort(key=lambda t: t[0])
    ended: list[tuple[float, RadialLaw]] = []
    for number, (begun, law) in enumerate(tried[:ENDED]):
        found = fit(law, scene.stages(law)[1:], _beside(keep, f"{number}-ended"))
        seconds += found.cpu_s
        ended.append((found.losses[-1] if found.losses else begun, law))
        if scene.explained(law):
            break
    loss, law = min(ended, key=lambda t: t[0])
    return _pair_fit(law, loss, seconds, start, system)


def _beside(keep: Path | None, ending: str) -> Path | None:
    return keep.with_name(f"{keep.name}-{ending}") if keep else None


def _pair_fit(
    law: RadialLaw, loss: float, seconds: float, start: Floats, system: SwarmSystem
) -> PairFit:
    distance = law.grid.numpy()[:-1]
    with torch.no_grad():
        speed = law.table().numpy()[:-1].copy()
    profile = law.profile
    inside = float(profile.reach.detach()) if isinstance(profile, CutPullProfile) else math.nan
    reach = read_reach(distance, speed, pair_weights(start, distance, system), system)
    return PairFit(distance, speed, reach, inside, loss, seconds)


def fit_reach(seen: Series, start: Floats, system: SwarmSystem) -> float:
    """Cut-off of the family of the true law from the patterns: one number, no network."""
    scene, law = _Scene(seen, start, system), make_law("pull", system, 0)
    grid = law.grid.numpy()

    def loss(reach: float) -> float:
        table = torch.from_numpy(swarm.speed(grid, reach, system.box))
        with torch.no_grad():
            return float(scene.loss(law, table, system.horizons[0]))

    found = minimize_scalar(loss, bounds=(0.4, 1.1), method="bounded", options={"xatol": 1e-4})
    return float(found.x)


def pair_weights(start: Floats, distance: Floats, system: SwarmSystem) -> Floats:
    """Pairs at each distance of the grid, shape (k,)."""
    away = np.sqrt(((start[:, None] - start[None]) ** 2).sum(-1))[np.triu_indices(len(start), 1)]
    counts, _ = np.histogram(away, bins=len(distance), range=(0, system.range))
    return counts.astype(float)


def read_reach(distance: Floats, speed: Floats, weights: Floats, system: SwarmSystem) -> float:
    """Cut-off of the member of the true family that is nearest to a learned force, by pairs.

    The force itself is below 1e-3 of its largest value from 0.8 of the cut-off on: no data show
    where it ends, only the family shows.
    """

    def misfit(reach: float) -> float:
        true = swarm.speed(distance, reach, system.box)
        return float((weights * (speed - true) ** 2).sum())

    found = minimize_scalar(misfit, bounds=(0.4, 1.1), method="bounded", options={"xatol": 1e-5})
    return float(found.x)


def profile_error(found: PairFit, weights: Floats, system: SwarmSystem) -> float:
    """Root of the mean square error of the speed over that of the speed, weighted by pairs."""
    true = swarm.speed(found.distance, system.reach, system.box)
    return float(np.sqrt((weights * (found.speed - true) ** 2).sum() / (weights * true**2).sum()))


def forecast_error(speed: Floats, series: Series, system: SwarmSystem) -> tuple[float, float]:
    """Relative difference of the last pattern, predicted by a law and by the first pattern.

    Parameters
    ----------
    speed
        Of the law, on the grid of :class:`RadialLaw`.
    """
    law = make_law("pull", system, 0)
    table = torch.from_numpy(np.append(speed, 0.0))
    begin = torch.from_numpy(start_of(series))
    pairs = close_pairs(begin, system.range + MARGIN)
    with torch.no_grad():
        states = flow(
            lambda place: law.velocity(place, table, pairs),
            begin,
            system.patterns,
            system.interval,
            1,
        ).numpy()
    detector = detector_of(system.view, system.box)
    true = series.state[-1].reshape(1, -1, 2)
    seen = np.concatenate([states[-1:], states[:1]])
    wanted = sphere_intensity(detector, true, system.radius)
    found = relative_difference(sphere_intensity(detector, seen, system.radius), wanted)
    return float(found[0]), float(found[1])
