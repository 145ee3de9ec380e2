"""Metal compositions of the layered oxides, exact or refused."""

from __future__ import annotations

import re
from itertools import product

METALS = ("Ni", "Mn", "Co")


def all_compositions(metals: int) -> list[str]:
    """Every Ni/Mn/Co composition of `metals` sites with each element at least once."""
    counts = product(range(1, metals - 1), repeat=2)
    return [name((ni, mn, metals - ni - mn)) for ni, mn in counts if ni + mn < metals]


def name(counts: tuple[int, int, int]) -> str:
    """Canonical name, e.g. ``Ni6Mn2Co2``."""
    return "".join(f"{m}{n}" for m, n in zip(METALS, counts))


def counts(composition: str) -> dict[str, int]:
    """Atoms of each metal in a canonical name."""
    return {m: int(n) for m, n in re.findall(r"(Ni|Mn|Co)(\d+)", composition)}


def parse_composition(text: str, metals: int) -> str:
    """Read ``NMC622`` or ``Ni6Mn2Co2`` as a composition of `metals` sites.

    Raises
    ------
    ValueError
        If it does not sum to the sites or does not fit them: nothing is rounded.
    """
    short = re.fullmatch(r"NMC(\d)(\d)(\d)", text)
    long = re.fullmatch(r"Ni(\d+)Mn(\d+)Co(\d+)", text)
    if not short and not long:
        raise ValueError(f"composition {text!r} is not of the form NMC622 or Ni6Mn2Co2")
    numbers = [int(n) for n in (short or long).groups()]  # type: ignore[union-attr]
    total = sum(numbers)
    if min(numbers) < 1:
        raise ValueError(f"composition {text!r}: each of Ni, Mn, Co at least once")
    if long and total != metals:
        raise ValueError(f"composition {text!r} sums to {total}, the cell has {metals} metal sites")
    if any(n * metals % total for n in numbers):
        wanted = " ".join(f"{m} {n * metals / total:.2f}" for m, n in zip(METALS, numbers))
        raise ValueError(
            f"composition {text!r} does not fit {metals} metal sites ({wanted}); "
            f"take one of the {len(all_compositions(metals))} that do, e.g. NMC622, NMC721, NMC532"
        )
    ni, mn, co = (n * metals // total for n in numbers)
    return name((ni, mn, co))
