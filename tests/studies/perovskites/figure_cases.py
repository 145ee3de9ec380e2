"""Rows from which the figures of measured gaps are drawn in the tests of all figures."""

from __future__ import annotations

from defectra.core.records import Metric, Split
from defectra.learn.committee import COMMITTEE
from defectra.studies.perovskites import efficiency, orderings, tilts
from defectra.studies.perovskites.measured_models import CHOSEN
from defectra.studies.perovskites.measured_scores import ALL, LADDER_COLUMNS, TARGET
from defectra.studies.perovskites.problems import COMPOSITION

NAN = float("nan")
RUNG = dict.fromkeys(LADDER_COLUMNS, 1.0) | {
    "formula": "MAPbI_3", "phase": "cubic", "used": "yes", "inside": "yes", "form": "line",
    "gap_measured_eV": 1.55, "gap_HSE_eV": 2.64, "half_eV": 0.4,
}  # fmt: skip
SHARE = {
    "metric": str(Metric.COVERAGE_90), "subset": ALL, "value": 0.9, "lo": 0.8, "hi": 1.0,
    "target": TARGET, "features": CHOSEN, "model": "measured", "split": str(Split.A_OUT),
}  # fmt: skip
SPECTRUM = {
    "name": "CsPbI_3", "mesh": [8, 8, 8], "status": "ok", "direct_gap": 1.4,
    "energies": [0.05 * k for k in range(200)],
    "imaginary": [max(0.0, 0.05 * k - 1.4) ** 0.5 for k in range(200)],
}  # fmt: skip
FILMS = [
    dict.fromkeys(efficiency.COLUMNS, 1.0) | {
        "name": "CsPbI_3", "mesh": 8, "gap_of": kind, "gap_eV": 1.7, "thickness_um": um,
        "slme_percent": 20.0 + um, "third_percent": 15.0, "limit_percent": 28.0, "log_fom": 4.5,
    }
    for kind in efficiency.GAPS for um in (0.5, 5.0)
]  # fmt: skip
ANGLES = [
    dict.fromkeys(tilts.ANGLES_COLUMNS, "") | {
        "name": "CsPbI_3", "angle_deg": angle, "energy_meV": energy, "gap_PBE_SOC_eV": gap,
        "status": "ok",
    }
    for angle, energy, gap in ((179.9, 0.0, 0.1), (168.0, -40.0, 0.3), (152.0, 20.0, 0.8))
]  # fmt: skip
TILTED = dict.fromkeys(tilts.COLUMNS, 0.2) | {"name": "CsPbI_3", "angle_deg": 160.0}
ORDERINGS = [
    dict.fromkeys(orderings.COLUMNS, 0.1) | {
        "name": "CsSn_0.5Pb_0.5I_3", "ordering": f"ordering {k}, 1 of 2", "share": 0.5,
        "gap_eV": gap, "status": "ok",
    }
    for k, gap in enumerate((0.9, 1.1))
]  # fmt: skip
CASES = {
    "perovskites.orderings.plot_orderings": (
        [*ORDERINGS, ORDERINGS[0] | {"ordering": "layers", "share": NAN, "gap_eV": NAN}],
        lambda rows: (rows,),
    ),
    "perovskites.light.plot_absorption": (FILMS, lambda rows: ([SPECTRUM], rows)),
    "perovskites.light.plot_tilts": (ANGLES, lambda rows: (rows, [TILTED] if rows else [])),
    "perovskites.measured.plot_ladder": (
        [RUNG, RUNG | {"formula": "CsSn_0.5Pb_0.5I_3", "used": "no"}], lambda rows: (rows,)
    ),
    "perovskites.measured.plot_coverage": (
        [SHARE, SHARE | {"target": "gap_HSE", "features": COMPOSITION, "model": COMMITTEE}],
        lambda rows: (rows,),
    ),
}  # fmt: skip
