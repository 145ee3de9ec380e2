"""Fingerprints of code: what a rule carries so that Snakemake sees edits in imported modules.

A fingerprint is the hash of the syntax trees of a script and of all modules of this package that
it imports, transitively and at any depth of its functions. Comments, docstrings, layout and
imports that only type checkers see do not count. Standard library only.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "defectra"
ROOT = Path(__file__).resolve().parents[1]


def fingerprint(script: str | Path, root: Path = ROOT) -> str:
    """Hash of `script` and of what it imports of the package at `root`, 16 hex digits.

    Parameters
    ----------
    script
        A Python file, or the dotted name of a module of the package.
    root
        Folder of the package.
    """
    files = [_start(script, root), *reached(script, root)]
    return hashlib.sha256("".join(_parse(path)[0] for path in files).encode()).hexdigest()[:16]


def of_script(name: str) -> str:
    """Fingerprint of ``scripts/<name>.py``, which stands beside this package."""
    return fingerprint(ROOT.parents[1] / "scripts" / f"{name}.py")


def reached(script: str | Path, root: Path = ROOT) -> list[Path]:
    """Files of the package that `script` imports, transitively, sorted; `script` left out."""
    found: set[Path] = set()
    start = _start(script, root)
    todo = [start]
    while todo:
        for name in _parse(todo.pop())[1]:
            path = _locate(name, root)
            if path is not None and path not in found and path != start:
                found.add(path)
                todo.append(path)
    return sorted(found)


def clear() -> None:
    """Forget what was read: for tests that edit files."""
    _parse.cache_clear()
    _locate.cache_clear()


def _start(script: str | Path, root: Path) -> Path:
    if isinstance(script, str) and script.startswith(f"{PACKAGE}."):
        path = _locate(script, root)
        if path is None:
            raise FileNotFoundError(f"{script}: no such module below {root}")
        return path
    return Path(script)


@cache
def _parse(path: Path) -> tuple[str, frozenset[str]]:
    """Hash of the tree of one file, and the dotted names that it may import."""
    tree = _strip(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return digest, frozenset(_names(tree))


def _strip(tree: ast.Module) -> ast.Module:
    """Remove bare strings (docstrings) and the bodies of ``if TYPE_CHECKING``."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list):
                kept = [item for item in body if not _silent(item)]
                setattr(node, field, kept)
    return tree


def _silent(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        and not node.orelse
    )


def _names(tree: ast.Module) -> Iterator[str]:
    """Dotted names of the package: imports, and strings such as ``-m`` is given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and str(node.value).startswith(f"{PACKAGE}."):
            yield str(node.value)


@cache
def _locate(name: str, root: Path) -> Path | None:
    """File of a module of the package; None for anything else. Empty ``__init__`` do not count."""
    parts = name.split(".")
    if parts[0] != PACKAGE or not all(part.isidentifier() for part in parts):
        return None
    path = root.joinpath(*parts[1:])
    module = path.with_suffix(".py")
    if len(parts) > 1 and module.is_file():
        return module
    init = path / "__init__.py"
    return init if init.is_file() and init.stat().st_size else None
