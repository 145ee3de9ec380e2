"""Sets of charged cells, put together from their tables: levels with everything beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.errors import EngineError
from defectra.core.records import Column, Status, Table
from defectra.defects.alignment import valence_shift
from defectra.defects.corrections import Correction
from defectra.defects.levels import Cells, Host, corrected, levels_or_bare
from defectra.engines.gpaw.settings import GpawLevelsProtocol
from defectra.studies.levels.formation import formation_rows
from defectra.studies.levels.inputs import (
    DefectSet,
    centre,
    insert_impurity,
    mesh_of,
    protocol_of,
    set_phases,
    set_requests,
    supercell,
)

Row = dict[str, Any]
Key = tuple[str, str, str]
Protocols = Mapping[str, GpawLevelsProtocol]

CORRECTIONS = Table(
    "level_corrections",
    (
        Column("calculation_id", "string", "", "charged cell"),
        Column("point_charge_eV", "float", "eV", "point charge in the cell, eFNV"),
        Column("alignment_eV", "float", "eV", "potential alignment, eFNV"),
        Column("spread_V", "float", "V", "scatter of the potential far from the defect"),
        Column("freysoldt_eV", "float", "eV", "sum by Freysoldt's scheme; NaN without planes"),
        Column("epsilon", "float", "", "dielectric constant used, isotropic"),
        Column("library", "string", "", "that computed it"),
    ),
)
SAME_EPSILON = 1e-6
SHIFTED = "PBE"  # the functional whose valence band is aligned with that of HSE06


@dataclass(frozen=True)
class Tables:
    """Rows by id: hosts by host, charged cells, corrections known before.

    `ratios` of static to electronic dielectric constant, by host, are for relaxed cells.
    """

    hosts: Mapping[str, Row]
    cells: Mapping[str, Row]
    corrections: Mapping[str, Row]
    ratios: Mapping[str, float] = field(default_factory=dict)


def hosts_by_name(rows: Iterable[Mapping[str, Any]]) -> dict[str, Row]:
    """The last row of each host."""
    return {r["host"]: dict(r) for r in rows}


def find(
    chosen: DefectSet, tables: Tables, protocol: GpawLevelsProtocol
) -> tuple[Cells, Host] | None:
    """Cells and host of a set; None if the host, the bulk or all but one charge are missing.

    Unrelaxed cells are screened by the electronic dielectric constant of the host's own run,
    relaxed ones by the static one: the same times the measured ratio of the two.

    Raises
    ------
    EngineError
        ``no_static`` if cells are relaxed and that ratio is not known.
    """
    host = tables.hosts.get(chosen.host)
    if host is None:
        return None
    first, *charged = set_requests(chosen, host["lattice_A"], protocol)
    found = [tables.cells[r["id"]] for r in charged if r["id"] in tables.cells]
    if first["id"] not in tables.cells or len(found) < 2:
        return None
    bulk = supercell(chosen.host, host["lattice_A"], chosen.atoms)
    where = centre(insert_impurity(bulk, chosen.site, chosen.impurity))
    epsilon = float(host["epsilon_electronic"])
    if protocol.fmax:
        if chosen.host not in tables.ratios:
            text = f"relaxed cells: the table of hosts has no static constant of {chosen.host}"
            raise EngineError("no_static", text)
        epsilon *= tables.ratios[chosen.host]
    edges = _hybrid_edges(host) if protocol.method == SHIFTED else ()
    return Cells(tables.cells[first["id"]], found, where), Host(epsilon * np.eye(3), *edges)


def _hybrid_edges(host: Mapping[str, Any]) -> tuple[float, float]:
    """Depth of the HSE06 valence band below that of PBE, and the gap by HSE06, eV.

    Both count from the mean smooth potential of PBE with its atomic sets. With the local-density
    approximation (LDA) band, sets and zero are others: levels by LDA cannot be moved by this depth.
    """
    depth = valence_shift(host["vbm_pbe_eV"], 0.0, host["vbm_hse_eV"], 0.0)
    return depth, float(host["gap_hse_eV"])


def corrections_of(cells: Cells, host: Host, known: Mapping[str, Row]) -> dict[int, Correction]:
    """Corrections of a set: those known for the same dielectric constant, else computed.

    Raises
    ------
    EngineError
        ``not_installed`` if one is not known and the library is missing.
    """
    epsilon = float(host.dielectric[0, 0])
    out = {}
    missing = []
    for row in cells.charged:
        old = known.get(row["calculation_id"])
        if old is not None and abs(old["epsilon"] - epsilon) < SAME_EPSILON:
            out[row["charge"]] = Correction(
                *(old[k] for k in ("point_charge_eV", "alignment_eV", "spread_V", "freysoldt_eV"))
            )
        elif row["charge"] and row["potentials_V"]:
            missing.append(row)
    if missing:
        out |= corrected(Cells(cells.bulk, missing, cells.centre), host.dielectric)
    return out


def correction_rows(sets: Sequence[DefectSet], tables: Tables, protocols: Protocols) -> list[Row]:
    """New rows of :data:`CORRECTIONS` of sets whose cells are there.

    Raises
    ------
    EngineError
        ``not_installed`` if one is not known yet and the library is missing.
    """
    from importlib.metadata import version

    out: dict[str, Row] = {}
    for chosen in sets:
        found = find(chosen, tables, protocol_of(chosen, protocols))
        if found is None:
            continue
        cells, host = found
        fixes = corrections_of(cells, host, tables.corrections)
        epsilon = float(host.dielectric[0, 0])
        for row in cells.charged:
            old = tables.corrections.get(row["calculation_id"])
            known = old is not None and abs(old["epsilon"] - epsilon) < SAME_EPSILON
            if row["charge"] in fixes and not known:
                out[row["calculation_id"]] = {
                    "calculation_id": row["calculation_id"],
                    "point_charge_eV": fixes[row["charge"]].point_charge_ev,
                    "alignment_eV": fixes[row["charge"]].alignment_ev,
                    "spread_V": fixes[row["charge"]].spread_ev,
                    "freysoldt_eV": fixes[row["charge"]].freysoldt_ev,
                    "epsilon": epsilon,
                    "library": f"pydefect {version('pydefect')}",
                }
    return list(out.values())


def level_rows(
    sets: Sequence[DefectSet],
    tables: Tables,
    protocols: Protocols,
    coefficient: float,
    published: Mapping[tuple[Key, int], float],
) -> list[Row]:
    """Rows of COMPUTED_LEVELS; a set that is missing, or cannot be trusted, is a row too."""
    out: list[Row] = []
    for chosen in sets:
        same: Row = {
            "host": chosen.host,
            "site": chosen.site,
            "impurity": chosen.impurity,
            "atoms": chosen.atoms,
            "protocol": chosen.protocol,
        }
        protocol = protocol_of(chosen, protocols)
        key = (chosen.host, chosen.site, chosen.impurity)
        try:
            made = _levels(chosen, tables, protocol, coefficient)
        except EngineError as error:
            made = [_failed(chosen, str(error))]
        mesh = mesh_of(chosen.atoms, protocol)
        fidelity = f"{protocol.method}, {chosen.atoms} atoms, {mesh}^3 k-points"
        for row in made:
            theirs = published.get((key, row["q_from"]), float("nan"))
            like = protocol.method == SHIFTED and not protocol.hubbard_u  # theirs are plain PBE
            single = row["q_from"] - row["q_to"] == 1
            row["published_eV"] = theirs if single and like else float("nan")
            out.append({**same, **row, "fidelity": fidelity})
    return out


def _levels(
    chosen: DefectSet, tables: Tables, protocol: GpawLevelsProtocol, coefficient: float
) -> list[Row]:
    found = find(chosen, tables, protocol)
    if found is None:
        return [_failed(chosen, "not computed: the bulk or all but one charge are missing")]
    cells, host = found
    return levels_or_bare(
        cells, lambda: corrections_of(cells, host, tables.corrections), host, coefficient
    )


def _failed(chosen: DefectSet, message: str) -> Row:
    nan = float("nan")
    numbers = (
        *("level_eV", "bare_eV", "corrected_eV", "freysoldt_eV", "aligned_eV", "mba_eV", "gap_eV"),
        *("electrons_in_cb", "holes_in_vb", "plateau_V", "epsilon"),
    )
    return {
        "q_from": chosen.charges[0],
        "q_to": chosen.charges[-1],
        **dict.fromkeys(numbers, nan),
        "place": "",
        "mark": "",
        "status": str(Status.FAILED),
        "message": message,
    }


def formation(
    sets: Sequence[DefectSet],
    tables: Tables,
    protocols: Protocols,
    phases: str | Path,
) -> list[Row]:
    """Formation energies of sets, in the columns of FORMATION_COLUMNS; what failed says why."""
    out: list[Row] = []
    for chosen in sets:
        key = (chosen.host, chosen.site, chosen.impurity)
        try:
            out += _formation(chosen, tables, protocol_of(chosen, protocols), phases)
        except EngineError as error:
            nan = float("nan")
            row: Row = dict(zip(("host", "site", "impurity"), key))
            row |= {"charge": 0, "corner": "", "formation_eV": nan, "gap_eV": nan}
            row |= {"potentials": "", "status": str(Status.FAILED), "message": str(error)}
            out.append(row)
    return out


def _formation(
    chosen: DefectSet, tables: Tables, protocol: GpawLevelsProtocol, path: str | Path
) -> list[Row]:
    found = find(chosen, tables, protocol)
    asked = set_phases(chosen, Path(path), protocol)
    missing = sorted(name for name, r in asked.items() if r["id"] not in tables.cells)
    if found is None or missing:
        what = ", ".join(missing) or "the set itself"
        raise EngineError("not_computed", f"not computed: {what}")
    cells, host = found
    rows = {name: tables.cells[r["id"]] for name, r in asked.items()}
    fixes = corrections_of(cells, host, tables.corrections)
    return formation_rows((chosen.host, chosen.site, chosen.impurity), cells, fixes, rows)
