"""PBE levels and what is made of them, against levels that were really computed with a hybrid.

True hybrid levels come from the Foundry table, from results that doped left (HSE06 cells,
relaxed, corrected), and from charged cells of our own: energies and valence band of HSE06 on PBE
orbitals (protocol ``hybrid``), and what self-consistent orbitals change in them, from the zone
centre alone (protocols ``self_consistent`` and ``zone_centre``). Beside each: the PBE level of
the same defect (published, or of the same cell of our own), raw, on the valence band of HSE06
(plain alignment), by the modified rule, and with the mean difference of the two functionals in the
*other* hosts (the least that learning a difference can be).
HSE06: hybrid functional of Heyd, Scuseria and Ernzerhof; PBE: Perdew, Burke and Ernzerhof.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.claims import Estimate
from defectra.core.errors import TableError
from defectra.defects.alignment import modified, plain, valence_shift
from defectra.structures.elements import sublattices
from defectra.studies.levels.csv_lines import read_named
from defectra.studies.levels.published import CHARGES, HSE, PBE, SITES, VACANCY, level_name

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
WAYS = ("pbe", "plain", "mba", "delta")
HYBRID_COLUMNS = [
    *("host", "site", "impurity", "q_from", "source", "hse_eV", "shift_eV", "gap_eV"),
    *(f"{way}_eV" for way in WAYS),
    *(f"error_{way}_eV" for way in WAYS),
    "remark",
]
_FORMATION = "Delta_H (A-rich)"
_HEADS = {q: level_name(q) for q in CHARGES}
PARTNER = "_pbe"  # end of the protocol of the same cells by PBE alone
SELF, ORBITALS = "self_consistent", "zone_centre"  # the same cells, with orbitals of HSE06 and PBE
OWN = "own cells, "  # before the fidelity
_SPLIT = "sites compared by formation energy; the hybrid cell may have relaxed to another one"


@dataclass(frozen=True)
class Native:
    """A native defect of the published PBE table.

    Attributes
    ----------
    formation
        Energy of the neutral defect, cation-rich, eV.
    levels
        By upper charge, eV above the valence-band maximum.
    """

    site: str
    impurity: str
    formation: float
    levels: Mapping[int, float]

    def energy(self, charge: int) -> float:
        """Formation energy of a charge at the valence-band maximum, eV."""
        added = sum(self.levels[q] for q in range(0, charge, -1))
        removed = sum(self.levels[q] for q in range(charge, 0, -1))
        return self.formation + added - removed


def read_natives(path: str | Path, host: str) -> list[Native]:
    """Native defects of a host that have all their levels.

    Raises
    ------
    TableError
        If a column is missing, a line has fewer or more cells than names, or a number is none.
    """
    out = []
    heads, lines = read_named(path)
    for head in ("AB", "Defect", "Atom", "Site", _FORMATION, *_HEADS.values()):
        if head not in heads:
            raise TableError(f"{path}: column {head!r} is missing")
    for line, row in lines:
        texts = [row[head].strip() for head in (_FORMATION, *_HEADS.values())]
        if row["AB"] == host and all(texts):
            try:
                energy, *levels = map(float, texts)
            except ValueError as error:
                raise TableError(f"{path}: line {line}: {error}") from None
            name = VACANCY if row["Defect"].startswith("V_") else row["Atom"]
            out.append(Native(row["Site"], name, energy, dict(zip(CHARGES, levels))))
    return out


def native_level(
    natives: Sequence[Native], sites: Sequence[str], impurity: str, charge: int
) -> tuple[str, float]:
    """Site and PBE level (charge/charge − 1) of a native defect; of several sites the lowest.

    The site of lowest energy counts at each charge; the one of the upper charge is named.

    Raises
    ------
    TableError
        If the table does not hold it.
    """
    found = [n for n in natives if n.site in sites and n.impurity == impurity]
    if not found or charge not in CHARGES:
        raise TableError(
            f"{impurity} on {', '.join(sites)}, {level_name(charge)}: no published PBE level"
        )
    upper, lower = (min(found, key=lambda n: n.energy(q)) for q in (charge, charge - 1))
    return upper.site, lower.energy(charge - 1) - upper.energy(charge)


def sites_of(host: str, defect: str) -> tuple[str, ...]:
    """Sites that a name of doped or pydefect may mean; empty for a name of another kind.

    In CdTe ``v_Cd`` and ``Te_Cd`` are on M_A, ``Int_Te_3`` on one of the interstitial sites.
    """
    places = dict(zip(sublattices(host), SITES))
    gone = re.fullmatch(r"(?:[vV]a?|[A-Z][a-z]?)_([A-Z][a-z]?)", defect)
    if gone and gone[1] in places:
        return (places[gone[1]],)
    return SITES[2:] if re.match(r"Int_[A-Z]|[A-Z][a-z]?_i", defect) else ()


def hybrid_rows(
    foundry: Rows,
    results: Rows,
    natives: Mapping[str, Sequence[Native]],
    hosts: Rows,
    weight: float,
    live: Rows = (),
) -> list[Row]:
    """Every hybrid level with a PBE level, and the errors of each way.

    Parameters
    ----------
    foundry
        Rows of the Foundry table.
    results
        Rows of COMPUTED_LEVELS made of results of doped; those without HSE06 are passed over.
    natives
        Published native defects by host.
    hosts
        Rows of HOST_RUNS: valence bands of PBE and HSE06, eV on the mean potential.
    weight
        Of the modified rule, whose gap is that of HSE06: of the Foundry table, or of `hosts`.
    live
        Rows of COMPUTED_LEVELS made of cells of our own; only those of a protocol that has a
        partner by PBE alone count.
    """
    rows = [
        *_of_foundry(foundry),
        *_of_results(results, natives, hosts),
        *_of_cells(live, hosts),
    ]
    for row in rows:
        level, shift = row["pbe_eV"], row["shift_eV"]
        row["plain_eV"] = plain(level, shift)
        row["mba_eV"] = modified(level, shift, row["gap_eV"], weight)
        others = [r["hse_eV"] - r["pbe_eV"] for r in rows if r["host"] != row["host"]]
        row["delta_eV"] = level + float(np.mean(others)) if others else math.nan
        row |= {f"error_{way}_eV": row[f"{way}_eV"] - row["hse_eV"] for way in WAYS}
    return rows


def of_others(rows: Rows) -> Rows:
    """Rows of ``hybrid.csv`` with hybrid levels of others: self-consistent, in relaxed cells."""
    return [r for r in rows if not str(r["source"]).startswith(OWN)]


def of_own_cells(rows: Rows) -> Rows:
    """Rows of ``hybrid.csv`` of our own cells, at ideal positions."""
    return [r for r in rows if str(r["source"]).startswith(OWN)]


def gain_over_pbe(rows: Rows, way: str) -> Estimate:
    """|error| of a way less |error| of raw PBE, eV: mean over hosts of the means of their levels.

    Levels of one host share its valence band, so that hosts are what is independent.
    """
    by_host: dict[str, list[float]] = {}
    for r in rows:
        gain = abs(r[f"error_{way}_eV"]) - abs(r["error_pbe_eV"])
        if math.isfinite(gain):
            by_host.setdefault(r["host"], []).append(gain)
    return Estimate.mean(float(np.mean(gains)) for gains in by_host.values())


def _of_foundry(foundry: Rows) -> Iterator[Row]:
    for r in foundry:
        if math.isfinite(r[HSE]) and math.isfinite(r[PBE]):
            yield {
                "host": r["host_material"],
                "site": r["site"],
                "impurity": r["impurity"],
                "q_from": int(r["charge_from"]),
                "source": "Foundry table",
                "hse_eV": r[HSE],
                "pbe_eV": r[PBE],
                "shift_eV": r["ba_shift"],
                "gap_eV": r["host bandgap"],
                "remark": "",
            }


def _of_results(
    results: Rows, natives: Mapping[str, Sequence[Native]], hosts: Rows
) -> Iterator[Row]:
    edges = {r["host"]: r for r in hosts}
    for r in results:
        host, level = r["host"], r["corrected_eV"]
        if not r["fidelity"].startswith("HSE06") or not math.isfinite(level):
            continue
        if host not in edges or host not in natives:
            continue
        sites, impurity = sites_of(host, r["site"]), r["impurity"]
        try:
            site, pbe = native_level(natives[host], sites, impurity, r["q_from"])
        except TableError:
            continue
        own = edges[host]
        remark = f"its gap {r['gap_eV']:.2f} eV, gap of the alignment {own['gap_hse_eV']:.2f} eV"
        yield {
            "host": host,
            "site": site,
            "impurity": impurity,
            "q_from": r["q_from"],
            "source": f"{r['fidelity']}: {r['site']}",
            "hse_eV": level,
            "pbe_eV": pbe,
            "shift_eV": valence_shift(own["vbm_pbe_eV"], 0.0, own["vbm_hse_eV"], 0.0),
            "gap_eV": own["gap_hse_eV"],
            "remark": f"{remark}; {_SPLIT}" if site in SITES[2:] else remark,
        }


def _of_cells(live: Rows, hosts: Rows) -> Iterator[Row]:
    """Levels of our own cells by both functionals: the same cells, the same corrections.

    Corrected levels on both sides, whatever their marks: a mark that differs says that the level
    is in a band in one of them. Where the cell was computed at the zone centre with orbitals of
    both functionals, the difference is added to the level of the denser mesh.
    """
    edges = {r["host"]: r for r in hosts}
    partners = {_cell_of(r): r for r in live}
    for r in live:
        pbe = partners.get((*_cell_of(r)[:-1], f"{r['protocol']}{PARTNER}"))
        if pbe is None or r["host"] not in edges:
            continue
        if not (math.isfinite(r["corrected_eV"]) and math.isfinite(pbe["corrected_eV"])):
            continue
        own = edges[r["host"]]
        change = self_consistency(r, partners)
        known = math.isfinite(change)
        method = f"HSE06, {r['atoms']} atoms" if known else r["fidelity"]
        orbitals = f"on PBE orbitals {r['corrected_eV']:.2f} eV, " if known else ""
        yield {
            **{k: r[k] for k in ("host", "site", "impurity", "q_from")},
            "source": f"{OWN}{method}",
            "hse_eV": r["corrected_eV"] + (change if known else 0.0),
            "pbe_eV": pbe["corrected_eV"],
            "shift_eV": valence_shift(own["vbm_pbe_eV"], 0.0, own["vbm_hse_eV"], 0.0),
            "gap_eV": own["gap_hse_eV"],
            "remark": f"ideal positions; {orbitals}{r['mark']} by HSE06, {pbe['mark']} by PBE",
        }


def self_consistency(
    row: Mapping[str, Any], cells: Mapping[tuple[Any, ...], Mapping[str, Any]]
) -> float:
    """What orbitals of HSE06 in place of those of PBE change in a level, eV; NaN if not computed.

    Corrected levels of the same cell at the zone centre alone, each above its own valence band.

    Parameters
    ----------
    cells
        Rows of COMPUTED_LEVELS by host, site, impurity, atoms, both charges and protocol.
    """
    pair = [cells.get((*_cell_of(row)[:-1], protocol)) for protocol in (SELF, ORBITALS)]
    ours, theirs = (r["corrected_eV"] if r is not None else math.nan for r in pair)
    return float(ours - theirs)


def _cell_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("host", "site", "impurity", "atoms", "q_from", "q_to", "protocol")
    return tuple(row[k] for k in names)
