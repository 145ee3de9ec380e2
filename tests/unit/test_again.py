"""What the machine stopped, or an engine left out, is asked for by a later start, and once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from defectra.campaign import again
from defectra.campaign.archived import stands, write_archived
from defectra.campaign.engine import Outcome, engine_named
from defectra.campaign.plan import write_plan
from defectra.core.config import Config, load
from defectra.core.store import Archive
from defectra.engines.synthetic.run import Site
from defectra.studies.nmc.chunk import run_chunk
from defectra.studies.nmc.requests import settings_of

CHUNK = "nmc-00"


class Project:
    """A plan of one chunk of the synthetic engine."""

    def __init__(self, folder: Path, root: Path) -> None:
        nmc = {"engine": "synthetic", "geometry": "vegard", "shards": 1, "ladder_every": 0,
               "lithium_series": {"orderings": 0}, "structures": {"count": 2}}  # fmt: skip
        self.config: Config = load(root / "config/config.yaml", {"nmc": nmc})
        self.folder, self.store = folder, folder / "store"
        assert write_plan(self.config, folder) == [CHUNK]

    def run(self) -> dict[str, int]:
        return run_chunk(
            self.folder / "plan" / CHUNK,
            settings_of(self.config, relax=False),
            self.store / f"{CHUNK}.journal",
            self.folder / "archive",
            self.folder / "chunks" / CHUNK,
        )

    def digest(self) -> bytes:
        """What the chunk depends on at a new start of the workflow."""
        archive = Archive(self.folder / "archive")
        write_archived(self.folder, [CHUNK], archive)
        assert stands(self.folder, [CHUNK], archive, self.store), "a second look changes nothing"
        return (self.folder / "plan" / CHUNK / "archived.json").read_bytes()


@pytest.fixture
def project(tmp_path: Path, root: Path) -> Project:
    return Project(tmp_path, root)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Says what the synthetic engine lacks; empty: it is there."""
    lacks = {"sentence": ""}
    monkeypatch.setattr(
        type(engine_named("synthetic")), "available", lambda self: lacks["sentence"]
    )
    return lacks


def test_a_stopped_calculation_is_asked_for_once_more(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Site.run
    first = [True]

    def run(self: Site, edge: str, protocol: Any, folder: Path | None = None) -> Outcome:
        if first and first.pop():
            name = self.identity(edge, protocol)
            return Outcome(name, error_class="timeout", message="1 s", inputs_sha256=name)
        return whole(self, edge, protocol, folder)

    before = project.digest()
    monkeypatch.setattr(Site, "run", run)
    total = project.run()["total"]
    said = again.stopped(project.store, CHUNK)
    assert json.loads(said)["calculations"] == 1
    asked = project.digest()
    assert asked != before
    counts = project.run()
    assert (counts["computed"], counts["ok"]) == (1, total)
    assert again.stopped(project.store, CHUNK) == said, "or the rule would run once more"
    assert project.digest() == asked


def test_nothing_is_asked_for_where_nothing_was_stopped(project: Project) -> None:
    before = project.digest()
    project.run()
    assert again.stopped(project.store, CHUNK) == ""
    assert project.digest() == before


def test_an_engine_that_comes_is_seen_and_its_going_is_not(project: Project, engine: Any) -> None:
    engine["sentence"] = "install it"
    before = project.digest()
    assert project.run()["failed"] > 0
    assert project.digest() == before, "it is still not there"
    engine["sentence"] = ""
    asked = project.digest()
    assert asked != before
    assert project.run()["failed"] == 0
    assert project.digest() == asked, "what is done is not done again"
    engine["sentence"] = "install it"
    assert project.digest() == asked, "another machine without the engine has the same results"
    assert project.run()["failed"] == 0


def test_a_new_plan_asks_for_what_was_done_no_more(project: Project, engine: Any) -> None:
    """A draft of another config has no digests of its own: those of the results are kept."""
    engine["sentence"] = "install it"
    project.run()
    engine["sentence"] = ""
    asked = project.digest()
    project.run()
    draft = project.folder / "draft"
    write_plan(project.config, draft)
    write_archived(draft, [CHUNK], Archive(project.folder / "archive"), project.store)
    assert (draft / "plan" / CHUNK / "archived.json").read_bytes() == asked


def test_an_engine_of_another_version_of_the_program_is_none(tmp_path: Path) -> None:
    (tmp_path / f"{CHUNK}.lacking").write_text('{"engines": ["no_such_engine"], "journal": 1}')
    assert again.arrived(tmp_path, CHUNK) == ""
