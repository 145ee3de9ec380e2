"""What chunks will take: sharing as the worker shares, the archive left out, doubled limits."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from in_one_call import make_plan

from defectra.campaign.costs import ALONE, OTHER_EDGE, SAME_EDGE, Law, dump
from defectra.campaign.engine import engine_named
from defectra.campaign.loads import (
    BASE_MB,
    START_MINUTES,
    Load,
    describe,
    doubled,
    impossible,
)
from defectra.campaign.parameters import worker_settings
from defectra.campaign.plan import write_plan
from defectra.campaign.study_load import StudyLoad, StudyLoads
from defectra.core.config import Config, config_model, load
from defectra.core.errors import ConfigError
from defectra.core.journal import Journal
from defectra.studies.nmc.computable import cells_wanted, why_no_engine, why_no_relaxation
from defectra.studies.nmc.scale import Scale
from defectra.studies.nmc.workload import Workload, Written


def law(protocol: str, sharing: str, seconds: float) -> Law:
    return Law("feff", protocol, sharing, seconds, 0.0, 0.0, 0.0, 2.0, 200.0, 9, (30, 40))


LAWS = {
    x.key: x
    for x in (
        law("fast", ALONE, 100.0),
        law("fast", SAME_EDGE, 10.0),
        law("fast", OTHER_EDGE, 20.0),
        law("balanced", ALONE, 300.0),
        law("balanced", OTHER_EDGE, 60.0),
    )
}


@pytest.fixture
def tiny(root: Path) -> Config:
    return load(root / "config" / "tiny.yaml")


def scale(config: Config, archive: Path, **changes: Any) -> Scale:
    settings = json.loads(worker_settings(config)) | changes
    settings["feff"] |= config.protocols.model_dump(mode="json")["feff"]
    return Scale(settings, LAWS, archive)


def test_a_site_pays_for_its_potentials_once(tiny: Config, tmp_path: Path) -> None:
    ((structures, tasks),) = make_plan(tiny).values()
    one = [t for t in tasks if t["structure_id"] == structures[0]["structure_id"]]
    found = scale(tiny, tmp_path).weigh(structures[:1], one)
    # Li K, O K, three metals with K and L3: five alone, three from the other edge
    assert (found.tasks, found.missing) == (8, 8)
    assert found.cpu_s == pytest.approx(5 * 100 + 3 * 20)
    assert found.wall_s == found.heaviest_s == pytest.approx(2 * found.cpu_s)
    assert found.memory_mb == 200.0


def test_another_fidelity_shares_and_a_final_state_rule_does_not(
    tiny: Config, tmp_path: Path
) -> None:
    ((structures, tasks),) = make_plan(tiny).values()
    mine = [t for t in tasks if t["structure_id"] == structures[0]["structure_id"]]
    nickel = [t for t in mine if t["element"] == "Ni"]
    both = [t | {"protocol": p} for p in ("balanced", "fast") for t in nickel]
    found = scale(tiny, tmp_path).weigh(structures, both)
    assert found.cpu_s == pytest.approx(300 + 60 + 10 + 20)
    lithium = [t for t in mine if t["element"] == "Li"]
    two = [*lithium, *(t | {"edge": "L3"} for t in lithium)]
    assert scale(tiny, tmp_path).weigh(structures, two).cpu_s == pytest.approx(200)


def test_the_cost_of_an_unmeasured_protocol_is_not_known_and_never_its_time_limit(
    tiny: Config, tmp_path: Path
) -> None:
    ((structures, tasks),) = make_plan(tiny).values()
    task = tasks[0] | {"protocol": "stringent"}
    found = scale(tiny, tmp_path).weigh(structures, [task])
    assert found.cpu_s == 0.0
    assert found.wall_s == tiny.protocols.feff["stringent"].timeout_s, "what a cluster is asked for"
    assert found.unmeasured == ("feff stringent",)


def test_relaxations_count_where_they_are_run(config: Config, root: Path, tmp_path: Path) -> None:
    structures, tasks = next(iter(make_plan(config).values()))
    relax = Law("chgnet", "chgnet", ALONE, 50.0, 0.0, 0.0, 0.0, 1.0, 1700.0, 9, (30, 40))
    settings = json.loads(worker_settings(config))
    settings["feff"] |= config.protocols.model_dump(mode="json")["feff"]
    laws = {**LAWS, relax.key: relax}
    with_them = Scale(settings, laws, tmp_path).weigh(structures, tasks)
    cells_known = Scale(settings, laws, tmp_path)
    without = cells_known.weigh(structures, [t | {"geometry_protocol": "vegard"} for t in tasks])
    cells = {t["structure_id"] for t in tasks if t["geometry_protocol"] == "chgnet"}
    family = {row["structure_id"]: row["family"] for row in structures}
    cells |= {family[t["structure_id"]] for t in tasks if t["geometry_protocol"] == "chgnet-parent"}
    assert with_them.cpu_s - without.cpu_s == pytest.approx(50.0 * len(cells))
    assert with_them.memory_mb == 1700.0


def test_what_the_archive_holds_costs_nothing_unless_the_protocol_changed(
    config: Config, root: Path
) -> None:
    plan = make_plan(config)
    archive = root / "resources" / "archive"
    now = scale(config, archive)
    found = [now.weigh(*chunk) for chunk in plan.values()]
    assert sum(x.missing for x in found) < 0.1 * sum(x.tasks for x in found)
    settings = json.loads(worker_settings(config))
    settings["feff"]["fast"]["fms_radius"] = 5.5
    other = Scale(settings, LAWS, archive)
    fast = [t for _, tasks in plan.values() for t in tasks if t["protocol"] == "fast"]
    structures = [row for rows, _ in plan.values() for row in rows]
    assert other.weigh(structures, fast).missing == len(fast)


def test_what_cannot_be_computed_is_counted_apart_and_costs_nothing(
    config: Config, root: Path
) -> None:
    other = config.model_dump(mode="json")
    other["nmc"]["structures"] |= {"compositions": ["NMC622", "NMC811", "NMC532"], "count": 20}
    plan = make_plan(config_model().model_validate(other))
    settings = json.loads(worker_settings(config))
    why = why_no_relaxation(relax=False)
    archive = root / "resources" / "archive"
    found = {k: Scale(settings, LAWS, archive, "", why).weigh(*v) for k, v in plan.items()}
    lacking = sum(x.impossible.get(why, 0) for x in found.values())
    assert lacking > 0
    (reported,) = impossible(found)
    assert reported.startswith(f"Cannot be computed: {lacking} of ")
    assert "make engines" in reported
    assert "nmc.geometry: vegard" in reported
    able = [Scale(settings, LAWS, archive).weigh(*v) for v in plan.values()]
    assert sum(x.missing for x in able) == lacking + sum(x.missing for x in found.values())
    assert all(x.cpu_s >= y.cpu_s for x, y in zip(able, found.values()))
    nothing = [Scale(settings, LAWS, archive, "no engine", why).weigh(*v) for v in plan.values()]
    assert sum(x.missing for x in nothing) == sum(x.cpu_s for x in nothing) == 0
    changed = json.loads(worker_settings(config))
    changed["chgnet"]["chgnet"]["fmax"] = 0.3  # other cells than those of the archive
    fresh = [t for _, tasks in plan.values() for t in tasks if t["geometry_protocol"] == "chgnet"]
    structures = [row for rows, _ in plan.values() for row in rows]
    then = Scale(changed, LAWS, root / "none", "", why).weigh(structures, fresh)
    assert then.impossible == {why: len(fresh)}


def test_cells_of_an_earlier_run_are_known(config: Config, tmp_path: Path) -> None:
    write_plan(config, tmp_path / "results")
    costs, store = tmp_path / "costs.yaml", tmp_path / "store"
    costs.write_text(dump(LAWS.values(), "planted"), encoding="utf-8")
    plan = Written(tmp_path / "results/plan", is_written=False)
    args = (plan, worker_settings(config), tmp_path / "none", costs, "", store)
    first = Workload(*args).all()
    lacking = sum(sum(x.impossible.values()) for x in first.values())
    cells = cells_wanted(json.loads(worker_settings(config))["chgnet"])
    rows, tasks = next(iter(make_plan(config).values()))
    family = {row["structure_id"]: row["family"] for row in rows}
    cell = cells(tasks[0], family)
    assert cell is not None
    serves = sum(cells(task, family) == cell for task in tasks)
    with Journal(store / "nmc-00.journal") as journal:
        names = ("structure_id", "protocol", "settings")
        journal.append({"kind": "geometry", **dict(zip(names, cell))})
    now = Workload(*args).all()
    assert sum(sum(x.impossible.values()) for x in now.values()) == lacking - serves < lacking
    assert not (plan.folder / "costs.json").exists()


def test_an_engine_that_is_not_known_is_an_error() -> None:
    assert why_no_engine("feff") == ""
    assert why_no_engine("synthetic") == ""
    with pytest.raises(ConfigError, match=r"'fef'.*feff.*synthetic"):
        engine_named("fef")


@pytest.fixture
def workload(tiny: Config, tmp_path: Path) -> Workload:
    write_plan(tiny, tmp_path / "results")
    costs = tmp_path / "costs.yaml"
    costs.write_text(dump(LAWS.values(), "planted"), encoding="utf-8")
    return Workload(
        Written(tmp_path / "results/plan"), worker_settings(tiny), tmp_path / "archive", costs
    )


def test_limits_are_kept_beside_the_plan_and_doubled(
    workload: Workload, tiny: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    (chunk,) = workload.all()
    first = [workload.runtime(chunk, k) for k in (1, 2, 3)]
    assert first == [first[0], 2 * first[0], 4 * first[0]]
    assert first[0] == START_MINUTES + -(-2 * 2 * (5 * 100 + 3 * 20) * 2 // 60)
    assert workload.memory(chunk) == BASE_MB + 250
    again = Workload(workload.plan, worker_settings(tiny), workload.archive, workload.costs)
    monkeypatch.setattr(Workload, "_weigh", lambda self: pytest.fail("weighed twice"))
    assert again.all() == workload.all()
    assert doubled(30)(None, 3) == 120


def test_tasks_of_a_job_array_ask_for_the_longest_and_the_largest(
    workload: Workload, tiny: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = {"nmc-00": Load(wall_s=60.0, memory_mb=800.0), "nmc-01": Load(wall_s=6000.0)}
    monkeypatch.setattr(Workload, "_weigh", lambda self: loads)
    parts = (workload.plan, worker_settings(tiny), workload.archive, workload.costs)
    alone, array = Workload(*parts), Workload(*parts, are_alike=lambda: True)
    assert alone.runtime("nmc-00") < alone.runtime("nmc-01")
    assert alone.memory("nmc-00") > alone.memory("nmc-01")
    for chunk in loads:
        assert array.runtime(chunk, 2) == alone.runtime("nmc-01", 2)
        assert array.memory(chunk) == alone.memory("nmc-00")


def test_other_laws_weigh_anew(workload: Workload, tiny: Config) -> None:
    (before,) = workload.all().values()
    doubled = [Law(**{**vars(x), "seconds": 2 * x.seconds}) for x in LAWS.values()]
    workload.costs.write_text(dump(doubled, "planted"), encoding="utf-8")
    again = Workload(workload.plan, worker_settings(tiny), workload.archive, workload.costs)
    (after,) = again.all().values()
    assert after.cpu_s == pytest.approx(2 * before.cpu_s)


def test_shards_are_suggested_for_the_wanted_minutes() -> None:
    loads = {f"nmc-{k}": Load(10, 10, 3600.0, 3600.0, 600.0, 200.0) for k in range(4)}
    text = describe(loads, 4, 20)
    assert "40 calculations to compute, 4.00 CPU hours" in text
    assert "nmc.shards: 12 (now 4)" in text
    assert "takes 10.0 minutes" in text


@pytest.mark.parametrize(
    ("launch", "number"),
    [
        ("mpiexec -n 4", 4),
        ("mpirun --bind-to none -np 8", 8),
        ("srun --ntasks=3", 3),
        ("mpiexec -n4", 4),
        ("mpiexec", 1),
        ("", 1),
        ("mpiexec -n x", 1),
    ],
)
def test_a_job_asks_for_the_processes_that_the_launcher_starts(
    tiny: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launch: str, number: int
) -> None:
    monkeypatch.setenv("DEFECTRA_GPAW_LAUNCH", launch)
    cells = StudyLoad(total=2, missing=2, wall_s=600.0, engines=Counter(gpaw=2))
    assert cells.processes == number
    alone = StudyLoad(total=2, missing=2, wall_s=600.0, engines=Counter(gpaw_levels=2, gpaw=0))
    assert alone.processes == 1, "programs that the launcher does not start"
    assert cells.megabytes - alone.megabytes == 400 * (number - 1)
    assert cells.minutes == alone.minutes, "how well it shares out was not measured"
    loads = StudyLoads(tiny, tmp_path, tmp_path / "costs.yaml", lambda: False)
    loads.known["perovskites-00"] = cells
    found = {k: of(SimpleNamespace(chunk="perovskites-00")) for k, of in loads.mpi().items()}
    if not launch:
        assert found == {}
    else:
        name = "launcher" if number > 1 else ""
        assert found == {"mpi": name, "tasks": number, "cpus_per_task": 1}
    assert loads.threads("perovskites-00") == number
