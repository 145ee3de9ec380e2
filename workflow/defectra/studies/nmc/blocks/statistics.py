"""Statistics of the campaign by blocks: status, CPU time, coverage, and what the rest would need.

Counted is what the archive holds of every block that it has begun, whole or not, so that a failure
that keeps a block from being whole is seen. Times and the estimate of what is missing are those of
whole blocks alone.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from defectra.core.claims import Estimate
from defectra.core.records import Status
from defectra.studies.nmc.blocks.design import Block
from defectra.studies.nmc.geometries import GEOMETRY_MISSING

Row = dict[str, Any]
ALL = "all"
RELAXED = "relaxed cell"  # stands where the edge of a spectrum stands
RELAXATION = "relaxation"  # the part of a block's time, whatever the geometry protocols
NOT_ARCHIVED = "not in the archive"  # not computed, or a relaxation that failed: it leaves no row
STATES = (*(str(s) for s in Status), NOT_ARCHIVED)
NOT_RUN = ("not_computed", GEOMETRY_MISSING)
TOTAL, OF_ONE, OF_ARM, OF_BLOCK = (
    "CPU time", "CPU time of one", "CPU time of an arm", "CPU time of a block",
)  # fmt: skip
MISSING, WHOLE = "CPU time of missing blocks", "whole blocks"
CAMPAIGN_COLUMNS = [
    *("quantity", "protocol", "edge", "arm", "composition", "lithium"),
    *("value", "lo", "hi", "unit", "n"),
]
HOUR = 3600.0  # s


@dataclass(frozen=True)
class Run:
    """A relaxation, or the spectrum of a site, that a block asks for.

    Attributes
    ----------
    edge
        Edge of a spectrum, or :data:`RELAXED`.
    state
        One of :data:`STATES`.
    cpu_s
        CPU time, NaN if it was not run.
    """

    block: int
    arm: str
    protocol: str
    edge: str
    state: str
    cpu_s: float


@dataclass(frozen=True)
class Planned:
    """A block of the design.

    Attributes
    ----------
    parts
        Whether the archive holds all of a part of it: of the relaxations, and of the spectra at
        each protocol that the block is planned with.
    """

    number: int
    composition: str
    lithium: float
    parts: Mapping[str, bool] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether the block counts: a converged protocol may lack."""
        return self.parts.get(RELAXATION, False)


def runs_of(
    block: Block,
    calculations: Mapping[str, Sequence[Row]],
    relaxations: Mapping[str, Sequence[Row]],
    seen: set[tuple[str, ...]],
) -> Iterator[Run]:
    """What a block asks for; a calculation that several arms or blocks share counts once.

    Parameters
    ----------
    calculations, relaxations
        Rows of calculations and of geometries by structure.
    seen
        What was counted before; added to.
    """
    for entry in block.table:
        name, arm, cell = entry["structure_id"], entry["arm"], entry["geometry_protocol"]
        found = {str(r["protocol"]): r for r in relaxations.get(name, ())}
        for protocol in dict.fromkeys((*found, cell)):
            if not _again((name, protocol), seen):
                row = found.get(protocol)
                yield _run(block.number, arm, protocol, RELAXED, row)
        for row in calculations.get(name, ()):
            key = (str(row["calculation_id"]),)
            if row["geometry_protocol"] == cell and not _again(key, seen):
                edge = f"{row['element']} {row['edge']}"
                ran = None if row["error_class"] in NOT_RUN else row
                yield _run(block.number, arm, str(row["protocol"]), edge, ran)


def _again(key: tuple[str, ...], seen: set[tuple[str, ...]]) -> bool:
    """Whether something was seen before; it is seen now."""
    known = key in seen
    seen.add(key)
    return known


def _run(block: int, arm: str, protocol: str, edge: str, row: Row | None) -> Run:
    if row is None:
        return Run(block, arm, protocol, edge, NOT_ARCHIVED, math.nan)
    return Run(block, arm, protocol, edge, str(row["status"]), float(row["cpu_s"]))


def campaign(planned: Sequence[Planned], runs: Sequence[Run]) -> list[Row]:
    """Rows with columns :data:`CAMPAIGN_COLUMNS`.

    ``all`` in a column is the sum over it. `n`: calculations that are counted, blocks behind a
    mean or planned, blocks that are missing. Intervals: 90 %.
    """
    whole = {p.number for p in planned if p.whole}
    own = [r for r in runs if r.block in whole]
    return [
        *_states(runs),
        *_times(own),
        *_blocks(planned, own),
        *_coverage(planned),
    ]


def _row(quantity: str, found: Estimate, unit: str, **about: Any) -> Row:
    where = {"protocol": ALL, "edge": ALL, "arm": ALL, "composition": ALL, "lithium": math.nan}
    ends = {"value": found.value, "lo": found.lo, "hi": found.hi, "n": found.n}
    return {"quantity": quantity, **where, **about, "unit": unit, **ends}


def _places(run: Run) -> Iterator[tuple[str, str, str]]:
    """Protocol, edge and arm of a run, and the sums that it counts for."""
    for edge in (run.edge, ALL) if run.edge != RELAXED else (RELAXED,):
        for arm in (run.arm, ALL):
            yield run.protocol, edge, arm


def _by_place(runs: Iterable[Run]) -> dict[tuple[str, str, str], list[Run]]:
    """Runs by :func:`_places`: in the order in which they come, sums last."""
    found: dict[tuple[str, str, str], list[Run]] = defaultdict(list)
    for run in runs:
        for place in _places(run):
            found[place].append(run)
    ranks = [{name: k for k, name in enumerate(dict.fromkeys(names))} for names in zip(*found)]
    for rank in ranks:
        rank[ALL] = len(rank)
    return {place: found[place] for place in sorted(found, key=lambda p: _ranked(p, ranks))}


def _ranked(place: tuple[str, ...], ranks: Sequence[Mapping[str, int]]) -> list[int]:
    return [rank[name] for name, rank in zip(place, ranks)]


def _about(place: tuple[str, str, str]) -> Row:
    return dict(zip(("protocol", "edge", "arm"), place))


def _states(runs: Sequence[Run]) -> Iterator[Row]:
    """How many runs ended in each state, none included."""
    for place, own in _by_place(runs).items():
        counts = Counter(r.state for r in own)
        unit = "cells" if place[1] == RELAXED else "spectra"
        for state in STATES:
            yield _row(state, Estimate.exact(counts[state], len(own)), unit, **_about(place))


def _times(runs: Sequence[Run]) -> Iterator[Row]:
    """Sum, and mean over blocks of a spectrum, a cell and an arm with all its spectra."""
    for place, every in _by_place(runs).items():
        own = [r for r in every if math.isfinite(r.cpu_s)]
        about = _about(place)
        yield _row(TOTAL, Estimate.exact(sum(r.cpu_s for r in own), len(own)), "s", **about)
        of_arm = place[1] == ALL
        yield _row(OF_ARM if of_arm else OF_ONE, _mean(own, of_arm), "s", **about)


def _mean(runs: Sequence[Run], of_arm: bool) -> Estimate:
    """Mean over blocks of the time of one run, or of all runs of an arm together."""
    found: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for k, run in enumerate(runs):
        found[run.block][run.arm if of_arm else str(k)] += run.cpu_s
    return Estimate.mean(float(np.mean(list(parts.values()))) for parts in found.values())


def _blocks(planned: Sequence[Planned], runs: Sequence[Run]) -> Iterator[Row]:
    """Time of a block by part, and of those that are missing."""
    needed = []
    for part in dict.fromkeys(name for p in planned for name in p.parts):
        there = {p.number for p in planned if p.parts.get(part)}
        costs: dict[int, float] = dict.fromkeys(sorted(there), 0.0)
        for run in runs:
            name = RELAXATION if run.edge == RELAXED else run.protocol
            if name == part and run.block in there and math.isfinite(run.cpu_s):
                costs[run.block] += run.cpu_s
        missing = sum(part in p.parts for p in planned) - len(there)
        yield _row(OF_BLOCK, Estimate.mean(costs.values()), "s", protocol=part)
        rest = needed_time(list(costs.values()), missing)
        needed.append(rest)
        yield _row(MISSING, _hours(rest), "h", protocol=part)
    if needed:
        lacking = sum(not all(p.parts.values()) for p in planned)
        yield _row(MISSING, _hours(_sum(needed, lacking)), "h")


def needed_time(costs: Sequence[float], missing: int) -> Estimate:
    """Time of blocks that are missing: their number times the mean of those that are there.

    The interval is that of a prediction: it holds the error of the mean and the scatter of the
    missing blocks themselves, both normal, by Student's t. One block has none.
    """
    if not missing:
        return Estimate.exact(0.0, 0)
    mean = Estimate.mean(costs)
    if mean.n < 2:
        return Estimate(missing * mean.value, math.nan, math.nan, missing)
    # half the interval of the mean is t s / sqrt(n); that of the sum, t s sqrt(m + m^2 / n)
    half = (mean.hi - mean.value) * math.sqrt(mean.n * missing + missing**2)
    value = missing * mean.value
    return Estimate(value, max(0.0, value - half), value + half, missing)


def _sum(parts: Sequence[Estimate], n: int) -> Estimate:
    """Sum of independent times; half intervals add as squares."""
    value = sum(p.value for p in parts)
    half = math.sqrt(sum((p.hi - p.value) ** 2 for p in parts))
    return Estimate(value, max(0.0, value - half) if math.isfinite(half) else half, value + half, n)


def _hours(found: Estimate) -> Estimate:
    return Estimate(found.value / HOUR, found.lo / HOUR, found.hi / HOUR, found.n)


def _coverage(planned: Sequence[Planned]) -> Iterator[Row]:
    """Whole blocks of those planned: of a composition and lithium content, of each, of all."""
    kinds: tuple[Callable[[Planned], Row], ...] = (
        lambda p: {"composition": p.composition, "lithium": p.lithium},
        lambda p: {"composition": p.composition},
        lambda p: {"lithium": p.lithium},
        lambda p: {},  # noqa: ARG005
    )
    for kind in kinds:
        found: dict[tuple[tuple[str, Any], ...], list[Planned]] = defaultdict(list)
        for one in planned:
            found[tuple(kind(one).items())].append(one)
        for about in sorted(found):
            own = found[about]
            there = Estimate.exact(sum(p.whole for p in own), len(own))
            yield _row(WHOLE, there, "blocks", **dict(about))
