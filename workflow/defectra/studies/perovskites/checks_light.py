"""Checks of absorption spectra, their efficiency limits, and tilted cells of our own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations

import numpy as np

from defectra.core.claims import NAN, Check, Estimate, Rows
from defectra.studies.perovskites import absorption, efficiency, tilts

_check = partial(Check, study="perovskites")
LARGEST_MESH_CHANGE = 0.5  # points of per cent
LARGEST_DISAGREEMENT = 0.05
LEAST_AGREEMENT = 0.8  # share of pairs in the same order


def checks_light(films: Rows, tilted: Rows) -> Iterator[Check]:
    """Checks from rows of ``films.csv`` and ``tilts.csv``; each may be empty."""
    yield from _spectra(films)
    yield _order(films)
    yield from _tilts(tilted)


def _spectra(films: Rows) -> Iterator[Check]:
    names = {str(r["name"]) for r in films}
    yield _check(
        check_id="spectra",
        check="compounds with an absorption spectrum of our own",
        bound=len(absorption.COMPOUNDS),
        sense="at least",
        ours=Estimate.exact(len(names) if films else NAN, len(names)),
        fails_if="a spectrum failed or is not there",
    )
    rms = [float(r["kramers_kronig_rms"]) for r in films]
    yield _check(
        check_id="spectra_kramers_kronig",
        check="real part of the dielectric function from the imaginary one, before the scissor, "
        "less GPAW's, 0 to 6 eV: largest relative RMS",
        bound=LARGEST_DISAGREEMENT,
        sense="at most",
        ours=Estimate.exact(max(rms, default=NAN), len(names)),
        fails_if="the sum over bands ends too early for a refractive index",
    )
    changes = [abs(v) for v in efficiency.mesh_changes(films)]
    yield _check(
        check_id="slme_mesh",
        check="SLME on the denser mesh of k-points less that on the coarser one, "
        f"{''.join(absorption.CHECKED)}3, all films: largest size",
        bound=LARGEST_MESH_CHANGE,
        sense="at most",
        ours=Estimate.exact(max(changes, default=NAN), len(changes)),
        unit="percent",
        fails_if="the efficiency still moves with the mesh",
    )
    above = [r for r in films if float(r["slme_percent"]) > float(r["limit_percent"]) + 0.01]
    yield _check(
        check_id="slme_limit",
        check="films whose SLME lies above that of perfect absorbers with a gap not below theirs",
        bound=0,
        sense="at most",
        ours=Estimate.exact(len(above) if films else NAN, len(films)),
        fails_if="the scissor or the unit of the absorption coefficient is wrong",
    )


def same_order(rows: Rows, one: str, other: str) -> float:
    """Share of pairs that two columns put in the same order; NaN without a pair."""
    x, y = (np.array([float(r[c]) for r in rows]) for c in (one, other))
    pairs = [
        (x[i] - x[j]) * (y[i] - y[j]) > 0
        for i, j in combinations(range(len(rows)), 2)
        if np.isfinite(x[i] + x[j] + y[i] + y[j])
    ]
    return float(np.mean(pairs)) if pairs else NAN


def _order(films: Rows) -> Check:
    rows = efficiency.production(films, efficiency.HSE)
    return _check(
        check_id="slme_order",
        check=f"order by SLME ({efficiency.FILM_UM:g} µm, HSE gap) beside that by the published "
        "figure of merit: share of pairs in the same order",
        bound=LEAST_AGREEMENT,
        sense="at least",
        ours=Estimate.exact(same_order(rows, "slme_percent", "log_fom"), len(rows)),
        fails_if="the figure of merit and the efficiency limit prefer other compounds",
    )


def _tilts(tilted: Rows) -> Iterator[Check]:
    change = Estimate.mean(v for r in tilted if np.isfinite(v := float(r["change_PBE_SOC_eV"])))
    yield _check(
        check_id="tilt_gap",
        check="PBE gap with spin-orbit coupling, octahedra tilted to the lowest energy, less that "
        f"of the cubic cell: mean over {change.n} compounds ({len(tilts.COMPOUNDS)} are asked for)",
        bound=0.0,
        sense="above",
        ours=change,
        unit="eV",
        fails_if="tilting does not open the gap",
    )
    gains = [
        abs(float(r["cubic_less_measured_eV"])) - abs(float(r["tilted_less_measured_eV"]))
        for r in tilted
    ]
    gain = Estimate.mean(v for v in gains if np.isfinite(v))
    yield _check(
        check_id="tilt_measured",
        check=f"distance from the measured gap, cubic less tilted, HSE with spin-orbit coupling, "
        f"of {gain.n} compounds ({len(tilts.COMPOUNDS)} are asked for): mean",
        bound=0.0,
        sense="above",
        ours=gain,
        unit="eV",
        fails_if="tilts do not bring the calculated gap nearer to the measured one",
    )
