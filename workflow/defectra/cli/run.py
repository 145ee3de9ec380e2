"""`defectra run`: one site of the user's own structure in any engine, results as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defectra.core.errors import StructureError
from defectra.core.protocols import Protocols
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA, STRUCTURES, Status
from defectra.core.store import Archive, write_bytes
from defectra.engines.finished.pairing import rows_of
from defectra.engines.folder import alone
from defectra.engines.programs import Changed, Program, Site
from defectra.engines.spectrum import SpectrumEngine, protocol_of, spectrum_engine
from defectra.structures.io import read_structure

if TYPE_CHECKING:
    from pymatgen.core import Structure


Row = dict[str, Any]


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
    StructureError
        If the structure has none such.
    """
    species, labels = geometry["species"], geometry["site_labels"]
    own = [i for i, e in enumerate(species) if e == asked.element]
    if not own:
        there = ", ".join(dict.fromkeys(species))
        raise StructureError(f"{asked.structure}: no atom of {asked.element}; there are {there}")
    if asked.site is None:
        return [i for i in own if labels.index(labels[i]) == i]
    if asked.site not in own:
        raise StructureError(
            f"{asked.structure}: site {asked.site} is not {asked.element}; its sites: "
            f"{', '.join(map(str, own))}"
        )
    return [asked.site]


def run(
    asked: Asked, known: Protocols, out: Path, *, write_only: bool = False
) -> list[tuple[int, Path, Row]]:
    """Write inputs, run, read, and add the tables to `out`; (site, folder, calculations row) each.

    A calculation that `out` holds already is not repeated, unless it failed; if it is of another
    program or POTCAR than those of now, it is a failed row that says so. One that another process
    computes at the moment is refused (BusyError).

    Parameters
    ----------
    out
        Gets a folder for each calculation and the tables in parts, as the archive has them.
    write_only
        Leave it at the inputs.
    """
    chosen = spectrum_engine(asked.engine)
    protocol = protocol_of(chosen, asked.protocol, known)
    structure, geometry, _ = rows_of(_structure(asked.structure))
    store = Archive(out)
    done = []
    for index in sites(asked, geometry):
        site = chosen.site(geometry, index)
        request = site.request(asked.edge, (asked.protocol, protocol))
        name = request.calculation_id
        folder = out / f"{asked.engine}-{name[:16]}"
        with alone(folder):
            if isinstance(site.runner, Site):
                site.runner.held = True
            if write_only:
                _refuse_inside(asked.structure, folder)
                for file, text in site.runner.inputs(asked.edge, protocol).items():
                    write_bytes(folder / file, text.encode())
                row: Row = {"engine": asked.engine, "status": "written", "message": ""}
            else:
                row = _finished(store, name, chosen) or {}
                if row and isinstance(site.runner, Site) and row["engine"] == chosen.ENGINE:
                    row = _by_this_program(row, site.runner.changed(row, asked.edge, protocol))
                if not row:
                    _refuse_inside(asked.structure, folder)
                    found = chosen.result(request, chosen.run(request, folder))
                    row, spectrum = found.row, found.beside.get(SPECTRA.name)
                    _keep(store, structure, geometry, spectrum, row)
        done.append((index, out / f"{row['engine']}-{name[:16]}", row))
    return done


def _refuse_inside(structure: Path, folder: Path) -> None:
    """Refuse a structure file in the very folder that is written: the input would replace it."""
    if structure.resolve().is_relative_to(folder.resolve()):
        raise StructureError(
            f"{structure}: lies in {folder}, which this run writes; name another folder with --out"
        )


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


def _finished(store: Archive, name: str, chosen: SpectrumEngine) -> Row | None:
    """Row of a calculation that is there already; whose it is, if not this engine's, it says."""
    row = next((r for r in store.read(CALCULATIONS) if r["calculation_id"] == name), None)
    if row is None:
        return None
    other = "use another --out to compute it anew"
    if row["engine"] != chosen.ENGINE:
        reuse = f"known already, by {row['engine']}, which has the same input; {other}"
    elif row["parser_version"] != chosen.PARSER_VERSION:
        reuse = f"known already, by reader {row['parser_version']} of {chosen.ENGINE}; {other}"
    elif not isinstance(chosen.single, Program) and row["engine_version"] != chosen.version():
        reuse = (
            f"known already, by {row['engine_version'] or 'a version that is not known'}; {other}"
        )
    else:
        return row
    return row | {"message": "; ".join(m for m in (row["message"], reuse) if m)}


def _by_this_program(row: Row, changed: Changed) -> Row:
    """A finished row; failed if the program or its secret input is another one by now."""
    if changed.differs:
        message = f"{changed.differs}; name another --out to compute it with what is there now"
        return row | {"status": str(Status.FAILED), "error_class": "changed", "message": message}
    if changed.unknown:
        known = f"known already; {changed.unknown}; name another --out to compute it anew"
        return row | {"message": "; ".join(m for m in (row["message"], known) if m)}
    return row


def _keep(store: Archive, structure: Row, geometry: Row, spectrum: Row | None, row: Row) -> None:
    """Add what came out; a calculation without a spectrum is tried again and not kept."""
    if spectrum is not None:
        store.add([structure], STRUCTURES)
        store.add([geometry], GEOMETRIES)
        store.add([spectrum], SPECTRA)
        store.add([row], CALCULATIONS)


def run_each(asked: Sequence[Asked], known: Protocols, out: Path, *, write_only: bool) -> int:
    """Run one after the other and print what came out; 1 if a calculation failed.

    Of several files, one that cannot be used is named and does not end the others.

    Raises
    ------
    DefectraError
        Where one file is asked for and cannot be used, or `out` cannot be written.
    """
    worst = 0
    for one in asked:
        try:
            found = run(one, known, out, write_only=write_only)
        except StructureError as error:
            if len(asked) == 1:
                raise
            print(f"refused: {error}", flush=True)
            worst = 1
            continue
        for index, folder, row in found:
            name = f"{one.structure}: " if len(asked) > 1 else ""
            print(f"{name}{outcome_sentence(one, index, folder, row)}", flush=True)
            worst = max(worst, int(row["status"] == "failed"))
    return worst


def outcome_sentence(asked: Asked, index: int, folder: Path, row: Row) -> str:
    """One line for people."""
    what = f"{row['engine']} {row.get('protocol', asked.protocol)}"
    where = f"{what}, {asked.element} {asked.edge} of site {index}"
    said = f" ({row['message']})" if row["message"] else ""
    return f"{where}: {row['status']}{said}; {folder}"


def default_protocol(name: str, known: Protocols) -> str:
    """Protocol of an engine that is taken where none is named: ``fast``, else the first."""
    table = list(getattr(known, spectrum_engine(name).protocols))
    return "fast" if "fast" in table or not table else table[0]
