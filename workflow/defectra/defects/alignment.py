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


def modified(level: float, shift: float, hybrid_gap: float, coefficient: float) -> float:
    """Modified band alignment, eV: E + shift + c (E - E_g), arXiv:2203.10349.

    Parameters
    ----------
    level
        E, of the low-fidelity functional above its valence-band maximum, eV.
    hybrid_gap
        E_g, of the host by the higher-fidelity functional, eV; NaN (not known) gives NaN. The
        published rows of CdS have 2.05 eV: HSE06 on PBE orbitals gives 1.91 eV here, PBE 1.00 eV;
        measured are 2.5 eV.
    coefficient
        c, read off two published rows of one host: it may differ elsewhere.
    """
    return level + shift + coefficient * (level - hybrid_gap)
