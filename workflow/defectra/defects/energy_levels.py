"""Levels from total energies and corrections that others computed: rows of COMPUTED_LEVELS.

A blank is never an energy: zero, an empty cell, "Not converged", "nan".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from defectra.core.errors import EngineError
from defectra.defects import alignment
from defectra.defects.charge_states import transition_levels, with_unstable_charges
from defectra.defects.equations import Run

Row = dict[str, Any]


WIDEST_GAP = 25.0  # eV; solid helium and neon have about 20, nothing has more


@dataclass(frozen=True)
class ChargedEnergies:
    """Energies of one defect in its charges.

    Attributes
    ----------
    host, defect
        As their source names them.
    vbm_ev, gap_ev
        On the axis of the energies, and of the same functional.
    energies, corrections
        eV, by charge; a charge without a correction has none there. Without a neutral charge's
        correction zero is taken, since a neutral cell has no images.
    fidelity, protocol
        What made them.
    """

    host: str
    defect: str
    vbm_ev: float
    gap_ev: float
    energies: Mapping[int, float]
    corrections: Mapping[int, float]
    fidelity: str
    protocol: str
    atoms: int = 0
    epsilon: float = math.nan
    notes: tuple[str, ...] = field(default=())


def check_blank(name: str, value: float) -> None:
    """Refuse what is no energy.

    Raises
    ------
    EngineError
        ``blank_energy`` for zero and what is not finite.
    """
    if not math.isfinite(value) or value == 0.0:
        raise EngineError("blank_energy", f"{name}: {value:g} is a blank and no energy")


def energy(text: str, name: str) -> float:
    """Energy of a cell of a table, eV.

    Raises
    ------
    EngineError
        ``blank_energy`` if it is zero, empty or a word such as "Not converged".
    """
    plain = text.strip()
    if not re.fullmatch(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", plain):
        raise EngineError("blank_energy", f"{name}: {plain or 'an empty cell'!r} is no energy")
    value = float(plain)
    check_blank(name, value)
    return value


def level_rows(found: ChargedEnergies, coefficient: float) -> list[Row]:
    """Levels of one defect, the charge falling, in the columns of COMPUTED_LEVELS.

    Raises
    ------
    EngineError
        If an energy is a blank, or the band edges are; if two charges have one energy.
    """
    for charge, value in found.energies.items():
        check_blank(f"energy of charge {charge:+d}", value)
    _refuse_equal(found.energies)
    if not math.isfinite(found.vbm_ev) or not math.isfinite(found.gap_ev):
        raise EngineError("no_states", "no valence-band maximum or no gap")
    if not 0 < found.gap_ev <= WIDEST_GAP:
        raise EngineError("no_states", f"a gap of {found.gap_ev:g} eV is none")
    runs = [Run(e, q, 0.0, "", "") for q, e in found.energies.items()]
    known = {q: c for q, c in found.corrections.items() if math.isfinite(c)}
    fixed = [replace(r, correction_ev=known.get(r.charge, 0.0)) for r in runs]
    bare, full = (transition_levels(replace(runs[0], charge=0), some, found.vbm_ev, found.gap_ev)
                  for some in (runs, fixed))  # fmt: skip
    lacking = {q for q in found.energies if q and q not in known}
    rows = [_row(found, b, f, lacking, coefficient) for b, f in zip(bare, full)]
    return with_unstable_charges(rows)


def _refuse_equal(energies: Mapping[int, float]) -> None:
    """Two charges have one energy, to the last digit, if one was copied to the other."""
    charge_of: dict[float, int] = {}
    for charge, value in energies.items():
        if value in charge_of:
            raise EngineError(
                "blank_energy",
                f"charges {charge_of[value]:+d} and {charge:+d} have one energy, {value:.10g}: one "
                "was copied to the other",
            )
        charge_of[value] = charge


def _row(
    found: ChargedEnergies, bare: Row, full: Row, lacking: set[int], coefficient: float
) -> Row:
    missing = sorted(lacking & {full["q_from"], full["q_to"]})
    used = bare if missing else full
    level = used["level_eV"]
    notes = [used["message"], *found.notes]
    if missing:
        notes.append(f"no correction of charge {', '.join(f'{q:+d}' for q in missing)}")
    site, _, impurity = found.defect.partition("|")
    return {
        "host": found.host,
        "site": site,
        "impurity": impurity or site,
        "atoms": found.atoms,
        "q_from": full["q_from"],
        "q_to": full["q_to"],
        "level_eV": level,
        "bare_eV": bare["level_eV"],
        "corrected_eV": math.nan if missing else full["level_eV"],
        "freysoldt_eV": math.nan,
        "aligned_eV": alignment.plain(level, math.nan),
        "mba_eV": alignment.modified(level, math.nan, math.nan, coefficient),
        "gap_eV": found.gap_ev,
        "place": used["place"],
        "mark": "not corrected" if missing else "corrected by its source",
        "electrons_in_cb": math.nan,
        "holes_in_vb": math.nan,
        "plateau_V": math.nan,
        "epsilon": found.epsilon,
        "protocol": found.protocol,
        "fidelity": found.fidelity,
        "status": used["status"],
        "message": "; ".join(n for n in notes if n),
        "published_eV": math.nan,
    }
