"""Study `stem4d`: potential, cells, patterns, symmetry, and what cannot be asked."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("abtem")

from defectra.core.errors import EngineError  # noqa: E402
from defectra.engines.abtem import samples, tersoff  # noqa: E402
from defectra.engines.abtem.engine import ABTEM  # noqa: E402
from defectra.engines.abtem.settings import AbtemProtocol  # noqa: E402
from defectra.engines.abtem.simulate import centre_of_mass, simulate  # noqa: E402
from defectra.studies.stem4d import known_patterns, measures, vacancies  # noqa: E402
from defectra.studies.stem4d.networks import Plain, Turning  # noqa: E402
from defectra.studies.stem4d.polar import Standard, polar, ring_weights  # noqa: E402
from defectra.studies.stem4d.scans import CELLS, Scan, asked, cell_places, orbits  # noqa: E402
from defectra.studies.stem4d.settings import Network, Polar, Stem4dStudy  # noqa: E402

torch.set_num_threads(1)
STUDY = Stem4dStudy(scan={"cell_points": 6})
PLAIN_SETTINGS = AbtemProtocol().model_dump(exclude={"description"})
GRID = Polar(radii=8, angles=36)


def sheet(scale: float) -> tuple[np.ndarray, np.ndarray]:
    places, _, edges = samples.build({"kind": "graphene", "vacancy": "none", "repeat": [3, 2, 1]})
    return places * [scale, scale, 1.0], np.array([edges[0] * scale, edges[1] * scale, 20.0])


def energy(scale: float) -> float:
    places, cell = sheet(scale)
    return float(tersoff.Carbon(places, cell).energy(torch.from_numpy(places))) / len(places)


def test_the_potential_gives_graphene_its_published_bond_and_energy() -> None:
    bonds = np.array([1.44, 1.45, 1.46, 1.47, 1.48])
    values = [energy(b * np.sqrt(3) / 2.46) for b in bonds]
    a, b, c = np.polyfit(bonds, values, 2)
    assert -b / (2 * a) == pytest.approx(1.46, abs=0.005)
    assert c - b**2 / (4 * a) == pytest.approx(-7.396, abs=0.01)  # eV, Tersoff 1988: graphite


def test_a_vacancy_is_relaxed_to_lower_energy_and_lacks_the_right_atoms() -> None:
    whole = samples.build({"kind": "graphene", "vacancy": "none", "repeat": [7, 4, 1]})[0]
    for kind, missing in (("mono", 1), ("di", 2)):
        places, numbers, _ = samples.build(
            {"kind": "graphene", "vacancy": kind, "repeat": [7, 4, 1]}
        )
        assert len(numbers) == len(whole) - missing
        nearest = np.sqrt(((whole[:, None] - places[None]) ** 2).sum(-1)).min(1)
        assert (nearest > 0.9).sum() == missing
        moved = np.sqrt(((places[:, None] - whole[None]) ** 2).sum(-1)).min(1)
        assert 1e-3 < moved.max() < 0.5


def scan(name: str, /, **change: object) -> dict[str, np.ndarray]:
    return simulate(asked(name, STUDY, 1) | PLAIN_SETTINGS | change)


def test_patterns_obey_the_symmetry_of_the_sheet() -> None:
    found = scan("graphene")
    patterns = found["patterns"].astype(float)
    assert patterns.sum((1, 2)) == pytest.approx(1, abs=2e-3)  # what goes beyond the detector
    deflection = centre_of_mass(patterns, found["step"])
    fractional = cell_places("graphene", 6)[1]
    size = np.hypot(*deflection.T)[:, None]
    assert measures.within_orbits(size, orbits("graphene", fractional, True)) < 0.01
    atom = np.flatnonzero((fractional == 0).all(1))[0]
    assert size[atom] < 0.05 * size.max()  # no deflection on a site
    near = np.flatnonzero(np.isclose(fractional, [1 / 6, 0]).all(1))[0]
    along = deflection[near] @ (CELLS["graphene"][0] / 2.46)
    assert along < -0.5 * np.hypot(*deflection[near])  # towards the atom behind


def test_a_thin_sample_is_a_phase_object_and_doses_count() -> None:
    sliced, whole = (scan("graphene", **c)["patterns"] for c in ({}, {"method": "phase_object"}))
    assert np.abs(sliced - whole).sum() < 0.02 * sliced.sum()
    counted = scan("graphene", dose=5000.0)["patterns"]
    assert (counted == counted.round()).all()
    assert counted.sum((1, 2)).mean() == pytest.approx(5000, rel=0.01)
    assert (counted == scan("graphene", dose=5000.0)["patterns"]).all()
    shaken = scan("graphene", phonons=2, displacement=0.1)["patterns"]
    assert np.abs(sliced - shaken).sum() > np.abs(sliced - whole).sum()


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({"sample": {"kind": "salt", "vacancy": "none", "repeat": [1, 1, 1]}}, "unknown_sample"),
        ({"places": [[-1.0, 2.0]]}, "outside"),
    ],
)
def test_what_cannot_be_simulated_is_a_failed_row(change: dict, known: str) -> None:
    with pytest.raises(EngineError) as caught:
        scan("graphene", **change)
    assert caught.value.error_class == known
    request = ABTEM.request(asked("graphene", STUDY, 1) | PLAIN_SETTINGS | change, "scan", "x")
    assert ABTEM.run(request, None).error_class == known


def test_orbits_are_those_of_the_plane_groups() -> None:
    for sample, turns in (("graphene", 6), ("gallium_arsenide", 4)):
        fractional = cell_places(sample, 12)[1]
        rotations, whole = (orbits(sample, fractional, m) for m in (False, True))
        assert np.bincount(rotations).max() == turns  # places in general position
        assert np.bincount(whole).max() == 2 * turns
        for label in np.unique(rotations):  # mirrors only join
            assert len(np.unique(whole[rotations == label])) == 1


def test_the_latent_variables_are_invariant_and_the_angle_turns_by_construction() -> None:
    """Of a network that was never trained: no data taught it."""
    torch.manual_seed(1)
    rings = torch.randn(5, GRID.radii, GRID.angles)
    turned = torch.roll(rings, 7, -1)
    network = Turning(GRID, Network()).eval()
    with torch.no_grad():
        (z, angle), (z_turned, angle_turned) = network.latents(rings), network.latents(turned)
    assert z_turned.numpy() == pytest.approx(z.numpy(), abs=1e-5)
    difference = (angle_turned - angle - 7 * 2 * np.pi / 36).numpy()
    assert np.exp(1j * difference) == pytest.approx(np.ones(5), abs=1e-4)
    plain = Plain(GRID, Network()).eval()
    with torch.no_grad():
        assert (plain.latents(rings)[0] - plain.latents(turned)[0]).abs().max() > 1e-3


def test_a_polar_grid_turns_patterns_the_way_that_it_says() -> None:
    y, x = np.mgrid[-20:21, -20:21]
    spot = np.exp(-((x - 8) ** 2 + y**2) / 20.0)[None]  # on +x
    upwards = np.exp(-(x**2 + (y - 8) ** 2) / 20.0)[None]  # on +y
    step = np.ones(2)
    rings = polar(spot, step, 16.0, GRID)
    assert rings[0].sum(0).argmax() == 0
    assert polar(upwards, step, 16.0, GRID)[0].sum(0).argmax() == 9
    assert polar(spot, step, 16.0, GRID, np.pi / 2) == pytest.approx(
        np.roll(rings, -9, -1), abs=1e-9
    )
    flat = Standard.of(rings)(rings)
    assert np.abs(flat.mean((0, 2))).max() < 1e-5
    draw = np.random.default_rng(1).random((2, 9, 10))
    weights = ring_weights((9, 10), step, 3.5, GRID)
    whole = polar(draw, step, 3.5, GRID)
    assert (draw.reshape(2, -1) @ weights).reshape(whole.shape) == pytest.approx(whole)


def test_measures_tell_what_is_there_and_what_is_not() -> None:
    draw = np.random.default_rng(1)
    orbit = np.repeat(np.arange(20), 6)
    same = draw.normal(size=(20, 2))[orbit]
    assert measures.within_orbits(same, orbit) == pytest.approx(0, abs=1e-12)
    assert measures.within_orbits(draw.normal(size=(120, 2)), orbit) > 0.6
    angle = draw.uniform(-np.pi, np.pi, 400)
    deflection = np.column_stack([np.cos(angle + 1), np.sin(angle + 1)])
    assert measures.follows(angle, deflection, 0.5)[0] == pytest.approx(1)
    assert measures.follows(draw.permutation(angle), deflection, 0.5)[0] < 0.2
    assert measures.follows(angle, deflection, 2.0)[1] == 0
    true = draw.random(300) < 0.3
    seen, blind = true[:, None] + draw.normal(0, 0.3, (300, 1)), draw.normal(size=(300, 1))
    for values, good in ((seen, True), (blind, False)):
        scores = measures.Odds.of(values[:150], true[:150])(values[150:])
        value = measures.detection(scores, true[150:], 50, 1)
        assert (value.lo > 0.9) == good
        assert value.lo < value.value < value.hi


def test_a_ring_of_values_is_told_by_the_quadratic_terms() -> None:
    draw = np.random.default_rng(2)
    values = draw.normal(size=(600, 2))
    far = np.hypot(*values.T) > 1.3
    odds = measures.Odds.of(values[:300], far[:300])
    assert measures.detection(odds(values[300:]), far[300:], 50, 1).lo > 0.97


def test_who_knows_every_pattern_tells_a_missing_atom_and_nobody_without_electrons() -> None:
    """Two kinds of places that differ by a tenth of the beam, at many and at few electrons."""
    perfect = np.full((40, 3, 3), 0.1)
    perfect[:20, 1, 1], perfect[20:, 1, 1] = 0.2, 0.1
    perfect[20:, 0, 0] = 0.2
    true, draw = np.arange(40) < 20, np.random.default_rng(1)
    places, atoms, step = np.zeros((40, 2)), np.zeros((1, 4)), np.ones(2)
    quiet = Scan("mono", "multislice", perfect, places, atoms, step, "a")
    areas = []
    for dose in (1000.0, 3.0):
        counts = draw.poisson(perfect * dose).astype(float)
        scan = Scan("mono", "dose", counts, places, atoms, step, "b")
        odds = known_patterns.likelihood(
            scan.patterns, quiet.patterns, true, vacancies.dose_of(scan)
        )
        areas.append(measures.detection(odds, true, 50, 1).value)
    assert areas[0] == 1.0
    assert areas[1] < 0.9


def test_the_nearest_known_pattern_decides() -> None:
    rng = np.random.default_rng(2)
    known = rng.random((30, 4, 4))
    true = np.arange(30) < 10
    asked_for = np.concatenate([known[:3], known[20:23]]) + 1e-3 * rng.random((6, 4, 4))
    found = known_patterns.nearness(asked_for, known, true)
    assert (found[:3] > 0).all()
    assert (found[3:] < 0).all()
    away = [np.linalg.norm((known - p).reshape(30, -1), axis=1) for p in asked_for]
    expected = [a[~true].min() - a[true].min() for a in away]
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_inputs_are_plain_and_protocols_are_checked() -> None:
    json.dumps(asked("mono", STUDY, 1))
    with pytest.raises(ValueError, match="methods"):
        Stem4dStudy(methods=[])
