"""Where the package and the project lie, whoever imports them."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

from defectra.core.errors import ConfigError

PACKAGE = Path(__file__).resolve().parents[1]
WORKFLOW = PACKAGE.parent
PROJECT = WORKFLOW.parent
_INSTALLED = Path(sysconfig.get_path("data")) / "share" / "defectra" / "config"
# Shipped protocols, studies and the register of data sets: of the checkout, else of the wheel.
CONFIG = PROJECT / "config" if (PROJECT / "config").is_dir() else _INSTALLED


def why_no_file(path: str | Path) -> str:
    """Why a path is not the file that was expected: it is not there, or it is a folder."""
    return "a folder; name a file in it" if Path(path).is_dir() else "no such file"


def why_no_folder(path: str | Path) -> str:
    """Why a path is not the folder that was expected: it is not there, or it is a file."""
    return "a file; name the folder that holds it" if Path(path).is_file() else "no such folder"


def after_damage(path: str | Path) -> str:
    """What to do about a damaged table: only what a run made, below ``results``, may be deleted."""
    if "results" in Path(path).resolve().parts[:-1]:
        return "delete it and rerun"
    return "no run made it: name another, or write it anew with what made it"


def own_directory() -> Path:
    """Folder that holds ``results`` where none is named: of the checkout, else where we are."""
    return PROJECT if is_checkout() else Path()


def is_checkout() -> bool:
    """Whether the package lies in a checkout, with rules, archive and resources."""
    return (PROJECT / "workflow" / "Snakefile").is_file()


def need_checkout() -> None:
    """Refuse what a wheel cannot do: rules, the archive and the resources are not in it.

    Raises
    ------
    ConfigError
        If the package does not lie in a checkout of the repository.
    """
    if not is_checkout():
        raise ConfigError(
            f"{PACKAGE} is an installed package: it holds the command `defectra`; campaigns run "
            "from a checkout of the repository (git clone, make run), which has rules and archive"
        )


def lead_children() -> None:
    """Let the programs that this process starts import this package, whatever is installed."""
    old = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    own = str(WORKFLOW)
    os.environ["PYTHONPATH"] = os.pathsep.join([own, *(p for p in old if p != own)])
