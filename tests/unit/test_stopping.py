"""Stopping Snakemake: it is given the time that it needs to cancel the jobs of a batch system."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from events import wait_for

from defectra.cli.child import stop

LISTENS = """
import signal, sys, time
from pathlib import Path
folder = Path(sys.argv[1])

def cancel(number, frame):
    (folder / "cancelling").touch()
    while not (folder / "cancelled").exists():
        time.sleep(0.01)
    sys.exit(7)

signal.signal(signal.SIGINT, cancel)
(folder / "ready").touch()
while True:
    time.sleep(0.01)
"""


@pytest.fixture
def child(tmp_path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", LISTENS, str(tmp_path)]
    found = subprocess.Popen(command, start_new_session=True)
    wait_for((tmp_path / "ready").exists, "the child")
    return found


def test_what_cancels_its_jobs_is_waited_for(
    child: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    ending = threading.Thread(target=stop, args=(child, 3600.0, [signal.SIGTERM]))
    ending.start()
    wait_for((tmp_path / "cancelling").exists, "the interrupt")
    assert child.poll() is None
    (tmp_path / "cancelled").touch()
    ending.join()
    assert child.returncode == 7


def test_a_second_signal_ends_the_waiting(child: subprocess.Popen[bytes], tmp_path: Path) -> None:
    signals = [int(signal.SIGINT)]
    ending = threading.Thread(target=stop, args=(child, 3600.0, signals))
    ending.start()
    wait_for((tmp_path / "cancelling").exists, "the interrupt")
    signals.append(int(signal.SIGINT))
    ending.join()
    assert child.returncode in (-signal.SIGTERM, -signal.SIGKILL)
