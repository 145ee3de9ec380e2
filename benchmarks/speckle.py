"""One speckle pattern beside the authors' padded transform: ``python -m benchmarks.speckle``.

CPU seconds (user + system) of one pattern of ten equal disks, 513 x 513 pixels: analytic form
factors, the mask of pixels by products of matrices, and the authors' way (arXiv:2211.08194), a
mask of 2001² padded to 18001² and transformed whole, here with scipy in single precision, which
needs about 4 GB. Both of our ways are compared with that transform. ``--quick`` leaves it out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft2

from benchmarks.rows import line
from defectra.engines.speckle.placement import place
from defectra.engines.speckle.scattering import Detector, analytic_intensity, pixel_intensity

Floats = NDArray[np.float64]
DISKS, RADIUS, BOX, PERIOD, HALF = 10, 90.0, 2000, 18001, 256
REPEATS = 5


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Result and CPU seconds."""
    start = time.process_time()
    found = call()
    return found, time.process_time() - start


def padded(centres: Floats) -> Floats:
    """Upper half of the pattern by the transform of the padded plane."""
    i = np.arange(1, BOX + 2)
    mask = np.zeros((PERIOD, PERIOD), dtype=np.float32)
    for x, y in centres:
        mask[: BOX + 1, : BOX + 1] += (i[:, None] - x) ** 2 + (i[None, :] - y) ** 2 <= RADIUS**2
    amplitude = rfft2(mask, workers=1)[:, : HALF + 1]  # columns from the direct beam on
    rows = np.concatenate([np.arange(PERIOD - HALF, PERIOD), np.arange(HALF + 1)])
    right = np.abs(amplitude[rows]).astype(np.float64) ** 2
    return np.concatenate([right[::-1, :0:-1], right], axis=1)[HALF:]


def _repeated(way: Callable[..., Floats], *given: Any) -> list[Floats]:
    return [way(*given) for _ in range(REPEATS)]


def main() -> None:
    """Print the rows."""
    centres = place(np.full(DISKS, RADIUS), BOX, RADIUS, 2.0, np.random.default_rng(0))
    radii, detector = np.full(DISKS, RADIUS), Detector(HALF, 1, PERIOD)
    reference, theirs = None, None
    if "--quick" not in sys.argv:
        reference, theirs = timed(lambda: padded(centres))
    for name, way in (("form factor", analytic_intensity), ("mask of pixels", pixel_intensity)):
        way(centres, radii, detector)  # form factors of this radius are kept after the first
        every, spent = timed(partial(_repeated, way, centres, radii, detector))
        found = every[0]
        check = "not compared"
        if reference is not None:
            apart = np.abs(found - reference).sum() / reference.sum()
            check = f"relative L1 difference to the padded transform {apart:.1e}"
        line(f"speckle pattern, {name}", spent / REPEATS, "CPU s", peer="padded transform",
             peer_value=theirs, check=check)  # fmt: skip


if __name__ == "__main__":
    main()
