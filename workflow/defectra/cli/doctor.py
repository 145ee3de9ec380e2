"""``defectra doctor``: what is here, what is missing, and the command that brings it."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from defectra.cli.help import command
from defectra.core.cores import usable_cores
from defectra.core.errors import DefectraError
from defectra.core.paths import PROJECT, is_checkout, need_checkout, why_no_folder

SHARED = ("all", "results/report.html", "results/scorecard.csv", "results/checks.csv")
_GIB = 2**30
_SPACE_GIB = 2.0


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes
    ----------
    group, what
        What was looked at.
    state
        What was found.
    remedy
        What brings what is missing; empty if nothing is.
    needed
        Whether the default campaign cannot do without it.
    """

    group: str
    what: str
    state: str
    remedy: str = ""
    needed: bool = False


# Extras of pyproject.toml: a module that each brings, and what it is for.
EXTRAS = (
    ("measured", ("rsciio",), "measured spectra in Gatan and NeXus files"),
    ("levels", ("pydefect", "pymatgen.analysis.defects"), "finite-size corrections"),
    ("instruments", ("torch", "abtem", "cv2"), "studies of patterns and images"),
    ("engines", ("chgnet",), "relaxing new cells"),
    ("relaxers", ("sevenn",), "a second potential that relaxes cells"),
    ("slurm", ("snakemake_executor_plugin_slurm",), "a cluster with Slurm"),
)
_MAKE = {"levels": "corrections"}  # make targets of another name
PROGRAMS = (
    ("tesseract", "text in figures", "apt install tesseract-ocr"),
    ("sbatch", "a cluster with Slurm", "run on its login node"),
)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    text = "what is installed, what is missing, and the command that installs it"
    parser = command(
        commands,
        "doctor",
        text,
        "defectra doctor",
        "defectra doctor --config my.yaml --mirror /data/published",
    )
    parser.add_argument(
        "--directory", type=Path, default=Path(), help="folder that contains results/"
    )
    parser.add_argument("--mirror", type=Path, help="folder of the published data")
    parser.add_argument("--config", type=Path, help="your config file; default: as `make run`")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print all findings; 1 if something is missing that the default campaign needs."""
    if not chosen.directory.is_dir():
        raise DefectraError(f"{chosen.directory}: {why_no_folder(chosen.directory)}")
    found = [*machine(chosen.directory), *libraries(), *engines(), *data(chosen)]
    group = ""
    for one in found:
        if one.group != group:
            group = one.group
            print(group)
        remedy = f"  → {one.remedy}" if one.remedy else ""
        print(f"  {one.what:24} {one.state}{remedy}")
    return int(any(one.needed and one.remedy for one in found))


def machine(directory: Path) -> Iterator[Finding]:
    """Python, cores, memory, disk and locks."""
    group = "machine"
    yield Finding(group, "Python", platform.python_version())
    yield Finding(group, "cores of this process", str(usable_cores()))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    yield Finding(group, "memory", f"{memory:.1f} GiB")
    for name, folder in (("disk of results", directory), ("scratch", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder if folder.exists() else Path()).free / _GIB
        remedy = "" if free > _SPACE_GIB else f"make room in {folder.resolve()}"
        yield Finding(group, name, f"{free:.1f} GiB free", remedy, needed=True)
    yield _locks(directory)


def _locks(directory: Path) -> Finding:
    """Whether the file system of the results can lock."""
    import fcntl

    try:
        with tempfile.TemporaryFile(dir=directory if directory.exists() else None) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        remedy = "keep results on a file system with flock: --directory"
        return Finding("machine", "file locks", str(error.strerror), remedy, needed=True)
    return Finding("machine", "file locks", "ok")


def libraries() -> Iterator[Finding]:
    """The package, Snakemake, and the extras."""
    group = "libraries"
    for name in ("defectra", "snakemake", "ase", "pymatgen", "xgboost-cpu"):
        yield Finding(group, name, _version(name))
    for extra, modules, purpose in EXTRAS:
        missing = [name for name in modules if not _has(name)]
        how = f"make {_MAKE.get(extra, extra)}"
        state = f"missing {', '.join(missing)}" if missing else "ready"
        yield Finding(group, f"extra {extra}", f"{state} ({purpose})", how if missing else "")
    for name, purpose, how in PROGRAMS:
        there = shutil.which(name) is not None
        state = "ready" if there else "not on PATH"
        yield Finding(group, name, f"{state} ({purpose})", "" if there else how)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed by that name"


def _has(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def engines() -> Iterator[Finding]:
    """Every engine: its version, or the sentence that says what is missing."""
    from defectra.campaign.engine import engine_named, engine_names

    for name in engine_names():
        engine = engine_named(name)
        missing = engine.available()
        state = "not here" if missing else engine.version() or "ready"
        yield Finding("engines", name, state, missing)


def data(chosen: argparse.Namespace) -> Iterator[Finding]:
    """Archive and published data.

    Raises
    ------
    DefectraError
        If the config cannot be used.
    """
    from defectra.core.config import load, own_or_shipped
    from defectra.core.datasets import DATA, registry

    config = load(chosen.config or own_or_shipped())
    if not is_checkout():
        state = (
            "none: an installed package; campaigns, archive and data need a checkout (git clone)"
        )
        yield Finding("data", "archive", state)
        return
    archive = PROJECT / config.archive
    parts = len(list(archive.rglob("part-*.parquet")))
    remedy = "" if parts else f"no archive in {archive}: everything is computed anew"
    yield Finding("data", "archive", f"{parts} parts in {config.archive}", remedy)
    known = registry()
    mirror = chosen.mirror or config.mirror
    if mirror is None:
        there = sum((Path(DATA) / path).is_file() for path in known)
        state = (
            f"no folder is named; {there} of {len(known)} files in {DATA}, the others are fetched"
        )
        yield Finding("data", "published data", state, "")
        return
    if not Path(mirror).is_dir():
        raise DefectraError(f"mirror {mirror}: no such folder")
    missing = [path for path in known if not (Path(mirror) / path).is_file()]
    state = f"{len(known) - len(missing)} of {len(known)} registered files in {mirror}"
    how = "python -m defectra.core.datasets fetch FOLDER" if missing else ""
    yield Finding("data", "published data", state, how)


def print_targets(chosen: argparse.Namespace) -> int:  # noqa: ARG001
    """What can be made by name: studies, then what all share."""
    need_checkout()
    from defectra.core.studies import study_names

    print("\n".join((*study_names(), *SHARED)))
    return 0
