"""Fingerprints see what changes behaviour, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from defectra.core import fingerprint as fp


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package: the script imports `a`, which imports `b` late; `c` stands alone."""
    root = tmp_path / "defectra"
    (root / "deep").mkdir(parents=True)
    (root / "__init__.py").touch()
    (root / "deep" / "__init__.py").touch()
    (root / "a.py").write_text("def f():\n    from defectra.deep import b\n    return b.X\n")
    (root / "deep" / "b.py").write_text("X = 1\n")
    (root / "c.py").write_text("Y = 1\n")
    (tmp_path / "script.py").write_text('"""Doc."""\nfrom defectra.a import f\nf()\n')
    fp.clear()
    return tmp_path


def take(package: Path) -> str:
    fp.clear()
    return fp.fingerprint(package / "script.py", package / "defectra")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_late_imports_are_followed(package: Path) -> None:
    found = fp.reached(package / "script.py", package / "defectra")
    assert [p.name for p in found] == ["a.py", "b.py"]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("script.py", "Doc.", "Another docstring."),
        ("script.py", "f()\n", "f()  # a comment\n\n\n"),
        ("defectra/a.py", "def f():\n", 'def f():\n    """What it does."""\n'),
        ("defectra/deep/b.py", "X = 1", "X = (1)"),
        ("defectra/c.py", "Y = 1", "Y = 2"),
    ],
)
def test_what_changes_nothing(package: Path, file: str, old: str, new: str) -> None:
    before = take(package)
    change(package / file, old, new)
    assert take(package) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("script.py", "f()\n", "f()\nf()\n"),
        ("defectra/a.py", "b.X", "b.X + 1"),
        ("defectra/deep/b.py", "X = 1", "X = 2"),
        ("script.py", "import f\n", "import f\nimport defectra.c\n"),
    ],
)
def test_what_changes_it(package: Path, file: str, old: str, new: str) -> None:
    before = take(package)
    change(package / file, old, new)
    assert take(package) != before


def test_import_for_type_checkers_alone_does_not_count(package: Path) -> None:
    change(
        package / "script.py",
        "f()\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import defectra.c\n",
    )
    fp.clear()
    names = [p.name for p in fp.reached(package / "script.py", package / "defectra")]
    assert "c.py" not in names


def test_module_started_by_name_counts(package: Path) -> None:
    change(package / "script.py", "f()\n", "command = ['python', '-m', 'defectra.c']\n")
    fp.clear()
    names = [p.name for p in fp.reached(package / "script.py", package / "defectra")]
    assert "c.py" in names


def test_figures_do_not_reach_calculations() -> None:
    fp.clear()
    root = Path(fp.__file__).resolve().parents[2]
    names = {str(p) for p in fp.reached(root / "scripts" / "calculate.py")}
    assert any(name.endswith("engines/worker.py") for name in names)
    assert any(name.endswith("engines/feff_child.py") for name in names)
    assert not any("/figures/" in name or "/models/" in name for name in names)
    fp.clear()


def test_inits_are_empty_so_that_one_import_does_not_drag_in_all() -> None:
    root = Path(fp.__file__).parent
    assert [p for p in root.rglob("__init__.py") if p.stat().st_size] == []
