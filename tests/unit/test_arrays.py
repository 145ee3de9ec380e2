"""Arrays through journal, table and archive; what is damaged or foreign is refused."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from defectra.campaign import ledger as ledger_module
from defectra.campaign.arrays import ArraySpec, array_kind, known_results, project, write_arrays
from defectra.campaign.complete import Counts, complete
from defectra.campaign.export import export_rows
from defectra.campaign.ledger import Ledger
from defectra.campaign.request import Family
from defectra.core.arrays import ArrayReader, array_path, array_table
from defectra.core.errors import ConfigError, EngineError, StoreError, TableError
from defectra.core.records import Column
from defectra.core.store import Archive, read_table
from defectra.engines.function import FunctionEngine

TABLE = array_table("waves", Column("wave_number", "float", "1/Å", "of the plane wave"))
SPECS = (
    ArraySpec("intensity", "counts", ("pattern", "y", "x"), "Poisson counts", "uint16"),
    ArraySpec("phase", "rad", ("pattern",), "of each pattern", "float64"),
)


def waves(asked):
    """Standing waves with noise: `count` patterns of one wave number."""
    if asked["k"] == 0:
        raise EngineError("no_wave", "the wave number is zero")
    if asked["k"] < 0:
        raise OSError(28, "No space left on device")
    rng = np.random.default_rng(asked["seed"])
    phase = rng.uniform(0, np.pi, asked["count"])
    x = np.arange(asked["n"]) * asked["k"]
    plane = 50 * (1 + np.cos(x[:, None] + x[None, :] + phase[:, None, None]))
    intensity = rng.poisson(plane).astype(asked.get("dtype", "uint16"))
    return {"intensity": intensity, "phase": phase}


ENGINE = FunctionEngine("waves", waves, revision="1", arrays=SPECS, refusals=["no_wave"])
KIND = array_kind("wave", TABLE, engines=lambda name: ENGINE)


def ask(k, count=7, n=9, **more):
    asked = {"k": k, "count": count, "n": n, "seed": round(10 * k), **more}
    return ENGINE.request(asked, "wave", "fast", {"wave_number": k}, size=count)


def families(*numbers, **more):
    def chain(known):
        for k in numbers:
            yield ask(k, **more)

    return [Family("waves", chain)]


def ledger_in(folder, archive=None, journals=()):
    return Ledger([KIND], archive, journals, engines=lambda name: ENGINE)


def run(folder, asked):
    """Compute in a journal; gives a ledger that has read it anew, and the counts."""
    journal, counts = folder / "waves-00.journal", Counts()
    known = ledger_in(folder, journals=[journal])
    with known.writing(journal):
        for _ in complete(asked, known, folder, counts):
            pass
    return ledger_in(folder, journals=[journal]), counts


def check_values(path, numbers, **more):
    rows = read_table(path, TABLE)
    assert [row["wave_number"] for row in rows] == list(numbers)
    with ArrayReader(Path(path).parent) as arrays:
        for row in rows:
            want = waves(ask(row["wave_number"], **more).input)
            for name, array in want.items():
                got = arrays.read(row, name)
                assert got.dtype == array.dtype
                np.testing.assert_array_equal(got, array)
            np.testing.assert_array_equal(
                arrays.read(row, "intensity", slice(2, 4)), want["intensity"][2:4]
            )
        joined = arrays.stack(rows, "intensity")
        np.testing.assert_array_equal(joined, np.concatenate([*arrays.each(rows, "intensity")]))
    return rows


@pytest.mark.parametrize("large", [1, 1 << 30], ids=["read when asked", "in memory"])
def test_values_are_equal_through_journal_table_archive_table(tmp_path, monkeypatch, large) -> None:
    monkeypatch.setattr(ledger_module, "LARGE", large)
    known, counts = run(tmp_path, families(1.0, 0.5, 2.0))
    assert (counts.computed, counts.failed) == (3, 0)
    assert project(families(1.0, 0.5, 2.0), known, "wave", tmp_path / "w.parquet") == 3
    (row, *_) = check_values(tmp_path / "w.parquet", [1.0, 0.5, 2.0])
    assert (row["arrays"], row["units"]) == (["intensity", "phase"], ["counts", "rad"])
    assert (row["shapes"], row["dtypes"]) == (["7 9 9", "7"], ["uint16", "float64"])
    assert (row["origin"], row["size"], row["array_file"]) == ("run", 7, "w.h5")
    assert row["cpu_s"] >= 0
    assert row["max_rss_mb"] > 1

    archive = Archive(tmp_path / "archive")
    assert export_rows(families(1.0, 0.5), known, archive) == {"waves": 2}
    assert export_rows(families(1.0, 0.5, 2.0), known, archive) == {"waves": 1}
    assert export_rows(families(1.0, 0.5, 2.0), known, archive) == {"waves": 0}
    parts = sorted((archive.root / "waves").iterdir())
    assert all(re.fullmatch(r"part-[0-9a-f]{16}\.(h5|parquet)", p.name) for p in parts)
    assert len(parts) == 4

    only = ledger_in(tmp_path, archive)
    project(families(2.0, 1.0, 0.5), only, "wave", tmp_path / "again.parquet")
    rows = check_values(tmp_path / "again.parquet", [2.0, 1.0, 0.5])
    assert {r["origin"] for r in rows} == {"archive"}
    assert {r["array_file"] for r in rows} == {"again.h5"}
    _, counts = run(tmp_path, families(1.0, 0.5, 2.0))
    assert counts.computed == 0


def test_failures_are_rows_and_those_of_the_machine_are_tried_again(tmp_path) -> None:
    known, counts = run(tmp_path, families(0.0, -1.0, 1.0))
    assert (counts.computed, counts.failed, counts.stopped) == (3, 2, 1)
    project(families(0.0, -1.0, 1.0), known, "wave", tmp_path / "w.parquet")
    rows = read_table(tmp_path / "w.parquet", TABLE)
    assert [r["error_class"] for r in rows] == ["no_wave", "machine:no_space", ""]
    assert [r["arrays"] for r in rows][:2] == [[], []]
    _, counts = run(tmp_path, families(0.0, -1.0, 1.0))
    assert counts.computed == 1  # the machine's alone
    with ArrayReader(tmp_path) as arrays, pytest.raises(TableError, match="has no array"):
        arrays.read(rows[0], "intensity")


def test_arrays_that_are_not_what_the_engine_gives_are_no_result(tmp_path) -> None:
    known, _ = run(tmp_path, families(1.0, dtype="float32"))
    ((_, result),) = known_results(families(1.0, dtype="float32"), known)
    assert result.row["status"] == "failed"
    assert "float32" in result.row["message"]
    bad = ArraySpec("a", "", ("x",), "", "float64")
    assert "not finite" in bad.wrong(np.array([1.0, np.nan]))
    assert "no numbers" in bad.wrong(np.array(["a"], dtype=object))
    assert "empty" in bad.wrong(np.zeros(0))
    with pytest.raises(ConfigError, match="plain JSON"):
        ENGINE.request({"k": np.float32(1)}, "wave", "fast")


def test_a_label_that_is_missing_is_said(tmp_path) -> None:
    request = ENGINE.request(ask(1.0).input, "wave", "fast", {})
    known, _ = run(tmp_path, [])
    with pytest.raises(TableError, match="wave_number"):
        KIND.make(request, ledger_module.Finished({"status": "ok"}, {}))
    assert known.result(request) is None


CHILD = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import test_arrays as t
from pathlib import Path
computed = 0
def dies(asked):
    global computed
    computed += 1
    if computed == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return t.waves(asked)
t.ENGINE._compute = dies
t.run(Path({folder!r}), t.families(1.0, 0.5, 2.0, 3.0))
"""


def test_a_kill_loses_the_one_in_flight_alone(tmp_path) -> None:
    code = CHILD.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    path = os.pathsep.join(p for p in sys.path if p)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == -signal.SIGKILL
    known, counts = run(tmp_path, families(1.0, 0.5, 2.0, 3.0))
    assert (counts.known, counts.computed) == (2, 2)
    project(families(1.0, 0.5, 2.0, 3.0), known, "wave", tmp_path / "w.parquet")
    check_values(tmp_path / "w.parquet", [1.0, 0.5, 2.0, 3.0])


@pytest.fixture
def written(tmp_path):
    known, _ = run(tmp_path, families(1.0, 2.0))
    project(families(1.0, 2.0), known, "wave", tmp_path / "w.parquet")
    return tmp_path / "w.parquet", read_table(tmp_path / "w.parquet", TABLE), known


def all_read(path, rows):
    with ArrayReader(Path(path).parent) as arrays:
        return [arrays.of(row) for row in rows]


def test_a_flipped_byte_is_refused_before_hdf5_reads_it(written) -> None:
    path, rows, _ = written
    file = array_path(path)
    good = file.read_bytes()
    for at in range(0, len(good), len(good) // 50):
        bad = bytearray(good)
        bad[at] ^= 0x40
        file.write_bytes(bad)
        with pytest.raises(StoreError, match=r"w\.h5: not the file"):
            all_read(path, rows)
    file.write_bytes(good)
    assert len(all_read(path, rows)) == 2


def test_a_row_with_the_arrays_of_another_is_refused(written) -> None:
    path, rows, _ = written
    for key in ("calculation_id", "digests"):
        with pytest.raises(StoreError, match="not the one"):
            all_read(path, [rows[0] | {key: rows[1][key]}])


@pytest.mark.parametrize("spoil", ["missing", "cut", "text", "foreign file", "other run"])
def test_a_damaged_or_foreign_file_is_an_error_for_people(written, tmp_path, spoil) -> None:
    import h5py

    path, rows, known = written
    file = array_path(path)
    if spoil == "missing":
        file.unlink()
    elif spoil == "cut":
        file.write_bytes(file.read_bytes()[:-200])
    elif spoil == "text":
        file.write_text("no HDF5")
    elif spoil == "foreign file":
        file.unlink()
        with h5py.File(file, "w") as other:
            other["data"] = np.arange(3)
    else:
        results = [result for _, result in known_results(families(2.0, 1.0), known)]
        write_arrays(path, results, TABLE)
    with pytest.raises(StoreError, match=r"(?s)w\.h5.*delete it with its table and rerun"):
        all_read(path, rows)


@pytest.mark.parametrize("spoil", ["flip", "missing"])
def test_a_damaged_archive_part_is_refused(written, tmp_path, spoil) -> None:
    _, _, known = written
    archive = Archive(tmp_path / "archive")
    export_rows(families(1.0, 2.0), known, archive)
    (part,) = (archive.root / "waves").glob("*.h5")
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.unlink() if spoil == "missing" else part.write_bytes(data)
    with pytest.raises(StoreError, match="git checkout"):
        project(families(1.0, 2.0), ledger_in(tmp_path, archive), "wave", tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()
    assert not (tmp_path / "x.h5").exists()


def test_one_calculation_is_in_memory_at_a_time(tmp_path) -> None:
    numbers = [float(k) for k in range(1, 31)]
    asked = families(*numbers, count=40, n=65)
    known, _ = run(tmp_path, asked)
    one = waves(ask(1.0, 40, 65).input)["intensity"].nbytes
    tracemalloc.start()
    project(asked, known, "wave", tmp_path / "w.parquet")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * one  # of 30
    rows = read_table(tmp_path / "w.parquet", TABLE)
    tracemalloc.start()
    with ArrayReader(tmp_path) as arrays:
        joined = arrays.stack(rows, "intensity")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < joined.nbytes + 8 * one
