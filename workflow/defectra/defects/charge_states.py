"""Runs of one defect in all its charges, made into rows of levels; what is odd is marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from defectra.core.errors import EngineError
from defectra.core.records import Status
from defectra.defects.equations import GapPosition, Run, check, gap_position, transition_level

Row = dict[str, Any]


FARTHEST_EV = 20.0  # of a level from the gap


def transition_levels(bulk: Run, runs: Sequence[Run], vbm_ev: float, gap_ev: float) -> list[Row]:
    """A row for each pair of neighbouring charges, the charge falling.

    Columns: ``q_from``, ``q_to``, ``level_eV`` (NaN if failed), ``place`` (position relative to the
    gap), ``status`` (``ok``, ``unconverged`` if either run is, ``failed`` for a blank energy) and
    ``message``. A missing charge gives a level over two electrons, with a message.

    Raises
    ------
    EngineError
        ``mixed_settings`` if a run and the bulk do not belong together (nothing of such a set can
        be trusted), ``charges`` if a charge occurs twice.
    """
    for run in runs:
        check(replace(bulk, energy_ev=1.0), [replace(run, energy_ev=1.0)])
    charges = [r.charge for r in runs]
    if len(set(charges)) < len(charges):
        raise EngineError("charges", f"charges {sorted(charges)}: one occurs twice")
    falling = sorted(runs, key=lambda r: -r.charge)
    return [_step(upper, lower, vbm_ev, gap_ev) for upper, lower in pairwise(falling)]


def with_unstable_charges(rows: Sequence[Row]) -> list[Row]:
    """Rows of one defect; those of a charge that is stable at no Fermi level (negative U) say so.

    The message names the level at which the stable charges about it meet. Rows are those of
    :func:`transition_levels`, the charge falling; nothing is added where a level is not finite or
    where some are corrected and others not (column ``mark``).
    """
    whole = all(math.isfinite(r["level_eV"]) for r in rows)
    if len(rows) < 2 or not whole or len({r.get("mark") for r in rows}) > 1:
        return list(rows)
    energies = {rows[0]["q_from"]: 0.0}
    for row in rows:
        energies[row["q_to"]] = energies[row["q_from"]] + row["level_eV"] * (
            row["q_from"] - row["q_to"]
        )
    stable = _stable(energies)
    return [
        {**r, "message": "; ".join(m for m in (r["message"], *_unstable(r, stable, energies)) if m)}
        for r in rows
    ]


def _stable(energies: Mapping[int, float]) -> list[int]:
    """Charges that are the lowest in energy at some Fermi level: the lower convex hull, rising."""
    hull: list[int] = []
    for q in sorted(energies):
        while len(hull) > 1 and _slope(energies, hull[-1], q) <= _slope(energies, *hull[-2:]):
            hull.pop()
        hull.append(q)
    return hull


def _slope(energies: Mapping[int, float], low: int, high: int) -> float:
    return (energies[high] - energies[low]) / (high - low)


def _unstable(row: Row, stable: Sequence[int], energies: Mapping[int, float]) -> list[str]:
    out = []
    for q in (row["q_from"], row["q_to"]):
        if q not in stable:
            low, high = max(h for h in stable if h < q), min(h for h in stable if h > q)
            level = -_slope(energies, low, high)
            out.append(
                f"charge {q:+d} is stable at no Fermi level: {high:+d}/{low:+d} at {level:.3f} eV"
            )
    return out


def _refuse_far(level: float, gap_ev: float) -> None:
    """No level lies so far from both band edges: energies of other cells, or in another unit."""
    if level < -FARTHEST_EV or level > max(gap_ev, 0.0) + FARTHEST_EV:
        raise EngineError(
            "energies",
            f"a level at {level:.4g} eV, over {FARTHEST_EV:.0f} eV from the gap: energies of other "
            "cells, or in another unit",
        )


def _step(upper: Run, lower: Run, vbm_ev: float, gap_ev: float) -> Row:
    row: Row = {"q_from": upper.charge, "q_to": lower.charge}
    notes = []
    try:
        level = transition_level(upper, lower, vbm_ev)
        _refuse_far(level, gap_ev)
    except EngineError as error:
        nothing = {"level_eV": float("nan"), "place": ""}
        return {**row, **nothing, "status": str(Status.FAILED), "message": str(error)}
    where, status = gap_position(level, gap_ev), Status.OK
    if not (upper.converged and lower.converged):
        status = Status.UNCONVERGED
        notes.append("a run did not converge")
    if upper.charge - lower.charge > 1:
        notes.append(f"level of {upper.charge - lower.charge} electrons: charges are missing")
    if where is not GapPosition.IN_GAP:
        notes.append(str(where))
    message = "; ".join(notes)
    return {
        **row,
        "level_eV": level,
        "place": str(where),
        "status": str(status),
        "message": message,
    }
