"""Study `stem4d`: from requests through trainings to verdicts, small."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("abtem")

from defectra.campaign.arrays import array_kind, project
from defectra.campaign.complete import Counts, complete
from defectra.campaign.ledger import Ledger
from defectra.core.claims import Estimate
from defectra.core.config import load
from defectra.core.errors import TableError
from defectra.core.paths import PROJECT
from defectra.core.store import read_table, write_table
from defectra.studies.stem4d.claims import checks, scorecard
from defectra.studies.stem4d.learn import score, symmetry, vacancies
from defectra.studies.stem4d.names import PLAIN, TURNING, Metric
from defectra.studies.stem4d.requests import REQUESTS
from defectra.studies.stem4d.scans import KIND, SCANS, missing_atoms, read_scans
from defectra.studies.stem4d.settings import Stem4dStudy
from defectra.studies.stem4d.tables import LATENTS

TINY = {
    "scan": {"cell_points": 6, "window_points": 8},
    "polar": {"radii": 6, "angles": 12},
    "training": {"epochs": 2, "batch": 32},
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
    rows, scores = symmetry("graphene", scans, config.stem4d, 1, tmp_path / "keep")
    assert len(rows) == 2 * 36
    again = symmetry("graphene", scans, config.stem4d, 1, tmp_path / "again")
    assert str((rows, scores)) == str(again)  # seeds fixed
    orbit = {r["model"]: r["value"] for r in scores if r["metric"] == Metric.ORBIT}
    assert orbit[TURNING] < 0.05 < orbit[PLAIN]  # after two epochs: by construction
    found = vacancies(scans, config.stem4d, 1, tmp_path / "keep")
    assert {r["model"] for r in found[1] if r["metric"] == Metric.AUROC} >= {TURNING}
    write_table(tmp_path / "latents.parquet", [*rows, *found[0]], LATENTS)
    failed = [r | {"status": "failed"} for r in read_table(tmp_path / "scans.parquet", SCANS)]
    write_table(tmp_path / "failed.parquet", failed, SCANS)
    with pytest.raises(TableError, match="no finished scan"):
        read_scans(tmp_path / "failed.parquet")


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
    for name in (f"{Metric.ORBIT}_graphene", "sites_gallium_arsenide"):
        assert (good[name], bad[name]) == ("holds", "fails"), name
    assert good["vacancy_mono_dose_1000"] == "open"
    card = {c["claim_id"]: c["verdict"] for c in scorecard(_metrics(0.01, 0.6), study)}
    assert card == {"symmetry_graphene": "reproduced", "symmetry_gallium_arsenide": "no data"}
