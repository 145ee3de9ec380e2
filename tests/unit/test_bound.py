"""Programs that would outlive a killed worker."""

import os
import signal
import subprocess
import sys

import cells
import common
import pytest
from events import alive, wait_for

from defectra.core.errors import EngineError
from defectra.engines import process
from defectra.engines.gpaw import run as gpaw

BECOMES = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
WORKER = """
import subprocess, sys
from defectra.engines import process
subprocess.run(process.bound([sys.executable, "-c", sys.argv[1]]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux")
def test_a_bound_program_dies_with_its_worker():
    command = [sys.executable, "-c", WORKER, BECOMES]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        pid = int(worker.stdout.readline())  # said by what the bound program has become
        try:
            assert alive(pid)
            worker.kill()
            wait_for(lambda: not alive(pid), "the end of the bound program", 120)
        finally:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


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
