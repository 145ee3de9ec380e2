"""Atoms of one period of the twin boundary, as abTEM is asked for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from defectra.engines.stem_points.columns import EXPONENT
from defectra.studies.registration.cells import CADMIUM_TELLURIUM, CDTE, TWIN, own_cell

HEIGHT = 18.0  # A of each grain
STEP = 0.35  # A between positions of the probe
HALF = 11.0  # A above and below the interface that are scanned


def multislice_input() -> tuple[dict[str, Any], dict[str, Any], int]:
    """Input of the engine, labels, and number of probe positions.

    Atoms of a column along [110] are a / sqrt(2) apart; columns at the two heights of zinc blende
    differ by half of that, which the projected image does not show and which is left out.
    """
    columns = own_cell(TWIN, HEIGHT)
    low = columns.reach[0] - 2.0
    depth = CDTE / np.sqrt(2)
    bright = np.array([float(z) ** EXPONENT for z in CADMIUM_TELLURIUM])
    mean = np.array([columns.weight.min(), columns.weight.max()])
    heavy = columns.weight > mean.mean()
    numbers = np.where(heavy, CADMIUM_TELLURIUM[1], CADMIUM_TELLURIUM[0])
    assert bright[1] > bright[0]
    height = columns.reach[1] - low + 2.0
    positions = np.column_stack([columns.x, columns.y - low, np.full(len(columns.x), depth / 2)])
    columns_px, rows_px = round(columns.period / STEP), round(2 * HALF / STEP)
    asked = {
        "cell": [columns.period, round(height, 6), round(float(depth), 6)],
        "positions": np.round(positions, 6).tolist(),
        "numbers": numbers.tolist(),
        "repeats": [4, 2],
        "region": [round(-low - HALF, 6), round(-low + HALF, 6)],
        "step": STEP,
        "sampling": 0.055,
        "slice": 2.3,
        "energy": 200e3,
        "aperture": 30.0,
        "inner": 100.0,
        "outer": 150.0,
    }
    about = {
        "image": "multislice",
        "cell": TWIN,
        "pixel_A": float(np.sqrt(columns.period / columns_px * 2 * HALF / rows_px)),
        "tilt_deg": 0.0,
        "column_px": 0.0,
        "row_px": HALF / (2 * HALF / rows_px) - 1.0,
    }
    return asked, about, columns_px * rows_px
