"""`defectra import`: a tree of finished runs of mixed engines becomes tables."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.errors import DefectraError, EngineError
from defectra.core.folder_digest import SKIPPED
from defectra.core.paths import why_no_folder
from defectra.core.records import (
    CALCULATIONS,
    GEOMETRIES,
    IMPORTS,
    PASSED_OVER,
    SPECTRA,
    STRUCTURES,
    Origin,
    Status,
)
from defectra.core.store import Row, disk_errors, made, write_table
from defectra.core.textfiles import blocks
from defectra.engines.edges import find as tabulated
from defectra.engines.edges import is_element
from defectra.engines.exciting import read as exciting
from defectra.engines.fdmnes import read as fdmnes
from defectra.engines.feff import read as feff
from defectra.engines.finished import copies, named, passed_over
from defectra.engines.finished.pairing import Paired, pair
from defectra.engines.finished.reader import Axis, Folder, Reader, Reading
from defectra.engines.finished.settings_beside import settings
from defectra.engines.gpaw import read as gpaw
from defectra.engines.ocean import read as ocean
from defectra.engines.vasp import read as vasp
from defectra.engines.xspectra import read as xspectra

READERS: tuple[Reader, ...] = (feff, gpaw, vasp, fdmnes, xspectra, ocean, exciting, named)
_RANK = list(Status)


@dataclass
class Imported:
    """Rows of the six tables, ready to be written."""

    imports: list[Row] = field(default_factory=list)
    calculations: dict[str, Row] = field(default_factory=dict)
    spectra: dict[str, Row] = field(default_factory=dict)
    structures: dict[str, Row] = field(default_factory=dict)
    geometries: dict[str, Row] = field(default_factory=dict)
    passed_over: list[Row] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write the tables as Parquet files into a folder, each whole or not at all.

        ``imports`` comes last: while it is not there, the import has not ended.
        """
        with disk_errors(made(folder)):
            (folder / "imports.parquet").unlink(missing_ok=True)
        for name, table in (
            ("calculations", CALCULATIONS),
            ("spectra", SPECTRA),
            ("structures", STRUCTURES),
            ("geometries", GEOMETRIES),
            ("passed_over", PASSED_OVER),
        ):
            rows = getattr(self, name)
            listed = rows if isinstance(rows, list) else rows.values()
            write_table(folder / f"{name}.parquet", listed, table)
        write_table(folder / "imports.parquet", self.imports, IMPORTS)


def import_tree(
    root: Path,
    absorber: tuple[str, str] | None = None,
    readers: Sequence[Reader] = READERS,
) -> Imported:
    """Read every run below a folder; what cannot be read is a row with the reason.

    Parameters
    ----------
    absorber
        Element and edge for runs that tell none, e.g. ``("Ti", "K")``.
    readers
        In the order in which they are asked; some of ours, or a reader of your own among them.

    Raises
    ------
    EngineError
        ``missing_output`` if there is no such folder, or it cannot be read.
    """
    root = Path(root).resolve()
    if not root.is_dir():
        raise EngineError("missing_output", f"{root}: {why_no_folder(root)}")
    out, unreadable = Imported(), list[OSError]()
    for folder in folders(root, unreadable):
        found = list(runs(folder, readers))
        for reader, files in found:
            _add(out, reader, files, folder, root, absorber)
        taken = {path for _, files in found for path in files}
        engines = {reader for reader, _ in found}
        for path, reason in passed_over.reasons(folder, taken, engines, readers):
            out.passed_over.append({"source": str(path.relative_to(root)), "reason": reason})
    for error in unreadable:
        path, why = Path(error.filename), f"folder that cannot be read ({error.strerror})"
        if path == root:
            raise EngineError("missing_output", f"{root}: {why}")
        out.passed_over.append({"source": str(path.relative_to(root)), "reason": why})
    copies.drop(out.imports, out.calculations, out.spectra)
    return out


def folders(root: Path, unreadable: list[OSError] | None = None) -> Iterator[Folder]:
    """All folders of a tree that can be read, in a stable order; links are not followed.

    Parameters
    ----------
    unreadable
        Gets the error of each folder that cannot be read.
    """
    onerror = None if unreadable is None else unreadable.append
    for path, names, _ in os.walk(root, onerror=onerror):
        names[:] = sorted(n for n in names if n not in SKIPPED)
        yield Folder(Path(path))


def runs(
    folder: Folder, readers: Sequence[Reader] = READERS
) -> list[tuple[Reader, tuple[Path, ...]]]:
    """Spectra of a folder with the reader that knows each; a file is read once."""
    found: list[tuple[Reader, tuple[Path, ...]]] = []
    taken: set[Path] = set()
    for reader in readers:
        for files in reader.find(folder):
            if not taken & set(files):
                taken |= set(files)
                found.append((reader, files))
    return found


def _add(
    out: Imported,
    reader: Reader,
    files: tuple[Path, ...],
    folder: Folder,
    root: Path,
    absorber: tuple[str, str] | None,
) -> None:
    row = _blank(reader, files, root)
    try:
        reading = _named_absorber(reader.read(files, folder), absorber)
        paired = pair(reading, files[0].parent, root)
        element = _check(reading, paired)
    except DefectraError as error:
        row["error_class"] = getattr(error, "error_class", "unreadable")
        row["message"] = str(error)
        row["calculation_id"] = _digest("failed", row["source"])
        out.imports.append(row)
        out.calculations[row["calculation_id"]] = _calculation(row, None, None, "")
        return
    _describe(row, reading, paired, files)
    _store(out, row, reading, paired, element)


def _named_absorber(reading: Reading, absorber: tuple[str, str] | None) -> Reading:
    """The reading with the user's element and edge, if the run itself gives none."""
    own = reading.absorber
    if absorber is None or (own.element and own.edge):
        return reading
    if own.element not in ("", absorber[0]):
        return reading
    known = replace(own, element=absorber[0], edge=own.edge or absorber[1])
    note = f"absorber {' '.join(absorber)} named by the user"
    return replace(reading, absorber=known, note="; ".join(n for n in (reading.note, note) if n))


def _blank(reader: Reader, files: tuple[Path, ...], root: Path) -> Row:
    row: Row = {c.name: None for c in IMPORTS.columns}
    names = [str(f.relative_to(root)) for f in files]
    strings = {c.name: "" for c in IMPORTS.columns if c.type == "string"}
    return (
        row
        | strings
        | {
            "source": names[0],
            "files": names,
            "engine": reader.ENGINE,
            "status": str(Status.FAILED),
            "parser_version": reader.PARSER_VERSION,
        }
    )


def _check(reading: Reading, paired: Paired) -> str:
    """Element of the absorber, once the energies agree with its edge.

    Raises
    ------
    EngineError
        ``unknown_absorber`` or ``wrong_edge``.
    """
    element, edge = reading.absorber.element, reading.absorber.edge
    if not element and paired.geometry and paired.index is not None:
        element = paired.geometry["species"][paired.index]
    if not element or not edge:
        what = "element" if not element else "edge"
        raise EngineError(
            "unknown_absorber",
            f"nothing says the absorbing {what} ({reading.absorber.label or 'no input file'}); "
            "put the input of the run beside it",
        )
    if not is_element(element):
        raise EngineError(
            "unknown_absorber",
            f"{element!r} is no element ({reading.absorber.label or 'no input file'}); name it "
            "with --absorber",
        )
    known = tabulated(element, edge)
    if reading.axis is Axis.ABSOLUTE and known is not None:
        first, last = reading.parsed.energy[[0, -1]]
        slack = 0.03 * known.energy + 15.0  # eV; calculated core levels are off by up to 2 %
        if not first - slack < known.energy < last + slack:
            raise EngineError(
                "wrong_edge",
                f"energies run from {first:.1f} to {last:.1f} eV, the {element} {edge} edge is at "
                f"{known.energy:.1f} eV",
            )
    return element


def _describe(row: Row, reading: Reading, paired: Paired, files: tuple[Path, ...]) -> None:
    energy = reading.parsed.energy
    status, kind, message = _status(reading)
    row |= {
        "calculation_id": _calculation_id(reading, files),
        "identity": "input" if reading.inputs or reading.identity else "output",
        "settings": settings(reading.inputs, reading.potentials),
        "structure_source": paired.source,
        "paired_by": paired.how,
        "site_index": paired.index,
        "axis": str(reading.axis),
        "unit": reading.unit,
        "n_points": len(energy),
        "first_eV": float(energy[0]),
        "last_eV": float(energy[-1]),
        "status": status,
        "error_class": kind,
        "message": "; ".join(m for m in (message, reading.note) if m),
    }


def _status(reading: Reading) -> tuple[str, str, str]:
    if reading.converged:
        return str(Status.OK), "", ""
    if reading.converged is None:
        text = "no log states whether the potentials converged"
        return str(Status.UNCONVERGED), "convergence_unknown", text
    steps = reading.parsed.iterations
    text = (
        f"{steps} iterations did not do" if steps else "the output does not say that it ended well"
    )
    return str(Status.UNCONVERGED), "not_self_consistent", text


def _calculation_id(reading: Reading, files: tuple[Path, ...]) -> str:
    """SHA-256 of the input as our own runs have it, else of the output."""
    if reading.identity:
        return reading.identity
    if set(reading.inputs) == {"feff.inp"}:
        return hashlib.sha256(_plain(reading.inputs["feff.inp"]).encode()).hexdigest()
    if reading.inputs:
        plain = {name: _plain(text) for name, text in reading.inputs.items()}
        return _digest("input", json.dumps(plain, sort_keys=True))
    digest = hashlib.sha256()
    for path in files:
        for part in blocks(path):
            digest.update(part)
    return digest.hexdigest()


def _plain(text: str) -> str:
    r"""A text with ``\n`` at the ends of its lines, whatever it was copied through."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _store(out: Imported, row: Row, reading: Reading, paired: Paired, element: str) -> None:
    name = row["calculation_id"]
    before = next((r for r in out.imports if r["calculation_id"] == name), None)
    out.imports.append(row)
    if before is not None and not _better(out, row, reading):
        return
    for other in out.imports[:-1] if before is not None else []:
        if other["calculation_id"] == name:
            other["duplicate_of"] = row["source"]
            row["duplicate_of"] = ""
    if paired.structure and paired.geometry:
        out.structures.setdefault(paired.structure["structure_id"], paired.structure)
        out.geometries.setdefault(paired.geometry["geometry_id"], paired.geometry)
    out.calculations[name] = _calculation(row, reading, paired, element)
    out.spectra[name] = {
        "calculation_id": name,
        "energy_eV": reading.parsed.energy.tolist(),
        "mu": reading.parsed.mu.tolist(),
        "mu0": reading.parsed.mu0.tolist(),
        "edge_step": reading.parsed.edge_step,
    }


def _better(out: Imported, row: Row, reading: Reading) -> bool:
    """Whether a run replaces one with the same input; the other row says why it lost.

    A spectrum that is the beginning of the other is a cut copy, and has failed. Of two different
    ones the first stays, and the second says so.
    """
    name = row["calculation_id"]
    kept = next(r for r in out.imports if r["calculation_id"] == name and not r["duplicate_of"])
    row["duplicate_of"] = kept["source"]
    one, two = out.spectra[name], reading.parsed
    n = min(len(one["energy_eV"]), len(two.energy))
    same = np.allclose(one["energy_eV"][:n], two.energy[:n]) and np.allclose(
        one["mu"][:n], two.mu[:n], rtol=1e-4, atol=1e-6 * float(np.max(np.abs(two.mu)))
    )
    if not same:
        note = f"has the input of {kept['source']}, {copies.NOT_KEPT}"
        row["message"] = "; ".join(m for m in (row["message"], note) if m)
        return False
    longer = len(two.energy) - len(one["energy_eV"])
    if longer:
        cut, whole = (kept, row) if longer > 0 else (row, kept)
        cut |= {
            "status": str(Status.FAILED),
            "error_class": "truncated_output",
            "message": f"ends at {cut['last_eV']:g} eV; {whole['source']}, of the same input, "
            f"goes to {whole['last_eV']:g} eV",
        }
        return longer > 0
    return _RANK.index(out.calculations[name]["status"]) > _RANK.index(row["status"])


def _calculation(row: Row, reading: Reading | None, paired: Paired | None, element: str) -> Row:
    geometry = paired.geometry if paired and paired.geometry else {}
    inputs = reading.inputs if reading else {}
    text = "".join(inputs[k] for k in sorted(inputs))
    return {
        "calculation_id": row["calculation_id"],
        "geometry_id": geometry.get("geometry_id", ""),
        "structure_id": geometry.get("structure_id", ""),
        "engine": row["engine"],
        "engine_version": reading.version if reading else "",
        "protocol": "parsed",
        "geometry_protocol": "parsed" if geometry else "",
        "element": element,
        "edge": reading.absorber.edge if reading else "",
        "site": paired.site if paired else "",
        "multiplicity": paired.multiplicity if paired else None,
        "status": row["status"],
        "attempt": 1,
        "error_class": row["error_class"],
        "message": row["message"],
        "wall_s": np.nan,
        "cpu_s": np.nan,
        "max_rss_mb": np.nan,
        "origin": str(Origin.PARSED),
        "iterations": reading.parsed.iterations if reading else 0,
        "efermi_eV": reading.parsed.efermi if reading else np.nan,
        "edge_eV": reading.parsed.edge if reading else np.nan,
        "shared_from": "",
        "inputs_sha256": hashlib.sha256(text.encode()).hexdigest() if text else "",
        "parser_version": row["parser_version"],
    }


def summary(found: Imported) -> dict[str, Any]:
    """Counts for people: runs by engine and status, pairs, reasons of failures."""
    from collections import Counter

    return {
        "runs": len(found.imports),
        "calculations": len(found.calculations),
        "spectra": len(found.spectra),
        "structures": len(found.structures),
        "by_engine": dict(Counter(f"{r['engine']} {r['status']}" for r in found.imports)),
        "with_site": sum(r["site_index"] is not None for r in found.imports),
        "passed_over": dict(Counter(r["reason"] for r in found.passed_over).most_common()),
        "duplicates": sum(bool(r["duplicate_of"]) for r in found.imports),
        "reasons": dict(
            Counter(r["error_class"] for r in found.imports if r["error_class"]).most_common()
        ),
    }
