"""Results that doped and pydefect left as JSON, read as plain data; no class of theirs is made."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from defectra.core.errors import EngineError
from defectra.core.textfiles import read_text
from defectra.defects.energy_levels import ChargedEnergies, check_blank, level_rows
from defectra.engines.vasp.method import functional

Row = dict[str, Any]
Left = dict[str, str]
SAME_EDGES = 0.002  # eV; entries that were parsed against one bulk agree far better


def levels_of_files(paths: list[Path], coefficient: float) -> tuple[list[Row], list[Left]]:
    """Levels of several files; what a second file repeats (doped writes both kinds) counts once.

    Raises
    ------
    EngineError
        As :func:`levels_of_results`.
    """
    rows: list[Row] = []
    left_out: list[Left] = []
    first: dict[tuple[Any, ...], str] = {}
    for path in paths:
        made, out = levels_of_results(path, coefficient)
        left_out += out
        for row in made:
            name = f"{row['host']} {row['site']} ({row['q_from']:+d}/{row['q_to']:+d})"
            key = (name, row["fidelity"], round(row["level_eV"], 3))
            other = first.setdefault(key, path.name)
            if other == path.name:
                rows.append(row)
            else:
                left_out.append({"source": f"{path.name} {name}", "reason": f"also in {other}"})
    return rows, left_out


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
    if _is_defect_dict(data):
        return _doped(_as_thermodynamics(data, path), path)
    if kind == "DefectThermodynamics" and "defect_entries" in data:
        return _doped(data, path)
    if kind == "DefectEnergySummary":
        return _pydefect(data), []
    raise EngineError(
        "unreadable",
        f"{path.name}: class {kind!r}; read are DefectThermodynamics and dictionaries of "
        "DefectEntry of doped, and DefectEnergySummary of pydefect",
    )


def _is_defect_dict(data: Any) -> bool:
    """Whether it is what doped's parser leaves beside its thermodynamics."""
    entries = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return bool(entries) and all(
        isinstance(e, dict) and e.get("@class") == "DefectEntry" for e in entries
    )


def _as_thermodynamics(data: Any, path: Path) -> dict[str, Any]:
    """Entries with the band edges that each of them states.

    Raises
    ------
    EngineError
        ``unreadable`` if entries state different edges, or none.
    """
    entries = data if isinstance(data, dict) else {str(k): e for k, e in enumerate(data)}
    edges: dict[tuple[float, float], str] = {}
    for name, entry in entries.items():
        said = entry.get("calculation_metadata") or {}
        vbm, gap = said.get("vbm"), said.get("band_gap", said.get("gap"))
        if vbm is None or gap is None:
            raise EngineError(
                "unreadable", f"{path.name}: {name} states no vbm and gap; give doped's thermo.json"
            )
        edges.setdefault((float(vbm), float(gap)), name)
    (vbm, gap), *others = edges
    for other in others:
        if max(abs(other[0] - vbm), abs(other[1] - gap)) > SAME_EDGES:
            raise EngineError(
                "unreadable",
                f"{path.name}: {edges[other]} states other band edges (vbm {other[0]:g}, gap "
                f"{other[1]:g} eV) than {edges[vbm, gap]} ({vbm:g}, {gap:g} eV)",
            )
    return {"defect_entries": entries, "vbm": vbm, "band_gap": gap}


def _doped(data: Mapping[str, Any], path: Path) -> tuple[list[ChargedEnergies], list[Left]]:
    entries = data["defect_entries"]
    entries = entries if isinstance(entries, dict) else {str(k): e for k, e in enumerate(entries)}
    by_name: dict[str, dict[int, Mapping[str, Any]]] = {}
    left_out: list[Left] = []
    for key, entry in entries.items():
        name, charge = str(entry.get("name") or key), _charge(entry["charge_state"])
        try:
            check_blank(f"{name}: energy", float(entry["sc_entry"]["energy"]))
            check_blank(f"{name}: energy of the bulk", float(entry["bulk_entry"]["energy"]))
            _check_corrections(name, entry)
            _check_name(name, charge)
        except EngineError as error:
            left_out.append({"source": f"{path.name} {name}", "reason": str(error)})
            continue
        same = by_name.setdefault(name.removesuffix(f"_{charge:+d}").removesuffix(f"_{charge}"), {})
        if charge in same:
            reason = "charge occurs twice: the lower energy is taken"
            left_out.append({"source": f"{path.name} {name}", "reason": reason})
        same[charge] = min([same[charge], entry] if charge in same else [entry], key=_energy)
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


def _check_name(name: str, charge: int) -> None:
    """Refuse a name that ends with another charge than the entry has, ``v_Cd_-1`` for -2.

    Raises
    ------
    EngineError
        ``wrong_charge``.
    """
    said = re.search(r"_([+-]\d+)$", name)
    if said and int(said.group(1)) != charge:
        raise EngineError("wrong_charge", f"{name}: charge_state is {charge:+d}")


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
    """Functional of a defect cell and of its bulk, which must be the same.

    The name that doped keeps (``HSE06``) is of a family: fraction of exchange, screening and
    spin-orbit coupling come from the INCAR that it keeps beside, where it does.
    """
    settings = (entry.get("calculation_metadata") or {}).get("run_metadata") or {}
    kinds = []
    for cell, incar in (("sc_entry", "defect_incar"), ("bulk_entry", "bulk_incar")):
        kept = entry[cell].get("parameters") or {}
        name, titles = str(kept.get("run_type") or ""), kept.get("potcar_symbols")
        words = {"AEXX": 0.25, **(settings.get(incar) or {})}
        run = SimpleNamespace(run_type=name, parameters=words, potcar_symbols=titles)
        kinds.append(functional(run) if name else "")
    kinds = [k for k in kinds if k] or ["functional unknown"]
    return kinds[0] if len(set(kinds)) == 1 else " against a bulk of ".join(kinds)


def _differences(entry: Mapping[str, Any]) -> list[str]:
    """What doped found to differ between the runs of a defect and of its bulk."""
    said = entry.get("calculation_metadata") or {}
    found = []
    for what in ("INCAR_tags", "POTCAR_symbols", "KPOINTS"):
        listed = said.get(f"mismatching_{what}")
        if isinstance(listed, list) and listed:
            names = ", ".join(str(x[0] if isinstance(x, list) and x else x) for x in listed[:4])
            found.append(f"{what.split('_')[0]} ({names})")
    return found


def _doped_defect(
    name: str, entries: Mapping[int, Mapping[str, Any]], data: Mapping[str, Any]
) -> ChargedEnergies:
    first = next(iter(entries.values()))
    bulk = first["bulk_entry"]
    return ChargedEnergies(
        host=_host(bulk, data),
        defect=f"{name}|{_what(first)}",
        vbm_ev=float(data["vbm"]),
        gap_ev=float(data["band_gap"]),
        # less the bulk, so that entries with bulks of their own agree
        energies={q: _energy(e) for q, e in entries.items()},
        corrections={q: _correction(q, e) for q, e in entries.items()},
        fidelity=f"{_functional(first)}, doped",
        protocol="doped",
        atoms=round(sum(bulk["composition"].values())),
        epsilon=_epsilon(entries),
        notes=_notes(entries),
    )


def _notes(entries: Mapping[int, Mapping[str, Any]]) -> tuple[str, ...]:
    """What a reader should know: settings that differ from the bulk, two schemes of correction."""
    charges: dict[str, list[str]] = {}
    for q, entry in entries.items():
        if found := _differences(entry):
            charges.setdefault(" and ".join(found), []).append(f"{q:+d}")
    notes = [
        f"charge {', '.join(those)}: {what} differ from the bulk, doped says"
        for what, those in charges.items()
    ]
    schemes = sorted({k for e in entries.values() for k in e.get("corrections") or {}})
    if len(schemes) > 1:
        notes.append(f"corrections of different schemes: {', '.join(schemes)}")
    return tuple(notes)


def _host(bulk: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Formula of the host: what the file says, else that of its bulk cell."""
    from pymatgen.core import Composition

    own = str(Composition(bulk["composition"]).reduced_formula)
    said = str(data.get("bulk_formula") or own)
    if Composition(said).reduced_formula != own:
        raise ValueError(f"the host is called {said}, the bulk cell is {own}")
    return said


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
