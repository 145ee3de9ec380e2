"""Programs that would outlive a killed worker."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cells
import common
import pytest

from defectra.core.errors import EngineError
from defectra.engines import process
from defectra.engines.gpaw import run as gpaw


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux")
def test_a_bound_program_dies_with_its_worker(tmp_path):
    told = tmp_path / "pid"
    worker = (
        "import subprocess; from defectra.engines import process; "
        f"p = subprocess.Popen(process.bound(['sleep', '60'])); "
        f"open({str(told)!r}, 'w').write(str(p.pid)); p.wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", worker])
    while not told.exists() or not told.read_text():
        time.sleep(0.02)
    pid = int(told.read_text())
    time.sleep(0.5)  # until it has become `sleep`
    assert alive(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    end = time.monotonic() + 5
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(pid)


def test_a_bound_program_keeps_its_answer_and_its_code(tmp_path):
    done = process.run(process.bound(["sh", "-c", "echo told; exit 7"]), tmp_path, {}, 20)
    assert done.returncode == 7
    assert (tmp_path / "child.log").read_text() == "told\n"
    lost = process.run(process.bound(["no-such-program"]), tmp_path, {}, 20)
    assert lost.returncode == 1
    assert "no-such-program: No such file" in (tmp_path / "child.log").read_text()


def test_gpaw_starts_under_a_launcher(monkeypatch):
    monkeypatch.setenv(gpaw.VARIABLE, sys.executable)
    monkeypatch.delenv(gpaw.LAUNCH, raising=False)
    plain = gpaw.command("cells.py")
    assert plain == [sys.executable, str(gpaw.PROGRAMS / "cells.py")]
    monkeypatch.setenv(gpaw.LAUNCH, "env -i")
    assert gpaw.command("cells.py")[-4:] == ["env", "-i", *plain]
    # What was not tried on several processes runs alone: two would write one PAW set.
    assert len(gpaw.command("corehole.py")) == 2
    assert "GPAW_MPI_BACKEND" not in gpaw.environment("corehole.py")
    monkeypatch.setenv(gpaw.LAUNCH, "no-such-launcher -n 2")
    with pytest.raises(EngineError, match="no-such-launcher, which is not there"):
        gpaw.command("cells.py")


def test_steps_and_codes_are_those_of_the_programs():
    assert tuple(cells.STEPS) == gpaw.STEPS
    assert common.UNCONVERGED == gpaw.UNCONVERGED
