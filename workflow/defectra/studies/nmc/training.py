"""Training table: one row for each structure with every edge, labels, group and provenance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.errors import TableError
from defectra.core.paths import after_damage
from defectra.core.records import (
    GEOMETRIES,
    SITE_AVERAGES,
    STRUCTURES,
    Column,
    Defect,
    Origin,
    Table,
)
from defectra.core.store import read_groups, read_table, table_writer
from defectra.spectra.normalise import cdf
from defectra.structures.composition import METALS

Row = dict[str, Any]
COUNTS = ("n_sites", "n_computed", "n_unconverged", "n_failed")
LEFT_OUT_COLUMNS = ["structure_id", "reason"]
_RAW = "raw: "
_CELL = "structure_id study composition family species defect rank".split()

_FIXED = (
    Column("structure_id", "string", "", "hash of the ideal decorated lattice"),
    Column("study", "string", "", "study that asked for it"),
    Column("origin", "string", "", "run: asked for by the study; parsed: made elsewhere"),
    Column("geometry_protocol", "string", "", "fidelity of the geometry, one for each table"),
    Column("protocol", "string", "", "fidelity of the spectra, one for each table"),
    Column("group", "string", "", "family: what no split may cut"),
    Column("composition", "string", "", "metal composition of the parent"),
    Column("lithium", "float", "per metal", "lithium atoms over metal atoms of the cell"),
    *(Column(f"n_{m}", "float", "per metal", f"{m} atoms over metal atoms") for m in METALS),
    Column("vacancy", "int", "", "1 with an oxygen vacancy"),
    Column("antisite", "int", "", "1 with a Li/Ni antisite pair"),
    Column("defect", "string", "", "defect kind"),
)
_MEANING = {
    "n_sites": "sites of the element in the cell",
    "n_computed": "sites in the mean",
    "n_unconverged": "of these, not self-consistent",
    "n_failed": "sites asked for without a spectrum",
}


def training_table(edges: Iterable[str]) -> Table:
    """Schema of the training table for these edges, e.g. ``"O K"``."""
    names = list(edges)
    features = [Column(f"{_RAW}{e}", "floats", "1/eV", "site mean, unit area") for e in names]
    features += [Column(f"cdf: {e}", "floats", "", "cumulative sum, 0 to 1") for e in names]
    counts = [Column(f"{c}: {e}", "int", "", _MEANING[c]) for e in names for c in COUNTS]
    last = (
        Column("calculation_ids", "strings", "", "calculations behind the row"),
        Column("config_hash", "string", "", "hash of the resolved config"),
    )
    return Table("training", (*_FIXED, *features, *counts, *last))


Parsed = Callable[[set[str]], tuple[list[Row], list[Row]]]


def _nothing_parsed(known: set[str]) -> tuple[list[Row], list[Row]]:  # noqa: ARG001
    return [], []


def edges_of(columns: Iterable[str]) -> list[str]:
    """Edges of a training table from its column names."""
    return [c.removeprefix(_RAW) for c in columns if c.startswith(_RAW)]


def column_names(path: str | Path) -> list[str]:
    """Columns of a table whose edges are not known beforehand.

    Raises
    ------
    TableError
        If there is no such table, or it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except FileNotFoundError:
        raise TableError(
            f"{path}: no such table; a run makes it (`make`, with the study), or name another"
        ) from None
    except (pa.ArrowInvalid, OSError):
        raise TableError(f"{path}: damaged Parquet file; {after_damage(path)}") from None


def read_training(path: str | Path) -> list[Row]:
    """Read a training table, by structure_id; its edges are those of the file."""
    names = column_names(path)
    rows = read_table(path, training_table(edges_of(names)))
    return sorted(rows, key=lambda row: str(row["structure_id"]))


def read_volumes(path: str | Path, protocol: str) -> dict[str, float]:
    """Cell volume of each structure at a geometry protocol, Å³, from a geometries table."""
    columns = ["geometry_id", "structure_id", "protocol", "volume"]
    rows = read_table(path, GEOMETRIES, columns)
    return {r["structure_id"]: float(r["volume"]) for r in rows if r["protocol"] == protocol}


def select(
    site_averages: Iterable[Mapping[str, Any]], geometry_protocol: str, protocol: str
) -> list[Mapping[str, Any]]:
    """Rows of one geometry protocol and one spectral protocol."""
    wanted = (geometry_protocol, protocol)
    return [r for r in site_averages if (r["geometry_protocol"], r["protocol"]) == wanted]


def build(
    structures: Iterable[Mapping[str, Any]],
    site_averages: Iterable[Mapping[str, Any]],
    edges: Sequence[str],
    config_hash: str,
) -> tuple[list[Row], list[Row]]:
    """Rows of the training table, and what was left out and why.

    Parameters
    ----------
    structures, site_averages
        Rows of these tables; the averages of one geometry protocol and one protocol
        (:func:`select`).
    edges
        Element-edges that a row must have.
    config_hash
        Hash of the resolved config.

    Returns
    -------
    list of dict
        Rows of :func:`training_table`.
    list of dict
        ``structure_id`` and ``reason`` of each structure without a row.

    Raises
    ------
    TableError
        If two fidelities meet, or an average belongs to no structure.
    """
    averages = list(site_averages)
    _check_one_fidelity(averages)
    by_structure: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for row in averages:
        by_structure[row["structure_id"]][f"{row['element']} {row['edge']}"] = row
    cells = {s["structure_id"]: s for s in structures}
    _check_known(set(by_structure), cells)
    rows, left_out = [], []
    for name, cell in sorted(cells.items()):
        reason = _reason(cell, by_structure.get(name, {}), edges)
        if reason:
            left_out.append({"structure_id": name, "reason": reason})
        else:
            rows.append(_row(cell, by_structure[name], edges, config_hash))
    return rows, left_out


def write_training(
    out: str | Path,
    structures: str | Path,
    site_averages: str | Path,
    fidelity: tuple[str, str],
    edges: Sequence[str],
    config_hash: str,
    parsed: Parsed = _nothing_parsed,
) -> list[Row]:
    """Write the training table, one row group of the averages in memory at a time.

    A row group of the averages holds whole structures (:mod:`defectra.spectra.site_averages`).

    Parameters
    ----------
    structures, site_averages
        Files of these tables.
    fidelity
        Geometry protocol and spectral protocol.
    parsed
        Rows from runs made elsewhere and what was left out of them, given the calculations that
        the table has already.

    Returns
    -------
    list of dict
        ``structure_id`` and ``reason`` of each structure without a row.
    """
    cells = {row["structure_id"]: row for row in read_table(structures, STRUCTURES, _CELL)}
    left_out: list[Row] = []
    names_known: set[str] = set()
    with table_writer(out, training_table(edges)) as add:
        for group in read_groups(site_averages, SITE_AVERAGES):
            names = set(group["structure_id"].to_pylist())
            _check_known(names, cells)
            own = [cells.pop(name) for name in names]
            rows, without = build(own, select(group.to_pylist(), *fidelity), edges, config_hash)
            add(rows)
            names_known.update(i for row in rows for i in row["calculation_ids"])
            left_out += without
        rows, without = parsed(names_known)
        add(rows)
        left_out += without
    left_out += build(cells.values(), [], edges, config_hash)[1]
    return sorted(left_out, key=lambda row: str(row["structure_id"]))


def _check_known(names: set[str], cells: Mapping[str, Any]) -> None:
    unknown = sorted(names - set(cells))
    if unknown:
        raise TableError(f"site averages of unknown structures, e.g. {unknown[0]}; rerun gather")


def _check_one_fidelity(averages: list[Mapping[str, Any]]) -> None:
    for key in ("geometry_protocol", "protocol"):
        found = sorted({r[key] for r in averages})
        if len(found) > 1:
            raise TableError(
                f"training table: {key} must be one, found {', '.join(found)}; select one of them"
            )


def _reason(
    cell: Mapping[str, Any], averages: Mapping[str, Mapping[str, Any]], edges: Sequence[str]
) -> str:
    absent = [e for e in edges if e not in averages]
    failed = [e for e in edges if e in averages and not averages[e]["mu"]]
    if absent and cell["rank"] < 0:
        return f"only in the lithium series: not asked for {', '.join(absent)}"
    if absent == list(edges):
        return "no spectrum at this fidelity"
    parts = [f"no spectrum of {', '.join(absent)}"] if absent else []
    parts += [f"every site failed of {', '.join(failed)}"] if failed else []
    return "; ".join(parts)


def _row(
    cell: Mapping[str, Any],
    averages: Mapping[str, Mapping[str, Any]],
    edges: Sequence[str],
    config_hash: str,
) -> Row:
    first = averages[edges[0]]
    row: Row = {
        "structure_id": cell["structure_id"],
        "study": cell["study"],
        "origin": str(Origin.RUN),
        "geometry_protocol": first["geometry_protocol"],
        "protocol": first["protocol"],
        "group": cell["family"],
        "composition": cell["composition"],
        **labels(cell),
    }
    row |= {f"{_RAW}{e}": averages[e]["mu"] for e in edges}
    row |= {f"cdf: {e}": cdf(np.array(averages[e]["mu"])).tolist() for e in edges}
    row |= {f"{c}: {e}": averages[e][c] for e in edges for c in COUNTS}
    row["calculation_ids"] = [i for e in edges for i in averages[e]["calculation_ids"]]
    row["config_hash"] = config_hash
    return row


def labels(cell: Mapping[str, Any]) -> Row:
    """Labels of a structures row: contents per metal atom, and the defect."""
    species = list(cell["species"])
    metals = sum(species.count(m) for m in METALS)
    row: Row = {"lithium": species.count("Li") / metals}
    row |= {f"n_{m}": species.count(m) / metals for m in METALS}
    row["vacancy"] = int(cell["defect"] == Defect.OXYGEN_VACANCY)
    row["antisite"] = int(cell["defect"] == Defect.ANTISITE_PAIR)
    row["defect"] = cell["defect"]
    return row
