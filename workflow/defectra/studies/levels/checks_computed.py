"""Checks of study `levels` on the levels that we computed: how many, and how far to trust them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

from defectra.campaign.drift_check import largest_difference
from defectra.core.claims import NAN, NOTHING, Check, Estimate, Row, Rows
from defectra.studies.levels.parity import LARGE, left_when_relaxed
from defectra.studies.levels.tables import sizes_of

_check = partial(Check, study="levels")
SETS, HOSTS = 30, 6
FLAT_EV, DRIFT_EV, LEFT_EV = 0.15, 0.01, 0.1
CELLS = 3
KINDS = {"corrected_eV": "eFNV", "freysoldt_eV": "Freysoldt"}


def checks_computed(levels: Rows, drift: Rows) -> list[Row]:
    """Rows of ``checks.csv`` on computed levels.

    Parameters
    ----------
    levels, drift
        Rows of COMPUTED_LEVELS and of ``live_drift.csv``; each may be empty.
    """
    return [c.row() for c in [*_counts(levels), *_sizes(levels), *_left(levels), _drift(drift)]]


def _counts(levels: Rows) -> Iterator[Check]:
    good = [r for r in levels if math.isfinite(r["level_eV"])]
    sets = {(r["host"], r["site"], r["impurity"]) for r in good}
    for name, what, least, found in (
        ("live_sets", "charged impurity sets computed with GPAW", SETS, sets),
        ("live_set_hosts", "hosts of these sets", HOSTS, {s[0] for s in sets}),
    ):
        yield _check(
            check_id=name,
            check=what,
            bound=least,
            sense="at least",
            ours=Estimate.exact(len(found), len(good)),
            fails_if="too few sets ended with a level",
        )


def _sizes(levels: Rows) -> Iterator[Check]:
    found = list(sizes_of(levels).values())
    largest = [rows[-CELLS:] for rows in found]
    for key, what in KINDS.items():
        name = "live_sizes" if key == "corrected_eV" else f"live_sizes_{key.removesuffix('_eV')}"
        text = f"level of a localised defect over its {CELLS} largest cells, {what}"
        yield _spread(name, text, largest, key)
    text = "level of a localised defect over all its cells, eFNV"
    yield _spread("live_sizes_all", text, found, "corrected_eV")


def spread(sets: Sequence[Rows], key: str) -> Estimate:
    """Largest difference between cells of one defect, eV; n: cells."""
    found = [max(v) - min(v) for rows in sets if (v := [r[key] for r in rows])]
    return Estimate.exact(max(found, default=NAN), sum(len(rows) for rows in sets))


def _spread(name: str, text: str, sets: Sequence[Rows], key: str) -> Check:
    atoms = sorted({r["atoms"] for rows in sets for r in rows})
    return _check(
        check_id=name,
        check=f"{text}: largest difference ({', '.join(map(str, atoms)) or 'no'} atoms)",
        bound=FLAT_EV,
        sense="at most",
        ours=spread(sets, key),
        unit="eV",
        fails_if="the corrected level still moves with the size of the cell",
        missing=f"no defect in {CELLS} cells",
    )


def _left(levels: Rows) -> Iterator[Check]:
    """Relaxed large cells beside published levels: is a sign left?"""
    found = left_when_relaxed(levels)
    for kind in ("donor", "acceptor"):
        mean = found.get(kind, NOTHING)
        yield _check(
            check_id=f"live_left_{kind}",
            check=f"{kind} levels of relaxed cells of {LARGE} atoms and more less the published "
            f"ones, mean ({mean.shown}), distance from 0",
            bound=LEFT_EV,
            sense="at most",
            ours=mean.distance(0.0),
            unit="eV",
            fails_if="our levels and the published ones differ by more than chance, one way",
            missing=f"no {kind} level of a relaxed large cell",
        )


def _drift(drift: Rows) -> Check:
    ours, reasons = largest_difference(drift, "difference_eV")
    return _check(
        check_id="live_drift",
        check="one small set computed again by this run, largest difference from the archive",
        bound=DRIFT_EV,
        sense="at most",
        ours=ours,
        unit="eV",
        fails_if="engine or machine gives another level than the archive for the same input",
        missing=reasons,
    )
