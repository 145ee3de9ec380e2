"""Rows that the figures of study `registration` are drawn from in tests/unit/test_figures.py."""

from __future__ import annotations

import numpy as np

from defectra.studies.registration.settings import RegistrationStudy

RECOVERED = {
    "fidelity": "counted", "pixel_error_percent": 0.1, "shift_error_A": 0.02,
    "tilt_error_deg": -0.1,
}  # fmt: skip
REFUSED = {"correlation": 0.4, "reflection": -0.2, "accepted": 0}
TRACES = [
    {"image": name, "who": who, "evaluation": 1, "best_objective": 0.4}
    for name in ("tilt", "twin")
    for who in ("authors", "ours")
]
MISSING = ["twin: its image is not in the mirror"]


def pairs(rows: list[dict]) -> dict[str, np.ndarray]:
    """Measured and simulated frame of each row; without a number all pixels are equal."""
    image = np.add.outer(np.arange(40.0), np.arange(40.0) % 7)
    return {
        f"{row['image']}_{kind}": image * np.nan_to_num(row["best_objective"])
        for row in rows
        for kind in ("measured", "simulated")
    }


# Name of the function: rows that it is called with, and all other arguments but the path.
CASES = {
    "registration.recovery.plot_recovery": (
        [RECOVERED | REFUSED, RECOVERED | REFUSED | {"fidelity": "multislice", "accepted": 1}],
        lambda rows: (rows, rows, RegistrationStudy()),
    ),
    "registration.frames.plot_objective": (TRACES, lambda rows: (rows, MISSING)),
    "registration.frames.plot_frames": (TRACES, lambda rows: (pairs(rows), MISSING)),
}
