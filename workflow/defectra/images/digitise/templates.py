"""Small numbers beside an axis, read all together: printed digits, an even scale of round steps.

Digits of five or six pixels cannot be read one by one. But the numbers of an axis are not free:
they are whole multiples of a round step, one step from word to word, with the same number of
decimals. Each such sequence is compared with the picture, digit by digit, by templates drawn from
fonts; the best one counts if it fits and all others fit clearly worse.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.images.digitise.picture import Floats

FONTS = ("DejaVu Sans", "Liberation Sans", "DejaVu Serif", "Liberation Serif")
SIGNS = "0123456789.-"
POINT, MINUS = 10, 11
FINE = 4  # places of a template in a pixel, each way
OVER = 8  # pixels of the drawn template in a pixel of the picture
PAD = 6  # pixels of background about a word
SIZES = (0.8, 0.86, 0.93, 1.0, 1.08)  # of the em that the height of the words suggests
RIGHT = (-1.0, -0.5, 0.0, 0.5, 1.0)  # pixels that a word may lie off its middle
DOWN = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5)  # pixels that its digits may lie below its top
PRINTS = 3  # fonts and sizes that fit best, with which sequences are sought
STEPS = (1, 2, 5, 25, 4)  # mantissas of the step; 25 with one decimal more
MOST = 40_000  # largest number, in units of its last decimal
GOOD = 0.28  # largest share of the ink that the sequence may leave unexplained; README
CLEAR = 0.02  # how much more any other sequence leaves; README
Word = NDArray[np.float64]


@dataclass(frozen=True)
class Numbers:
    """Numbers of an axis: the value of each word, and how well they fit.

    Attributes
    ----------
    values
        Of each word.
    rest
        Share of the ink that they leave unexplained.
    margin
        By how much more the next best sequence leaves.
    """

    values: tuple[float, ...]
    rest: float
    margin: float

    @property
    def clear(self) -> bool:
        """Whether it fits, and no other does."""
        return self.rest < GOOD and self.margin > CLEAR


@dataclass(frozen=True)
class Print:
    """Templates of a font at a size.

    Attributes
    ----------
    shapes
        Shape (FINE, FINE, signs, h, w): place down and right in a pixel, 0 to 1.
    advance
        Of each sign, pixels.
    rise
        Pixels from the top of a template to the top of a digit.
    """

    shapes: Floats
    advance: Floats
    rise: float


def font_files() -> Iterator[str]:
    """Files of the fonts that are there."""
    from matplotlib import font_manager

    for name in FONTS:
        try:
            yield font_manager.findfont(name, fallback_to_default=False)
        except ValueError:
            continue


@functools.lru_cache(maxsize=128)
def printed(file: str, em: float) -> Print:
    """Templates of all signs, `em` in pixels."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(file, round(em * OVER))
    height, width = int(1.5 * em) + 2, int(1.1 * em) + 2
    step = OVER // FINE
    shapes = np.zeros((FINE, FINE, len(SIGNS), height, width))
    rise = font.getbbox("0", anchor="ls")[1] / OVER + em
    for k, sign in enumerate(SIGNS):
        text = "\u2212" if sign == "-" else sign
        for down, right in itertools.product(range(FINE), repeat=2):
            page = Image.new("L", (width * OVER, height * OVER), 0)
            at = (right * step, em * OVER + down * step)
            ImageDraw.Draw(page).text(at, text, fill=255, font=font, anchor="ls")
            blocks = np.asarray(page, float).reshape(height, OVER, width, OVER)
            shapes[down, right, k] = blocks.mean(axis=(1, 3)) / 255
    lengths = [font.getlength("\u2212" if s == "-" else s) / OVER for s in SIGNS]
    return Print(shapes, np.array(lengths), float(rise))


def sequence(words: Sequence[Word], index: Sequence[int], letters: float) -> Numbers | None:
    """The numbers that the words of an axis show.

    Parameters
    ----------
    words
        Picture of each, ink 1 and background 0, cut to its ink.
    index
        Number of the tick of each word, one for each step of the axis, upwards with its values or
        downwards.
    letters
        Height of a digit, pixels.

    Returns
    -------
    None, if no sequence is possible.
    """
    if len(words) < 3 or letters < 4:
        return None
    rows = [np.pad(w, PAD) for w in words]
    ink = float(sum((w**2).sum() for w in rows))
    found: dict[tuple[float, ...], float] = {}
    prints = [
        [_Tables(row, printed(file, round(letters / 0.74 * size, 2))) for row in rows]
        for file in font_files()
        for size in SIZES
    ]
    for tables in sorted(prints, key=lambda each: sum(t.least for t in each))[:PRINTS]:
        for values, cost in _of_print(tables, np.array(index)):
            found[values] = min(cost, found.get(values, np.inf))
    if not found:
        return None
    order = sorted(found, key=found.__getitem__)
    rest = (ink + found[order[0]]) / ink
    other = (ink + found[order[1]]) / ink if len(order) > 1 else 1.0
    return Numbers(order[0], rest, other - rest)


def _of_print(
    tables: Sequence[_Tables], index: NDArray[np.int64]
) -> Iterator[tuple[tuple[float, ...], float]]:
    """The two best sequences of each step and their costs, for one font and size."""
    for decimals in range(4):
        if not all(t.possible(decimals) for t in tables):
            continue
        for mantissa, power in itertools.product(STEPS, range(4)):
            step = mantissa * 10**power  # in units of the last decimal
            if decimals and step % 10 == 0:  # the last decimal would be 0 in all of them
                continue
            first = np.arange(-MOST // 20 // step, MOST // step)
            whole = (first[:, None] + index[None, :]) * step
            cost = np.zeros(len(first))
            for k, table in enumerate(tables):
                left = np.isfinite(cost)
                cost[left] += table.costs(whole[left, k], decimals)
            for best in np.argsort(cost)[:2]:
                if np.isfinite(cost[best]):
                    values = whole[best] / 10**decimals
                    yield tuple(values.tolist()), float(cost[best])


class _Tables:
    """Costs of the signs at each place of one word, by how many signs it has."""

    def __init__(self, row: Word, shape: Print) -> None:
        self._row, self._shape = row, shape
        self._known: dict[tuple[int, int, bool], Floats | None] = {}

    @property
    def least(self) -> float:
        """Cost of the digits that fit best, each by itself."""
        tables = [self._table(n, d, False) for d in range(2) for n in range(1, 7)]
        return min((float(t[:-1].min(axis=1).sum() + t[-1, 0]) for t in tables if t is not None),
                   default=0.0)  # fmt: skip

    def possible(self, decimals: int) -> bool:
        """Whether a number with so many decimals is as wide as the word."""
        return any(
            self._table(count, decimals, minus) is not None
            for minus in (False, True)
            for count in range(decimals + 1, 7)
        )

    def costs(self, whole: NDArray[np.int64], decimals: int) -> Floats:
        """Cost of each number, given in units of its last decimal; infinite if it cannot be."""
        size = np.abs(whole)
        digits = np.maximum(np.floor(np.log10(np.maximum(size, 1))).astype(int) + 1, decimals + 1)
        out = np.full(len(whole), np.inf)
        for count, minus in {*zip(digits.tolist(), (whole < 0).tolist())}:
            table = self._table(count, decimals, minus)
            if table is None:
                continue
            own = (digits == count) & ((whole < 0) == minus)
            places = size[own, None] // 10 ** np.arange(count)[::-1] % 10
            out[own] = table[-1, 0] + table[np.arange(count), places].sum(axis=1)
        return out

    def _table(self, count: int, decimals: int, minus: bool) -> Floats | None:
        key = count, decimals, minus
        if key not in self._known:
            self._known[key] = self._computed(*key)
        return self._known[key]

    def _computed(self, count: int, decimals: int, minus: bool) -> Floats | None:
        """Cost of the ten digits at each place, and of what is fixed; shape (count + 1, 10)."""
        signs = [MINUS] * minus + [0] * count
        if decimals:
            signs.insert(len(signs) - decimals, POINT)
        ends = np.concatenate([[0.0], np.cumsum(self._shape.advance[signs])])
        width = self._row.shape[1] - 2 * PAD
        bearing = 0.15 * self._shape.advance[0]  # about a digit, on both sides together
        if abs(ends[-1] - bearing - width) > 0.8 * self._shape.advance[0] + 0.6:
            return None
        start = PAD + (width - ends[-1]) / 2
        best: tuple[float, Floats] | None = None
        for right, down in itertools.product(RIGHT, DOWN):
            table = self._at(signs, ends[:-1] + start + right, PAD - self._shape.rise + down)
            if table is None:
                continue
            total = float(table[:-1].min(axis=1).sum() + table[-1, 0])
            if best is None or total < best[0]:
                best = total, table
        return None if best is None else best[1]

    def _at(self, signs: Sequence[int], columns: Floats, top: float) -> Floats | None:
        row, down = divmod(round(top * FINE), FINE)
        table, fixed = [], 0.0
        for sign, column in zip(signs, columns):
            left, right = divmod(round(column * FINE), FINE)
            shapes = self._shape.shapes[down, right]
            height, width = shapes.shape[1:]
            part = self._part(row, left, height, width)
            costs = (shapes**2 - 2 * shapes * part).sum(axis=(1, 2))
            if sign in (POINT, MINUS):
                fixed += float(costs[sign])
            else:
                table.append(costs[:10])
        return np.vstack([*table, np.full(10, fixed)])

    def _part(self, row: int, column: int, height: int, width: int) -> Word:
        """A part of the word; background outside of it."""
        out = np.zeros((height, width))
        top, left = max(row, 0), max(column, 0)
        part = self._row[top : row + height, left : column + width]
        out[
            top - row : top - row + part.shape[0], left - column : left - column + part.shape[1]
        ] = part
        return out
