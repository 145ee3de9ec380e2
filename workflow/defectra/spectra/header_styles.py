"""Headers of a style of their own: the 9809 format of Japan, the spacing of a crystal in words.

XDI: XAS Data Interchange (XAS: X-ray absorption spectroscopy), a format with named headers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Digits of the line ``Mode``: what each channel counts.
_MODES = {"1": "I0", "2": "It", "3": "If"}
_SPACING = re.compile(
    r"\bd[ _-]?spacing\b[^:=\d]*[:=]?\s*(\d\.\d+)|\bMono\b[^:]*:.*\bD\s*=\s*(\d\.\d+)\s*A\b", re.I
)


def spacing_said(header: Sequence[str]) -> dict[str, str]:
    """Lattice spacing d of the monochromator (Å) that a header states, as XDI names it."""
    found = next((m for x in header if (m := _SPACING.search(x))), None)
    return {"mono.d_spacing": found.group(1) or found.group(2)} if found else {}


def names_of_9809(header: Sequence[str], count: int) -> list[str] | None:
    """Columns of the 9809 format (Photon Factory, SPring-8, SAGA-LS, Aichi SR); None for others.

    Two angles, asked for and read; the time; then channels whose kinds the line ``Mode`` states.
    """
    if not any(re.match(r"\s*9809\s", x) for x in header[:3]):
        return None
    modes = next((x.split()[1:] for x in header if re.match(r"\s*Mode\s", x)), [])
    if len(modes) != count - 1 or count < 5:  # the first column has no digit
        return None
    kinds = [_MODES.get(m, f"channel {k}") for k, m in enumerate(modes[2:], 1)]
    return ["set position (deg)", "angle (deg)", "time (s)", *kinds]
