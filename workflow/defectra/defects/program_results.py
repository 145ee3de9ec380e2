"""Results that doped and pydefect left as JSON, read as plain data; no class of theirs is made."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from defectra.core.errors import EngineError
from defectra.core.textfiles import read_text
from defectra.defects.energy_levels import ChargedEnergies, check_blank, level_rows

Row = dict[str, Any]
Left = dict[str, str]


def levels_of_results(path: Path, coefficient: float) -> tuple[list[Row], list[Left]]:
    """Levels in a file of doped or pydefect (columns of COMPUTED_LEVELS), and what was left out.

    Raises
    ------
    EngineError
        ``unreadable`` if it is no such file, or damaged.
    """
    try:
        data = json.loads(read_text(path))
    except ValueError as error:
        raise EngineError("unreadable", f"{path.name}: damaged JSON: {error}") from None
    try:
        found, left_out = _defects(data, path)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise EngineError(
            "unreadable", f"{path.name}: not as doped or pydefect write it: {error!r}"
        ) from None
    rows: list[Row] = []
    for one in found:
        try:
            made = level_rows(one, coefficient)
        except EngineError as error:
            left_out.append({"source": f"{path.name} {one.defect}", "reason": str(error)})
            continue
        if not made:
            charges = ", ".join(f"{q:+d}" for q in one.energies)
            reason = f"one charge alone ({charges}): no level"
            left_out.append({"source": f"{path.name} {one.defect}", "reason": reason})
        rows += made
    return rows, left_out


def _defects(data: Any, path: Path) -> tuple[list[ChargedEnergies], list[Left]]:
    kind = data.get("@class", "") if isinstance(data, dict) else ""
    if kind == "DefectThermodynamics" and "defect_entries" in data:
        return _doped(data, path)
    if kind == "DefectEnergySummary":
        return _pydefect(data), []
    raise EngineError(
        "unreadable",
        f"{path.name}: class {kind!r}; read are DefectThermodynamics of doped and "
        "DefectEnergySummary of pydefect",
    )


def _doped(data: Mapping[str, Any], path: Path) -> tuple[list[ChargedEnergies], list[Left]]:
    entries = data["defect_entries"]
    entries = entries if isinstance(entries, dict) else {e["name"]: e for e in entries}
    by_name: dict[str, dict[int, Mapping[str, Any]]] = {}
    left_out: list[Left] = []
    for key, entry in entries.items():
        name, charge = str(entry.get("name") or key), _charge(entry["charge_state"])
        try:
            check_blank(f"{name}: energy", float(entry["sc_entry"]["energy"]))
            check_blank(f"{name}: energy of the bulk", float(entry["bulk_entry"]["energy"]))
            _check_corrections(name, entry)
        except EngineError as error:
            left_out.append({"source": f"{path.name} {name}", "reason": str(error)})
            continue
        same = by_name.setdefault(name.removesuffix(f"_{charge:+d}").removesuffix(f"_{charge}"), {})
        if charge in same:
            left_out.append({"source": f"{path.name} {name}", "reason": "charge occurs twice"})
            continue
        same[charge] = entry
    found = []
    for name, same in by_name.items():
        kinds = sorted({_functional(e) for e in same.values()})
        if len(kinds) > 1 or "against" in kinds[0]:
            reason = f"energies of different functionals: {', '.join(kinds)}"
            left_out.append({"source": f"{path.name} {name}", "reason": reason})
        else:
            found.append(_doped_defect(name, same, data))
    return found, left_out


def _charge(stored: Any) -> int:
    """A whole charge; a fraction is an error of the file, not the next number."""
    if float(stored) != round(float(stored)):
        raise ValueError(f"charge {stored} is no whole number")
    return round(float(stored))


def _check_corrections(name: str, entry: Mapping[str, Any]) -> None:
    """Refuse two corrections of the same error, and numbers that are not finite.

    Raises
    ------
    EngineError
        ``two_corrections`` or ``blank_energy``.
    """
    stored = {k: float(v) for k, v in (entry.get("corrections") or {}).items() if v is not None}
    charge = [k for k in stored if "charge_correction" in k]
    if len(charge) > 1:
        raise EngineError("two_corrections", f"{name}: {' and '.join(charge)}: keep one of them")
    for key, value in stored.items():
        if not math.isfinite(value):
            raise EngineError("blank_energy", f"{name}: {key}: {value:g} is no energy")


def _functional(entry: Mapping[str, Any]) -> str:
    """Functional of a defect cell and of its bulk, which must be the same."""
    kinds = [
        str((entry[k].get("parameters") or {}).get("run_type") or "")
        for k in ("sc_entry", "bulk_entry")
    ]
    kinds = [k for k in kinds if k] or ["functional unknown"]
    return kinds[0] if len(set(kinds)) == 1 else " against a bulk of ".join(kinds)


def _doped_defect(
    name: str, entries: Mapping[int, Mapping[str, Any]], data: Mapping[str, Any]
) -> ChargedEnergies:
    first = next(iter(entries.values()))
    functional = _functional(first)
    bulk = first["bulk_entry"]
    return ChargedEnergies(
        host=str(data.get("bulk_formula") or ""),
        defect=f"{name}|{_what(first)}",
        vbm_ev=float(data["vbm"]),
        gap_ev=float(data["band_gap"]),
        # less the bulk, so that entries with bulks of their own agree
        energies={q: _energy(e) for q, e in entries.items()},
        corrections={q: _correction(q, e) for q, e in entries.items()},
        fidelity=f"{functional}, doped",
        protocol="doped",
        atoms=round(sum(bulk["composition"].values())),
        epsilon=_epsilon(entries),
    )


def _energy(entry: Mapping[str, Any]) -> float:
    """Energy of a cell above its bulk, eV. Exactly zero would be a blank: nothing is that equal."""
    return float(entry["sc_entry"]["energy"]) - float(entry["bulk_entry"]["energy"])


def _correction(charge: int, entry: Mapping[str, Any]) -> float:
    """Sum of the corrections, eV; NaN for a charge of which none is stored."""
    stored = [float(v) for v in (entry.get("corrections") or {}).values() if v is not None]
    return sum(stored) if stored or charge == 0 else math.nan


def _what(entry: Mapping[str, Any]) -> str:
    kind = str(entry.get("defect", {}).get("@class", ""))
    if kind == "Vacancy":
        return "vacancy"
    species = entry["defect"]["site"]["species"]
    return str(species[0]["element"]) if isinstance(species, list) else next(iter(species))


def _epsilon(entries: Mapping[int, Mapping[str, Any]]) -> float:
    for entry in entries.values():
        tensor = (entry.get("calculation_metadata") or {}).get("dielectric")
        if isinstance(tensor, dict) and "data" in tensor:
            return float(np.trace(np.reshape(tensor["data"], (3, 3)))) / 3
    return math.nan


def _pydefect(data: Mapping[str, Any]) -> list[ChargedEnergies]:
    """Formation energies at the valence-band maximum: their axis begins there."""
    out = []
    for name, series in data["defect_energies"].items():
        energies: dict[int, float] = {}
        corrections: dict[int, float] = {}
        shallow: list[str] = []
        charges = [_charge(q) for q in series["charges"]]
        for charge, one in zip(charges, series["defect_energies"], strict=True):
            energies[charge] = float(one["formation_energy"])
            stored = one.get("energy_corrections")
            known = [float(v) for v in (stored or {}).values()]
            corrections[charge] = sum(known) if known or charge == 0 else math.nan
            shallow += [f"{charge:+d}"] if one.get("is_shallow") else []
        note = (f"pydefect: shallow at charge {', '.join(shallow)}",) if shallow else ()
        out.append(
            ChargedEnergies(
                host=str(data.get("title", "")), defect=f"{name}|{name.split('_')[0]}", vbm_ev=0.0,
                gap_ev=float(data["cbm"]), energies=energies, corrections=corrections,
                fidelity="functional unknown, pydefect", protocol="pydefect", notes=note,
            )
        )  # fmt: skip
    return out
