"""Imports go down only (docs/design.md): no floor knows what stands on it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from defectra.core.paths import PACKAGE

FLOOR = {"core": 0, "campaign": 1, "structures": 2, "engines": 2} | dict.fromkeys(
    ("spectra", "images", "defects", "learn", "figures"), 3
)
FLOOR |= {"studies": 4, "report": 5, "cli": 6}


def imported(path: Path) -> Iterator[list[str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)


def upward() -> set[tuple[str, str]]:
    """Pairs of floors of which the lower imports the higher; studies that import each other."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        own = path.relative_to(PACKAGE).parts
        if len(own) < 2:
            continue
        for name in imported(path):
            if name[0] != "defectra" or len(name) < 2:
                continue
            other = name[1]
            if FLOOR[other] > FLOOR[own[0]]:
                found.add((own[0], other))
            if own[0] == other == "studies" and len(name) > 2 and name[2] != own[1]:
                found.add((f"studies/{own[1]}", f"studies/{name[2]}"))
    return found


def test_imports_go_down_only() -> None:
    assert not upward()


def test_every_folder_has_a_floor() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == set(FLOOR)


@pytest.mark.parametrize("line", ["import defectra.cli.main", "from defectra.cli import main"])
def test_both_forms_of_import_are_seen(tmp_path: Path, line: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(f"def f():\n    {line}\n")
    assert [name[:2] for name in imported(path)] == [["defectra", "cli"]]
