"""Study `segmentation`: melting and frames against theory, scores, ensembles, a tiny whole run."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from defectra.core.claims import CHECK_COLUMNS
from defectra.core.errors import EngineError, TableError
from defectra.engines.icemelt import frames as microscope
from defectra.engines.icemelt import melting
from defectra.engines.icemelt.engine import compute
from defectra.studies.segmentation import baseline, ensembles, evaluate, requests, thinned
from defectra.studies.segmentation.data import Frames, channels, standardised
from defectra.studies.segmentation.networks import NAMES, nominal_cost
from defectra.studies.segmentation.quality import QUALITY_COLUMNS, quality_rows
from defectra.studies.segmentation.settings import POOR, USUAL, SegmentationStudy

SETTINGS = SegmentationStudy()
CONDITION = {"dose": 1000.0, "defocus": -60.0, "defocus_sd": 0.0, "drift": 0.0}


def _circle(radius: float, size: int = 80) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - size / 2
    return 0.5 * (1 - np.tanh((np.hypot(x, y) - radius) / (2 * melting.WIDTH)))


def test_a_circle_shrinks_by_its_curvature() -> None:
    """dA/dt = -2π m ε², the same for every radius (Allen and Cahn 1979)."""
    rates = []
    for radius in (14.0, 22.0):
        field = melting.melted(_circle(radius), 4.0, 0.0)
        rates.append((melting.melted(field, 10.0, 0.0).sum() - field.sum()) / 10.0)
    law = -2 * math.pi * melting.MOBILITY * melting.WIDTH**2
    assert rates == pytest.approx([law, law], rel=0.03)


def test_a_straight_front_recedes_by_the_drive() -> None:
    """Velocity 3 d ε; without drive it stays."""
    x = np.arange(80)
    strip = np.tile(0.5 * (np.tanh((x - 15) / 3) - np.tanh((x - 65) / 3)), (8, 1))
    for drive in (0.0, 0.04):
        start = melting.melted(strip, 4.0, drive)
        lost = (start.sum() - melting.melted(start, 20.0, drive).sum()) / 8 / 2 / 20.0
        assert lost == pytest.approx(3 * drive * melting.WIDTH, rel=0.03, abs=1e-4)


def test_transfer_of_contrast() -> None:
    """Above 0 at small underfocus; zero where χ = -π."""
    k = np.linspace(0.05, 3, 400)
    assert (microscope.transfer(k[k < 2], -40.0) > 0).all()
    chi = np.pi * microscope.WAVELENGTH * k**2 * (
        -90 + 0.5 * microscope.SPHERICAL * microscope.WAVELENGTH**2 * k**2
    )  # fmt: skip
    crossing = k[np.argmin(np.abs(chi + np.pi))]
    assert abs(float(microscope.transfer(np.array([crossing]), -90.0)[0])) < 0.05


def test_columns_of_ice_are_dark_at_underfocus() -> None:
    """An exit wave exp(iφ) of oxygen on a honeycomb, seen through a lens exp(-iχ), as the frame."""
    pixel, size, spacing = 0.03, 200, microscope.FRINGE
    side = 2 * spacing / math.sqrt(3)
    away = side / math.sqrt(3)  # of a column from the channel
    axis = pixel * np.arange(size)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    lattice = side * np.array([[math.sqrt(3) / 2, 0.5], [0.0, 1.0]])
    channel = np.mgrid[-2:17, -10:17].reshape(2, -1).T @ lattice
    columns = np.vstack([channel + step for step in ((away, 0.0), (-away, 0.0))])
    phi = sum(0.05 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.02) for a, b in columns)
    _, _, k = microscope.frequencies(size, pixel)
    defocus = -(spacing**2) / (2 * microscope.WAVELENGTH)  # χ of the fringes -π/2
    lens = np.exp(-1j * np.pi * microscope.WAVELENGTH * k**2 * defocus)
    seen = np.abs(np.fft.ifft2(np.fft.fft2(np.exp(1j * phi)) * lens)) ** 2
    whole, nothing = np.ones((size, size)), np.zeros((size, size))
    fringes = microscope.phase(whole, pixel, {"turn": 0.0, "water": nothing, "window": nothing})
    frame = np.fft.ifft2(np.fft.fft2(fringes) * 2 * microscope.transfer(k, defocus)).real
    inside = slice(60, 140), slice(60, 140)
    dark = np.corrcoef(seen[inside].ravel(), phi[inside].ravel())[0, 1]
    alike = np.corrcoef(seen[inside].ravel(), frame[inside].ravel())[0, 1]
    assert dark < -0.9
    assert alike > 0.9


def test_electrons_are_counted() -> None:
    """Mean count is dose times area; fringes of ice stand at 1/0.39 nm."""
    ice = np.ones((3, 64, 64))
    counts = microscope.exposed(ice, 0.13, CONDITION | {"dose": 20000.0}, np.random.default_rng(1))
    assert counts.mean() == pytest.approx(20000 * 0.13**2, rel=0.05)
    power = np.abs(np.fft.fft2(standardised(counts)[0])) ** 2
    _, _, k = microscope.frequencies(64, 0.13)
    strongest = k.ravel()[power.ravel().argsort()[-6:]]
    assert np.abs(strongest - 1 / microscope.FRINGE).max() < 0.15


def test_the_truth_does_not_depend_on_the_dose() -> None:
    asked = {"size": 32, "frames": 3, "pixel_nm": 0.13, "movie": 4, "exposure": 1}
    one, two = (compute(asked | {"condition": CONDITION | {"dose": d}}) for d in (30.0, 3000.0))
    assert (one["truth"] == two["truth"]).all()
    again = compute(asked | {"condition": CONDITION | {"dose": 30.0}})
    assert (one["counts"] == again["counts"]).all()
    with pytest.raises(EngineError, match="dose"):
        compute(asked | {"condition": CONDITION | {"dose": 0.0}})


def test_no_melting_is_in_two_sets() -> None:
    found = list(requests.movies(SETTINGS, 2501))
    seeds = [m.seed for m in found]
    assert len(set(seeds)) == len(seeds)
    assert {m.use for m in found} == {"training", "validation", "calibration", "test"}
    for movie in found:
        seen = movie.conditions(SETTINGS)
        assert (POOR in seen) == (movie.use == "test")


def test_a_calculation_does_not_depend_on_the_order_of_the_conditions() -> None:
    """A rule carries its settings with sorted keys; the main process has them as declared."""
    turned = dict(sorted(SETTINGS.conditions.items(), reverse=True))
    other = SegmentationStudy(conditions=turned)
    for movie in list(requests.movies(SETTINGS, 1))[-2:]:
        for condition in movie.conditions(SETTINGS):
            one, two = (requests.request(movie, condition, s) for s in (SETTINGS, other))
            assert one.calculation_id == two.calculation_id


def test_scores_by_hand() -> None:
    """Two frames of four pixels; weights repeat a frame."""
    truth = np.array([[[1, 1], [0, 0]], [[1, 0], [0, 0]]], float)
    p = np.array([[[0.9, 0.4], [0.2, 0.1]], [[0.6, 0.6], [0.3, 0.3]]])
    found = evaluate.score(evaluate.scored(p, truth), np.array([[1.0, 1.0], [2.0, 0.0]]))
    assert found["accuracy"] == pytest.approx([6 / 8, 3 / 4])
    assert found["iou"] == pytest.approx([2 / 4, 1 / 2])
    brier = [(0.01 + 0.36 + 0.04 + 0.01) / 4, (0.16 + 0.36 + 0.09 + 0.09) / 4]
    assert found["brier"] == pytest.approx([np.mean(brier), brier[0]])
    nll = -np.log([0.9, 0.4, 0.8, 0.9]).mean()
    assert found["nll"][1] == pytest.approx(nll)
    assert ((found["ece"] >= 0) & (found["ece"] <= 1)).all()


def test_calibration_error_sees_overconfidence() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.02, 0.98, (20, 16, 16))
    truth = (rng.uniform(size=p.shape) < p).astype(float)
    weights = np.ones((1, 20))
    honest = evaluate.score(evaluate.scored(p, truth), weights)["ece"][0]
    sharp = p**4 / (p**4 + (1 - p) ** 4)
    over = evaluate.score(evaluate.scored(sharp, truth), weights)["ece"][0]
    assert honest < 0.03
    assert over > 0.1


def test_uncertainty_splits_into_noise_and_disagreement() -> None:
    same = np.full((3, 2, 4, 4), 0.5)
    apart = np.stack([np.full((2, 4, 4), v) for v in (0.001, 0.999, 0.001)])
    assert evaluate.uncertainty(same)["entropy"] == pytest.approx(np.log(2))
    assert evaluate.uncertainty(same)["disagreement"] == pytest.approx(0, abs=1e-9)
    assert (evaluate.uncertainty(apart)["disagreement"] > 0.5).all()


def test_area_under_the_curve() -> None:
    once = np.ones((1, 2))
    low, high = np.array([1.0, 2]), np.array([3.0, 4])
    assert evaluate.weighted_auroc(low, high, once, once) == 1
    assert evaluate.weighted_auroc(high, low, once, once) == 0
    assert evaluate.weighted_auroc(np.ones(2), np.ones(2), once, once) == 0.5


def test_band_covers_what_it_is_set_to() -> None:
    rng = np.random.default_rng(3)
    spread = rng.uniform(0.01, 0.1, 4000)
    truth = rng.uniform(0.3, 0.7, 4000)
    fraction = truth + spread * rng.normal(size=4000)
    factor = evaluate.band_factor(fraction[:2000], spread[:2000], truth[:2000])
    half = factor * evaluate.floor(spread[2000:])
    inside = np.abs(fraction[2000:] - truth[2000:]) <= half
    assert inside.mean() == pytest.approx(0.9, abs=0.03)


def test_members_cost_the_same() -> None:
    costs = [nominal_cost(name, SETTINGS) for name in NAMES]
    assert max(costs) / min(costs) < 1.25


def test_difference_of_equal_ensembles_is_zero() -> None:
    """A negative control that can fail: the same members under both names; without any scatter no
    interval is known, so that no claim is decided.
    """
    frames, members = _made_up()
    one = ensembles.OneSeed(0, {k: dict.fromkeys(SETTINGS.tested(), members)
                                for k in (ensembles.EA, *ensembles.ER)}, [])  # fmt: skip
    asked = dict.fromkeys(SETTINGS.tested(), frames)
    rows = ensembles.metrics([one, one], asked, frames, SETTINGS)
    apart = [r for r in rows if r["model"] in {f"{ensembles.EA} - {k}" for k in ensembles.ER}]
    assert apart
    value = {(r["condition"], r["metric"], r["model"]): r for r in rows}
    for (condition, metric, model), row in value.items():
        if model.endswith(f" - {ensembles.BASE}"):
            own, base = (value[condition, metric, m] for m in (ensembles.EA, ensembles.BASE))
            assert row["value"] == pytest.approx(own["value"] - base["value"])
            assert row["lo"] <= row["value"] <= row["hi"]
    assert all(r["value"] == 0 for r in apart)
    assert np.isnan([[r["lo"], r["hi"]] for r in apart]).all()


def test_one_seed_tells_no_interval_of_an_ensemble() -> None:
    frames, members = _made_up()
    sets = {k: dict.fromkeys(SETTINGS.tested(), members) for k in (ensembles.EA, *ensembles.ER)}
    asked = dict.fromkeys(SETTINGS.tested(), frames)
    rows = ensembles.metrics([ensembles.OneSeed(0, sets, [])], asked, frames, SETTINGS)
    known = {r["model"] for r in rows if np.isfinite(r["lo"] + r["hi"])}
    assert known == {ensembles.BASE}  # it has no seed


def test_quality_has_the_mean_of_the_seeds_and_an_interval_over_seeds_and_movies() -> None:
    rng = np.random.default_rng(9)
    rows = [
        {"seed": s, "model": "EA", "condition": c, "movie": f"m{m}", "truth": 0.5, "lo": 0.4,
         "hi": 0.45 + 0.1 * (m > s), "accuracy": 0.9 - 0.2 * (c == POOR)}
        | dict.fromkeys(ensembles.DOUBTS, rng.normal() + 5 * s + 2 * (c == POOR))
        for s in range(3) for c in (*SETTINGS.tested(), POOR) for m in range(8)
    ]  # fmt: skip
    rows += [row | {"model": label} for label in ensembles.ER for row in rows]
    found = {(r["model"], r["score"], r["quantity"]): r for r in quality_rows(rows, SETTINGS)}
    share = found["EA", USUAL, "coverage"]
    assert share["value"] == pytest.approx(np.mean([7, 6, 5]) / 8)
    assert share["lo"] < share["value"] - 2.92 * 1 / 8 / np.sqrt(3)  # of the seeds alone
    assert found["EA", "entropy", "auroc of poor frames"]["value"] > 0.8  # seeds are not mixed


def _made_up() -> tuple[Frames, np.ndarray]:
    rng = np.random.default_rng(5)
    asked = {"size": 32, "frames": 3, "pixel_nm": 0.13, "exposure": 1, "condition": CONDITION}
    found = [compute(asked | {"movie": k}) for k in range(4)]
    counts, truth = (np.concatenate([f[n] for f in found]) for n in ("counts", "truth"))
    names = tuple(f"m{k}" for k in range(4) for _ in range(3))
    frames = Frames(channels(counts), np.float32(truth)[:, None], names, (0, 1, 2) * 4,
                    counts.mean(axis=(1, 2)))  # fmt: skip
    members = np.clip(truth[None] * 0.6 + rng.uniform(0, 0.4, (3, *truth.shape)), 0, 1)
    return frames, np.float32(members)


def test_baseline_finds_ice_that_is_plain() -> None:
    frames, _ = _made_up()
    model = baseline.fitted(frames)
    right = (baseline.predicted(model, frames) > 0.5) == (frames.truth[:, 0] > 0.5)
    chance = max(frames.truth.mean(), 1 - frames.truth.mean())
    assert right.mean() > chance + 0.05


def test_frames_without_contrast_are_no_error() -> None:
    assert (standardised(np.full((2, 8, 8), 7.0)) == 0).all()
    from defectra.studies.segmentation.data import frames

    with pytest.raises(TableError, match="training"):
        frames([], None, "training", USUAL)  # type: ignore[arg-type]


def test_a_thinned_frame_is_one_of_a_lower_dose() -> None:
    """Thinned Poisson counts are Poisson counts: variance equals mean."""
    counts = np.random.default_rng(1).poisson(20.0, (1, 300, 300))
    some = thinned.thinned(counts, 0.1, 7)
    assert (some <= counts).all()
    assert some.mean() == pytest.approx(2.0, rel=0.02)
    assert some.var() == pytest.approx(some.mean(), rel=0.03)


def test_error_expected_at_a_dose() -> None:
    """More electrons are never expected to be worse; beyond the ends the error is that of them."""
    by_dose = thinned.ErrorByDose(np.array([0.5, 5.0, 50.0]), np.array([0.25, 0.1, 0.05]))
    found = by_dose.expected(np.array([0.0, 0.5, np.sqrt(0.5 * 5.0), 50.0, 500.0]))
    np.testing.assert_allclose(found, [0.25, 0.25, 0.175, 0.05, 0.05])
    frames, members = _made_up()
    sets = {thinned.set_name("validation", s): members * s for s in (1.0, *thinned.SHARES)}
    asked = dict.fromkeys(sets, frames)
    assert (np.diff(thinned.error_by_dose(sets, asked, "validation").error) <= 0).all()


def test_divergence_of_answers() -> None:
    sure, unsure = np.zeros((2, 1, 4, 4)), np.full((2, 1, 4, 4), 0.5)
    assert thinned.divergence(sure, sure)[0] == pytest.approx(0, abs=1e-9)
    assert thinned.divergence(sure, 1 - sure)[0] == pytest.approx(np.log(2), abs=1e-4)
    assert 0 < thinned.divergence(sure, unsure)[0] < np.log(2)


def _cost_row(ensemble: str, member: str, seconds: float = 8.0) -> dict[str, object]:
    return {"seed": 0, "ensemble": ensemble, "member": member} | dict.fromkeys(
        ("nominal_s", "cpu_s", "validation_nll"), seconds
    )


def test_the_search_for_an_architecture_is_charged() -> None:
    """Copies of the best of five cost nine trainings; equal members alone decide nothing."""
    from defectra.studies.segmentation import scores

    costs = [_cost_row(ensembles.EA, f"{name}-0") for name in NAMES]
    costs += [_cost_row(label, f"unet-{k}") for label in ensembles.ER for k in range(5)]
    found = {r["check_id"]: r for r in scores.checks([], [], costs, [])}
    kept, whole = (found[f"segmentation_cost{s}_er_best"] for s in ("", "_search"))
    assert (kept["ours"], kept["verdict"]) == (0, "open")
    assert (whole["ours"], whole["verdict"]) == (pytest.approx(4 / 9), "fails")
    assert "5 trainings a seed over 9" in whole["check"]
    equal = [_cost_row(k, f"unet-{i}") for k in (ensembles.EA, *ensembles.ER) for i in range(5)]
    again = {r["check_id"]: r for r in scores.checks([], [], equal, [])}
    assert again["segmentation_cost_search_er_best"]["verdict"] == "holds"


def test_an_error_expected_of_the_dose_decides_nothing_about_low_dose() -> None:
    from defectra.studies.segmentation import scores

    row = dict(zip(QUALITY_COLUMNS, ("EA", "", "auroc of poor frames", 1.0, 1, 1, 8)))
    quality = [row | {"score": name} for name in ("expected error", "entropy")]
    found = {r["check_id"]: r["verdict"] for r in scores.checks([], quality, [], [])}
    assert found["segmentation_poor_ea_expected_error"] == "open"
    assert found["segmentation_poor_ea_entropy"] == "holds"


def test_tiny_whole_run(tmp_path: Path) -> None:
    """Two seeds with tiny budgets; a second run reads its members and gives equal numbers."""
    pytest.importorskip("torch")
    pytest.importorskip("monai")
    from defectra.studies.segmentation import scores

    settings = SegmentationStudy(size=32, seconds=0.02, copies=2, seeds=2, bootstrap=20, batch=6)
    frames, _ = _made_up()
    training = {"clean": frames, USUAL: frames, "validation": frames}
    sets = (*settings.tested(), POOR, "validation")
    asked = dict.fromkeys(sets, frames)
    asked |= {thinned.set_name(c, share): frames for c in sets for share in thinned.SHARES}
    runs = [ensembles.one_seed(training, asked, settings, s, tmp_path / str(s)) for s in (1, 2)]
    again = ensembles.one_seed(training, asked, settings, 1, tmp_path / "1")
    for label, sets in runs[0].members.items():
        assert (sets[USUAL] == again.members[label][USUAL]).all()
    assert not (runs[0].members["EA"][USUAL] == runs[1].members["EA"][USUAL]).all()
    metrics = ensembles.metrics(runs, asked, frames, settings)
    fractions = ensembles.fraction_rows(runs, asked, settings)
    quality = quality_rows(fractions, settings)
    checks = scores.checks(metrics, quality, runs[0].costs, [])
    assert all(set(r) == set(CHECK_COLUMNS) for r in checks)
    card = scores.scorecard(metrics, quality, settings)
    assert len(card) == 2 * 2 * len(settings.tested()) + 1
    chance = [r for r in quality if r["quantity"] == "auroc of poor frames"]
    assert all(r["value"] == 0.5 for r in chance)  # poor and usual frames are the same here
