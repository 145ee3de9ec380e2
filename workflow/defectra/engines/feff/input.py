"""FEFF input: the text that the engine reads, which is also the identity of a calculation."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.engines.feff.settings import FeffProtocol

# The atom list reaches further than any sphere of a protocol, so that potentials do not depend
# on the radius of full multiple scattering and can serve several fidelities.
CLUSTER_RADIUS = 7.6  # Å

# lmax of the self-consistent potentials and of full multiple scattering, basis "compact".
COMPACT = {"Li": (1, 1), "O": (1, 2), "Mn": (2, 2), "Co": (2, 2), "Ni": (2, 2)}
FULL = (-1, 3)  # FEFF's own default for the potentials, f states for the scattering

ATOMIC_NUMBER = {"Li": 3, "O": 8, "Mn": 25, "Co": 27, "Ni": 28}


@dataclass(frozen=True)
class Cluster:
    """Atoms about an absorber, nearest first, ties in an order that no machine changes.

    Attributes
    ----------
    positions
        Å, absorber at the origin, shape (n, 3).
    species
        Elements, length n.
    distances
        Å, shape (n,).
    cell
        Atoms of each element in the unit cell: the stoichiometry of the potentials.
    """

    positions: NDArray[np.float64]
    species: tuple[str, ...]
    distances: NDArray[np.float64]
    cell: Mapping[str, int]


def cluster(geometry: Mapping[str, Any], index: int, radius: float = CLUSTER_RADIUS) -> Cluster:
    """Atoms within `radius` Å of site `index` of a geometries row."""
    from pymatgen.core import Lattice, get_el_sp

    lattice = Lattice(np.array(geometry["lattice"]).reshape(3, 3))
    sites = np.array(geometry["coords"]).reshape(-1, 3)
    names = {s: get_el_sp(s).symbol for s in dict.fromkeys(geometry["species"])}
    elements = [names[s] for s, _ in zip(geometry["species"], sites, strict=True)]
    centre = lattice.get_cartesian_coords(sites[index])
    found: Any = lattice.get_points_in_sphere(sites, centre, radius, zip_results=False)
    # atom by atom: a product of all at once may differ in the last bit, and this is an identity
    places = np.array([lattice.get_cartesian_coords(own) for own in found[0]])
    atoms = sorted(
        zip(
            np.round(found[1], 4).tolist(),
            [elements[k] for k in found[2]],
            map(tuple, (np.round(places - centre, 4) + 0.0).tolist()),
        )
    )
    return Cluster(
        np.array([a[2] for a in atoms]),
        tuple(a[1] for a in atoms),
        np.array([a[0] for a in atoms]),
        Counter(geometry["species"]),
    )


def feff_input(atoms: Cluster, edge: str, protocol: FeffProtocol, mixing: float) -> str:
    """Text of ``feff.inp`` for one edge (``K``, ``L3``) of the first atom of a cluster.

    Raises
    ------
    EngineError
        ``unknown_element``, of the cluster's.
    """
    absorber: Any = atoms.species[0]
    holes: Mapping[Any, str] = protocol.core_hole
    for element in dict.fromkeys(atoms.species):
        if element not in COMPACT or (element == absorber and element not in holes):
            raise EngineError("unknown_element", _unknown(element))
    cards = [
        "TITLE defectra",
        f"EDGE {edge}",
        "S02 1.0",
        "CONTROL 1 1 1 1 1 1",
        "PRINT 1 0 0 0 0 0",
        f"COREHOLE {holes[absorber]}",
        f"SCF {protocol.scf_radius:.3f} 0 {protocol.scf_iterations} {mixing:.4f} 1",
        f"FMS {protocol.fms_radius:.3f}",
        f"XANES {protocol.k_max:.3f} {protocol.k_step:.3f} 0.0",
        "RPATH 0.1",
    ]
    if protocol.tolerances:
        cards.append("TOLS " + " ".join(f"{t:g}" for t in protocol.tolerances))
    others = sorted(set(atoms.species[1:]), key=ATOMIC_NUMBER.__getitem__)
    cards += ["POTENTIALS", _potential(0, absorber, 0.001, protocol.basis)]
    amounts: Mapping[Any, float] = protocol.stoichiometry or atoms.cell
    cards += [_potential(i, e, amounts[e], protocol.basis) for i, e in enumerate(others, 1)]
    cards.append("ATOMS")
    for k, (xyz, element, distance) in enumerate(
        zip(atoms.positions.tolist(), atoms.species, atoms.distances.tolist())
    ):
        x, y, z = xyz
        ipot = 0 if k == 0 else others.index(element) + 1
        cards.append(f"{x:10.4f}{y:10.4f}{z:10.4f} {ipot} {element:2s} {distance:9.4f}")
    return "\n".join([*cards, "END", ""])


def _unknown(element: str) -> str:
    return (
        f"FEFF's protocols here know {', '.join(COMPACT)}, not {element}: core hole and basis were "
        f"tested for those elements alone. For {element}: `defectra run gpaw_corehole`, `vasp` or "
        f"`fdmnes` (`defectra run list`), or a FEFF run of your own, read by `defectra import`"
    )


def _potential(number: int, element: str, amount: float, basis: str) -> str:
    scf, fms = COMPACT[element] if basis == "compact" else FULL
    return f"{number} {ATOMIC_NUMBER[element]} {element} {scf} {fms} {amount:g}"


def calculation_id(text: str) -> str:
    """SHA-256 of the canonical engine input."""
    return hashlib.sha256(text.encode()).hexdigest()


def potentials_key(text: str) -> str:
    """Identity of the self-consistent potentials: the input without what comes after them.

    With the core hole screened afterwards (``COREHOLE RPA``) the potentials are those of the
    ground state, and edges and radii of full multiple scattering may share them.
    """
    later = ("EDGE", "FMS", "XANES", "TITLE", "RPATH")
    kept = [line for line in text.splitlines() if not line.startswith(later)]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()
