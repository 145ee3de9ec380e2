"""``defectra new-study NAME``: a study that runs, to be rewritten part by part.

Two folders are written, ``workflow/defectra/studies/NAME`` and ``tests/studies/NAME``; everything
else finds them.
"""

from __future__ import annotations

import argparse
import keyword
import re
from pathlib import Path

from defectra.cli.help import command
from defectra.core.config import Config
from defectra.core.errors import ConfigError
from defectra.core.paths import PROJECT, need_checkout
from defectra.core.store import write_bytes
from defectra.core.studies import study_names

SKELETON = Path(__file__).with_name("skeleton")
# Names that Snakemake, make or the folder of results use for something else.
TAKEN = (
    *("all", "step", "rules", "params", "config", "output", "total", "everything"),
    *("run", "report", "plan", "test", "lint", "lock", "clean", "bench", "archive", "live"),
    *("store", "chunks", "logs", "plan", "own", "runs", "own", "captions", "figures", "file"),
    *("ladder", "slurm", "engines", "gpaw", "measured", "instruments", "corrections", "costs"),
    *("help", "published", "figure", "docs", "changes", "walk", "overview", "relaxers"),
    *("distclean",),
    *("structures", "geometries", "calculations", "spectra", "compute", "calculate", "gather"),
)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command ``new-study``."""
    text = "write a small study that runs, with tests, as a starting point"
    parser = command(commands, "new-study", text, "defectra new-study toy")
    parser.add_argument("name", help="lower-case letters, digits and underscores")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Write the skeleton and say how to go on."""
    need_checkout()
    written = new_study(chosen.name)
    name = chosen.name
    print(f"{len(written)} files in workflow/defectra/studies/{name} and tests/studies/{name}")
    print(f"run it: make {name}; test it: pytest tests/studies/{name}")
    return 0


def new_study(name: str, root: Path = PROJECT) -> list[Path]:
    """Write the skeleton of a study.

    Parameters
    ----------
    name
        Small letters, digits and underscores.
    root
        Checkout that it is written into.

    Returns
    -------
    Files that were written.

    Raises
    ------
    ConfigError
        If the name cannot be used, or a folder of that name is there.
    """
    _check(name)
    places = {"study": root / "workflow/defectra/studies" / name,
              "tests": root / "tests/studies" / name}  # fmt: skip
    for folder in places.values():
        if folder.exists():
            raise ConfigError(f"{folder} is there already; remove it or choose another name")
    words = {"@study@": name, "@Study@": "".join(w.capitalize() for w in name.split("_"))}
    written = []
    for part, folder in places.items():
        for source in sorted((SKELETON / part).rglob("*.txt")):
            inside = str(source.relative_to(SKELETON / part)).removesuffix(".txt")
            path = folder / _filled(inside, words)
            write_bytes(path, _filled(source.read_text(encoding="utf-8"), words).encode())
            written.append(path)
    return written


def _filled(text: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text


def _check(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}", name) or name.endswith("_"):
        raise ConfigError(
            f"study name {name!r}: 2 to 31 small letters, digits and underscores, a letter first"
        )
    if keyword.iskeyword(name) or name in (*TAKEN, *Config.model_fields, *study_names()):
        raise ConfigError(f"study name {name!r} is used already; choose another")
