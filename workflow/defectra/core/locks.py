"""Locks of the environment: requirements with hashes, and a conda YAML that agrees with them.

``python -m defectra.core.locks`` resolves ``pyproject.toml`` anew with uv and writes ``envs/``;
``--keep`` leaves every version that still fits, so that a new dependency adds lines alone.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence

from packaging.requirements import Requirement

from defectra.core.errors import reports_errors
from defectra.core.paths import PROJECT, need_checkout

ROOT = PROJECT
PYTHON = "3.11"
LOCKS = {
    "installer.txt": ("envs/installer.in",),
    "requirements.txt": ("pyproject.toml",),
    "requirements-test.txt": ("pyproject.toml", "--extra", "test", "-c", "envs/requirements.txt"),
    "requirements-levels.txt": (
        *("pyproject.toml", "--extra", "levels", "-c", "envs/requirements.txt", "--no-annotate"),
    ),
    "requirements-measured.txt": (
        *("pyproject.toml", "--extra", "measured", "-c", "envs/requirements.txt"),
    ),
    "requirements-docs.txt": ("pyproject.toml", "--extra", "docs", "-c", "envs/requirements.txt"),
    "requirements-slurm.txt": ("pyproject.toml", "--extra", "slurm", "-c", "envs/requirements.txt"),
}
# Names on conda-forge where they differ from those of the Python index; None: from there by pip.
_CONDA_NAMES = {
    "snakemake": "snakemake-minimal",
    "matplotlib": "matplotlib-base",
    "xgboost-cpu": "py-xgboost-cpu",
    "feff10-rs": None,
}


def pins(lock: str, python: str = PYTHON) -> dict[str, str]:
    """Versions by package that a lock names for Linux on x86-64 and the given Python."""
    machine = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
    }
    out = {}
    for text in re.findall(r"^([A-Za-z0-9][^\\#\n]*==[^\\#\n]*)", lock, re.MULTILINE):
        found = Requirement(text.strip())
        if found.marker is None or found.marker.evaluate(machine):
            out[found.name] = str(found.specifier).removeprefix("==")
    return out


def direct(pyproject: str) -> list[str]:
    """Names of the packages that the project itself asks for, on Linux."""
    wanted = [Requirement(d) for d in tomllib.loads(pyproject)["project"]["dependencies"]]
    linux = {"platform_system": "Linux", "sys_platform": "linux"}
    return [r.name for r in wanted if r.marker is None or r.marker.evaluate(linux)]


def conda_yaml(pyproject: str, lock: str) -> str:
    """Environment for conda users: what the project asks for, at the versions of the lock."""
    versions = pins(lock)
    conda, pip = [f"python={PYTHON}", "pip"], []
    for name in direct(pyproject):
        other = _CONDA_NAMES.get(name, name)
        if other is None:
            pip.append(f"{name}=={versions[name]}")
        else:
            conda.append(f"{other}={versions[name]}")
    lines = [
        "# For cluster users. Written by `python -m defectra.core.locks` from pyproject.toml and",
        "# requirements.txt; a test keeps the three in step.",
        "name: defectra",
        "channels: [conda-forge, nodefaults]",
        "dependencies:",
        *(f"  - {entry}" for entry in conda),
        "  - pip:",
        *(f"      - {entry}" for entry in pip),
    ]
    return "\n".join(lines) + "\n"


@reports_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Resolve every lock anew and write ``envs/``."""
    parser = argparse.ArgumentParser(description="Locks of the environment.")
    parser.add_argument("--keep", action="store_true", help="versions that still fit stay")
    newer = [] if parser.parse_args(arguments).keep else ["--upgrade"]
    need_checkout()
    for name, sources in LOCKS.items():
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", *sources, "--universal"),
            *("--generate-hashes", "--no-emit-index-url", "--no-header", *newer),
            *("--python-version", PYTHON, "-q", "-o", f"envs/{name}"),
        ]
        subprocess.run(command, check=True, cwd=ROOT)
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lock = (ROOT / "envs/requirements.txt").read_text(encoding="utf-8")
    (ROOT / "envs/defectra.yaml").write_text(conda_yaml(pyproject, lock), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
