"""Scorecard of the live set: how much of it there is, and how far it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from defectra.tables import claims
from defectra.tables.claims import NAN, NOTHING, OWN, Value

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

Claim = partial(claims.Claim, "levels")
SETS, HOSTS = 30, 6
FLAT_EV, DRIFT_EV = 0.15, 0.01
SMALLEST = 16  # atoms; below, the defect overlaps its images


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
        if math.isfinite(r["level_eV"] - r["published_eV"]) and r["atoms"] == SMALLEST
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


def sizes(levels: Rows) -> dict[tuple[Any, ...], dict[int, float]]:
    """Corrected levels by number of atoms, of every level computed in three cells or more."""
    found: dict[tuple[Any, ...], dict[int, float]] = {}
    for r in levels:
        if math.isfinite(r["corrected_eV"]):
            key = tuple(r[k] for k in ("host", "site", "impurity", "q_from", "q_to"))
            found.setdefault(key, {})[r["atoms"]] = r["corrected_eV"]
    return {k: v for k, v in found.items() if len(v) > 2}


def _sizes(levels: Rows) -> Iterator[claims.Claim]:
    spread = [max(v.values()) - min(v.values()) for v in sizes(levels).values()]
    worst = _exact(max(spread)) if spread else NOTHING
    text = "corrected level of a localised defect over three cell sizes, largest difference"
    yield Claim("live_sizes", text, FLAT_EV, worst, "eV", 0.0, OWN, "below")


def _drift(drift: Rows) -> Iterator[claims.Claim]:
    known = [abs(float(r["difference_eV"])) for r in drift if r["difference_eV"] != ""]
    worst = _exact(max(known)) if known and math.isfinite(max(known)) else NOTHING
    text = "one small set computed anew by this run, largest difference to the archive"
    yield Claim("live_drift", text, DRIFT_EV, worst, "eV", 0.0, OWN, "below")


def _exact(value: float) -> Value:
    return float(value), float(value), float(value)
