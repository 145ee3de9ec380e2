"""Screening without a new run: the correction is linear in one over the dielectric constant."""

import math

import numpy as np
import pytest
from scipy import stats

from defectra.core.claims import Estimate
from defectra.defects.corrections import Correction
from defectra.defects.levels import Cells
from defectra.studies.levels.inputs import DEFAULT_PROTOCOL
from defectra.studies.levels.parity import (
    change,
    common_and_opposite,
    left_when_relaxed,
    summary_rows,
)

LATTICE = (8.0 * np.eye(3)).ravel()
SPECIES = ["Zn", "S"]
COORDS = [0.0, 0.0, 0.0, 0.5, 0.5, 0.5]


def cell(charge, potentials):
    return {"charge": charge, "lattice": LATTICE, "species": SPECIES, "coords": COORDS,
            "potentials_V": np.array(potentials)}  # fmt: skip


@pytest.mark.parametrize("charge", [1, -1, 2])
def test_a_correction_is_moved_to_another_constant_as_if_computed_there(charge):
    """dV and the point charge's potential are planted; the analytic correction is known."""
    point, potential, measured = 2.5 * charge**2, 1.7 * charge, 0.31 * charge  # at epsilon 1

    def planted(epsilon):
        alignment = -charge * (measured - potential / epsilon)
        return Correction(point / epsilon, alignment, 0.0, math.nan)

    cells = Cells(cell(0, [5.0, 6.0]), [], np.zeros(3))
    row = cell(charge, [5.0, 6.0 + measured])  # the far atom is the second one
    one, two = planted(8.0), planted(12.0)
    moved = change(one, cells, row, 12.0 / 8.0)
    totals = [c.point_charge_ev + c.alignment_ev for c in (one, two)]
    assert moved == pytest.approx(totals[1] - totals[0])
    assert change(one, cells, row, 1.0) == pytest.approx(0.0)


def parity(kind, deviation, static=math.nan, mark="localised"):
    return {"host": "AlAs", "kind": kind, "mark": mark, "published_eV": 1.0, "bare_eV": 1.0,
            "electronic_eV": 1.0 + deviation, "static_eV": 1.0 + static}  # fmt: skip


def level(atoms, bare, corrected, protocol="sizes", published=0.7, **more):
    return {"host": "AlP", "site": "M_A", "impurity": "V", "q_from": 1, "atoms": atoms,
            "bare_eV": bare, "corrected_eV": corrected, "protocol": protocol,
            "published_eV": published, "mark": "localised", **more}  # fmt: skip


def test_causes_are_told_apart():
    rows = [
        parity("donor", -0.3, -0.2), parity("donor", -0.5), parity("acceptor", 0.2, 0.15),
        parity("donor", 9.0, mark="shallow"),
    ]  # fmt: skip
    levels = [
        level(16, 0.8, 0.4), level(128, 0.8, 0.6),
        level(16, 1.2, 1.0, DEFAULT_PROTOCOL), level(16, 1.1, 1.0, "balanced"),
    ]  # fmt: skip
    found = {(r["cause"], r["kind"], r["quantity"], r["n"]): r for r in summary_rows(rows, levels)}
    mean = found["none", "donor", "corrected, electronic constant", 2]
    assert mean["value"] == pytest.approx(-0.4)  # the shallow one does not count
    assert found["screening", "donor", "mean", 1]["value"] == pytest.approx(0.1)
    assert found["screening", "acceptor", "mean", 1]["value"] == pytest.approx(-0.05)
    assert found["size", "donor", "corrected level", 1]["value"] == pytest.approx(0.2)
    assert found["size", "donor", "bare level", 1]["value"] == pytest.approx(0.0)
    left = found["size", "donor", "corrected level less published", 1]
    assert left["value"] == pytest.approx(-0.1)
    assert found["relaxation", "donor", "bare level", 1]["value"] == pytest.approx(-0.1)


def test_what_relaxed_large_cells_leave_to_the_published_levels():
    levels = [
        level(64, 1.0, 0.8, "relaxed"), level(128, 1.0, 0.4, "balanced"),
        level(64, 1.0, 0.75, "relaxed", q_from=0),
        level(64, 1.0, 5.0, "relaxed", mark="shallow"), level(16, 1.0, 5.0, "relaxed"),
        level(64, 1.0, 5.0, "fast"), level(64, 1.0, 5.0, "relaxed", q_from=2),
        level(64, 1.0, math.nan, "relaxed"), level(64, 1.0, 5.0, "relaxed", math.nan),
    ]  # fmt: skip
    found = left_when_relaxed(levels)
    assert found["donor"].value == pytest.approx((0.1 - 0.3) / 2)
    assert found["donor"].n == 2
    assert (found["acceptor"].value, found["acceptor"].n) == (pytest.approx(0.05), 1)
    assert left_when_relaxed([]) == {}
    rows = [r for r in summary_rows([], levels) if r["cause"] == "relaxation"]
    words = {"bare level", "bare level less published", "corrected level less published"}
    assert {r["quantity"] for r in rows} == words
    assert sum("mean over relaxed" in r["what"] for r in rows) == 4  # bare and corrected


def test_a_shift_of_the_valence_band_and_an_error_of_the_correction_are_separated():
    """Planted: all levels too low by 0.3 eV, donors and acceptors 0.1 eV off the other way."""
    donors, acceptors = [-0.2, -0.22, -0.18, -0.2], [-0.4, -0.45, -0.35]
    means = Estimate.mean(donors), Estimate.mean(acceptors)
    common, opposite = common_and_opposite(*means)
    assert (common.value, opposite.value, common.n) == (pytest.approx(-0.3), pytest.approx(0.1), 7)
    welch = stats.ttest_ind(donors, acceptors, equal_var=False).confidence_interval(0.9)
    assert (opposite.lo, opposite.hi) == (
        pytest.approx(welch.low / 2),
        pytest.approx(welch.high / 2),
    )
    assert common.hi - common.lo == pytest.approx(opposite.hi - opposite.lo)
    one, _ = common_and_opposite(means[0], Estimate.mean([-0.4]))
    assert one.value == pytest.approx(-0.3)
    assert math.isnan(one.lo)
    levels = [level(64, 1.0, 1.0, "relaxed", 1.2), level(64, 1.0, 1.0, "relaxed", 1.4, q_from=0)]
    found = {r["kind"]: r["value"] for r in summary_rows([], levels)}
    assert found["common part"] == pytest.approx(-0.3)
    assert found["opposite part"] == pytest.approx(0.1)
