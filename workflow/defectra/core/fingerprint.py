"""Fingerprints of code: what a rule carries so that Snakemake sees edits in imported modules.

A fingerprint is the hash of the syntax trees of a script and of all modules of this package that
it imports, transitively and at any depth of its functions. Comments, docstrings, layout and
imports that only type checkers see do not count. A file of data that lies beside a module and that
the module names (``Path(__file__).with_name("crossings.json")``) counts with its bytes. Standard
library only.

What a file says of itself depends on its bytes alone and is kept in the user's cache
(``$XDG_CACHE_HOME/defectra``) under their checksum: a start of Snakemake then parses what was
edited, and not 250 files.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from defectra.core.parsed_code import kept

PACKAGE = "defectra"
ROOT = Path(__file__).resolve().parents[1]
DATA = (".csv", ".json", ".j2", ".npz", ".parquet", ".txt", ".yaml")
_NAMED = "data:"  # before the name of a file of data, among the dotted names of modules


@cache
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
    text = "".join(_parse(path)[0] + _data(path) for path in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def of_function(module: str, name: str, root: Path = ROOT) -> str:
    """Hash of one function and of what it reaches, 16 hex digits.

    It reaches the functions, classes and constants of its own module that it names (and those that
    they name), and every module of the package that any of these imports, transitively. So a module
    may hold the steps of many rules, and an edit of one step is an edit of one rule.

    Raises
    ------
    LookupError
        If the module has no such function.
    """
    start = _start(module, root)
    digest, names = _parse_function(start, name)
    if not digest:
        raise LookupError(f"{module}: no function {name!r}; the rule that names it cannot run")
    files = _closure(names, start, root)
    own = _beside(start, names)
    texts = [digest + own, *(_parse(path)[0] + _data(path) for path in files)]
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:16]


@cache
def _parse_function(path: Path, name: str) -> tuple[str, frozenset[str]]:
    """Hash of what a function of a file needs of it, and the names that this may import."""

    def found() -> tuple[str, Iterable[str]]:
        parts = _used(path, name)
        text = "".join(ast.dump(part) for part in parts)
        digest = hashlib.sha256(text.encode()).hexdigest() if parts else ""
        return digest, {n for part in parts for n in _names(part)}

    return kept(path, name, found)


def _used(path: Path, name: str) -> list[ast.stmt]:
    """Statements of a module that the definition of `name` needs, in their order."""
    tree = _tree(path)
    owner = {bound: node for node in tree.body for bound in _bound(node)}
    found, todo = {}, [name]
    while todo:
        node = owner.get(todo.pop())
        if node is not None and id(node) not in found:
            found[id(node)] = node
            todo += [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
    return [node for node in tree.body if id(node) in found]


def _bound(node: ast.stmt) -> list[str]:
    """Names that a statement of a module binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and _stores(n)]


def _stores(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def reached(script: str | Path, root: Path = ROOT) -> list[Path]:
    """Files of the package that `script` imports, transitively, sorted; `script` left out."""
    start = _start(script, root)
    return _closure(_parse(start)[1], start, root)


def _closure(names: Iterable[str], start: Path, root: Path) -> list[Path]:
    """Files of the package that `names` lead to, transitively, sorted; `start` left out."""
    found: set[Path] = set()
    todo = list(names)
    while todo:
        path = _locate(todo.pop(), root)
        if path is not None and path not in found and path != start:
            found.add(path)
            todo += _parse(path)[1]
    return sorted(found)


def clear() -> None:
    """Forget what was read: for tests that edit files."""
    fingerprint.cache_clear()
    of_function.cache_clear()
    _parse.cache_clear()
    _parse_function.cache_clear()
    _data.cache_clear()
    _tree.cache_clear()
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

    def found() -> tuple[str, Iterable[str]]:
        tree = _tree(path)
        return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), _names(tree)

    return kept(path, "", found)


@cache
def _data(path: Path) -> str:
    """Hashes of the files of data that lie beside a module and that it names."""
    return _beside(path, _parse(path)[1])


def _beside(path: Path, names: Iterable[str]) -> str:
    found = set[Path]()
    for name in (n.removeprefix(_NAMED) for n in names if n.startswith(_NAMED)):
        # a bare ending is that of the module's own name
        found.add(path.with_suffix(name) if name in DATA else path.parent / name)
    files = sorted(file for file in found if file.is_file())
    return "".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)


@cache
def _tree(path: Path) -> ast.Module:
    return _strip(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))


def _strip(tree: ast.Module) -> ast.Module:
    """Remove bare strings (docstrings), annotations of functions, bodies of ``TYPE_CHECKING``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
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


def _names(tree: ast.AST) -> Iterator[str]:
    """Dotted names of the package: imports, strings such as ``-m`` is given; files of data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and str(node.value).startswith(f"{PACKAGE}."):
            yield str(node.value)
        elif isinstance(node, ast.Constant) and str(node.value).endswith(DATA):
            yield _NAMED + str(node.value)


@cache
def _locate(name: str, root: Path) -> Path | None:
    """File of a module of the package; else None, as of an ``__init__`` without code."""
    parts = name.split(".")
    if parts[0] != PACKAGE or not all(part.isidentifier() for part in parts):
        return None
    path = root.joinpath(*parts[1:])
    module = path.with_suffix(".py")
    if len(parts) > 1 and module.is_file():
        return module
    init = path / "__init__.py"
    return init if init.is_file() and _tree(init).body else None
