"""Tables in programs of others: Parquet in DuckDB, csv in R; skipped where these are missing."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
PARTS = sorted((ROOT / "resources" / "archive").rglob("*.parquet"))
SHEETS = sorted([*(ROOT / "resources").glob("*.csv"), ROOT / "docs" / "overview.csv"])
COUNT = """
for (path in commandArgs(trailingOnly = TRUE)) {
  x <- read.csv(path, check.names = FALSE, encoding = "UTF-8")
  cat(nrow(x), ncol(x), sum(sapply(x, is.numeric)), colnames(x), sep = "\\t")
  cat("\\n")
}
"""


def test_duckdb_reads_each_table_of_the_archive() -> None:
    duckdb = pytest.importorskip("duckdb")
    assert PARTS
    for path in PARTS:
        found = duckdb.read_parquet(str(path))
        schema = pq.read_schema(path)
        assert found.columns == schema.names, path
        assert len(found) == pq.read_metadata(path).num_rows, path
        kinds = dict(zip(found.columns, map(str, found.types)))
        for field in schema:
            nested = str(field.type).startswith("list")
            assert kinds[field.name].endswith("[]") == nested, (path, field)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in ("NA", "")
    return True


def test_r_reads_each_csv(tmp_path: Path) -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("no R here")
    program = tmp_path / "count.R"
    program.write_text(COUNT)
    done = subprocess.run(
        ["Rscript", "--vanilla", program, *SHEETS], capture_output=True, text=True, check=True
    )
    for path, line in zip(SHEETS, done.stdout.splitlines(), strict=True):
        rows, columns, numeric, *names = line.split("\t")
        with path.open(encoding="utf-8", newline="") as handle:
            head, *body = csv.reader(handle)
        assert (int(rows), int(columns), names) == (len(body), len(head), head), path
        numbers = [
            k for k in range(len(head)) if body and all(is_number(r[k]) for r in body)
            and any(r[k] not in ("NA", "") for r in body)
        ]  # fmt: skip
        assert int(numeric) == len(numbers), path
