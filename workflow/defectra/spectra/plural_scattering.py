"""Plural scattering in energy loss, taken off by the low-loss spectrum of the same place.

An electron that excites an edge may lose energy to the valence electrons as well: the edge is
measured folded with the low-loss spectrum. The Fourier-ratio method divides by that spectrum
(Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd edition, section 4.3).
Here the zero loss is one channel wide, so that its width stays in the edge, and spectra are power
series over their channels: the division is exact, without noise at high frequencies, and nothing
that lies above an energy changes what is below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.spectra.measured_spectrum import Measured

Floats = NDArray[np.float64]
REACH = 150.0  # eV above the zero loss; what was lost beyond is no plural scattering
OFFSET_BELOW = 15.0  # eV below the zero loss, where nothing but an offset is
_SMOOTH = 5  # channels, running mean that finds the end of the zero loss
_SAME_STEP = 0.01  # of a channel


@dataclass(frozen=True)
class PluralScattering:
    """What follows an event at the zero loss.

    Attributes
    ----------
    shares
        Counts of each channel over those of the zero loss, by channels above it; first one 1,
        the last one 150 eV above it.
    step
        Width of a channel as the file says it, eV.
    """

    shares: tuple[float, ...]
    step: float

    @classmethod
    def of(cls, low_loss: Measured) -> PluralScattering:
        """Read a low-loss spectrum.

        Zero loss: all counts up to the first minimum above the largest channel.

        Raises
        ------
        DataError
            If it holds no zero loss with energies on both sides, or no scattering.
        """
        top = int(np.argmax(low_loss.mu))
        energy = low_loss.energy - low_loss.energy[top]
        below, step = energy < -OFFSET_BELOW, _step(low_loss.energy)
        if below.sum() < _SMOOTH or top + 2 * _SMOOTH >= len(energy):
            raise DataError(
                f"the low-loss spectrum has its largest channel at {low_loss.energy[top]:g} eV; a "
                f"zero loss needs at least {OFFSET_BELOW:g} eV below it, and what is above"
            )
        counts = low_loss.mu - low_loss.mu[below].mean()
        mean = np.full(_SMOOTH, 1 / _SMOOTH)
        smooth = np.convolve(counts[top - _SMOOTH // 2 :], mean, "valid")  # centred, from top on
        rises = np.flatnonzero(np.diff(smooth) > 0)
        if not len(rises):
            raise DataError("the low-loss spectrum falls all the way: no scattering is seen")
        end = top + int(rises[0]) + 1
        shares = counts[top:] / counts[np.flatnonzero(~below)[0] : end].sum()
        shares[: end - top] = 0.0
        shares[0] = 1.0
        reach = energy[top:] <= REACH
        return cls(tuple(float(s) for s in shares[reach]), step)

    @property
    def thickness(self) -> float:
        """Thickness over the mean free path of inelastic scattering."""
        return float(np.log(sum(self.shares)))

    def without(self, net: Floats, share: float = 1.0) -> Floats:
        """A spectrum without plural scattering, in units of electrons that did not scatter.

        Parameters
        ----------
        net
            Counts on channels of the same width, shape (channels,). What lies below the first
            channel does not count.
        share
            Thickness of the place over that of the low-loss spectrum; 0 changes nothing.
        """
        return np.convolve(net, power(self.shares, -share, len(net)))[: len(net)]

    def on(self, single: Floats, share: float = 1.0) -> Floats:
        """Plural scattering put on; inverse of :meth:`without`."""
        return self.without(single, -share)

    def check(self, energy: Floats) -> None:
        """Refuse an axis whose channels are not as wide as those of the low-loss spectrum.

        Raises
        ------
        DataError
            If they are not.
        """
        if abs(_step(energy) - self.step) > _SAME_STEP * self.step:
            raise DataError(
                f"channels of {_step(energy):g} eV, those of the low-loss spectrum have "
                f"{self.step:g} eV; measure both with one dispersion"
            )


def _step(energy: Floats) -> float:
    steps = np.diff(energy)
    middle = float(np.median(steps))
    if not len(steps) or np.abs(steps - middle).max() > _SAME_STEP * middle:
        raise DataError("energy-loss channels of unequal width cannot be folded")
    return middle


def power(shares: tuple[float, ...], exponent: float, count: int) -> Floats:
    """Power of a series with first term 1, by J. C. P. Miller's recurrence, shape (count,)."""
    series = np.zeros(count)
    series[: len(shares)] = shares[:count]
    weighted = np.arange(count) * series
    backwards = np.zeros(count)  # last place: first term
    backwards[-1] = 1.0
    for k in range(1, count):
        known, terms = backwards[count - k :], slice(1, k + 1)
        rise = (exponent + 1) / k * (weighted[terms] @ known)
        backwards[count - 1 - k] = rise - series[terms] @ known
    return backwards[::-1].copy()
