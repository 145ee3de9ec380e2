"""Runs of one defect in all its charges, made into rows of levels; what is odd is marked."""

from __future__ import annotations

from collections.abc import Sequence
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
