"""`defectra run`: one site of the user's own structure in any engine, results as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from defectra.errors import ConfigError, EngineError
from defectra.parsers.pairing import rows_of
from defectra.records import CALCULATIONS, GEOMETRIES, SPECTRA, STRUCTURES
from defectra.running.engines import engine, names, protocol_of
from defectra.running.single import Row, compute
from defectra.settings.protocols import Protocols
from defectra.store import Archive, write_bytes
from defectra.structures.io import read_structure


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

    A calculation that `out` holds already is not repeated, unless it failed.

    Parameters
    ----------
    out
        Gets a folder for each calculation and the tables in parts, as the archive has them.
    write_only
        Leave it at the inputs.
    """
    chosen, protocol = _chosen(asked, known)
    structure, geometry, _ = rows_of(read_structure(asked.structure))
    store = Archive(out)
    finished = {r["calculation_id"]: r for r in store.read(CALCULATIONS)}
    done = []
    for index in sites(asked, geometry):
        runner = chosen.site(geometry, index)
        name = runner.identity(asked.edge, protocol)
        folder = out / f"{asked.engine}-{name[:16]}"
        if write_only:
            for file, text in runner.inputs(asked.edge, protocol).items():
                write_bytes(folder / file, text.encode())
            done.append((index, folder, {"status": "written", "message": ""}))
            continue
        row = finished.get(name)
        if row is None:
            row, spectrum = compute(
                chosen, geometry, index, asked.edge, (asked.protocol, protocol), folder
            )
            if spectrum is not None:
                store.add([structure], STRUCTURES)
                store.add([geometry], GEOMETRIES)
                store.add([spectrum], SPECTRA)
                store.add([row], CALCULATIONS)
        done.append((index, folder, row))
    return done


def _chosen(asked: Asked, known: Protocols) -> tuple[Any, Any]:
    if asked.engine not in names():
        raise ConfigError(f"no engine {asked.engine!r}; there are {', '.join(names())}")
    protocol = protocol_of(asked.engine, asked.protocol, asked.element, known)
    return engine(asked.engine), protocol


def told(asked: Asked, index: int, folder: Path, row: Row) -> str:
    """One line for people."""
    where = f"{asked.engine} {asked.protocol}, {asked.element} {asked.edge} of site {index}"
    said = f" ({row['message']})" if row["message"] else ""
    return f"{where}: {row['status']}{said}; {folder}"


def missing(name: str) -> str:
    """What keeps an engine from running here; empty if nothing does."""
    try:
        engine(name).engine_version()
    except EngineError as error:
        return str(error)
    return ""
