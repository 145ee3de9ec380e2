"""Where the absorption of a computed spectrum begins."""

from __future__ import annotations

from typing import Any

import numpy as np


def onset(spectrum: dict[str, Any]) -> float:
    """First energy at which the absorption crosses half of the edge step, eV."""
    energy, mu = np.array(spectrum["energy"]), np.array(spectrum["mu"])
    first = int(np.argmax(mu > 0.5))
    return float(np.interp(0.5, mu[first - 1 : first + 1], energy[first - 1 : first + 1]))
