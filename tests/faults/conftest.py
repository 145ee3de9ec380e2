"""Campaigns of the synthetic engine that faults are injected into, and the figures of it all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from counts import FIGURES
from fixtures import copy, finished

__all__ = ["copy", "finished", "small_disk"]

OUT = Path("results/faults.json")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB of its own; skipped where it may not be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("mounting a tmpfs needs root and mount")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    """Change the options of a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures and keep them."""
    if FIGURES:
        OUT.parent.mkdir(exist_ok=True)
        total = {k: sum(f[k] for f in FIGURES.values()) for k in ("faults", "lost", "repeated")}
        OUT.write_text(json.dumps({"by test": FIGURES, "total": total}, indent=1) + "\n")
        for name, found in FIGURES.items():
            terminalreporter.write_line(f"{name}: {found}")
        terminalreporter.write_line(f"all: {total}")
