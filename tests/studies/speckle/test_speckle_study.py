"""Study speckle: what it asks for, how it scores, what it refuses, and a tiny end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from defectra.core.errors import DataError
from defectra.engines.speckle.engine import ANALYTIC, PATTERNS
from defectra.engines.speckle.placement import place
from defectra.engines.speckle.rings import rings_of
from defectra.engines.speckle.scattering import Detector, analytic_intensity, whole
from defectra.learn.training import Training
from defectra.studies.speckle.checks import chance_of, checks
from defectra.studies.speckle.described import PatternSet
from defectra.studies.speckle.evaluate import metrics
from defectra.studies.speckle.familiar import strange
from defectra.studies.speckle.figures.models import block_ends
from defectra.studies.speckle.pattern_file import check_pattern, kept_pixels
from defectra.studies.speckle.published import answer_rows, published_moments
from defectra.studies.speckle.saliency import BLOCK
from defectra.studies.speckle.samples import (
    DRAWN,
    EQUAL,
    TEST,
    TRAIN,
    UNEQUAL,
    numbers,
    pattern_samples,
    radii_of,
    ring_samples,
    set_name,
)
from defectra.studies.speckle.scorecard import scorecard
from defectra.studies.speckle.settings import DetectorSettings, Disks, Numbers, SpeckleStudy, Unseen

STUDY = SpeckleStudy()
TINY = SpeckleStudy(
    disks=Disks(fewest=2, most=4, radius=40.0, box=700.0),
    detector=DetectorSettings(half=252, step=9),
    numbers=Numbers(train=12, test=6, other=2),
    tests=Unseen(radii=[35.0], boxes=[800.0], counts=[1e5], sizes=[6]),
    network=Training(epochs=25, batch=16, learning_rate=3e-3, patience=25),
    image_network=Training(epochs=1, batch=16, patience=1),
    width=32,
    bootstrap=50,
)


def test_no_configuration_is_in_two_sets() -> None:
    seeds = {}
    for sample in pattern_samples(STUDY, 1):
        key = tuple(sample.asked["seed"])
        assert key not in seeds, f"{sample.name} and {seeds[key]} share a seed"
        seeds[key] = sample.name
    rings = {tuple(s.asked["seed"]) for s in ring_samples(STUDY, 1)}
    assert not rings & set(seeds)


def test_sets_hold_the_numbers_that_were_asked_for() -> None:
    counts = {}
    for sample in pattern_samples(STUDY, 1):
        key = (sample.name, sample.number)
        counts[key] = counts.get(key, 0) + sample.asked["count"]
    for kind in (EQUAL, UNEQUAL):
        for number in numbers(STUDY):
            assert counts[set_name(kind, TRAIN), number] == STUDY.numbers.train
            assert counts[set_name(kind, TEST), number] == STUDY.numbers.test
    assert any("drawn" in s.asked for s in pattern_samples(STUDY, 1))
    assert DRAWN not in {s.name.split()[0] for s in pattern_samples(STUDY, 1)}


def test_unequal_disks_have_one_list_a_number_and_the_area_of_two() -> None:
    one, again = (radii_of(UNEQUAL, 7, STUDY, 3) for _ in range(2))
    assert one == again != radii_of(UNEQUAL, 7, STUDY, 4)
    assert sum(r**2 for r in one) == pytest.approx(2 * STUDY.disks.radius**2)


@pytest.fixture(scope="module")
def pattern():
    rng = np.random.default_rng(0)
    radii = np.full(5, 90.0)
    return whole(analytic_intensity(place(radii, 2000, 90, 2, rng), radii, Detector(256, 1)))


def test_a_whole_pattern_gives_the_kept_pixels(pattern) -> None:
    check_pattern(pattern, "it", STUDY.detector)
    rng = np.random.default_rng(0)
    radii = np.full(5, 90.0)
    kept = analytic_intensity(place(radii, 2000, 90, 2, rng), radii, Detector(255, 3))
    np.testing.assert_allclose(kept_pixels(pattern, STUDY.detector), kept, rtol=1e-9)
    counts = np.random.default_rng(1).poisson(pattern * 1e6 / pattern.sum()).astype(float)
    check_pattern(counts, "counted", STUDY.detector)
    for turned in (pattern.T, pattern[::-1], np.rot90(pattern)):
        check_pattern(turned, "turned", STUDY.detector)  # the number does not depend on it


SPOILED = {
    "another size": (lambda p: p[1:], "512 x 513"),
    "half of it": (lambda p: p[::2, ::2], "257 x 257"),
    "off by one row": (lambda p: np.roll(p, 1, axis=0), r"\+1 rows and \+0 columns"),
    "off by columns": (lambda p: np.roll(p, -3, axis=1), r"\+0 rows and -3 columns"),
    "missing": (lambda p: np.where(p == p[0, 0], np.nan, p), "not finite"),
    "negative": (lambda p: p - p.mean(), "negative"),
    "logarithm": (lambda p: np.log10(p / p.max()), "negative"),
    "scaled to one": (lambda p: p / p.sum(), "photons"),
    "saturated": (lambda p: np.minimum(p, np.quantile(p, 0.99)), "saturated"),
    "dead pixel": (lambda p: _with(p, (300, 290), 0.0), "row 300, column 290"),
    "hot pixel": (lambda p: _with(p, (300, 290), 50 * p.max()), "row 300, column 290: hot"),
    "beam stop": (lambda p: _with(p, (slice(225, 240), slice(None, 250)), 0.0), "dead pixels"),
    "half covered": (lambda p: _with(p, (slice(None, 250), slice(None)), 1.0), "not symmetric"),
    "empty": (lambda p: p * 0, "photons"),
}


def _with(pattern, where, value):
    out = pattern.copy()
    out[where] = value
    return out


@pytest.mark.parametrize("name", SPOILED)
def test_what_the_models_do_not_know_is_refused_with_the_reason(pattern, name) -> None:
    spoil, reason = SPOILED[name]
    with pytest.raises(DataError, match=reason):
        check_pattern(spoil(pattern), "p.npy", STUDY.detector)


def test_an_answer_must_fit_the_profile_and_the_contrast_of_the_pattern() -> None:
    """Disks of the same profile but of another number, noise, a logarithm: not answered."""
    study, rng = SpeckleStudy(), np.random.default_rng(3)
    detector = Detector(study.detector.half, study.detector.step, study.detector.period)

    def seen(kind: str, number: int) -> np.ndarray:
        radii = np.array(radii_of(kind, number, study, 1))
        return analytic_intensity(place(radii, 2000, radii.max(), 2, rng), radii, detector)

    for kind in (EQUAL, UNEQUAL):
        for number in (2, 7, 16):
            pattern = seen(kind, number)
            assert strange(pattern, kind, number, study, 1) == ""
            share = pattern / pattern.sum()
            for photons in (1e3, 1e5):
                counts = (rng.poisson(share * photons) + rng.poisson(share * photons)) / 2
                assert strange(counts, kind, number, study, 1) == "", (kind, number, photons)
    equal = seen(EQUAL, 9)
    assert "contrast" in strange(equal, EQUAL, 2, study, 1)
    assert "contrast" in strange(equal, UNEQUAL, 2, study, 1)
    assert "distances" in strange(equal, UNEQUAL, 16, study, 1)
    noise = rng.poisson(50.0, equal.shape).astype(float)
    for wrong in (np.log1p(1e4 * equal / equal.max()), noise):
        assert strange(wrong, EQUAL, 9, study, 1)


def test_tables_of_the_authors_must_belong_together(tmp_path: Path) -> None:
    each = np.arange(30.0)
    np.savetxt(tmp_path / "each.csv", each)
    np.savetxt(tmp_path / "mean.csv", each.reshape(3, 10).mean(axis=1))
    found = published_moments(tmp_path / "mean.csv", tmp_path / "each.csv")
    assert found[3] == pytest.approx((14.5, np.std(np.arange(10), ddof=1) / np.sqrt(10)))
    np.savetxt(tmp_path / "mean.csv", np.zeros(3))
    with pytest.raises(DataError, match="not the means"):
        published_moments(tmp_path / "mean.csv", tmp_path / "each.csv")


class Wrong:
    """A network that takes every pattern for twenty disks."""

    name, classes = "wrong", (5, 20)

    def ask(self, patterns):
        return np.tile([0.1, 0.9], (len(patterns), 1))


def test_a_wrong_answer_changes_nothing_of_what_a_file_is_of(tmp_path: Path, pattern) -> None:
    file = tmp_path / "Beads_5.0.npy"
    np.save(file, pattern)
    rings = rings_of(pattern)
    ours = {5: (rings.mean[None], rings.contrast[None])}
    counted, *wrong = answer_rows([file], [Wrong(), Wrong()], ours, STUDY)
    assert [r["number"] for r in (counted, *wrong)] == [5, 5, 5]
    assert [r["predicted"] for r in (counted, *wrong)] == [5, 20, 20]
    assert {r["rings_within"] for r in wrong} == {1.0}  # compared with those of five disks


def test_without_rows_every_claim_and_check_says_so() -> None:
    assert {r["verdict"] for r in scorecard([], [])} == {"no data"}
    found = checks([], [], [], [], [], 19)
    assert {r["verdict"] for r in found} == {"open"}
    assert any("no mirror" in r["check"] for r in found)
    moment = {"number": 2, "form": "analytic", "patterns": 3, "first_moment": 61.5,
              "standard_error": 0.1, "published": "", "published_standard_error": ""}  # fmt: skip
    rows = [*scorecard([moment], []), *checks([], [], [], [], [moment], 19)]
    assert not [t for r in rows if "nan" in (t := r.get("claim", r.get("check")))]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"detector": {"half": 300}}, "at most `rings_half`"),
        ({"tests": {"counts": [0.0]}}, "counts: above 0"),
        ({"tests": {"radii": [-1.0]}}, "radii: above 0"),
    ],
)
def test_settings_without_a_pattern_are_refused(change: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        SpeckleStudy(**change)


def test_blocks_are_drawn_over_their_pixels() -> None:
    pixels = np.arange(-255, 256, 3)  # kept ones
    low, high = block_ends(pixels[::BLOCK].astype(float))
    assert low == -256.5  # outer edge of the first pixel
    width = (high - low) / len(pixels[::BLOCK])
    drawn = np.floor((pixels - low) / width).astype(int)
    assert (drawn == np.arange(len(pixels)) // BLOCK).all()
    assert block_ends(np.array([4.0]))[0] < 4.0 < block_ends(np.array([4.0]))[1]


def computed(study, seed=1):
    """All pattern sets of a study, straight from the engine."""
    parts = {}
    for sample in pattern_samples(study, seed):
        request = PATTERNS.request(sample.asked, "pattern", sample.form)
        found = PATTERNS.read(PATTERNS.run(request, None).files)["intensity"]
        parts.setdefault((sample.name, sample.form), []).append((found, sample.number, request))
    sets = {}
    for (name, form), own in parts.items():
        number = np.concatenate([np.full(len(f), n) for f, n, _ in own])
        ids = [f"{r.calculation_id[:16]}/{k}" for f, _, r in own for k in range(len(f))]
        sets[name] = PatternSet(name, np.concatenate([f for f, _, _ in own]), number, ids, form)
    return sets


def test_tiny_end_to_end_from_patterns_to_an_answer(tmp_path: Path, pattern) -> None:
    pytest.importorskip("torch")
    from defectra.learn.answers import predict_of, study_of_model
    from defectra.studies.speckle.learning import Learning
    from defectra.studies.speckle.models import COUNTING, NETWORK
    from defectra.studies.speckle.saved_models import keep, read

    sets = {n: s for n, s in computed(TINY).items() if n.startswith("equal ")}
    learned = Learning(EQUAL, TINY, 1, sets).run()
    again = Learning(EQUAL, TINY, 1, sets).run()
    assert learned.predictions == again.predictions
    rows = list(metrics(learned.predictions, 3, 1, 50))
    exact = {r["model"]: r["value"] for r in rows
             if r["subset"] == "equal test" and r["metric"] == "accuracy"
             and r["features"] == "centre hidden" and r["n_train"] in (0, 36)}  # fmt: skip
    assert exact[COUNTING] == 1
    assert exact[NETWORK] > 0.7

    path = tmp_path / "model.safetensors"
    keep(path, learned.networks[NETWORK], EQUAL, TINY, 1)
    test = sets["equal test"]
    asked = read(path).ask(test.intensity).argmax(axis=1) + 2
    told = [r["predicted"] for r in learned.predictions
            if r["set"] == "equal test" and r["model"] == NETWORK and r["train_each"] == 12
            and r["centre"] == "centre hidden" and np.isinf(r["photons"])]  # fmt: skip
    np.testing.assert_array_equal(asked, told)
    assert study_of_model(path) == "speckle"
    small, rng = np.full(3, 40.0), np.random.default_rng(5)
    own = whole(analytic_intensity(place(small, 700, 40, 2, rng), small, Detector(256, 1)))
    files = [tmp_path / f"{name}.npy" for name in ("own", "larger", "cut")]
    for file, values in zip(files, (own, pattern, pattern[:-1]), strict=True):
        np.save(file, values)
    good, larger, cut = predict_of("speckle")(path, files, {})
    assert "disks (equal, box of 700 pixels)" in good.sentence
    assert "not answered" in larger.sentence  # disks of 90 pixels
    assert "512 x 513" in cut.sentence
    assert not larger.certain
    assert not cut.certain


def _answered(model: str, right: int, each: int = 100, count: int = 40) -> list[dict]:
    """Answers of a model to `count` patterns of two disks, of which the first `right` are right."""
    row = {"kind": EQUAL, "set": set_name(EQUAL, TEST), "form": ANALYTIC, "photons": np.inf,
           "model": model, "centre": "centre hidden", "train_each": each, "number": 2}  # fmt: skip
    return [row | {"configuration": f"c/{k}", "predicted": 2 if k < right else 3}
            for k in range(count)]  # fmt: skip


@pytest.mark.parametrize(
    ("counted", "moments", "verdicts"),
    [(40, 20, ("not shown", "open")), (10, 20, ("reproduced", "holds"))],
)
def test_the_network_is_compared_with_the_best_method_without_one(
    counted: int, moments: int, verdicts: tuple[str, str]
) -> None:
    """A ridge that is worse does not hide that counting tells as much."""
    from defectra.studies.speckle.evaluate import over_plain
    from defectra.studies.speckle.models import COUNTING, MOMENTS, NETWORK

    few = _answered(NETWORK, 0, each=10)  # of a learning curve: not asked
    rows = [*few, *_answered(NETWORK, 40), *_answered(COUNTING, counted, 0)]
    scores = list(over_plain([*rows, *_answered(MOMENTS, moments)], 19, 1, 200))
    assert [r["value"] for r in scores] == [1 - max(counted, moments) / 40]
    card = {r["claim_id"]: r["verdict"] for r in scorecard([], scores)}
    found = {r["check_id"]: r["verdict"] for r in checks(scores, [], [], [], [], 19)}
    assert (card["accurate_equal"], found["baseline_equal"]) == verdicts


def test_departures_of_first_moments_are_judged_together() -> None:
    """One of 19 that lies two standard errors off is chance; all of them are not."""
    row = {"form": ANALYTIC, "first_moment": 60.0, "standard_error": 0.0,
           "published_standard_error": 0.2}  # fmt: skip
    one = [row | {"published": 60.0 + 0.4 * (k == 3)} for k in range(19)]
    for rows, verdict in ((one, "holds"), ([row | {"published": 60.4}] * 19, "fails")):
        (found,) = (
            r for r in checks([], [], [], [], rows, 19) if r["check_id"] == "moments_together"
        )
        assert found["verdict"] == verdict
    assert chance_of([1.0]) == pytest.approx(0.3173, abs=1e-4)
