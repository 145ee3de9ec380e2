"""Contents from energy loss: planted spectra, axes and edges."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from test_nmc_block_models import GRIDS, planted

from benchmarks.edge_cross_sections import ABOVE, edge_cross_section
from defectra.core.claims import Outcome
from defectra.core.errors import DataError
from defectra.core.paths import PROJECT
from defectra.learn.edges_model import load_edges_model
from defectra.spectra.align import points
from defectra.spectra.measured_spectrum import Measured
from defectra.spectra.plural_scattering import PluralScattering
from defectra.studies.nmc.blocks.saved import save
from defectra.studies.nmc.measured import energy_loss, energy_loss_shape
from defectra.studies.nmc.measured.checks import energy_loss_checks
from defectra.studies.nmc.measured.energy_loss import (
    INTENSITIES,
    KNOWN,
    SHARES,
    Axis,
    Quantity,
    Setting,
    Window,
)

TRUTH = {"O": 2.0, "Mn": 0.25, "Co": 0.15, "Ni": 0.6}
SCALE, OFFSET, OXYGEN = 1.03, -7.4, 2.7  # the axis of the file, and what O K is off besides
LINE = {"O": 0.8, "Mn": 3.0, "Co": 3.0, "Ni": 3.0}  # height of the strongest line over the edge


def low_loss(thickness=1.2):
    """One plasmon at 24 eV for each zero loss, and what follows from it by Poisson statistics."""
    one = np.exp(-0.5 * ((np.arange(500) * 0.3 - 24.0) / 4.0) ** 2)
    one[:10] = 0.0
    one /= one.sum()
    event, total = np.eye(1, 500)[0], np.zeros(500)
    for n in range(10):
        total += event
        event = np.convolve(event, one)[:500] * thickness / (n + 1)
    return PluralScattering(tuple(total), 0.3)


NO_SCATTERING = PluralScattering((1.0,) + (0.0,) * 9, 0.3)


@pytest.fixture(scope="module")
def sections():
    return energy_loss.read_cross_sections(PROJECT / "resources/nmc/edge_cross_sections.csv")


def test_cross_sections_fall_above_each_threshold_and_step_by_the_electrons_of_a_subshell(sections):
    assert sections.keys() >= {"O", "Ni"}
    for element, section in sections.items():
        change = section.barn[1:] / section.barn[:-1]
        steps = change > 1
        assert steps.sum() == (0 if element == "O" else 1), element
        assert ((change[~steps] > 0.9) & (change[~steps] < 1.0)).all(), element
        # 2 of 3 electrons before the step; the fall over 5 eV is some 2 %
        assert change[steps] == pytest.approx(1.5, rel=0.04)


def test_a_planted_edge_comes_back_from_a_table_that_is_smeared_near_it():
    """Two thresholds on a tail of outer shells, rising over 20 eV as coarse tables do."""
    edges = {"L3": (700.0, 4), "L2": (715.0, 2)}  # those of the table

    def total(energy):
        step = sum(n / 6 * np.clip((energy - e + 5) / 25, 0, 1) for e, n in edges.values())
        return 2e5 * (energy / 700) ** -2.5 + 1e6 * (energy / 700) ** -2.0 * step

    found = edge_cross_section(total, edges, 850.0)
    true = 1e6 * ((700 + ABOVE) / 700) ** -2.0 * np.where(ABOVE > 15, 1.0, 2 / 3)
    assert found == pytest.approx(true, rel=1e-3)


def loss_over_absorption(energy):
    """By the speed of electrons of 300 keV, 0.7765 of that of light, at 25 mrad."""
    momentum_speed = 0.7765**2 / np.sqrt(1 - 0.7765**2) * 510999.0
    return np.log1p((0.025 * momentum_speed / energy) ** 2) / energy


def spectrum(sections, lines=LINE, scattering=NO_SCATTERING):
    """Edges with a line each on a power law, on an axis that is off."""
    energy = np.arange(440.0, 1050.0, 0.3)
    background = 3e5 * ((SCALE * energy + OFFSET) / 440.0) ** -3.5
    counts = np.zeros(len(energy))
    for element, known in KNOWN.items():
        true = SCALE * energy + OFFSET + OXYGEN * (element == "O")
        section, above = sections[element], true - known.onset
        photo = np.interp(above, section.above, section.barn) * (above >= 0)
        edge = photo * loss_over_absorption(true)
        tail = np.where(above > 62, edge * (np.maximum(above, 1) / 62) ** -9, edge)
        peak = np.exp(-0.5 * ((true - known.line) / 1.5) ** 2)
        counts += 5.0 * TRUTH[element] * (tail + lines[element] * edge.max() * peak)
    return Measured(energy, background + scattering.on(counts), "counts")


def test_the_axis_has_one_shift_for_each_edge(sections):
    axis = Axis.of(spectrum(sections))
    assert axis.scale == pytest.approx(SCALE, abs=0.003)
    assert axis.shifts["O"] == pytest.approx(OXYGEN, abs=1.0)
    assert max(abs(axis.shifts[m]) for m in energy_loss.METALS) < 0.3
    with pytest.raises(DataError, match="no line of Co"):
        Axis.of(spectrum(sections, LINE | {"Co": 0.0}))


def quantity(sections, seen=None, scattering=NO_SCATTERING):
    seen = spectrum(sections) if seen is None else seen
    return Quantity(seen, Axis.of(seen), sections, scattering)


def test_contents_come_back_from_a_planted_energy_loss_spectrum(sections):
    rows = list(energy_loss.quantify(quantity(sections), 1, draws=100))
    found = {r["element"]: r for r in rows if r["way"] == INTENSITIES}
    for element, value in TRUTH.items():
        assert found[element]["per_metal"] == pytest.approx(value, abs=0.1 * value + 0.06)
        assert found[element]["lo"] <= value <= found[element]["hi"]
    cut = spectrum(sections)
    cut = replace(cut, energy=cut.energy[:1400], mu=cut.mu[:1400])
    with pytest.raises(DataError, match="does not cover an edge"):
        list(energy_loss.quantify(quantity(sections, cut), 1))


def test_the_interval_holds_what_other_windows_give(sections):
    """White lines, which the cross-sections do not know, are in an early window alone."""
    seen = spectrum(sections)
    own = quantity(sections, seen, low_loss(0.05))
    rows = list(energy_loss.quantify(own, 1, draws=20))
    whole = {r["element"]: r for r in rows if r["way"] == INTENSITIES}
    singles = [r for r in rows if r["way"] != INTENSITIES]
    assert len({r["way"] for r in singles}) == 2 * len(energy_loss.SHOWN)
    by = {(r["way"], r["element"]): r["per_metal"] for r in singles}
    early, late = (energy_loss.window_name(*w) for w in energy_loss.SHOWN)
    assert by[early, "O"] < 0.9 * by[late, "O"]
    windows = (Window(0, 35, 22), Window(0, 60, 35), Window(25, 35, 35), Window(25, 60, 22))
    for window, share in product(windows, (min(SHARES[1:]), max(SHARES))):
        values = own.per_metal(Setting(window, share=share))
        for element, value in zip(KNOWN, values):
            assert whole[element]["lo"] <= value <= whole[element]["hi"]


def test_plural_scattering_is_taken_off_before_an_edge_is_counted(sections):
    """Contents by a short window: as without scattering, and biased where it is left in."""
    plain, scattering = quantity(sections), low_loss()
    thick = spectrum(sections, scattering=scattering)
    window = Window(0.0, 40.0, 28.0)
    truth = plain.per_metal(Setting(window))
    seen = replace(plain, spectrum=thick, scattering=scattering)
    bias = [np.abs(seen.per_metal(Setting(window, share=f)) / truth - 1).max() for f in (1.0, 0.0)]
    assert bias[0] < 0.05
    assert bias[1] > 2 * bias[0]
    other = replace(thick, energy=440.0 + 0.5 * np.arange(len(thick.energy)))
    with pytest.raises(DataError, match="one dispersion"):
        list(energy_loss.quantify(replace(seen, spectrum=other), 1))


def test_a_window_ends_before_the_next_edge():
    for element, following in (("O", "Mn"), ("Mn", "Co"), ("Co", "Ni")):
        start, stop = Window(25.0, 200.0, 30.0).ends(element)
        assert KNOWN[element].onset + start < KNOWN[element].onset + stop
        assert KNOWN[element].onset + stop <= KNOWN[following].onset - 4
    assert Window(25.0, 60.0, 30.0).ends("Ni") == (25.0, 85.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of O K alone."""
    path = tmp_path_factory.mktemp("model") / "edges.npz"
    rows = [{k: v for k, v in r.items() if "K" not in k or "O K" in k} for r in planted(blocks=10)]
    scores = [{"edges": "O K", "target": t, "score": 0.2} for t in ("x_Li", "x_Ni", "x_Mn", "x_Co")]
    save(rows, GRIDS, scores, 1, path)
    return load_edges_model(path)


def as_loss(mu, stretch=1.0):
    """A curve of the grid of O K as an edge on a power law, its begin where O K begins."""
    grid = points(GRIDS["O K"])
    begins = float(grid[0]) + 3.0
    energy = np.arange(440.0, 700.0, 0.3)
    place = begins + (energy - KNOWN["O"].onset) / stretch
    edge = np.interp(place, grid, np.asarray(mu) - min(mu), left=0.0)
    edge *= loss_over_absorption(energy) / loss_over_absorption(KNOWN["O"].onset)
    return Measured(energy, 1e9 * (energy / 440.0) ** -3.0 + 2e9 * edge, "counts")


PLAIN = Axis(1.0, 0.0, {"O": 0.0, "Mn": 0.0, "Co": 0.0, "Ni": 0.0})


def test_lithium_comes_back_from_the_shape_of_an_edge_like_the_computed_ones(model):
    rows = planted(blocks=3, seed=9)[::4]
    assert rows
    for row in rows:
        shape = energy_loss_shape.Shape.of(as_loss(row["raw: O K"]), PLAIN, model)
        assert shape.outside < 1.5
        assert shape.shift == pytest.approx(GRIDS["O K"].start + 3.0 - KNOWN["O"].onset, abs=1.0)
        found = {r["element"]: r for r in energy_loss_shape.contents(shape, PLAIN, model)}
        assert set(found) == {"Li", "Ni", "Mn", "Co"}
        assert found["Li"]["per_metal"] == pytest.approx(row["lithium"], abs=0.3)
        assert found["Li"]["hi"] - found["Li"]["per_metal"] == pytest.approx(0.2)


def test_a_constant_oscillator_density_comes_back_flat(model):
    """Counts fall by 8 % over the grid of O K, absorption does not."""
    grid = points(GRIDS["O K"])
    shape = energy_loss_shape.Shape.of(as_loss((grid > grid[0] + 3.0).astype(float)), PLAIN, model)
    above = shape.mu[grid > grid[0] + 8.0]
    assert above == pytest.approx(above.mean(), rel=2e-3)


def test_counts_keep_their_slope_where_the_factor_is_left_in(model):
    grid = points(GRIDS["O K"])
    flat = as_loss((grid > grid[0] + 3.0).astype(float))
    shape = energy_loss_shape.Shape.of(flat, PLAIN, model, 1.2, absorption=False)
    above = shape.mu[grid > grid[0] + 8.0]
    assert above[-1] < 0.95 * above[0]
    assert shape.way == energy_loss_shape.SHAPE + energy_loss_shape.AS_COUNTS
    rows = list(energy_loss_shape.contents(shape, PLAIN, model))
    (nothing,) = energy_loss_checks(rows)  # the check is about absorption
    assert nothing.row()["n"] == 0


def test_an_edge_unlike_the_computed_ones_lies_outside_and_the_check_says_so(model):
    row = planted(blocks=3, seed=9)[0]
    plain, far = (
        energy_loss_shape.Shape.of(as_loss(row["raw: O K"], stretch), PLAIN, model, 1.2)
        for stretch in (1.0, 1.8)
    )
    assert far.outside > max(1.0, 1.5 * plain.outside)
    rows = list(energy_loss_shape.contents(far, PLAIN, model))
    (told,) = energy_loss_checks(rows)
    assert told.row()["verdict"] == Outcome.FAILS
    left_in = energy_loss_shape.contents(replace(far, thickness=0.0), PLAIN, model)
    (nothing,) = energy_loss_checks(list(left_in))
    assert nothing.row()["n"] == 0
    (nothing,) = energy_loss_checks([])
    assert nothing.row()["n"] == 0


def test_the_nearest_computed_spectra_are_shown(model):
    shape = energy_loss_shape.Shape.of(as_loss(model.curves["O K"][4]), PLAIN, model)
    rows = list(energy_loss_shape.curves(shape, model, shape))
    names = list(dict.fromkeys(r["curve"] for r in rows))
    assert names[0] == energy_loss_shape.MEASURED
    assert len(names) == 2 + energy_loss_shape.NEAREST
    areas = {n: np.trapezoid([r["mu"] for r in rows if r["curve"] == n], shape.energy)
             for n in names}  # fmt: skip
    assert list(areas.values()) == pytest.approx([1.0] * len(names))
