"""Metals whose magnetic moments and Hubbard U somebody has to state before a calculation."""

from __future__ import annotations

from collections.abc import Iterable


def unstated(elements: Iterable[str], stated: Iterable[str]) -> list[str]:
    """Elements with an open d or f shell that are not among the `stated` ones, sorted."""
    return sorted(e for e in set(elements) - set(stated) if is_open(e))


def is_open(element: str) -> bool:
    """Whether an element can have a moment: groups 3 to 11 of the d block, or the f block."""
    from pymatgen.core import Element

    atom = Element(element)
    d_block = atom.is_transition_metal and 3 <= atom.group <= 11
    return bool(d_block or atom.is_lanthanoid or atom.is_actinoid)
