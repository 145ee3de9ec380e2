"""Where the geometry of a structure comes from: journal, archive, parent, relaxation, Vegard."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from defectra.engines.base import TRIED_AGAIN
from defectra.errors import EngineError
from defectra.records import Defect, Status
from defectra.settings.protocols import ChgnetProtocol
from defectra.structures.geometry import as_row, vegard

Row = dict[str, Any]


def settings_digest(protocol: ChgnetProtocol) -> str:
    """Digest of what decides a relaxation; the description does not."""
    later = {"cell"} if protocol.cell == "own" else set()  # digests older than the key stay
    text = protocol.model_dump_json(exclude={"description", "from_parent", *later})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Geometries:
    """Geometries of one chunk.

    Parameters
    ----------
    structures
        Structures rows by ``structure_id``.
    protocols
        Geometry protocols by name.
    known
        Finished rows of the journal and the archive; the first of a kind wins.
    live
        Whether to relax what is not known.
    keep
        Called with each new relaxed row, to make it durable.
    """

    def __init__(
        self,
        structures: Mapping[str, Row],
        protocols: Mapping[str, ChgnetProtocol],
        known: list[Row],
        live: bool,
        keep: Callable[[Row], None],
    ) -> None:
        self.structures = structures
        self.protocols = protocols
        self.live = live
        self.keep = keep
        self._last: Row | None = None
        self._failures: dict[tuple[str, str, str], Row] = {}
        self.rows: dict[tuple[str, str, str], Row] = {}
        for row in known:
            self.rows.setdefault((row["structure_id"], row["protocol"], row["settings"]), row)

    def get(self, structure_id: str, protocol: str, compute: bool = True) -> Row:
        """Geometries row; ``failed`` with a reason where there is none.

        Parameters
        ----------
        compute
            Whether a missing relaxation may be run now.
        """
        row = self.structures[structure_id]
        if protocol == "vegard":
            return self._vegard(structure_id)
        settings = self.protocols[protocol]
        if settings.from_parent:
            return self._from_parent(row, protocol, settings, compute)
        digest = settings_digest(settings)
        key = (structure_id, protocol, digest)
        if key in self.rows:
            return self.rows[key]
        if not (self.live and compute):
            return _missing(row, protocol, digest)
        if key not in self._failures:  # all tasks of a structure would try again
            found = self._relaxed(row, protocol, settings) | {"settings": digest}
            if found["error_class"] not in TRIED_AGAIN:
                self.keep(found)
                self.rows[key] = found
                return found
            self._failures[key] = found
        return self._failures[key]

    def _relaxed(self, row: Row, protocol: str, settings: ChgnetProtocol) -> Row:
        if settings.cell == "own":
            return _relaxed(row, protocol, settings, vegard(row))
        free = self._free(settings)
        own = row["structure_id"] if settings.cell == "vacancy_volume" else row["parent_id"]
        base = self.get(own, free)
        vacancy = None
        if settings.cell == "vacancy_volume":
            vacancy = self.get(self._vacancy_of(own), free)
        for found in (base, vacancy):
            if found is not None and found["status"] == Status.FAILED:
                message = f"{found['structure_id']}: {found['message']}"
                return _failed(row, protocol, found["error_class"], message)
        start = in_cell_of(row, self.structures[own], base, protocol, vacancy)
        return _relaxed(row, protocol, settings, start)

    def _free(self, settings: ChgnetProtocol) -> str:
        """Protocol that relaxes the cell with otherwise the same settings."""
        wanted = settings.model_copy(update={"cell": "own", "relax_cell": True})
        digest = settings_digest(wanted)
        return next(
            n
            for n, p in self.protocols.items()
            if not p.from_parent and settings_digest(p) == digest
        )

    def _vacancy_of(self, structure_id: str) -> str:
        return next(
            name
            for name, row in self.structures.items()
            if (row["parent_id"], row["defect"]) == (structure_id, Defect.OXYGEN_VACANCY)
        )

    def _vegard(self, structure_id: str) -> Row:
        """The tasks of a structure stand together: only its last geometry is kept."""
        if self._last is None or self._last["structure_id"] != structure_id:
            self._last = vegard(self.structures[structure_id])
        return self._last

    def _from_parent(self, row: Row, protocol: str, settings: ChgnetProtocol, compute: bool) -> Row:
        from defectra.engines.chgnet import from_parent

        digest = settings_digest(settings)
        relaxed = next(
            n
            for n, p in self.protocols.items()
            if not p.from_parent and settings_digest(p) == digest
        )
        parent = self.get(row["family"], relaxed, compute)
        if parent["status"] == Status.FAILED:
            return _missing(row, protocol, digest)
        return from_parent(row, parent, protocol) | {"settings": digest}


def in_cell_of(row: Row, parent: Row, base: Row, name: str, volume: Row | None = None) -> Row:
    """A structure on the relaxed sites of another, before its own sites relax.

    Parameters
    ----------
    row, parent
        Structures rows of one family; every site of `row` is one of `parent`.
    base
        Relaxed geometries row of `parent`.
    volume
        Geometries row to whose volume the cell is scaled; None: it is kept.
    """
    import numpy as np

    place = {site: k for k, site in enumerate(parent["family_sites"])}
    coords = np.array(base["coords"]).reshape(-1, 3)[[place[s] for s in row["family_sites"]]]
    lattice = np.array(base["lattice"]).reshape(3, 3)
    if volume is not None:
        lattice = lattice * (volume["volume"] / base["volume"]) ** (1 / 3)
    return as_row(row, name, lattice, coords)


def _relaxed(row: Row, name: str, protocol: ChgnetProtocol, start: Row) -> Row:
    from defectra.engines.chgnet import relax

    try:
        return relax(row, name, protocol, start)
    except EngineError as error:
        return _failed(row, name, error.error_class, str(error))
    except (RuntimeError, ValueError) as error:  # torch and numpy on a cell that explodes
        return _failed(row, name, "relaxation_failed", f"CHGNet: {error}")


def _missing(row: Row, name: str, digest: str) -> Row:
    message = (
        f"no {name} geometry in the archive: run `make engines` and set nmc.live_geometries: true, "
        "or set nmc.geometry: vegard"
    )
    return _failed(row, name, "geometry_missing", message) | {"settings": digest}


def _failed(row: Row, name: str, error_class: str, message: str) -> Row:
    import numpy as np

    empty = as_row(row, name, np.array(row["lattice"]), np.array(row["coords"]))
    return empty | {
        "geometry_id": "",
        "converged": False,
        "status": str(Status.FAILED),
        "error_class": error_class,
        "message": message,
    }
