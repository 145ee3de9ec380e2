"""Lithium of an electrode from how far its Ni K main peak moved since the pristine electrode.

The slope, eV for each lithium per metal, is that of the computed lithium series
(:mod:`defectra.studies.nmc.lithium`): relaxed cells of one composition, each with the
stoichiometry of its own, with all lithium and with little. It is used the way a calibration line
is: the position is the response to the lithium, and the line is inverted. A regression of lithium
on position would be too flat by the share of the scatter that lithium does not explain. NMC:
lithium nickel manganese cobalt oxide.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.core.npz import read_npz
from defectra.core.store import replacing
from defectra.learn.scores import NORMAL_90
from defectra.studies.nmc.lithium import NI_MEAN, TOTAL
from defectra.studies.nmc.settings import LithiumSeries

Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
KIND = "lithium from the Ni K shift 1"
AXIS_SD = 0.1  # eV, of the axis of one scan of an experiment, unless it is said


@dataclass(frozen=True)
class LithiumShift:
    """The calibration line.

    Attributes
    ----------
    slope, lo, hi
        eV by which the main peak moves up for each lithium per metal that leaves, and its 90 %
        interval over orderings and sites of the metals.
    composition, protocol, n_orderings
        What was computed.
    """

    slope: float
    lo: float
    hi: float
    composition: str
    protocol: str
    n_orderings: int

    @classmethod
    def of(cls, lithium: Rows, series: LithiumSeries, protocol: str) -> LithiumShift | None:
        """Line of the lithium table; None where the series was not computed."""
        row = next((r for r in lithium if (r["quantity"], r["part"]) == (NI_MEAN, TOTAL)), None)
        span = max(series.lithium) - min(series.lithium)
        if row is None or not span > 0:
            return None
        slope, lo, hi = (float(row[k]) / span for k in ("value", "lo", "hi"))
        if not all(math.isfinite(e) and e > 0 for e in (slope, lo, hi)):
            return None
        return cls(slope, lo, hi, series.composition, protocol, int(float(row["n_orderings"])))

    def lithium(self, moved: Floats, axis_sd: float = AXIS_SD) -> tuple[Floats, Floats]:
        """Lithium per metal and half its 90 % interval.

        Parameters
        ----------
        moved
            Main peak less that of the pristine electrode, eV.
        axis_sd
            Standard deviation of the axis of one scan, eV. The shift is a difference of two.
        """
        of_slope = np.abs(moved) * (1 / self.lo - 1 / self.hi) / 2
        of_axes = NORMAL_90 * math.sqrt(2) * axis_sd / self.slope
        return 1 - moved / self.slope, np.hypot(of_slope, of_axes)

    def write(self, path: str | Path) -> None:
        """Keep it as an npz that `defectra predict` reads; no pickle."""
        about = {"kind": KIND, "study": "nmc", **asdict(self)}
        with replacing(path) as part, part.open("wb") as handle:
            np.savez_compressed(handle, about=np.array(json.dumps(about)))


def line_of(lithium: Rows, settings: str) -> LithiumShift | None:
    """Line of the lithium table; `settings` is JSON of nmc.lithium_series and nmc.protocol."""
    known = json.loads(settings)
    return LithiumShift.of(lithium, LithiumSeries(**known["lithium_series"]), known["protocol"])


def read(path: Path) -> LithiumShift:
    """A line that was kept.

    Raises
    ------
    DataError
        If the file is none.
    """
    try:
        about = json.loads(str(read_npz(path)["about"]))
        if about.pop("kind") != KIND:
            raise DataError(f"{path}: no model of lithium from the Ni K shift")
        about.pop("study")
        return LithiumShift(**about)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: no model of lithium from the Ni K shift ({error})") from None
