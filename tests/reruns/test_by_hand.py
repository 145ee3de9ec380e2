"""Snakemake by hand: whose code runs, who holds the results, and that reading writes nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml
from campaign import ROOT, TABLES_ONLY, Campaign, jobs, stop
from events import Gate, wait_for

from defectra.core.results_lock import VARIABLE, is_handed_over, only_one

pytestmark = pytest.mark.workflow


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each file of the results."""
    found = [p for p in (folder / "results").rglob("*") if p.is_file()]
    return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in found}


def test_reading_under_a_living_run_leaves_its_plan_alone(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path / "project")
    base = yaml.safe_load((campaign.folder / "config/config.yaml").read_text())
    base["nmc"]["structures"]["compositions"] = ["NMC811"]
    variant = tmp_path / "variant.yaml"
    variant.write_text(yaml.safe_dump(base))
    gate = Gate(tmp_path / "gate")
    child = campaign.start(TABLES_ONLY, "--no-report", gate=gate)
    try:
        gate.let(1)
        wait_for(campaign.computed, "the first calculation in a journal")
        below = psutil.Process(child.pid).children(recursive=True)
        for process in below:  # it lives, and gets no further, for as long as it is looked at
            process.suspend()
        before = campaign.plan()
        out = campaign.snakemake(TABLES_ONLY, "-n", "--quiet=rules", "--config", f"file={variant}")
        assert jobs(out)["calculate"] > 0
        for reading in ("--list-rules", "--summary", "--rulegraph"):
            campaign.snakemake("--config", f"file={variant}", reading)
        campaign.run(TABLES_ONLY, "--config", str(variant), "--dry-run")
        refused = campaign.snakemake(TABLES_ONLY, "--config", f"file={variant}", code=1)
        assert "another run is at work here" in refused
        assert "Traceback" not in refused
        assert child.poll() is None, "the run ended before it was looked at"
        assert campaign.plan() == before
        for process in below:
            process.resume()
        gate.open()
        out, _ = child.communicate(timeout=1200)
        assert child.returncode == 0, out
    finally:
        stop(child)
    assert {r["composition"] for r in campaign.table("structures")} == {"Ni6Mn2Co2", "Ni8Mn1Co1"}


def test_a_dry_run_in_a_fresh_folder_writes_nothing_and_shows_the_jobs(
    copy: Campaign, tmp_path: Path
) -> None:
    before = files_of(copy.folder)
    copy.study["structures"] = {**copy.study["structures"], "compositions": ["NMC532"]}
    copy.write_config()
    dry = jobs(copy.snakemake(TABLES_ONLY, "-n", "--quiet=rules"))
    assert files_of(copy.folder) == before
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    arguments = ("--directory", str(fresh), "-n", "--quiet=rules", TABLES_ONLY)
    assert jobs(copy.snakemake(*arguments)) == dry
    assert not (fresh / "results").exists()
    copy.run(TABLES_ONLY, "--no-report")
    assert jobs(copy.snakemake(TABLES_ONLY, "-n", "--quiet=rules")) == {}


def test_a_dry_run_that_weighs_chunks_of_other_studies_writes_nothing(copy: Campaign) -> None:
    """Their resources are worked out while jobs are planned; only a run keeps them."""
    shutil.copytree(ROOT / "resources/archive/ladder", copy.folder / "resources/archive/ladder")
    copy.others = {"studies": ["nmc", "xanes"], "xanes": {"ladder": {"live": "missing"}}}
    copy.write_config()
    before = files_of(copy.folder)
    chunk = "results/chunks/xanes-00/counts.json"
    out = copy.snakemake(chunk, "-n")
    assert jobs(out) == {"compute": 1}
    assert re.search(r"resources: .*runtime=\d+, mem_mb=\d+", out), "weighed for its limits"
    assert "mem_mb=<TBD>" not in out
    assert files_of(copy.folder) == before


def test_by_hand_from_a_clone_runs_the_code_of_the_clone(copy: Campaign) -> None:
    assert jobs(copy.snakemake(TABLES_ONLY, "-n", "--quiet=rules")) == {}  # triggers hold, no flag
    copy.edit("workflow/defectra/engines/synthetic/run.py", "46.0, 62", "46.0, 63")
    (copy.folder / "scripts/step.py").touch()
    elsewhere = str(Path(__file__).resolve().parents[2] / "workflow")
    copy.snakemake(TABLES_ONLY, PYTHONPATH=elsewhere)
    assert {len(row["mu"]) for row in copy.table("spectra")} == {63}


# A plugin of Snakemake, imported before any Snakefile, that brings the package of another checkout.
PLUGIN = """
from dataclasses import dataclass

import defectra.core.config
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    pass


class LogHandler(LogHandlerBase):
    pass
"""


def test_a_plugin_that_brings_the_code_of_another_checkout_does_not_replace_that_of_the_clone(
    copy: Campaign, tmp_path: Path
) -> None:
    plugin = tmp_path / "snakemake_logger_plugin_other/__init__.py"
    plugin.parent.mkdir()
    plugin.write_text(PLUGIN)
    mark = tmp_path / "the clone was read by Snakemake itself"
    with (copy.folder / "workflow/defectra/core/config.py").open("a") as handle:
        handle.write(
            f'\nif "snakemake.cli" in __import__("sys").modules:\n    Path({str(mark)!r}).touch()\n'
        )
    path = os.pathsep.join([str(tmp_path), str(ROOT / "workflow")])
    copy.snakemake("-n", "--quiet", PYTHONPATH=path)
    assert mark.exists()


def test_files_and_keys_of_the_command_line(finished: Campaign, tmp_path: Path) -> None:
    campaign = finished.copy_to(tmp_path / "project")
    mine = tmp_path / "mine.yaml"
    shutil.copy(campaign.folder / "config/config.yaml", mine)
    (campaign.folder / "config/config.yaml").write_text("")

    def typed(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            env=campaign.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    command = [sys.executable, "-m", "snakemake", "-n", "--quiet=rules", TABLES_ONLY]
    command += ["-s", str(campaign.folder / "workflow/Snakefile"), "--directory", "project"]
    for named in (["--configfile", "mine.yaml"], ["--config", "file=mine.yaml"]):
        code, out = typed(*named)
        assert (code, jobs(out)) == (0, {}), f"not the config of the finished campaign: {out}"
    code, out = typed("--configfile", "mine.yaml", "--config", 'nmc={"max_failed": 0.5}')
    assert (code, jobs(out)) == (0, {"gather": 1})
    code, out = typed("--config", "fle=x")
    assert code == 1
    assert "fle: unknown key, did you mean 'file'" in out
    assert "Traceback" not in out
    launched = campaign.run(
        *(TABLES_ONLY, "--configfile", str(mine), "--config", 'nmc={"max_failed": 0.5}'),
        *("--dry-run", "--quiet=rules"),
    )
    assert jobs(launched) == {"gather": 1}
    assert "did you mean 'seed'" in campaign.run("--config", "sed=7", code=2)


def test_a_number_in_the_environment_is_no_lock(tmp_path: Path) -> None:
    results = tmp_path / "results"
    with only_one(results) as lock:
        assert is_handed_over(results, {VARIABLE: str(lock)})
        with (results / ".launcher.lock").open() as other:
            assert not is_handed_over(results, {VARIABLE: str(other.fileno())})
        for number in ("", "none", "9999", "1"):
            assert not is_handed_over(results, {VARIABLE: number})


def test_what_is_typed_in_a_clone(copy: Campaign, tmp_path: Path) -> None:
    """Each command line of docs/workflow.md that another test here does not type."""
    elsewhere = tmp_path / "elsewhere"
    for arguments in (
        ("nmc", "--until", "gather", "--directory", str(elsewhere)),
        ("--profile", "workflow/profiles/default", "nmc"),
    ):
        copy.snakemake(*arguments, "-n", "--quiet=rules")
    before = copy.computed()
    copy.snakemake(TABLES_ONLY, "--forcerun", "calculate")
    assert copy.computed() == before, "a forced chunk is projected anew and computes nothing"
    copy.snakemake(TABLES_ONLY, "--report", "mine.html")
    assert (copy.folder / "mine.html").stat().st_size > 100_000


@pytest.mark.skipif(sys.platform != "linux", reason="mounts the checkout without writing")
def test_a_checkout_that_cannot_be_written(copy: Campaign, tmp_path: Path) -> None:
    shutil.rmtree(copy.results)
    shutil.rmtree(copy.folder / ".snakemake")
    (tmp_path / "out").mkdir()
    for arguments in (
        ["--list-rules"],
        [TABLES_ONLY, "-n", "--quiet=rules", "--directory", str(tmp_path / "out")],
    ):
        done = subprocess.run(
            [*read_only(copy.folder), sys.executable, "-m", "snakemake", *arguments],
            cwd=copy.folder,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if "unshare" in done.stdout and done.returncode:
            pytest.skip(f"no mounts of its own here: {done.stdout.strip()}")
        assert done.returncode == 0, done.stdout
        assert "gather" in done.stdout
    assert not copy.results.exists()


def read_only(folder: Path) -> list[str]:
    """Start of a command that sees `folder` and cannot write to it, not even as root."""
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", script, str(folder)]
