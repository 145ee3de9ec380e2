"""Scorecard of the live set: how much of it there is, and how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from defectra.core import claims
from defectra.core.claims import NAN, NOTHING, OWN, Value
from defectra.studies.levels.inputs import DEFAULT_PROTOCOL
from defectra.studies.levels.tables import sizes_of

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

Claim = partial(claims.Claim, "levels")
SETS, HOSTS = 30, 6
FLAT_EV, DRIFT_EV = 0.15, 0.01
CELLS = 3
SMALLEST = 16  # atoms; below, the defect overlaps its images
KINDS = {"corrected_eV": "eFNV", "freysoldt_eV": "Freysoldt", "bare_eV": "not corrected"}


def live_claims(
    levels: Rows,
    computed: Rows,
    measured: Mapping[str, Mapping[str, float]],
    drift: Rows,
) -> list[Row]:
    """Rows of the scorecard.

    Parameters
    ----------
    levels, computed
        Rows of LIVE_LEVELS and of HOST_RUNS.
    measured
        Literature properties by host; estimates must not be among them.
    drift
        Rows of ``live_drift.csv``.
    """
    found = [*_counts(levels), *_parity(levels), *_hosts(computed, measured)]
    return [c.row() for c in [*found, *_sizes(levels), *_drift(drift)]]


def _counts(levels: Rows) -> Iterator[claims.Claim]:
    good = [r for r in levels if math.isfinite(r["level_eV"])]
    sets = {(r["host"], r["site"], r["impurity"]) for r in good}
    text = f"charged impurity sets computed with GPAW: at least {SETS}"
    yield Claim("live_sets", text, SETS - 0.5, _exact(len(sets)), "", 0.0, OWN, "above")
    hosts = {s[0] for s in sets}
    text = f"hosts of these sets: at least {HOSTS}"
    yield Claim("live_set_hosts", text, HOSTS - 0.5, _exact(len(hosts)), "", 0.0, OWN, "above")
    share = sum(r["mark"] == "localised" for r in good) / len(good) if good else NAN
    text = "share of these levels whose potential has a plateau and whose carrier is bound"
    yield Claim("live_localised", text, NAN, _exact(share), "", 0.0, OWN, "equal")


def _parity(levels: Rows) -> Iterator[claims.Claim]:
    known = [
        r["level_eV"] - r["published_eV"]
        for r in levels
        if math.isfinite(r["level_eV"] - r["published_eV"])
        and r["atoms"] == SMALLEST
        and r["protocol"] == DEFAULT_PROTOCOL
    ]
    text = (
        f"our unrelaxed levels of {SMALLEST} atoms beside {len(known)} published relaxed PBE "
        "levels, mean absolute deviation"
    )
    size = float(np.mean(np.abs(known))) if known else NAN
    yield Claim("live_parity", text, NAN, _exact(size), "eV", 0.0, OWN, "equal")


def _hosts(computed: Rows, measured: Mapping[str, Mapping[str, float]]) -> Iterator[claims.Claim]:
    pairs = {
        "lattice": ("lattice_A", "Å", "PBE lattice constants"),
        "gap": ("gap_hse_eV", "eV", "HSE06 gaps on PBE orbitals"),
        "epsilon_electronic": ("epsilon_electronic", "", "RPA electronic dielectric constants"),
    }
    for name, (column, unit, what) in pairs.items():
        miss = [
            abs(r[column] - measured[r["host"]][name])
            for r in computed
            if name in measured.get(r["host"], {})
        ]
        text = f"{what} of {len(miss)} hosts against measured ones, mean absolute deviation"
        value = float(np.mean(miss)) if miss else NAN
        yield Claim(f"live_{name}", text, NAN, _exact(value), unit, 0.0, OWN, "equal")


def _sizes(levels: Rows) -> Iterator[claims.Claim]:
    found = sizes_of(levels).values()
    largest = [rows[-CELLS:] for rows in found]
    for key, what in KINDS.items():
        text = f"level of a localised defect over its {CELLS} largest cells, {what}: {{}}"
        limit = NAN if key == "bare_eV" else FLAT_EV
        name = "live_sizes" if key == "corrected_eV" else f"live_sizes_{key.removesuffix('_eV')}"
        yield _spread(name, text, limit, largest, key)
    text = "the same over all its cells, eFNV: {}"
    yield _spread("live_sizes_all", text, FLAT_EV, list(found), "corrected_eV")


def _spread(name: str, text: str, limit: float, sets: Sequence[Rows], key: str) -> claims.Claim:
    spread = [max(v) - min(v) for rows in sets if (v := [r[key] for r in rows])]
    worst = _exact(max(spread)) if spread else NOTHING
    atoms = sorted({r["atoms"] for rows in sets for r in rows})
    text = text.format(f"largest difference ({', '.join(map(str, atoms)) or 'none'} atoms)")
    return Claim(name, text, limit, worst, "eV", 0.0, OWN, "below")


def _drift(drift: Rows) -> Iterator[claims.Claim]:
    differences = (r["difference_eV"] for r in drift)
    known = [math.nan if d == "" else abs(float(d)) for d in differences]
    compared = bool(known) and all(math.isfinite(v) for v in known)
    worst = _exact(max(known)) if compared else NOTHING
    text = "one small set computed anew by this run, largest difference to the archive"
    yield Claim("live_drift", text, DRIFT_EV, worst, "eV", 0.0, OWN, "below")


def _exact(value: float) -> Value:
    return float(value), float(value), float(value)
