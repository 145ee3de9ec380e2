"""The program of FEFF's stages ends with its worker, however early that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from events import alive, wait_for

from defectra.engines.feff import child as feff_child

WHEEL = """
import pathlib, signal, time
pathlib.Path("importing").touch()
while not pathlib.Path("go").exists():
    time.sleep(0.01)

class FeffError(Exception):
    pass

class Stage:
    from_name = str

class FeffConfig:
    @staticmethod
    def from_file(folder, name, stages):
        pathlib.Path("stages").write_text(" ".join(stages))
        signal.sigwait([])
"""
WORKER = """
import os, signal, subprocess, sys
command = [sys.executable, "-P", sys.argv[1], str(os.getpid()), "pot", "xsph"]
print(subprocess.Popen(command, start_new_session=True).pid, flush=True)
signal.pause()
"""


@pytest.fixture
def place(tmp_path: Path) -> dict[str, object]:
    """Where FEFF runs, with a wheel that waits while it is imported and never ends."""
    (tmp_path / "wheel" / "feff10").mkdir(parents=True)
    (tmp_path / "wheel" / "feff10" / "__init__.py").write_text(WHEEL)
    return {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(tmp_path / "wheel")}}


def test_a_worker_that_is_killed_while_feff_is_imported(tmp_path: Path, place: dict) -> None:
    command = [sys.executable, "-c", WORKER, feff_child.__file__]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **place)
    pid = int(worker.stdout.readline())
    try:
        wait_for((tmp_path / "importing").exists, "the import")
        worker.kill()
        worker.wait()
        worker.stdout.close()
        (tmp_path / "go").touch()
        wait_for(lambda: not alive(pid), "the end of the child", 60)
    finally:
        if alive(pid):
            os.killpg(pid, signal.SIGKILL)


def test_a_worker_that_has_gone_before(tmp_path: Path, place: dict) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    command = [sys.executable, "-P", feff_child.__file__, str(dead.pid), "pot"]
    assert subprocess.run(command, check=False, **place).returncode == 1
    assert not (tmp_path / "importing").exists()


@pytest.mark.parametrize("parent", [[], [str(os.getpid())]], ids=["before", "now"])
def test_the_stages_are_what_follows_the_parent(
    tmp_path: Path, place: dict, parent: list[str]
) -> None:
    (tmp_path / "go").touch()
    command = [sys.executable, "-P", feff_child.__file__, *parent, "pot", "xsph"]
    child = subprocess.Popen(command, start_new_session=True, **place)
    wait_for((tmp_path / "stages").exists, "the first stage")
    child.kill()
    child.wait()
    assert (tmp_path / "stages").read_text() == "pot xsph"
