"""Where the geometry of a structure comes from: Vegard, a relaxation, or its relaxed parent."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from defectra.campaign.request import Item, Known
from defectra.core.records import Defect, Status
from defectra.engines.chgnet.engine import RELAXATIONS as CHGNET
from defectra.engines.relaxation import RelaxationProtocol, settings_digest
from defectra.engines.sevennet.engine import RELAXATIONS as SEVENNET
from defectra.structures.geometry import as_row, vegard

Row = dict[str, Any]
GEOMETRY_MISSING = "geometry_missing"  # not relaxed yet
Found = Generator[Item, None, Row]  # gives requests, returns a geometries row


RELAXERS = {relaxer.ENGINE: relaxer for relaxer in (CHGNET, SEVENNET)}


class Geometries:
    """Geometries of some structures.

    Parameters
    ----------
    structures
        Structures rows by ``structure_id``.
    protocols
        Geometry protocols by name.
    relax
        Whether to ask for relaxations that are not known.
    """

    def __init__(
        self,
        structures: Mapping[str, Row],
        protocols: Mapping[str, RelaxationProtocol],
        relax: bool,
    ) -> None:
        self.structures, self.protocols, self.relax = structures, protocols, relax
        self._last: Row | None = None

    def known(self, structure_id: str, protocol: str, known: Known) -> Row:
        """Geometries row from what is known; nothing is asked for."""
        found = self.get(structure_id, protocol, known)
        while True:
            try:
                next(found)
            except StopIteration as end:
                row: Row = end.value
                return row

    def _vegard(self, row: Row) -> Row:
        """The tasks of a structure stand together: only its last geometry is kept."""
        if self._last is None or self._last["structure_id"] != row["structure_id"]:
            self._last = vegard(row)
        return self._last

    def get(self, structure_id: str, protocol: str, known: Known) -> Found:
        """Geometries row; ``failed`` with a reason where there is none."""
        row = self.structures[structure_id]
        if protocol == "vegard":
            return self._vegard(row)
        settings = self.protocols[protocol]
        if not settings.from_parent:
            return (yield from self._relaxed(row, protocol, settings, known))
        digest = settings_digest(settings)
        name = next(
            n
            for n, p in self.protocols.items()
            if not p.from_parent and settings_digest(p) == digest
        )
        parent = self.structures[row["family"]]
        relaxed = yield from self._relaxed(parent, name, self.protocols[name], known)
        if relaxed["status"] == Status.FAILED:
            return _missing(row, protocol, digest)
        from defectra.engines.chgnet.run import from_parent

        return from_parent(row, relaxed, protocol) | {"settings": digest}

    def _relaxed(self, row: Row, name: str, settings: RelaxationProtocol, known: Known) -> Found:
        start = yield from self._start(row, name, settings, known)
        if start is not None and start["status"] == Status.FAILED:
            return start
        request = RELAXERS[settings.ENGINE].request(row, name, settings, start)
        if self.relax:
            yield request
        found = known(request)
        if found is None:
            return _missing(row, name, settings_digest(settings))
        if found["status"] == Status.FAILED:
            return _failed(row, name, found["error_class"], found["message"])
        return found

    def _start(
        self, row: Row, name: str, settings: RelaxationProtocol, known: Known
    ) -> Generator[Item, None, Row | None]:
        """Geometries row to start from, failed if it cannot be had; None: the Vegard estimate."""
        if settings.cell == "own":
            return None
        free, at_volume = self._free(settings), settings.cell == "vacancy_volume"
        own = row["structure_id"] if at_volume else row["parent_id"]
        needed = [own, self._vacancy_of(own)] if at_volume else [own]
        found: list[Row] = []
        for structure_id in needed:
            base = yield from self.get(structure_id, free, known)
            found.append(base)
            if base["status"] == Status.FAILED:
                message = f"{base['structure_id']}: {base['message']}"
                failed = _failed(row, name, base["error_class"], message)
                return failed | {"settings": settings_digest(settings)}
        return in_cell_of(row, self.structures[own], found[0], name, *found[1:])

    def _free(self, settings: RelaxationProtocol) -> str:
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

    index_of = {site: k for k, site in enumerate(parent["family_sites"])}
    coords = np.array(base["coords"]).reshape(-1, 3)[[index_of[s] for s in row["family_sites"]]]
    lattice = np.array(base["lattice"]).reshape(3, 3)
    if volume is not None:
        lattice = lattice * (volume["volume"] / base["volume"]) ** (1 / 3)
    return as_row(row, name, lattice, coords)


def _missing(row: Row, name: str, digest: str) -> Row:
    message = (
        f"no {name} geometry in the archive: run `make engines` and set nmc.live_geometries: true, "
        "or set nmc.geometry: vegard"
    )
    return _failed(row, name, GEOMETRY_MISSING, message) | {"settings": digest}


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
