"""Inputs of FDMNES for one absorbing site, or for an element summed over all its atoms.

The cards are those of arXiv:2501.08919 (its four inputs are compared line by line in the tests):
K edges of light elements from an excited, self-consistent absorber within 6 Å, L2,3 of the 3d
metals self-consistent within 5.5 to 6.5 Å; -5 to 45 eV in steps of 0.2 eV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from defectra.core.errors import EngineError
from defectra.engines.fdmnes.settings import FdmnesProtocol

if TYPE_CHECKING:
    from pymatgen.core import Structure


def inputs(
    structure: Structure,
    absorber: tuple[str, str],
    protocol: FdmnesProtocol,
    site: int | None = None,
) -> dict[str, str]:
    """Files of one run: the indata file and ``fdmfile.txt``, which names it.

    Parameters
    ----------
    absorber
        Element and edge, ``K`` or ``L23``.
    site
        The one that absorbs, from 0; None: all of the element, as in the published inputs.

    Raises
    ------
    EngineError
        ``unknown_element`` if the structure has none of the element.
    """
    element = absorber[0]
    if element not in {s.specie.symbol for s in structure}:
        raise EngineError("unknown_element", f"the structure has no {element}")
    name = f"{element}_in.txt"
    return {name: indata(structure, absorber, protocol, site), "fdmfile.txt": f"1\n{name}\n"}


def indata(
    structure: Structure,
    absorber: tuple[str, str],
    protocol: FdmnesProtocol,
    site: int | None = None,
) -> str:
    """Text of the indata file, see :func:`inputs`."""
    from ase.data import atomic_numbers

    element, edge = absorber
    own, lattice = protocol.absorber(element), structure.lattice
    cell = " ".join(f"{v:.6f}" for v in (*lattice.abc, *lattice.angles))
    atoms = [
        f"  {atomic_numbers[s.specie.symbol]} " + " ".join(f"{v:.6f}" for v in s.frac_coords)
        for s in structure
    ]
    consistent = ["Excited", "", "SCFexc"] if own.excited else ["SCF"]
    plain = ("Energpho", "Quadrupole", "Memory_save", "Relativism", "PBE")
    lines = ["Filout", f"  0_{element}", "", "Range", f"  {protocol.span}", ""]
    lines += [x for card in plain for x in (card, "")]
    lines += [*consistent, "", "Radius", f"  {own.radius}", ""]
    lines += ["Crystal", f"  {cell}", *atoms, ""]
    card = ("Z_Absorber", atomic_numbers[element]) if site is None else ("Absorber", site + 1)
    lines += [card[0], f"  {card[1]}", ""]
    lines += ["Edge", f"  {edge}", "", "Convolution", "", "End"]
    return "\n".join(lines) + "\n"
