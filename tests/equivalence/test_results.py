"""The comparison of results sees each kind of change, and passes over times alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from defectra.core.journal import Journal
from tests.equivalence.__main__ import main
from tests.equivalence.declared import Declared
from tests.equivalence.results import compare

ROWS = [
    {"calculation_id": "aa", "energy_eV": 1.25, "mu": [0.0, 1.0], "wall_s": 3.0},
    {"calculation_id": "bb", "energy_eV": float("nan"), "mu": [0.5], "wall_s": 4.0},
]
ARROW = pa.schema(
    [
        ("calculation_id", pa.string()),
        ("energy_eV", pa.float64()),
        ("mu", pa.list_(pa.float64())),
        ("wall_s", pa.float64()),
    ]
)


def write_rows(path: Path, rows: list[dict], schema: pa.Schema = ARROW) -> None:
    pq.write_table(pa.Table.from_pylist(rows, schema), path)


def compute(folder: Path, *names: str) -> None:
    with Journal(folder / "store/nmc-00.journal") as journal:
        for name in names:
            journal.append({"kind": "calculation", "calculation_id": name}, b"")


def swap(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_bytes()
        assert old.encode() in text
        (folder / name).write_bytes(text.replace(old.encode(), new.encode()))

    return change


def rows(change: Callable[[list[dict]], list[dict]], schema: pa.Schema = ARROW):
    return lambda folder: write_rows(
        folder / "calculations.parquet", change([dict(row) for row in ROWS]), schema
    )


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    for name in ("nmc/figures", "store", "logs"):
        (folder / name).mkdir(parents=True)
    (folder / "nmc/metrics.csv").write_text("metric,value\nrmse,0.125\nr2,0.5\n")
    (folder / "nmc/ladder.csv").write_text("rung,cpu_s,shift\nfast,3.5,0.1\n")
    (folder / "nmc/figures/parity.png").write_bytes(b"\x89PNG one")
    (folder / "logs/run.json").write_text("{}")
    write_rows(folder / "calculations.parquet", ROWS)
    compute(folder, "aa")
    return folder


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: None,
        swap("nmc/ladder.csv", "3.5", "9.75"),
        swap("logs/run.json", "{}", "[]"),
        rows(lambda found: [row | {"wall_s": 9.0} for row in found]),
    ],
    ids=["nothing", "time in a csv", "log", "time in a table"],
)
def test_what_may_differ(results: Path, tmp_path: Path, change) -> None:
    after = shutil.copytree(results, tmp_path / "after")
    change(after)
    assert compare(results, after, Declared()).differences == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (swap("nmc/metrics.csv", "0.125", "0.126"),
         ["nmc/metrics.csv: 1 of 2 rows are gone, 1 are new; e.g. value: 0.125 -> 0.126"]),
        (swap("nmc/metrics.csv", "\n", "\r\n"),
         ["nmc/metrics.csv: other bytes (31 before, 34 now)"]),
        (swap("nmc/metrics.csv", "rmse", "mae"), ["metric: rmse -> mae"]),
        (swap("nmc/ladder.csv", "0.1", "0.2"), ["shift: 0.1 -> 0.2"]),
        (swap("nmc/ladder.csv", "cpu_s", "cpu"), ["nmc/ladder.csv: columns differ"]),
        (swap("nmc/figures/parity.png", "one", "two"), ["nmc/figures/parity.png: other bytes"]),
        (lambda folder: (folder / "nmc/figures/parity.png").unlink(),
         ["nmc/figures/parity.png is gone"]),
        (lambda folder: (folder / "nmc/more.csv").write_text("a\n"), ["nmc/more.csv is new"]),
        (rows(lambda found: [found[0] | {"energy_eV": 1.2500000000000002}, found[1]]),
         ["calculations.parquet: 1 of 2 rows are gone", "energy_eV: 1.25 -> 1.2500000000000002"]),
        (rows(lambda found: [found[0], found[1] | {"mu": [0.5, 7.0]}]),
         ["mu: [0.5] -> [0.5, 7.0]"]),
        (rows(lambda found: found[::-1]), ["calculations.parquet: the same rows in another order"]),
        (rows(list, ARROW.set(1, pa.field("energy_eV", pa.float32()))),
         ["columns or types differ: energy_eV double -> float"]),
        (rows(lambda found: [*found, found[0] | {"calculation_id": "cc"}]),
         ["calculations: 1 new, e.g. cc"]),
        (rows(lambda found: found[:1]), ["calculations: 1 gone, e.g. bb"]),
        (lambda folder: compute(folder, "bb"),
         ["computed in journals: 1 new, e.g. calculation bb"]),
        (lambda folder: compute(folder, "aa"),
         ["computed in journals: calculation aa stands there 2 times"]),
    ],
)  # fmt: skip
def test_what_may_not(results: Path, tmp_path: Path, change, said: list[str]) -> None:
    after = shutil.copytree(results, tmp_path / "after")
    change(after)
    found = "\n".join(compare(results, after, Declared()).differences)
    assert found
    for text in said:
        assert text in found


def test_counts_and_a_declared_move(results: Path, tmp_path: Path, capsys) -> None:
    after = shutil.copytree(results, tmp_path / "after")
    (after / "nmc/figures").rename(after / "nmc/pictures")
    swap("nmc/metrics.csv", "0.5", "0.75")(after)
    found = compare(results, after, Declared(paths={"results/nmc/figures": "results/nmc/pictures"}))
    assert vars(found.counts["png"]) == {
        "before": 1, "after": 1, "equal": 1, "different": 0, "gone": 0, "new": 0
    }  # fmt: skip
    assert (found.counts["csv"].equal, found.counts["csv"].different) == (1, 1)
    assert found.counts["calculations"].equal == 2
    assert len(found.differences) == 1
    assert main(["results", "--before", str(results), "--after", str(after)]) == 1
    assert "3 differences" in capsys.readouterr().out
    assert main(["results", "--before", str(results), "--after", str(results)]) == 0
    assert "no difference" in capsys.readouterr().out


def test_an_empty_folder_passes_for_nothing(results: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no results there"):
        compare(results, tmp_path / "nowhere", Declared())
