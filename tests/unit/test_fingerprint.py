"""Fingerprints see what changes behaviour, and nothing else."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from defectra.core import fingerprint as fp
from defectra.core import parsed_code
from defectra.core.engines import engine_module


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


@pytest.mark.parametrize(
    ("code", "file", "counts"),
    [
        ('Path(__file__).with_name("rule.json")', "deep/rule.json", True),
        ('Path(__file__).with_suffix(".csv")', "deep/b.csv", True),
        ('Path(__file__).parent / "page.html.j2"', "deep/page.html.j2", True),
        ('Path(__file__).with_name("rule.json")', "deep/other.json", False),
        ('Path(__file__).with_name("rule.json")', "rule.json", False),
    ],
)
def test_a_file_of_data_beside_a_module_counts(
    package: Path, code: str, file: str, counts: bool
) -> None:
    root = package / "defectra"
    (root / "deep" / "b.py").write_text(f"from pathlib import Path\nX = {code}\n")
    (root / "steps.py").write_text(STEPS)
    (root / file).write_text("1")

    def all_three() -> list[str]:
        fp.clear()
        one, two = (fp.of_function("defectra.steps", name, root) for name in ("one", "two"))
        return [take(package), one, two]

    before = all_three()
    (root / file).write_text("2")
    after = all_three()
    assert [old != new for old, new in zip(before, after)] == [counts, counts, False]


def test_a_file_that_a_step_names_counts_for_this_step_alone(package: Path) -> None:
    root = package / "defectra"
    text = STEPS.replace("LIMIT = 3", 'LIMIT = open("limit.csv")')
    (root / "steps.py").write_text(text)

    def both() -> list[str]:
        fp.clear()
        return [fp.of_function("defectra.steps", name, root) for name in ("one", "two")]

    (root / "limit.csv").write_text("3")
    before = both()
    (root / "limit.csv").write_text("4")
    assert [old != new for old, new in zip(before, both())] == [True, False]


def test_every_file_of_data_in_the_package_is_named_by_a_module_beside_it() -> None:
    """Else a change of it would rerun nothing. Costs of engines decide no number."""
    fp.clear()
    files = [p for p in fp.ROOT.rglob("*") if p.suffix in fp.DATA and "skeleton" not in p.parts]
    for file in (p for p in files if p.name != "costs.yaml"):
        named = [fp._parse(module)[1] for module in file.parent.glob("*.py")]
        own = {f"data:{file.name}", f"data:{file.suffix}"}
        assert any(own & names for names in named), file
    assert {"crossings.json", "edges.csv", "page.html.j2"} <= {p.name for p in files}


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
    worker = {str(p) for p in fp.reached("defectra.campaign.worker")}
    engine = {str(p) for p in fp.reached(engine_module("feff"))}
    assert not any("/engines/feff/" in name for name in worker)
    names = worker | engine
    assert any(name.endswith("engines/feff/run.py") for name in names)
    assert any(name.endswith("engines/feff/child.py") for name in names)
    assert not any("/figures/" in name or "/learn/" in name for name in names)
    fp.clear()


def test_inits_hold_no_code_so_that_one_import_does_not_drag_in_all() -> None:
    fp.clear()
    inits = list(fp.ROOT.rglob("__init__.py"))
    bodies = {p: ast.parse(p.read_text(encoding="utf-8")).body for p in inits}
    documented = [p for p, body in bodies.items() if body]
    assert documented
    assert all(len(bodies[p]) == 1 and isinstance(bodies[p][0], ast.Expr) for p in documented)
    reached = fp.reached("defectra.campaign.worker")
    assert [p for p in reached if p.name == "__init__.py"] == []
    fp.clear()


STEPS = """
from defectra.core.step import Job

LIMIT = 3
OTHER = 4


def one(job: Job) -> None:
    from defectra.a import f

    helper(f())


def helper(x):
    return x + LIMIT


def two(job: Job) -> None:
    from defectra.c import Y

    print(Y, OTHER)
"""


@pytest.mark.parametrize(
    ("file", "old", "new", "seen"),
    [
        ("steps.py", "LIMIT = 3", "LIMIT = 5", {"one"}),
        ("steps.py", "OTHER = 4", "OTHER = 5", {"two"}),
        ("steps.py", "return x +", "return x -", {"one"}),
        ("deep/b.py", "X = 1", "X = 2", {"one"}),
        ("c.py", "Y = 1", "Y = 2", {"two"}),
        ("steps.py", "def two(job: Job) -> None", "def two(job)", set()),
        ("steps.py", "def helper(x):", 'def helper(x):\n    """Says what it does."""', set()),
    ],
)
def test_a_step_carries_what_it_uses_alone(
    package: Path, file: str, old: str, new: str, seen: set[str]
) -> None:
    root = package / "defectra"
    (root / "steps.py").write_text(STEPS)

    def both() -> dict[str, str]:
        fp.clear()
        return {name: fp.of_function("defectra.steps", name, root) for name in ("one", "two")}

    before = both()
    change(root / file, old, new)
    after = both()
    assert {name for name in before if before[name] != after[name]} == seen


def test_a_step_that_is_not_there_is_refused(package: Path) -> None:
    (package / "defectra" / "steps.py").write_text(STEPS)
    with pytest.raises(LookupError, match="no function 'three'"):
        fp.of_function("defectra.steps", "three", package / "defectra")


@pytest.fixture
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    parsed_code._table.cache_clear()
    yield
    parsed_code._table.cache_clear()


@pytest.mark.usefixtures("own_cache")
def test_what_is_kept_is_what_is_found(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache goes by the bytes of a file: an edit is seen, and a damaged cache is none."""
    first = take(package)
    parsed_code._save(os.getpid())
    assert parsed_code.place().is_file()
    parsed_code._table.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(fp, "_names", lambda tree: pytest.fail(f"{tree} was read again"))
        assert take(package) == first
    change(package / "defectra/deep/b.py", "X = 1", "X = 2")
    assert take(package) != first
    change(package / "defectra/deep/b.py", "X = 2", "X = 1")
    assert take(package) == first
    for damaged in ("{", "[]", '{"a": 1}', '{"a": [1]}'):
        parsed_code.place().write_text(damaged)
        parsed_code._table.cache_clear()
        assert take(package) == first
