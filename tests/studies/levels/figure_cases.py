"""Rows with which newer figures of study `levels` are drawn: none, one, two equal, no numbers."""

from __future__ import annotations

from defectra.core.records import Split
from defectra.studies.levels.evaluate import DECLARED, WITH_HOST
from defectra.studies.levels.hybrid import WAYS

LEFT_OUT = {
    "model": DECLARED, "features": WITH_HOST, "split": str(Split.HOST_OUT), "host": "AlP",
    "family": "III-V", "truth": 1.0, "prediction": 1.1, "half_width": 0.2, "distance": 0.15,
}  # fmt: skip
HYBRID = {
    "host": "CdTe", "site": "M_A", "impurity": "vacancy", "q_from": 0, "hse_eV": 0.5,
    "source": "HSE06, doped: v_Cd",
    **{f"{way}_eV": 0.4 for way in WAYS}, **{f"error_{way}_eV": -0.1 for way in WAYS},
}  # fmt: skip

# Name of the function: rows that it is called with, and all other arguments but the path.
CASES = {
    "levels.coverage.plot_coverage": ([LEFT_OUT], lambda rows: (rows,)),
    "levels.hybrid.plot_hybrid": ([HYBRID], lambda rows: (rows,)),
}
