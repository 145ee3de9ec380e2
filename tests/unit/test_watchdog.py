"""Which ancestors a step follows: that it is killed with them, `tests/faults` try for real."""

from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import psutil
import pytest

from defectra.core.watchdog import follow_ancestors

SNAKEMAKE = ["/opt/bin/python3.11", "-m", "snakemake", "--cores", "2"]


class Ancestor(SimpleNamespace):
    """A process of a number and a command, which is gone after `looks` looks at it."""

    looks = 3

    def is_running(self) -> bool:
        self.looks -= 1
        return self.looks >= 0

    def cmdline(self) -> list[str]:
        if self.command is None:
            raise psutil.AccessDenied
        return list(self.command)


def ancestor(pid: int, *command: str) -> Ancestor:
    return Ancestor(pid=pid, command=command or None)


@pytest.mark.parametrize(
    ("above", "lives"),
    [
        ([ancestor(1, *SNAKEMAKE)], True),
        ([ancestor(1, "/usr/bin/snakemake", "all")], True),
        ([ancestor(1, "/sbin/init")], False),
        ([ancestor(1, "python", "-m", "defectra.cli.launcher", "run", "snakemake")], False),
        ([ancestor(1)], False),
        ([], False),
        ([ancestor(7, "bash", "-c", "step"), ancestor(1, *SNAKEMAKE)], True),
        ([ancestor(7, "bash", "-c", "step"), ancestor(1, "/sbin/init")], True),
    ],
)
def test_a_step_below_process_1_lives_if_that_is_its_snakemake(
    monkeypatch: pytest.MonkeyPatch, above: list[Ancestor], lives: bool
) -> None:
    killed = threading.Event()
    monkeypatch.setattr(psutil, "Process", lambda: SimpleNamespace(parents=lambda: above))
    monkeypatch.setattr(os, "kill", lambda *_: killed.set())
    follow_ancestors(every_s=0.01)
    assert killed.wait(60)
    assert any(one.looks < Ancestor.looks for one in above) == lives, "it was killed at once"
