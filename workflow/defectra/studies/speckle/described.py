"""Sets of patterns, and all that models know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.arrays import ArrayReader
from defectra.engines.speckle.scattering import Detector
from defectra.studies.speckle.moments import moments_and_correlation
from defectra.studies.speckle.physical_inputs import SEEN, Physical, PhysicalInputs
from defectra.studies.speckle.samples import detector as detector_of
from defectra.studies.speckle.settings import SpeckleStudy

Floats = NDArray[np.float64]
Row = dict[str, Any]


@dataclass(frozen=True)
class PatternSet:
    """Patterns of one set.

    Attributes
    ----------
    intensity
        Upper halves, shape (n, rows, columns).
    number
        Of disks, shape (n,).
    ids
        Configuration of each pattern: calculation and position in it.
    form
        Fidelity.
    """

    name: str
    intensity: NDArray[np.float32]
    number: NDArray[np.int64]
    ids: list[str]
    form: str

    def first(self, count: int) -> PatternSet:
        """The first patterns of each number of disks."""
        kept = [np.flatnonzero(self.number == n)[:count] for n in np.unique(self.number)]
        return self.at(np.concatenate(kept))

    def at(self, index: NDArray[np.int64]) -> PatternSet:
        """Patterns by their position."""
        ids = [self.ids[k] for k in index]
        return PatternSet(self.name, self.intensity[index], self.number[index], ids, self.form)


def read_set(rows: Sequence[Row], name: str, folder: Path) -> PatternSet:
    """One set of a table of patterns; failed calculations are left out."""
    own = [r for r in rows if r["set"] == name and r["status"] != "failed"]
    own.sort(key=lambda r: (r["number"], r["calculation_id"]))
    with ArrayReader(folder) as arrays:
        intensity = arrays.stack(own, "intensity")
    sizes = [int(r["shapes"][0].split()[0]) for r in own]
    number = np.repeat([r["number"] for r in own], sizes)
    ids = [f"{r['calculation_id'][:16]}/{k}" for r, size in zip(own, sizes) for k in range(size)]
    return PatternSet(name, intensity, number, ids, own[0]["protocol"])


@dataclass(frozen=True)
class Described:
    """What models know of n patterns.

    Attributes
    ----------
    hidden, seen
        Physical inputs with the centre hidden and with it.
    moments
        Plain statistics, centre hidden, shape (n, features).
    image
        Standardised logarithm of the visible pattern, mean over 2 x 2, shape (n, 1, h, w).
    """

    hidden: Physical
    seen: Physical
    moments: Floats
    image: NDArray[np.float32]


def hidden_inputs(study: SpeckleStudy) -> PhysicalInputs:
    """Physical inputs with the centre hidden."""
    detector = Detector(**detector_of(study.detector))
    return PhysicalInputs(detector, study.detector.hidden, study.disks.box)


class Describer:
    """Makes inputs of models from patterns of the detector of a study."""

    def __init__(self, study: SpeckleStudy) -> None:
        self.hidden = hidden_inputs(study)
        self.seen = PhysicalInputs(self.hidden.detector, SEEN, study.disks.box)

    def __call__(self, patterns: NDArray[np.floating]) -> Described:
        """Describe upper halves of patterns, shape (n, rows, columns)."""
        return Described(
            self.hidden(patterns),
            self.seen(patterns),
            moments_and_correlation(patterns, self.hidden),
            log_images(patterns, self.hidden),
        )


def log_images(patterns: NDArray[np.floating], inputs: PhysicalInputs) -> NDArray[np.float32]:
    """Images for a convolutional network, shape (n, 1, rows // 2, columns // 2).

    Logarithm of the visible intensity relative to its mean (floor 1e-6), mean over blocks of 2 x 2,
    standardised image by image as the authors do; the hidden centre is zero.
    """
    scale = inputs.total(patterns) / inputs.weight[inputs.visible].sum()
    logs = np.log(patterns / scale[:, None, None] + 1e-6) * inputs.visible
    height, width = logs.shape[1] // 2, logs.shape[2] // 2
    blocks = logs[:, : 2 * height, : 2 * width].reshape(len(logs), height, 2, width, 2)
    small = blocks.mean(axis=(2, 4))
    middle, spread = small.mean(axis=(1, 2)), small.std(axis=(1, 2))
    return ((small - middle[:, None, None]) / spread[:, None, None])[:, None].astype(np.float32)
