"""What one changed key or module reruns, in every study: the table of docs/workflow.md."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from campaign import ROOT, Campaign
from changes import CHANGES, SHARED, Change, known, rounds
from dry_runs import DryRuns
from hollow import hollow_campaign

from defectra.core.records import CALCULATIONS
from defectra.core.store import Archive

pytestmark = pytest.mark.workflow

REMAKE = "if this is meant, `make changes` writes the table anew"
# Studies that may ask an engine, by its folder.
USES = {
    "abtem": {"stem4d", "segmentation", "registration", "nmc"},
    "coherent": {"dynamics"},
    "feff": {"nmc", "xanes"},
    "gpaw": {"hbn", "levels", "perovskites", "nmc", "xanes"},
    "icemelt": {"segmentation"},
    "plot_images": {"plots"},
    "speckle": {"speckle"},
    "stem_points": {"registration"},
    "vasp": {"levels", "nmc", "perovskites", "xanes"},
    "xrd": {"xrd"},
}


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """All studies up to their figures; tests must leave it as it is."""
    folder = tmp_path_factory.mktemp("hollow")
    campaign = hollow_campaign(folder / "project", folder / "mirror")
    campaign.run("--no-report")
    return campaign


@pytest.fixture
def hollow(done: Campaign, tmp_path: Path) -> Campaign:
    return done.copy_to(tmp_path / "project")


def test_nothing_changed(done: Campaign) -> None:
    assert done.planned() == {}


def test_each_change_reruns_what_the_table_says(hollow: Campaign) -> None:
    """Changes of different studies at once; `make changes` makes each alone."""
    rules = known()
    assert set(rules) == {change.name for change in CHANGES}, REMAKE
    wrong = []
    with DryRuns(hollow) as dry_runs:
        for several in rounds(CHANGES, rules):
            expected: dict[str, set[str]] = {}
            for change in several:
                for study, names in rules[change.name].items():
                    expected.setdefault(study, set()).update(names)
            found = dry_runs.rules(*several)
            if found != {study: sorted(names) for study, names in sorted(expected.items())}:
                wrong.append(([c.name for c in several], found))
    assert not wrong, f"{REMAKE}: {wrong}"


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_no_change_reruns_more_than_it_may(change: Change) -> None:
    """Said of kinds of change, so that a table that was made anew cannot hide a fault."""
    by_study = known()[change.name]
    rules = {rule for names in by_study.values() for rule in names}
    calculates = bool(rules & {"calculate", "compute"})
    if change.kind in ("model", "scores", "figure"):
        study = change.what.split("/")[1]
        assert set(by_study) == {study, SHARED}
        assert not calculates
    if change.kind == "figure":
        assert "collect_scores" not in rules
        assert not [r for r in rules if r.startswith(("gather", "fit", "learn", "score"))]
    if change.kind == "engine":
        assert set(by_study) - {SHARED} <= USES[change.what.split("/")[1]]
    if change.what.endswith((".timeout_s", ".description")):
        assert not rules


def test_a_file_of_the_mirror_reruns_what_reads_it(hollow: Campaign) -> None:
    """A mirror of its own: the one of the other tests stays as it is."""
    mirror = hollow.folder.parent / "mirror"
    shutil.copytree(hollow.others["mirror"], mirror)
    hollow.others = {**hollow.others, "mirror": str(mirror)}
    hollow.write_config()
    hollow.run("--no-report")  # rules carry the folder of the mirror
    assert hollow.planned() == {}
    (mirror / "spectra/omnixas/material_id_and_site/Ti_FEFF_val.txt").write_text("other\n")
    with DryRuns(hollow) as dry_runs:
        assert dry_runs.rules() == known()["code of `studies/xanes/delta.py` (model)"]


def test_what_calculations_are_made_of_and_what_was_stopped(hollow: Campaign) -> None:
    """Tables of sets, spectra that are drawn, finished runs; what the machine stopped."""
    runs = hollow.folder / "runs"
    shutil.copytree(ROOT / "tests/data/feff_lco", runs)
    ladder = {"ladder": {"live": "missing", "parsed": ["runs"]}}
    hollow.others = {**hollow.others, "levels": {"live": {"complete": True}}, "xanes": ladder}
    hollow.write_config()
    hollow.run("--no-report")
    stopped = hollow.results / "store/plots-00.again"
    with DryRuns(hollow) as dry_runs:
        assert dry_runs.rules() == {}
        drawn = dry_runs.rules(Change("requests", "studies/plots/requests.py"))
        stopped.parent.mkdir(exist_ok=True)
        stopped.write_text('{"calculations": 1, "journal": 1}')
        assert dry_runs.rules() == drawn, "what the machine stopped is tried again"
        stopped.unlink()
        for folder in ("resources/archive", "resources/archive/ladder"):
            archive = Archive(hollow.folder / folder)
            (row, *_) = archive.read(CALCULATIONS)
            archive.add([row | {"calculation_id": "0" * 64}], CALCULATIONS)
            found = dry_runs.rules()
            assert drawn.items() <= found.items()
        assert {"compute", "build_ladder"} <= set(found["xanes"])
    hollow.run("--no-report")
    (runs / "notes.txt").write_text("a run\n")
    with (hollow.folder / "resources/levels/sets.csv").open("a") as handle:
        handle.write("CdTe,M_A,Zn,0 -1,16,fast\n")
    stopped.write_text('{"calculations": 2, "journal": 2}')
    with DryRuns(hollow) as dry_runs:
        found = dry_runs.rules()
        assert {"compute", "build_ladder"} <= set(found["xanes"])
        assert {"compute", "run_levels"} <= set(found["levels"])
    hollow.run("--no-report")
    assert hollow.planned() == {}, "once"


def test_time_limits_and_descriptions_rerun_nothing(hollow: Campaign) -> None:
    for path in (hollow.folder / "config/protocols").glob("*.yaml"):
        protocols = yaml.safe_load(path.read_text())
        for protocol in protocols.values():
            protocol["description"] = "in other words"
            if path.stem in ("feff", "gpaw", "gpaw_levels"):
                protocol["timeout_s"] = 77777
        path.write_text(yaml.safe_dump(protocols))
    assert hollow.planned() == {}


def test_two_studies_mounted_by_another_workflow(hollow: Campaign, tmp_path: Path) -> None:
    """Plan, archives, hosts and captions are found from the package, results below the prefix."""
    mirror = hollow.others["mirror"]
    (tmp_path / "Snakefile").write_text(
        'module defectra:\n    snakefile: "project/workflow/Snakefile"\n    config: config\n'
        '    prefix: "defects"\n\nuse rule * from defectra as d_*\n\n'
        "rule mine:\n    default_target: True\n"
        "    input: rules.d_levels.input, rules.d_xanes.input\n"
    )
    asked = yaml.safe_dump({"studies": ["levels", "xanes"], "mirror": mirror})
    (tmp_path / "mine.yaml").write_text(asked)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "mine.yaml"]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    for more in ([], ["-n"]):
        done = subprocess.run(
            [*command, *more],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    assert "Nothing to be done" in done.stdout
    for study in ("levels", "xanes"):
        assert (tmp_path / f"defects/results/{study}/scorecard.csv").exists()
    assert not (tmp_path / "results").exists()
