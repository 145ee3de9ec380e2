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


def own_directory() -> Path:
    """Folder that holds ``results`` where none is named: of the checkout, else where we are."""
    return PROJECT if (PROJECT / "workflow" / "Snakefile").is_file() else Path()


def need_checkout() -> None:
    """Refuse what a wheel cannot do: rules, the archive and the resources are not in it.

    Raises
    ------
    ConfigError
        If the package does not lie in a checkout of the repository.
    """
    if not (PROJECT / "workflow" / "Snakefile").is_file():
        raise ConfigError(
            f"{PACKAGE} is an installed package: it holds the command `defectra`; campaigns run "
            "from a checkout of the repository (git clone, make run), which has rules and archive"
        )


def lead_children() -> None:
    """Let the programs that this process starts import this package, whatever is installed."""
    old = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    own = str(WORKFLOW)
    os.environ["PYTHONPATH"] = os.pathsep.join([own, *(p for p in old if p != own)])
