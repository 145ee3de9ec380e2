"""The digest of the plan: whatever changes a manifest changes it, for every leaf of the study."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_one_call import make_plan
from pydantic import ValidationError

from defectra.campaign.plan import standing, write_plan
from defectra.core.config import Config, config_model, load
from defectra.studies.nmc.manifests import wanted_structures

SMALL: dict[str, Any] = {
    "geometry": "chgnet",
    "structures": {
        "compositions": ["NMC622", "NMC811"],
        "orderings": 2,
        "lithium": [1.0, 0.5],
        "count": 9,
        "per_composition": 5,
    },
    "ladder_every": 3,
    "lithium_series": {"orderings": 2},
}
WORDS = ("sevennet", "vegard", "synthetic", "fast", "balanced", "Ni8Mn1Co1", "Ni7Mn2Co1")


@pytest.fixture
def small(root: Path) -> Config:
    return load(root / "config/config.yaml", {"nmc": SMALL})


def leaves(data: Any, *path: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Path and value of each leaf; a list is one, as precedence has it, and so are its items."""
    if isinstance(data, dict):
        yield path, data
        for key, value in data.items():
            yield from leaves(value, *path, key)
    else:
        yield path, data


def others(value: Any) -> list[Any]:
    """Values to put instead of one; which of them are valid the config knows."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, dict):
        return [{k: v for k, v in value.items() if k != drop} for drop in [*value][-1:]]
    if isinstance(value, list):
        return [value[:-1], value[1:], [*value, 0.3], [*value, *WORDS[-1:]]]
    if isinstance(value, int):
        return [value + 1, value - 1, 2 * value]
    if isinstance(value, float):
        return [value * 0.9, value + 0.1, value / 2]
    return [word for word in (*WORDS, None, 3) if word != value]


def put(config: Config, path: tuple[Any, ...], value: Any) -> Config | None:
    """The config with another value at `path` of its study; None if that is not valid."""
    data = config.model_dump(mode="json")
    node = data["nmc"]
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    try:
        found = config_model().model_validate(data)
    except ValidationError:
        return None
    return None if found == config else found


def test_what_changes_a_manifest_changes_the_digest(small: Config, tmp_path: Path) -> None:
    write_plan(small, tmp_path)
    before = make_plan(small)
    assert standing(small, tmp_path / "plan", "") == [*before]
    tried, untried, unseen = 0, [], []
    for path, value in leaves(small.model_dump(mode="json")["nmc"]):
        if not path:
            continue
        flipped = next(filter(None, (put(small, path, other) for other in others(value))), None)
        if flipped is None:
            untried.append(path)
            continue
        tried += 1
        if standing(flipped, tmp_path / "plan", "") is not None:
            assert make_plan(flipped) == before, f"nmc.{path} changes the plan, not its digest"
            unseen.append(path[0])
    # what is no leaf of its own: a mapping that cannot lose a key
    assert all(isinstance(get(small, path), dict) for path in untried), untried
    assert tried > 50
    assert set(unseen) == {"live_geometries", "drift_sample", "max_failed", "model"}
    assert standing(small.model_copy(update={"seed": 1}), tmp_path / "plan", "") is None


def get(config: Config, path: tuple[Any, ...]) -> Any:
    node: Any = config.model_dump(mode="json")["nmc"]
    for key in path:
        node = node[key]
    return node


def test_a_removed_edge_makes_the_plan_anew(small: Config, tmp_path: Path) -> None:
    write_plan(small, tmp_path)
    data = small.model_dump(mode="json")
    del data["nmc"]["edges"]["O K"]
    fewer = config_model().model_validate(data)
    write_plan(fewer, tmp_path)
    assert standing(small, tmp_path / "plan", "") is None
    series = wanted_structures(fewer)[1]
    tasks = [t for _, tasks in make_plan(fewer).values() for t in tasks]
    own = [t for t in tasks if t["structure_id"] not in series]
    assert {f"{t['element']} {t['edge']}" for t in own} == set(fewer.nmc.edges)
