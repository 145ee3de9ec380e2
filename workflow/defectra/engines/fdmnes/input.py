"""Inputs of FDMNES for one absorbing site, or for an element summed over all its atoms.

The cards are those of arXiv:2501.08919 (its four inputs are compared line by line in the tests):
K edges of light elements from an excited, self-consistent absorber within 6 Å, L2,3 of the 3d
metals self-consistent within 5.5 to 6.5 Å; -5 to 45 eV in steps of 0.2 eV.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from defectra.core.errors import EngineError

if TYPE_CHECKING:
    from pymatgen.core import Structure


@dataclass(frozen=True)
class FdmnesProtocol:
    """Cards of an input.

    Attributes
    ----------
    edge
        ``K`` or ``L23``.
    radius
        Å, of the cluster about the absorber.
    excited
        Self-consistency with the core hole (Excited, SCFexc) instead of without (SCF).
    span
        First energy, step, last energy from the edge, eV, as written.
    timeout_s
        s, then a run counts as failed.
    """

    edge: str
    radius: str
    excited: bool = False
    span: str = "-5. 0.2 45"
    timeout_s: float = 86400.0


# Radii of the released inputs.
PUBLISHED: Mapping[str, FdmnesProtocol] = {
    "O": FdmnesProtocol("K", "6", excited=True),
    "Ni": FdmnesProtocol("L23", "6.5"),
    "Mn": FdmnesProtocol("L23", "5.75"),
    "Co": FdmnesProtocol("L23", "5.5"),
}


def inputs(
    structure: Structure, element: str, protocol: FdmnesProtocol, site: int | None = None
) -> dict[str, str]:
    """Files of one run: the indata file and ``fdmfile.txt``, which names it.

    Parameters
    ----------
    site
        The one that absorbs, from 0; None: all of the element, as in the published inputs.

    Raises
    ------
    EngineError
        ``unknown_element`` if the structure has none of the element.
    """
    if element not in {s.specie.symbol for s in structure}:
        raise EngineError("unknown_element", f"the structure has no {element}")
    name = f"{element}_in.txt"
    return {name: indata(structure, element, protocol, site), "fdmfile.txt": f"1\n{name}\n"}


def indata(
    structure: Structure, element: str, protocol: FdmnesProtocol, site: int | None = None
) -> str:
    """Text of the indata file, see :func:`inputs`."""
    from ase.data import atomic_numbers

    lattice = structure.lattice
    cell = " ".join(f"{v:.6f}" for v in (*lattice.abc, *lattice.angles))
    atoms = [
        f"  {atomic_numbers[s.specie.symbol]} " + " ".join(f"{v:.6f}" for v in s.frac_coords)
        for s in structure
    ]
    consistent = ["Excited", "", "SCFexc"] if protocol.excited else ["SCF"]
    plain = ("Energpho", "Quadrupole", "Memory_save", "Relativism", "PBE")
    lines = ["Filout", f"  0_{element}", "", "Range", f"  {protocol.span}", ""]
    lines += [x for card in plain for x in (card, "")]
    lines += [*consistent, "", "Radius", f"  {protocol.radius}", ""]
    lines += ["Crystal", f"  {cell}", *atoms, ""]
    absorber = ("Z_Absorber", atomic_numbers[element]) if site is None else ("Absorber", site + 1)
    lines += [absorber[0], f"  {absorber[1]}", ""]
    lines += ["Edge", f"  {protocol.edge}", "", "Convolution", "", "End"]
    return "\n".join(lines) + "\n"
