"""Tables made chunk by chunk are those made at once; names and versions that rules carry."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from defectra.campaign.gather import unite
from defectra.campaign.plan import write_plan, write_plan_apart
from defectra.core.config import Config, load
from defectra.core.errors import ConfigError, StoreError, TableError
from defectra.core.journal import Journal, read_journal
from defectra.core.records import CALCULATIONS, SITE_AVERAGES, SPECTRA, STRUCTURES, TASKS
from defectra.core.store import read_groups, read_table, write_table
from defectra.engines.release import release
from defectra.spectra.average import average_sites
from defectra.spectra.site_averages import average_chunks
from defectra.studies.nmc.chunk import run_chunk
from defectra.studies.nmc.manifests import chunks_of, wanted
from defectra.studies.nmc.requests import settings_of
from defectra.studies.nmc.training import build, read_training, select, write_training

ROOT = Path(__file__).resolve().parents[2]
NMC = {
    "engine": "synthetic",
    "geometry": "vegard",
    "shards": 3,
    "ladder_every": 2,
    "lithium_series": {"orderings": 0},
    "structures": {"count": 8},
}
KINDS = {"structures": STRUCTURES, "tasks": TASKS, "calculations": CALCULATIONS, "spectra": SPECTRA}


@pytest.fixture(scope="module")
def config() -> Config:
    return load(ROOT / "config/config.yaml", {"nmc": NMC})


@pytest.fixture(scope="module")
def files(config: Config, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Files of each table, one for each chunk."""
    folder = tmp_path_factory.mktemp("results")
    out: dict[str, list[Path]] = {name: [] for name in KINDS}
    for chunk in write_plan(config, folder):
        plan, done = folder / "plan" / chunk, folder / "chunks" / chunk
        journal = folder / "store" / f"{chunk}.journal"
        run_chunk(plan, settings_of(config, relax=False), journal, folder / "archive", done)
        for name in KINDS:
            where = plan if name in ("structures", "tasks") else done
            out[name].append(where / f"{name}.parquet")
    assert len(out["tasks"]) > 1
    return out


def whole(files: dict[str, list[Path]], name: str) -> list[dict]:
    return [row for path in files[name] for row in read_table(path, KINDS[name])]


def test_averages_of_chunks_are_those_of_all(files, config, tmp_path) -> None:
    n = average_chunks(tmp_path / "a", *(files[k] for k in KINDS), config.nmc.edges)
    rows = read_table(tmp_path / "a", SITE_AVERAGES)
    parts = (whole(files, k) for k in ("calculations", "spectra", "structures", "tasks"))
    expected = average_sites(*parts, config.nmc.edges)
    assert n == len(expected) > 0
    assert sorted(map(repr, rows)) == sorted(map(repr, expected))
    groups = list(read_groups(tmp_path / "a", SITE_AVERAGES))
    assert len(groups) >= len(files["tasks"])


def test_a_structure_in_two_chunks_is_an_error(files, config, tmp_path) -> None:
    doubled = [files[k] + files[k][:1] for k in KINDS]
    with pytest.raises(TableError, match="is in two chunks"):
        average_chunks(tmp_path / "a", *doubled, config.nmc.edges)
    assert not (tmp_path / "a").exists()


def test_a_calculation_of_no_structure_is_an_error(files, config, tmp_path) -> None:
    write_table(tmp_path / "s", read_table(files["structures"][0], STRUCTURES)[1:], STRUCTURES)
    mixed = [[tmp_path / "s"], *(files[k][:1] for k in list(KINDS)[1:])]
    with pytest.raises(TableError, match=r"1 structure\(s\) .* not in the structures table"):
        average_chunks(tmp_path / "a", *mixed, config.nmc.edges)


def test_training_of_groups_is_that_of_all(files, config, tmp_path) -> None:
    average_chunks(tmp_path / "a", *(files[k] for k in KINDS), config.nmc.edges)
    unite(files["structures"], tmp_path / "s", STRUCTURES, ["structure_id"])
    edges = list(config.nmc.edges)
    left = write_training(
        tmp_path / "t", tmp_path / "s", tmp_path / "a", ("vegard", "fast"), edges, "hash"
    )
    averages = select(read_table(tmp_path / "a", SITE_AVERAGES), "vegard", "fast")
    rows, left_out = build(whole(files, "structures"), averages, edges, "hash")
    assert read_training(tmp_path / "t") == rows
    assert left == left_out
    assert len(rows) + len(left) == 8


def test_plan_by_chunks_asks_for_all_that_is_wanted(config) -> None:
    structures, asked = wanted(config)
    found = {r["structure_id"] for _, rows, _ in chunks_of(config) for r in rows}
    tasks = [str(task) for _, _, part in chunks_of(config) for task in part]
    assert found == {r["structure_id"] for r in structures}
    assert sorted(tasks) == sorted(str(t) for part in asked.values() for t in part)


def test_release_is_the_version_of_the_program(monkeypatch) -> None:
    assert release("feff").startswith("feff10-rs 0.")
    release.cache_clear()
    monkeypatch.setenv("DEFECTRA_SYNTHETIC_VERSION", "7")
    assert release("synthetic") == "synthetic 7"
    release.cache_clear()


def test_a_write_that_the_disk_cuts_short_leaves_no_part_of_it(tmp_path) -> None:
    class Full:
        """A handle whose disk takes ten bytes more."""

        def __init__(self, inner) -> None:
            self.inner, self.room = inner, 10

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def write(self, data) -> int:
            if not self.room:
                raise OSError(errno.ENOSPC, "No space left on device")
            n, self.room = self.inner.write(bytes(data)[: self.room]), 0
            return n

    with Journal(tmp_path / "j") as journal:
        journal.append({"id": 1})
        good, journal._handle = journal._handle, Full(journal._handle)
        size = (tmp_path / "j").stat().st_size
        with pytest.raises(StoreError, match=r"j: cannot be written \(No space left on device\)"):
            journal.append({"id": 2})
        assert (tmp_path / "j").stat().st_size == size
        journal._handle = good
        journal.append({"id": 3})
    assert [row["id"] for row, _ in read_journal(tmp_path / "j")] == [1, 3]


def test_plan_made_apart_is_the_plan(config: Config, tmp_path: Path) -> None:
    here, apart = tmp_path / "here", tmp_path / "apart"
    chunks = write_plan(config, here, "code")
    assert write_plan_apart(config, apart, "code") == chunks
    for name in chunks:
        for kind, table in (("structures", STRUCTURES), ("tasks", TASKS)):
            path = Path("plan") / name / f"{kind}.parquet"
            assert read_table(apart / path, table) == read_table(here / path, table)
    assert (apart / "plan/state.json").read_bytes() == (here / "plan/state.json").read_bytes()


def test_a_plan_that_cannot_be_made_apart_tells_why(config: Config, tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("in the way")
    with pytest.raises(ConfigError, match="plan"):
        write_plan_apart(config, tmp_path)
