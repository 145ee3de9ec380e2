"""Spectra that lie in a tree twice: copies that file managers make, beside the runs they are of."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

Row = dict[str, Any]
NOT_KEPT = "but another spectrum, which is not kept"


def drop(
    imports: Sequence[Row],
    calculations: MutableMapping[str, Row],
    spectra: MutableMapping[str, Row],
) -> None:
    """Take out spectra without an input of their own that equal another one of the tree.

    Equal means engine, element, edge, unit, every energy and every value; the cell, too, where the
    copy has one. Their rows of `imports` say what they are a copy of.
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in imports:
        own = spectra.get(row["calculation_id"])
        if own is None or row["duplicate_of"]:
            continue
        about = calculations[row["calculation_id"]]
        key = (row["engine"], about["element"], about["edge"], row["unit"])
        groups.setdefault((*key, tuple(own["energy_eV"]), tuple(own["mu"])), []).append(row)
    for same in groups.values():
        kept = next((r for r in same if r["identity"] == "input"), same[0])
        cell = calculations[kept["calculation_id"]]["geometry_id"]
        for row in same:
            name = row["calculation_id"]
            if row is kept or row["identity"] == "input":
                continue
            if calculations[name]["geometry_id"] in ("", cell):
                del calculations[name], spectra[name]
                for other in (r for r in imports if r["calculation_id"] == name):
                    other["calculation_id"] = kept["calculation_id"]
                    other["duplicate_of"] = kept["source"]
