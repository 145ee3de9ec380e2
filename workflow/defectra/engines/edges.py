"""Tabulated absorption edges: names, energies and jump ratios of the elements."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from defectra.core.errors import ConfigError


@dataclass(frozen=True)
class Edge:
    """One absorption edge of a free atom.

    Attributes
    ----------
    element, edge
        E.g. ``Ni`` and ``L3``.
    number
        Atomic number.
    energy
        eV, Elam, Ravel, Sieber (2002).
    jump
        Ratio of the absorption after and before the edge.
    """

    element: str
    edge: str
    number: int
    energy: float
    jump: float


@lru_cache(maxsize=1)
def table() -> tuple[Edge, ...]:
    """All edges from 20 eV on, Li to U."""
    text = files("defectra.engines").joinpath("edges.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(
        Edge(r["element"], r["edge"], int(r["z"]), float(r["energy_eV"]), float(r["jump"]))
        for r in csv.DictReader(lines)
    )


@lru_cache(maxsize=1)
def _by_name() -> dict[tuple[str, str], Edge]:
    return {(e.element, e.edge): e for e in table()}


def find(element: str, edge: str) -> Edge | None:
    """Edge by name (``L23`` and ``L2,3`` are taken for L3); None if it is not in the table."""
    short = edge.upper().replace(",", "")
    names = {"L23": "L3", "M45": "M5", "K1": "K"}
    return _by_name().get((element, names.get(short, short)))


def edge_name(text: str) -> tuple[str, str]:
    """Element and edge of a text such as ``Ni K`` or ``Mn L3``.

    Raises
    ------
    ConfigError
        If it is none of the table.
    """
    words = text.split()
    if len(words) == 2 and find(*words):
        return words[0], words[1]
    raise ConfigError(f"{text!r} is no absorption edge; write element and edge, e.g. 'Ni K'")


def symbol(number: int) -> str | None:
    """Element of an atomic number; None if there is none."""
    from ase.data import chemical_symbols

    return chemical_symbols[number] if 0 < number < len(chemical_symbols) else None


def is_element(name: str) -> bool:
    """Whether a name is the symbol of an element."""
    from ase.data import atomic_numbers

    return atomic_numbers.get(name, 0) > 0


def nearest(energy: float, elements: frozenset[str] | None = None) -> Edge | None:
    """Edge nearest in energy (eV) among `elements`, by default among all."""
    chosen = [e for e in table() if elements is None or e.element in elements]
    return min(chosen, key=lambda e: abs(e.energy - energy), default=None)
