"""Formation energies of a set, between the corners of the region where its host is stable."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from defectra.core.errors import EngineError
from defectra.defects.corrections import Correction
from defectra.defects.energy_levels import check_blank
from defectra.defects.equations import Run, formation_energy
from defectra.defects.levels import Cells, edges
from defectra.defects.stability import corners, rich
from defectra.structures.elements import sublattices

Row = dict[str, Any]
FORMATION_COLUMNS = [
    *("host", "site", "impurity", "charge", "corner", "formation_eV", "gap_eV"),
    *("potentials", "status", "message"),
]


def per_formula(row: Mapping[str, Any]) -> tuple[dict[str, int], float]:
    """Atoms and energy (eV) of the smallest formula unit of a cell."""
    counts = Counter(row["species"])
    units = int(np.gcd.reduce(list(counts.values())))
    return {e: n // units for e, n in counts.items()}, row["energy_eV"] / units


def region(
    host: Mapping[str, Any], phases: Mapping[str, Mapping[str, Any]], elements: Sequence[str]
) -> tuple[list[dict[str, float]], dict[str, float]]:
    """Corners of the stability region, relative to the elements, and the energies of those.

    Parameters
    ----------
    host
        Row of the bulk.
    phases
        Rows of elements and competing phases, by name, all with the settings of the bulk.

    Raises
    ------
    EngineError
        ``no_potential`` if an element is missing, ``mixed_settings``, ``unstable``, or
        ``blank_energy`` of a phase whose run ended without one.
    """
    for name, row in phases.items():
        check_blank(f"energy of {name}", row["energy_eV"])
        for key in ("cutoff_eV", "functional"):
            if row[key] != host[key]:
                raise EngineError("mixed_settings", f"{name}: {key} {row[key]}, bulk {host[key]}")
    energies: dict[str, float] = {}
    for row in phases.values():
        atoms, energy = per_formula(row)
        if len(atoms) == 1:
            element = next(iter(atoms))
            energies[element] = min(energies.get(element, energy), energy)  # of its forms
    missing = sorted(set(elements) - set(energies))
    if missing:
        raise EngineError("no_potential", f"no run of the element {', '.join(missing)}")

    def formed(row: Mapping[str, Any]) -> tuple[dict[str, int], float]:
        atoms, energy = per_formula(row)
        return atoms, energy - sum(n * energies[e] for e, n in atoms.items())

    compounds = [formed(r) for r in phases.values() if len(set(r["species"])) > 1]
    inside = [c for c in compounds if set(c[0]) <= set(elements)]
    atoms, energy = formed(host)
    others = [c for c in inside if c[0] != atoms]
    return corners(atoms, energy, others, list(elements)), energies


def formation_rows(
    chosen: tuple[str, str, str],
    cells: Cells,
    fixes: Mapping[int, Correction],
    phases: Mapping[str, Mapping[str, Any]],
) -> list[Row]:
    """Formation energy of each charge at the valence-band maximum, cation- and anion-rich.

    A charged cell without a correction has none: NaN, with a message; a correction is never zero.

    Parameters
    ----------
    chosen
        Host, site, impurity.
    """
    host, site, impurity = chosen
    first, second = sublattices(host)
    points, energies = region(cells.bulk, phases, list(dict.fromkeys([first, second, impurity])))
    vbm, cbm = edges(cells.bulk)
    added = Counter({impurity: 1})
    if site in ("M_A", "M_B"):
        added[{"M_A": first, "M_B": second}[site]] -= 1
    size = abs(np.linalg.det(np.reshape(cells.charged[0]["lattice"], (3, 3))))
    repeats = round(size / abs(np.linalg.det(np.reshape(cells.bulk["lattice"], (3, 3)))))
    bulk = _run(cells.bulk, repeats * cells.bulk["energy_eV"], 0.0)
    out = []
    for element in dict.fromkeys((first, second)):
        corner = rich(points, element)
        mu = {e: energies[e] + corner[e] for e in corner}
        for row in cells.charged:
            run = _run(row, row["energy_eV"], _correction(row["charge"], fixes))
            energy = formation_energy(run, bulk, added, mu, vbm)
            notes = [row["message"], "" if math.isfinite(energy) else _why(row, cells.bulk)]
            out.append(
                {
                    **{"host": host, "site": site, "impurity": impurity},
                    "charge": row["charge"],
                    "corner": f"{element}-rich",
                    "formation_eV": energy,
                    "gap_eV": max(cbm - vbm, 0.0),
                    "potentials": " ".join(f"{e}:{corner[e]:+.3f}" for e in sorted(corner)),
                    "status": row["status"],
                    "message": "; ".join(n for n in notes if n),
                }
            )
    return out


def _correction(charge: int, fixes: Mapping[int, Correction]) -> float:
    """Correction of a cell, eV: zero of a neutral one, NaN of a charged one that has none."""
    if not charge:
        return 0.0
    return fixes[charge].total_ev if charge in fixes else math.nan


def _why(row: Mapping[str, Any], bulk: Mapping[str, Any]) -> str:
    """Why the correction of a charged cell is missing."""
    named = {"the cell": row, "the bulk": bulk}
    lacking = " and ".join(n for n, r in named.items() if not r["potentials_V"])
    why = f"{lacking} kept no potentials" if lacking else "it could not be computed"
    return f"charge {row['charge']:+d}: no correction ({why}), and no energy without it"


def _run(row: Mapping[str, Any], energy: float, correction: float) -> Run:
    return Run(energy, row["charge"], row["cutoff_eV"], row["functional"], "", True, correction)
