"""Snakemake's records of the results, kept with the results.

Snakemake writes down in ``.snakemake/metadata``, for each output, its rule, its parameters and the
checksums of its inputs. Without that folder it can only go by modification times, and a copy of the
results alone, with new times, would be computed anew. So a run leaves a copy of these records in
``results/records.jsonl.gz``, each with the checksum of the output that it is about; where
``.snakemake`` knows nothing, the records whose output still has that checksum are given back.
Snakemake then compares parameters and checksums of inputs as it always does.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from defectra.core.store import disk_errors, sha256_file, write_bytes

Row = dict[str, Any]

NAME = "records.jsonl.gz"
_UNUSED = ("conda_env", "shellcmd")  # long texts that no trigger of a rerun looks at


def keep(results: Path, snakemake: Path, home: Path = Path()) -> int:
    """Copy the records of all finished outputs below `results` to ``records.jsonl.gz``.

    Parameters
    ----------
    results
        Folder of the results, as rules name it.
    snakemake
        The folder ``.snakemake``.
    home
        Folder that names of outputs are relative to.

    Returns
    -------
    Number of records.

    Raises
    ------
    StoreError
        If the disk takes or gives nothing.
    """
    there = home / results / NAME
    if not (home / results).is_dir():
        return 0
    with disk_errors(there):
        before = {row["stamp"]: row for row in _read(there)}
        rows = list(_rows(results, snakemake, home, before))
        if rows and {row["stamp"] for row in rows} != set(before):
            text = "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows)
            write_bytes(there, gzip.compress(text.encode(), mtime=0))
    return len(rows)


def give_back(results: Path, snakemake: Path, home: Path = Path()) -> int:
    """Write the kept records to a ``.snakemake`` that has none; returns how many.

    A record is passed over if its output is missing or has other bytes than when it was kept. A
    folder that cannot be written is left as it is: only times are left to go by then.
    """
    metadata, kept = snakemake / "metadata", home / results / NAME
    if not kept.exists() or (metadata.is_dir() and any(metadata.iterdir())):
        return 0
    number = 0
    for row in _read(kept):
        output = home / row["output"]
        if not _is_place(row["place"]) or not output.is_file():
            continue
        if sha256_file(output) != row["sha256"]:
            continue
        if not _put(snakemake, row):
            break
        number += 1
    return number


def _put(snakemake: Path, row: Row) -> bool:
    """Write one record, whole or not at all; whether the disk took it."""
    path, draft = snakemake / "metadata" / row["place"], snakemake / f"record.{os.getpid()}.part"
    try:
        # its absence would tell Snakemake that the records are of a format before 2024
        (snakemake / "incomplete").mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(row["record"]), encoding="utf-8")
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        return False
    return True


def _rows(results: Path, snakemake: Path, home: Path, before: dict[str, Row]) -> Iterator[Row]:
    """Kept form of all records of files below `results`; hashed anew is what was written anew.

    What is no record of Snakemake, or only half of one, is passed over.
    """
    metadata = snakemake / "metadata"
    for path in sorted(p for p in metadata.rglob("*") if p.is_file()):
        place = path.relative_to(metadata)
        output = _output(place)
        if not output:
            continue
        file = home / output
        begun = (snakemake / "incomplete" / place).exists()
        if begun or not Path(output).is_relative_to(results) or not file.is_file():
            continue
        stamp = f"{output} {file.stat().st_mtime_ns} {path.stat().st_mtime_ns}"
        if stamp in before:
            yield before[stamp]
            continue
        record = _record(path)
        if not record.get("incomplete", True):
            yield {
                "output": output,
                "sha256": sha256_file(file),
                "stamp": stamp,
                "place": str(place),
                "record": {k: v for k, v in record.items() if k not in _UNUSED},
            }


def _record(path: Path) -> Row:
    """A record of Snakemake; empty if it cannot be read, as after a full disk."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _output(place: Path) -> str:
    """Name of the output that a record is about, from where Snakemake puts it; empty: of none.

    Base64, in folders that begin with @ where it is longer than a file name may be.
    """
    if not _is_place(str(place)):
        return ""
    try:
        return urlsafe_b64decode("".join(part.removeprefix("@") for part in place.parts)).decode()
    except ValueError:
        return ""


def _is_place(place: str) -> bool:
    """Whether this can be a file of Snakemake's records, and so none elsewhere."""
    return re.fullmatch(r"(@[\w-]+/)*[\w-]+=*", place, re.ASCII) is not None


def _read(path: Path) -> list[Row]:
    """Rows of a kept file; none where it is missing or damaged, since all of it can be lost."""
    if not path.exists():
        return []
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        return [json.loads(line) for line in lines]
    except (OSError, EOFError, ValueError, zlib.error):
        return []
