"""Energy loss beside absorption: the factor of the dipole approximation.

Into a collection half angle β, dσ/dE is proportional to f(E) ln(1 + (β/θE)²) / E, absorption to
f(E) alone; f is the oscillator density, θE = E / (γ m v²) the relativistic characteristic angle
(Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed., chapter 3). It
holds for β well below the Bethe ridge, some (E / beam energy)^½ rad; the convergence of the beam is
left out: where it is as large as β, state a larger, effective β. Over 35 eV of O K the factor falls
by 8 to 9 % (300 keV, 10 to 40 mrad).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.spectra.measured_spectrum import Measured, SpectrumError

Floats = NDArray[np.float64]
BEAM, COLLECTION = "beam energy (keV)", "collection angle (mrad)"  # keys of `meta`
_REST = 510998.95  # eV, rest energy of the electron
_HIGHEST = 3000.0  # keV; a larger beam energy is in eV, as some programs write it
_WIDEST = 300.0  # mrad; a larger collection angle is none
# Where nothing is stated: what is taken, and ends that count as a 90 % interval (a judgement; no
# statistics of microscopes stand behind them)
USUAL = {BEAM: (200.0, 60.0, 300.0), COLLECTION: (20.0, 5.0, 50.0)}


@dataclass(frozen=True)
class Geometry:
    """How energy loss was measured.

    Attributes
    ----------
    beam
        Energy of the electrons, eV.
    collection
        Half angle of collection, rad.
    """

    beam: float
    collection: float

    def factor(self, energy: ArrayLike) -> Floats:
        """Energy loss over absorption at energies (eV, above 0), 1/eV, shape of `energy`."""
        loss = np.asarray(energy, float)
        gamma = 1 + self.beam / _REST
        theta = loss / (gamma * _REST * (1 - gamma**-2))
        return np.asarray(np.log1p((self.collection / theta) ** 2) / loss)

    def absorption(self, energy: Floats, counts: Floats) -> Floats:
        """Counts without background as absorption, in units of counts at the first energy.

        Parameters
        ----------
        energy
            eV, above 0, shape (n,).
        counts
            Shape (n,).
        """
        factor = self.factor(energy)
        return np.asarray(counts * factor[0] / factor)


class Stated(NamedTuple):
    """What a user says of the geometry: beam energy (keV) and collection angle (mrad); or None."""

    beam: float | None = None
    collection: float | None = None

    def check(self, kinds: Collection[str]) -> None:
        """Refuse a statement where no spectrum is energy loss.

        Parameters
        ----------
        kinds
            Of the spectra (:attr:`Measured.kind`).

        Raises
        ------
        SpectrumError
            If something is stated and none of them is ``counts``, or a value cannot be meant.
        """
        for key, value in self.own.items():
            if "counts" not in kinds:
                raise SpectrumError(f"{_OPTION[key]}: of energy loss; this is X-ray absorption")
            if math.isnan(_number(self.own, key)):
                raise SpectrumError(f"{_OPTION[key]}: {value} is none")

    def said_of(self, spectrum: Measured) -> Measured:
        """The spectrum with what is stated in place of what its file says."""
        return replace(spectrum, meta={**spectrum.meta, **self.own})

    @property
    def own(self) -> dict[str, str]:
        """What is stated, as it stands in `meta`."""
        stated = {BEAM: self.beam, COLLECTION: self.collection}
        return {key: str(value) for key, value in stated.items() if value is not None}


def geometries(spectrum: Measured) -> tuple[Geometry, ...]:
    """Geometry of an energy-loss spectrum.

    Returns
    -------
    The geometry alone where both of its numbers are stated. Else three: the usual one, then that
    with the steepest and that with the flattest factor among usual ones.
    """
    beam, collection = (_number(spectrum.meta, key) for key in (BEAM, COLLECTION))
    choices = [
        USUAL[key] if math.isnan(value) else (value,) * 3
        for key, value in ((BEAM, beam), (COLLECTION, collection))
    ]
    found = [Geometry(1e3 * b, 1e-3 * c) for b, c in zip(*choices)]
    return tuple(found if math.isnan(beam + collection) else found[:1])


def sentence(spectrum: Measured) -> str:
    """What is made of an energy-loss spectrum before a model of absorption reads it."""
    used = geometries(spectrum)[0]
    taken = f"{used.beam / 1e3:g} keV, {1e3 * used.collection:g} mrad"
    text = f"energy loss divided by ln(1 + (β/θE)²)/E to be absorption ({taken})"
    unknown = [key for key in (BEAM, COLLECTION) if math.isnan(_number(spectrum.meta, key))]
    if not unknown:
        return text
    ends = " and ".join("{1:g} to {2:g}".format(*USUAL[k]) + _UNIT[k] for k in unknown)
    names = " and ".join(k.partition(" (")[0] for k in unknown)
    options = ", ".join(_OPTION[k] for k in unknown)
    return f"{text}; {names} not stated, {ends} count as 90 % (state {options})"


_UNIT = {BEAM: " keV", COLLECTION: " mrad"}
_OPTION = {BEAM: "--beam-energy KEV", COLLECTION: "--collection-angle MRAD"}


def _number(meta: Mapping[str, str], key: str) -> float:
    """A number of `meta`; NaN where there is none that can be meant (programs write 0)."""
    text = re.match(r"\s*[-+\d.eE]+", meta.get(key, ""))
    try:
        value = float(text[0]) if text else math.nan
    except ValueError:
        return math.nan
    if key == BEAM and value > _HIGHEST:
        value /= 1e3
    return value if 0 < value <= (_HIGHEST if key == BEAM else _WIDEST) else math.nan
