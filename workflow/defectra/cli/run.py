"""`defectra run`: one site of the user's own structure in any engine, results as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectra.core.errors import ConfigError, EngineError, StructureError
from defectra.core.protocols import Protocols
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA, STRUCTURES
from defectra.core.store import Archive, write_bytes
from defectra.engines.finished.pairing import rows_of
from defectra.engines.folder import alone
from defectra.engines.single import Row, SingleEngine, compute
from defectra.engines.sites import engine, names, protocol_of
from defectra.structures.io import read_structure

if TYPE_CHECKING:
    from pymatgen.core import Structure


@dataclass(frozen=True)
class Asked:
    """One edge of one site of a structure file in one engine.

    Attributes
    ----------
    element, edge
        E.g. ``O`` and ``K``.
    site
        Number in the file, from 0; None: the first of each kind of site of the element.
    """

    engine: str
    protocol: str
    structure: Path
    element: str
    edge: str
    site: int | None = None


def sites(asked: Asked, geometry: Mapping[str, Any]) -> list[int]:
    """Sites that are asked for.

    Raises
    ------
    ConfigError
        If the structure has none such.
    """
    species, labels = geometry["species"], geometry["site_labels"]
    own = [i for i, e in enumerate(species) if e == asked.element]
    if not own:
        raise ConfigError(f"{asked.structure}: no {asked.element}, but {', '.join(set(species))}")
    if asked.site is None:
        return [i for i in own if labels.index(labels[i]) == i]
    if asked.site not in own:
        raise ConfigError(
            f"{asked.structure}: site {asked.site} is not {asked.element}; its sites: "
            f"{', '.join(map(str, own))}"
        )
    return [asked.site]


def run(
    asked: Asked, known: Protocols, out: Path, *, write_only: bool = False
) -> list[tuple[int, Path, Row]]:
    """Write inputs, run, read, and add the tables to `out`; (site, folder, calculations row) each.

    A calculation that `out` holds already is not repeated, unless it failed; one that another
    process computes at the moment is refused (BusyError).

    Parameters
    ----------
    out
        Gets a folder for each calculation and the tables in parts, as the archive has them.
    write_only
        Leave it at the inputs.
    """
    chosen, protocol = _chosen(asked, known)
    structure, geometry, _ = rows_of(_structure(asked.structure))
    store = Archive(out)
    done = []
    for index in sites(asked, geometry):
        runner = chosen.site(geometry, index)
        name = runner.identity(asked.edge, protocol)
        folder = out / f"{asked.engine}-{name[:16]}"
        with alone(folder):
            if write_only:
                for file, text in runner.inputs(asked.edge, protocol).items():
                    write_bytes(folder / file, text.encode())
                row: Row = {"engine": asked.engine, "status": "written", "message": ""}
            else:
                row = _finished(store, name, chosen) or {}
                if not row:
                    settings = (asked.protocol, protocol)
                    row, spectrum = compute(chosen, geometry, index, asked.edge, settings, folder)
                    _keep(store, structure, geometry, spectrum, row)
        done.append((index, out / f"{row['engine']}-{name[:16]}", row))
    return done


def _structure(path: Path) -> Structure:
    """Structure of a file.

    Raises
    ------
    StructureError
        If it cannot be read, or a site is partly occupied.
    """
    structure = read_structure(path)
    if not structure.is_ordered:
        raise StructureError(f"{path}: partly occupied sites; give one ordered cell")
    return structure


def _finished(store: Archive, name: str, chosen: SingleEngine) -> Row | None:
    """Row of a calculation that is there already; whose it is, if not this engine's, it says."""
    row = next((r for r in store.read(CALCULATIONS) if r["calculation_id"] == name), None)
    if row is None:
        return None
    other = "use another --out to compute it anew"
    if row["engine"] != chosen.ENGINE:
        told = f"there already, by {row['engine']}, which has the same input; {other}"
    elif row["parser_version"] != chosen.PARSER_VERSION:
        told = f"there already, by reader {row['parser_version']} of {chosen.ENGINE}; {other}"
    else:
        return row
    return row | {"message": "; ".join(m for m in (row["message"], told) if m)}


def _keep(store: Archive, structure: Row, geometry: Row, spectrum: Row | None, row: Row) -> None:
    """Add what came out; a calculation without a spectrum is tried again and not kept."""
    if spectrum is not None:
        store.add([structure], STRUCTURES)
        store.add([geometry], GEOMETRIES)
        store.add([spectrum], SPECTRA)
        store.add([row], CALCULATIONS)


def _chosen(asked: Asked, known: Protocols) -> tuple[SingleEngine, Any]:
    if asked.engine not in names():
        raise ConfigError(f"no engine {asked.engine!r}; there are {', '.join(names())}")
    protocol = protocol_of(asked.engine, asked.protocol, asked.element, known)
    return engine(asked.engine), protocol


def told(asked: Asked, index: int, folder: Path, row: Row) -> str:
    """One line for people."""
    what = f"{row['engine']} {row.get('protocol', asked.protocol)}"
    where = f"{what}, {asked.element} {asked.edge} of site {index}"
    said = f" ({row['message']})" if row["message"] else ""
    return f"{where}: {row['status']}{said}; {folder}"


def missing(name: str) -> str:
    """What keeps an engine from running here; empty if nothing does."""
    try:
        engine(name).engine_version()
    except EngineError as error:
        return str(error)
    return ""
