"""Elemental descriptors, from the periodic table of pymatgen.

Its sources: ionisation energies and atomic orbital energies (local density) of NIST, Pauling
electronegativities, Slater's atomic radii, Pettifor's Mendeleev numbers.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

from defectra.core.errors import TableError
from defectra.core.units import HARTREE_EV

DEEP_EV = -40.0  # d shells below this, or absent, count as closed core
BLOCKS = {"s": 0.0, "p": 1.0, "d": 2.0, "f": 3.0}
NAMES = (
    *("electronegativity", "ionisation_1", "ionisation_2", "affinity", "radius", "ionic_radius"),
    *("mendeleev", "row", "valence", "s_level", "p_level", "d_level", "open_d", "block"),
)


@lru_cache(maxsize=256)
def element(symbol: str) -> dict[str, float]:
    """Descriptors of one element, by the names of :data:`NAMES`; energies in eV, radii in Å.

    ``valence`` is the number of electrons that count for the charge: the group, less 10 for the
    p block, 2 for zinc's group. ``p_level`` of atoms without an occupied valence p shell is
    4.5 eV above their s level.

    Raises
    ------
    TableError
        If there is no such element, or it has a single electron: hydrogen is not described.
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
        outer = max(int(name[0]) for name in shells if name[1] == "s")
        s_level = shells[f"{outer}s"]
        d_level = max([v for n, v in shells.items() if n[1] == "d"], default=DEEP_EV)
        return {
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
