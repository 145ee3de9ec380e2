"""Files that no saved model may answer, put to `defectra predict` for a model of each study.

Counts of every kind of detector are spoiled in the same ways; an answer, a crash, exit code 0 or a
message without the file and without advice is a fault. Models are untrained where training plays
no part: files are refused before a network is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from defectra.cli.main import main
from defectra.engines.coherent import kuramoto
from defectra.engines.coherent.kuramoto import log_kernel
from defectra.engines.coherent.scattering import Detector
from defectra.studies.dynamics.saved_kernel import SavedKernel
from defectra.studies.registration.predict import save_cell

pytest.importorskip("torch")

Asked = tuple[Path, np.ndarray, list[str]]  # model, good counts, options


def _speckle(folder: Path) -> Asked:
    from defectra.engines.speckle.placement import place
    from defectra.engines.speckle.scattering import Detector as Camera
    from defectra.engines.speckle.scattering import analytic_intensity, whole
    from defectra.learn.saved_network import About, save
    from defectra.studies.speckle.models import IMAGE
    from defectra.studies.speckle.network import build, image_architecture
    from defectra.studies.speckle.settings import SpeckleStudy

    study, draw, radii = SpeckleStudy(), np.random.default_rng(0), np.full(5, 90.0)
    kept = study.detector.half // study.detector.step
    own = {"kind": "equal", "study": study.model_dump(mode="json")}
    numbers, look = tuple(str(k) for k in range(2, 21)), image_architecture(19)
    shape, origin = (kept + 1, 2 * kept + 1), {"seed": 1}
    about = About("speckle", IMAGE, shape, own, look, numbers, provenance=origin)
    save(folder / "speckle.safetensors", build(look), about)
    pattern = whole(analytic_intensity(place(radii, 2000, 90, 2, draw), radii, Camera(256, 1)))
    return folder / "speckle.safetensors", draw.poisson(pattern / pattern.max() * 5e6), []


def _stem4d(folder: Path) -> Asked:
    from defectra.studies.stem4d.finder import Finder, Rings, network_of
    from defectra.studies.stem4d.measures import Odds
    from defectra.studies.stem4d.saved_models import keep_vacancy
    from defectra.studies.stem4d.scans import Scan
    from defectra.studies.stem4d.settings import Stem4dStudy
    from defectra.studies.stem4d.vacancies import Judged

    study, step = Stem4dStudy(), np.array([2.85, 2.83])
    rows, columns = ((np.arange(45) - 22) * s for s in step)
    away = np.hypot(rows[:, None], columns[None, :])
    disc = (away < study.microscope.aperture) + 0.02 * np.exp(-((away / 40) ** 2))
    pattern = disc / disc.sum()
    latent = study.network.latent_vacancies
    terms = 1 + latent + latent * (latent + 1) // 2
    odds = Odds(np.zeros(latent), np.ones(latent), np.zeros(terms))
    scan = Scan("mono", "multislice", pattern[None], np.zeros((1, 2)), np.zeros((1, 4)), step, "")
    finder = Finder(network_of(study), Rings.of(pattern[None], step, study))
    path = folder / "vacancies.safetensors"
    keep_vacancy(path, finder, [Judged([], [], 1e4, odds, 0.9)], scan, study)
    return path, np.random.default_rng(1).poisson(pattern * 1e5), ["--option", "pixel=2.84"]


def _dynamics(folder: Path) -> Asked:
    detector = Detector(pixels=16, sampling=0.5, box=2.0, probe=0.25, stop=0.06)
    law = SavedKernel(log_kernel(20.0, 1.5), detector, 16, 0.5, {})
    draw = np.random.default_rng(1)
    angles = draw.uniform(0, 6.28, (16, 16))
    start = kuramoto.trajectory(angles, law.kernel, np.array([0.0, 2.0]), 1e-8)[1]
    np.save(folder / "start.npy", start)
    law.write(folder / "kuramoto.npz")
    expected = law.expected(start, 0.5 * np.arange(6))
    counts = draw.poisson(expected / expected.max() * 2000)
    return folder / "kuramoto.npz", counts, ["--option", f"start={folder / 'start.npy'}"]


def _xrd(folder: Path) -> Asked:
    from defectra.learn.saved_network import About, save
    from defectra.studies.xrd.alloys import grid_of
    from defectra.studies.xrd.plane import architecture_of, build
    from defectra.studies.xrd.settings import XrdStudy

    study = XrdStudy()
    points = grid_of(study).points
    look = architecture_of(np.zeros((2, len(points))), 8)
    own = {"study": study.model_dump(mode="json"), "middle": [0, 0], "spread": [1, 1],
           "weights": np.zeros((10, 2)).tolist(), "largest_misfit": 1e-9,
           "ranges": [[0, 0], [2, 0.3]]}  # fmt: skip
    origin = {"errors": {"titanium": 0.1, "zirconium": 0.1}}
    about = About("xrd", "autoencoder", (len(points),), own, look, provenance=origin)
    save(folder / "plane.safetensors", build(look), about)
    angles = np.linspace(15, 85, 1401)
    counts = np.random.default_rng(1).poisson(
        40 + sum(900 * np.exp(-(((angles - p) / 0.3) ** 2)) for p in (33.7, 42.5, 47.8, 61.0))
    )
    return folder / "plane.safetensors", np.column_stack([angles, counts]), [
        "--option", "wavelength=1.54056"]  # fmt: skip


def _registration(folder: Path) -> Asked:
    save_cell(folder / "twin.npz", "twin")
    draw = np.random.default_rng(1)
    return folder / "twin.npz", draw.poisson(50, (120, 120)), ["--option", "pixel=0.2"]


MODELS: dict[str, Callable[[Path], Asked]] = {
    "speckle": _speckle,
    "stem4d": _stem4d,
    "dynamics": _dynamics,
    "xrd": _xrd,
    "registration": _registration,
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Asked]:
    """A model of each study, counts that it takes, and options."""
    folder = tmp_path_factory.mktemp("models")
    return {name: make(folder) for name, make in MODELS.items()}


def refused(model: Asked, path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `defectra predict` says of a file, once and with its name; the exit code is not 0."""
    code = main(["predict", str(model[0]), str(path), *model[2]])
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert code, text
    assert text.count(str(path)) == 1, text
    return text


def put(values: np.ndarray, where: object, value: float) -> np.ndarray:
    """Counts with some pixels changed."""
    out = values.astype(float)
    out[where] = value
    return out


def _bright(values: np.ndarray) -> tuple[object, ...]:
    """A bright pixel off the middle: in all patterns of a series."""
    last = values.reshape(-1, *values.shape[-2:]).sum(0)
    size = len(last)
    middle = slice(size // 2 - 6, size // 2 + 7)  # hidden, or behind the beam stop
    last[middle, middle] = 0
    return (..., *np.unravel_index(int(last.argmax()), last.shape))


def _level(values: np.ndarray) -> float:
    return float(np.round(np.quantile(values, 0.98)))


Spoil = Callable[[np.ndarray], np.ndarray]
# Kind: what is done to the counts, and the reason by study ("" of those that are not listed).
PIXELS: dict[str, tuple[Spoil, dict[str, str]]] = {
    "another size": (
        lambda c: c[..., 3:-3, 3:-3],
        {"speckle": "crop or bin", "stem4d": "the model needs", "dynamics": "learned from"},
    ),
    "off centre": (
        lambda c: np.roll(c, (2, -5), (-2, -1)),
        {
            "speckle": r"\+2 rows and -5 columns.*crop it",
            "stem4d": r"columns off.*crop",
            "dynamics": "the centre must be in|centre is not pixel|does not fit the start",
        },
    ),
    "beam in a corner": (
        lambda c: np.fft.fftshift(c, (-2, -1)),
        {"speckle": "fftshift", "stem4d": "disc", "dynamics": "same at q|fit the start|dead"},
    ),
    "saturated": (
        lambda c: np.minimum(c, max(_level(c), 120)),
        dict.fromkeys(("speckle", "stem4d", "dynamics"), "saturated|fit the start"),
    ),
    "dead pixel": (
        lambda c: put(c, _bright(c), 0),
        dict.fromkeys(("speckle", "stem4d", "dynamics"), "dead pixels"),
    ),
    "hot pixel": (
        lambda c: put(c, _bright(c), 200 * c.max() + 7),
        dict.fromkeys(("speckle", "stem4d"), "hot") | {"dynamics": "saturated|not the same at q"},
    ),
    "half covered": (
        lambda c: put(c, (..., np.s_[: c.shape[-2] // 2 - 4], np.s_[:]), 0),
        {"speckle": "dead|corner", "stem4d": "disc|hold nothing", "dynamics": "dead pixels"},
    ),
    "background": (
        lambda c: c + 30 + np.round(c.mean()),
        {"speckle": "not answered", "stem4d": "disc|other rings", "dynamics": "fit the start"},
    ),
    "negative": (
        lambda c: c - np.round(c.mean()) - 1,
        dict.fromkeys(("speckle", "stem4d", "dynamics", "xrd"), "negative|not rise|2 theta"),
    ),
    "not a number": (lambda c: put(c, (*(0,) * (c.ndim - 1), 1), np.nan), {"": "finite"}),
    "8 bits": (
        lambda c: (255 * c / c.max()).astype(np.uint8),
        dict.fromkeys(("speckle", "stem4d", "dynamics"), "the end of type uint8"),
    ),
    "complex": (lambda c: c * (1 + 1j), {"": "complex"}),
    "a mask": (lambda c: c > c.mean(), {"": "mask|type bool"}),
    "words": (lambda c: c.astype(str), {"": "save them as numbers"}),
    "several": (
        lambda c: np.stack([c, c]),
        {"": "2 images|0 arrays|one image", "xrd": "0 arrays"},
    ),
    "noise": (
        lambda c: np.random.default_rng(2).poisson(40, c.shape),
        {
            "speckle": "not answered|not symmetric|far from the middle",
            "stem4d": "disc|rings",
            "dynamics": "fit the start",
            "registration": "not found",
        },
    ),
}
CASES = [
    (study, kind)
    for kind, (_, reasons) in PIXELS.items()
    for study in MODELS
    if study in reasons or "" in reasons
]


@pytest.mark.parametrize(("study", "kind"), CASES)
def test_spoiled_counts_are_refused_with_the_reason(
    asked: dict[str, Asked],
    study: str,
    kind: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import re

    spoil, reasons = PIXELS[kind]
    np.save(tmp_path / "spoiled.npy", spoil(asked[study][1]))
    text = refused(asked[study], tmp_path / "spoiled.npy", capsys)
    assert re.search(reasons.get(study, reasons.get("", "")), text), text


FILES: dict[str, bytes] = {
    "empty.npy": b"",
    "empty.csv": b"",
    "blank.csv": b"\n\n\n",
    "words.txt": b"dear reader\nthis is no table\n" * 20,
    "page.csv": b"<html><body>404</body></html>",
    "pointer.npy": b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12\n",
    "noise.npy": bytes(range(256)) * 9,
    "cut.npy": b"\x93NUMPY\x01\x00v\x00{'descr'",
    "objects.npy": b"\x80\x04\x95\x00\x00\x00\x00.",
    "broken.tif": b"II*\0" + bytes(range(200)),
    "broken.dm3": bytes(range(250)),
    "broken.mat": bytes(range(250)),
    "curve.csv": b"energy,mu\n" + b"".join(b"%d,%d\n" % (8300 + k, k) for k in range(80)),
}


@pytest.mark.parametrize("study", MODELS)
def test_files_that_hold_no_counts_are_refused(
    asked: dict[str, Asked], study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    colours = np.random.default_rng(0).integers(0, 200, (40, 40, 3)).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "photograph.png")
    (tmp_path / "folder").mkdir()
    for name in (*FILES, "photograph.png", "folder", "nowhere.npy"):
        text = refused(asked[study], tmp_path / name, capsys)
        assert len(text) > len(str(tmp_path / name)) + 12, text


@pytest.mark.parametrize("study", MODELS)
def test_a_model_of_another_study_or_release_is_refused(
    asked: dict[str, Asked], study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from defectra.core.errors import DataError
    from defectra.learn.answers import predict_of

    own, good, _ = asked[study]
    np.save(tmp_path / "good.npy", good)
    options = (
        {"start": str(asked["dynamics"][0].parent / "start.npy")} if study == "dynamics" else {}
    )
    for other, (model, _, _) in asked.items():
        if other != study:
            with pytest.raises(DataError, match=model.name):
                list(predict_of(study)(model, [tmp_path / "good.npy"], options))
    if own.suffix == ".safetensors":
        data = own.read_bytes()
        length = int.from_bytes(data[:8], "little")
        head = json.loads(data[8 : 8 + length])
        about = json.loads(head["__metadata__"]["about"])
        about["preprocessing"]["study"]["of_a_later_release"] = 1
        head["__metadata__"]["about"] = json.dumps(about)
        written = json.dumps(head).encode()
        later = tmp_path / "later.safetensors"
        later.write_bytes(len(written).to_bytes(8, "little") + written + data[8 + length :])
        code = main(["predict", str(later), str(tmp_path / "good.npy"), *asked[study][2]])
        shown = capsys.readouterr()
        assert code
        assert "another release" in shown.out + shown.err
