"""``python -m defectra.structures.make request.yaml structures.parquet [folder]``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from defectra.core.errors import StoreError, StructureError
from defectra.core.outputs import check_out
from defectra.structures import request, table


def main(arguments: list[str]) -> int:
    """Make what a request asks for; writes the table, and a CIF of each into a folder if given."""
    if len(arguments) not in (2, 3):
        print(__doc__)
        return 2
    out = Path(arguments[1])
    folder = Path(arguments[2]) if len(arguments) == 3 else None
    try:
        wanted = request.load(arguments[0])
        _check_writable(out, folder)
        check_out(out, [Path(arguments[0]), *([wanted.file] if wanted.file else [])], (".parquet",))
        found = request.rows_of_file(arguments[0], wanted)
        table.write(out, found)
        old = _write_cifs(found, folder) if folder else 0
    except (StructureError, StoreError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or out}: cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    unique = {r["structure_id"]: r for r in found}
    print(f"{len(unique)} structures written to {arguments[1]}")
    if any(r["edge"] for r in found):
        print(
            "note: the file is on the edge between two space groups (0.1 and 0.001 Å differ); "
            "look at column `spacegroup` and choose `symprec` on purpose"
        )
    if old:
        print(
            f"note: {folder} holds {old} CIFs of earlier requests as well; the table names its own"
        )
    return 0


def _check_writable(out: Path, folder: Path | None) -> None:
    """Refuse a folder that cannot be written before the work, not after it."""
    if out.is_dir():
        raise StructureError(f"{out}: is a folder; name the file of the table")
    for wanted in (out.parent, folder):
        if wanted is not None:
            wanted.mkdir(parents=True, exist_ok=True)
            if not os.access(wanted, os.W_OK):
                raise StructureError(f"{wanted}: the folder cannot be written")


def _write_cifs(found: list[dict[str, object]], folder: Path) -> int:
    """Write a CIF of each structure; how many others, of earlier requests, are there."""
    from defectra.structures.geometry import to_pymatgen

    unique = {str(item["structure_id"]): item for item in found}
    for own_id, item in unique.items():
        to_pymatgen(item).to(filename=str(folder / f"{own_id}.cif"))
    return sum(len(p.stem) == 16 and p.stem not in unique for p in folder.glob("*.cif"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
