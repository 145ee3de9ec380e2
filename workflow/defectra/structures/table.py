"""Rows and tables of the structure factory.

`FACTORY` is the structures table with five columns more: with which tolerance the symmetry was
found, whether the cell is on the edge, and whether a list of orderings is complete or a sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.core.records import STRUCTURES, Column, Table
from defectra.core.store import replacing, write_table
from defectra.structures.colourings import Colourings, Selection
from defectra.structures.crystal import VACANCY
from defectra.structures.identity import Decorated, atoms_of, orbit_labels, structure_id

FACTORY = Table(
    "factory",
    (
        *STRUCTURES.columns,
        Column("spacegroup", "int", "", "international number of the undecorated parent"),
        Column("symprec", "float", "Å", "tolerance with which it was found"),
        Column("edge", "bool", "", "the file has another group at 0.1 than at 0.001 Å"),
        Column("selection", "string", "", "all, or which sample"),
        Column("inequivalent", "string", "", "exact number of inequivalent orderings"),
    ),
)


def composition_of(decorated: Decorated) -> str:
    """Formula of the cell: species of the host by sublattice, then what a defect brought.

    E.g. ``Li12 Ni6 Mn6 O24``; ``Cd31 Te33`` for an antisite, ``Cd31 Te32 Cu1`` for a dopant.
    """
    host = (decorated.parent or decorated).species
    amounts = Counter(s for s in decorated.species if s != VACANCY)
    order = dict.fromkeys(s for s in (*host, *decorated.species) if s in amounts)
    return " ".join(f"{s}{amounts[s]}" for s in order)


def row(
    decorated: Decorated,
    *,
    study: str = "own",
    ordering: int = 0,
    rank: int = 0,
    found: Colourings | None = None,
) -> dict[str, Any]:
    """One row of the factory table.

    Parameters
    ----------
    found
        The list of orderings that the host is from: which selection, of how many, which seed.
    """
    cell, crystal = decorated.supercell, decorated.supercell.crystal
    kept = atoms_of(decorated)
    labels = orbit_labels(decorated)
    own_id = structure_id(decorated)
    parent = decorated.parent
    parent_id = structure_id(parent) if parent else own_id
    return {
        "structure_id": own_id,
        "study": study,
        "host": crystal.host,
        "formula": composition_of(decorated),
        "composition": composition_of(parent or decorated),
        "ordering": ordering,
        "lithium": float("nan"),
        "defect": " + ".join(decorated.defects) or "pristine",
        "defect_sites": [labels[i] for i in decorated.touched],
        "charge": decorated.charge,
        "supercell": [int(v) for v in cell.matrix.ravel()],
        "multiplicity": decorated.multiplicity,
        "parent_id": parent_id,
        "family": parent_id,
        "family_sites": kept,
        "seed": found.seed if found and found.seed is not None else 0,
        "rank": rank,
        "lattice": [float(v) for v in cell.lattice.ravel()],
        "species": [decorated.species[i] for i in kept],
        "coords": [float(v) for v in cell.coords[kept].ravel()],
        "site_labels": [labels[i] for i in kept],
        "spacegroup": crystal.spacegroup,
        "symprec": crystal.symprec,
        "edge": crystal.edge,
        "selection": str(found.selection if found else Selection.ALL),
        "inequivalent": str(found.total if found else 1),
    }


def write(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the factory table as Parquet, one row for each structure_id."""
    write_table(path, merged(rows), FACTORY)


def merged(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each structure_id, the first.

    A long supercell may hold one crystal in two ways that its own operations do not connect:
    two orderings of it, one structure. Their multiplicities are added.
    """
    unique: dict[str, dict[str, Any]] = {}
    orderings: dict[str, set[int]] = {}
    for item in rows:
        key = item["structure_id"]
        first = unique.setdefault(key, dict(item))
        seen = orderings.setdefault(key, {item["ordering"]})
        if item["defect"] == "pristine" and item["ordering"] not in seen:
            seen.add(item["ordering"])
            first["multiplicity"] += item["multiplicity"]
    return list(unique.values())


def write_orderings(path: str | Path, found: Colourings) -> None:
    """Write a (long) list of orderings as compact Parquet: pattern and multiplicity.

    `pattern` holds one byte for each coloured site, a number of `palette` in the metadata of
    the file, which also names host, supercell, sites, selection, seed and the exact counts.
    """
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    n = found.words.shape[1]
    pattern = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(n), len(found), [None, pa.py_buffer(found.words)]
    )
    meta = {
        "host": found.supercell.crystal.host,
        "supercell": found.supercell.matrix.tolist(),
        "sites": found.problem.sites.tolist(),
        "palette": list(found.problem.palette),
        "selection": str(found.selection),
        "seed": found.seed,
        "inequivalent": str(found.total),
        "raw": str(found.raw),
        "symprec": found.supercell.crystal.symprec,
        "edge": found.supercell.crystal.edge,
    }
    data = pa.table({"pattern": pattern, "multiplicity": found.multiplicity})
    data = data.replace_schema_metadata({"table": "orderings", "orderings": json.dumps(meta)})
    with replacing(path) as temporary:
        pq.write_table(data, temporary, compression="zstd", use_dictionary=False)
