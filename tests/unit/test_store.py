from __future__ import annotations

import multiprocessing
import os
import platform
import signal

import pytest
from events import wait_for

from defectra.core import store
from defectra.core.errors import StoreError, TableError
from defectra.core.journal import Journal, journal_size, read_journal
from defectra.core.records import SPECTRA, TASKS, Table
from defectra.core.store import Archive, read_table, replacing, write_table


def spectrum(name: str, value: float = 1.0) -> dict:
    return {
        "calculation_id": name,
        "energy_eV": [1.0, 2.0],
        "mu": [0.0, value],
        "mu0": [0.0, 1.0],
        "edge_step": 1e-3,
    }


def test_table_round_trip_is_lossless(tmp_path):
    rows = [spectrum("a", 0.1 + 0.2), spectrum("b", float("inf"))]
    write_table(tmp_path / "t.parquet", rows, SPECTRA)
    assert read_table(tmp_path / "t.parquet", SPECTRA) == rows


def test_missing_unknown_and_wrong_columns_are_refused(tmp_path):
    short = {k: v for k, v in spectrum("a").items() if k != "mu"}
    with pytest.raises(TableError, match=r"missing columns.*mu"):
        write_table(tmp_path / "t.parquet", [short], SPECTRA)
    with pytest.raises(TableError, match=r"unknown.*extra"):
        write_table(tmp_path / "t.parquet", [spectrum("a") | {"extra": 1}], SPECTRA)
    with pytest.raises(TableError, match="spectra"):
        write_table(tmp_path / "t.parquet", [spectrum("a") | {"mu": "x"}], SPECTRA)
    assert not list(tmp_path.iterdir())


def test_another_table_or_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(path, [spectrum("a")], SPECTRA)
    with pytest.raises(TableError, match="holds table spectra"):
        read_table(path, TASKS)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(TableError, match="damaged"):
        read_table(path, SPECTRA)
    with pytest.raises(TableError, match="no such table"):
        read_table(tmp_path / "none.parquet", SPECTRA)


def test_a_table_of_another_version_names_the_columns_that_differ(tmp_path):
    path = tmp_path / "t.parquet"
    kept = tuple(c for c in SPECTRA.columns if c.name not in ("mu0", "edge_step"))
    row = {k: v for k, v in spectrum("a").items() if k not in ("mu0", "edge_step")}
    write_table(path, [row], Table(SPECTRA.name, kept))
    with pytest.raises(TableError, match=r"\(edge_step, mu0\): another version .* export"):
        read_table(path, SPECTRA)
    write_table(path, [spectrum("a")], Table(SPECTRA.name, SPECTRA.columns[::-1]))
    with pytest.raises(TableError, match="their order"):
        read_table(path, SPECTRA)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "f"
    path.write_text("old")

    def spoil() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        spoil()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_journal_keeps_what_was_finished(tmp_path):
    path = tmp_path / "j"
    with Journal(path) as journal:
        for k in range(5):
            journal.append({"id": k}, bytes([k]) * 100)
    assert [(r["id"], raw) for r, raw in read_journal(path)] == [
        (k, bytes([k]) * 100) for k in range(5)
    ]


@pytest.mark.parametrize("cut", [1, 5, 20, 60])
def test_torn_tail_is_cut_and_the_rest_kept(tmp_path, cut):
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.append({"id": 0}, b"x" * 50)
        journal.append({"id": 1}, os.urandom(50))
    path.write_bytes(path.read_bytes()[:-cut])
    assert [r["id"] for r, _ in read_journal(path)] == [0]
    with Journal(path) as journal:
        journal.append({"id": 2})
    assert [r["id"] for r, _ in read_journal(path)] == [0, 2]


def test_damage_in_the_middle_is_an_error_not_a_loss(tmp_path):
    path = tmp_path / "j"
    with Journal(path) as journal:
        for k in range(3):
            journal.append({"id": k}, os.urandom(80))
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(StoreError, match="byte 0"):
        list(read_journal(path))
    with pytest.raises(StoreError, match="damaged"), Journal(path):
        pass
    assert path.read_bytes() == bytes(data)


def test_no_flipped_bit_of_a_head_loses_what_follows(tmp_path):
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.append({"n": 0})
        first = path.stat().st_size
        for n in (1, 2):
            journal.append({"n": n}, b"x" * 50)
    whole = path.read_bytes()
    for byte in range(first, first + 24):  # magic, length, checksum of the second record
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[byte] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(StoreError, match="is damaged and not the last one"), Journal(path):
                pass
            assert path.read_bytes() == damaged


def test_a_flipped_bit_of_a_table_is_reported(tmp_path):
    path = tmp_path / "t"
    rows = [spectrum(f"{n:032d}", 0.1 * n) for n in range(40)]
    write_table(path, rows, SPECTRA)
    whole = path.read_bytes()
    reported = 0
    for byte in range(0, len(whole), max(1, len(whole) // 200)):
        path.write_bytes(whole[:byte] + bytes([whole[byte] ^ 4]) + whole[byte + 1 :])
        try:
            assert read_table(path, SPECTRA) == rows, f"byte {byte} was read as another number"
        except TableError:
            reported += 1
    assert reported > 100


def test_only_one_worker_holds_a_journal(tmp_path):
    with (
        Journal(tmp_path / "j"),
        pytest.raises(StoreError, match="another worker"),
        Journal(tmp_path / "j"),
    ):
        pass


def _append_until_killed(path):
    with Journal(path) as journal:
        for k in range(5000):
            journal.append({"id": k}, os.urandom(2000))
        signal.pause()


def test_kill_while_writing_loses_nothing_finished(tmp_path):
    path = tmp_path / "j"
    for part in (1, 30_000, 300_001, 1_000_000, 3_000_000):
        goal = journal_size(path) + part
        fork = multiprocessing.get_context("fork")
        child = fork.Process(target=_append_until_killed, args=(path,))
        child.start()
        wait_for(lambda goal=goal: journal_size(path) >= goal, f"byte {goal} of the journal")
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        with Journal(path):
            pass
        ids = [r["id"] for r, _ in read_journal(path)]
        for start in [i for i, k in enumerate(ids) if k == 0]:
            run = ids[start : next((i for i in range(start + 1, len(ids)) if ids[i] == 0), None)]
            assert run == list(range(len(run)))


def test_archive_is_the_union_of_its_parts_and_checked(tmp_path):
    archive = Archive(tmp_path)
    first = archive.add([spectrum("a"), spectrum("b")], SPECTRA)
    assert archive.add([spectrum("b")], SPECTRA) is None
    second = archive.add([spectrum("b", 5.0), spectrum("c")], SPECTRA)
    rows = {r["calculation_id"]: r for r in archive.read(SPECTRA)}
    assert set(rows) == {"a", "b", "c"}
    assert rows["b"]["mu"] == [0.0, 1.0]
    assert first != second
    data = bytearray(second.read_bytes())
    data[40] ^= 1
    second.write_bytes(bytes(data))
    with pytest.raises(StoreError, match=second.name):
        archive.read(SPECTRA)


def test_two_that_add_at_the_same_time_lose_nothing(tmp_path, monkeypatch):
    """A whole other `add` falls between the draft of the first and its renaming."""
    digest, turns = store.sha256_file, []

    def interrupted(path):
        if not turns and "part-" not in str(path.name):
            turns.append(1)
            with monkeypatch.context() as other:
                other.setattr(os, "getpid", os.getppid)  # another living process
                Archive(tmp_path).add([spectrum("b")], SPECTRA)
        return digest(path)

    monkeypatch.setattr(store, "sha256_file", interrupted)
    Archive(tmp_path).add([spectrum("a")], SPECTRA)
    assert turns
    assert {r["calculation_id"] for r in Archive(tmp_path).read(SPECTRA)} == {"a", "b"}
    assert len(list((tmp_path / "spectra").iterdir())) == 2


def drafts(folder):
    return {path.name for path in folder.glob(".*.part")}


def test_the_draft_of_a_killed_process_is_removed(tmp_path, monkeypatch):
    before = f".t.{platform.node()}.999999999.part"  # as earlier versions named it
    (tmp_path / before).touch()
    with replacing(tmp_path / "t") as now:
        assert drafts(tmp_path) == set()
        now.touch()
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: 999999999)
            dead = store._draft(tmp_path / "t")
        dead.touch()
        with replacing(tmp_path / "t") as other:
            assert drafts(tmp_path) == {now.name}
            other.touch()
            assert drafts(tmp_path) == {now.name, other.name}, "threads of one process as well"


def test_a_draft_of_other_containers_or_nodes_stays(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(store, "_shared_processes", lambda: "1")
        patch.setattr(os, "getpid", lambda: 999999999)
        other = store._draft(tmp_path / "t")
    node = tmp_path / f".t.{platform.node()}.cluster.999999999.part"  # one with a longer name
    for path in (other, node):
        path.touch()
    with replacing(tmp_path / "t") as own:
        own.touch()
        assert drafts(tmp_path) == {own.name, other.name, node.name}
