"""Levels of one functional on the band edges of another."""

from __future__ import annotations


def valence_shift(
    vbm_low: float, average_low: float, vbm_high: float, average_high: float
) -> float:
    """Depth of the VBM of the higher-fidelity functional below the other's, eV, positive downwards.

    Both are taken from the average electrostatic potential, which the functionals share
    (A. Alkauskas, P. Broqvist, A. Pasquarello, Phys. Rev. Lett. 101, 046405 (2008)).
    """
    return (vbm_low - average_low) - (vbm_high - average_high)


def plain(level: float, shift: float) -> float:
    """Level of the low-fidelity functional above the VBM of the higher-fidelity one, eV."""
    return level + shift


def modified(level: float, shift: float, gap: float, coefficient: float) -> float:
    """Modified band alignment, eV: E + shift + c (E - gap), arXiv:2203.10349.

    The coefficient is read off two published rows of one host: it may differ elsewhere.
    """
    return level + shift + coefficient * (level - gap)
