"""A learned kernel in one npz file, without pickle and without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.core.npz import read_npz
from defectra.core.store import replacing
from defectra.engines.coherent import kuramoto
from defectra.engines.coherent.kuramoto import SIDE
from defectra.engines.coherent.scattering import Detector, grid_intensity

Floats = NDArray[np.float64]
NAME = "kuramoto kernel"
LARGEST = 20 * np.pi  # ten turns: more than oscillators make before the first pattern


@dataclass(frozen=True)
class SavedKernel:
    """A kernel and the detector that it was learned with.

    Attributes
    ----------
    kernel
        Shape (11, 11), 1/time.
    detector
        Whose patterns it was learned from.
    number
        Side of the grid.
    interval
        Time between patterns.
    provenance
        Photons, trajectories, calculations, scores with intervals.
    """

    kernel: Floats
    detector: Detector
    number: int
    interval: float
    provenance: Mapping[str, Any]

    def expected(self, start: Floats, times: Floats) -> Floats:
        """Intensities, shape (t, m, m), from angles at the first time, shape (n, n)."""
        states = kuramoto.trajectory(start, self.kernel, times, 1e-6)
        return grid_intensity(self.detector, np.cos(states))

    def checked(self, path: Path, start: Floats) -> Floats:
        """Angles that the law can go from.

        Raises
        ------
        DataError
            If they are none, or of another grid.
        """
        if start.shape != (self.number, self.number):
            shape = " x ".join(map(str, start.shape))
            raise DataError(
                f"{path}: angles on {shape}; the law needs {self.number} x {self.number}"
            )
        if not np.isfinite(start).all():
            raise DataError(f"{path}: values that are not finite")
        if np.abs(start).max() > LARGEST:
            raise DataError(
                f"{path}: values up to {np.abs(start).max():.3g}: no angles in radian; degrees?"
            )
        return start

    def write(self, path: str | Path) -> None:
        """Keep it, atomically."""
        about = {
            "study": "dynamics",
            "name": NAME,
            "detector": self.detector.__dict__,
            "number": self.number,
            "interval": self.interval,
            "provenance": dict(self.provenance),
        }
        head = np.array(json.dumps(about, sort_keys=True))
        with replacing(path) as temporary, temporary.open("wb") as handle:
            np.savez(handle, allow_pickle=False, about=head, kernel=self.kernel)


def read_kernel(path: str | Path) -> SavedKernel:
    """A kernel that :meth:`SavedKernel.write` kept.

    Raises
    ------
    DataError
        If the file is none, or of another study.
    """
    try:
        found = read_npz(path)
        about = json.loads(str(found["about"]))
        kernel = np.asarray(found["kernel"], float)
        if (about["study"], about["name"]) != ("dynamics", NAME):
            raise DataError(f"{path}: {about['name']} of study {about['study']}, not a {NAME}")
        if kernel.shape != (SIDE, SIDE) or not np.isfinite(kernel).all():
            raise DataError(f"{path}: its kernel is not {SIDE} x {SIDE} finite numbers")
        return SavedKernel(
            kernel,
            Detector(**about["detector"]),
            int(about["number"]),
            float(about["interval"]),
            about["provenance"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: no kernel of study dynamics ({error})") from None
