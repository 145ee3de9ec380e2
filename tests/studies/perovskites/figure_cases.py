"""Rows from which the figures of measured gaps are drawn in the tests of all figures."""

from __future__ import annotations

from defectra.core.records import Metric, Split
from defectra.learn.committee import COMMITTEE
from defectra.studies.perovskites.measured_models import CHOSEN
from defectra.studies.perovskites.measured_scores import ALL, LADDER_COLUMNS, TARGET
from defectra.studies.perovskites.problems import COMPOSITION

RUNG = dict.fromkeys(LADDER_COLUMNS, 1.0) | {
    "formula": "MAPbI_3", "phase": "cubic", "used": "yes", "inside": "yes", "form": "line",
    "gap_measured_eV": 1.55, "gap_HSE_eV": 2.64, "half_eV": 0.4,
}  # fmt: skip
SHARE = {
    "metric": str(Metric.COVERAGE_90), "subset": ALL, "value": 0.9, "lo": 0.8, "hi": 1.0,
    "target": TARGET, "features": CHOSEN, "model": "measured", "split": str(Split.A_OUT),
}  # fmt: skip
CASES = {
    "perovskites.measured.plot_ladder": (
        [RUNG, RUNG | {"formula": "CsSn_0.5Pb_0.5I_3", "used": "no"}], lambda rows: (rows,)
    ),
    "perovskites.measured.plot_coverage": (
        [SHARE, SHARE | {"target": "gap_HSE", "features": COMPOSITION, "model": COMMITTEE}],
        lambda rows: (rows,),
    ),
}  # fmt: skip
