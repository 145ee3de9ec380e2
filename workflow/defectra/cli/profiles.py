"""Profiles of Snakemake: found by name or path, and read as Snakemake reads them."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from defectra.core.errors import ConfigError
from defectra.core.paths import WORKFLOW

PROFILES = WORKFLOW / "profiles"
# Names of the file in a profile's folder, as Snakemake looks for them; a number is a version of it.
_FILE = re.compile(r"(profile|config)(\.v\d+\+)?\.yaml")
_ON_THIS_MACHINE = ("local", "dryrun", "touch")


def profile_folder(name: str) -> Path:
    """Folder of a profile: one of ours by its name, any by its path or that of its file."""
    own = PROFILES / name
    if os.sep not in name and own.is_dir():
        return own
    path = Path(name).resolve()
    return path.parent if path.is_file() and _FILE.fullmatch(path.name) else path


def profile_file(folder: Path) -> Path:
    """The file of a profile.

    Raises
    ------
    ConfigError
        If there is none; the message lists ours.
    """
    found = [p for p in folder.iterdir() if _FILE.fullmatch(p.name)] if folder.is_dir() else []
    if not found:
        ours = ", ".join(sorted(p.name for p in PROFILES.iterdir()))
        raise ConfigError(
            f"{folder}: no profile (no profile.yaml or config.yaml there); ours are: {ours}"
        )
    return max(found, key=lambda path: ("+" in path.name, path.name))


def check_profile(folder: Path, more_loggers: Sequence[str] = ()) -> None:
    """Refuse a profile that is not there, is no YAML, or whose plugins are not installed.

    Raises
    ------
    ConfigError
        With what to do.
    """
    path, name = profile_file(folder), executor(folder)
    package = f"snakemake-executor-plugin-{name}"
    if name and importlib.util.find_spec(package.replace("-", "_")) is None:
        how = "make slurm" if name == "slurm" else f"pip install {package}"
        raise ConfigError(f"{path}: executor {name} is not installed; `{how}` installs it")
    for plugin in [*loggers(folder), *more_loggers]:
        package = f"snakemake-logger-plugin-{plugin}"
        if importlib.util.find_spec(package.replace("-", "_")) is None:
            raise ConfigError(
                f"logger plugin {plugin} is not installed; `pip install {package}` installs it"
            )


def executor(folder: Path) -> str:
    """Name of the plugin that runs the jobs of a profile; empty if this machine does.

    Raises
    ------
    ConfigError
        If the file is not valid YAML.
    """
    name = str(_settings(profile_file(folder)).get("executor") or "")
    return "" if name in _ON_THIS_MACHINE else name


def loggers(folder: Path) -> list[str]:
    """Names of the logger plugins that a profile asks for.

    Raises
    ------
    ConfigError
        If the file is not valid YAML.
    """
    names = _settings(profile_file(folder)).get("logger") or []
    return [names] if isinstance(names, str) else [str(name) for name in names]


def _settings(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: keys and values are expected, as in {PROFILES}/slurm")
    return found
