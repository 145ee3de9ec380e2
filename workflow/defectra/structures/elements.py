"""Elemental descriptors, from the periodic table of pymatgen.

Its sources: ionisation energies and atomic orbital energies (local density) of NIST, Pauling
electronegativities, Slater's atomic radii, Pettifor's Mendeleev numbers.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from defectra.core.errors import TableError
from defectra.core.units import HARTREE_EV

DEEP_EV = -40.0  # d shells below this, or absent, count as closed core
# Levels of valence s shells that are empty in the atom, as the mean of the neighbours in the row
EMPTY_S = {"Pd": ("Rh", "Ag")}
BLOCKS = {"s": 0.0, "p": 1.0, "d": 2.0, "f": 3.0}
NAMES = (
    *("electronegativity", "ionisation_1", "ionisation_2", "affinity", "radius", "ionic_radius"),
    *("mendeleev", "row", "valence", "s_level", "p_level", "d_level", "open_d", "block"),
)
KNOWN = ("electronegativity", "radius", "ionic_radius")  # above 0 where they are known


@lru_cache(maxsize=256)
def element(symbol: str) -> dict[str, float]:
    """Descriptors of one element, by the names of :data:`NAMES`; energies in eV, radii in Å.

    Levels are those of the outermost shell, whose number is the row of the periodic table.
    ``valence`` is the number of electrons that count for the charge: the group, less 10 for the
    p block, 2 for zinc's group. ``p_level`` of atoms without an occupied valence p shell is
    4.5 eV above their s level: assumed, no measured value (s to p excitations are 1.4 to 2.1 eV in
    alkali metals and about 4 eV in zinc's group).

    Raises
    ------
    TableError
        If there is no such element, or one of these numbers is not known of it: hydrogen has no
        second ionisation energy, noble gases no radii or electronegativity.
    """
    from pymatgen.core import Element

    if not Element.is_valid_symbol(symbol):
        raise TableError(f"{symbol!r} is no chemical element")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atom = Element(symbol)
        energies = atom.ionization_energies
        if len(energies) < 2:
            raise TableError(f"{symbol!r} has no second ionisation energy: it is not covered")
        shells = {name: HARTREE_EV * value for name, value in atom.atomic_orbitals.items()}
        group = int(atom.group)
        outer = int(atom.row)
        s_level = _s_level(symbol, shells, outer)
        d_level = max([v for n, v in shells.items() if n[1] == "d"], default=DEEP_EV)
        found = {
            "electronegativity": float(atom.X),
            "ionisation_1": float(energies[0]),
            "ionisation_2": float(energies[1]),
            "affinity": float(atom.electron_affinity or 0.0),
            "radius": float(atom.atomic_radius or 0.0),
            "ionic_radius": float(atom.average_ionic_radius),
            "mendeleev": float(atom.mendeleev_no),
            "row": float(atom.row),
            "valence": float(group if group < 12 else group - 10),
            "s_level": s_level,
            "p_level": shells.get(f"{outer}p", s_level + 4.5),
            "d_level": max(d_level, DEEP_EV),
            "open_d": float(3 <= group <= 11),
            "block": BLOCKS[str(atom.block)],
        }
    absent = [n for n in KNOWN if not found[n] > 0] + [n for n in NAMES if np.isnan(found[n])]
    if absent:
        raise TableError(f"{symbol!r} has no {', '.join(dict.fromkeys(absent))}: it is not covered")
    return found


def _s_level(symbol: str, shells: Mapping[str, float], outer: int) -> float:
    if symbol in EMPTY_S:
        return float(np.mean([element(other)["s_level"] for other in EMPTY_S[symbol]]))
    if f"{outer}s" not in shells:
        raise TableError(f"{symbol!r} has no level of its {outer}s shell: it is not covered")
    return shells[f"{outer}s"]


def sublattices(host: str) -> tuple[str, str]:
    """Elements of the two sublattices: ``CdTe`` -> Cd, Te; ``Si`` -> Si, Si.

    Raises
    ------
    TableError
        If the formula does not name one or two elements.
    """
    found = re.findall(r"[A-Z][a-z]?", host)
    if "".join(found) != host or len(found) not in (1, 2):
        raise TableError(f"{host!r}: a host of one or two elements is expected, e.g. CdTe, Si")
    for symbol in found:
        element(symbol)
    return found[0], found[-1]


def is_compound(host: str) -> bool:
    """Is it a II-VI or III-V host (not an element or a IV-IV compound)?"""
    first, second = (element(s)["valence"] for s in sublattices(host))
    return first != second
