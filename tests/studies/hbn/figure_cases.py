"""Rows with which every figure of study `hbn` is drawn: none, one, two equal, no numbers."""

from __future__ import annotations

from defectra.studies.hbn.settings import Line

JUDGED = {
    "name": "C_B C_N", "charge": 0, "spin": 0, "size": 5, "structure_id": "s", "fidelity": "PBE",
    "zpl_eV": 3.3, "error_sd_eV": 0.6, "distance_eV": -1.2, "acceptance": 0.01,
    "two_sided_p": 0.1, "verdict": "possible", "remark": "",
}  # fmt: skip
BAND = {
    "name": "C_B C_N", "charge": 0, "spin": 0, "size": 5, "modes": 3, "huang_rhys": 1.5,
    "phonons_eV": [0.05, 0.1, 0.17], "factors": [0.2, 0.3, 1.0], "offset_eV": [-0.1, 0.0, 0.1],
    "warm": [1.0, 5.0, 0.5],
}  # fmt: skip
FITTED = {
    "spectrum": "emitters:00", "status": "ok", "center_eV": 2.1, "center_error_eV": 0.001,
    "width_eV": 0.025, "width_error_eV": 0.001,
}  # fmt: skip

# Name of the function: rows that it is called with, and all other arguments but the path.
CASES = {
    "hbn.candidates.plot_ladder": ([JUDGED], lambda rows: (rows, Line())),
    "hbn.candidates.plot_sidebands": ([BAND], lambda rows: (rows, Line())),
    "hbn.lines.plot_lines": ([FITTED], lambda rows: (rows, Line())),
}
