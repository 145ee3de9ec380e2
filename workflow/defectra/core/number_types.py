"""Numbers on a command line: types for argparse that refuse what makes no sense, nan and inf."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)


def _type(
    kind: Callable[[str], Number], fits: Callable[[Number], bool], expected: str
) -> Callable[[str], Number]:
    """Type of an option: a number of a kind that fits, never nan or inf; else what is expected."""

    def parsed(word: str) -> Number:
        try:
            value = kind(word)
            if math.isfinite(value) and fits(value):
                return value
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(f"{expected} is expected, not {word!r}")

    return parsed


positive = _type(int, lambda value: value > 0, "a whole number above 0")
count_from_0 = _type(int, lambda value: value >= 0, "a whole number, 0 or above,")
number = _type(float, lambda _: True, "a finite number")
number_above_0 = _type(float, lambda value: value > 0, "a finite number above 0")
number_from_0 = _type(float, lambda value: value >= 0, "a finite number, 0 or above,")
