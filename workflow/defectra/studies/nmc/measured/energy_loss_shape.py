"""Contents from the shape of the measured O K energy loss, by the model of the blocks.

The spectrum has one free shift: the one that lays it nearest to the training spectra of the model,
in the model's own measure of distance (:meth:`defectra.learn.edges_model.EdgesModel.outside`),
among those that leave the whole edge on the grid of the model. If it lies outside of the training
spectra even then, the stated interval, that of held-out computed spectra, does not hold.

Counts without background are divided by the factor between energy loss and absorption
(:mod:`defectra.spectra.loss_factor`) at the middle of the range of collection angles, which are not
stated: over 30 eV of O K that is a slope of 8 %, of which the ends of the range leave 1 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.learn.edges_model import EdgesModel
from defectra.spectra.loss_factor import Geometry
from defectra.spectra.measured_spectrum import Measured, on_grid
from defectra.spectra.plural_scattering import PluralScattering
from defectra.studies.nmc.measured.energy_loss import (
    BEAM,
    BEFORE,
    COLLECTION,
    KNOWN,
    LEFT_IN,
    Axis,
    single_scattering,
    without_power_law,
)

Floats = NDArray[np.float64]
Row = dict[str, Any]
EDGE, ELEMENT = "O K", "O"
SHAPE = f"shape of {EDGE}"
AS_COUNTS = ", factor of energy loss left in"
CURVE_COLUMNS = ["curve", "energy_eV", "mu"]
MEASURED = "measured"
NEAREST = 3  # computed spectra that are shown
LARGEST = 15.0  # eV, from the first shift that is tried to the last
_STEPS = (0.5, 0.1)  # eV, of the search
_GEOMETRY = Geometry(BEAM, float(np.mean(COLLECTION)))


@dataclass(frozen=True)
class Shape:
    """The measured edge on the grid of a model.

    Attributes
    ----------
    energy, mu
        Grid of the model, eV, and the measured edge on it, area one.
    shift
        Added to the axis of the metals' white lines, eV.
    outside
        Distance from the training spectra; above 1 is outside.
    thickness
        Over the mean free path, of the plural scattering that was taken off.
    absorption
        Whether the factor between energy loss and absorption was divided out.
    """

    energy: Floats
    mu: Floats
    shift: float
    outside: float
    thickness: float
    absorption: bool = True

    @classmethod
    def of(
        cls,
        spectrum: Measured,
        axis: Axis,
        model: EdgesModel,
        thickness: float = 0.0,
        absorption: bool = True,
    ) -> Shape:
        """The edge without background, where it is nearest to the training spectra.

        Parameters
        ----------
        thickness
            Over the mean free path, of the plural scattering that was taken off before.
        absorption
            Divide the counts by the factor between energy loss and absorption.

        Raises
        ------
        DataError
            If the spectrum does not cover the grid of the model with any shift.
        """
        near, known = axis.near(ELEMENT, spectrum.energy), KNOWN[ELEMENT]
        net = without_power_law(near, spectrum.mu, known.onset, float(np.mean(BEFORE)))
        flat = _GEOMETRY.absorption(near, net) if absorption else net
        energy, grid = axis.of_metals(spectrum.energy), model.grid(EDGE)
        begins = known.onset - axis.shifts[ELEMENT]
        first = grid[0] - begins  # the edge begins where the grid does
        tried = np.arange(first, first + LARGEST, _STEPS[0])
        inside = (energy[0] + tried <= grid[0]) & (energy[-1] + tried >= grid[-1])
        if not inside.any():
            raise DataError(f"the spectrum does not cover {EDGE} as the model knows it")

        def moved(shift: float) -> Floats:
            return on_grid(Measured(energy + shift, flat, "counts"), grid)

        def away(shift: float) -> float:
            return model.outside({EDGE: moved(shift)})[EDGE]

        coarse = min(tried[inside], key=away)
        fine = coarse + np.arange(-_STEPS[0], _STEPS[0] + 1e-9, _STEPS[1])
        best = float(min(fine[fine >= first - 1e-9], key=away))
        mu = moved(best)
        return cls(grid, mu / np.trapezoid(mu, grid), best, away(best), thickness, absorption)

    @property
    def way(self) -> str:
        """Name of the way in the table of contents."""
        return SHAPE + LEFT_IN * (not self.thickness) + AS_COUNTS * (not self.absorption)


def of_model(
    spectrum: Measured, axis: Axis, scattering: PluralScattering, model: EdgesModel | None
) -> tuple[list[Row], list[Row]]:
    """Contents by the shape, and the curves behind them.

    By the absorption without and with plural scattering, and by the counts without it.

    Without a model, or of one that does not know the edge, there are none of either.

    Raises
    ------
    DataError
        As :meth:`Shape.of`.
    """
    if model is None or EDGE not in model.about.edges:
        return [], []
    single = single_scattering(spectrum, axis, scattering)
    shape = Shape.of(single, axis, model, scattering.thickness)
    uncorrected = Shape.of(spectrum, axis, model)
    counts = Shape.of(single, axis, model, scattering.thickness, absorption=False)
    found = [row for own in (shape, uncorrected, counts) for row in contents(own, axis, model)]
    return found, list(curves(shape, model, uncorrected))


def contents(shape: Shape, axis: Axis, model: EdgesModel) -> Iterator[Row]:
    """Contents that the model states, with the interval of its held-out computed spectra."""
    for told in model.predict({EDGE: shape.mu}):
        if not told.target.startswith("x_"):
            continue
        yield {
            "way": shape.way,
            "element": told.target.removeprefix("x_"),
            "per_metal": told.value,
            "lo": told.value - told.score,
            "hi": told.value + told.score,
            "draws": 0,
            "axis_scale": axis.scale,
            "axis_offset_eV": axis.offset,
            "shift_eV": shape.shift,
            "outside": shape.outside,
            "thickness": shape.thickness,
        }


def curves(shape: Shape, model: EdgesModel, uncorrected: Shape) -> Iterator[Row]:
    """Rows of :data:`CURVE_COLUMNS`: the measured edge, and the computed ones nearest to it.

    Parameters
    ----------
    uncorrected
        The same edge with plural scattering left in, which is shown beside it.
    """
    computed = model.curves[EDGE]
    areas = np.asarray(np.trapezoid(computed, shape.energy, axis=1))
    unit = computed / areas[:, None]
    order = np.argsort(((unit - shape.mu) ** 2).sum(axis=1))[:NEAREST]
    shown = {MEASURED: shape.mu, MEASURED + LEFT_IN: uncorrected.mu}
    for rank, k in enumerate(order, 1):
        shown[f"{rank}: {_formula(model, int(k))}"] = unit[k]
    for name, mu in shown.items():
        for energy, value in zip(shape.energy, mu):
            yield {"curve": name, "energy_eV": float(energy), "mu": float(value)}


def _formula(model: EdgesModel, row: int) -> str:
    """Contents and defect of a training row, such as ``Li0.8 Ni0.5 Mn0.4 Co0.1, antisite``."""
    label = dict(zip(model.about.targets, model.labels[row]))
    text = " ".join(f"{t.removeprefix('x_')}{v:.2g}" for t, v in label.items() if t[:2] == "x_")
    defects = [t for t in ("vacancy", "antisite") if label.get(t, 0) > 0.5]
    return ", ".join([text, *defects])
