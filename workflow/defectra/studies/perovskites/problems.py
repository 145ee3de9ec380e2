"""Learning problems: the labels, the features a model may see, and the baseline it starts from.

`features` names what has to be known of a compound before it can be predicted:

- ``composition``: nothing but the formula.
- ``+ PBE``: its PBE value (Perdew-Burke-Ernzerhof functional) of the same label; learnt is the
  difference (delta learning).
- ``+ own ends``: our own calculations of the end members (pure inorganic compounds), averaged over
  the composition (:mod:`defectra.studies.perovskites.end_members`); no published value of any
  compound. A lattice constant is learnt as the difference from the averaged one.
- ``+ PBE + own ends``: both; of the gap, learnt is what the difference of HSE (hybrid functional of
  Heyd, Scuseria and Ernzerhof) and PBE is more than that of our end members.
- ``+ own ends and mixing``: besides, how the B site is mixed, and how molecules on A change the
  gaps of our end members, in which Cs stands for them (gap alone).
- ``+ references``: the energies of the phases AX; learnt is the decomposition energy counted from
  one level for all A (:mod:`defectra.studies.perovskites.references`). No energy of a perovskite
  is in it. Cost of the vacancies and Fermi level at equilibrium hold E(AX) as well, by one half,
  since mu_A + mu_X = E(AX) (:mod:`defectra.studies.perovskites.vacancies`).

Every problem has our 13 descriptors and the 45 tabulated properties of the published table; the
member ``gp`` of the committee sees ours alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.studies.perovskites import descriptors, end_members
from defectra.studies.perovskites.references import offsets
from defectra.studies.perovskites.tables import compounds_of

Floats = NDArray[np.float64]
Rows = Sequence[Mapping[str, Any]]
Groups = tuple[tuple[int, ...], ...]
COMPOSITION = "composition"
PBE, REFERENCES, OWN = " + PBE", " + references", " + own ends"
MIXING = OWN + " and mixing"
STEP = PBE + OWN
TARGETS = (
    "lattice_PBE",
    "lattice_HSE",
    "decomposition_PBE",
    "decomposition_HSE",
    "gap_PBE",
    "gap_HSE",
    "refractive_index",
    "log_fom",
    "defect_energy",
    "fermi_level",
    "level_A",
    "level_X",
)
# By how much R(AX) enters a label: by its definition, not fitted.
REFERENCE_SHARES = {
    "decomposition_PBE": -1.0,
    "decomposition_HSE": -1.0,
    "defect_energy": 0.5,
    "fermi_level": 0.5,
}
# Labels that our own calculations say something about.
WITH_OWN = ("lattice_HSE", "gap_HSE", "defect_energy")


@dataclass(frozen=True)
class Problem:
    """One label learnt from one kind of features.

    Attributes
    ----------
    features
        Name, see the module.
    matrix
        Shape (n, p).
    groups, wide
        Groups of our columns, and of all.
    base
        What is added to the learnt part, shape (n,).
    """

    features: str
    matrix: Floats
    groups: Groups
    wide: Groups
    base: Floats


def problems(
    target: str, rows: Rows, references: Rows, ions: descriptors.Table, runs: Rows = ()
) -> list[Problem]:
    """Every way in which a label is learnt; rows without the PBE value have NaN in those columns.

    Parameters
    ----------
    target
        One of `TARGETS`.
    rows
        Rows of the compounds table.
    references, ions
        Rows of ``references.csv``; ionic properties by ion.
    runs
        Rows of our own calculations; none: no problem is built on them.
    """
    compounds = compounds_of(rows)
    quantity, fidelity = target.rsplit("_", 1)
    matrix = descriptors.wide_matrix(compounds, ions, rows)
    plain = Problem(COMPOSITION, matrix, descriptors.GROUPS, descriptors.WIDE, np.zeros(len(rows)))
    out = [plain]
    if target in REFERENCE_SHARES:
        frame = offsets(compounds, references, "HSE" if fidelity == "HSE" else "PBE")
        base = REFERENCE_SHARES[target] * frame
        out.append(replace(plain, features=COMPOSITION + REFERENCES, base=base))
    own = end_members.matrix(compounds, runs) if runs and target in WITH_OWN else None
    if own is not None:
        base = end_members.lattice(own) if quantity == "lattice" else plain.base
        out.append(_with(plain, OWN, [own], base))
        if quantity == "gap":
            parts = np.split(end_members.mixing(compounds, own), [end_members.PAIRS], axis=1)
            out.append(_with(plain, MIXING, [own, *parts], plain.base))
    if fidelity != "HSE":
        return out
    cheap = label(rows, f"{quantity}_PBE")
    out.append(_with(plain, PBE, [cheap[:, None]], cheap))
    if own is not None and quantity == "gap":
        out.append(_with(plain, STEP, [own, cheap[:, None]], cheap + end_members.step(own)))
    return out


def label(rows: Rows, target: str) -> Floats:
    """Values of a label, NaN where it is missing or was found wrong; shape (n,)."""
    return np.array([np.nan if target in row["flags"] else row[target] for row in rows], float)


def _with(plain: Problem, added: str, columns: Sequence[Floats], base: Floats) -> Problem:
    """A problem with more columns, each array of them a group of its own."""
    stops = np.cumsum([plain.matrix.shape[1], *(c.shape[1] for c in columns)])
    more = [tuple(range(a, b)) for a, b in pairwise(stops)]
    return Problem(
        plain.features + added,
        np.hstack([plain.matrix, *columns]),
        (*plain.groups, *more),
        (*plain.wide, *more),
        base,
    )
