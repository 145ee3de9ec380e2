"""Numbers as programs in Fortran print and read them."""

from __future__ import annotations

import re

_EXPONENT = str.maketrans("dD", "ee")


def real(word: str) -> float:
    """A number, its exponent with D or E in either case, e.g. ``1.0D+03``.

    Raises
    ------
    ValueError
        If it is none.
    """
    return float(word.translate(_EXPONENT))


def ends_in_a_number(text: str, decimal: str = ".") -> bool:
    """Whether a text was cut off inside its last number, such as ``1.234E-0`` of ``1.234E-02``.

    Seen where it has no line end, and fewer characters stand behind its last decimal sign than
    behind those of the lines before (at least 19), which are equally many, three or more.
    """
    lines = [line.rstrip() for line in text[-20_000:].split("\n")][-20:]
    tails = [re.search(rf"[{decimal}](\w*(?:[-+]\d*)?)$", line) for line in lines]
    lengths = [len(tail.group(1)) if tail else 0 for tail in tails]
    before = set(lengths[:-1])
    alike = len(lines) == 20 and len(before) == 1 and min(before) >= 3
    return bool(lines[-1]) and alike and lengths[-1] < min(before)


def quotient(word: str) -> float:
    """A number, or a quotient such as ``1/3``.

    Raises
    ------
    ValueError
        If it is neither.
    """
    above, _, below = word.partition("/")
    return real(above) / real(below or "1")
