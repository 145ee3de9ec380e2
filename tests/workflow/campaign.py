"""A copy of the project with the synthetic engine, driven through its launcher."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from events import Gate

from defectra.core.journal import read_journal
from defectra.core.records import TABLES
from defectra.core.store import read_table
from defectra.core.studies import study_names

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "workflow", "profiles", "scripts", "config", "envs")
# Rules without work.
TARGETS = ("total", "everything", "all", "ladder", *study_names())
TABLES_ONLY = "results/calculations.parquet"
TIMES = {"wall_s", "cpu_s", "max_rss_mb"}
STUDY: dict[str, Any] = {
    "engine": "synthetic",
    "geometry": "vegard",
    "structures": {
        "compositions": ["NMC622", "NMC811"],
        "orderings": 2,
        "lithium": [1.0, 0.5],
        "defects": ["pristine", "oxygen_vacancy"],
        "count": 100,
    },
    "shards": 2,
    "ladder_every": 0,
    "drift_sample": 0,
    "lithium_series": {"orderings": 0},
    "model": {"trees": 5, "folds": 2, "repeats": 1, "bootstrap": 10},
}


def jobs(out: str) -> dict[str, int]:
    """Jobs by rule, from what a dry run prints."""
    rows = re.findall(r"^(\w+) +(\d+)$", out, re.MULTILINE)
    return {rule: int(n) for rule, n in rows if rule not in TARGETS}


class Campaign:
    """One project folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / "results"
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
        for name in PARTS:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=ignore)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, folder / name)
        self.study: dict[str, Any] = yaml.safe_load(yaml.safe_dump(STUDY))
        self.others: dict[str, Any] = {}  # other keys of the config
        self.write_config()

    def copy_to(self, folder: Path) -> Campaign:
        """A copy in another folder."""
        shutil.copytree(self.folder, folder)
        out = Campaign.__new__(Campaign)
        out.folder, out.results = folder, folder / "results"
        out.study, out.others = {**self.study}, {**self.others}
        return out

    def write_config(self) -> None:
        text = yaml.safe_dump({"archive": "archive", "nmc": self.study, **self.others})
        (self.folder / "config" / "config.yaml").write_text(text)
        (self.folder / "archive").mkdir(exist_ok=True)

    def environment(self, gate: Gate | None = None) -> dict[str, str]:
        path = str(self.folder / "workflow")
        env = {**os.environ, "PYTHONPATH": path}
        env["DEFECTRA_SYNTHETIC_STARTS"] = str(self.folder / "starts")
        return env | ({"DEFECTRA_SYNTHETIC_GATE": str(gate.path)} if gate else {})

    def start(self, *arguments: str, gate: Gate | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "defectra.cli.launcher", "run", "--cores", "2", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(gate),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )

    def snakemake(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Snakemake typed by hand, in the folder of the campaign; returns all that it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def plan(self) -> dict[str, bytes]:
        """All files of the plan."""
        paths = sorted(p for p in (self.results / "plan").rglob("*") if p.is_file())
        return {str(p.relative_to(self.results)): p.read_bytes() for p in paths}

    def run(self, *arguments: str, code: int = 0) -> str:
        child = self.start(*arguments)
        try:
            out, _ = child.communicate(timeout=1200)
        finally:  # a stopped test stops its launcher too
            stop(child)
        assert child.returncode == code, f"{out}\n{self.last_log()}"
        return out

    def planned(self, *targets: str) -> dict[str, int]:
        """Jobs by rule that a dry run announces."""
        return jobs(self.run(*targets, "--no-report", "--dry-run", "--quiet=rules"))

    def last_log(self) -> str:
        logs = sorted(self.results.glob("logs/run-*.log"))
        return logs[-1].read_text()[-4000:] if logs else ""

    def computed(self) -> list[str]:
        """Ids of all calculations that the journals hold, in order, doubles included."""
        return [
            row["calculation_id"]
            for path in sorted(self.results.glob("store/*.journal"))
            for row, _ in read_journal(path)
            if row["kind"] == "calculation"
        ]

    def begun(self) -> int:
        """How many calculations were begun, finished or not."""
        path = self.folder / "starts"
        return len(path.read_text().split()) if path.exists() else 0

    def table(self, name: str) -> list[dict[str, Any]]:
        """Rows of ``results/<name>.parquet`` without timings."""
        rows = read_table(self.results / f"{name}.parquet", TABLES[name])
        return [{k: v for k, v in row.items() if k not in TIMES} for row in rows]

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1))


def _die_with_parent() -> None:
    """A launcher is told to stop when the tests are killed, which no `finally` sees."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def stop(child: subprocess.Popen[str]) -> None:
    """End a launcher, and with it all that it started; nothing if it has ended."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
