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
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from defectra.core.config import Config, config_model, leaf
from defectra.core.errors import ConfigError, DefectraError
from defectra.core.store import write_bytes, write_table

Row = dict[str, Any]
MANIFESTS = ("structures", "tasks")

# All that the plan does not see of the study; whatever else there is decides it.
_UNSEEN = {"live_geometries", "drift_sample", "max_failed", "model"}


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
    for name, structures, tasks in chunks_of(config):
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
    files = (folder / c / f"{kind}.parquet" for c in old["chunks"] for kind in MANIFESTS)
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


def make_plan(config: Config) -> dict[str, tuple[list[Row], list[Row]]]:
    """Structures and tasks of each chunk, see :func:`chunks_of`."""
    return {name: (structures, tasks) for name, structures, tasks in chunks_of(config)}


def chunks_of(config: Config) -> Iterator[tuple[str, list[Row], list[Row]]]:
    """Name, structures and tasks of one chunk after another, by name.

    A chunk holds whole families (a relaxed parent serves its delithiated copies) and every
    protocol of a structure; its number is the family's hash modulo the shards, never a position in
    the config. The tasks of one chunk are in memory at a time.
    """
    members: dict[str, list[Row]] = defaultdict(list)
    rows, series = wanted_structures(config)
    for row in rows:
        shard = int(row["family"][:8], 16) % config.nmc.shards
        members[f"nmc-{shard:02d}"].append(row)
    for name in sorted(members):
        tasks = [t for row in members[name] for t in asked_of(row, config, series)]
        yield name, members.pop(name), tasks


def wanted(config: Config) -> tuple[list[Row], dict[str, list[Row]]]:
    """All structures of the study, in their seeded order, and the tasks of each."""
    rows, series = wanted_structures(config)
    return rows, {row["structure_id"]: asked_of(row, config, series) for row in rows}


def wanted_structures(config: Config) -> tuple[list[Row], set[str]]:
    """All structures of the study, and the ids of those of the lithium series."""
    from defectra.studies.nmc.structures import campaign, lithium_series

    study = config.nmc
    rows = {row["structure_id"]: row for row in campaign(study.structures, config.seed)}
    series: set[str] = set()
    if study.geometry == "chgnet" and study.lithium_series.orderings:
        for row in lithium_series(study.lithium_series, study.structures.metals, config.seed):
            rows.setdefault(row["structure_id"], row)
            series.add(row["structure_id"])
    return list(rows.values()), series


def asked_of(row: Row, config: Config, series: set[str]) -> list[Row]:
    """Tasks of one structure: campaign, higher-fidelity protocol, lithium series."""
    study, out = config.nmc, []
    if row["rank"] >= 0:
        out += tasks_of(row, config, study.geometry, study.protocol)
        if study.ladder_every and row["rank"] % study.ladder_every == study.ladder_every - 1:
            out += tasks_of(row, config, study.geometry, study.ladder)
    if row["structure_id"] in series:
        out += _series_tasks(row, config)
    return _sorted(out)


def _series_tasks(row: Row, config: Config) -> list[Row]:
    series = config.nmc.lithium_series
    geometries = ["chgnet"] if row["lithium"] == 1 else ["chgnet", "chgnet-parent"]
    return [
        task
        for geometry in geometries
        for task in tasks_of(
            row, config, geometry, config.nmc.protocol, series.edges, dict(series.sites)
        )
    ]


def tasks_of(
    row: Row,
    config: Config,
    geometry: str,
    protocol: str,
    edges: Iterable[str] | None = None,
    sites: dict[Any, int] | None = None,
) -> list[Row]:
    """Tasks of one structure: seeded sites of each element, all their edges together."""
    from defectra.structures.sites import choose

    numbers: dict[Any, int] = sites or dict(config.nmc.sites)
    out = []
    for name in edges or config.nmc.edges:
        element, edge = name.split()
        for site, index, multiplicity in choose(row, element, numbers.get(element, 1)):
            out.append(
                {
                    "structure_id": row["structure_id"],
                    "geometry_protocol": geometry,
                    "engine": config.nmc.engine,
                    "protocol": protocol,
                    "element": element,
                    "edge": edge,
                    "site": site,
                    "site_index": index,
                    "multiplicity": multiplicity,
                }
            )
    return out


def _sorted(tasks: list[Row]) -> list[Row]:
    keys = ("structure_id", "geometry_protocol", "element", "site_index", "protocol", "edge")
    unique = {tuple(t[k] for k in keys): t for t in tasks}
    return [unique[k] for k in sorted(unique)]


def _digest(config: Config, code: str) -> str:
    parts = [
        leaf(config, "nmc", key) for key in type(config.nmc).model_fields if key not in _UNSEEN
    ]
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
