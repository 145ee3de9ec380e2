"""The remaining time of a run from recorded calculations: a factor of two after the first fifth."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from defectra.campaign.chunk_state import ChunkState, announce, read_state, remaining, write_state
from defectra.campaign.costs import ALONE, OTHER_EDGE, load
from defectra.campaign.progress import read_work
from defectra.core.records import CALCULATIONS, GEOMETRIES
from defectra.core.store import Archive

Job = tuple[float, float]  # expected and true seconds of a calculation


@pytest.fixture(scope="module")
def recorded() -> list[list[Job]]:
    """Calculations of the archive, structure by structure, with what the cost model expects."""
    root = Path(__file__).resolve().parents[2]
    archive = Archive(root / "resources/archive")
    laws = load(root / "workflow/costs.yaml")
    atoms = {g["geometry_id"]: len(g["species"]) for g in archive.read(GEOMETRIES)}
    rows: dict[str, list[Job]] = {}
    for row in sorted(archive.read(CALCULATIONS), key=lambda r: (r["structure_id"], r["site"])):
        kind = OTHER_EDGE if row["shared_from"] else ALONE
        law = laws.get((row["engine"], row["protocol"], kind))
        if law is not None and row["wall_s"] > 0 and row["geometry_id"] in atoms:
            expected = law.cpu(atoms[row["geometry_id"]]) * law.wall
            rows.setdefault(row["structure_id"], []).append((expected, row["wall_s"]))
    assert len(rows) >= 40
    return list(rows.values())


def chunks_of(structures: list[list[Job]], sizes: list[int]) -> list[list[Job]]:
    """Chunks of so many structures each, in order."""
    out, at = [], 0
    for size in sizes:
        out.append([job for jobs in structures[at : at + size] for job in jobs])
        at += size
    return [jobs for jobs in out if jobs]


def history(chunks: list[list[Job]], slots: int, speed: float) -> list[list[float]]:
    """When each calculation of each chunk ended; a chunk begins when a slot is free."""
    free, ends = [0.0] * slots, []
    for jobs in chunks:
        start = heapq.heappop(free)
        times = (start + np.cumsum([true / speed for _, true in jobs])).tolist()
        ends.append([start, *times])
        heapq.heappush(free, times[-1])
    return ends


def seen(chunks: list[list[Job]], ends: list[list[float]], now: float) -> list[ChunkState]:
    """What the progress files say at a time."""
    states = []
    for jobs, times in zip(chunks, ends):
        expected = sum(e for e, _ in jobs)
        done = sum(t <= now for t in times[1:])
        left = 0.0 if done == len(jobs) else expected - sum(e for e, _ in jobs[:done])
        begun = times[0] <= now
        updated = times[done] if begun else 0.0
        start = 1000.0 + times[0] if begun else 0.0
        states.append(ChunkState(done, len(jobs), done, start, 1000.0 + updated, expected, left))
    return states


SIZES = {"even": [5] * 8, "uneven": [12, 1, 2, 6, 3, 9, 1, 4], "one long at last": [4, 4, 4, 4, 14]}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("slots", [1, 2, 5])
@pytest.mark.parametrize("speed", [0.25, 1.0, 4.0])
def test_a_factor_of_two_after_the_first_fifth(
    recorded: list[list[Job]], sizes: list[int], slots: int, speed: float
) -> None:
    chunks = chunks_of(recorded, sizes)
    ends = history(chunks, slots, speed)
    whole = max(times[-1] for times in ends)
    for share in np.arange(0.2, 0.91, 0.05):
        now = share * whole
        told = remaining(seen(chunks, ends, now), 1000.0 + now)
        assert 0.5 < told / (whole - now) < 2, (share, told, whole - now)


def test_chunks_that_have_not_begun_are_what_makes_it_hold(recorded: list[list[Job]]) -> None:
    """The control: without them, as it was before, the same runs are told far too short."""
    chunks = chunks_of(recorded, SIZES["even"])
    ends = history(chunks, 1, 1.0)
    whole = max(times[-1] for times in ends)
    now = 0.2 * whole
    begun = [s for s in seen(chunks, ends, now) if s.started]
    assert remaining(begun, 1000.0 + now) / (whole - now) < 0.5


def test_nothing_is_told_before_anything_ended_and_nothing_is_left_at_the_end() -> None:
    waiting = ChunkState(0, 5, expected_s=50, left_s=50)
    begun = ChunkState(0, 5, 0, 1000.0, 1000.0, 50, 50)
    assert math.isnan(remaining([waiting, begun], 1010.0))
    assert math.isnan(remaining([], 0.0)) or remaining([], 0.0) == 0
    assert remaining([ChunkState(5, 5, 5, 1000.0, 1100.0, 50, 0)], 2000.0) == 0


def states(store: Path) -> Iterator[Any]:
    yield from (read_state(path) for path in sorted(store.glob("*.progress")))


def test_all_chunks_of_a_run_are_written_before_the_first_begins(tmp_path: Path) -> None:
    known = ChunkState(3, 10, expected_s=70.0, left_s=70.0, impossible=2)
    announce(tmp_path, {"nmc-00": known, "nmc-01": ChunkState(4, 4)})
    assert [s.left_s for s in states(tmp_path)] == [70.0, 0.0]
    work = read_work(tmp_path, since=0)
    assert (work.done, work.total, work.impossible) == (7, 14, 2)
    announce(tmp_path, {"nmc-00": known, "nmc-01": ChunkState(0, 4)})
    assert [s.left_s for s in states(tmp_path)] == [7.0, 4.0], "all alike if one is not known"
    write_state(tmp_path / "nmc-00.progress", ChunkState(6, 10, 3, 1000.0, 1030.0, 7.0, 4.0))
    told = read_work(tmp_path, since=0, now=1030.0)
    assert told.left_s == pytest.approx((4 + 4) * 30 / 3)
    assert str(told) == "calculations 6/14, 6.0 a minute, 80 s left"
