"""The chunk worker with an engine of no cost: nothing twice, nothing lost, nothing silent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from events import Gate, wait_for
from in_one_call import make_plan

from defectra.campaign.engine import Outcome
from defectra.campaign.plan import write_plan
from defectra.core.config import load
from defectra.core.errors import EngineError
from defectra.core.journal import read_journal
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA, Status
from defectra.core.store import Archive, read_table
from defectra.engines.synthetic import run as synthetic
from defectra.studies.nmc.chunk import Chunk, run_chunk
from defectra.studies.nmc.requests import settings_of

ROOT = Path(__file__).parent.parent.parent


def configure(**nmc):
    base = {
        "engine": "synthetic",
        "geometry": "vegard",
        "sites": {"Li": 1, "O": 2, "Mn": 1, "Co": 1, "Ni": 2},
        "shards": 2,
        "ladder_every": 3,
        "structures": {"count": 6},
    }
    return load(ROOT / "config/config.yaml", {"nmc": base | nmc})


def run_all(folder: Path, config, archive: Path | None = None) -> dict[str, dict[str, int]]:
    out = {}
    for chunk in write_plan(config, folder):
        out[chunk] = run_chunk(
            folder / "plan" / chunk,
            settings_of(config, relax=False),
            folder / "store" / f"{chunk}.journal",
            archive or folder / "archive",
            folder / "chunks" / chunk,
        )
    return out


def tables(folder: Path) -> dict[str, list]:
    out = {}
    for path in sorted(folder.glob("chunks/*/*.parquet")):
        table = {"calculations": CALCULATIONS, "spectra": SPECTRA, "geometries": GEOMETRIES}
        rows = read_table(path, table[path.stem])
        timings = ("wall_s", "cpu_s", "max_rss_mb")
        clean = [{k: repr(v) for k, v in r.items() if k not in timings} for r in rows]
        out[str(path.relative_to(folder))] = clean
    return out


def computed(result) -> int:
    return sum(r["computed"] for r in result.values())


def test_second_run_computes_nothing(tmp_path):
    config = configure()
    first = run_all(tmp_path, config)
    before = tables(tmp_path)
    assert computed(first) == sum(r["total"] for r in first.values()) == (6 + 2) * 11
    assert computed(run_all(tmp_path, config)) == 0
    assert tables(tmp_path) == before


def test_one_structure_more_computes_its_own_only(tmp_path):
    before = run_all(tmp_path, configure())
    more = run_all(tmp_path, configure(structures={"count": 7}))
    own = sum(r["total"] for r in more.values()) - sum(r["total"] for r in before.values())
    assert computed(more) == own > 0


def test_one_less_computes_nothing_and_loses_no_journal(tmp_path):
    run_all(tmp_path, configure())
    assert computed(run_all(tmp_path, configure(structures={"count": 4}))) == 0
    assert computed(run_all(tmp_path, configure())) == 0


def test_protocol_change_computes_that_protocol(tmp_path):
    config = configure()
    run_all(tmp_path, config)
    fast = dict(config.protocols.feff)
    fast["balanced"] = fast["balanced"].model_copy(update={"fms_radius": 6.1})
    protocols = config.protocols.model_copy(update={"feff": fast})
    changed = config.model_copy(update={"protocols": protocols})
    assert computed(run_all(tmp_path, changed)) == 2 * 11


def test_chunks_do_not_move_when_the_campaign_grows():
    small, large = make_plan(configure()), make_plan(configure(structures={"count": 30}))
    assert small
    for name, (structures, _) in small.items():
        own = {r["structure_id"] for r in structures}
        assert own <= {r["structure_id"] for r in large[name][0]}


def test_manifest_is_rewritten_only_if_its_bytes_change(tmp_path):
    write_plan(configure(), tmp_path)
    manifests = list(tmp_path.glob("plan/*/*.parquet"))
    for path in manifests:
        os.utime(path, (0, 0))  # no clock is coarse enough to hide a new file
    write_plan(configure(), tmp_path, code="another")
    assert {p.stat().st_mtime for p in manifests} == {0}
    write_plan(configure(structures={"count": 7}), tmp_path)
    changed = {p.parent.name for p in manifests if p.stat().st_mtime}
    assert len(changed) == 1


def test_kill_in_the_middle(tmp_path):
    config = configure()
    whole = tmp_path / "whole"
    run_all(whole, config)
    broken = tmp_path / "broken"
    chunk = write_plan(config, broken)[0]
    journal = broken / "store" / f"{chunk}.journal"
    settings = broken / "settings.json"
    settings.write_text(settings_of(config, relax=False).model_dump_json())
    command = [sys.executable, "-m", "defectra.studies.nmc.chunk", "--settings", str(settings)]
    places = {"plan": "plan", "out": "chunks"}
    command += [x for k, v in places.items() for x in (f"--{k}", str(broken / v / chunk))]
    command += ["--journal", str(journal), "--archive", str(broken / "archive")]
    starts = tmp_path / "starts"
    finished: set[str] = set()
    for k in range(1, 4):  # killed at the third calculation of each run
        gate = Gate(tmp_path / f"gate-{k}")
        env = {"DEFECTRA_SYNTHETIC_GATE": str(gate.path), "DEFECTRA_SYNTHETIC_STARTS": str(starts)}
        child = subprocess.Popen(command, env=os.environ | env, stdout=subprocess.PIPE)
        gate.let(2)
        wait_for(lambda k=k: _lines(starts) == 3 * k, "the third calculation of this run")
        child.send_signal(signal.SIGKILL)
        child.wait()
        ids = [r["calculation_id"] for r, _ in read_journal(journal)]
        assert len(ids) == 2 * k
        assert len(ids) == len(set(ids)), "something finished was computed twice"
        assert finished <= set(ids), "something finished was lost"
        finished = set(ids)
    run_all(broken, config)
    assert tables(broken) == tables(whole)


def _lines(path):
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_what_another_worker_finished_meanwhile_is_not_computed_again(tmp_path):
    config = configure()
    ((structures, tasks), *_) = make_plan(config).values()
    args = (structures, tasks, settings_of(config, relax=False), tmp_path / "j")
    one, other = (Chunk(*args, Archive(tmp_path / "archive")) for _ in range(2))
    assert one.missing() == len(tasks)
    assert one.complete() == len(tasks)
    assert other.complete() == 0
    assert one.missing() == other.missing() == 0
    names = [row["calculation_id"] for row, _ in read_journal(tmp_path / "j")]
    assert len(names) == len(set(names)) > 0
    assert str(one.project()) == str(other.project())


def test_archive_serves_and_own_runs_win(tmp_path):
    config = configure(structures={"count": 2}, ladder_every=0)
    run_all(tmp_path, config)
    archive = Archive(tmp_path / "other")
    for name, table in (("calculations", CALCULATIONS), ("spectra", SPECTRA)):
        rows = [r for p in tmp_path.glob(f"chunks/*/{name}.parquet") for r in read_table(p, table)]
        archive.add(rows, table)
    fresh = tmp_path / "fresh"
    assert computed(run_all(fresh, config, archive.root)) == 0
    rows = [r for k, v in tables(fresh).items() if "calculations" in k for r in v]
    assert {r["origin"] for r in rows} == {"'archive'"}
    assert {r["status"] for r in rows} == {"'ok'"}
    again = run_all(tmp_path, config, archive.root)
    assert computed(again) == 0
    rows = [r for k, v in tables(tmp_path).items() if "calculations" in k for r in v]
    assert {r["origin"] for r in rows} == {"'run'"}


class Sick(synthetic.Site):
    """Refuses oxygen, is killed on lithium, is not self-consistent on cobalt."""

    def run(self, edge, protocol, folder=None):
        out = super().run(edge, protocol, folder)
        if self.element == "O":
            out = Outcome(out.calculation_id, error_class="input_refused", message="no charge")
            out.files = {"refusal": b"no charge"}
        if self.element == "Li":
            out = Outcome(out.calculation_id, error_class="signal", message="ended by signal 9")
        if self.element == "Co":
            out.status, out.error_class, out.attempt = Status.UNCONVERGED, "not_self_consistent", 2
        return out


def test_failures_are_rows_and_only_the_machine_s_are_tried_again(tmp_path, monkeypatch):
    config = configure(structures={"count": 1}, ladder_every=0)
    with monkeypatch.context() as patch:
        patch.setattr(synthetic, "site", Sick)
        result = next(iter(run_all(tmp_path, config).values()))
    assert (result["ok"], result["unconverged"], result["failed"]) == (6, 2, 3)
    found = [r for k, v in tables(tmp_path).items() if "calculations" in k for r in v]
    rows = {r["element"]: r for r in found}
    assert rows["'O'"]["message"] == "'no charge'"
    assert rows["'Co'"]["attempt"] == "2"
    again = next(iter(run_all(tmp_path, config).values()))
    assert again["computed"] == 1, "the lithium that a signal ended"
    assert (again["ok"], again["failed"]) == (7, 2)


def test_better_parser_reads_the_kept_outputs_again(tmp_path, monkeypatch):
    config = configure(structures={"count": 1}, ladder_every=0)

    def strict(files):
        raise EngineError("bad_output", "this parser likes nothing")

    with monkeypatch.context() as patch:
        patch.setattr(synthetic, "parse", strict)
        assert next(iter(run_all(tmp_path, config).values()))["failed"] == 11
    result = next(iter(run_all(tmp_path, config).values()))
    assert (result["computed"], result["ok"]) == (0, 11)


def test_missing_geometry_says_what_to_do(tmp_path):
    config = configure(geometry="chgnet", structures={"count": 1}, lithium_series={"orderings": 0})
    result = next(iter(run_all(tmp_path, config).values()))
    assert result["failed"] == result["total"]
    rows = [r for k, v in tables(tmp_path).items() if "calculations" in k for r in v]
    for word in ("make engines", "live_geometries", "vegard"):
        assert word in rows[0]["message"]


def test_progress_can_be_read_while_it_runs(tmp_path):
    config = configure(structures={"count": 1}, ladder_every=0)
    chunk = write_plan(config, tmp_path)[0]
    run_all(tmp_path, config)
    state = json.loads((tmp_path / "store" / f"{chunk}.progress").read_text())
    assert (state["done"], state["total"], state["fresh"]) == (11, 11, 11)


def test_chunk_asks_for_each_task_once(tmp_path):
    config = configure()
    for structures, tasks in make_plan(config).values():
        chunk = Chunk(
            structures,
            tasks,
            settings_of(config, relax=False),
            tmp_path / "j",
            Archive(tmp_path / "a"),
        )
        keys = [(t["structure_id"], t["protocol"], t["site"], t["edge"]) for t in chunk.tasks]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("edge", ["K", "L3"])
def test_all_eight_edges_are_asked_for(edge):
    config = configure(structures={"count": 1}, ladder_every=0)
    _, tasks = next(iter(make_plan(config).values()))
    names = {f"{t['element']} {t['edge']}" for t in tasks}
    assert names == set(config.nmc.edges)
    assert any(t["edge"] == edge for t in tasks)
