"""Published level tables, read strictly: what is missing, renamed or doubled is named in an error.

Two sources: the tables of `ai_semiconductors` (PBE, six levels a row) and the Foundry table
`semiconductor_defectlevels_v1.1` (PBE, aligned and HSE, one level a row, 37 columns).
Functionals: PBE (Perdew-Burke-Ernzerhof), HSE (hybrid of Heyd-Scuseria-Ernzerhof).
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.core.errors import TableError
from defectra.core.records import Column, Table
from defectra.structures.elements import element, sublattices
from defectra.studies.levels.csv_lines import read_lines

Row = dict[str, Any]

CHARGES = (3, 2, 1, 0, -1, -2)  # upper charge of each published level
SITES = ("M_A", "M_B", "M_i_A", "M_i_B", "M_i_neut")
FAMILIES = ("II-VI", "III-V", "IV-IV")
VACANCY = "vacancy"
LEVELS = Table(
    "published_levels",
    (
        Column("host", "string", "", "formula, cation first"),
        Column("family", "string", "", "II-VI, III-V or IV-IV"),
        Column("site", "string", "", "M_A, M_B, M_i_A, M_i_B, M_i_neut"),
        Column("impurity", "string", "", "element, or vacancy"),
        Column("kind", "string", "", "impurity, native or parsed; the last two only train"),
        Column("q_from", "int", "e", "charge before the electron comes"),
        Column("q_to", "int", "e", "charge after it"),
        Column("level_eV", "float", "eV above VBM", "transition level"),
        Column("fidelity", "string", "", "pbe, mba or hse"),
        Column("source_row", "int", "", "line of the published file"),
    ),
)
LEFT_OUT_COLUMNS = ["source_row", "host", "site", "impurity", "reason"]

_LEVEL_HEADS = ["(+3/+2)", "(+2/+1)", "(+1/0)", "(0/-1)", "(-1/-2)", "(-2/-3)"]  # as published
_IMPURITIES = ["AB", "Type", "Site", "Impurity", *_LEVEL_HEADS]
_NATIVES = ["AB", "Type", "Defect", "Atom", "Site", *_LEVEL_HEADS]

# Foundry: name -> unit; these are needed, the one-hot columns repeat `site` and may be left out.
FOUNDRY = {
    "host_material": "",
    "host_element_a": "",
    "host_element_b": "",
    "impurity": "",
    "removed_element": "",
    "site_type": "",
    "site": "",
    "charge_from": "",
    "charge_to": "",
    "host bandgap": "eV",
    "host lattice constant": "Ang.",
    "host_epsilon": "",
    "ba_shift": "",
    "mba_pbe": "",
    "mba_pbe_gapfrac": "",
    "pbe defect level (relative to VBM)": "eV",
    "hse defect level (relative to VBM)": "eV",
}
PBE, HSE = list(FOUNDRY)[-2:]


def level_name(upper: int) -> str:
    """Name of a level by its upper charge: ``(+1/0)``."""
    return "(" + "/".join(f"{q:+d}" if q else "0" for q in (upper, upper - 1)) + ")"


def read_impurities(path: str | Path) -> tuple[list[Row], list[Row]]:
    """Rows of the levels table and what was left out, from ``DFT_impurities.csv``."""
    return _wide(path, _IMPURITIES, "impurity", lambda row: row["Impurity"])


def read_natives(path: str | Path) -> tuple[list[Row], list[Row]]:
    """The same of ``DFT_native_defects.csv``; a vacancy has the impurity :data:`VACANCY`."""
    return _wide(
        path,
        _NATIVES,
        "native",
        lambda row: VACANCY if row["Defect"].startswith("V_") else row["Atom"],
    )


def _wide(
    path: str | Path, needed: Sequence[str], kind: str, name: Callable[[Mapping[str, str]], str]
) -> tuple[list[Row], list[Row]]:
    rows: list[Row] = []
    left_out: list[Row] = []
    seen: dict[Any, Any] = {}
    for line, raw in _read(path, needed, {}):
        key = (raw["AB"], raw["Site"], name(raw))
        where = {"source_row": line, "host": key[0], "site": key[1], "impurity": key[2]}
        values = [_number(raw[h], f"{path}: line {line}, {h}") for h in _LEVEL_HEADS]
        reason = _doubled(seen, key, values, f"{path}: line {line}") or _unusable(
            key, raw["Type"], values
        )
        if reason:
            left_out.append({**where, "reason": reason})
            continue
        rows += [
            {
                **where,
                "family": raw["Type"],
                "kind": kind,
                "q_from": charge,
                "q_to": charge - 1,
                "level_eV": value,
                "fidelity": "pbe",
            }
            for charge, value in zip(CHARGES, values)
        ]
    return rows, left_out


def _doubled(seen: dict[Any, Any], key: Any, values: Sequence[float], where: str) -> str:
    """Reason if the row was there before; an error if it was there with other numbers."""
    if key not in seen:
        seen[key] = values
        return ""
    if not all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(seen[key], values)):
        raise TableError(f"{where}: {key} occurs twice with different levels; remove one")
    return "duplicate of an earlier row"


def _unusable(key: tuple[str, str, str], family: str, values: Sequence[float]) -> str:
    host, site, impurity = key
    if site not in SITES:
        return f"site {site!r} is none of {', '.join(SITES)}"
    if family not in FAMILIES:
        return f"family {family!r} is none of {', '.join(FAMILIES)}"
    try:
        sublattices(host)
        if impurity != VACANCY:
            element(impurity)
    except TableError as error:
        return str(error)
    if any(math.isnan(v) for v in values):
        return "no levels" if all(math.isnan(v) for v in values) else "a level is blank"
    if _false_zero(values):
        return "a zero that breaks the order of the levels: read as blank"
    return ""


def _false_zero(levels: Sequence[float]) -> bool:
    """A zero below its left neighbour, or above its right one, is a blank and no energy."""
    for k, value in enumerate(levels):
        if value == 0.0:
            before, after = levels[max(k - 1, 0)], levels[min(k + 1, len(levels) - 1)]
            if before > 0.0 or after < 0.0:
                return True
    return False


def read_foundry(path: str | Path) -> tuple[list[Row], list[Row]]:
    """Rows of the Foundry table, numbers parsed (NaN where blank), and what was left out.

    A unit may stand anywhere in a column's head; another unit than the expected one is refused.

    Raises
    ------
    TableError
        If a column is missing or renamed (the nearest name is suggested), a unit differs, a field
        is no number, or a defect level occurs twice with different numbers.
    """
    text = {"host_material", "host_element_a", "host_element_b", "impurity"}
    text |= {"removed_element", "site_type", "site"}
    rows: list[Row] = []
    left_out: list[Row] = []
    seen: dict[Any, Any] = {}
    for line, raw in _read(path, list(FOUNDRY), FOUNDRY):
        row: Row = {"source_row": line}
        for name in FOUNDRY:
            where = f"{path}: line {line}, {name}"
            row[name] = raw[name] if name in text else _number(raw[name], where)
        key = (row["host_material"], row["site"], row["impurity"], row["charge_from"])
        levels = (row[PBE], row[HSE], row["mba_pbe"])
        reason = _doubled(seen, key, levels, f"{path}: line {line}")
        reason = reason or _unusable_foundry(row, levels)
        if reason:
            names = {"host": key[0], "site": key[1], "impurity": key[2]}
            left_out.append({"source_row": line, **names, "reason": reason})
        else:
            rows.append(row)
    return rows, left_out


def _unusable_foundry(row: Row, levels: Sequence[float]) -> str:
    if all(math.isnan(v) for v in levels):
        return "no levels"
    if row["charge_from"] - row["charge_to"] != 1:
        return "charge_from and charge_to do not differ by one electron"
    if not row["host bandgap"] > 0:
        return "the host has no gap"
    return ""


def _read(
    path: str | Path, needed: Sequence[str], units: Mapping[str, str]
) -> list[tuple[int, dict[str, str]]]:
    """Lines and rows of a csv, heads brought to the names that are needed."""
    heads, lines = read_lines(path)
    column = _columns(path, heads, needed, units)
    return [
        (number, {name: cells[k].strip() for name, k in column.items()}) for number, cells in lines
    ]


def _columns(
    path: str | Path, heads: Sequence[str], needed: Sequence[str], units: Mapping[str, str]
) -> dict[str, int]:
    found: dict[str, int] = {}
    for k, head in enumerate(heads):
        name, unit = _split_unit(head)
        if not name:
            continue
        if name in found:
            raise TableError(f"{path}: column {name!r} occurs twice")
        found[name] = k
        if name in units and unit != units[name]:
            raise TableError(
                f"{path}: column {name!r} is in {unit or 'no unit'}, expected "
                f"{units[name] or 'no unit'}; convert it"
            )
    for name in needed:
        if name not in found:
            near = difflib.get_close_matches(name, [h for h in found if h not in needed], 1, 0.5)
            hint = f"; is it {near[0]!r}?" if near else ""
            raise TableError(f"{path}: column {name!r} is missing{hint}")
    return {name: found[name] for name in needed}


def _split_unit(head: str) -> tuple[str, str]:
    """Name and unit: ``host bandgap_[eV]``, ``host bandgap [eV]``, ``[eV] host bandgap``."""
    units = re.findall(r"\[([^\]]*)\]", head)
    name = re.sub(r"[\s_]*\[[^\]]*\][\s_]*", " ", head).strip()
    return name, units[0] if units else ""


def _number(text: str, where: str) -> float:
    if text == "":
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise TableError(f"{where}: {text!r} is not a number") from None
