"""Snakemake's records, kept with the results and given back where the bytes are the same."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
from pathlib import Path

import pytest
from snakemake.persistence.file import FilePersistence

from defectra.campaign.kept_records import NAME, give_back, keep

RESULTS = Path("results")
# One that Snakemake keeps in a folder of folders, since its name is longer than one of a file.
LONG = f"results/{'x' * 120}/{'y' * 120}/table.csv"
NAMES = ["results/a.csv", "results/b.csv", LONG]


def add(home: Path, output: str) -> None:
    """An output and Snakemake's record of it, where Snakemake itself puts that."""
    (home / output).parent.mkdir(parents=True, exist_ok=True)
    (home / output).write_text(output)
    snakemake = FilePersistence(path=home / ".snakemake")
    record = {
        "rule": "r",
        "incomplete": False,
        "params": ["1"],
        "input_checksums": {"i": "sha256:0"},
    }
    snakemake._io_write(snakemake._metadata_path, record, output)


def known(home: Path) -> dict[str, dict[str, object]]:
    snakemake = FilePersistence(path=home / ".snakemake")
    rows = {name: snakemake._io_read(snakemake._metadata_path, name) for name in NAMES}
    return {name: row for name, row in rows.items() if row}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in [*NAMES, "elsewhere/c.csv"]:
        add(tmp_path, name)
    assert keep(RESULTS, tmp_path / ".snakemake", tmp_path) == len(NAMES)
    return tmp_path


def lose(home: Path) -> None:
    shutil.rmtree(home / ".snakemake")


def test_all_are_given_back(home: Path) -> None:
    before = known(home)
    lose(home)
    assert give_back(RESULTS, home / ".snakemake", home) == len(NAMES)
    assert known(home) == before
    assert not list((home / ".snakemake/metadata").glob("*elsewhere*"))


def test_what_snakemake_knows_is_left_alone(home: Path) -> None:
    shutil.rmtree(home / ".snakemake/metadata" / next((home / ".snakemake/metadata").glob("@*")))
    assert give_back(RESULTS, home / ".snakemake", home) == 0, "forgotten on purpose, one by one"


def test_an_output_of_other_bytes_or_none_gets_no_record(home: Path) -> None:
    lose(home)
    (home / NAMES[0]).write_text("changed")
    (home / NAMES[1]).unlink()
    give_back(RESULTS, home / ".snakemake", home)
    assert set(known(home)) == {LONG}


def test_an_output_that_was_begun_and_not_finished_is_not_kept(home: Path) -> None:
    snakemake = FilePersistence(path=home / ".snakemake")
    snakemake._mark_incomplete(NAMES[0], None)
    keep(RESULTS, home / ".snakemake", home)
    lose(home)
    give_back(RESULTS, home / ".snakemake", home)
    assert set(known(home)) == {*NAMES[1:]}


def test_what_did_not_change_is_not_written(home: Path) -> None:
    before = (home / RESULTS / NAME).stat().st_mtime_ns
    keep(RESULTS, home / ".snakemake", home)
    assert (home / RESULTS / NAME).stat().st_mtime_ns == before
    lose(home)
    keep(RESULTS, home / ".snakemake", home)
    assert (home / RESULTS / NAME).stat().st_mtime_ns == before, "nothing known is not kept"


@pytest.mark.parametrize("place", ["../../escaped", "/escaped", "a/../../../escaped", ".."])
def test_a_record_is_written_nowhere_else(home: Path, place: str) -> None:
    lose(home)
    path = home / RESULTS / NAME
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines()]
    rows = [row | {"place": place} for row in rows]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    assert give_back(RESULTS, home / ".snakemake", home) == 0
    assert not list(home.parent.rglob("escaped"))


DAMAGED = {
    "empty": b"",
    "torn": b"torn",
    "cut": gzip.compress(b"{}", mtime=0)[:-6],
    "open": gzip.compress(b"{", mtime=0),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_damaged_records_are_none(home: Path, data: bytes) -> None:
    (home / RESULTS / NAME).write_bytes(data)
    lose(home)
    assert give_back(RESULTS, home / ".snakemake", home) == 0


def test_a_full_disk_leaves_whole_records(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is given back; of the second the disk takes the name alone."""
    lose(home)
    write, calls = Path.write_text, []

    def full(path: Path, text: str, **more: str) -> int:
        calls.append(path)
        if len(calls) > 1:
            path.touch()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, text, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        assert give_back(RESULTS, home / ".snakemake", home) == 1
    assert [p.stat().st_size > 0 for p in (home / ".snakemake").rglob("*") if p.is_file()] == [True]
    assert keep(RESULTS, home / ".snakemake", home) == 1
    assert len(known(home)) == 1


@pytest.mark.parametrize("left", ["", "{", "[]", "null"])
def test_half_a_record_of_snakemake_is_passed_over(home: Path, left: str) -> None:
    metadata = home / ".snakemake/metadata"
    next(p for p in metadata.iterdir() if p.is_file()).write_text(left)
    for name in (".draft.part", "no base64", "YQ"):
        (metadata / name).write_text("{}")
    assert keep(RESULTS, home / ".snakemake", home) == len(NAMES) - 1
    lose(home)
    assert give_back(RESULTS, home / ".snakemake", home) == len(NAMES) - 1
