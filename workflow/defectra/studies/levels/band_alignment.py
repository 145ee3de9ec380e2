"""Published levels aligned with the band edges of HSE06, and the errors that are left.

HSE06: hybrid functional of Heyd, Scuseria and Ernzerhof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from defectra.defects.alignment import modified, plain
from defectra.studies.levels.published import HSE, PBE

Row = dict[str, Any]
ALIGNMENT_COLUMNS = [
    *("host", "site", "impurity", "q_from", "pbe_eV", "shift_eV", "gap_eV", "plain_eV"),
    *("mba_eV", "published_mba_eV", "hse_eV", "error_pbe_eV", "error_plain_eV", "error_mba_eV"),
]


def alignment_rows(rows: Sequence[Mapping[str, Any]], coefficient: float) -> list[Row]:
    """Every aligned level and its error against HSE06, NaN where there is none."""
    out = []
    for r in rows:
        level, shift, gap, hse = r[PBE], r["ba_shift"], r["host bandgap"], r[HSE]
        aligned = {"pbe": level, "plain": plain(level, shift)}
        aligned["mba"] = modified(level, shift, gap, coefficient)
        out.append(
            {
                "host": r["host_material"],
                "site": r["site"],
                "impurity": r["impurity"],
                "q_from": int(r["charge_from"]),
                "shift_eV": shift,
                "gap_eV": gap,
                "published_mba_eV": r["mba_pbe"],
                "hse_eV": hse,
                **{f"{name}_eV": value for name, value in aligned.items()},
                **{f"error_{name}_eV": value - hse for name, value in aligned.items()},
            }
        )
    return out
