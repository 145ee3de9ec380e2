"""Signs and envelopes of levels, against cases worked out by hand."""

import math

import pytest

from defectra.core.errors import EngineError
from defectra.defects.charge_states import transition_levels
from defectra.defects.equations import (
    GapPosition,
    Run,
    check,
    formation_energy,
    gap_position,
    lower_envelope,
    transition_level,
)
from defectra.defects.stability import corners, rich


def run(energy, charge=0, **more):
    return Run(energy, charge, 400.0, "PBE", "2x2x2", **more)


BULK = run(-100.0)


def test_formation_energy_subtracts_atoms_and_adds_electrons():
    # Ga on a Zn site: one Ga in, one Zn out, charge +1.
    defect = run(-98.0, 1, correction_ev=0.2)
    mu = {"Ga": -3.0, "Zn": -1.0}
    at_vbm = formation_energy(defect, BULK, {"Ga": 1, "Zn": -1}, mu, vbm_eV=2.0)
    assert at_vbm == pytest.approx(-98 + 100 - (-3 + 1) + 2.0 + 0.2)
    higher = formation_energy(defect, BULK, {"Ga": 1, "Zn": -1}, mu, 2.0, fermi_eV=0.5)
    assert higher - at_vbm == pytest.approx(0.5)  # a donor costs more as the Fermi level rises
    poorer = formation_energy(defect, BULK, {"Ga": 1, "Zn": -1}, {**mu, "Ga": -4.0}, 2.0)
    assert poorer - at_vbm == pytest.approx(1.0)  # poorer in gallium: more energy


def test_level_is_where_both_charges_cost_the_same():
    plus, minus = run(-99.0, 1, correction_ev=0.1), run(-96.5, 0, correction_ev=0.0)
    level = transition_level(plus, minus, vbm_eV=2.0)
    assert level == pytest.approx(-96.5 - (-99.0 + 0.1) - 2.0)
    energies = [formation_energy(r, BULK, {}, {}, 2.0, level) for r in (plus, minus)]
    assert energies[0] == pytest.approx(energies[1])


def test_level_over_two_electrons_is_the_mean_of_both():
    runs = [run(-99.0, 1), run(-96.0, 0), run(-94.0, -1)]
    one, two = (transition_level(runs[k], runs[k + 1], 0.0) for k in (0, 1))
    assert transition_level(runs[0], runs[2], 0.0) == pytest.approx((one + two) / 2)


def test_correction_of_the_higher_charge_lowers_a_donor_level():
    bare = transition_level(run(-99.0, 1), run(-97.0, 0), 0.0)
    corrected = transition_level(run(-99.0, 1, correction_ev=0.2), run(-97.0, 0), 0.0)
    assert corrected - bare == pytest.approx(-0.2)


def test_envelope_of_ordered_levels_has_every_charge():
    found = lower_envelope({1: 0.3, 0: 1.1}, 0.0, 2.0)
    assert [s.charge for s in found] == [1, 0, -1]
    assert [s.stop_ev for s in found] == pytest.approx([0.3, 1.1, 2.0])


def test_negative_u_skips_the_middle_charge_and_meets_at_the_mean():
    levels = {1: 1.4, 0: 0.6}  # (+1/0) above (0/-1)
    found = lower_envelope(levels, 0.0, 2.0)
    assert [s.charge for s in found] == [1, -1]
    assert found[0].stop_ev == pytest.approx(1.0)


def test_envelope_outside_the_window_is_one_charge():
    (only,) = lower_envelope({1: -0.5, 0: 3.0}, 0.0, 2.0)
    assert (only.charge, only.start_ev, only.stop_ev) == (0, 0.0, 2.0)


@pytest.mark.parametrize("levels", [{}, {2: 0.1, 0: 0.5}, {1: math.nan}])
def test_missing_charges_are_refused(levels):
    with pytest.raises(EngineError):
        lower_envelope(levels, 0.0, 1.0)


def test_levels_outside_the_gap_are_marked_not_hidden():
    assert gap_position(0.4, 1.5) is GapPosition.IN_GAP
    assert gap_position(-0.1, 1.5) is GapPosition.BELOW
    assert gap_position(1.6, 1.5) is GapPosition.ABOVE
    assert "conduction band" in gap_position(1.6, 1.5)
    assert gap_position(0.4, 0.0) is GapPosition.NO_GAP


@pytest.mark.parametrize("energy", [0.0, math.nan, math.inf])
def test_blank_energies_are_refused(energy):
    with pytest.raises(EngineError, match="blank") as caught:
        check(BULK, [run(energy, 1)])
    assert caught.value.error_class == "blank_energy"


def test_mixed_settings_are_refused_with_both_values():
    other = Run(-99.0, 1, 350.0, "PBE", "2x2x2")
    with pytest.raises(EngineError, match=r"cutoff_ev is 350.0, that of the bulk 400.0"):
        formation_energy(other, BULK, {}, {}, 0.0)
    with pytest.raises(EngineError, match="functional"):
        transition_level(run(-99.0, 1), Run(-98.0, 0, 400.0, "LDA", "2x2x2"), 0.0)


def test_charges_must_fall_and_potentials_be_there():
    with pytest.raises(EngineError, match="must fall"):
        transition_level(run(-99.0, 0), run(-98.0, 1), 0.0)
    with pytest.raises(EngineError, match="Ga"):
        formation_energy(run(-99.0), BULK, {"Ga": 1}, {}, 0.0)


def test_stability_region_of_a_binary_host_with_an_impurity_phase():
    others = [({"Cu": 2, "Te": 1}, -0.4)]
    points = corners({"Cd": 1, "Te": 1}, -1.0, others, ["Cd", "Te", "Cu"])
    for p in points:
        assert p["Cd"] + p["Te"] == pytest.approx(-1.0)
        assert 2 * p["Cu"] + p["Te"] <= -0.4 + 1e-9
        assert max(p.values()) <= 1e-9
    tellurium, cadmium = rich(points, "Te"), rich(points, "Cd")
    assert tellurium["Te"] == pytest.approx(0.0)
    assert tellurium["Cd"] == pytest.approx(-1.0)
    assert cadmium["Te"] == pytest.approx(-1.0)
    copper = max(p["Cu"] for p in points if p["Te"] == pytest.approx(0.0))
    assert copper == pytest.approx(-0.2)  # Cu2Te forms first


def test_an_unstable_host_is_reported():
    with pytest.raises(EngineError, match="decomposes"):
        corners({"A": 1, "B": 1}, -0.1, [({"A": 2, "B": 1}, -2.0)], ["A", "B"])


def rows_of(*runs, gap=1.5):
    return transition_levels(BULK, runs, vbm_ev=2.0, gap_ev=gap)


def test_levels_of_good_runs():
    (upper, lower) = rows_of(run(-97.0, -1 + 1), run(-99.5, 1), run(-94.0, -1))
    assert (upper["q_from"], upper["q_to"], upper["status"]) == (1, 0, "ok")
    assert upper["level_eV"] == pytest.approx(0.5)
    assert lower["level_eV"] == pytest.approx(1.0)
    assert upper["message"] == lower["message"] == ""


def test_runs_that_did_not_converge_are_marked_and_blank_ones_failed():
    (row,) = rows_of(run(-99.5, 1, converged=False), run(-97.0, 0))
    assert (row["status"], row["level_eV"]) == ("unconverged", pytest.approx(0.5))
    (row,) = rows_of(run(0.0, 1), run(-97.0, 0))
    assert row["status"] == "failed"
    assert "blank" in row["message"]
    assert math.isnan(row["level_eV"])


def test_an_electron_in_the_conduction_band_and_a_host_without_gap_are_reported():
    (row,) = rows_of(run(-99.5, 1), run(-95.0, 0))
    assert "conduction band" in row["message"]
    assert row["status"] == "ok"
    (row,) = rows_of(run(-99.5, 1), run(-97.0, 0), gap=0.0)
    assert row["message"] == "host without a gap"


def test_missing_and_doubled_charges_and_mixed_settings():
    (row,) = rows_of(run(-99.5, 1), run(-94.0, -1))
    assert "2 electrons" in row["message"]
    with pytest.raises(EngineError, match="twice"):
        rows_of(run(-99.5, 1), run(-97.0, 1))
    with pytest.raises(EngineError, match="functional"):
        rows_of(run(-99.5, 1), Run(-97.0, 0, 400.0, "LDA", "2x2x2"))
