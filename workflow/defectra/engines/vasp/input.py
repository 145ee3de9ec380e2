"""Inputs of a VASP core-hole run, without POTCAR, which its licence keeps with the user.

Supercell core-hole method of Karsai et al., Phys. Rev. B 98, 235205 (2018), with the settings of
arXiv:2310.07049: full hole, R2SCAN + U. The absorber is a species of its own and comes first, so
that ``CLNT = 1``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from defectra.core.errors import EngineError
from defectra.engines.open_shells import unstated
from defectra.engines.vasp.settings import VaspProtocol

if TYPE_CHECKING:
    from pymatgen.core import Structure

_LEVELS = {"K": (1, 0), "L1": (2, 0), "L23": (2, 1), "L3": (2, 1), "L2": (2, 1)}


START = {"Co": 1.0}  # µB, of the published INCAR, where the structure has no moments
_START_OF_OTHERS = 0.6  # µB


def inputs(
    structure: Structure,
    site: int,
    edge: str,
    protocol: VaspProtocol,
    moments: Sequence[float] = (),
) -> dict[str, str]:
    """INCAR and POSCAR of one absorber, and which POTCARs to join in which order.

    Parameters
    ----------
    edge
        ``K``, ``L1`` or ``L23``.
    moments
        µB, of each site, where self-consistency starts; none: 1.0 of Co, 0.6 of others.

    Raises
    ------
    EngineError
        ``unknown_edge``, ``unknown_site``; ``no_hubbard`` if the protocol says no U of an element
        with an open d or f shell; ``bad_input`` if moments do not fit the sites.
    """
    if edge not in _LEVELS:
        raise EngineError("unknown_edge", f"edge {edge!r}: one of {', '.join(_LEVELS)}")
    if not 0 <= site < len(structure):
        raise EngineError("unknown_site", f"site {site} of a cell of {len(structure)}")
    species = [s.specie.symbol for s in structure]
    _refuse_unstated(species, protocol)
    blocks = [[site], *_blocks(species, site)]
    kinds = [species[b[0]] for b in blocks]
    needed = "\n".join(
        f"{k}{' (the one with the core hole)' * (n == 0)}" for n, k in enumerate(kinds)
    )
    return {
        "INCAR": _incar(kinds, _starts(species, blocks, moments), edge, protocol),
        "POSCAR": _poscar(structure, blocks, kinds),
        "POTCAR.needed": f"Join these POTCARs in this order (GW sets are advised):\n{needed}\n",
    }


def _blocks(species: list[str], site: int) -> list[list[int]]:
    """Other atoms by element, in order of first appearance."""
    kinds = list(dict.fromkeys(species))
    found = [[i for i, s in enumerate(species) if s == k and i != site] for k in kinds]
    return [b for b in found if b]


def _refuse_unstated(species: Sequence[str], protocol: VaspProtocol) -> None:
    """Refuse metals that would get neither a U nor, of themselves, the moment of their ion."""
    unknown = unstated(species, protocol.hubbard)
    if unknown:
        raise EngineError(
            "no_hubbard",
            f"VASP core hole: the protocol says no U of {', '.join(unknown)}, beside those of "
            f"{', '.join(protocol.hubbard) or 'none'}; state it in `hubbard` of the protocol, 0 "
            "for none (and magnetic moments with the geometry, if 0.6 µB is no good start)",
        )


def _starts(species: list[str], blocks: list[list[int]], moments: Sequence[float]) -> str:
    """MAGMOM of the sites in the order of POSCAR: as the moments say, else as published."""
    if len(moments) not in (0, len(species)) or not np.isfinite(list(moments)).all():
        text = f"VASP core hole: {len(moments)} magnetic moments, all finite, for {len(species)}"
        raise EngineError("bad_input", f"{text} sites: give one of each site, or none")
    order = [i for block in blocks for i in block]
    if len(moments):
        values = [round(float(moments[i]), 2) + 0.0 for i in order]
        return " ".join(f"{len(list(g))}*{v:g}" for v, g in itertools.groupby(values))
    kinds = ((species[b[0]], len(b)) for b in blocks)
    return " ".join(f"{n}*{START.get(k, _START_OF_OTHERS)}" for k, n in kinds)


def _incar(kinds: list[str], moments: str, edge: str, protocol: VaspProtocol) -> str:
    n, angular = _LEVELS[edge]
    u = [protocol.hubbard.get(k, 0.0) for k in kinds]
    tags: dict[str, object] = {
        "ALGO": "Normal",
        "METAGGA": "R2SCAN",
        "LASPH": ".TRUE.",
        "ISPIN": 2,
        "MAGMOM": moments,
        "LDAU": ".TRUE.",
        "LDAUTYPE": 2,
        "LDAUL": " ".join(str(_shell(k)) if v else "0" for k, v in zip(kinds, u)),
        "LDAUU": " ".join(f"{v:g}" for v in u),
        "LDAUJ": " ".join("0" for _ in u),
        "LMAXMIX": 6 if any(_shell(k) == 3 for k in kinds) else 4,
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


def _shell(element: str) -> int:
    """Angular momentum of the shell that a U acts on: that of the block of the element."""
    from pymatgen.core import Element

    return "spdf".index(Element(element).block)


def _poscar(structure: Structure, blocks: list[list[int]], kinds: list[str]) -> str:
    rows = ["\t".join(f"{v:.10f}" for v in row) for row in structure.lattice.matrix]
    sites = [
        " ".join(f"{v:.10f}" for v in structure[i].frac_coords) for block in blocks for i in block
    ]
    head = [structure.composition.formula, "1.0", *rows, " ".join(kinds)]
    return "\n".join([*head, " ".join(str(len(b)) for b in blocks), "direct", *sites]) + "\n"
