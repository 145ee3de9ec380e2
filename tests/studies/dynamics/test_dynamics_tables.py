"""Study `dynamics`: from requests to tables, verdicts that can fall either way, and bad input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from defectra.campaign.arrays import array_kind, project
from defectra.campaign.complete import Counts, complete
from defectra.campaign.ledger import Ledger
from defectra.core.claims import Estimate
from defectra.core.config import load
from defectra.core.errors import ConfigError, DataError, TableError
from defectra.core.paths import PROJECT
from defectra.engines.coherent.kuramoto import SIDE, log_kernel, trajectory
from defectra.engines.coherent.planar import lotka_volterra
from defectra.engines.coherent.scattering import Detector, grid_intensity
from defectra.engines.coherent.swarm import speed
from defectra.studies.dynamics import learn_names as names
from defectra.studies.dynamics import planes
from defectra.studies.dynamics.claims import checks, scorecard
from defectra.studies.dynamics.learn_kuramoto import mean_agreement
from defectra.studies.dynamics.predict import predict
from defectra.studies.dynamics.requests import REQUESTS
from defectra.studies.dynamics.rows import Metric, of_resamples, score
from defectra.studies.dynamics.saved_kernel import SavedKernel, read_kernel
from defectra.studies.dynamics.saved_laws import SavedField, SavedPairs, read_law
from defectra.studies.dynamics.series import KIND, SERIES, read_series
from defectra.studies.dynamics.settings import DynamicsStudy

TINY = {
    "counts": ["ideal", "counts_1000"],
    "main": "counts_1000",
    "shards": 1,
    "bootstrap": 20,
    "kuramoto": {"trajectories": 2, "number": 11, "patterns": 4, "later": [8.0], "horizons": [3, 4],
                 "iterations": 2, "view": {"pixels": 8}},
    "swarm": {"trajectories": 2, "number": 12, "patterns": 5, "horizons": [4], "iterations": 2},
    "source": {"trajectories": 3, "number": 40, "patterns": 5, "shots": [1, 2], "iterations": 6,
               "judged": 40.0, "periods": 1, "ablation": 4, "search": 0.7, "refits": 3,
               "view": {"pixels": 16, "sampling": 1.0},
               "law": {"alpha": 0.3333, "beta": 0.6667, "gamma": 0.5, "delta": 0.5}},
    "scan": {"trajectories": 2, "number": 12, "patterns": 5, "shots": [1, 4],
             "law": {"growth": 0.15, "turn": 0.8, "radius": 0.6}},
}  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DynamicsStudy]:
    folder = tmp_path_factory.mktemp("dynamics")
    config = load(PROJECT / "config/config.yaml", {"dynamics": TINY})
    ledger = Ledger([array_kind(KIND, SERIES)], journals=[folder / "dynamics-00.journal"])
    families, counts = list(REQUESTS.families(config)), Counts()
    with ledger.writing(folder / "dynamics-00.journal"):
        for _ in complete(families, ledger, folder, counts):
            pass
    assert (counts.total, counts.failed) == (2 * 9, 0)
    assert project(families, ledger, KIND, folder / "series.parquet") == 18
    return folder / "series.parquet", config.dynamics


def test_a_count_of_photons_that_is_no_protocol_is_told() -> None:
    with pytest.raises(ConfigError, match="counts_5"):
        load(PROJECT / "config/config.yaml", {"dynamics": {"counts": ["counts_5"]}})
    with pytest.raises(ConfigError, match="main"):
        load(PROJECT / "config/config.yaml", {"dynamics": {"main": "counts_5"}})


def test_series_come_back_in_groups_of_one_fidelity(table: tuple[Path, DynamicsStudy]) -> None:
    found = dict(read_series(table[0], "source"))
    assert list(found) == TINY["counts"]
    ideal, counted = found.values()
    assert [s.trajectory for s in counted] == [0, 1, 2]
    assert all((a.state == b.state).all() for a, b in zip(ideal, counted, strict=True))
    assert (counted[0].counts == counted[0].counts.round()).all()
    with pytest.raises(TableError, match="no finished series"):
        _without_finished(table[0])


def _without_finished(path: Path) -> None:
    from defectra.core.store import read_table, write_table

    rows = [r | {"status": "failed"} for r in read_table(path, SERIES)]
    write_table(path.with_name("failed.parquet"), rows, SERIES)
    list(read_series(path.with_name("failed.parquet"), "source"))


def test_a_tiny_source_goes_from_patterns_to_scores(
    table: tuple[Path, DynamicsStudy], tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    from defectra.studies.dynamics.learn_plane import learn

    path, study = table
    found = list(read_series(path, "source"))
    fits, scores = learn("source", found, study, 1, tmp_path)
    place = next(
        r for r in scores
        if r["metric"] == Metric.PLACE and r["fidelity"] == study.main
    )  # fmt: skip
    assert place["n_groups"] == 3
    assert place["value"] < 0.05
    assert {f["system"] for f in fits} == {"source"}
    assert fits[1]["calculation_ids"] == [s.calculation_id for s in found[0][1][1:]]
    again = learn("source", found[:1], study, 1, tmp_path / "again")[1]
    assert str(again) == str([r for r in scores if r["fidelity"] == "ideal"])


@pytest.mark.parametrize(("still", "verdict"), [(0.002, "open"), (0.3, "holds")])
def test_a_check_that_a_state_at_rest_passes_as_well_is_open(still: float, verdict: str) -> None:
    study = DynamicsStudy()
    later = study.kuramoto.later
    span = f"t = {later[0]:g} to {later[-1]:g}, largest"
    given = [(names.KERNEL, 0.001), (names.LAST_STAYS, still)]
    metrics = [
        score("kuramoto", m, Metric.ORDER, Estimate.exact(v, 6), study.main, subset=span)
        for m, v in given
    ]
    found = {c["check_id"]: c for c in checks(metrics, study)}["order_extrapolated"]
    assert found["verdict"] == verdict
    assert ("cannot fail" in found["fails_if"]) == (verdict == "open")


def _metrics(r: float, reach: float, control: tuple[float, float]) -> list[dict[str, object]]:
    main = DynamicsStudy().main
    given = [
        ("kuramoto", names.KERNEL, Metric.R, Estimate(r, r - 0.001, r + 0.001, 6)),
        ("swarm", names.PULL, Metric.CUT_OFF, Estimate(reach, reach - 0.005, reach + 0.005, 4)),
        ("swarm", names.CUT, Metric.INSIDE, Estimate(0.83, 0.8, 0.86, 4)),
        ("swarm", names.CUT, Metric.CUT_OFF, Estimate(reach, reach - 0.005, reach + 0.005, 4)),
        ("kuramoto", names.OTHER, Metric.R, Estimate(sum(control) / 2, *control, 6)),
    ]
    return [score(t, m, k, e, main) for t, m, k, e in given]


def test_verdicts_follow_the_numbers() -> None:
    study = DynamicsStudy()
    good = {c["check_id"]: c["verdict"] for c in checks(_metrics(0.999, 0.75, (-0.1, 0.1)), study)}
    bad = {c["check_id"]: c["verdict"] for c in checks(_metrics(0.9, 0.85, (0.4, 0.6)), study)}
    for name in ("kernel_r", "cut_off_network", "cut_off_read", "other_patterns"):
        assert (good[name], bad[name]) == ("holds", "fails"), name
    assert good["source_period"] == "open"  # no number: nothing is claimed
    card = {c["claim_id"]: c for c in scorecard(_metrics(0.9, 0.85, (0.4, 0.6)), study)}
    assert card["swarm_cut_off_inside"]["verdict"] == "reproduced"
    assert card["kuramoto_predicted"]["verdict"] == "no data"


def test_intervals_of_few_trajectories_hold_the_truth() -> None:
    """Six kernels of other amplitudes: their resamples hold 0.81, too few for 0.90."""
    draw, covered = np.random.default_rng(1), 0
    truth = draw.normal(size=(SIDE, SIDE))
    for _ in range(200):
        kernels = [(1 + 0.3 * x) * truth for x in draw.normal(size=6)]
        amplitude = mean_agreement(kernels, truth, 100, 1)[1]
        covered += amplitude.lo <= 0 <= amplitude.hi
    assert 0.85 < covered / 200 < 0.95
    r, _ = mean_agreement([truth + draw.normal(size=(SIDE, SIDE)) for _ in range(6)], truth, 100, 1)
    assert r.n == 6
    assert r.lo < r.value < r.hi <= 1
    assert np.isnan(mean_agreement([truth], truth, 100, 1)[0].lo)


def test_the_interval_of_a_committee_is_for_new_trajectories() -> None:
    """Means of resampled trajectories: the spread of the committee's mean alone covers 0.51."""
    draw, covered = np.random.default_rng(1), 0
    for _ in range(1000):
        x = draw.normal(size=7)
        single = [x[draw.integers(0, 7, 7)].mean() for _ in range(5)]
        found = of_resamples(float(np.mean(single)), single, 7)
        assert found.n == 5
        covered += found.lo <= 0 <= found.hi
    assert 0.83 < covered / 1000 < 0.91
    broken = of_resamples(0.1, [0.1, float("nan")], 7)
    assert np.isnan(broken.lo)  # a path that broke off is said
    assert np.isnan(broken.hi)
    assert np.isnan(of_resamples(0.1, [0.1], 7).lo)
    assert of_resamples(0.01, [0.0, 0.05], 7, 0.0).lo == 0


def test_places_start_at_the_known_one_and_noise_of_the_first_pattern_moves_no_other() -> None:
    state = np.array([[0.3, -0.2], [0.4, -0.1], [0.5, 0.1]])
    seen = SimpleNamespace(state=state)
    moved = state - state[0] + np.array([[0.05, 0.0], [0.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(planes.places(seen, moved, "source"), state)
    expected = state[0] - (state - state[0])
    np.testing.assert_allclose(planes.places(seen, moved, "scan"), expected)


def test_source_and_scan_are_judged_from_a_start_that_no_network_saw(
    table: tuple[Path, DynamicsStudy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from defectra.studies.dynamics import learn_plane, planes

    path, study = table
    found = [list(read_series(path, "source"))[-1]]
    seen, starts = [], []
    real, long_path = planes.fit_places, planes.long_path

    def fit_places(known, *rest):  # type: ignore[no-untyped-def]
        seen.extend(k[0] for k in known)
        return real(known, *rest)

    def judge(law, start, *rest):  # type: ignore[no-untyped-def]
        starts.append(start)
        return long_path(law, start, *rest)

    monkeypatch.setattr(planes, "fit_places", fit_places)
    monkeypatch.setattr(planes, "long_path", judge)
    learn_plane.learn("source", found, study, 1, tmp_path)
    assert seen
    assert starts
    assert not any(np.array_equal(a, b) for a in seen for b in starts)


DETECTOR = Detector(pixels=16, sampling=0.5, box=2.0, probe=0.25, stop=0.06)


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, np.ndarray]:
    """A saved kernel, angles of a start, and counts that follow them."""
    folder = tmp_path_factory.mktemp("user")
    kernel, draw = log_kernel(20.0, 1.5), np.random.default_rng(1)
    start = trajectory(draw.uniform(0, 6.28, (16, 16)), kernel, np.array([0.0, 2.0]), 1e-8)[1]
    states = trajectory(start, kernel, 0.5 * np.arange(12), 1e-8)
    intensity = grid_intensity(DETECTOR, np.cos(states))
    counts = draw.poisson(intensity / intensity.max() * 500)
    np.save(folder / "start.npy", start)
    SavedKernel(kernel, DETECTOR, 16, 0.5, {}).write(folder / "kernel.npz")
    return folder / "kernel.npz", folder / "start.npy", counts


def ask(user: tuple[Path, Path, np.ndarray], counts: np.ndarray, folder: Path) -> tuple[str, bool]:
    np.save(folder / "series.npy", counts)
    (found,) = predict(user[0], [folder / "series.npy"], {"start": str(user[1])})
    return found.sentence, found.certain


def test_a_series_of_a_user_is_explained_by_the_right_law_alone(
    user: tuple[Path, Path, np.ndarray], tmp_path: Path
) -> None:
    assert ask(user, user[2], tmp_path)[1]
    backwards = np.concatenate([user[2][:1], user[2][:0:-1]])
    sentence, certain = ask(user, backwards, tmp_path)
    assert not certain
    assert "does not explain" in sentence


def _with(change: Callable[[np.ndarray], None]) -> Callable[[np.ndarray], np.ndarray]:
    def changed(counts: np.ndarray) -> np.ndarray:
        out = counts.astype(float)
        change(out)
        return out

    return changed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c[:, :-1], "12 x 31 x 32"),
        (lambda c: c[0], "0 arrays"),
        (lambda c: c[:1], "at least two"),
        (lambda c: np.roll(c, 1, axis=1), "symmetric about row 17, column 16"),
        (lambda c: np.swapaxes(c, 1, 2), "rows and columns exchanged"),
        (lambda c: np.roll(np.rot90(c, 1, (1, 2)), 1, axis=1), "turned by 90"),
        (lambda c: np.minimum(c, 150), "saturated"),
        (lambda c: c / 2, "whole numbers"),
        (np.zeros_like, "no counts"),
        (_with(lambda c: c.__setitem__((0, 3, 4), np.nan)), "not finite"),
        (_with(lambda c: c.__setitem__((0, 3, 4), -1)), "negative"),
        (_with(lambda c: c.__setitem__((slice(None), 13, 14), 0)), "dead pixels"),
        (_with(lambda c: c.__setitem__((slice(None), 13, 14), 5000)), "not the same at q and -q"),
        (lambda c: c * (1 + 0j), "type complex128"),
        (lambda c: c > 3, "type bool"),
        (lambda c: np.round(255 * c / c.max()).astype(np.uint8), "the end of type uint8"),
    ],
)
def test_series_that_are_not_counts_of_the_detector_are_refused(
    user: tuple[Path, Path, np.ndarray],
    tmp_path: Path,
    change: Callable[[np.ndarray], np.ndarray],
    told: str,
) -> None:
    sentence, certain = ask(user, change(user[2]), tmp_path)
    assert not certain
    assert sentence.startswith("refused: ")
    assert told in sentence


def test_an_empty_file_another_start_and_another_model_are_refused(
    user: tuple[Path, Path, np.ndarray], tmp_path: Path
) -> None:
    empty = tmp_path / "empty.npy"
    empty.touch()
    (found,) = predict(user[0], [empty], {"start": str(user[1])})
    assert "empty" in found.sentence
    np.save(tmp_path / "small.npy", np.arange(100.0).reshape(10, 10))
    with pytest.raises(DataError, match="16 x 16"):
        list(predict(user[0], [], {"start": str(tmp_path / "small.npy")}))
    bad = {"turns": (np.full((16, 16), 180.0), "degrees"), "gap": (np.eye(16) * np.nan, "finite")}
    for name, (values, reason) in bad.items():
        np.save(tmp_path / f"{name}.npy", values)
        with pytest.raises(DataError, match=reason):
            list(predict(user[0], [], {"start": str(tmp_path / f"{name}.npy")}))
    for options in ({}, {"begin": "x"}, {"start": str(user[1]), "interval": "-1"}):
        with pytest.raises(ConfigError, match=r"start=FILE|interval"):
            list(predict(user[0], [], options))
    other = tmp_path / "other.npz"
    np.savez(other, about=np.array('{"study": "speckle", "name": "net"}'), kernel=np.eye(11))
    with pytest.raises(DataError, match="of study speckle"):
        read_kernel(other)
    for data in (b"", b"PK", user[0].read_bytes()[:300]):
        other.write_bytes(data)
        with pytest.raises(DataError, match=r"no kernel|no npz file|a damaged npz"):
            read_kernel(other)


def _counts(law: SavedPairs | SavedField, start: np.ndarray, seed: int) -> np.ndarray:
    """Counts that follow a law."""
    expected = law.expected(start, law.interval * np.arange(8))
    draw = np.random.default_rng(seed)
    return draw.poisson(expected / expected.max() * 500).astype(float)


def laws() -> dict[str, tuple[SavedPairs | SavedField, np.ndarray]]:
    """True laws of a swarm and of a source, and a start of each."""
    draw, detector = np.random.default_rng(3), replace(DETECTOR, pixels=24)
    x = np.linspace(0.01, 0.7, 60)
    swarm = SavedPairs(x, speed(x, 0.75, 2.0), 0.1, 2.0, detector, 0.4)
    axis = np.linspace(0.05, 3.0, 60)
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)
    rate = lotka_volterra(places, 1 / 3, 2 / 3, 0.5, 0.5)
    source = SavedField(axis, axis, rate.transpose(2, 0, 1), 1.0, 0.07, 2.0, detector, 1.0)
    spheres = draw.uniform(-0.8, 0.8, (40, 2))
    return {"swarm": (swarm, spheres), "source": (source, np.vstack([[0.9, 0.4], spheres]))}


@pytest.mark.parametrize("name", ["swarm", "source"])
def test_laws_of_particles_are_kept_and_asked(name: str, tmp_path: Path) -> None:
    law, start = laws()[name]
    model, series, places = (tmp_path / f for f in ("law.npz", "series.npy", "start.csv"))
    law.write(model)
    np.savetxt(places, start, delimiter=",")
    options = {"start": str(places)}
    counts = _counts(law, start, 1)
    again = read_law(model).expected(start, np.arange(3.0))
    assert again == pytest.approx(law.expected(start, np.arange(3.0)), rel=1e-4)
    answers = []
    for given in (counts, np.concatenate([counts[:1], counts[:0:-1]])):
        np.save(series, given)
        answers += [*predict(model, [series], options)]
    assert [a.certain for a in answers] == [True, False], answers
    wrong = [(start[:, :1], "two columns"), (start * 1e3, "another unit")]
    if name == "swarm":
        wrong.append((np.vstack([start, start[:3]]), "3 of 43 particles are at the place"))
    for bad, reason in wrong:
        np.savetxt(places, bad, delimiter=",")
        with pytest.raises(DataError, match=reason):
            list(predict(model, [series], options))
    for what in (counts * np.nan, -counts, counts[:, 3:], counts * 0.3):
        np.save(series, what)
        np.savetxt(places, start, delimiter=",")
        (found,) = predict(model, [series], options)
        assert not found.certain
    if name == "source":
        far = np.vstack([[2.9, 2.9], start[1:]])
        np.savetxt(places, far, delimiter=",")
        np.save(series, counts)
        (found,) = predict(model, [series], options)
        assert "the law is known from" in found.sentence


def test_discovery_needs_no_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import defectra.studies.dynamics.requests, defectra.studies.dynamics.steps\n"
        "import defectra.studies.dynamics.claims, defectra.studies.dynamics.plots\n"
        "from defectra.learn.torch_library import need_torch\n"
        "try:\n    need_torch()\nexcept Exception as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "make instruments" in done.stdout
    assert not done.stderr
