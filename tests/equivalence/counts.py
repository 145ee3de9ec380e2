"""Two checkouts in numbers: lines, longest function and file, what an edit reruns.

``python -m tests.equivalence counts --before CHECKOUT --after CHECKOUT --mirror FOLDER`` prints the
table of ``docs/design.md``. Files are those that git knows; lines are physical lines. What an edit
reruns is asked of Snakemake: rules whose parameters (the hash of their code among them) change when
a line is added to a module, and the rules below them.
"""

from __future__ import annotations

import ast
import re
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.equivalence.jobs import STUDIES, raw_jobs

PACKAGE = "workflow/defectra"
LINKED = ("resources", "docs", "envs", "README.md", "pyproject.toml")
# What is edited, and its module in the old and in the new house; the first that exists is taken.
EDITS = {
    "run of FEFF": ("engines/feff.py", "engines/feff/run.py"),
    "one figure (levels, wall)": ("figures/level_wall.py", "studies/levels/figures/wall.py"),
    "one model (levels)": ("models/gaussian.py", "studies/levels/gaussian_process.py"),
}
ENGINES = ("feff", "gpaw", "vasp", "fdmnes", "xspectra", "ocean", "exciting", "chgnet")


@dataclass(frozen=True)
class Function:
    """A function of the package: where it stands and how many lines it has."""

    path: str
    name: str
    lines: int


def files_of(checkout: Path) -> list[str]:
    """Files that git knows, by their path in the checkout."""
    command = ["git", "-C", str(checkout), "ls-files", "-z"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if (checkout / name).is_file()]


def lines_of(checkout: Path, names: Iterable[str]) -> int:
    """Physical lines of some files together."""
    return sum(len((checkout / n).read_text(encoding="utf-8").splitlines()) for n in names)


def functions_of(checkout: Path, names: Iterable[str]) -> list[Function]:
    """Every function and method, its decorators not counted."""
    out = []
    for name in names:
        tree = ast.parse((checkout / name).read_text(encoding="utf-8"))
        out += [
            Function(name, node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
    return out


def naming(checkout: Path, names: Iterable[str], words: Iterable[str], least: int) -> list[str]:
    """Files that name at least so many of the words: what is listed there is listed by hand."""
    patterns = [re.compile(rf"(?<![a-zA-Z]){w}(?![a-zA-Z])") for w in words]
    out = []
    for name in names:
        text = (checkout / name).read_text(encoding="utf-8")
        if sum(bool(p.search(text)) for p in patterns) >= least:
            out.append(name)
    return out


def counted(checkout: Path) -> dict[str, str]:
    """What can be counted in the files alone."""
    names = files_of(checkout)
    package = [n for n in names if n.startswith(PACKAGE) and n.endswith(".py")]
    rules = [n for n in names if n.endswith((".smk", "Snakefile")) and _own(n)]
    scripts = [n for n in names if n.startswith("scripts/") and n.endswith(".py")]
    tests = [n for n in names if n.startswith("tests/") and n.endswith(".py")]
    code = [*package, *rules, *scripts, *(n for n in names if n in ("Makefile",))]
    functions = functions_of(checkout, package)
    long = max(functions, key=lambda f: f.lines)
    sizes = {n: lines_of(checkout, [n]) for n in package}
    file = max(sizes, key=lambda n: sizes[n])
    out = {
        name: f"{lines_of(checkout, group):,} in {len(group)} files"
        for name, group in (("package", package), ("rules", rules), ("scripts", scripts),
                            ("tests", tests))
    }  # fmt: skip
    return out | {
        "longest function": f"{long.lines} ({Path(long.path).stem}.{long.name})",
        "functions of 50 lines and more": str(sum(f.lines >= 50 for f in functions)),
        "median function": f"{statistics.median(f.lines for f in functions):g}",
        "longest file": f"{sizes[file]} ({file.removeprefix(PACKAGE + '/')})",
        "files of 400 lines and more": str(sum(v >= 400 for v in sizes.values())),
        "files of code that name three or more of the studies": _listed(
            naming(checkout, code, STUDIES, 3)
        ),
        "files of code that name five or more of the engines": _listed(
            naming(checkout, code, ENGINES, 5)
        ),
        **{f"folders of study {s}": _folders(names, s) for s in ("levels", "perovskites")},
    }


def _own(name: str) -> bool:
    return not name.startswith(("benchmarks/", "tests/"))


def _listed(names: list[str]) -> str:
    shown = ", ".join(Path(n).name if "/" not in n else "/".join(Path(n).parts[-2:]) for n in names)
    return f"{len(names)} ({shown})" if names else "0"


def _folders(names: Iterable[str], study: str) -> str:
    """Folders with code of a study in them: the name of the study stands in their paths."""
    word = study.removesuffix("s")
    own = [n for n in names if word in n and _own(n) and not n.startswith(("docs", "resources"))]
    return f"{len({str(Path(n).parent) for n in own})}, {len(own)} files"


def reruns(checkout: Path, mirror: Path, python: str) -> dict[str, str]:
    """Rules that an edit of one module reruns: by their own parameters, and with all below."""
    with tempfile.TemporaryDirectory() as name:
        copy = _copied(checkout, Path(name).resolve() / "project")
        whole = raw_jobs(copy, mirror, python)
        number = len({job["rule"] for job in whole["jobs"]})
        out = {"rules of the dry run": str(number)}
        for what, modules in EDITS.items():
            path = next(p for m in modules if (p := copy / PACKAGE / m).is_file())
            before = path.read_text(encoding="utf-8")
            path.write_text(before + "\n_EDITED = True\n", encoding="utf-8")
            direct, below = changed(whole, raw_jobs(copy, mirror, python))
            path.write_text(before, encoding="utf-8")
            out[f"rules rerun by an edit: {what}"] = (
                f"{len(direct)}, with what follows {len(below)}"
            )
    return out


def _copied(checkout: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("workflow", "config", "scripts"):
        if (checkout / name).is_dir():
            shutil.copytree(checkout / name, folder / name)
    for name in LINKED:
        if (checkout / name).exists():
            (folder / name).symlink_to(checkout / name)
    if (checkout / "Snakefile").is_file():
        shutil.copy(checkout / "Snakefile", folder)
    return folder


def changed(old: Any, new: Any) -> tuple[set[str], set[str]]:
    """Rules with other parameters, and these with every rule that reads what they write."""
    was = {_key(job): job["params"] for job in old["jobs"]}
    direct = {j["rule"] for j in new["jobs"] if was.get(_key(j)) != j["params"]}
    rerun = {_key(j) for j in new["jobs"] if j["rule"] in direct}
    while True:
        written = {p for j in new["jobs"] if _key(j) in rerun for p in _paths(j["output"])}
        more = {_key(j) for j in new["jobs"] if written & set(_paths(j["input"]))} - rerun
        if not more:
            return direct, {j["rule"] for j in new["jobs"] if _key(j) in rerun}
        rerun |= more


def _key(job: Any) -> tuple[Any, ...]:
    return (job["rule"], *sorted(job["wildcards"].items()))


def _paths(files: dict[str, Any]) -> list[str]:
    return [p for v in files.values() for p in (v if isinstance(v, list) else [v])]


def table(before: dict[str, str], after: dict[str, str]) -> str:
    """Both checkouts side by side, in Markdown."""
    rows = [f"| {k} | {before.get(k, '')} | {after[k]} |" for k in after]
    return "\n".join(["| | before | after |", "| --- | --- | --- |", *rows])
