"""Engine `coherent`: scattering, motion and counting against what is known without it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy.integrate import quad

from defectra.core.errors import EngineError
from defectra.engines.coherent import kuramoto, planar, swarm
from defectra.engines.coherent.engine import COHERENT
from defectra.engines.coherent.scattering import (
    Detector,
    counted,
    grid_axis,
    grid_intensity,
    grid_waves,
    sphere_form_factor,
    sphere_intensity,
)
from defectra.engines.coherent.simulate import simulate
from defectra.studies.dynamics.figures.patterns import sample_and_path
from defectra.studies.dynamics.series import Series, asked, detector_of
from defectra.studies.dynamics.settings import DynamicsStudy

DETECTOR = Detector(pixels=16, sampling=0.5, box=2.0, probe=0.25, stop=0.06)
PLANE_WAVE = Detector(pixels=16, sampling=0.5, box=2.0, probe=1e9, stop=0.0)


def draw(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape)


def _disc_wave(z: float, radius: float, q: float) -> float:
    return np.pi * (radius**2 - z**2) * np.cos(q * z)


def test_the_form_factor_is_the_transform_of_a_sphere() -> None:
    radius = 0.3
    for q in (1e-4, 0.06, 0.07, 2.0, 17.0, 40.0):
        # a sphere cut into discs across q: area pi (R^2 - z^2)
        exact = quad(_disc_wave, -radius, radius, args=(radius, q))[0]
        assert sphere_form_factor(np.array([q]), radius)[0] == pytest.approx(exact, rel=1e-9)


def test_a_grid_under_a_plane_wave_gives_its_discrete_fourier_transform() -> None:
    field = draw(1, 24, 24)
    found = grid_intensity(PLANE_WAVE, field)[::2, ::2]  # whole steps of 2 pi / box
    wanted = np.fft.fftshift(np.abs(np.fft.fft2(field)) ** 2)[4:20, 4:20]
    assert found[PLANE_WAVE.open[::2, ::2]] == pytest.approx(
        wanted[PLANE_WAVE.open[::2, ::2]], rel=1e-9
    )


def test_the_probe_is_the_convolution_with_its_transform() -> None:
    """One axis; the product with a Gaussian in space against the sum over wave vectors."""
    field, s = draw(2, 24), DETECTOR.width
    with_probe = grid_waves(DETECTOR, 24) @ field
    q = np.linspace(-60, 60, 4001)
    x = grid_axis(24, 2.0)
    plain = np.exp(-1j * np.outer(q, x)) @ field
    kernel = s / np.sqrt(2 * np.pi) * np.exp(-((DETECTOR.q[:, None] - q) ** 2) * s**2 / 2)
    assert with_probe == pytest.approx(kernel @ plain * (q[1] - q[0]), abs=1e-8)


def test_the_twin_image_gives_the_same_pattern() -> None:
    places = draw(3, 1, 30, 2)
    patterns = [sphere_intensity(DETECTOR, p, 0.1)[0] for p in (places, -places)]
    assert patterns[0] == pytest.approx(patterns[1], rel=1e-9)
    inner = patterns[0][1:, 1:]  # q from -max to max without the unpaired first row
    assert inner == pytest.approx(inner[::-1, ::-1], rel=1e-9)  # Friedel's law


def test_only_the_probe_tells_where_the_sample_is() -> None:
    places, away = draw(4, 1, 30, 2), np.array([0.31, -0.2])
    still, moved = (sphere_intensity(PLANE_WAVE, p, 0.1) for p in (places, places + away))
    assert still == pytest.approx(moved, rel=1e-9)
    seen, moved = (sphere_intensity(DETECTOR, p, 0.1) for p in (places, places + away))
    assert np.abs(seen - moved).sum() > 0.3 * seen.sum()
    probe = sphere_intensity(DETECTOR, places, 0.1, probe_at=-away[None])
    assert probe == pytest.approx(moved, rel=1e-9)  # sample by d, or probe by -d


def test_rates_of_oscillators_are_the_sum_over_neighbours() -> None:
    kernel, theta = draw(5, 11, 11), np.pi * draw(6, 13, 13)
    found = kuramoto.rate(theta, kuramoto.transfer(kernel, 13))
    wanted = np.zeros_like(theta)
    for y in range(-5, 6):
        for x in range(-5, 6):
            there = np.roll(theta, (-y, -x), (0, 1))
            wanted += kernel[y + 5, x + 5] * np.sin(there - theta)
    assert found == pytest.approx(wanted, abs=1e-10)


def test_oscillators_fall_down_their_energy_and_twins_obey_the_inverted_kernel() -> None:
    times, start = np.linspace(0, 4, 9), np.pi * draw(7, 16, 16)
    kernel = kuramoto.log_kernel(20.0, 1.5)
    path = kuramoto.trajectory(start, kernel, times, 1e-9)

    def energy(theta: np.ndarray) -> float:
        spin = np.exp(1j * theta)
        near = np.fft.ifft2(np.fft.fft2(spin) * np.fft.fft2(_wrapped(kernel, 16)).conj())
        return float(-0.5 * (spin.conj() * near).real.sum())

    assert (np.diff([energy(p) for p in path]) < 0).all()
    skew = kernel + 0.3 * draw(8, 11, 11)
    ahead = kuramoto.trajectory(start, skew, times, 1e-9)
    twin = kuramoto.trajectory(start[::-1, ::-1], skew[::-1, ::-1], times, 1e-9)
    assert twin == pytest.approx(ahead[:, ::-1, ::-1], abs=1e-6)


def _wrapped(kernel: np.ndarray, number: int) -> np.ndarray:
    field = np.zeros((number, number))
    field[:11, :11] = kernel
    return np.roll(field, (-5, -5), (0, 1))


def test_particles_keep_their_middle_and_do_not_feel_each_other_beyond_the_cut_off() -> None:
    places = 2 * draw(9, 40, 2)
    assert swarm.velocity(places, 0.75, 4.0).sum(axis=0) == pytest.approx(0, abs=1e-12)
    apart = np.array([[0.0, 0.0], [0.76, 0.0]])
    assert (swarm.velocity(apart, 0.75, 4.0) == 0).all()
    close, near = (swarm.velocity(apart * f, 0.75, 4.0)[0, 0] for f in (0.05, 0.4))
    assert close < 0 < near  # repelled, attracted
    far = swarm.speed(np.linspace(0.6, 0.74, 15), 0.75, 4.0)
    assert far.max() < 1e-3 * swarm.speed(np.linspace(0.1, 0.7, 200), 0.75, 4.0).max()


def test_the_source_conserves_its_integral_and_turns_with_the_known_period() -> None:
    law = {"alpha": 1 / 3, "beta": 2 / 3, "gamma": 0.5, "delta": 0.5}
    path = planar.trajectory(
        np.array([1.0, 1.0]),
        partial(planar.lotka_volterra, **law),
        np.linspace(0, 160, 2001),
        1e-11,
    )
    x, y = path.T
    kept = law["delta"] * x - law["gamma"] * np.log(x)  # the integral of the law
    kept += law["beta"] * y - law["alpha"] * np.log(y)
    assert kept == pytest.approx(kept[0], abs=1e-8)
    small = planar.trajectory(
        np.array([1.0, 0.5005]),
        partial(planar.lotka_volterra, **law),
        np.linspace(0, 40, 40001),
        1e-12,
    )
    up = np.flatnonzero((small[:-1, 0] < 1) & (small[1:, 0] >= 1))
    period = (up[1] - up[0]) * 1e-3
    assert period == pytest.approx(2 * np.pi / np.sqrt(law["alpha"] * law["gamma"]), rel=1e-3)


def test_the_probe_winds_onto_its_circle() -> None:
    path = planar.trajectory(
        np.array([0.1, 0.0]),
        partial(planar.spiral, growth=0.5, turn=0.8, radius=0.6),
        np.array([0.0, 40.0, 40.0 + 2 * np.pi / 0.8]),
        1e-11,
    )
    assert np.hypot(*path[1]) == pytest.approx(0.6, rel=1e-6)
    assert path[2] == pytest.approx(path[1], abs=1e-6)


def test_counts_have_the_mean_and_the_spread_of_photons() -> None:
    intensity = np.full((40, 30, 30), 2.0)
    intensity[0, 0, 0] = 8.0
    counts, scale = counted(intensity, 100.0, np.random.default_rng(1))
    assert scale == pytest.approx(12.5)
    few = counts.ravel()[1:]
    assert few.mean() == pytest.approx(25, abs=5 * 5 / np.sqrt(few.size))
    assert few.var() == pytest.approx(25, rel=0.05)
    ideal, _ = counted(intensity, None, np.random.default_rng(1))
    assert ideal.max() == 1.0


ASKED = {
    "system": "source",
    "law": {"alpha": 1 / 3, "beta": 2 / 3, "gamma": 0.5, "delta": 0.5},
    "number": 20,
    "radius": 0.1,
    "detector": {"pixels": 16, "sampling": 1.0, "box": 2.0, "probe": 0.25, "stop": 0.05},
    "times": [0.0, 1.0, 2.0],
    "later": [5.0],
    "photons": 100.0,
    "tolerance": 1e-8,
    "seed": [1, 2, 3],
}  # fmt: skip


def test_a_series_is_the_same_again_and_fidelities_share_the_motion() -> None:
    first, again = simulate(ASKED), simulate(ASKED)
    assert all((first[k] == again[k]).all() for k in first)
    ideal = simulate(ASKED | {"photons": None})
    assert (ideal["state"] == first["state"]).all()
    assert first["state"].shape == (4, 2)
    assert first["counts"].shape == (3, 16, 16)
    assert (first["counts"] != ideal["counts"]).any()


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({"system": "pendulum"}, "unknown_system"),
        ({"law": {"alpha": 1e9, "beta": -1e9, "gamma": 0.5, "delta": 1e9}}, "no_trajectory"),
    ],
)
def test_what_the_engine_cannot_do_is_a_failed_row(change: dict, known: str) -> None:
    request = COHERENT.request(ASKED | change, "series", "x")
    with np.errstate(all="ignore"):
        out = COHERENT.run(request, None)
    assert out.error_class == known
    assert COHERENT.finished({"status": "failed", "error_class": known, "message": out.message}, {})
    with pytest.raises(EngineError):
        COHERENT.read(out.files)


@pytest.mark.parametrize("where", ["place", "rate"])
def test_a_start_without_a_finite_rate_ends_at_once(where: str) -> None:
    start = np.array([[0.1, 0.2], [0.1, 0.2]])  # two particles at one place
    if where == "place":
        start[0, 0] = np.nan
    with np.errstate(all="ignore"), pytest.raises(RuntimeError, match="no finite rate"):
        swarm.trajectory(start, 0.75, 2.0, np.array([0.0, 0.1]), 1e-6)


@pytest.mark.parametrize("name", ["source", "scan"])
def test_the_figure_shows_the_path_where_the_patterns_were_taken(name: str) -> None:
    study = DynamicsStudy()
    system = getattr(study, name)
    given = asked(name, study, 0, 1) | {"number": 30}
    found = simulate(given | {"photons": None, "tolerance": 1e-8})
    series = Series(0, "id", found["counts"], found["state"], found["scatterers"], 1.0, True)
    spheres, path = sample_and_path(name, series)
    detector = detector_of(system.view, system.box)
    moved = path if name == "source" else -path  # the probe is at the origin
    seen = sphere_intensity(detector, spheres + moved[:, None], system.radius)
    assert seen * found["scale"] == pytest.approx(found["counts"], abs=1e-6)
