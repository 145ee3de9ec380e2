"""The saved ensemble asked by the command: frames of the simulator answered, others refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
from PIL import Image

from defectra.cli.main import main
from defectra.core.csvs import write_csv
from defectra.engines.icemelt.engine import compute
from defectra.learn.saved_network import head_of
from defectra.studies.segmentation import (
    ensembles,
    evaluate,
    requests,
    saved_models,
    saved_scores,
    thinned,
)
from defectra.studies.segmentation.calibrated_error import (
    CalibratedError,
    calibrated_error_of_json,
    learn_calibrated_error,
)
from defectra.studies.segmentation.data import Frames, channels
from defectra.studies.segmentation.familiar import described, joined, tiles
from defectra.studies.segmentation.fraction_band import FractionBand, learn_fraction_band, signs
from defectra.studies.segmentation.members import VALIDATION
from defectra.studies.segmentation.settings import CLEAN, POOR, RANGE, USUAL, SegmentationStudy

SIZE = 48
SETTINGS = SegmentationStudy(size=SIZE, seconds=0.02, copies=2, seeds=2, bootstrap=20, batch=6)
CONDITIONS = {name: c.model_dump() for name, c in SETTINGS.conditions.items()}
PIXEL = ("--option", "pixel=0.13")


def movie(seed: int, condition: str = USUAL, size: int = SIZE, **about: float) -> dict:
    """Three frames of a melting, at a condition of the study unless something is changed."""
    asked = {"size": size, "frames": 3, "pixel_nm": 0.13, "movie": seed, "exposure": 1}
    changed = {k: v for k, v in about.items() if k != "pixel_nm"}
    asked |= {k: v for k, v in about.items() if k == "pixel_nm"}
    return compute(asked | {"condition": CONDITIONS[condition] | changed})


def frames(condition: str, seeds: range, share: float = 1.0) -> tuple[Frames, np.ndarray]:
    found = [movie(k, condition) for k in seeds]
    counts, truth = (np.concatenate([f[n] for f in found]) for n in ("counts", "truth"))
    counts = thinned.thinned(counts, share, 1) if share < 1 else counts
    names = tuple(f"m{k}" for k in seeds for _ in range(3))
    about = (names, (0, 1, 2) * len(seeds), counts.mean(axis=(1, 2)))
    return Frames(channels(counts), np.float32(truth)[:, None], *about), counts


def calibrated(network: Path) -> tuple[FractionBand, CalibratedError]:
    """Band from movies that are seen at the usual condition and at one of the range; its error."""
    counts, truth, movies = [], [], []
    for number in range(14):
        one = requests.Movie(f"m{number}", requests.CALIBRATION, 600 + number, 2)
        for name in one.conditions(SETTINGS):
            found = compute(dict(requests.request(one, name, SETTINGS).input))
            counts.append(found["counts"])
            truth.append(found["truth"])
            movies += [one.name] * 2
    usual = np.tile(np.repeat([True, False], 2), 14)
    seen, true = np.concatenate(counts), np.concatenate(truth)
    asked = saved_models.ask_kept(network, seen)
    band = learn_fraction_band(seen, asked, true.mean(axis=(1, 2)), movies, usual)
    wide = (seen.mean(axis=(1, 2))[~usual], asked[:, ~usual], true[~usual])
    return band, learn_calibrated_error(*wide, SETTINGS.calibration)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of tiny networks, with limits from more frames than they were trained on."""
    folder = tmp_path_factory.mktemp("model")
    first, last = range(100, 124), range(200, 206)
    known = {f"training {c}": frames(c, first) for c in (CLEAN, USUAL)}
    training = {c: known[f"training {c}"][0] for c in (CLEAN, USUAL)}
    asked = {
        thinned.set_name(VALIDATION, share): frames(USUAL, last, share)[0]
        for share in (1.0, *thinned.SHARES)
    }
    training[VALIDATION] = asked[VALIDATION]
    tested = {c: frames(c, range(300, 304)) for c in (USUAL, POOR)}
    asked |= {c: found for c, (found, _) in tested.items()}
    one = ensembles.one_seed(training, asked, SETTINGS, 1, folder / "members")
    saved_models.keep_best(folder / "raw.safetensors", one, asked[VALIDATION])
    members = one.members[head_of(folder / "raw.safetensors").name]
    seen = {name: (counts, list(found.movie)) for name, (found, counts) in known.items()}
    seen |= saved_models.with_fewer_electrons(seen, SETTINGS)
    limits = saved_models.learn_limits(seen, *calibrated(folder / "raw.safetensors"), SETTINGS)
    counts = {c: electrons for c, (_, electrons) in tested.items()}
    rows = list(saved_scores.table(members, asked, counts, limits, SETTINGS))
    write_csv(folder / "model.csv", rows, saved_scores.TABLE_COLUMNS)
    refused = {r["condition"]: r["value"] for r in rows if r["quantity"] == "refused"}
    assert refused[POOR] == 1.0
    assert refused[USUAL] < 0.35
    saved_models.finish(folder / "raw.safetensors", folder / "ice.safetensors", limits, rows)
    return folder / "ice.safetensors"


def asked(model: Path, file: Path, *words: str) -> int:
    return main(["predict", str(model), str(file), *(words or PIXEL)])


def familiar(model: Path, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """A frame that the model knows, and its truth."""
    known = saved_models.read(model)
    for seed in range(400, 420):
        found = movie(seed, size=size)
        parts, _ = tiles(found["counts"][0], SIZE)
        reach = known.limits.band.reach(parts, known.ask(parts))
        if (known.limits.outside(parts) <= 1).all() and (
            reach <= known.limits.band.usual_reach
        ).all():
            return found["counts"][0], found["truth"][0]
    raise AssertionError("no frame of twenty is known")


@pytest.mark.parametrize("kind", ["npy", "tif", "png"])
def test_a_frame_gets_a_mask_a_fraction_and_an_uncertainty(
    kind: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts, _ = familiar(model)
    file = tmp_path / f"frame.{kind}"
    if kind == "npy":
        np.save(file, counts)
    else:
        Image.fromarray(counts.astype(np.uint16 if kind == "tif" else np.uint8)).save(file)
    assert asked(model, file) == 0
    said = capsys.readouterr().out
    assert "90 % band" in said
    mask = np.asarray(Image.open(tmp_path / "frame_ice.png"))
    with np.load(tmp_path / "frame_ice.npz", allow_pickle=False) as kept:
        probability, spread = kept["probability"], kept["members_sd"]
    assert mask.shape == probability.shape == spread.shape == counts.shape
    assert ((mask == 255) == (probability > 0.5)).all()
    known = saved_models.read(model)
    wanted = known.ask(counts[None])[:, 0].mean(axis=0)
    np.testing.assert_allclose(probability, wanted, atol=1e-6)
    share = (mask == 255).mean()  # what counting the mask gives is another number
    assert f"ice fraction {wanted.mean():.3f} by the mean probability ({share:.3f} of" in said
    assert "in the mean of calibration frames" in said
    assert "defocus -100 to -20 nm, drift 0 to 4 pixels" in said


def test_an_older_model_states_no_error(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its error came from the frames that had chosen the ensemble, of the usual focus alone."""
    counts, _ = familiar(model)
    np.save(tmp_path / "frame.npy", counts)
    limits = saved_models.read(model).limits
    old = limits.as_json() | {"by_dose": {"electrons": [1.0, 9.0], "error": [0.2, 0.1]}}
    del old["error"]
    assert saved_models.limits_of_json(old).error is None
    without = replace(limits, error=None)
    saved_models.finish(model.with_name("raw.safetensors"), tmp_path / "o.safetensors", without, [])
    assert asked(tmp_path / "o.safetensors", tmp_path / "frame.npy") == 0
    assert "squared error" not in capsys.readouterr().out


def test_the_error_of_calibration_frames_falls_with_the_electrons() -> None:
    """Made up: frames off by 1 / sqrt(electrons), whatever their number."""
    electrons = np.exp(np.linspace(np.log(5), np.log(300), 60))
    truth = np.zeros((60, 4, 4))
    off = np.broadcast_to((1 / np.sqrt(electrons))[:, None, None], (2, 60, 4, 4))
    found = learn_calibrated_error(electrons, off, truth, SETTINGS.calibration)
    assert (np.diff(found.by_dose.error) <= 0).all()
    np.testing.assert_allclose(found.by_dose.expected(np.array([20.0])), 1 / 20, rtol=0.1)
    again = calibrated_error_of_json(found.as_json())
    assert again is not None
    assert again.sentence(20.0) == found.sentence(20.0)


def test_a_frame_whose_truth_may_be_far_off_is_called_doubtful(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same frame, asked of a model whose usual frames are answered far better."""
    counts, _ = familiar(model)
    np.save(tmp_path / "frame.npy", counts)
    limits = saved_models.read(model).limits
    strict = replace(limits, band=replace(limits.band, usual_reach=0.0))
    saved_models.finish(model.with_name("raw.safetensors"), tmp_path / "s.safetensors", strict, [])
    assert asked(tmp_path / "s.safetensors", tmp_path / "frame.npy") == 1
    said = capsys.readouterr().out
    assert "doubtful" in said
    assert "90 % band" in said
    assert (tmp_path / "frame_ice.png").exists()


def test_signs_show_what_the_members_agree_on_wrongly() -> None:
    """All members call a frame water: its fringes are in the power spectrum nevertheless."""
    ice, water = (
        np.random.default_rng(8).poisson(
            17 * (1 + 0.3 * wave * np.ones((SIZE, 1))), (2, SIZE, SIZE)
        )
        for wave in (np.cos(2 * np.pi * np.arange(SIZE) / 3), np.zeros(SIZE))
    )
    agreed = np.full((3, 2, SIZE, SIZE), 0.01)
    seen, none = (signs(counts, agreed) for counts in (ice, water))
    np.testing.assert_allclose(seen[:, :1], none[:, :1])
    np.testing.assert_allclose(seen[:, 2:5], none[:, 2:5])
    assert (seen[:, 5:].max(axis=1) > none[:, 5:].max(axis=1) + 1).all()


def test_area_under_the_curve_of_frames_that_count_several_times() -> None:
    good, poor = np.array([0.1, 0.5, 0.7]), np.array([0.5, 0.9])
    often = np.array([[1.0, 2.0, 0.0]]), np.array([[3.0, 1.0]])
    # of the 3 × 4 pairs 4 + 2 are won and 6 are ties
    assert evaluate.weighted_auroc(good, poor, *often) == pytest.approx([(6 + 6 / 2) / 12])


def test_conditions_of_the_calibration_movies_fill_their_range() -> None:
    movies = [m for m in requests.movies(SETTINGS, 1) if m.use == requests.CALIBRATION]
    drawn = [requests.condition_of(m, RANGE, SETTINGS) for m in movies]
    few, many = SETTINGS.doses()
    assert all(few <= c.dose <= many for c in drawn)
    for name in ("defocus", "drift"):
        values, (least, most) = (
            sorted(getattr(c, name) for c in drawn),
            getattr(SETTINGS.calibration, name),
        )
        assert least <= values[0] < least + 0.1 * (most - least)
        assert most - 0.1 * (most - least) < values[-1] <= most


def test_a_larger_frame_is_answered_by_overlapping_squares(model: Path, tmp_path: Path) -> None:
    counts, _ = familiar(model, 80)
    np.save(tmp_path / "large.npy", counts)
    assert asked(model, tmp_path / "large.npy", *PIXEL, "--option", f"out={tmp_path / 'm'}") == 0
    assert np.asarray(Image.open(tmp_path / "m" / "large_ice.png")).shape == (80, 80)


def _photograph(rng: np.random.Generator) -> np.ndarray:
    """Grey values of smooth light, edges and texture."""
    y, x = np.mgrid[:96, :96]
    light = 90 + 50 * np.sin(x / 17) * np.cos(y / 23) + 40 * (np.hypot(x - 40, y - 50) < 20)
    return np.round(np.clip(light + rng.normal(0, 2, light.shape), 0, 240))


def _page(rng: np.random.Generator) -> np.ndarray:
    """Dark marks on light paper, in lines."""
    page = np.full((96, 96), 230.0)
    for row in range(6, 90, 12):
        for column in range(6, 88, 5):
            page[row : row + 7, column : column + int(rng.integers(1, 4))] = 30
    return page


STRANGE = {
    "a photograph": lambda rng, counts: _photograph(rng),
    "a page of text": lambda rng, counts: _page(rng),
    "scaled counts": lambda rng, counts: counts * 4,
    "smoothed counts": lambda rng, counts: np.round(
        (counts + np.roll(counts, 1, 0) + np.roll(counts, 1, 1) + np.roll(counts, 1, (0, 1))) / 4
    ),
    "no counts": lambda rng, counts: counts + 0.5,
    "negative": lambda rng, counts: counts - 20,
    "constant": lambda rng, counts: np.full_like(counts, 17.0),
    "too dark": lambda rng, counts: thinned.thinned(counts, 0.05, 1),
    "too bright": lambda rng, counts: counts * 100,
    "too small": lambda rng, counts: counts[:40],
    "too large": lambda rng, counts: np.tile(counts, (30, 1)),
    "missing values": lambda rng, counts: np.where(counts > 20, np.nan, counts),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_no_such_frame_is_refused(
    kind: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts, _ = familiar(model)
    np.save(tmp_path / "x.npy", STRANGE[kind](np.random.default_rng(1), counts))
    assert asked(model, tmp_path / "x.npy") == 1
    said = capsys.readouterr()
    assert "x.npy: " in said.out
    assert "Traceback" not in said.out + said.err
    assert not (tmp_path / "x_ice.png").exists()


def test_a_colour_photograph_and_a_jpeg_are_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(2)
    Image.fromarray(rng.integers(0, 200, (96, 96, 3)).astype(np.uint8)).save(tmp_path / "c.png")
    Image.fromarray(_photograph(rng).astype(np.uint8)).save(tmp_path / "g.jpg")
    assert asked(model, tmp_path / "c.png") == 1
    assert "colour" in capsys.readouterr().out
    assert asked(model, tmp_path / "g.jpg") == 1
    assert "JPEG" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        ((), 1, "no pixel size"),
        (("--option", "pixel=0.2"), 1, "bin or resample"),
        (("--option", "pixel=none"), 2, "a number in nm"),
        (("--option", "colour=1"), 2, "not known"),
    ],
)
def test_pixel_size_has_to_be_said_and_to_fit(
    words: tuple[str, ...], code: int, reason: str, model: Path, tmp_path: Path, capsys
) -> None:
    counts, _ = familiar(model)
    np.save(tmp_path / "x.npy", counts)
    assert main(["predict", str(model), str(tmp_path / "x.npy"), *words]) == code
    said = capsys.readouterr()
    assert reason in said.out + said.err


def test_frames_of_other_pixels_are_strange_even_if_the_size_is_said_wrongly(model: Path) -> None:
    """The fringes of ice stand at another place of the spectrum."""
    limits = saved_models.read(model).limits
    right, wrong = (
        np.concatenate([movie(k, CLEAN, pixel_nm=p, dose=20000 * (0.13 / p) ** 2)["counts"]
                        for k in range(500, 506)])
        for p in (0.13, 0.18)
    )  # fmt: skip
    assert np.median(limits.outside(wrong)) > 1 > np.median(limits.outside(right))


def test_shot_noise_has_a_power_of_one() -> None:
    flat = np.random.default_rng(3).poisson(30.0, (40, SIZE, SIZE))
    found = described(flat)
    assert found[:, 0].mean() == pytest.approx(np.log(30), abs=0.02)
    np.testing.assert_allclose(np.exp(found[:, 1:]).mean(axis=0), 1.0, atol=0.15)


def test_tiles_cover_a_frame_and_join_to_it() -> None:
    frame = np.random.default_rng(4).normal(size=(70, 55))
    parts, at = tiles(frame, 32)
    np.testing.assert_allclose(joined(parts[None], at, frame.shape)[0], frame)


def test_a_damaged_or_unfinished_model_is_refused(model: Path, tmp_path: Path, capsys) -> None:
    counts, _ = familiar(model)
    np.save(tmp_path / "x.npy", counts)
    assert asked(model.with_name("raw.safetensors"), tmp_path / "x.npy") == 2
    assert "its head lacks settings" in capsys.readouterr().err
    (tmp_path / "cut.safetensors").write_bytes(model.read_bytes()[:-1000])
    assert asked(tmp_path / "cut.safetensors", tmp_path / "x.npy") == 2
    assert "its weights cannot be used" in capsys.readouterr().err
