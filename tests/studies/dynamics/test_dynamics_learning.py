"""Study `dynamics`: gradients, fits that must find the law, and fits that must not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from defectra.core.errors import TableError  # noqa: E402
from defectra.engines.coherent import kuramoto  # noqa: E402
from defectra.engines.coherent.scattering import (  # noqa: E402
    Detector,
    grid_intensity,
    sphere_intensity,
)
from defectra.engines.coherent.simulate import simulate  # noqa: E402
from defectra.studies.dynamics import kernels, pairs, planes  # noqa: E402
from defectra.studies.dynamics.fitting import Stage, fit  # noqa: E402
from defectra.studies.dynamics.flow import flow  # noqa: E402
from defectra.studies.dynamics.gradients import PairRate  # noqa: E402
from defectra.studies.dynamics.laws import (  # noqa: E402
    KernelLaw,
    PlanarLaw,
    close_pairs,
    perceptron,
)
from defectra.studies.dynamics.learn_plane import _direct  # noqa: E402
from defectra.studies.dynamics.likelihood import deviance  # noqa: E402
from defectra.studies.dynamics.linear import linear_forecast  # noqa: E402
from defectra.studies.dynamics.patterns import GridPatterns, SpherePatterns  # noqa: E402
from defectra.studies.dynamics.series import Series, asked  # noqa: E402
from defectra.studies.dynamics.settings import DynamicsStudy  # noqa: E402

torch.set_num_threads(1)
DETECTOR = Detector(pixels=16, sampling=0.5, box=2.0, probe=0.25, stop=0.06)
SMALL = DynamicsStudy(
    kuramoto={"number": 24, "patterns": 6, "later": [60.0], "horizons": [3, 6],
              "view": {"pixels": 20}},
    swarm={"number": 100, "box": 2.236, "patterns": 6, "horizons": [4, 6], "iterations": 30},
    source={"trajectories": 4, "number": 60, "law": {"alpha": 1 / 3, "beta": 2 / 3, "gamma": 0.5,
            "delta": 0.5}, "view": {"pixels": 24, "sampling": 1.0, "stop": 0.05}},
)  # fmt: skip


def series(name: str, number: int = 0, photons: float | None = None) -> Series:
    found = simulate(asked(name, SMALL, number, 1) | {"photons": photons, "tolerance": 1e-9})
    found = {k: np.asarray(v, float) for k, v in found.items()}
    return Series(
        number, "id", found["counts"], found["state"], found["scatterers"],
        float(found["scale"][0]), photons is None,
    )  # fmt: skip


def test_patterns_of_torch_are_those_of_the_engine() -> None:
    draw = np.random.default_rng(1)
    field, places = draw.normal(size=(2, 24, 24)), draw.uniform(-1, 1, (2, 30, 2))
    probe = draw.uniform(-0.3, 0.3, (2, 2))
    grid = GridPatterns(DETECTOR, 24)(torch.from_numpy(field)).numpy()
    assert grid == pytest.approx(grid_intensity(DETECTOR, field), rel=1e-9)
    spheres = SpherePatterns(DETECTOR, 0.1)(torch.from_numpy(places), torch.from_numpy(probe))
    wanted = sphere_intensity(DETECTOR, places, 0.1, probe_at=probe)
    assert spheres.numpy() == pytest.approx(wanted, rel=1e-9)


def test_a_step_is_of_fourth_order_and_its_gradient_is_right() -> None:
    """Gradient through the steps: against finite differences and the continuous adjoint."""
    adjoint = pytest.importorskip("torchdiffeq").odeint_adjoint
    law = perceptron(2, 6, 1, 2, 3)
    start = torch.tensor([0.3, -0.4], dtype=torch.float64)

    def end(steps: int) -> torch.Tensor:
        return flow(law, start, 2, 2.0, steps)[-1]

    with torch.no_grad():
        exact = end(512)
        errors = [float((end(n) - exact).norm()) for n in (4, 8)]
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.25)

    end(64).square().sum().backward()
    weight = law[0].weight
    ours = weight.grad.clone()
    weight.grad = None
    times = torch.tensor([0.0, 2.0], dtype=torch.float64)
    options = {"rtol": 1e-10, "atol": 1e-10, "adjoint_params": tuple(law.parameters())}
    adjoint(lambda _, y: law(y), start, times, **options)[-1].square().sum().backward()
    assert weight.grad.numpy() == pytest.approx(ours.numpy(), abs=1e-6)
    with torch.no_grad():
        for place in ((0, 0), (3, 1)):
            values = []
            for sign in (1, -1):
                weight[place] += sign * 1e-5
                values.append(float(end(64).square().sum()))
                weight[place] -= sign * 1e-5
            assert (values[0] - values[1]) / 2e-5 == pytest.approx(float(ours[place]), rel=1e-5)


def test_the_gradient_of_a_pattern_with_respect_to_a_kernel_is_right() -> None:
    seen = series("kuramoto")
    system = SMALL.kuramoto
    start = torch.from_numpy(kernels.start_of(seen, system))
    law = KernelLaw(start[None])
    patterns = GridPatterns(kernels.detector_of(system.view, system.box), system.number)

    def loss() -> torch.Tensor:
        states = flow(law, start, 3, system.interval, 2)[1:]
        return patterns(torch.cos(states)).sum() * 1e-3

    loss().backward()
    with torch.no_grad():
        for k in (0, 60, 119):
            values = []
            for sign in (1, -1):
                law.free[k] += sign * 1e-4
                values.append(float(loss()))
                law.free[k] -= sign * 1e-4
            assert (values[0] - values[1]) / 2e-4 == pytest.approx(
                float(law.free.grad[k]), rel=1e-4
            )


@pytest.mark.parametrize(("substeps", "enough"), [(2, True), (1, False)])
def test_steps_of_the_integrator_add_less_than_counting(substeps: int, enough: bool) -> None:
    """Deviance, summed over all pixels, of the true law in our steps at 10^4 photons."""
    seen, system = series("kuramoto", photons=1e4), SMALL.kuramoto
    side, number = (system.number, system.number), system.patterns
    states = torch.from_numpy(seen.state[:number].reshape(-1, *side))
    law = KernelLaw(states[:1])
    factor = law.factor(torch.from_numpy(kuramoto.log_kernel(system.coupling, system.width)))
    own = flow(lambda x: law.rate(x, factor), states[0], number, system.interval, substeps)
    patterns = GridPatterns(kernels.detector_of(system.view, system.box), system.number)
    ours, true = (patterns(torch.cos(s))[:, patterns.open] * seen.scale for s in (own, states))
    assert (float(deviance(ours, true).sum()) < 1) is enough


def test_written_out_gradients_are_those_of_finite_differences() -> None:
    """Of angles (even and odd grids), kernel, places and table; a pair beyond the table as well."""
    draw = torch.Generator().manual_seed(1)
    for number in (12, 13):
        theta = torch.rand(2, number, number, generator=draw, dtype=torch.float64)
        law = KernelLaw(theta * 6)
        kernel = torch.randn(11, 11, generator=draw, dtype=torch.float64)
        given = [theta.requires_grad_(), kernel.requires_grad_()]
        assert torch.autograd.gradcheck(lambda t, k: law.rate(t, law.factor(k)), given)  # noqa: B023
    place = torch.rand(7, 2, generator=draw, dtype=torch.float64)
    place[0] += 3
    table = torch.randn(9, generator=draw, dtype=torch.float64)
    away = close_pairs(place, 10.0)
    given = [place.requires_grad_(), table.requires_grad_()]
    assert torch.autograd.gradcheck(lambda p, t: PairRate.apply(p, t, away, 8.0), given, eps=1e-7)


def test_a_kernel_is_found_from_patterns_and_not_from_those_of_another_start() -> None:
    system = SMALL.kuramoto
    truth = kuramoto.log_kernel(system.coupling, system.width)
    seen, other = series("kuramoto"), series("kuramoto", 1)
    start = kernels.start_of(seen, system)
    r, amplitude = kernels.agreement(kernels.fit_kernel(seen, start, system).kernel, truth)
    assert r > 0.995
    assert abs(amplitude) < 0.02
    wrong = kernels.fit_kernel(other, start, system).kernel
    assert kernels.agreement(wrong, truth)[0] < 0.6
    side = (system.number, system.number)
    states = [seen.state[k].reshape(side) for k in (0, 1)]
    assert kernels.agreement(kernels.regressed(*states, system.interval), truth)[0] > 0.99


def test_the_law_between_pairs_and_its_cut_off_are_found() -> None:
    seen = series("swarm")
    found = pairs.fit_pairs("pull", seen, pairs.start_of(seen), SMALL.swarm, 1)
    assert found.reach == pytest.approx(0.75, abs=0.03)
    assert pairs.fit_reach(seen, pairs.start_of(seen), SMALL.swarm) == pytest.approx(0.75, abs=0.01)
    shown, still = pairs.forecast_error(found.speed, seen, SMALL.swarm)
    assert shown < 0.2 * still


def test_places_are_found_and_of_the_twin_image_with_the_opposite_sign() -> None:
    seen, system = series("source", photons=1000.0), SMALL.source
    found = planes.places(seen, planes.registered(planes.Scene(seen, system)), "source")
    assert found == pytest.approx(seen.state, abs=0.02)
    twin = planes.registered(planes.Scene(seen, system, -seen.scatterers))
    assert twin == pytest.approx(-(seen.state - seen.state[0]), abs=0.02)


def test_parameters_of_the_source_are_found_from_places() -> None:
    known = [series("source", k).state for k in range(4)]
    found = planes.fit_family(known, SMALL.source, "source")
    assert found == pytest.approx(SMALL.source.law, abs=2e-3)


def test_a_path_that_winds_in_is_told_by_its_cycles() -> None:
    times = np.arange(0, 40, 0.01)
    circle = np.column_stack([np.cos(times), np.sin(times)])
    kept = planes.cycles(circle, 0.01, 5)
    assert kept.period == pytest.approx(2 * np.pi, rel=1e-4)
    assert kept.extent == pytest.approx(2, rel=1e-3)
    shrinking = planes.cycles(circle * np.exp(-0.02 * times)[:, None], 0.01, 5)
    assert shrinking.extent[1] < 1.2
    assert np.isnan(planes.cycles(circle[:1000], 0.01, 5).period)


@pytest.mark.parametrize("name", ["source", "scan"])
def test_the_time_that_is_judged_holds_all_periods_of_the_true_path(name: str) -> None:
    """Whatever the start: else no network could be judged, however good it is."""
    system = getattr(DynamicsStudy(), name)
    for turn in (0.5, 1.5, 2.5, 3.5):
        start = np.array([0.7, 0.7]) + 0.25 * np.array([np.cos(turn), np.sin(turn)])
        path = planes.true_path(start, system, name, 0.1)
        assert planes.cycles(path, 0.1, system.periods).period > 0


def test_a_fit_that_was_killed_goes_on_with_the_same_numbers(tmp_path: Path) -> None:
    every = torch.from_numpy(np.stack([series("source", k).state for k in range(2)]))

    def stages(law: PlanarLaw, fails: bool) -> list[Stage]:
        calls = []

        def second() -> torch.Tensor:
            calls.append(1)
            if fails and len(calls) > 6:
                raise KeyboardInterrupt
            return planes.shots_loss(law, every, 2, SMALL.source)

        first = Stage("one", lambda: planes.shots_loss(law, every, 1, SMALL.source), 10)
        return [first, Stage("two", second, 10)]

    def law(seed: int = 1) -> PlanarLaw:
        return PlanarLaw(every.mean((0, 1)), 0.4, seed)

    whole, killed, resumed = law(), law(), law()
    wanted = fit(whole, stages(whole, False))
    keep = tmp_path / "fit"
    with pytest.raises(KeyboardInterrupt):
        fit(killed, stages(killed, True), keep)
    assert keep.exists()
    found = fit(resumed, stages(resumed, False), keep)
    assert found.losses == wanted.losses
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)
    other = law(2)  # another start: not gone on from
    assert fit(other, stages(other, False), keep).losses != wanted.losses


def test_a_loss_that_is_not_finite_is_told() -> None:
    law = PlanarLaw(torch.zeros(2, dtype=torch.float64), 1.0, 1)
    nowhere = Stage("bad", lambda: law.size() * float("nan"), 2)
    with pytest.raises(TableError, match="bad: the loss is nan"):
        fit(law, [nowhere])


def test_the_deviance_of_counts_is_near_one_for_the_right_mean_alone() -> None:
    draw = np.random.default_rng(2)
    mean = np.full(20000, 30.0)
    counts = torch.from_numpy(draw.poisson(mean).astype(float))
    right, wrong = (float(deviance(torch.from_numpy(m), counts).mean()) for m in (mean, mean * 1.3))
    assert right == pytest.approx(1, abs=0.05)
    assert wrong > 2
    assert float(deviance(counts, counts).abs().max()) < 1e-6


def test_the_linear_baseline_predicts_what_is_linear() -> None:
    times = np.arange(20)
    wave = np.exp(-0.05 * times) * np.cos(0.7 * times), np.exp(-0.05 * times) * np.sin(0.7 * times)
    mix = np.stack(wave, axis=1) @ np.random.default_rng(1).normal(size=(2, 12))
    found = linear_forecast(mix[:12], np.arange(1.0, 9.0))
    assert found == pytest.approx(mix[12:], abs=1e-8)


def test_the_linear_baseline_predicts_between_intervals_what_alternates() -> None:
    series = np.outer((-0.9) ** np.arange(12), [1.0, 2.0])
    steps = np.array([1.0, 1.5, 2.0])
    wanted = np.outer((0.9 ** (11 + steps)) * np.cos(np.pi * (11 + steps)), [1.0, 2.0])
    assert linear_forecast(series, steps) == pytest.approx(wanted, abs=1e-9)


def test_a_parameter_of_the_wrong_sign_is_shown_so(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"growth": 0.15, "turn": -0.8, "radius": -0.6}
    monkeypatch.setattr(planes, "fit_family", lambda *_: wrong)
    system = DynamicsStudy().scan
    found = {r["subset"]: r["value"] for r in _direct("scan", "x", [np.zeros(0)] * 2, system)}
    assert found == {"growth": 0.15, "turn": -0.8, "radius": 0.6}  # the law holds its square


def test_scale_of_the_counts_is_part_of_the_model() -> None:
    """Counts that were scaled after the fact fit worse: nothing is renormalised on the way."""
    seen = series("source", photons=1000.0)
    scene = planes.Scene(seen, SMALL.source)
    moved = torch.from_numpy(seen.state - seen.state[0])
    right = float(scene.deviance(moved))
    other = planes.Scene(replace(seen, scale=1.5 * seen.scale), SMALL.source)
    assert float(other.deviance(moved)) > 2 * right
