"""Modules that are found by name: only those that are listed, and nobody does it otherwise."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from defectra.core.late_imports import late
from defectra.core.paths import PACKAGE

DYNAMIC = {"import_module", "__import__"}
MAY = {
    "core/late_imports.py",  # the one place for modules of the package
    "core/step.py", "core/datasets.py", "campaign/engine.py",  # names that config or rules give
    "spectra/measured_binary.py", "images/formats.py", "learn/torch_library.py",
    "defects/corrections.py",  # libraries that may not be installed
}  # fmt: skip


def calls(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            names.add(getattr(node.func, "attr", getattr(node.func, "id", "")))
    return names


def test_only_listed_modules_are_found_by_name():
    assert late("studies", "nmc", "settings").SETTINGS
    for parts in (("core", "step"), ("studies", "nmc", "steps"), ("engines", "feff", "run"), ()):
        with pytest.raises(ValueError, match="is not listed"):
            late(*parts)


def test_nobody_else_imports_by_name():
    found = {
        str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if calls(path) & DYNAMIC
    }
    assert found == MAY
