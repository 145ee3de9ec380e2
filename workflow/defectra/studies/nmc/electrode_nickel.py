"""Mean oxidation state of nickel in measured electrodes, from Ni K and by charge neutrality.

The labels of the model are states that CHGNet's magnetic moments assign to each nickel atom of the
computed cells; cells with an ambiguous one are left out. They are whole numbers and a little lower
than charge neutrality asks for, and so are the answers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.structures.composition import counts, parse_composition
from defectra.studies.nmc.block_evaluate import NICKEL
from defectra.studies.nmc.electrode_models import Aligned, Rows, kernel_answers
from defectra.studies.nmc.lithium_shift import NORMAL_90

Floats = NDArray[np.float64]
METAL_SITES = 10  # of the cells that names such as NMC622 are counted in
FIXED = {"Mn": 4.0, "Co": 3.0}  # oxidation states that are taken for granted
OXYGEN = 4.0  # charge of two O 2- for each metal
FEWEST = 2  # groups that a model is trained on


def nickel_states(aligned: Aligned, rows: Rows, seed: int) -> tuple[Floats, Floats]:
    """State of each electrode and half its 90 % interval; NaN with too few cells to learn from.

    The interval is that of held-out computed spectra with jitter. How far a measured spectrum
    differs from computed ones is not in it.

    Parameters
    ----------
    rows
        Arms of the blocks; all whose state is known are learnt from.
    """
    known = [r for r in rows if np.isfinite(r[NICKEL.column])]
    groups = [str(r["group"]) for r in known]
    if len(set(groups)) < FEWEST:
        nothing = np.full(len(aligned.mu), np.nan)
        return nothing, nothing
    labels = np.array([float(r[NICKEL.column]) for r in known])
    found = kernel_answers(aligned.curves(known), labels, groups, aligned.own, seed)
    return found.values, np.full(len(found.values), NORMAL_90 * found.held_out)


def by_charge(composition: str, lithium: float) -> float:
    """State that charge neutrality gives: Li+, Mn4+, Co3+ and O2- in Li_x M O2.

    Above 4 the assumption is broken: cobalt or oxygen has been oxidised, or less lithium has left
    than the charge says.

    Parameters
    ----------
    composition
        Such as ``NMC622``.
    lithium
        Per metal atom.
    """
    share = {m: n / METAL_SITES for m, n in _counts(composition).items()}
    rest = OXYGEN - lithium - sum(q * share[m] for m, q in FIXED.items())
    return rest / share["Ni"]


def _counts(composition: str) -> dict[str, int]:
    return counts(parse_composition(composition, METAL_SITES))
