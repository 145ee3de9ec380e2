"""The autoencoder with what reads contents off its plane, as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.saved_network import About, load, save, usable_head
from defectra.studies.xrd.alloys import normalised
from defectra.studies.xrd.learning import Taught
from defectra.studies.xrd.plane import Autoencoder, Reading, build
from defectra.studies.xrd.settings import XrdStudy

Floats = NDArray[np.float64]
STUDY, NAME = "xrd", "autoencoder"
FAMILIAR = 0.99  # quantile of the misfits of the training patterns


@dataclass(frozen=True)
class SavedPlane:
    """An autoencoder that was read from a file.

    Attributes
    ----------
    largest
        Misfit that the training patterns do not exceed.
    errors
        Root-mean-square errors of x and y with one content left out, patterns like measured ones.
    ranges
        Smallest and largest x and y of the training patterns, shape (2, 2).
    """

    plane: Autoencoder
    reading: Reading
    study: XrdStudy
    largest: float
    errors: tuple[float, float]
    ranges: Floats

    def ask(self, patterns: Floats) -> tuple[Floats, Floats]:
        """Contents, shape (n, 2), and misfit of the pattern that is given back, shape (n,)."""
        given = normalised(patterns)
        points = self.plane.encode(given)
        return self.reading.contents(points), misfit(self.plane, given)


def misfit(plane: Autoencoder, given: Floats) -> Floats:
    """Root-mean-square difference of normalised patterns and what is given back, shape (n,)."""
    back = plane.decode(plane.encode(given))
    return np.asarray(np.sqrt(np.mean((back - given) ** 2, axis=1)))


def keep(
    path: str | Path,
    plane: Autoencoder,
    own: Taught,
    study: XrdStudy,
    errors: Mapping[str, float],
    seed: int,
) -> None:
    """Write an autoencoder with the polynomial that reads contents off its plane."""
    reading = Reading.of(plane.encode(own.given), own.contents)
    ends = [own.contents.min(axis=0), own.contents.max(axis=0)]
    preprocessing = {
        "study": study.model_dump(mode="json"),
        "middle": reading.middle.tolist(),
        "spread": reading.spread.tolist(),
        "weights": reading.weights.tolist(),
        "largest_misfit": float(np.quantile(misfit(plane, own.given), FAMILIAR)),
        "ranges": np.array(ends).tolist(),
    }
    provenance = {"seed": seed, "patterns": len(own.given), "errors": dict(errors)}
    units = ("atoms per formula unit",) * 2
    shape = (own.given.shape[1],)
    outputs = ("titanium", "zirconium")
    about = About(STUDY, NAME, shape, preprocessing, plane.architecture, outputs, units, provenance)
    save(path, plane.module, about)


def read(path: str | Path) -> SavedPlane:
    """Read an autoencoder.

    Raises
    ------
    DataError
        If the file is none of this study.
    """
    module, about = load(path, STUDY, lambda a: build(a.architecture), NAME)
    own: Any = about.preprocessing
    with usable_head(path):
        arrays = (np.asarray(own[k], dtype=np.float64) for k in ("middle", "spread", "weights"))
        errors = about.provenance["errors"]
        return SavedPlane(
            Autoencoder(module, about.architecture),
            Reading(*arrays),
            XrdStudy(**own["study"]),
            float(own["largest_misfit"]),
            (float(errors["titanium"]), float(errors["zirconium"])),
            np.asarray(own["ranges"], dtype=np.float64),
        )
