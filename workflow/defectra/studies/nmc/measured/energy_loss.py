"""Contents from the measured energy-loss spectrum of arXiv:2501.08919 by intensities.

The axis is set by the white lines of the three metals; each edge then has one shift of its own,
which lays its strongest line where it belongs. Background: a power law before each edge. An
intensity over a window is divided by the cross-section of one atom: photoabsorption of the edge
(Chantler, J. Phys. Chem. Ref. Data 29, 597 (2000), without white lines; the table is made by
``python -m benchmarks.edge_cross_sections``) times the factor of the dipole approximation
(:mod:`defectra.spectra.loss_factor`). The collection angle is not stated; it hardly matters for
ratios.

The cross-sections know no white lines, which a window from the onset on holds, while a later window
rests on a longer extrapolation of the background: where it begins is part of the error. Plural
scattering is taken off by the low-loss spectrum of the record
(:mod:`defectra.spectra.plural_scattering`), of the same region by the tags of its image; the
thickness of the pixels that were summed is not stated, so that it is part of the error too. The
authors' README calls the sample "5% Si-doped NMC" (lithium nickel manganese cobalt oxide); the
ratio of its metals is not stated. Lithium cannot be found by
intensities: the axis begins at 440 eV, its edge lies at 55 eV.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.spectra.edges_seen import eels_edges
from defectra.spectra.loss_factor import Geometry
from defectra.spectra.measured_spectrum import Measured
from defectra.spectra.plural_scattering import PluralScattering

Floats = NDArray[np.float64]
Row = dict[str, Any]
ENERGY_LOSS_COLUMNS = [
    *("way", "element", "per_metal", "lo", "hi", "draws", "axis_scale", "axis_offset_eV"),
    *("shift_eV", "outside", "thickness"),
]
METALS = ("Mn", "Co", "Ni")
INTENSITIES = "intensities"
FACTOR_ERROR = 0.10  # standard deviation of a k-factor, as a share of it
STARTS, WIDTHS = (0.0, 25.0), (35.0, 60.0)  # eV above the onset, eV: windows of the edge
BEFORE = (22.0, 35.0)  # eV: windows of its background
COLLECTION = (0.010, 0.040)  # rad, half angle
# Thickness of the pixels that were summed over that of the low-loss spectrum: drawn from these
THICKNESS = tuple(float(f) for f in np.linspace(0.5, 1.5, 21))
SHARES = (0.0, *THICKNESS)  # 0: plural scattering is left in
SHOWN = ((0.0, 50.0), (20.0, 40.0))  # start and width (eV) of windows that are shown one by one
LEFT_IN = ", plural scattering left in"
BEAM = 300e3  # eV
_GAP = 4.0  # eV between a window and the next onset


@dataclass(frozen=True)
class Known:
    """Where an edge of these oxides lies.

    Attributes
    ----------
    line
        Its strongest line, eV: L3 of metals 3+ and 4+, the main peak of O K.
    below
        How far below that line the edge begins, eV.
    """

    line: float
    below: float

    @property
    def onset(self) -> float:
        """Where the edge begins, eV."""
        return self.line - self.below


KNOWN = {
    "O": Known(541.0, 15.5),
    "Mn": Known(642.5, 5.5),
    "Co": Known(779.5, 4.5),
    "Ni": Known(854.0, 5.0),
}
_ORDER = sorted(KNOWN, key=lambda e: KNOWN[e].line)


@dataclass(frozen=True)
class Axis:
    """True energies of a spectrum.

    Attributes
    ----------
    scale, offset
        Of the straight line through the white lines of the metals; offset in eV.
    shifts
        One for each element, added on top near its edge, eV.
    """

    scale: float
    offset: float
    shifts: Mapping[str, float]

    @classmethod
    def of(cls, spectrum: Measured) -> Axis:
        """Axis from the lines that a spectrum shows.

        Raises
        ------
        DataError
            If an edge is not seen.
        """
        seen = {x.edge.split()[0]: x.energy for x in eels_edges(spectrum, tuple(KNOWN))}
        missing = [e for e in KNOWN if e not in seen]
        if missing:
            raise DataError(
                f"the energy-loss spectrum shows no line of {', '.join(missing)}; its axis is set "
                "by the lines of the metals and of O"
            )
        shown, true = np.array([(seen[m], KNOWN[m].line) for m in METALS]).T
        scale, offset = np.polyfit(shown, true, 1)
        shifts = {e: float(k.line - scale * seen[e] - offset) for e, k in KNOWN.items()}
        return cls(float(scale), float(offset), shifts)

    def of_metals(self, shown: Floats) -> Floats:
        """Energies by the line through the metals, eV."""
        return np.asarray(self.scale * shown + self.offset)

    def near(self, element: str, shown: Floats) -> Floats:
        """Energies near the edge of an element, eV."""
        return self.of_metals(shown) + self.shifts[element]


@dataclass(frozen=True)
class Window:
    """Where an edge is integrated.

    Attributes
    ----------
    start, width
        From the onset on, and how far, eV; it ends 4 eV before the next edge at the latest.
    before
        Width of the window of the background, which ends 4 eV below the onset, eV.
    """

    start: float
    width: float
    before: float

    def ends(self, element: str) -> tuple[float, float]:
        """First and last energy above the onset of an element, eV."""
        place = _ORDER.index(element)
        last = self.start + self.width
        if place + 1 < len(_ORDER):
            room = KNOWN[_ORDER[place + 1]].onset - _GAP - KNOWN[element].onset
            last = min(last, room)
        return self.start, last


@dataclass(frozen=True)
class CrossSection:
    """Photoabsorption of one edge: eV above it, and barn for one atom."""

    above: Floats
    barn: Floats

    def loss(self, onset: float, start: float, stop: float, collection: float) -> float:
        """Energy-loss cross-section over a window, any unit common to all elements.

        Parameters
        ----------
        start, stop
            Ends of the window above the onset, eV.
        """
        energy = onset + np.arange(start, stop - 0.5) + 0.5
        photo = np.interp(energy - onset, self.above, self.barn)
        total = (photo * Geometry(BEAM, collection).factor(energy)).mean()
        return float(total * (stop - start))


def read_cross_sections(path: str | Path) -> dict[str, CrossSection]:
    """Table of cross-sections by element.

    Raises
    ------
    DataError
        If an element is missing.
    """
    with Path(path).open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    out = {}
    for element in KNOWN:
        own = [(float(r["above_eV"]), float(r["cross_section_barn"])) for r in rows
               if r["element"] == element]  # fmt: skip
        if not own:
            raise DataError(f"{path}: no cross-section of {element}")
        above, barn = np.array(own).T
        out[element] = CrossSection(above, barn)
    return out


def power_law(energy: Floats, counts: Floats, onset: float, before: float) -> tuple[float, float]:
    """Power and logarithm of the factor of the background before an edge.

    Parameters
    ----------
    before
        Width of the window that is fitted, which ends 4 eV below the onset, eV.

    Raises
    ------
    DataError
        If fewer than ten positive counts lie there.
    """
    early = (energy > onset - _GAP - before) & (energy < onset - _GAP)
    if early.sum() < 10 or (counts[early] <= 0).any():
        raise DataError(f"the spectrum does not cover the energies before the edge at {onset:g} eV")
    power, constant = np.polyfit(np.log(energy[early]), np.log(counts[early]), 1)
    return float(power), float(constant)


def without_power_law(energy: Floats, counts: Floats, onset: float, before: float) -> Floats:
    """Counts less the background of :func:`power_law`, shape of `counts`."""
    power, constant = power_law(energy, counts, onset, before)
    return np.asarray(counts - np.exp(constant) * energy**power)


def intensity(
    energy: Floats, counts: Floats, onset: float, ends: tuple[float, float], before: float
) -> float:
    """Counts above the background between two energies above an onset, times eV."""
    window = (energy >= onset + ends[0]) & (energy < onset + ends[1])
    if window.sum() < 10 or energy[-1] < onset + ends[1]:
        raise DataError(f"the spectrum does not cover an edge at {onset:g} eV")
    net = without_power_law(energy, counts, onset, before)
    return float(np.trapezoid(net[window], energy[window]))


def single_scattering(
    spectrum: Measured, axis: Axis, scattering: PluralScattering, share: float = 1.0
) -> Measured:
    """The spectrum without plural scattering.

    Electrons from below its first channel scatter into it: below the window of the background of
    its first edge the power law of that background stands for the counts, twice as far down as the
    low-loss spectrum reaches. Counts of the first channels of a detector, which may fall short,
    are not used.

    Parameters
    ----------
    share
        Thickness of the pixels over that of the low-loss spectrum; 0 leaves the scattering in.

    Raises
    ------
    DataError
        If the channels of both spectra are not as wide as each other.
    """
    scattering.check(spectrum.energy)
    first, count = _ORDER[0], 2 * len(scattering.shares)
    energy = axis.near(first, spectrum.energy)
    onset, before = KNOWN[first].onset, float(np.mean(BEFORE))
    early = energy[0] + (energy[1] - energy[0]) * np.arange(-count, 0)
    power, constant = power_law(energy, spectrum.mu, onset, before)
    whole = np.concatenate([early, energy])
    seen = np.concatenate([np.zeros(count), spectrum.mu])
    smooth = np.exp(constant) * whole**power
    counts = np.where(whole > onset - _GAP - before, seen, smooth)
    return replace(spectrum, mu=scattering.without(counts, share)[count:])


@dataclass(frozen=True)
class Setting:
    """What may be chosen for a quantification.

    Attributes
    ----------
    window
        Of the edges.
    angle
        Half angle of collection, rad.
    share
        Thickness over that of the low-loss spectrum, one of :data:`SHARES`.
    """

    window: Window
    angle: float = float(np.mean(COLLECTION))
    share: float = 1.0


@dataclass(frozen=True)
class Quantity:
    """What contents are computed from: a spectrum, its axis, cross-sections, low loss."""

    spectrum: Measured
    axis: Axis
    sections: Mapping[str, CrossSection]
    scattering: PluralScattering

    @cached_property
    def counts(self) -> Mapping[float, Floats]:
        """Counts without plural scattering, for each of :data:`SHARES`."""
        return {
            f: single_scattering(self.spectrum, self.axis, self.scattering, f).mu for f in SHARES
        }

    def per_metal(self, by: Setting, errors: Floats | None = None) -> Floats:
        """Atoms of each element of :data:`KNOWN` per metal atom.

        Parameters
        ----------
        errors
            Of the k-factors, as shares of them, shape (elements,); none: 0.
        """
        atoms, counts = {}, self.counts[by.share]
        off = np.zeros(len(KNOWN)) if errors is None else errors
        for (element, known), error in zip(KNOWN.items(), off):
            energy, ends = self.axis.near(element, self.spectrum.energy), by.window.ends(element)
            section = self.sections[element].loss(known.onset, *ends, by.angle) * (1 + error)
            own = intensity(energy, counts, known.onset, ends, by.window.before)
            atoms[element] = own / section
        metals = sum(atoms[m] for m in METALS)
        return np.array([atoms[e] / metals for e in KNOWN])


def quantify(own: Quantity, seed: int, draws: int = 500) -> Iterator[Row]:
    """Atoms of each element per metal atom with their interval, then by single windows.

    The value has the middle of every range. The interval holds 90 % of the draws, and what each
    window and thickness at the ends of the ranges gives (systematic: none is more right than
    another). A draw takes another window of the edge (the same for all elements), another one of
    the background, another collection angle and thickness, and k-factors that are off by 10 % each.
    Single windows stand there without and with plural scattering.
    """
    generator = np.random.default_rng([seed, 8])
    middle = Window(*(float(np.mean(ends)) for ends in (STARTS, WIDTHS, BEFORE)))
    drawn = np.array([own.per_metal(*_draw(generator)) for _ in range(draws)])
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    shares = min(THICKNESS), max(THICKNESS)
    corners = [
        own.per_metal(Setting(Window(*w), share=f))
        for *w, f in product(STARTS, WIDTHS, BEFORE, shares)
    ]
    ends = np.array([np.min([low, *corners], axis=0), np.max([high, *corners], axis=0)])
    yield from _rows(INTENSITIES, own, own.per_metal(Setting(middle)), ends, draws)
    nothing = np.full((2, len(KNOWN)), np.nan)
    for (start, width), share in product(SHOWN, (1.0, 0.0)):
        values = own.per_metal(Setting(Window(start, width, middle.before), share=share))
        yield from _rows(window_name(start, width, share), own, values, nothing, 0, share)


def window_name(start: float, width: float, share: float = 1.0) -> str:
    """Name of a window that is shown alone."""
    return f"{INTENSITIES}, {start:g} to {start + width:g} eV{'' if share else LEFT_IN}"


def _draw(generator: np.random.Generator) -> tuple[Setting, Floats]:
    start, width, before, angle = (
        float(generator.uniform(*ends)) for ends in (STARTS, WIDTHS, BEFORE, COLLECTION)
    )
    share = float(generator.choice(THICKNESS))
    errors = FACTOR_ERROR * generator.normal(size=len(KNOWN))
    return Setting(Window(start, width, before), angle, share), errors


def _rows(
    way: str, own: Quantity, values: Floats, ends: Floats, draws: int, share: float = 1.0
) -> Iterator[Row]:
    for k, element in enumerate(KNOWN):
        yield {
            "way": way,
            "element": element,
            "per_metal": float(values[k]),
            "lo": float(ends[0, k]),
            "hi": float(ends[1, k]),
            "draws": draws,
            "axis_scale": own.axis.scale,
            "axis_offset_eV": own.axis.offset,
            "shift_eV": own.axis.shifts[element],
            "outside": float("nan"),
            "thickness": share * own.scattering.thickness,
        }
