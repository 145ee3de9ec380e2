"""Which structures and tasks each chunk of study `nmc` holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from defectra.campaign.plan import Manifests
from defectra.core.config import Config, leaf

Row = dict[str, Any]

# All that the plan does not see of the study; whatever else there is decides it.
_UNSEEN = {"live_geometries", "drift_sample", "max_failed", "model"}


def decided_by(config: Config) -> list[str]:
    """Parts of the config that decide the manifests."""
    keys = type(config.nmc).model_fields
    return [leaf(config, "nmc", key) for key in keys if key not in _UNSEEN]


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


MANIFESTS = Manifests(decided_by, chunks_of)
