"""A sample moved as a whole: places, networks by multiple shooting, ablation, ambiguities.

The first trajectory is held out: laws are learned from the others, and judged over a long path
from its start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from defectra.core.claims import NAN, Estimate
from defectra.core.errors import TableError
from defectra.studies.dynamics import planes
from defectra.studies.dynamics.laws import Committee
from defectra.studies.dynamics.learn_names import (
    AT_ONCE,
    DIRECT,
    GROWING,
    LINEAR,
    PLANE,
    RATES,
    REGISTERED,
    SHOOTING,
    TWIN,
)
from defectra.studies.dynamics.rows import Metric, Row, fit_row, of_resamples, score
from defectra.studies.dynamics.saved_laws import SavedField
from defectra.studies.dynamics.series import Series, detector_of, photons_per_pattern
from defectra.studies.dynamics.settings import DynamicsStudy, PlanarSystem

Floats = NDArray[np.float64]
STEP = 0.1  # time, of the paths that are judged
NODES, MARGIN = 41, 0.3  # of the grid on which rates are kept; of the known places, on each side
SQUARED = ("radius",)  # parameters whose sign has no effect on the law
FEWER = 3  # networks at the counts of photons that are not judged


def learn(
    name: str,
    found: Sequence[tuple[str, list[Series]]],
    study: DynamicsStudy,
    seed: int,
    keep: Path,
) -> tuple[list[Mapping[str, Any]], list[Row]]:
    """Fits and scores of ``source`` or ``scan``; see :func:`.learn_kuramoto.learn`."""
    system: PlanarSystem = getattr(study, name)
    start = _start(found[0][1])
    true = planes.true_path(start, system, name, STEP)
    if np.isnan(planes.cycles(true, STEP, system.periods).period):
        raise TableError(
            f"{name}: the true path has not {system.periods} whole periods in a time of "
            f"{system.judged:g}: raise dynamics.{name}.judged"
        )
    fits: list[Mapping[str, Any]] = [fit_row(name, "truth", "none", true[::5], x=[STEP * 5])]
    scores: list[Row] = []
    for protocol, series in found:
        main = protocol == study.main
        scenes = [planes.Scene(s, system) for s in series]
        known = [
            planes.places(s, planes.registered(c), name)
            for s, c in zip(series, scenes, strict=True)
        ]
        scores += [*_place_scores(name, protocol, series, known)]
        scores += [*_direct(name, protocol, known, system)]
        pool, number = known[1:], system.refits if main else FEWER
        members = _members(pool, system, number, seed, keep / protocol)
        path = planes.long_path(Committee(members), start, system.judged, STEP)
        ids = [s.calculation_id for s in series[1:]]
        fits.append(fit_row(name, SHOOTING, protocol, path[::5], x=[STEP * 5], ids=ids))
        scores += [*_path_scores(name, protocol, members, len(pool), start, true, system)]
        if main:
            fits.append(_rates(name, protocol, members, pool))
            scores += [*_linear(name, protocol, pool, start, true, system)]
            scores += [*_ablation(name, protocol, scenes[1:], start, true, system, seed)]
        if main and name == "source":
            scores += [*_ambiguities(protocol, series, system)]
    return fits, scores


def _rates(
    name: str, protocol: str, members: Sequence[torch.nn.Module], known: Sequence[Floats]
) -> Mapping[str, Any]:
    """Mean rate of the networks on a grid about the known places: x and y by turns."""
    every = np.concatenate(known)
    room = MARGIN * (every.max(0) - every.min(0))
    low, high = every.min(0) - room, every.max(0) + room
    axes = [np.linspace(a, b, NODES) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    with torch.no_grad():
        rate = Committee(members)(torch.from_numpy(grid)).numpy()
    return fit_row(name, RATES, protocol, rate, x=np.concatenate(axes))


def field_of(name: str, fits: Sequence[Mapping[str, Any]], study: DynamicsStudy) -> SavedField:
    """Mean law of the networks at the fidelity that is judged, to be kept."""
    own = next(f for f in fits if (f["model"], f["protocol"]) == (RATES, study.main))
    system: PlanarSystem = getattr(study, name)
    axis_x, axis_y = np.reshape(np.asarray(own["x"], float), (2, NODES))
    rate = np.reshape(np.asarray(own["values"], float), (NODES, NODES, 2))
    return SavedField(
        axis_x,
        axis_y,
        np.ascontiguousarray(rate.transpose(2, 0, 1)),
        1.0 if name == "source" else -1.0,
        system.radius,
        system.box,
        detector_of(system.view, system.box),
        system.interval,
    )


def _start(series: Sequence[Series]) -> Floats:
    """Known place from which the long path goes: that of the first trajectory, held out."""
    return series[0].state[0]


def _place_scores(
    name: str, protocol: str, series: Sequence[Series], known: Sequence[Floats]
) -> Iterator[Row]:
    errors = [
        float(np.sqrt(((k - s.state)[1:] ** 2).sum(1).mean()))
        for s, k in zip(series, known, strict=True)
    ]
    yield score(name, REGISTERED, Metric.PLACE, Estimate.mean(errors), protocol, unit="length")
    photons = Estimate.exact(photons_per_pattern(series), len(series))
    yield score(name, REGISTERED, Metric.PHOTONS, photons, protocol)


def _direct(
    name: str, protocol: str, known: Sequence[Floats], system: PlanarSystem
) -> Iterator[Row]:
    """Parameters of the true family of each trajectory: no network."""
    every = [planes.fit_family([k], system, name) for k in known]
    for parameter in system.law:
        found = [abs(f[parameter]) if parameter in SQUARED else f[parameter] for f in every]
        value = Estimate.mean(found)
        yield score(name, DIRECT, Metric.PARAMETER, value, protocol, subset=parameter)


def _members(
    known: Sequence[Floats], system: PlanarSystem, number: int, seed: int, keep: Path
) -> list[torch.nn.Module]:
    """Networks, each with its own first weights and resampled trajectories."""
    members: list[torch.nn.Module] = []
    for k in range(number):
        draw = np.random.default_rng([seed, k])
        chosen = [known[i] for i in draw.integers(0, len(known), len(known))]
        members.append(planes.fit_places(chosen, system, seed + k, keep.with_name(
            f"{keep.name}-{k}")).law)  # fmt: skip
    return members


def _departures(path: Floats, true: Floats, system: PlanarSystem) -> tuple[float, float]:
    """Relative errors of the period and, the larger one of x and y, of the extent."""
    a, b = (planes.cycles(p, STEP, system.periods) for p in (path, true))
    return a.period / b.period - 1, float(np.abs(a.extent / b.extent - 1).max())


def _path_scores(
    name: str,
    protocol: str,
    members: Sequence[torch.nn.Module],
    drawn: int,
    start: Floats,
    true: Floats,
    system: PlanarSystem,
) -> Iterator[Row]:
    """The mean of the networks over many periods, each of them learnt from `drawn` trajectories."""

    def judge(chosen: Sequence[torch.nn.Module]) -> tuple[float, float]:
        path = planes.long_path(Committee(chosen), start, system.judged, STEP)
        return _departures(path, true, system)

    whole, single = judge(members), [judge([m]) for m in members]
    subset = f"{system.periods} periods"
    for k, (metric, least) in enumerate(((Metric.PERIOD, -1.0), (Metric.EXTENT, 0.0))):
        value = of_resamples(whole[k], [found[k] for found in single], drawn, least)
        yield score(name, SHOOTING, metric, value, protocol, subset=subset)
    yield _complete(name, SHOOTING, protocol, single, subset)


def _complete(
    name: str, model: str, protocol: str, found: Sequence[tuple[float, float]], subset: str
) -> Row:
    """Share of single networks that keep period and extent within a tenth."""
    good = [abs(p) <= 0.1 and e <= 0.1 for p, e in found]
    value = Estimate(float(np.mean(good)), NAN, NAN, len(good))
    return score(name, model, Metric.COMPLETE, value, protocol, subset=subset)


def _linear(
    name: str,
    protocol: str,
    known: Sequence[Floats],
    start: Floats,
    true: Floats,
    system: PlanarSystem,
) -> Iterator[Row]:
    ahead = planes.fit_linear(known)(start, round(system.judged / system.interval))
    times = STEP * np.arange(len(true))
    coarse = system.interval * np.arange(len(ahead))
    path = np.column_stack([np.interp(times, coarse, ahead[:, k]) for k in (0, 1)])
    found = _departures(path, true, system)
    subset = f"{system.periods} periods"
    for metric, value in zip((Metric.PERIOD, Metric.EXTENT), found, strict=True):
        whole = Estimate(value, NAN, NAN, len(known))
        yield score(name, LINEAR, metric, whole, protocol, subset=subset)


def _ablation(
    name: str,
    protocol: str,
    scenes: Sequence[planes.Scene],
    start: Floats,
    true: Floats,
    system: PlanarSystem,
    seed: int,
) -> Iterator[Row]:
    """The network on patterns alone: with the whole horizon at once, and with a growing one."""
    whole = system.patterns
    plans = {AT_ONCE: [whole], GROWING: [2, 3, (whole + 1) // 2, whole]}
    for model, horizons in plans.items():
        found = []
        for k in range(FEWER):
            law = planes.fit_patterns(
                scenes[:FEWER], name, horizons, system.ablation // len(horizons), seed + k
            ).law
            path = planes.long_path(law, start, system.judged, STEP)
            found.append(_departures(path, true, system))
        yield _complete(name, model, protocol, found, f"{system.periods} periods")


def _ambiguities(protocol: str, series: Sequence[Series], system: PlanarSystem) -> Iterator[Row]:
    """What patterns do not tell: the sample from its twin image; its place under a plane wave."""
    slopes, spreads = [], []
    for s in series:
        twin = planes.registered(planes.Scene(s, system, -s.scatterers))
        moved = s.state[: len(twin)] - s.state[0]
        slopes.append(float((twin * moved).sum() / (moved**2).sum()))
        spreads.append(_plane_wave_spread(s, system))
    yield score("source", TWIN, Metric.SLOPE, Estimate.mean(slopes), protocol)
    yield score("source", PLANE, Metric.SPREAD, Estimate.mean(spreads), protocol)


def _plane_wave_spread(series: Series, system: PlanarSystem) -> float:
    """Largest change of a pattern over displacements under a plane wave, relative to its sum."""
    view = system.view.model_copy(update={"probe": 1e6})
    scene = planes.Scene(replace(series, scale=1.0), system.model_copy(update={"view": view}))
    axis = torch.linspace(-0.5, 0.5, 5, dtype=torch.float64)
    found = scene.expected(torch.cartesian_prod(axis, axis))
    return float(((found - found[0]).abs().sum(1) / found[0].sum()).max())
