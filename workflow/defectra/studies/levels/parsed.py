"""Levels of finished runs made elsewhere as training rows beside the published ones.

PBE: functional of Perdew, Burke and Ernzerhof.

An impurity joins if all six levels of its charges +3 to -3 are there, corrected and of PBE, the
published table has it not, and the config says that its cells were made as the published ones
(``levels.live.parsed_geometry``). It trains and is not scored. Whatever does not join is left out
with the reason; it stays in ``parsed_levels.csv``, as a fidelity of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from defectra.core.errors import TableError
from defectra.core.records import Origin
from defectra.defects.levels import UNCORRECTED
from defectra.structures.elements import element, sublattices
from defectra.studies.levels.published import CHARGES, SITES

Row = dict[str, Any]
Key = tuple[str, str, str]

GEOMETRY = "relaxed"  # cells of the published levels
FUNCTIONAL = "PBE"
_FAMILIES = {(2, 6): "II-VI", (3, 5): "III-V", (4, 4): "IV-IV"}


def parsed_rows(
    computed: Iterable[Mapping[str, Any]],
    published: Iterable[Key],
    hosts: Iterable[str],
    declared: str,
) -> tuple[list[Row], list[Row]]:
    """Rows of :data:`defectra.studies.levels.published.LEVELS`, and what was left out and why.

    Parameters
    ----------
    computed
        Rows of :data:`defectra.studies.levels.tables.COMPUTED_LEVELS` of parsed runs.
    published
        Host, site and impurity of the published rows.
    hosts
        Hosts whose properties are known.
    declared
        What the config says of how the parsed cells were made.
    """
    known, described = set(published), set(hosts)
    sets: dict[tuple[Key, str], dict[int, Mapping[str, Any]]] = {}
    for row in computed:
        key = (str(row["host"]), str(row["site"]), str(row["impurity"]))
        sets.setdefault((key, str(row["fidelity"])), {})[int(row["q_from"])] = row
    rows: list[Row] = []
    left_out: list[Row] = []
    for (key, fidelity), levels in sorted(sets.items()):
        host, site, impurity = key
        where = {"source_row": 0, "host": host, "site": site, "impurity": impurity}
        reason = _why_not(key, fidelity, levels, declared) or _known(key, known, described)
        if reason:
            left_out.append(where | {"reason": f"parsed: {reason}"})
            continue
        known.add(key)
        rows += [
            where
            | {"family": _family(host), "kind": str(Origin.PARSED), "q_from": q, "q_to": q - 1,
               "level_eV": float(levels[q]["level_eV"]), "fidelity": "pbe"}
            for q in CHARGES
        ]  # fmt: skip
    return rows, left_out


def _why_not(
    key: Key, fidelity: str, levels: Mapping[int, Mapping[str, Any]], declared: str
) -> str:
    """Why the levels of a defect cannot join; empty if they can."""
    if key[1] not in SITES:
        return f"site {key[1]!r} is none of {', '.join(SITES)}"
    if fidelity.partition(",")[0] != FUNCTIONAL:
        return f"{fidelity} is not {FUNCTIONAL} of the published levels, and fidelities do not mix"
    if declared != GEOMETRY:
        return (
            f"its cells are {declared!r}, the published ones {GEOMETRY!r}: if they were made in "
            f"the same way, set levels.live.parsed_geometry: {GEOMETRY}"
        )
    lacking = [_name(q) for q in CHARGES if not _usable(levels.get(q))]
    if lacking:
        return f"no corrected level {', '.join(lacking)}: the table wants all six"
    return ""


def _usable(row: Mapping[str, Any] | None) -> bool:
    if row is None or row["mark"] == UNCORRECTED or row["status"] == "failed":
        return False
    return math.isfinite(row["level_eV"])


def _known(key: Key, published: set[Key], hosts: set[str]) -> str:
    if key in published:
        return "is in the table already: compare the two in parsed_levels.csv"
    if key[0] not in hosts:
        return f"host {key[0]} has no properties: add its lattice constant and gap to levels.hosts"
    try:
        _family(key[0])
    except (TableError, KeyError) as error:
        return f"host {key[0]} is none of {', '.join(_FAMILIES.values())} ({error})"
    return ""


def _family(host: str) -> str:
    valences: Sequence[int] = [int(element(s)["valence"]) for s in sublattices(host)]
    return _FAMILIES[valences[0], valences[1]]


def _name(charge: int) -> str:
    return f"({charge:+d}/{charge - 1:+d})".replace("+0", "0").replace("-0", "0")
