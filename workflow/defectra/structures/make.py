"""``python -m defectra.structures.make request.yaml structures.parquet [folder]``."""

from __future__ import annotations

import sys
from pathlib import Path

from defectra.errors import StructureError
from defectra.structures import request, table


def main(arguments: list[str]) -> int:
    """Make what a request asks for; writes the table, and a CIF of each into a folder if given."""
    if len(arguments) not in (2, 3):
        print(__doc__)
        return 2
    try:
        found = request.rows(request.load(arguments[0]))
    except StructureError as error:
        print(error, file=sys.stderr)
        return 1
    table.write(arguments[1], found)
    if len(arguments) == 3:
        _write_cifs(found, Path(arguments[2]))
    unique = {r["structure_id"]: r for r in found}
    print(f"{len(unique)} structures written to {arguments[1]}")
    if any(r["edge"] for r in found):
        print(
            "note: the file is on the edge between two space groups (0.1 and 0.001 Å differ); "
            "look at column `spacegroup` and choose `symprec` on purpose"
        )
    return 0


def _write_cifs(found: list[dict[str, object]], folder: Path) -> None:
    from defectra.structures.geometry import to_pymatgen

    folder.mkdir(parents=True, exist_ok=True)
    for item in found:
        to_pymatgen(item).to(filename=str(folder / f"{item['structure_id']}.cif"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
