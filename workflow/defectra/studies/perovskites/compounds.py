"""ABX3 compositions: read from formulas, exact on the 1/8 grid or refused; the whole space."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError

A_IONS = ("K", "Rb", "Cs", "MA", "FA")
B_IONS = ("Ca", "Sr", "Ba", "Ge", "Sn", "Pb")
X_IONS = ("Cl", "Br", "I")
IONS = (*A_IONS, *B_IONS, *X_IONS)
SITES = {"A": A_IONS, "B": B_IONS, "X": X_IONS}
EIGHTHS = 8
Shares = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
_TOLERANCE = 1e-3
_PART = re.compile(r"(MA|FA|[A-Z][a-z]?)(?:_?(\d+(?:\.\d+)?))?")
_ABSENT_PATTERN = (0, 0, 1, 1, 3, 3)


@dataclass(frozen=True)
class Compound:
    """Composition of A(1)B(1)X(3) in eighths of each site.

    Attributes
    ----------
    a, b, x
        Eighths in the order of `A_IONS`, `B_IONS`, `X_IONS`; each sums to 8.
    """

    a: tuple[int, ...]
    b: tuple[int, ...]
    x: tuple[int, ...]

    @property
    def name(self) -> str:
        """Canonical formula, e.g. ``CsSn_0.5Pb_0.5I_3``; a whole site carries no fraction."""
        a, b, x = (
            "".join(
                ion + ("" if n == EIGHTHS and scale == 1 else f"_{n * scale / EIGHTHS:g}")
                for ion, n in zip(ions, counts)
                if n
            )
            for ions, counts, scale in (
                (A_IONS, self.a, 1),
                (B_IONS, self.b, 1),
                (X_IONS, self.x, 3),
            )
        )
        return a + b + x

    @property
    def kind(self) -> str:
        """``pure``, or the mixed sites: ``A mixed``, ``B mixed``, ``B and X mixed``."""
        sites = zip(SITES, (self.a, self.b, self.x))
        mixed = [site for site, counts in sites if sum(n > 0 for n in counts) > 1]
        return f"{' and '.join(mixed)} mixed" if mixed else "pure"


def parse_formula(text: str) -> Compound:
    """Read ``CsPbI3`` or ``MASn_0.5Pb_0.5Br_1.5I_1.5``.

    Raises
    ------
    DataError
        If it is no ABX3 of the known ions, or a fraction is off the 1/8 grid.
    """
    return from_amounts(_amounts(text), f"formula {text.strip()!r}")


def shares_of(text: str) -> Shares:
    """Fractions on A, B and X of any ABX3, on the grid or off it: shapes (5,), (6,), (3,).

    Raises
    ------
    DataError
        If it is no ABX3 of the known ions.
    """
    a, b, x = _sites(_amounts(text), f"formula {text.strip()!r}")
    return a, b, x


def _amounts(text: str) -> list[float]:
    """Amount of each of `IONS` in a formula."""
    text = text.strip()
    if not re.fullmatch(f"(?:{_PART.pattern})+", text):
        raise DataError(f"formula {text!r} cannot be read; expected e.g. CsSn_0.5Pb_0.5I_3")
    amounts = dict.fromkeys(IONS, 0.0)
    for ion, number in _PART.findall(text):
        if ion not in amounts:
            raise DataError(f"formula {text!r}: ion {ion!r} is not known; known: {', '.join(IONS)}")
        amounts[ion] += float(number or 1)
    return [amounts[ion] for ion in IONS]


def from_amounts(amounts: Sequence[float], where: str) -> Compound:
    """Compound from the amount of each of `IONS`: 1 in all on A and on B, 3 on X.

    Raises
    ------
    DataError
        With `where`, if the sums are not those of ABX3 or a fraction is off the 1/8 grid.
    """
    out = []
    for (site, ions), own in zip(SITES.items(), _sites(amounts, where)):
        eighths = own * EIGHTHS
        if np.abs(eighths - eighths.round()).max() > _TOLERANCE * EIGHTHS:
            worst = int(np.abs(eighths - eighths.round()).argmax())
            raise DataError(
                f"{where}: fraction {own[worst]:g} of {ions[worst]} on site {site} "
                f"is off the 1/8 grid of the 2x2x2 cell"
            )
        out.append(tuple(int(n) for n in eighths.round()))
    return Compound(*out)


def _sites(amounts: Sequence[float], where: str) -> list[NDArray[np.float64]]:
    """Fractions on each site, where the sums are those of ABX3."""
    out, start = [], 0
    for site, ions in SITES.items():
        whole = 3.0 if site == "X" else 1.0
        own = np.asarray(amounts[start : start + len(ions)], float)
        start += len(ions)
        if not np.isfinite(own).all() or abs(own.sum() - whole) > _TOLERANCE:
            raise DataError(
                f"{where}: {own.sum():g} on site {site} where ABX3 has {whole:g} "
                f"(known: {', '.join(ions)})"
            )
        out.append(own / whole)
    return out


def b_compositions() -> NDArray[np.int64]:
    """Every distribution of six cations over eight B sites, shape (1287, 6), in eighths."""
    counts = [c for c in product(range(EIGHTHS + 1), repeat=6) if sum(c) == EIGHTHS]
    return np.array(counts, dtype=np.int64)


def in_published_space(b: Sequence[int]) -> bool:
    """Whether a B-site composition is one of the 1,197 behind the published 17,955.

    The 90 compositions of pattern (3, 3, 1, 1) are absent there: 15 x 1,197 = 17,955.
    """
    return tuple(sorted(int(n) for n in b)) != _ABSENT_PATTERN


def whole_space() -> list[Compound]:
    """All 19,305 compounds with mixing on the B site alone: 5 A x 3 X x 1,287."""
    out = []
    for i, k in product(range(len(A_IONS)), range(len(X_IONS))):
        a = tuple(EIGHTHS * (i == n) for n in range(len(A_IONS)))
        x = tuple(EIGHTHS * (k == n) for n in range(len(X_IONS)))
        out += [Compound(a, tuple(int(n) for n in b), x) for b in b_compositions()]
    return out


def fractions(compounds: Sequence[Compound]) -> tuple[NDArray[np.float64], ...]:
    """Fractions on A, B and X: shapes (n, 5), (n, 6), (n, 3); rows sum to 1."""
    sites = ([c.a for c in compounds], [c.b for c in compounds], [c.x for c in compounds])
    widths = (len(A_IONS), len(B_IONS), len(X_IONS))
    return tuple(np.array(s, float).reshape(-1, w) / EIGHTHS for s, w in zip(sites, widths))
