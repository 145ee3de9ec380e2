"""Learned laws of particles and of a moved sample, an npz file each, without pickle and torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

from defectra.core.errors import DataError
from defectra.core.npz import read_npz
from defectra.core.store import made, replacing
from defectra.engines.coherent.integrate import integrated
from defectra.engines.coherent.scattering import Detector, sphere_intensity
from defectra.studies.dynamics.saved_kernel import NAME as KERNEL
from defectra.studies.dynamics.saved_kernel import read_kernel

Floats = NDArray[np.float64]
PAIRS, FIELD = "law between pairs", "field of a moved sample"
TOLERANCE = 1e-6


class SavedLaw(Protocol):
    """A law that predicts patterns.

    Attributes
    ----------
    detector
        Whose patterns it was learned from.
    interval
        Time between patterns.
    """

    @property
    def detector(self) -> Detector:
        """Whose patterns it was learned from."""

    @property
    def interval(self) -> float:
        """Time between patterns."""

    def expected(self, start: Floats, times: Floats) -> Floats:
        """Intensities, shape (t, m, m), from the state at the first time."""

    def checked(self, path: Path, start: Floats) -> Floats:
        """A start that the law can go from.

        Raises
        ------
        DataError
            If it is none.
        """


@dataclass(frozen=True)
class SavedPairs:
    """Particles that move along the lines between them.

    Attributes
    ----------
    distance, speed
        Speed of a pair towards each other, length/time, at equal steps of the distance, (k,) each;
        none beyond.
    radius, box
        Of the particles, and side of the sample, length.
    """

    distance: Floats
    speed: Floats
    radius: float
    box: float
    detector: Detector
    interval: float

    def velocity(self, place: Floats) -> Floats:
        """Velocities of all particles, shape (n, 2)."""
        away = place[None] - place[:, None]
        apart = np.sqrt((away**2).sum(-1))
        np.fill_diagonal(apart, np.inf)
        speed = np.interp(apart, self.distance, self.speed, right=0.0)
        result: Floats = ((speed / apart)[..., None] * away).sum(1)
        return result

    def expected(self, start: Floats, times: Floats) -> Floats:
        """See :class:`SavedLaw`; the start holds places, shape (n, 2), length."""
        places = integrated(self.velocity, start, times, TOLERANCE)
        return sphere_intensity(self.detector, places, self.radius)

    def checked(self, path: Path, start: Floats) -> Floats:
        """See :class:`SavedLaw`; the line between two particles at one place has no direction."""
        found = _places(path, start, self.box)
        if same := len(found) - len(np.unique(found, axis=0)):
            raise DataError(
                f"{path}: {same} of {len(found)} particles are at the place of "
                "another: a row twice?"
            )
        return found

    def write(self, path: str | Path) -> None:
        """Keep it, atomically."""
        about = {"radius": self.radius, "box": self.box}
        _write(path, PAIRS, self, about, distance=self.distance, speed=self.speed)


@dataclass(frozen=True)
class SavedField:
    """A sample of equal spheres that is moved as a whole, at a rate that depends on its place.

    Attributes
    ----------
    axis_x, axis_y, rate
        Grid of places, and rates on it, shapes (a,), (b,), (2, a, b); length and length/time.
    sign
        1 where the place is that of the sample, -1 where it is that of the probe.
    """

    axis_x: Floats
    axis_y: Floats
    rate: Floats
    sign: float
    radius: float
    box: float
    detector: Detector
    interval: float

    def path(self, start: Floats, times: Floats) -> Floats:
        """Places at some times, shape (t, 2).

        Raises
        ------
        DataError
            If the path leaves the grid.
        """
        fields = [RectBivariateSpline(self.axis_x, self.axis_y, r) for r in self.rate]

        def rate(place: Floats) -> Floats:
            return np.array([float(f(place[0], place[1])[0, 0]) for f in fields])

        found = integrated(rate, start, times, TOLERANCE)
        for axis, known in zip(found.T, (self.axis_x, self.axis_y), strict=True):
            if axis.min() < known[0] or axis.max() > known[-1]:
                raise DataError(
                    f"the path reaches {axis.min():.2f} to {axis.max():.2f}; the law is known from "
                    f"{known[0]:.2f} to {known[-1]:.2f}"
                )
        return found

    def expected(self, start: Floats, times: Floats) -> Floats:
        """See :class:`SavedLaw`; the first row of the start is the place, the rest are spheres."""
        moved = self.path(start[0], times)
        moved = self.sign * (moved - moved[0])
        return sphere_intensity(self.detector, start[None, 1:] + moved[:, None], self.radius)

    def checked(self, path: Path, start: Floats) -> Floats:
        """See :class:`SavedLaw`."""
        return _places(path, start, self.box)

    def write(self, path: str | Path) -> None:
        """Keep it, atomically."""
        about = {"radius": self.radius, "box": self.box, "sign": self.sign}
        arrays = {"axis_x": self.axis_x, "axis_y": self.axis_y, "rate": self.rate}
        _write(path, FIELD, self, about, **arrays)


def _places(path: Path, start: Floats, box: float) -> Floats:
    if start.ndim != 2 or start.shape[1] != 2 or len(start) < 2:
        shape = " x ".join(map(str, start.shape))
        raise DataError(f"{path}: {shape} values; places of particles have two columns, x and y")
    if not np.isfinite(start).all():
        raise DataError(f"{path}: values that are not finite")
    if np.abs(start).max() > 2 * box:
        raise DataError(
            f"{path}: places up to {np.abs(start).max():.3g}; the sample is {box:g} wide about 0: "
            f"another unit?"
        )
    return start


def _write(
    path: str | Path, name: str, law: SavedPairs | SavedField, more: dict[str, Any], **arrays: Any
) -> None:
    about = {
        "study": "dynamics",
        "name": name,
        "detector": law.detector.__dict__,
        "interval": law.interval,
        **more,
    }
    head = np.array(json.dumps(about, sort_keys=True))
    made(Path(path).parent)
    with replacing(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, allow_pickle=False, about=head, **arrays)


def read_law(path: str | Path) -> SavedLaw:
    """A kernel, a law between pairs or a field.

    Raises
    ------
    DataError
        If the file is none of this study.
    """
    try:
        arrays = read_npz(Path(path))
        about: Mapping[str, Any] = json.loads(str(arrays["about"]))
        name, study = about["name"], about["study"]
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: no law of study dynamics ({error})") from None
    if study != "dynamics" or name not in (PAIRS, FIELD):
        if (study, name) == ("dynamics", KERNEL):
            return read_kernel(path)
        raise DataError(f"{path}: {name} of study {study}, not a law of study dynamics")
    try:
        common: dict[str, Any] = {
            "radius": float(about["radius"]),
            "box": float(about["box"]),
            "detector": Detector(**about["detector"]),
            "interval": float(about["interval"]),
        }
        wanted = ("distance", "speed") if name == PAIRS else ("axis_x", "axis_y", "rate")
        found: dict[str, Any] = {k: np.asarray(arrays[k], float) for k in wanted}
        if name == PAIRS:
            return SavedPairs(**found, **common)
        return SavedField(**found, sign=float(about["sign"]), **common)
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path}: no law of study dynamics ({error})") from None
