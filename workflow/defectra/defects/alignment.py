"""Levels of one functional on the band edges of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from defectra.studies.levels.published import HSE, PBE

Row = dict[str, Any]
ALIGNMENT_COLUMNS = [
    *("host", "site", "impurity", "q_from", "pbe_eV", "shift_eV", "gap_eV", "plain_eV"),
    *("mba_eV", "published_mba_eV", "hse_eV", "error_pbe_eV", "error_plain_eV", "error_mba_eV"),
]


def valence_shift(
    vbm_low: float, average_low: float, vbm_high: float, average_high: float
) -> float:
    """Depth of the dearer functional's VBM below the cheaper one's, eV, positive downwards.

    Both are taken from the average electrostatic potential, which the functionals share
    (A. Alkauskas, P. Broqvist, A. Pasquarello, Phys. Rev. Lett. 101, 046405 (2008)).
    """
    return (vbm_low - average_low) - (vbm_high - average_high)


def plain(level: float, shift: float) -> float:
    """Level of the cheaper functional above the VBM of the dearer one, eV."""
    return level + shift


def modified(level: float, shift: float, gap: float, coefficient: float) -> float:
    """Modified band alignment, eV: E + shift + c (E - gap), arXiv:2203.10349.

    The coefficient is read off two published rows of one host: it may differ elsewhere.
    """
    return level + shift + coefficient * (level - gap)


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


def mean_errors(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Mean absolute error against HSE06 of raw, plainly aligned and modified levels, eV."""
    out = {}
    for name in ("pbe", "plain", "mba"):
        errors = np.array([r[f"error_{name}_eV"] for r in rows], dtype=float)
        known = errors[np.isfinite(errors)]
        out[name] = float(np.abs(known).mean()) if len(known) else float("nan")
    return out
