"""What a change reruns, and what it computes: rules and calculations, both asserted."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from campaign import ROOT, TABLES_ONLY, Campaign
from in_one_call import make_plan

from defectra.core.config import load

pytestmark = pytest.mark.workflow


def test_second_run_does_nothing_and_says_so(finished: Campaign) -> None:
    before = finished.computed()
    assert len(before) == len(set(before)) > 0
    assert "Nothing to do" in finished.run(TABLES_ONLY, "--no-report")
    assert finished.computed() == before


def test_moved_touched_and_commented_reruns_nothing(copy: Campaign) -> None:
    for path in (copy.folder / "scripts").glob("*.py"):
        path.touch()
    for path in copy.results.glob("plan/*/*.parquet"):
        path.touch()
    copy.edit("workflow/defectra/campaign/worker.py", "\nimport", "\n# a comment\nimport")
    copy.edit(
        "workflow/defectra/engines/synthetic/run.py", '"""Curve', '"""Another docstring. Curve'
    )
    assert copy.planned(TABLES_ONLY) == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "rules"),
    [
        (
            "workflow/defectra/campaign/gather.py",
            "return len(seen)",
            "return +len(seen)",
            {"gather"},
        ),
        (
            "workflow/defectra/engines/synthetic/run.py",
            "46.0, 62",
            "46.0, 63",
            {"calculate", "gather"},
        ),
        ("workflow/defectra/campaign/steps.py", "check_failures(", "+check_failures(", {"gather"}),
    ],
)
def test_code_reruns_its_stage_and_below(
    copy: Campaign, file: str, old: str, new: str, rules: set[str]
) -> None:
    copy.edit(file, old, new)
    assert set(copy.planned(TABLES_ONLY)) == rules


def test_parser_projects_again_and_computes_nothing(copy: Campaign) -> None:
    before, spectra = copy.computed(), copy.table("spectra")
    copy.edit("workflow/defectra/engines/synthetic/run.py", "46.0, 62", "46.0, 63")
    copy.run(TABLES_ONLY, "--no-report")
    assert copy.computed() == before
    assert len(spectra[0]["mu"]) == 62
    assert {len(row["mu"]) for row in copy.table("spectra")} == {63}


def test_config_leaf_reruns_only_what_reads_it(copy: Campaign) -> None:
    copy.study["model"] = {**copy.study["model"], "trees": 6}
    copy.write_config()
    assert copy.planned(TABLES_ONLY) == {}
    copy.study["max_failed"] = 0.5
    copy.write_config()
    assert copy.planned(TABLES_ONLY) == {"gather": 1}


def test_finished_runs_that_are_added_are_seen_and_a_copy_is_not(copy: Campaign) -> None:
    runs = copy.folder / "runs"
    shutil.copytree(ROOT / "tests/data/feff_lco", runs)
    copy.study["parsed"] = ["runs"]
    copy.write_config()
    copy.run(TABLES_ONLY, "--no-report")
    os.utime(runs / "xmu.dat", (1, 1))
    assert copy.planned(TABLES_ONLY) == {}
    (runs / "more.txt").write_text("two\n")
    assert copy.planned(TABLES_ONLY) == {"calculate": 2, "gather": 1}


def test_what_a_start_left_undone_is_done_by_the_next_and_once(copy: Campaign) -> None:
    """One chunk was stopped by the machine; the other lacked an engine, which is there now."""
    before, store = copy.computed(), copy.results / "store"
    (store / "nmc-01.lacking").write_text(json.dumps({"engines": ["none"], "journal": 1}))
    assert copy.planned(TABLES_ONLY) == {}, "one that is still not there"
    (store / "nmc-00.again").write_text(json.dumps({"calculations": 1, "journal": 1}))
    assert copy.planned(TABLES_ONLY) == {"calculate": 1, "gather": 1}
    (store / "nmc-01.lacking").write_text(json.dumps({"engines": ["synthetic"], "journal": 1}))
    assert copy.planned(TABLES_ONLY) == {"calculate": 2, "gather": 1}
    copy.run(TABLES_ONLY, "--no-report")
    assert not (store / "nmc-01.lacking").exists()
    assert copy.planned(TABLES_ONLY) == {}
    assert copy.computed() == before


def test_added_composition_computes_its_own_and_removed_one_nothing(tmp_path: Path) -> None:
    copy = Campaign(tmp_path / "project")
    copy.study["shards"] = 8
    copy.write_config()
    copy.run(TABLES_ONLY, "--no-report")
    before, tables = copy.computed(), copy.table("calculations")
    names = copy.study["structures"]["compositions"]
    copy.study["structures"] = {**copy.study["structures"], "compositions": [*names, "NMC532"]}
    copy.write_config()
    planned = copy.planned(TABLES_ONLY)
    entered = {name for name, metals in in_chunks(copy) if metals == "Ni5Mn3Co2"}
    assert planned == {"calculate": len(entered), "gather": 1}
    assert 0 < len(entered) < len({name for name, _ in in_chunks(copy)})
    copy.run(TABLES_ONLY, "--no-report")
    after = copy.computed()
    assert len(after) == len(set(after)) > len(before)
    assert set(before) < set(after)
    metals = {r["structure_id"]: r["composition"] for r in copy.table("structures")}
    new = [r for r in copy.table("calculations") if r["calculation_id"] not in set(before)]
    assert {r["calculation_id"] for r in new} == set(after) - set(before)
    assert {metals[r["structure_id"]] for r in new} == {"Ni5Mn3Co2"}

    copy.study["structures"] = {**copy.study["structures"], "compositions": names}
    copy.write_config()
    left = copy.planned(TABLES_ONLY)
    assert left.get("calculate", 0) == len(entered & {name for name, _ in in_chunks(copy)})
    copy.run(TABLES_ONLY, "--no-report")
    assert copy.computed() == after
    assert sorted(map(str, copy.table("calculations"))) == sorted(map(str, tables))


def in_chunks(campaign: Campaign) -> set[tuple[str, str]]:
    """Chunks of the plan of its config with the compositions in them."""
    plan = make_plan(load(campaign.folder / "config/config.yaml"))
    return {(name, row["composition"]) for name, (rows, _) in plan.items() for row in rows}
