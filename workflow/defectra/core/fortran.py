"""Numbers as programs in Fortran print and read them."""

from __future__ import annotations

_EXPONENT = str.maketrans("dD", "ee")


def real(word: str) -> float:
    """A number, its exponent with D or E in either case, e.g. ``1.0D+03``.

    Raises
    ------
    ValueError
        If it is none.
    """
    return float(word.translate(_EXPONENT))


def quotient(word: str) -> float:
    """A number, or a quotient such as ``1/3``.

    Raises
    ------
    ValueError
        If it is neither.
    """
    above, _, below = word.partition("/")
    return real(above) / real(below or "1")
