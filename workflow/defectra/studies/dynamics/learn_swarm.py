"""The swarm: the law between pairs at every count of photons, and ways to its cut-off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.claims import Estimate
from defectra.engines.coherent import swarm
from defectra.studies.dynamics.learn_names import CUT, FIRST_STAYS, FREE, ONE, PULL
from defectra.studies.dynamics.pairs import (
    PairFit,
    fit_pairs,
    fit_reach,
    forecast_error,
    pair_weights,
    profile_error,
    start_of,
)
from defectra.studies.dynamics.rows import Metric, Row, fit_row, score
from defectra.studies.dynamics.saved_laws import SavedPairs
from defectra.studies.dynamics.series import Series, detector_of, photons_per_pattern
from defectra.studies.dynamics.settings import DynamicsStudy, SwarmSystem

TARGET = "swarm"
NETWORKS = {"pull": PULL, "cut": CUT, "free": FREE}


def learn(
    found: Sequence[tuple[str, list[Series]]], study: DynamicsStudy, seed: int, keep: Path
) -> tuple[list[Mapping[str, Any]], list[Row]]:
    """Fits and scores of the swarm; see :func:`.learn_kuramoto.learn`."""
    system, fits, scores = study.swarm, [], []
    for protocol, every in found:
        series = every if protocol == study.main else every[: system.fewer]
        for kind, model in NETWORKS.items():
            if kind != "pull" and protocol != study.main:
                continue
            own = [
                fit_pairs(
                    kind, s, start_of(s), system, seed + s.trajectory,
                    keep / f"{protocol}-{kind}-{s.trajectory}",
                )
                for s in series
            ]  # fmt: skip
            fits += [*_fit_rows(model, protocol, series, own, seed)]
            scores += [*_scores(model, protocol, series, own, system)]
            if protocol == study.main and kind == "pull":
                scores += [*_forecasts(model, protocol, series, own, system)]
        reach = Estimate.mean(fit_reach(s, start_of(s), system) for s in series)
        scores.append(score(TARGET, ONE, Metric.CUT_OFF, reach, protocol, unit="length"))
        photons = Estimate.exact(photons_per_pattern(series), len(series))
        scores.append(score(TARGET, ONE, Metric.PHOTONS, photons, protocol))
    grid = np.asarray(fits[0]["x"])
    true = swarm.speed(grid, system.reach, system.box)
    return [fit_row(TARGET, "truth", "none", true, x=grid), *fits], scores


def mean_law(fits: Sequence[Mapping[str, Any]], study: DynamicsStudy) -> SavedPairs:
    """Mean law of all trajectories at the fidelity that is judged, to be kept."""
    own = [f for f in fits if (f["model"], f["protocol"]) == (PULL, study.main)]
    system = study.swarm
    return SavedPairs(
        np.asarray(own[0]["x"], float),
        np.mean([f["values"] for f in own], axis=0),
        system.radius,
        system.box,
        detector_of(system.view, system.box),
        system.interval,
    )


def _fit_rows(
    model: str, protocol: str, series: Sequence[Series], own: Sequence[PairFit], seed: int
) -> Iterator[Mapping[str, Any]]:
    for s, f in zip(series, own, strict=True):
        yield fit_row(
            TARGET, model, protocol, f.speed, trajectory=s.trajectory, seed=seed + s.trajectory,
            x=f.distance, loss=f.deviance, cpu_s=f.cpu_s, ids=[s.calculation_id],
        )  # fmt: skip


def _scores(
    model: str,
    protocol: str,
    series: Sequence[Series],
    own: Sequence[PairFit],
    system: SwarmSystem,
) -> Iterator[Row]:
    reach = Estimate.mean(f.reach for f in own)
    yield score(TARGET, model, Metric.CUT_OFF, reach, protocol, unit="length")
    if model == CUT:
        inside = Estimate.mean(f.inside for f in own)
        yield score(TARGET, model, Metric.INSIDE, inside, protocol, unit="length")
    errors = (
        profile_error(f, pair_weights(start_of(s), f.distance, system), system)
        for s, f in zip(series, own, strict=True)
    )
    yield score(TARGET, model, Metric.PROFILE, Estimate.mean(errors), protocol)
    yield score(TARGET, model, Metric.DEVIANCE, Estimate.mean(f.deviance for f in own), protocol)


def _forecasts(
    model: str,
    protocol: str,
    series: Sequence[Series],
    own: Sequence[PairFit],
    system: SwarmSystem,
) -> Iterator[Row]:
    """The last pattern of each trajectory, predicted with the mean law of the others."""
    found = []
    for number, s in enumerate(series):
        speed = np.mean([f.speed for k, f in enumerate(own) if k != number], axis=0)
        found.append(forecast_error(speed, s, system))
    for name, values in zip((model, FIRST_STAYS), zip(*found, strict=True), strict=True):
        yield score(
            TARGET, name, Metric.PATTERN, Estimate.mean(values), protocol, subset="last pattern"
        )
