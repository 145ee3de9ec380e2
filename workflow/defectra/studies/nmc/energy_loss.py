"""Contents from the measured energy-loss spectrum of arXiv:2501.08919, by intensities alone.

The axis is set by the white lines of the three metals, background by a power law before each edge.
An intensity over a window is divided by the cross-section of one atom: photoabsorption of the edge
(Elam et al., Radiat. Phys. Chem. 63, 121 (2002), by xraydb 4.5.8, without white lines) times
ln(1 + (beta / theta_E)^2) / E of the dipole approximation (Egerton, Electron Energy-Loss
Spectroscopy). The collection angle is not stated; it hardly matters for ratios. What the sample
was made of is not stated either.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.spectra.measured_spectrum import Measured

Floats = NDArray[np.float64]
ENERGY_LOSS_COLUMNS = ["element", "per_metal", "lo", "hi", "draws", "axis_scale", "axis_offset_eV"]
METALS = ("Ni", "Mn", "Co")
# White line L3 of each metal on the axis of the file, and of its oxides with 3+ and 4+ (eV).
_LINES = {"Mn": (630.2, 642.5), "Co": (764.3, 779.5), "Ni": (835.1, 854.0)}
_ONSETS = {"O": 529.0, "Mn": 637.0, "Co": 775.0, "Ni": 849.0}  # eV, true axis
FACTOR_ERROR = 0.10  # standard deviation of a k-factor, as a share of it
WIDTHS, BEFORE = (40.0, 60.0), (22.0, 35.0)  # eV: windows of the edge and of its background
COLLECTION = (0.010, 0.040)  # rad, half angle
BEAM = 300e3  # eV
_REST = 510998.95  # eV, electron


@dataclass(frozen=True)
class CrossSection:
    """Photoabsorption of one edge: eV above it, and barn for one atom."""

    above: Floats
    barn: Floats

    def loss(self, onset: float, width: float, collection: float) -> float:
        """Energy-loss cross-section over a window, any unit common to all elements."""
        energy = onset + np.arange(0.5, width, 1.0)
        photo = np.interp(energy - onset, self.above, self.barn)
        gamma = 1 + BEAM / _REST
        theta = energy / (gamma * _REST * (1 - gamma**-2))
        return float((photo / energy * np.log1p((collection / theta) ** 2)).sum())


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
    for element in _ONSETS:
        own = [(float(r["above_eV"]), float(r["cross_section_barn"])) for r in rows
               if r["element"] == element]  # fmt: skip
        if not own:
            raise DataError(f"{path}: no cross-section of {element}")
        above, barn = np.array(own).T
        out[element] = CrossSection(above, barn)
    return out


def axis() -> tuple[float, float]:
    """Scale and offset (eV) that lay the white lines of the file where they belong."""
    shown, true = np.array(list(_LINES.values())).T
    scale, offset = np.polyfit(shown, true, 1)
    return float(scale), float(offset)


def intensity(energy: Floats, counts: Floats, onset: float, width: float, before: float) -> float:
    """Counts above the power law of the energies before an edge, times eV.

    Parameters
    ----------
    energy
        eV, shape (n,).
    width, before
        Of the window of the edge, and of that of its background, which ends 4 eV below it, eV.
    """
    early = (energy > onset - 4 - before) & (energy < onset - 4)
    window = (energy >= onset) & (energy < onset + width)
    if early.sum() < 10 or window.sum() < 10 or energy[-1] < onset + width:
        raise DataError(f"the spectrum does not cover an edge at {onset:g} eV")
    power, constant = np.polyfit(np.log(energy[early]), np.log(counts[early]), 1)
    net = counts[window] - np.exp(constant) * energy[window] ** power
    return float(np.trapezoid(net, energy[window]))


def quantify(
    spectrum: Measured, sections: Mapping[str, CrossSection], seed: int, draws: int = 500
) -> Iterator[dict[str, Any]]:
    """Atoms of each element per metal atom, with 90 % of the draws.

    A draw takes other windows, another collection angle, and k-factors that are off by 10 % each.
    """
    scale, offset = axis()
    energy, counts = scale * spectrum.energy + offset, spectrum.mu
    generator = np.random.default_rng([seed, 8])
    found = []
    for number in range(draws + 1):
        exact = number == 0
        width, before, angle = (
            float(np.mean(ends) if exact else generator.uniform(*ends))
            for ends in (WIDTHS, BEFORE, COLLECTION)
        )
        atoms = {}
        for element, onset in _ONSETS.items():
            error = 0.0 if exact else FACTOR_ERROR * generator.normal()
            section = sections[element].loss(onset, width, angle) * (1 + error)
            atoms[element] = intensity(energy, counts, onset, width, before) / section
        metals = sum(atoms[m] for m in METALS)
        found.append([atoms[e] / metals for e in _ONSETS])
    values = np.array(found)
    low, high = np.quantile(values[1:], [0.05, 0.95], axis=0)
    for k, element in enumerate(_ONSETS):
        yield {
            "element": element,
            "per_metal": float(values[0, k]),
            "lo": float(low[k]),
            "hi": float(high[k]),
            "draws": draws,
            "axis_scale": scale,
            "axis_offset_eV": offset,
        }
