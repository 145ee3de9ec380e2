"""What each change reruns in a whole campaign, figures included, and what it computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from campaign import TABLES_ONLY, Campaign

from defectra.core.records import CALCULATIONS, DRIFT, GEOMETRIES, SPECTRA
from defectra.core.store import Archive, read_table

pytestmark = pytest.mark.workflow

BLOCK_PLOTS = {
    f"plot_blocks_{n}"
    for n in (
        "differences",
        "contents",
        "gains",
        "curves",
        "weights",
        "shells",
        "campaign",
        "strata",
    )
}
PLOTS = BLOCK_PLOTS | {
    f"plot_{n}" for n in ("spectra", "parity", "edges", "lithium", "failures", "ladder")
}
SCORES = {"score", "collect_scores", "make_report"}
MODELS = {"evaluate", "plot_parity", "plot_edges"} | SCORES
EXTERNAL = {"evaluate_external"}
BLOCKS = {"evaluate_blocks", "compare_converged", "save_model"} | {
    f"plot_blocks_{n}" for n in ("contents", "gains", "curves")
}
OTHER_CELLS = {"compare_relaxers", "compare_own_cells"}
WEIGHTS = {"weigh_blocks", "plot_blocks_weights"}
AVERAGES = {"average_sites", "build_training", "plot_spectra", "plot_lithium", "plot_ladder"}
LITHIUM = {"measure_lithium", "save_lithium_shift", "plot_lithium"} | SCORES
GATHERED = {"gather", "plot_failures"} | AVERAGES | MODELS | LITHIUM | EXTERNAL


def export(campaign: Campaign, name: str, rows: slice) -> list[Path]:
    """Part of a campaign's calculations as an archive below its folder; returns the parts."""
    archive, results = Archive(campaign.folder / name), campaign.results
    done = read_table(results / "calculations.parquet", CALCULATIONS)[rows]
    wanted = {row["calculation_id"] for row in done}
    curves = read_table(results / "spectra.parquet", SPECTRA)
    cells = read_table(results / "geometries.parquet", GEOMETRIES)
    added = [
        archive.add(done, CALCULATIONS),
        archive.add([c for c in curves if c["calculation_id"] in wanted], SPECTRA),
        archive.add(cells, GEOMETRIES),
    ]
    return [path for path in added if path is not None]


@pytest.fixture(scope="session")
def whole(finished: Campaign, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A finished campaign with an archive, models and figures."""
    campaign = finished.copy_to(tmp_path_factory.mktemp("whole") / "project")
    export(campaign, "archive", slice(0, 10))
    campaign.study["drift_sample"] = 2
    campaign.write_config()
    campaign.run("--no-report")
    return campaign


@pytest.fixture
def mine(whole: Campaign, tmp_path: Path) -> Campaign:
    return whole.copy_to(tmp_path / "project")


def test_nothing_and_moved(mine: Campaign) -> None:
    for path in (mine.folder / "scripts").glob("*.py"):
        path.touch()
    assert mine.planned() == {}


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("learn/features.py", MODELS),
        (
            "learn/crossval.py",
            MODELS | BLOCKS | EXTERNAL | WEIGHTS | BLOCK_PLOTS | OTHER_CELLS,
        ),
        ("figures/style.py", PLOTS | {"make_report"}),
        ("studies/nmc/scorecard.py", SCORES),
        ("studies/nmc/checks.py", SCORES),
        ("spectra/site_averages.py", AVERAGES | MODELS | EXTERNAL),
        ("campaign/drift.py", {"drift"} | SCORES),
    ],
)
def test_code(mine: Campaign, module: str, rules: set[str]) -> None:
    path = mine.folder / "workflow/defectra" / module
    path.write_text(path.read_text() + "\n_EDITED = True\n")
    assert set(mine.planned()) == rules


def test_code_of_the_parser_computes_nothing(mine: Campaign) -> None:
    before = mine.computed()
    mine.edit("workflow/defectra/engines/synthetic/run.py", "46.0, 62", "46.0, 63")
    planned = mine.planned()
    assert set(planned) == {"calculate", "drift"} | GATHERED
    mine.run(TABLES_ONLY, "--no-report")
    assert mine.computed() == before
    own = {r["calculation_id"]: len(r["mu"]) for r in mine.table("spectra")}
    assert set(own.values()) == {63}


@pytest.mark.parametrize(
    ("key", "value", "rules"),
    [
        ("model", {"trees": 6, "folds": 2, "repeats": 1, "bootstrap": 10}, None),
        ("drift_sample", 1, {"drift"} | SCORES),
    ],
)
def test_parameter(mine: Campaign, key: str, value: Any, rules: set[str] | None) -> None:
    mine.study[key] = value
    mine.write_config()
    assert set(mine.planned()) == (rules or MODELS)


def test_another_engine_version_is_for_the_drift_check(
    mine: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, tables = mine.computed(), repr(mine.table("calculations"))
    monkeypatch.setenv("DEFECTRA_SYNTHETIC_VERSION", "2")
    assert set(mine.planned()) == {"drift"} | SCORES
    mine.run("--no-report")
    rows = read_table(mine.results / "nmc/drift.parquet", DRIFT)
    assert {(r["archived_version"], r["engine_version"]) for r in rows} == {
        ("synthetic 1", "synthetic 2")
    }
    assert len(rows) == 2
    assert {r["status"] for r in rows} == {"ok"}
    assert mine.computed() == before
    assert repr(mine.table("calculations")) == tables


def test_protocol_parameter_computes_that_protocol(mine: Campaign) -> None:
    mine.study |= {"ladder_every": 2}
    mine.write_config()
    mine.run(TABLES_ONLY, "--no-report")
    before = mine.computed()
    path = mine.folder / "config/protocols/feff.yaml"
    protocols = yaml.safe_load(path.read_text())
    protocols["balanced"]["fms_radius"] = 6.3
    path.write_text(yaml.safe_dump(protocols))
    planned = mine.planned(TABLES_ONLY)
    assert set(planned) == {"calculate", "gather"}
    mine.run(TABLES_ONLY, "--no-report")
    new = set(mine.computed()) - set(before)
    rows = mine.table("calculations")
    assert new == {r["calculation_id"] for r in rows if r["protocol"] == "balanced"}
    assert len(mine.computed()) == len(before) + len(new)


def test_time_limits_and_descriptions_rerun_nothing(mine: Campaign) -> None:
    for path in (mine.folder / "config/protocols").glob("*.yaml"):
        protocols = yaml.safe_load(path.read_text())
        for protocol in protocols.values():
            protocol["description"] = "in other words"
            if path.stem in ("feff", "gpaw", "gpaw_levels"):
                protocol["timeout_s"] = 77777
        path.write_text(yaml.safe_dump(protocols))
    assert mine.planned() == {}


def test_archive_part_of_other_structures_is_for_the_drift_check(mine: Campaign) -> None:
    archive = Archive(mine.folder / "archive")
    (row,) = read_table(mine.results / "calculations.parquet", CALCULATIONS)[:1]
    archive.add([row | {"calculation_id": "0" * 32, "structure_id": "f" * 64}], CALCULATIONS)
    assert set(mine.planned()) == {"drift"} | SCORES


def test_archive_part_added_computes_nothing_and_a_damaged_one_is_named(mine: Campaign) -> None:
    before = mine.computed()
    structure = mine.table("calculations")[10]["structure_id"]
    done = read_table(mine.results / "calculations.parquet", CALCULATIONS)
    part = Archive(mine.folder / "archive").add(
        [row for row in done if row["structure_id"] == structure], CALCULATIONS
    )
    assert part is not None
    planned = mine.planned()
    assert set(planned) == {"calculate", "drift"} | GATHERED
    assert planned["calculate"] == 1, "only the chunk that holds the structure"
    mine.run(TABLES_ONLY, "--no-report")
    assert mine.computed() == before
    assert mine.planned(TABLES_ONLY) == {}
    data = bytearray(part.read_bytes())
    data[len(data) // 3] ^= 1
    part.write_bytes(bytes(data))
    out = mine.run(TABLES_ONLY, "--no-report", code=1)
    assert part.name in out
    assert "the archive part is damaged" in out
    assert "Traceback" not in out
    assert mine.computed() == before


def test_results_folder_moved(finished: Campaign, tmp_path: Path) -> None:
    campaign = Campaign(tmp_path / "project")
    export_from = Archive(campaign.folder / "archive")
    rows = read_table(finished.results / "calculations.parquet", CALCULATIONS)
    export_from.add(rows[:3], CALCULATIONS)
    first, second = tmp_path / "here", tmp_path / "elsewhere" / "deeper"
    first.mkdir()
    campaign.run(TABLES_ONLY, "--no-report", "--directory", str(first))
    second.parent.mkdir()
    first.rename(second)
    assert campaign.planned(TABLES_ONLY, "--directory", str(second)) == {}
