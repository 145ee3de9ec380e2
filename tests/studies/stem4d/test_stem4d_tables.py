"""Study `stem4d`: from requests through trainings to verdicts, small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

pytest.importorskip("torch")
pytest.importorskip("abtem")

from defectra.campaign.arrays import array_kind, project
from defectra.campaign.complete import Counts, complete
from defectra.campaign.ledger import Ledger
from defectra.core.claims import Estimate
from defectra.core.config import load
from defectra.core.errors import ConfigError, DataError, TableError
from defectra.core.paths import PROJECT
from defectra.core.store import read_table, write_table
from defectra.learn.answers import predict_of, study_of_model
from defectra.studies.stem4d.claims import BUILT_IN, checks
from defectra.studies.stem4d.learn import score, symmetry
from defectra.studies.stem4d.names import DEALT, INTACT, LIKELIHOOD, PLAIN, TURNING, Metric
from defectra.studies.stem4d.requests import REQUESTS
from defectra.studies.stem4d.saved_models import keep_sites, keep_vacancy
from defectra.studies.stem4d.scans import (
    CELLS,
    KIND,
    SCANS,
    Scan,
    cell_places,
    missing_atoms,
    read_scans,
)
from defectra.studies.stem4d.settings import Stem4dStudy
from defectra.studies.stem4d.tables import LATENTS
from defectra.studies.stem4d.vacancies import vacancies

TINY = {
    "scan": {"cell_points": 6, "window_points": 8},
    "polar": {"radii": 6, "angles": 24},
    "training": {"epochs": 2, "batch": 32},
    "noisy_training": {"epochs": 2, "batch": 32},
    "draws": 2,
    "methods": ["multislice"],
    "doses": ["dose_10000"],
    "seeds": 2,
    "bootstrap": 20,
    "shards": 1,
}


def test_scans_go_to_latent_variables_and_scores(tmp_path: Path) -> None:
    config = load(PROJECT / "config/config.yaml", {"stem4d": TINY})
    families, counts = list(REQUESTS.families(config)), Counts()
    ledger = Ledger([array_kind(KIND, SCANS)], journals=[tmp_path / "stem4d-00.journal"])
    with ledger.writing(tmp_path / "stem4d-00.journal"):
        for _ in complete(families, ledger, tmp_path, counts):
            pass
    assert (counts.total, counts.failed) == (7, 0)
    project(families, ledger, KIND, tmp_path / "scans.parquet")
    scans = read_scans(tmp_path / "scans.parquet")
    assert len(missing_atoms(scans["di", "dose_10000"], scans["graphene", "dose_10000"])) == 2
    study = config.stem4d
    rows, scores, module = symmetry("graphene", scans, study, 1, tmp_path / "keep")
    assert len(rows) == 2 * 36
    again = symmetry("graphene", scans, study, 1, tmp_path / "again")
    assert str((rows, scores)) == str(again[:2])  # seeds fixed
    orbit = {r["model"]: r["value"] for r in scores if r["metric"] == Metric.ORBIT}
    assert orbit[TURNING] < 0.05 < orbit[PLAIN]  # after two epochs: by construction
    found = vacancies(scans, study, 1, tmp_path / "keep")
    shown = {r["model"] for r in found[1] if r["metric"] == Metric.AUROC}
    assert shown >= {TURNING, DEALT, INTACT, LIKELIHOOD}
    whole, counts_of = scans["graphene", "multislice"], scans["mono", "dose_10000"]
    keep_sites(tmp_path / "site.safetensors", module, whole, _fractional(6), study)
    keep_vacancy(tmp_path / "vacancy.safetensors", *found[2], scans["mono", "multislice"], study)
    _ask(tmp_path, whole, counts_of)
    write_table(tmp_path / "latents.parquet", [*rows, *found[0]], LATENTS)
    failed = [r | {"status": "failed"} for r in read_table(tmp_path / "scans.parquet", SCANS)]
    write_table(tmp_path / "failed.parquet", failed, SCANS)
    with pytest.raises(TableError, match="no finished scan"):
        read_scans(tmp_path / "failed.parquet")


def _fractional(number: int) -> np.ndarray:
    return cell_places("graphene", number)[1] @ CELLS["graphene"]


def _ask(folder: Path, whole: Scan, noisy: Scan) -> None:
    """Both models, asked files of every format, good and bad ones."""
    site, vacancy = (folder / f"{name}.safetensors" for name in ("site", "vacancy"))
    pixel = {"pixel": f"{whole.step.mean():.4f}"}
    counts, perfect = noisy.patterns[30], whole.patterns[7]
    every = files_of(folder, counts)
    for answer in predict_of("stem4d")(vacancy, every, pixel):
        assert "missing within 1.2 Å: probability" in answer.sentence, answer
    np.save(folder / "perfect.npy", perfect)
    np.save(folder / "turned.npy", np.rot90(perfect[:, 1:]))
    found = [*predict_of("stem4d")(site, [folder / "perfect.npy", folder / "turned.npy"], pixel)]
    assert all("Å from" in a.sentence or "misfit" in a.sentence for a in found)
    assert study_of_model(site) == "stem4d"
    for name, (values, reason) in bad_patterns(counts).items():
        np.save(folder / name, values)
        (answer,) = predict_of("stem4d")(vacancy, [folder / name], pixel)
        assert not answer.certain
        assert reason in answer.sentence, (name, answer.sentence)
    (folder / "empty.npy").write_bytes(b"")
    (answer,) = predict_of("stem4d")(vacancy, [folder / "empty.npy"], pixel)
    assert "the file is empty" in answer.sentence
    (answer,) = predict_of("stem4d")(vacancy, [folder / "perfect.npy"], {})
    assert "pixel=MRAD" in answer.sentence
    with pytest.raises(ConfigError, match="known: pixel, array"):
        list(predict_of("stem4d")(vacancy, [], {"turn": "1"}))
    with pytest.raises(DataError, match="not one of study speckle"):
        list(predict_of("speckle")(vacancy, [folder / "perfect.npy"], {}))


def files_of(folder: Path, counts: np.ndarray) -> list[Path]:
    """One pattern as npy, mat, tif and csv."""
    paths = [folder / f"pattern.{end}" for end in ("npy", "mat", "tif", "csv")]
    np.save(paths[0], counts)
    savemat(paths[1], {"pattern": counts})
    Image.fromarray(counts.astype(np.float32)).save(paths[2])
    np.savetxt(paths[3], counts, delimiter=",", fmt="%d")
    return paths


def bad_patterns(counts: np.ndarray) -> dict[str, tuple[np.ndarray, str]]:
    """Patterns that must be refused, and a part of the reason."""
    row, column = (size // 2 for size in counts.shape)
    missing, negative, dead, bright, hot = (counts.copy() for _ in range(5))
    hot[row, column] = 50 * counts.max()
    missing[3, 4], negative[3, 4], dead[row, column + 2] = np.nan, -3, 0
    dead[row - 2 : row + 3, column : column + 5] += 100 * (dead[row, column + 1] >= 0)
    dead[row, column + 2] = 0
    bright[row - 2 : row + 2, column - 2 : column + 2] = 4095
    return {
        "missing.npy": (missing, "not finite"),
        "hot.npy": (hot, "hot pixels"),
        "mask.npy": (counts > counts.mean(), "a mask"),
        "wrapped.npy": (_eight_bits(counts), "the end of type uint8"),
        "negative.npy": (negative, "negative"),
        "dead.npy": (dead, "dead pixels"),
        "bright.npy": (bright, "saturated"),
        "moved.npy": (np.roll(counts, 3, 1), "columns off"),
        "small.npy": (counts[8:-8, 8:-8], "the model needs"),
        "scaled.npy": (counts * 0.37, "not whole numbers"),
        "binned.npy": (counts.repeat(2, 0).repeat(2, 1), "bright disc of"),
        "few.npy": (np.random.default_rng(1).poisson(counts * 0.01), "at least 200"),
        "narrow.npy": (np.random.default_rng(1).poisson(_narrow(counts) * 0.2), "bright disc of"),
        "flat.npy": (np.full(counts.shape, 7.0), "every value"),
    }


def _eight_bits(counts: np.ndarray) -> np.ndarray:
    """Scaled to the range of 8 bits, as programs that show patterns save them."""
    return np.round(255 * counts / counts.max()).astype(np.uint8)


def _narrow(counts: np.ndarray) -> np.ndarray:
    """A disc of half the size: the middle, with the rest cut off."""
    y, x = (np.arange(n) - n // 2 for n in counts.shape)
    return counts * (np.hypot(y[:, None], x[None, :]) < 5)


def _metrics(orbit: float, apart: float) -> list[dict[str, object]]:
    given = [
        ("graphene", TURNING, Metric.ORBIT, orbit),
        ("graphene", PLAIN, Metric.ORBIT, 0.7),
        ("gallium_arsenide", TURNING, Metric.SITES, apart),
    ]
    return [
        score(t, m, k, Estimate(v, 0.99 * v, 1.01 * v, 3), "multislice") for t, m, k, v in given
    ]


def test_verdicts_follow_the_numbers() -> None:
    study = Stem4dStudy()
    good, bad = (
        {c["check_id"]: c["verdict"] for c in checks(_metrics(*v), study)}
        for v in ((0.01, 0.6), (0.5, 0.01))
    )
    assert (good["sites_gallium_arsenide"], bad["sites_gallium_arsenide"]) == ("holds", "fails")
    assert good["vacancy_mono_dose_1000"] == "open"


def test_what_the_encoder_has_by_construction_is_no_result() -> None:
    metrics, study = _metrics(0.01, 0.6), Stem4dStudy()
    own = {c["check_id"]: c for c in checks(metrics, study)}
    built_in = {name for name, c in own.items() if c["fails_if"] == BUILT_IN}
    wanted = {f"{Metric.ORBIT}_{sample}" for sample in ("graphene", "gallium_arsenide")}
    assert built_in == wanted | {"sites_graphene"}
    assert all(own[name]["verdict"] == "open" for name in built_in)
