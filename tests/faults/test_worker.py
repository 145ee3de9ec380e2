"""Faults below one worker: its engine, its disk, its files. No Snakemake is started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import remount
from counts import note
from events import Gate, alive, wait_for

from defectra.campaign.plan import write_plan
from defectra.core.config import Config, load
from defectra.core.errors import StoreError, TableError
from defectra.core.journal import Journal, read_journal
from defectra.core.records import CALCULATIONS
from defectra.core.store import read_table, replacing
from defectra.engines import process
from defectra.engines.feff import run as feff
from defectra.studies.nmc.chunk import run_chunk
from defectra.studies.nmc.requests import settings_of

ROOT = Path(__file__).resolve().parents[2]
SYNTHETIC = {
    "engine": "synthetic",
    "geometry": "vegard",
    "shards": 1,
    "ladder_every": 0,
    "lithium_series": {"orderings": 0},
    "structures": {"count": 40},
}


def configure(**nmc: object) -> Config:
    return load(ROOT / "config/config.yaml", {"nmc": SYNTHETIC | nmc})


def complete(folder: Path, config: Config) -> dict[str, int]:
    (chunk,) = write_plan(config, folder)
    return run_chunk(
        folder / "plan" / chunk,
        settings_of(config, relax=False),
        journal_of(folder),
        folder / "archive",
        folder / "chunks" / chunk,
    )


def journal_of(folder: Path) -> Path:
    return folder / "store" / "nmc-00.journal"


def finished_in(folder: Path) -> list[str]:
    return [row["calculation_id"] for row, _ in read_journal(journal_of(folder))]


def rows_of(folder: Path) -> list[dict]:
    rows = read_table(folder / "chunks/nmc-00/calculations.parquet", CALCULATIONS)
    return [{k: repr(v) for k, v in r.items() if not k.endswith(("_s", "_mb"))} for r in rows]


# --- the engine -----------------------------------------------------------------------------

GOOD = """
import pathlib
head = "# Mu= -5.0 eV\\n# xsedge+ 50, used to normalize mu 1.0E-03\\n"
rows = [f"{520+i} {i-10} {i/10} {1+i/50} {1.0} {0.0}" for i in range(40)]
pathlib.Path("xmu.dat").write_text(head + "\\n".join(rows) + "\\n")
pathlib.Path("log1.dat").write_text("Convergence reached in 7 iterations")
pathlib.Path("pot.bin").write_text("0")
"""
CHILD = """
import os, pathlib, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
with open({pids!r}, "a") as handle:
    handle.write(f"{{child.pid}}\\n")
"""
HANG = CHILD + "signal.pause()\n"
LOUD = "import sys\nwhile True: sys.stdout.write('x' * 65536)\n"
BROKEN = {
    "nothing": "",
    "half": "import pathlib; pathlib.Path('xmu.dat').write_text('# Mu= 1 eV\\n 1.0 2.0')",
    "nan": GOOD.replace("{1+i/50}", "nan"),
    "no log": GOOD.replace("log1.dat", "other.dat"),
    "log cut off": GOOD.replace("Convergence reached in 7 iterations", "SCF ITERATION NUMBER 3"),
    "lines missing": GOOD.replace("range(40)", "range(25)"),
    "binary": "import pathlib; pathlib.Path('xmu.dat').write_bytes(bytes(range(256)) * 99)",
}
KILLED = CHILD + "os.kill(os.getpid(), 9)\n"


# What the first stage of every FEFF leaves, whatever becomes of the others.
SIZES = "import pathlib\npathlib.Path('.dimensions.dat').write_text('    81    4\\n')\n"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A FEFF whose program is a script that a test writes."""
    child = tmp_path / "child.py"
    monkeypatch.setattr(feff, "feff_child", SimpleNamespace(__file__=str(child)))
    monkeypatch.setattr(process, "LOG_LIMIT", 1_000_000)

    def become(script: str) -> None:
        child.write_text(SIZES + script)

    return become


def one_site(timeout_s: float = 600.0) -> Config:
    config = configure(engine="feff", structures={"count": 1})
    fast = config.protocols.feff["fast"].model_copy(update={"timeout_s": timeout_s})
    protocols = config.protocols.model_copy(
        update={"feff": {**config.protocols.feff, "fast": fast}}
    )
    edges = {"O K": config.nmc.edges["O K"]}
    nmc = config.nmc.model_copy(update={"edges": edges, "sites": {"O": 1}})
    return config.model_copy(update={"protocols": protocols, "nmc": nmc})


def complete_in_time(folder: Path, pids: Path, hangs: bool) -> dict[str, int]:
    """Run the one site; a time limit that left the engine no time for its child is doubled."""
    limit = 2.0 if hangs else 600.0
    counts = complete(folder, one_site(limit))
    while hangs and not pids.exists():
        limit *= 2
        counts = complete(folder, one_site(limit))
    return counts


@pytest.mark.parametrize(
    ("script", "error_class"),
    [
        (HANG, "machine:timeout"),
        (LOUD, "machine:log_too_large"),
        (KILLED, "machine:signal"),
        (BROKEN["nothing"], "machine:missing_output"),
        (BROKEN["half"], "machine:truncated_output"),
        (BROKEN["nan"], "machine:not_finite"),
        (BROKEN["binary"], "machine:bad_output"),
        (BROKEN["no log"], "machine:truncated_output"),
        (BROKEN["log cut off"], "machine:truncated_output"),
        (BROKEN["lines missing"], "machine:truncated_output"),
    ],
    ids=[
        "hangs",
        "huge log",
        "killed",
        "no output",
        "cut off",
        "not a number",
        "binary",
        "no log",
        "log cut off",
        "lines missing",
    ],
)
def test_sick_engine_is_a_row_and_leaves_no_process(engine, tmp_path, script, error_class) -> None:
    pids = tmp_path / "pids"
    engine(script.format(pids=str(pids)) if CHILD in script else script)
    counts = complete_in_time(tmp_path, pids, hangs=error_class == "machine:timeout")
    assert (counts["failed"], counts["total"]) == (1, 1)
    (row,) = rows_of(tmp_path)
    assert row["error_class"] == repr(error_class)
    children = [int(x) for x in pids.read_text().split()] if pids.exists() else []
    assert bool(children) == (CHILD in script)
    wait_for(lambda: not any(alive(pid) for pid in children), "the end of what the engine started")
    engine(GOOD)
    again = complete(tmp_path, one_site())
    assert again["ok"] == again["computed"] == 1, "no log proves that the physics decided"
    note(f"engine: {error_class}", 1)


# --- the disk -------------------------------------------------------------------------------


def test_full_disk_is_an_error_and_the_rest_follows(small_disk, tmp_path) -> None:
    config = configure(structures={"count": 150})
    whole = tmp_path / "whole"
    complete(whole, config)
    write_plan(config, small_disk)
    filler = small_disk / "filler"
    free = os.statvfs(small_disk)
    filler.write_bytes(b"x" * (free.f_bavail * free.f_frsize - 120_000))
    with pytest.raises(StoreError, match=r"No space left.*make room"):
        complete(small_disk, config)
    kept = finished_in(small_disk)
    assert 0 < len(kept) < len(finished_in(whole))
    with pytest.raises(StoreError, match="No space left"):
        complete(small_disk, config)
    remount(small_disk, "size=64m")
    complete(small_disk, config)
    ids = finished_in(small_disk)
    assert rows_of(small_disk) == rows_of(whole)
    assert ids[: len(kept)] == kept
    note("full disk", 2, len(set(kept) - set(ids)), len(ids) - len(set(ids)))
    assert len(ids) == len(set(ids))


def test_read_only_disk_is_an_error(small_disk) -> None:
    config = configure(structures={"count": 2})
    remount(small_disk, "size=16m")
    complete(small_disk, config)
    remount(small_disk, "ro")
    with pytest.raises(StoreError, match=r"Read-only file system.*rerun"):
        complete(small_disk, config)
    remount(small_disk, "rw")
    assert complete(small_disk, config)["computed"] == 0
    note("read-only disk", 1)


# --- the files ------------------------------------------------------------------------------

DIES = """
import os, sys
from defectra.core.store import replacing
with replacing(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), 9)
"""


def test_kill_between_write_and_rename(tmp_path) -> None:
    path = tmp_path / "table"
    path.write_text("old")
    child = subprocess.run([sys.executable, "-c", DIES, str(path)], check=False)
    assert child.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2, "the kill leaves a half written file beside it"
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["table"], "the next writer clears it away"
    note("kill between write and rename", 1)


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"DFJ1", b"DFJ1" + b"\xff" * 60])
def test_torn_journal_is_cut_and_only_the_torn_is_computed(tmp_path, tail) -> None:
    config = configure(structures={"count": 3})
    complete(tmp_path, config)
    before, rows = finished_in(tmp_path), rows_of(tmp_path)
    journal = journal_of(tmp_path)
    journal.write_bytes(journal.read_bytes()[:-7] + (tail if tail[:1] == b"\0" else b""))
    if tail[:1] != b"\0":
        with Journal(journal):
            pass
        journal.write_bytes(journal.read_bytes() + tail)
    assert complete(tmp_path, config)["computed"] == 1, "the calculation that the tear took"
    assert finished_in(tmp_path) == before
    assert rows_of(tmp_path) == rows
    note("torn journal", 1, in_flight=1)


def test_damaged_journal_names_the_file_and_loses_nothing(tmp_path) -> None:
    config = configure(structures={"count": 3})
    complete(tmp_path, config)
    journal = journal_of(tmp_path)
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 0xFF
    journal.write_bytes(bytes(data))
    with pytest.raises(StoreError, match=r"nmc-00\.journal: record at byte \d+ is damaged"):
        complete(tmp_path, config)
    assert journal.read_bytes() == bytes(data)
    note("damaged journal", 1)


@pytest.mark.parametrize("name", ["structures", "tasks"])
@pytest.mark.parametrize("damage", [b"", b"PAR1", b"junk" * 999], ids=["empty", "head", "junk"])
def test_damaged_manifest_names_the_file(tmp_path, name, damage) -> None:
    config = configure(structures={"count": 2})
    complete(tmp_path, config)
    path = tmp_path / "plan" / "nmc-00" / f"{name}.parquet"
    path.write_bytes(damage)
    with pytest.raises(TableError, match=rf"{name}\.parquet: damaged Parquet"):
        complete(tmp_path, config)
    path.unlink()
    assert complete(tmp_path, config)["computed"] == 0
    note("damaged manifest", 1)


def test_kill_9_of_the_worker_at_random_bytes(tmp_path) -> None:
    """The worker is killed as soon as its journal has grown past a given size, ten times."""
    config = configure(structures={"count": 40})
    complete(tmp_path / "whole", config)
    size = journal_of(tmp_path / "whole").stat().st_size
    total = len(finished_in(tmp_path / "whole"))
    folder = tmp_path / "killed"
    (chunk,) = write_plan(config, folder)
    settings = tmp_path / "settings.json"
    settings.write_text(settings_of(config, relax=False).model_dump_json())
    command = [sys.executable, "-m", "defectra.studies.nmc.chunk", "--settings", str(settings)]
    command += ["--plan", str(folder / "plan" / chunk), "--out", str(folder / "chunks" / chunk)]
    command += ["--journal", str(journal_of(folder)), "--archive", str(folder / "archive")]
    starts = folder / "starts"
    env = {**os.environ, "DEFECTRA_SYNTHETIC_STARTS": str(starts)}
    kept: list[str] = []
    lost = repeated = 0
    for k in range(10):
        gate = Gate(tmp_path / f"gate-{k}")
        env["DEFECTRA_SYNTHETIC_GATE"] = str(gate.path)
        child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
        goal = size * (k + 0.5) / 11
        gate.let(min(total * (k + 1) // 11 + 1, total - 1) - len(kept))  # past it, not to the end
        wait_for(lambda goal=goal: _size(journal_of(folder)) >= goal, f"byte {goal:.0f}")
        assert child.poll() is None
        child.kill()
        child.wait()
        ids = finished_in(folder)
        lost, repeated = lost + len(set(kept) - set(ids)), repeated + len(ids) - len(set(ids))
        kept = ids
    complete(folder, config)
    assert rows_of(folder) == rows_of(tmp_path / "whole")
    begun = len(starts.read_text().split())
    note("kill -9 of the worker", 10, lost, repeated, begun - len(kept))
    assert (lost, repeated) == (0, 0)
    assert 0 <= begun - len(kept) <= 10, json.dumps([begun, len(kept)])


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
