"""A worker on a node that cannot compute: real processes, a wheel of FEFF that does not load."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from defectra.campaign.archived import write_archived
from defectra.campaign.export import export
from defectra.campaign.node import IN_A_ROW
from defectra.campaign.plan import write_plan
from defectra.core.config import Config, load
from defectra.core.journal import read_journal
from defectra.core.records import CALCULATIONS, SPECTRA
from defectra.core.store import Archive, read_table
from defectra.studies.nmc.requests import settings_of

ROOT = Path(__file__).resolve().parents[2]
# Stands in for the wheel in the child: what FEFF leaves of a good run, at no cost.
WORKS = """
import pathlib
from types import SimpleNamespace as Some

class FeffError(Exception):
    pass

class Stage:
    @staticmethod
    def from_name(name):
        return Some(executable_name=name)

class FeffConfig:
    @staticmethod
    def from_file(folder, name, stages):
        return stages

class FeffPipeline:
    def __init__(self, stages):
        self.stages = stages

    def run(self):
        head = "# Mu= -5.0 eV\\n# xsedge+ 50, used to normalize mu 1.0E-03\\n"
        rows = [f"{520+i} {i-10} {i/10} {1+i/50} {1.0} {0.0}" for i in range(60)]
        pathlib.Path("xmu.dat").write_text(head + "\\n".join(rows) + "\\n")
        pathlib.Path("log1.dat").write_text("Convergence reached in    7 iterations.\\n")
        pathlib.Path("pot.bin").write_text("0\\n")
        pathlib.Path(".dimensions.dat").write_text("    81    4\\n")
        return Some(stages=[Some(stage=s, duration_secs=0.0) for s in self.stages])
"""
BROKEN = "raise ImportError('libgfortran.so.5: cannot open shared object file')\n"
NO_MEMORY = "raise MemoryError\n"
FULL = "raise OSError(28, 'No space left on device')\n"
KILLED = "import os\nos.kill(os.getpid(), 9)\n"
SILENT = "import os\nos._exit(1)\n"


def configure() -> Config:
    nmc = {"engine": "feff", "geometry": "vegard", "shards": 1, "ladder_every": 0,
           "lithium_series": {"orderings": 0}, "structures": {"count": 2}}  # fmt: skip
    return load(ROOT / "config/config.yaml", {"nmc": nmc})


class Node:
    """A campaign of one chunk, and the wheel that its worker finds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, configure()
        (self.chunk,) = write_plan(self.config, folder)
        self.journal = folder / "store" / f"{self.chunk}.journal"
        self.settings = folder / "settings.json"
        self.settings.write_text(settings_of(self.config, relax=False).model_dump_json())

    def start(self, wheel: str) -> subprocess.CompletedProcess[str]:
        shadow = self.folder / "wheel"
        shutil.rmtree(shadow, ignore_errors=True)
        (shadow / "feff10").mkdir(parents=True)
        (shadow / "feff10" / "__init__.py").write_text(wheel)
        path = [str(shadow), str(ROOT / "workflow"), os.environ.get("PYTHONPATH", "")]
        command = [sys.executable, "-m", "defectra.studies.nmc.chunk"]
        command += ["--settings", str(self.settings), "--journal", str(self.journal)]
        command += ["--plan", str(self.folder / "plan" / self.chunk)]
        command += ["--archive", str(self.folder / "archive"), "--out", str(self.out)]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    @property
    def out(self) -> Path:
        return self.folder / "chunks" / self.chunk

    def classes(self) -> list[str]:
        return [row["error_class"] for row, _ in read_journal(self.journal)]


@pytest.mark.parametrize(
    ("wheel", "cause"),
    [
        (BROKEN, "import_error"),
        (NO_MEMORY, "out_of_memory"),
        (FULL, "no_space"),
        (KILLED, "signal"),
        (SILENT, "engine_failed"),
    ],
    ids=["wheel", "memory", "disk", "killed", "silent"],
)
def test_a_bad_node_stops_its_chunk_and_poisons_nothing(tmp_path, wheel, cause):
    node = Node(tmp_path)
    bad = node.start(wheel)
    assert bad.returncode == 1
    assert node.classes() == [f"machine:{cause}"] * IN_A_ROW, bad.stderr
    for word in (platform.node(), "scratch folder", "MB free", f"machine:{cause}"):
        assert word in bad.stderr
    assert "Traceback" not in bad.stderr
    assert not node.out.exists(), "no table of a chunk that was not worked through"
    assert export("nmc", node.config, [node.journal])["calculations"] == 0
    good = node.start(WORKS)
    assert good.returncode == 0, good.stderr
    counts = json.loads(good.stdout)
    assert counts["ok"] == counts["total"] == counts["computed"] > IN_A_ROW
    assert json.loads(node.start(WORKS).stdout)["computed"] == 0


def test_an_old_journal_of_a_bad_node_is_computed_again(tmp_path):
    """Rows as earlier versions wrote them: class engine_failed, no outputs."""
    from defectra.core.journal import Journal

    node, other = Node(tmp_path / "a"), Node(tmp_path / "b")
    assert node.start(WORKS).returncode == 0
    with Journal(other.journal) as journal:
        for row, _ in read_journal(node.journal):
            old = {"status": "failed", "error_class": "engine_failed", "files": []}
            journal.append(row | old | {"message": "FEFF stopped without a message"})
    again = json.loads(other.start(WORKS).stdout)
    assert again["ok"] == again["computed"] == again["total"]


def test_failed_rows_stand_in_the_tables_and_the_next_start_asks_for_them(tmp_path):
    """One site of many fails: the table says, the archive does not take it, the chunk is due."""
    node = Node(tmp_path)
    fails_on = 'if "EDGE L3" in pathlib.Path("feff.inp").read_text(): raise OSError(28, "No space")'
    assert node.start(WORKS + fails_on.join(["\nimport pathlib\n", "\n"])).returncode == 0
    rows = read_table(node.out / "calculations.parquet", CALCULATIONS)
    failed = [r for r in rows if r["status"] == "failed"]
    assert {r["edge"] for r in failed} == {"L3"}
    assert {r["error_class"] for r in failed} == {"machine:no_space"}
    spectra = {r["calculation_id"] for r in read_table(node.out / "spectra.parquet", SPECTRA)}
    assert spectra == {r["calculation_id"] for r in rows if r["status"] == "ok"}

    digest = tmp_path / "plan" / node.chunk / "archived.json"
    archive = Archive(tmp_path / "archive")
    write_archived(tmp_path, [node.chunk], archive)
    due = digest.read_text()
    assert json.loads(due)["again"], "a start makes the chunk newer than its tables"
    write_archived(tmp_path, [node.chunk], archive)
    assert digest.read_text() == due, "and does so once"
    assert json.loads(node.start(WORKS).stdout)["failed"] == 0
    write_archived(tmp_path, [node.chunk], archive)
    assert digest.read_text() == due, "nothing more is due after it went well"
