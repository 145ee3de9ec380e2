"""Ledger and completion with an engine of files: chains, batches, failures, kills, precedence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from defectra.campaign.complete import Counts, complete, survey
from defectra.campaign.engine import Outcome, engine_named, engine_names
from defectra.campaign.export import export_rows
from defectra.campaign.ledger import Kind, Ledger, Result
from defectra.campaign.node import NodeError
from defectra.campaign.request import Family, Request, Waiting, chunk_name
from defectra.campaign.studies import requests_of, studies_with_requests
from defectra.core.errors import BusyError, ConfigError, StoreError
from defectra.core.journal import read_journal
from defectra.core.protocols import spectra_engines
from defectra.core.records import OUTCOME_COLUMNS, Column, Status, Table
from defectra.core.store import Archive

ROOT = Path(__file__).parents[2]
VALUES = Table(
    "values",
    (
        Column("calculation_id", "string", "", "identity"),
        Column("value", "float", "", "result"),
        *OUTCOME_COLUMNS,
    ),
)


class Numbers:
    """Answers with the number that is asked for; fails, dies or is absent as told."""

    PARSER_VERSION, KEEPS_FOLDER = "1", False

    def __init__(self, name="numbers"):
        self.ENGINE, self.absent = name, ""
        self.asked: list[str] = []
        self.fails: dict[str, str] = {}

    def run(self, request, folder):
        self.asked.append(request.calculation_id)
        kind = self.fails.get(request.calculation_id)
        if kind == "dies":
            raise KeyboardInterrupt
        if kind == "no disk":
            raise OSError(28, "No space left on device")
        if kind:
            return Outcome(request.calculation_id, error_class=kind, message=f"it was {kind}")
        files = {"v": json.dumps(request.input["value"]).encode()}
        return Outcome(request.calculation_id, Status.OK, files=files)

    def read(self, files):
        return json.loads(files["v"])

    def version(self):
        return "numbers 1"

    def available(self):
        return self.absent

    def finished(self, row, files):
        good = row["status"] == Status.OK and (files is None or "v" in files)
        return good or row["error_class"] == "refused"


class Batches(Numbers):
    """As Numbers; one start serves several."""

    ONE_START = True

    def __init__(self, name="batches"):
        super().__init__(name)
        self.starts = 0

    def run_batch(self, requests, folder):
        self.starts += 1
        for request in requests:
            yield request, self.run(request, folder)


def made(request, found):
    value = float("nan")
    if found.row["status"] == Status.OK:
        value = json.loads(found.files["v"])
    kept = {c.name: found.row[c.name] for c in OUTCOME_COLUMNS if c.name != "origin"}
    row = {"calculation_id": request.calculation_id, "value": value, "origin": "run"}
    return Result(row | kept)


def ask(name, value, engine="numbers"):
    return Request(engine, "fast", name, {"value": value}, "values", {"name": name})


def family(name="f", first=1.0):
    """A number, then a batch of two made of it."""

    def chain(known):
        start = ask(f"{name}-0", first)
        yield start
        row = known(start)
        if row is None or row["status"] == Status.FAILED:
            yield Waiting("batches", "fast", "values", f"waits for {name}-0", 2)
            return
        yield [ask(f"{name}-{k}", row["value"] + k, "batches") for k in (1, 2)]

    return Family(name, chain)


class Campaign:
    """Folder of a journal and an archive, with engines that remember."""

    def __init__(self, folder):
        self.folder, self.journal = folder, folder / "store" / "toy-00.journal"
        self.archive = Archive(folder / "archive")
        self.numbers, self.batches = Numbers(), Batches()
        known = {"numbers": self.numbers, "batches": self.batches}
        self.engines = cache(lambda name: known[name])

    def ledger(self, parsed=None, *more):
        kinds = (Kind("values", VALUES, made, engine="numbers"),)
        return Ledger(kinds, self.archive, [self.journal, *more], parsed, self.engines)

    def start(self, *families, ledger=None):
        ledger, counts = ledger or self.ledger(), Counts()
        with ledger.writing(self.journal):
            for _ in complete(families, ledger, self.folder / "store", counts):
                pass
        return counts

    @property
    def asked(self):
        return [*self.numbers.asked, *self.batches.asked]


@pytest.fixture
def campaign(tmp_path):
    return Campaign(tmp_path)


def test_a_chain_is_resolved_in_one_start_and_a_second_one_does_nothing(campaign):
    counts = campaign.start(family())
    assert (counts.total, counts.computed, counts.waiting) == (3, 3, 0)
    assert campaign.batches.starts == 1
    ledger = campaign.ledger()
    values = [ledger(r)["value"] for _, r in survey([family()], ledger)]
    assert values == [1.0, 2.0, 3.0]
    again = campaign.start(family())
    assert (again.known, again.computed) == (3, 0)
    assert len(campaign.asked) == 3


def test_planning_says_what_is_missing_and_what_waits_and_computes_nothing(campaign):
    items = [item for _, item in survey([family()], campaign.ledger())]
    assert [type(i).__name__ for i in items] == ["Request", "Waiting"]
    assert (items[1].count, items[1].message) == (2, "waits for f-0")
    assert campaign.asked == []
    assert not campaign.journal.exists()


def test_what_an_engine_that_is_absent_leaves_out_is_reported_and_the_rest_goes_on(campaign):
    campaign.batches.absent = "batches is not installed: make batches"
    counts = campaign.start(family(), family("g"))
    assert counts.computed == 2
    assert counts.sentences() == ["4 calculations are left out: " + campaign.batches.absent]
    campaign.batches.absent = ""
    assert campaign.start(family(), family("g")).computed == 4


@pytest.mark.parametrize(("kind", "again"), [("refused", 0), ("signal", 1), ("no disk", 1)])
def test_a_failure_of_the_machine_is_tried_again_one_of_the_physics_is_not(campaign, kind, again):
    campaign.numbers.fails = {"f-0": kind}
    counts = campaign.start(family(), family("g"))
    assert (counts.failed, counts.waiting) == (1, 2), "what needs it waits, the others go on"
    assert counts.stopped == again
    (row,) = [r for r, _ in read_journal(campaign.journal) if r["calculation_id"] == "f-0"]
    assert row["error_class"].startswith("machine:") == bool(again)
    campaign.numbers.fails = {}
    assert campaign.start(family(), family("g")).computed == 3 * again


@pytest.mark.parametrize("kind", ["", "refused"])
def test_a_stopped_run_in_another_journal_hides_no_finished_one(campaign, kind):
    """Other shards put a calculation into another journal, which may come before the old one."""
    request, later = ask("f-0", 1.0), campaign.folder / "store" / "toy-05.journal"
    alone = Family("f", lambda known: iter([request]))
    own, campaign.journal = campaign.journal, later
    campaign.numbers.fails = {"f-0": "timeout"}
    assert campaign.start(alone).stopped == 1
    campaign.journal, campaign.numbers.fails = own, {"f-0": kind} if kind else {}
    assert campaign.start(alone, ledger=campaign.ledger(None, later)).computed == 1
    for journals in ([own, later], [later, own]):
        campaign.journal = journals[0]
        ledger = campaign.ledger(None, *journals)
        assert ledger.finished(request)
        assert not ledger.stopped(request)
        assert ledger.result(request).row["error_class"] == kind
        assert campaign.start(alone, ledger=ledger).computed == 0
    assert export_rows([alone], ledger, campaign.archive) == {"values": 1}


def test_a_bad_node_stops_after_some_failures_in_a_row_and_keeps_what_is_finished(campaign):
    campaign.numbers.fails = {f"{name}-0": "signal" for name in "bcdef"}
    with pytest.raises(NodeError, match="3 calculations failed in a row"):
        campaign.start(*(family(name) for name in "abcdef"))
    assert campaign.asked.count("e-0") == campaign.asked.count("f-0") == 0
    campaign.numbers.fails = {}
    assert campaign.start(*(family(name) for name in "abcdef")).known == 3


def test_one_start_that_fails_is_one_failure(campaign):
    campaign.batches.fails = {f"{name}-{k}": "signal" for name in "ab" for k in (1, 2)}
    assert campaign.start(family("a"), family("b")).failed == 4, "two starts, not four, in a row"


def test_a_kill_in_a_batch_loses_what_was_in_flight_only(campaign):
    campaign.batches.fails = {"f-2": "dies"}
    with pytest.raises(KeyboardInterrupt):
        campaign.start(family())
    campaign.batches.fails = {}
    assert campaign.start(family()).known == 2
    assert campaign.asked.count("f-1") == 1


def test_a_killed_process_goes_on_where_it_was(tmp_path):
    """A real kill -9 in the middle of a run, by the calculation itself."""
    script = tmp_path / "start.py"
    script.write_text(
        "import os, signal, sys\n"
        f"sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'workflow')!r}]\n"
        "from pathlib import Path\n"
        "from tests.unit.test_ledger import Numbers, Campaign, family\n"
        "campaign, run = Campaign(Path(sys.argv[1])), Numbers.run\n"
        "def once(self, request, folder):\n"
        "    flag = Path(sys.argv[1]) / 'killed'\n"
        "    if request.calculation_id == 'g-1' and not flag.exists():\n"
        "        flag.touch()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return run(self, request, folder)\n"
        "campaign.batches.run = once.__get__(campaign.batches)\n"
        "campaign.start(family(), family('g'))\n"
    )
    command = [sys.executable, str(script), str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert subprocess.run(command, env=os.environ, check=False).returncode == 0
    names = [row["calculation_id"] for row, _ in read_journal(tmp_path / "store/toy-00.journal")]
    assert sorted(names) == [f"{f}-{k}" for f in "fg" for k in range(3)], "each once"


def test_what_a_run_had_kept_goes_once_the_disk_has_its_result(campaign, monkeypatch):
    kept, run = campaign.folder / "kept", campaign.numbers.run
    alone = Family("f", lambda known: iter([ask("f-0", 1.0)]))
    kept.mkdir()
    (kept / "step").touch()
    with monkeypatch.context() as patch:

        def lost(_):
            raise OSError(28, "No space left on device")

        def on_a_full_disk(request, folder):
            patch.setattr(os, "fsync", lost)
            return replace(run(request, folder), spent=kept)

        campaign.numbers.run = on_a_full_disk
        with pytest.raises(StoreError, match="did not take what was written"):
            campaign.start(alone)
    assert (kept / "step").exists()
    campaign.journal.unlink()
    campaign.numbers.run = lambda request, folder: replace(run(request, folder), spent=kept)
    assert campaign.start(alone).computed == 1
    assert not kept.exists()


def test_own_runs_before_parsed_ones_before_the_archive(campaign):
    blank = {"attempt": 1, "error_class": "", "message": "", "wall_s": 0.0, "cpu_s": 0.0}
    blank |= {"max_rss_mb": 0.0, "status": "ok"}
    archived = {"calculation_id": "f-0", "value": 10.0, "origin": "archive"} | blank
    campaign.archive.add([archived], VALUES)
    request, parsed = ask("f-0", 1.0), {"f-0": Result(archived | {"value": 20.0})}
    assert campaign.ledger()(request)["value"] == 10.0
    row = campaign.ledger(parsed)(request)
    assert (row["value"], row["origin"]) == (20.0, "parsed")
    other = Campaign(campaign.folder)
    other.archive = Archive(campaign.folder / "none")
    other.start(Family("f", lambda known: iter([request])))
    row = campaign.ledger(parsed)(request)
    assert (row["value"], row["origin"]) == (1.0, "run")
    assert campaign.start(family()).computed == 2, "of the chain only what no one holds"


def test_an_archived_failure_of_the_machine_is_no_result_and_is_replaced_by_one(campaign):
    campaign.numbers.fails = {"f-0": "signal"}
    campaign.start(family())
    bad = campaign.ledger().result(ask("f-0", 1.0)).row
    campaign.archive.add([bad], VALUES)
    campaign.numbers.fails = {}
    assert campaign.start(family()).computed == 3
    assert export_rows([family()], campaign.ledger(), campaign.archive) == {"values": 2}
    found = campaign.archive.read(VALUES, keep=lambda r: r["status"] == "ok")
    assert {r["value"] for r in found} == {1.0, 2.0, 3.0}


def test_a_journal_has_one_writer_and_what_another_wrote_is_taken_in(campaign):
    late = campaign.ledger()
    with late.writing(campaign.journal), pytest.raises(BusyError):
        campaign.start(family())
    campaign.start(family())
    assert campaign.start(family(), ledger=late).computed == 0


def test_chunks_do_not_depend_on_what_else_is_asked_for():
    shards = {f.name: f.shard(4) for f in map(family, "abcdefgh")}
    assert shards == {f.name: f.shard(4) for f in map(family, "hgfedcba")}
    assert len(set(shards.values())) > 1
    assert chunk_name("levels", 3) == "levels-03"


def test_engines_and_studies_are_found_by_name():
    assert {"chgnet", "gpaw", "gpaw_levels", *spectra_engines()} <= set(engine_names())
    for name in engine_names():
        assert name == engine_named(name).ENGINE
    with pytest.raises(ConfigError, match=r"no engine 'wien'; there are .*feff.*vasp"):
        engine_named("wien")
    with pytest.raises(ConfigError, match="no engine 'feff_other'"):
        engine_named("feff_other")
    assert {"levels", "nmc", "perovskites", "xanes"} <= set(studies_with_requests())
    with pytest.raises(ConfigError, match=r"asks for no calculations; these do: .*levels"):
        requests_of("none")
