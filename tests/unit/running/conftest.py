"""Stubs on an otherwise empty PATH, a crystal, and the shipped protocols."""

from __future__ import annotations

import sys

import pytest
from stub_programs import POSCAR, PROGRAMS

from defectra.core.config import load


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Function that puts a program of this name on an otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for program in PROGRAMS.values():
        monkeypatch.delenv(program.variable, raising=False)

    def install(name: str, body: str) -> None:
        path = folder / name
        path.write_text(f"#!{sys.executable}\nimport os, signal, sys\n{body}\n")
        path.chmod(0o755)

    return install


@pytest.fixture
def poscar(tmp_path):
    path = tmp_path / "own.vasp"
    path.write_text(POSCAR)
    return path


@pytest.fixture(scope="module")
def known():
    return load().protocols
