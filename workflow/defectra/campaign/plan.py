"""The plan: which calculations each chunk holds, made while the Snakefile is parsed.

Tables that a job writes rerun everything below them even when no byte changed; so the manifests
are nobody's output. A manifest is written only if its rows change, and nothing is done at all
while the digest of config and code is unchanged.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from defectra.core.config import Config, config_model
from defectra.core.errors import ConfigError, DefectraError
from defectra.core.fingerprint import fingerprint
from defectra.core.late_imports import late
from defectra.core.paths import PACKAGE
from defectra.core.store import write_bytes, write_table

Row = dict[str, Any]
TABLES = ("structures", "tasks")


@dataclass(frozen=True)
class Manifests:
    """Chunks of a study that has a plan: ``MANIFESTS`` of its ``manifests.py``.

    Attributes
    ----------
    decided_by
        Parts of the config that decide the manifests, as text.
    chunks_of
        Name, structures and tasks of one chunk after another, by name.
    """

    decided_by: Callable[[Config], list[str]]
    chunks_of: Callable[[Config], Iterator[tuple[str, list[Row], list[Row]]]]


@cache
def studies_with_manifests() -> tuple[str, ...]:
    """Names of the studies that have a plan, sorted."""
    found = (PACKAGE / "studies").glob("*/manifests.py")
    return tuple(sorted(path.parent.name for path in found))


def code_of_plan() -> str:
    """Fingerprint of the modules that make the plan."""
    makers = [f"defectra.studies.{study}.manifests" for study in studies_with_manifests()]
    return "".join(map(fingerprint, ["defectra.campaign.plan", *makers]))


def _all() -> list[Manifests]:
    return [late("studies", study, "manifests").MANIFESTS for study in studies_with_manifests()]


def write_plan(config: Config, results: Path, code: str = "") -> list[str]:
    """Write the manifests below ``results/plan`` and return the names of the chunks.

    Parameters
    ----------
    code
        Fingerprint of the modules that decide the plan; another one makes it anew.
    """
    folder = results / "plan"
    old = standing(config, folder, code)
    if old is not None:
        return old
    chunks = []
    for name, structures, tasks in (c for own in _all() for c in own.chunks_of(config)):
        _write(folder / name, structures, tasks)
        chunks.append(name)
    text = json.dumps({"digest": _digest(config, code), "chunks": chunks}, indent=1)
    write_bytes(folder / "state.json", text.encode())
    return chunks


def standing(config: Config, folder: Path, code: str) -> list[str] | None:
    """The chunks of the plan that is there, if it is the one that is asked for."""
    try:
        old = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    files = (folder / c / f"{kind}.parquet" for c in old["chunks"] for kind in TABLES)
    same = old["digest"] == _digest(config, code) and all(path.exists() for path in files)
    return list(old["chunks"]) if same else None


def write_plan_apart(config: Config, results: Path, code: str = "") -> list[str]:
    """As :func:`write_plan`; a plan that must be made is made in a process of its own.

    The caller is Snakemake, which lives as long as the campaign: it would keep what the plan of
    10,000 structures takes (70 MB).

    Raises
    ------
    ConfigError
        If the plan cannot be made; the message says why.
    """
    old = standing(config, results / "plan", code)
    if old is not None:
        return old
    command = [sys.executable, "-m", "defectra.campaign.plan", str(results), code]
    done = subprocess.run(
        command, input=config.model_dump_json(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ConfigError(done.stderr.strip() or f"the plan ended with {done.returncode}")
    return list(json.loads(done.stdout))


def main(results: str, code: str) -> int:
    """Make the plan of the config on standard input; prints the names of the chunks as JSON."""
    try:
        config = config_model().model_validate_json(sys.stdin.read())
        print(json.dumps(write_plan(config, Path(results), code)))
    except DefectraError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _digest(config: Config, code: str) -> str:
    parts = [part for own in _all() for part in own.decided_by(config)]
    text = "|".join([*parts, str(config.seed), code])
    return hashlib.sha256(text.encode()).hexdigest()


def _write(folder: Path, structures: list[Row], tasks: list[Row]) -> None:
    """Write a manifest only if it differs from what is there."""
    from defectra.core.errors import TableError
    from defectra.core.records import STRUCTURES, TASKS
    from defectra.core.store import read_table

    for name, rows, table in (("structures", structures, STRUCTURES), ("tasks", tasks, TASKS)):
        path = folder / f"{name}.parquet"
        try:
            same = read_table(path, table) == rows
        except TableError:
            same = False
        if not same:
            write_table(path, rows, table)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
