"""What the archive holds for each chunk, as a digest that the chunk depends on.

A chunk that depended on the parts themselves would be projected anew whenever any part is added.
So each has ``results/plan/<chunk>/archived.json``, which is written only when what the archive
knows of its own structures changes. Like the plan, these files are nobody's output. A chunk of
which the machine stopped calculations is changed here as well, so that a new start tries them
again, and one that lacked an engine which has come since (:mod:`defectra.campaign.again`).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from defectra.campaign.again import arrived, stopped
from defectra.core.store import Archive, write_bytes


def write_archived(
    results: Path, chunks: Iterable[str], archive: Archive, store: Path | None = None
) -> None:
    """Write ``archived.json`` of each chunk of the plan, where it changed.

    Nothing is read while the plan is what it was and no part of the archive was written to.

    Parameters
    ----------
    results
        Folder that holds ``plan/``, or a draft of it.
    store
        Folder of the journals, by default that of `results`.

    Raises
    ------
    StoreError
        If a part is damaged; the message names it.
    """
    store = results / "store" if store is None else store
    chunks = list(chunks)
    if stands(results, chunks, archive, store):
        return
    folder, known = results / "plan", _known(archive)
    for chunk in chunks:
        path = folder / chunk / "archived.json"
        earlier = (path, store.parent / "plan" / chunk / "archived.json")
        left = _left(store, chunk)
        kept = {key: left.get(key) or _tried(key, earlier) for key in ("again", "arrived")}
        asked = {key: text for key, text in kept.items() if text}
        text = json.dumps(_of_chunk(folder / chunk, known) | asked)
        if _text(path) != text:
            write_bytes(path, text.encode())
    write_bytes(folder / "archived.json", _key(folder, chunks, archive, store).encode())


def stands(results: Path, chunks: Sequence[str], archive: Archive, store: Path) -> bool:
    """Whether the digests that are there are those of this archive and of the plan beside them."""
    folder = results / "plan"
    there = (folder / "archived.json", *(folder / chunk / "archived.json" for chunk in chunks))
    written = all(path.exists() for path in there)
    return written and _text(there[0]) == _key(folder, chunks, archive, store)


def _key(folder: Path, chunks: Sequence[str], archive: Archive, store: Path) -> str:
    plan = json.loads((folder / "state.json").read_text(encoding="utf-8"))["digest"]
    again = {chunk: left for chunk in chunks if (left := _left(store, chunk))}
    return json.dumps({"archive": _stamps(archive.root), "plan": plan, "again": again})


def _left(store: Path, chunk: str) -> dict[str, str]:
    """What a start of a chunk left undone that another one may do."""
    found = {"again": stopped(store, chunk), "arrived": arrived(store, chunk)}
    return {key: text for key, text in found.items() if text}


def _stamps(root: Path) -> list[list[Any]]:
    """Name, size and time of every part; whoever damages one changes the latter."""
    parts = sorted((p.relative_to(root), p.stat()) for p in root.glob("*/part-*.parquet"))
    return [[str(name), stat.st_size, stat.st_mtime_ns] for name, stat in parts]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _tried(key: str, paths: Iterable[Path]) -> str:
    """What an earlier start found to be tried again; it stays, or the chunk would be run anew."""
    for path in paths:
        try:
            if text := str(json.loads(_text(path)).get(key, "")):
                return text
        except (ValueError, AttributeError):
            continue
    return ""


def _known(archive: Archive) -> dict[str, str]:
    """Digest of all that is archived of a structure, by structure_id."""
    found: dict[str, set[str]] = defaultdict(set)
    for structure, row in _rows(archive):
        text = json.dumps(row, sort_keys=True, default=str)
        found[structure].add(hashlib.sha256(text.encode()).hexdigest())
    return {name: _digest(parts) for name, parts in found.items()}


def _rows(archive: Archive) -> Iterator[tuple[str, dict[str, Any]]]:
    from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA

    yield from ((row["structure_id"], row) for row in archive.read(GEOMETRIES))
    owner = {}
    for row in archive.read(CALCULATIONS):
        owner[row["calculation_id"]] = row["structure_id"]
        yield row["structure_id"], row
    for row in archive.read(SPECTRA):
        yield owner.get(row["calculation_id"], ""), row


def _of_chunk(folder: Path, known: dict[str, str]) -> dict[str, Any]:
    """Number of structures of a chunk that the archive knows, and what it knows of them."""
    from defectra.core.records import STRUCTURES
    from defectra.core.store import read_table

    rows = read_table(folder / "structures.parquet", STRUCTURES, ["structure_id"])
    names = sorted({row["structure_id"] for row in rows} & known.keys())
    return {"structures": len(names), "sha256": _digest(name + known[name] for name in names)}


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()
