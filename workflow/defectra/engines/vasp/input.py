"""Inputs of a VASP core-hole run, without POTCAR, which its licence keeps with the user.

Supercell core-hole method of Karsai et al., Phys. Rev. B 98, 235205 (2018), with the settings of
arXiv:2310.07049: full hole, R2SCAN + U. The absorber is a species of its own and comes first, so
that ``CLNT = 1``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from defectra.core.errors import EngineError
from defectra.engines.vasp.settings import VaspProtocol

if TYPE_CHECKING:
    from pymatgen.core import Structure

_LEVELS = {"K": (1, 0), "L1": (2, 0), "L23": (2, 1), "L3": (2, 1), "L2": (2, 1)}


def inputs(structure: Structure, site: int, edge: str, protocol: VaspProtocol) -> dict[str, str]:
    """INCAR and POSCAR of one absorber, and which POTCARs to join in which order.

    Parameters
    ----------
    edge
        ``K``, ``L1`` or ``L23``.

    Raises
    ------
    EngineError
        ``unknown_edge`` or ``unknown_site``.
    """
    if edge not in _LEVELS:
        raise EngineError("unknown_edge", f"edge {edge!r}: one of {', '.join(_LEVELS)}")
    if not 0 <= site < len(structure):
        raise EngineError("unknown_site", f"site {site} of a cell of {len(structure)}")
    species = [s.specie.symbol for s in structure]
    blocks = [[site], *_blocks(species, site)]
    kinds = [species[b[0]] for b in blocks]
    needed = "\n".join(
        f"{k}{' (the one with the core hole)' * (n == 0)}" for n, k in enumerate(kinds)
    )
    return {
        "INCAR": _incar(kinds, [len(b) for b in blocks], edge, protocol),
        "POSCAR": _poscar(structure, blocks, kinds),
        "POTCAR.needed": f"Join these POTCARs in this order (GW sets are advised):\n{needed}\n",
    }


def _blocks(species: list[str], site: int) -> list[list[int]]:
    """Other atoms by element, in order of first appearance."""
    kinds = list(dict.fromkeys(species))
    found = [[i for i, s in enumerate(species) if s == k and i != site] for k in kinds]
    return [b for b in found if b]


def _incar(kinds: list[str], counts: list[int], edge: str, protocol: VaspProtocol) -> str:
    n, angular = _LEVELS[edge]
    u = [protocol.hubbard.get(k, 0.0) for k in kinds]
    tags: dict[str, object] = {
        "ALGO": "Normal",
        "METAGGA": "R2SCAN",
        "LASPH": ".TRUE.",
        "ISPIN": 2,
        "MAGMOM": " ".join(f"{c}*{1.0 if k == 'Co' else 0.6}" for k, c in zip(kinds, counts)),
        "LDAU": ".TRUE.",
        "LDAUTYPE": 2,
        "LDAUL": " ".join("2" if v else "0" for v in u),
        "LDAUU": " ".join(f"{v:g}" for v in u),
        "LDAUJ": " ".join("0" for _ in u),
        "LMAXMIX": 4,
        "LMIXTAU": ".TRUE.",
        "ICORELEVEL": 2,
        "CLNT": 1,
        "CLN": n,
        "CLL": angular,
        "CLZ": protocol.charge,
        "CH_LSPEC": ".TRUE.",
        "CH_SIGMA": 0.5,
        "NBANDS": protocol.bands,
        "ISMEAR": 0,
        "SIGMA": 0.1,
        "KSPACING": protocol.spacing,
        "LREAL": "Auto",
        "LWAVE": ".FALSE.",
        "LCHARG": ".FALSE.",
    }
    if not any(u):
        tags = {k: v for k, v in tags.items() if not k.startswith("LDAU")}
    return "\n".join(f"{k} = {v}" for k, v in tags.items()) + "\n"


def _poscar(structure: Structure, blocks: list[list[int]], kinds: list[str]) -> str:
    rows = ["\t".join(f"{v:.10f}" for v in row) for row in structure.lattice.matrix]
    sites = [
        " ".join(f"{v:.10f}" for v in structure[i].frac_coords) for block in blocks for i in block
    ]
    head = [structure.composition.formula, "1.0", *rows, " ".join(kinds)]
    return "\n".join([*head, " ".join(str(len(b)) for b in blocks), "direct", *sites]) + "\n"
