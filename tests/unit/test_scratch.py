"""Scratch on the node: where it lies, and that it goes, after a kill too."""

from __future__ import annotations

import atexit
import fcntl
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from events import GUARD_S

from defectra.core.scratch import use_node_scratch

PROGRAM = """
import os, pathlib, sys, tempfile
from defectra.core.scratch import use_node_scratch
folder = use_node_scratch()
assert tempfile.mkdtemp().startswith(str(folder)) and os.environ["TMPDIR"] == str(folder)
print(folder, flush=True)
if len(sys.argv) > 1:
    sys.stdin.read()
"""


def start(folder: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if k != "SLURM_TMPDIR"}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment | {"TMPDIR": str(folder)} | more,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_it_goes_with_the_process(tmp_path: Path) -> None:
    out, _ = start(tmp_path).communicate(timeout=GUARD_S)
    assert Path(out.strip()).parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_the_job_comes_first_and_a_missing_one_is_passed_over(tmp_path: Path) -> None:
    for name in ("job", "other"):
        (tmp_path / name).mkdir()
    out, _ = start(tmp_path / "other", SLURM_TMPDIR=str(tmp_path / "job")).communicate(
        timeout=GUARD_S
    )
    assert Path(out.strip()).parent == tmp_path / "job"
    out, _ = start(tmp_path / "other", SLURM_TMPDIR=str(tmp_path / "none")).communicate(
        timeout=GUARD_S
    )
    assert Path(out.strip()).parent == tmp_path / "other"


def test_the_next_process_removes_what_a_kill_left_and_nothing_else(tmp_path: Path) -> None:
    killed, living = start(tmp_path, "wait"), start(tmp_path, "wait")
    left, kept = (Path(child.stdout.readline().strip()) for child in (killed, living))
    (tmp_path / "defectra-notes").mkdir()
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=GUARD_S)
    assert left.is_dir()
    later = time.time() + 3600  # young, however long the processes take to start
    os.utime(left / ".lock", (later, later))
    start(tmp_path).communicate(timeout=GUARD_S)
    assert left.is_dir(), "so young that its process may be about to take the lock"
    for folder in (left, kept):
        os.utime(folder / ".lock", (0, 0))
    start(tmp_path).communicate(timeout=GUARD_S)
    assert not left.exists()
    assert kept.is_dir()
    assert (tmp_path / "defectra-notes").is_dir()
    living.communicate(timeout=GUARD_S)
    assert not kept.exists()


def test_the_folder_of_another_node_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both share the place, and the lock of the other one does not reach here."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("SLURM_TMPDIR", raising=False)
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    monkeypatch.setattr(atexit, "register", lambda *_: None)
    folders = []
    for node in ("node1", "node2", "node1"):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        monkeypatch.setattr(platform, "node", lambda node=node: node)
        folders.append(use_node_scratch())
        os.utime(folders[-1] / ".lock", (0, 0))
    assert [folder.exists() for folder in folders] == [False, True, True]
