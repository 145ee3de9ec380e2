"""Whether a pattern is of disks that a network knows: profile and contrast of what it answers.

Disks at random places have the ring profile ``E = sum_i f_i(q)^2`` and, about it, the squared
speckle contrast ``1 - sum_i f_i^4 / (sum_i f_i^2)^2`` (``1 - 1 / N`` of N equal ones): sums of N
phasors. Both are known for every class, since its radii are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.engines.speckle.scattering import disk_form_factor
from defectra.studies.speckle.samples import radii_of
from defectra.studies.speckle.settings import SpeckleStudy

Floats = NDArray[np.float64]
RING = 16  # pixels, width of the rings of a profile
# Largest departures of patterns without noise: 0.17 (profile, 304 patterns), 0.26 (contrast, 152).
PROFILE, PROFILE_NOISE = 0.2, 100.0  # share of the profile; the second over the photons
CONTRAST, CONTRAST_NOISE = 0.3, 2e3  # squared contrast; the second over the photons


def strange(pattern: Floats, kind: str, number: int, study: SpeckleStudy, seed: int) -> str:
    """Why a pattern is not of the disks that were answered; empty where it may be.

    Parameters
    ----------
    pattern
        Upper half on the kept pixels, mean of Friedel mates; counts or intensities.
    number
        Of disks, the answer.
    seed
        Of the radii of unequal disks.
    """
    detector = study.detector
    m, step = detector.half // detector.step, detector.step
    rows, columns = np.arange(m + 1) * step, np.arange(-m, m + 1) * step
    away = np.hypot(rows[:, None], columns[None, :])
    inside = (away >= RING) & (away < detector.half // RING * RING)
    ring = (away[inside] / RING).astype(int) - 1
    q, seen = 2 * np.pi * away[inside] / detector.period, pattern[inside]
    squares = np.array([disk_form_factor(q, r) ** 2 for r in radii_of(kind, number, study, seed)])
    expected = squares.sum(0)
    photons = 2 * float(seen.sum()) if _counted(pattern) else np.inf
    apart = float(abs(_profile(seen, ring) - _profile(expected, ring)).sum() / 2)
    if apart > PROFILE + PROFILE_NOISE / photons:
        return f"{apart:.0%} of its intensity lies at other distances from the direct beam"
    shot = seen / 2 if np.isfinite(photons) else 0.0  # of the mean of two counts
    measured = float(((seen**2 - shot) / expected).sum() / expected.sum())
    measured = measured / (float(seen.sum()) / float(expected.sum())) ** 2 - 1
    wanted = 1 - float(((squares**2).sum(0) / expected).sum() / expected.sum())
    if abs(measured - wanted) > CONTRAST + CONTRAST_NOISE / photons:
        return f"its squared speckle contrast is {measured:.2f}, of such disks {wanted:.2f}"
    return ""


def _counted(pattern: Floats) -> bool:
    """Whether the values are means of two whole numbers."""
    return bool((2 * pattern == np.round(2 * pattern)).all())


def _profile(values: Floats, ring: NDArray[np.int64]) -> Floats:
    """Mean of each ring, their sum 1."""
    means = np.bincount(ring, values) / np.bincount(ring)
    return np.asarray(means / means.sum(), np.float64)
