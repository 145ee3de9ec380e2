"""Checks of study `nmc` on measured spectra: electrodes at Ni K, energy loss at O K."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from defectra.core.claims import NOTHING, Check, Estimate, Rows
from defectra.studies.nmc.measured import electrode_nickel
from defectra.studies.nmc.measured.electrode_scores import (
    AIM,
    NICKEL,
    NICKEL_AIM,
    inside,
    rmse,
    rmse_less,
)
from defectra.studies.nmc.measured.electrodes import DIFFERENCE, KERNEL, PEAK, SERIES
from defectra.studies.nmc.measured.energy_loss_shape import EDGE, SHAPE
from defectra.studies.nmc.scorecard import NO_EXPERIMENT

_check = partial(Check, study="nmc")
LEAST_INSIDE = 0.8  # of intervals that shall hold 0.9
INSIDE = 1.0  # distance from the training spectra, in units of that of left-out ones
_METHODS = {KERNEL: "kernel", DIFFERENCE: "change", PEAK: "peak", SERIES: "series"}


def electrode_checks(rows: Rows) -> Iterator[Check]:
    """Lithium and state of nickel of the electrodes, rows of ``experiment.csv``."""
    for method, name in _METHODS.items():
        yield _check(
            check_id=f"experiment_x_Li_{name}",
            check=f"lithium of measured electrodes from Ni K by {method} (RMSE)",
            bound=AIM,
            sense="at most",
            ours=rmse(rows, method),
            unit="per metal",
            fails_if="computed and measured spectra differ by more than lithium does",
            missing=NO_EXPERIMENT,
        )
    yield _check(
        check_id="experiment_x_Li_series_inside",
        check=f"share of those electrodes within the 90 % interval, by {SERIES}",
        bound=LEAST_INSIDE,
        sense="at least",
        ours=inside(rows, SERIES),
        fails_if="the stated interval leaves out what separates one electrode from another",
        missing=NO_EXPERIMENT,
    )

    yield from _nickel(rows)


def _nickel(rows: Rows) -> Iterator[Check]:
    own = electrode_nickel.CHARGE
    yield _check(
        check_id="experiment_nickel",
        check=f"oxidation state of Ni of measured electrodes from Ni K by {own} (RMSE)",
        bound=NICKEL_AIM,
        sense="at most",
        ours=rmse(rows, own, NICKEL),
        unit="e",
        fails_if="computed and measured spectra differ by more than the state of nickel does",
        missing=NO_EXPERIMENT,
    )
    for other, name in ((electrode_nickel.MEAN, "mean"), (electrode_nickel.PEAK, "peak")):
        yield _check(
            check_id=f"experiment_nickel_less_{name}",
            check=f"the same, RMSE less that of {other}",
            bound=0.0,
            sense="below",
            ours=rmse_less(rows, own, other, NICKEL),
            unit="e",
            fails_if="the spectra tell no more than this baseline, which needs no model of them",
            missing=NO_EXPERIMENT,
        )


def energy_loss_checks(rows: Rows) -> Iterator[Check]:
    """Whether the model may be asked about the measured edge, rows of ``energy_loss.csv``."""
    found = next((float(r["outside"]) for r in rows if r["way"] == SHAPE), None)
    yield _check(
        check_id="energy_loss_outside",
        check=f"{EDGE} of the measured energy loss: distance from the training spectra, in units "
        "of that of left-out ones, best shift",
        bound=INSIDE,
        sense="at most",
        ours=NOTHING if found is None else Estimate.exact(found, 1),
        fails_if="measured and computed spectra differ by more than the computed ones among "
        "themselves; contents by shape then have no interval",
        missing=NO_EXPERIMENT,
    )
