"""Files and folders that a config names: are they there, and what to do where not.

What comes with the project (archives, tables of ``resources``) is relative to the project; what is
a user's own (mirror, finished runs, results, tables, spectra) is relative to the folder of the run.
Each function returns a sentence, empty where all is well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from defectra.core.paths import PROJECT, why_no_file, why_no_folder

Lack = tuple[str, str]


def no_archive(name: str, usual: str) -> str:
    """Why a folder of calculations done earlier cannot be used.

    Parameters
    ----------
    name
        As the config names it, below the project or absolute.
    usual
        The default, which may be absent: then nothing was computed earlier.
    """
    folder = PROJECT / name
    if name == usual or folder.is_dir():
        return ""
    return (
        f"{folder}: {why_no_folder(folder)}; name the folder of an archive (below {PROJECT} or "
        f"absolute), leave the key out ({usual}), or make an empty folder to begin with nothing"
    )


def no_mirror(name: str, run: Path) -> str:
    """Why a folder of published data cannot be used."""
    folder = run / name
    return "" if folder.is_dir() else (
        f"{name}: {why_no_folder(folder)}; name the one that holds the published data "
        "(MIRROR=FOLDER), or none: what can be fetched is then fetched"
    )  # fmt: skip


def no_runs(name: str, run: Path, files: Sequence[str] = ("*",)) -> str:
    """Why a folder of finished runs cannot be used.

    Parameters
    ----------
    files
        Patterns of names, of which a file has to lie below the folder.
    """
    folder = run / name
    if not folder.is_dir():
        why = why_no_folder(folder)
    elif not any(path.is_file() for pattern in files for path in folder.rglob(pattern)):
        wanted = "file" if files == ("*",) else " or ".join(files)
        why = f"no {wanted} in it or below"
    else:
        return ""
    return f"{folder}: {why}; name the folder of the finished runs (below {run} or absolute)"


def no_own_file(name: str, run: Path) -> str:
    """Why a file of a user's own cannot be used."""
    path = run / name
    if path.is_file():
        return ""
    return f"{path}: {why_no_file(path)}; name the file (below {run} or absolute)"


def lacking(key: str, names: Sequence[str], why: Callable[[str], str]) -> Iterator[Lack]:
    """The key, and what is wrong, for each name that cannot be used."""
    yield from ((key, said) for name in names if (said := why(name)))
