"""Spectra that were computed somewhere, from whatever holds them: folder of runs, import, parts.

`defectra import` leaves tables, `defectra run` parts of tables, an archive is the same; any other
folder is looked through for finished runs. All give the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from defectra.core.errors import TableError
from defectra.core.paths import why_no_folder
from defectra.core.records import (
    CALCULATIONS,
    GEOMETRIES,
    IMPORTS,
    SPECTRA,
    STRUCTURES,
    Status,
)
from defectra.core.store import Archive, read_table
from defectra.engines.finished.copies import NOT_KEPT
from defectra.engines.finished.settings_beside import kinds

Row = dict[str, Any]
Fidelity = tuple[str, str, str]  # engine, protocol, geometry protocol
_BESIDE = "settings beside the digest"
NOT_TOLD = "parsed"  # protocol of a run whose input does not say its settings


@dataclass
class FinishedRuns:
    """Calculations with a spectrum, a structure and a site, and what they stand on.

    Attributes
    ----------
    calculations
        Calculations rows; the protocol of a parsed run is ``parsed-<digest of its settings>``, with
        ``-k<spacing>`` and ``-p<digest>`` where runs differ in k-point meshes or potentials.
    spectra, structures, geometries
        Rows of these tables, by calculation_id, structure_id and geometry_id.
    left_out
        ``source`` and ``reason`` of each that cannot be used.
    """

    calculations: list[Row] = field(default_factory=list)
    spectra: dict[str, Row] = field(default_factory=dict)
    structures: dict[str, Row] = field(default_factory=dict)
    geometries: dict[str, Row] = field(default_factory=dict)
    left_out: list[Row] = field(default_factory=list)

    def fidelities(self) -> dict[Fidelity, int]:
        """How many calculations there are of each engine, protocol and geometry protocol."""
        found: dict[Fidelity, int] = {}
        for row in self.calculations:
            key = fidelity_of(row)
            found[key] = found.get(key, 0) + 1
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def fidelity_of(row: Mapping[str, Any]) -> Fidelity:
    """Engine, protocol and geometry protocol of a calculations row."""
    return row["engine"], row["protocol"], row["geometry_protocol"]


def read_finished(
    folders: Iterable[str | Path], absorber: tuple[str, str] | None = None
) -> FinishedRuns:
    """What some folders hold; a calculation that two of them hold counts once, the first.

    Parameters
    ----------
    absorber
        Element and edge for runs that tell none.

    Raises
    ------
    TableError
        If a folder is not there, or its tables are damaged.
    EngineError
        As the import of a tree.
    """
    out = FinishedRuns()
    for name in folders:
        folder = Path(name)
        if not folder.is_dir():
            raise TableError(f"{folder}: {why_no_folder(folder)}")
        tables = _tables(folder, absorber)
        _add(out, folder, *tables)
    _split(out.calculations)
    return out


def _split(rows: Sequence[Row]) -> None:
    """Tell runs of one INCAR apart whose k-point meshes or potentials differ."""
    alike: dict[Fidelity, list[Row]] = {}
    for row in rows:
        if row["protocol"].startswith(f"{NOT_TOLD}-"):
            row["protocol"], _, row[_BESIDE] = row["protocol"].partition(" ")
            alike.setdefault(fidelity_of(row), []).append(row)
    for members in alike.values():
        for row, suffix in zip(members, kinds([row.pop(_BESIDE) for row in members])):
            row["protocol"] += suffix


Tables = tuple[Sequence[Row], Sequence[Row], Sequence[Row], Sequence[Row], Sequence[Row]]


def _tables(folder: Path, absorber: tuple[str, str] | None) -> Tables:
    """Rows of calculations, spectra, structures, geometries and imports of a folder."""
    kinds = (CALCULATIONS, SPECTRA, STRUCTURES, GEOMETRIES)
    if (folder / "imports.parquet").is_file():
        first, second, third, fourth = (read_table(folder / f"{t.name}.parquet", t) for t in kinds)
        return first, second, third, fourth, read_table(folder / "imports.parquet", IMPORTS)
    if any((folder / CALCULATIONS.name).glob("part-*.parquet")):
        first, second, third, fourth = (Archive(folder).read(t) for t in kinds)
        return first, second, third, fourth, []
    from defectra.engines.finished.importing import import_tree

    found = import_tree(folder, absorber)
    rows = (found.calculations, found.spectra, found.structures, found.geometries)
    first, second, third, fourth = (list(r.values()) for r in rows)
    return first, second, third, fourth, found.imports


def _add(
    out: FinishedRuns,
    folder: Path,
    calculations: Sequence[Row],
    spectra: Sequence[Row],
    structures: Sequence[Row],
    geometries: Sequence[Row],
    imports: Sequence[Row],
) -> None:
    imported = {row["calculation_id"]: row for row in imports if not row["duplicate_of"]}
    out.left_out += [
        {"source": str(folder / row["source"]), "reason": row["message"]}
        for row in imports
        if row["duplicate_of"] and NOT_KEPT in row["message"]
    ]
    curves = {row["calculation_id"]: row for row in spectra}
    for row in calculations:
        name = row["calculation_id"]
        about = imported.get(name, {})
        reason = _reason(row, curves, about)
        if reason:
            where = about.get("source") or row["site"] or name[:16]
            out.left_out.append({"source": str(folder / where), "reason": reason})
        elif name not in out.spectra:
            out.spectra[name] = curves[name]
            out.calculations.append(row | _protocol(row, about))
    out.structures = {r["structure_id"]: r for r in structures} | out.structures
    out.geometries = {r["geometry_id"]: r for r in geometries} | out.geometries


def _protocol(row: Row, about: Mapping[str, Any]) -> Row:
    settings = about.get("settings", "")
    named = row["protocol"] != NOT_TOLD or not settings
    return {} if named else {"protocol": f"{NOT_TOLD}-{settings}"}


def _reason(row: Row, curves: Mapping[str, Row], about: Mapping[str, Any]) -> str:
    """Why a calculation cannot be used; empty if it can."""
    if row["status"] == Status.FAILED or row["calculation_id"] not in curves:
        return str(row["message"] or row["error_class"] or "no spectrum")
    if not row["structure_id"]:
        return f"no structure: {about.get('paired_by', '')}".rstrip(": ")
    if not row["site"]:
        return f"no site: {about.get('paired_by', '')}".rstrip(": ")
    return ""
