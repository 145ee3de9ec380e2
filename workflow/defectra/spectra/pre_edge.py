"""Background under a measured edge, fitted before it beside the foot of computed spectra.

What a scan shows before its edge is a background and the foot of the edge itself: the tail that the
lifetime of the core hole gives it, and transitions before the main rise. A line fitted to both and
extrapolated under the near edge takes the foot for a slope. Here the foot is that of the spectra
which the measured one will be compared with, as MBACK fits tabulated absorption (T.-C. Weng, G. S.
Waldo, J. E. Penner-Hahn, J. Synchrotron Rad. 12, 506 (2005)).

How much of a line there is follows from the range against the noise: the slope has a prior of
mean zero (:data:`SLOPE`), so that a short or noisy range leaves a constant, a long one a line, and
what is not known of either is stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from defectra.spectra.measured_spectrum import Measured, SpectrumError

Floats = NDArray[np.float64]

SLOPE = 1e-3  # edge steps per eV, standard deviation, assumed
VICTOREEN = 3.0  # falling absorption of everything else, as high as the step: slope VICTOREEN / E
HIGHER = 0.1  # standard deviation of the height of a measured foot over the computed one, assumed
EXTRAPOLATED = 0.5  # of how far a foot falls before the grid: not known better, assumed
REACH = 60.0  # eV before the foot at most: farther off, a background is no line
ONSET = 0.1  # of the largest value of the computed spectra: where the edge has begun
DETERMINED = 0.5  # of the prior standard deviation: a slope that is known better is one
BAD = 3.0  # times the scatter that noise and computed spectra allow
ROUNDS = 6  # of weighing the noise anew
FEWEST = 4  # energies before that
NOISE_FLOOR = 1e-3  # of the range of the absorption: no computed foot is right to less, assumed


@dataclass(frozen=True)
class Foot:
    """Computed spectra of an edge, area one.

    Attributes
    ----------
    grid
        Even, eV, shape (g,).
    mean
        Shape (g,), 1/eV.
    apart
        What the spectra differ by among themselves and when the axis is off: deviations whose mean
        square is the variance, shape (n + 1, g), 1/eV.
    """

    grid: Floats
    mean: Floats
    apart: Floats

    @classmethod
    def of(cls, grid: Floats, curves: Floats, axis_sd: float) -> Foot:
        """From spectra of any scale, shape (n, g); `axis_sd`: how far an axis is off, eV."""
        areas: Floats = np.asarray(np.trapezoid(curves, grid, axis=1))
        unit = curves / areas[:, None]
        mean = unit.mean(axis=0)
        moved = axis_sd * np.gradient(mean, grid)
        return cls(grid, mean, np.sqrt(len(unit) + 1) * np.vstack([
            (unit - mean) / np.sqrt(len(unit)), moved
        ]))  # fmt: skip

    @property
    def rise(self) -> float:
        """Steepest rise of the mean, eV."""
        return float(self.grid[int(np.argmax(np.gradient(self.mean)))])

    @property
    def onset(self) -> float:
        """Where the mean first reaches :data:`ONSET` of its largest value, eV."""
        return float(self.grid[int(np.argmax(self.mean > ONSET * self.mean.max()))])

    @property
    def step(self) -> float:
        """Height after the edge: mean of the last third, 1/eV."""
        return float(np.mean(self.mean[-len(self.mean) // 3 :]))

    def covariance(self, energy: Floats) -> Floats:
        """Of the foot at energies (eV), shape (energies, energies), 1/eV².

        How the computed spectra differ, how far the axis may be off, by how much a measured foot
        may be higher, and half of what is extrapolated before the grid.
        """
        apart, mean = self.at(self.apart, energy), self.at(self.mean, energy)[0]
        beyond = EXTRAPOLATED * (np.interp(energy, self.grid, self.mean) - mean)
        own = apart.T @ apart / len(apart)
        return np.asarray(own + HIGHER**2 * np.outer(mean, mean) + np.outer(beyond, beyond))

    def at(self, curves: Floats, energy: Floats) -> Floats:
        """Spectra of the grid at energies (eV), shape (n, energies).

        Before the grid they go on as the foot of a Lorentzian does, with the inverse distance from
        the steepest rise.
        """
        fall = np.minimum(1.0, (self.rise - self.grid[0]) / np.maximum(self.rise - energy, 1e-9))
        inside = np.array([np.interp(energy, self.grid, c) for c in np.atleast_2d(curves)])
        return inside * np.where(energy < self.grid[0], fall, 1.0)


@dataclass(frozen=True)
class Background:
    """A line under an edge, in units of the file.

    Attributes
    ----------
    centre
        Mean energy of what was fitted, eV on the axis of the file.
    level, slope
        At the centre, and per eV.
    cov
        Covariance of both, shape (2, 2).
    prior
        Standard deviation of the slope before anything was measured, per eV.
    step
        Height of the edge.
    begins
        First energy, eV before the edge begins.
    misfit
        Residual in units of what noise and computed spectra allow; above one it widens `cov`.
    """

    centre: float
    level: float
    slope: float
    cov: Floats
    prior: float
    step: float
    begins: float
    misfit: float

    def under(self, energy: Floats) -> Floats:
        """The line at energies (eV)."""
        return np.asarray(self.level + self.slope * (energy - self.centre))

    def moved(self, off: Floats) -> Background:
        """With `off` added to (level, slope)."""
        return replace(self, level=self.level + float(off[0]), slope=self.slope + float(off[1]))

    @property
    def ways_off(self) -> Floats:
        """Two independent deviations of (level, slope), one standard deviation each, (2, 2)."""
        values, vectors = np.linalg.eigh(self.cov)
        return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))).T)

    def sd(self, energy: float) -> float:
        """Standard deviation of the line at an energy (eV), in edge steps."""
        terms = np.array([1.0, energy - self.centre])
        return float(np.sqrt(terms @ self.cov @ terms) / abs(self.step))

    @property
    def determined(self) -> bool:
        """Whether the range tells the slope."""
        return bool(np.sqrt(self.cov[1, 1]) < DETERMINED * self.prior)

    @property
    def fits(self) -> bool:
        """Whether what lies before the edge is a line beside a computed foot."""
        return self.misfit <= BAD

    def sentence(self, last: float) -> str:
        """What the range determined, for people; `last`: last energy that is compared, eV."""
        order = "line" if self.determined else "hardly more than a constant"
        text = f"{order} under the edge, from {self.begins:.0f} eV before it begins"
        off = self.sd(last)
        text += f"; known within {off:.1%} of the edge step at {last:.0f} eV (1 sd)"
        if not self.determined:
            text += "; too short or too noisy a range to tell its slope: begin the scan earlier"
        if not self.fits:
            text += (
                f"; what lies before the edge is no line beside a computed foot ({self.misfit:.0f} "
                "times the scatter allowed): is the axis right, is another edge near?"
            )
        return text


def background(spectrum: Measured, foot: Foot, shift: float = 0.0) -> Background:
    """Background of a scan that covers the grid of computed spectra.

    The scan is ``a + b x + s m(x)`` before the edge, m being the mean of the computed spectra; the
    scale s follows from the area of the scan on the grid. Generalised least squares: noise, and how
    the computed spectra differ among themselves there.

    Parameters
    ----------
    spectrum
        Absorption that covers the grid after the shift.
    foot
        Computed spectra of the edge.
    shift
        Added to the energies, eV.

    Raises
    ------
    SpectrumError
        If fewer than :data:`FEWEST` energies lie before the edge.
    """
    energy, mu = spectrum.energy + shift, spectrum.mu
    used = (energy < foot.onset) & (energy > min(foot.onset, foot.grid[0]) - REACH)
    if used.sum() < FEWEST:
        raise SpectrumError(
            f"{int(used.sum())} energies before {foot.onset:.1f} eV, where the edge begins in the "
            f"spectra of the model, tell no background (at least {FEWEST} do); begin the scan "
            "10 eV before it"
        )
    x, centre = energy[used], float(energy[used].mean())
    moments = _moments(energy, mu, foot, centre)
    mean = foot.at(foot.mean, x)[0]
    each = 1 - moments["length"] * mean, x - centre - moments["middle"] * mean
    terms = np.stack(each, axis=1)
    scale = moments["area"] - moments["length"] * float(mu[used].mean())
    step = max(scale * foot.step, NOISE_FLOOR * float(np.ptp(mu)))
    prior = step * float(np.hypot(SLOPE, VICTOREEN / centre))
    seen = mu[used] - moments["area"] * mean
    own = _noise(x, mu[used])
    rough = own
    for _ in range(ROUNDS):  # what neither a line nor a foot explains is noise, whatever its kind
        noise = scale**2 * foot.covariance(x) + rough**2 * np.eye(len(x))
        weighted = np.linalg.solve(noise, terms)
        cov = np.linalg.inv(terms.T @ weighted + np.diag([0.0, prior**-2]))
        level, slope = cov @ (weighted.T @ seen)
        rest = seen - terms @ np.array([level, slope])
        misfit = float(np.sqrt(rest @ np.linalg.solve(noise, rest) / max(len(x) - 2, 1)))
        rough *= max(misfit, 1.0)
    misfit = rough / own
    begins = float(foot.onset - energy[0])
    return Background(centre - shift, float(level), float(slope), cov, prior, step, begins, misfit)


def _moments(energy: Floats, mu: Floats, foot: Foot, centre: float) -> Mapping[str, float]:
    """Area of the scan on the grid, of a constant 1 and of a slope 1 about `centre`."""
    grid = foot.grid
    return {
        "area": float(np.trapezoid(np.interp(grid, energy, mu), grid)),
        "length": float(grid[-1] - grid[0]),
        "middle": float(np.trapezoid(grid - centre, grid)),
    }


def _noise(x: Floats, mu: Floats) -> float:
    """Standard deviation of the noise, from second differences on the energies as they are."""
    floor = NOISE_FLOOR * float(np.ptp(mu)) + 1e-12
    if len(mu) < 3:
        return floor
    first, last = np.diff(x)[:-1], np.diff(x)[1:]
    part = last / (first + last)
    off = mu[1:-1] - part * mu[:-2] - (1 - part) * mu[2:]
    size = np.sqrt(1 + part**2 + (1 - part) ** 2)
    return max(float(np.median(np.abs(off) / size)) / 0.6745, floor)
