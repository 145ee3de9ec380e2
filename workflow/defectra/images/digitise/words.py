"""Words beside the axes of a plot: where they are, and their texts by tesseract."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError, LibraryError
from defectra.images.digitise.bands import (
    FAINT,
    first_line,
    last_block,
    without_corner,
    without_marks,
)
from defectra.images.digitise.box import Box
from defectra.images.digitise.picture import Picture

Axis = Literal["x", "y"]
Grey = NDArray[np.uint8]
LETTER = 40  # pixels: height of a picture's line of text for tesseract
PAPER = 255 - FAINT  # grey value of what is no ink
ONE_BLOCK, ONE_WORD = "6", "8"  # tesseract: modes of page segmentation
CLEAR_OF = 2  # pixels: a word that ends so far from a spine does not stand beside it
DASHES = "-−–—"
DIGITS = "0123456789.-−"
SMALL_PRINT = 9  # pixels: letters below this are read by tesseract with too many mistakes
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Word:
    """A word beside an axis.

    Attributes
    ----------
    at
        Its middle along the axis, pixels of the picture.
    picture
        Dark on white, cut to its ink.
    """

    at: float
    picture: Grey


@dataclass(frozen=True)
class Piece:
    """A connected piece of ink of a word: its box, pixels of the word."""

    left: int
    right: int
    top: int
    bottom: int

    @property
    def height(self) -> int:
        """Pixels."""
        return self.bottom - self.top

    def is_speck(self, tall: int) -> bool:
        """Whether it is a point, a comma, or a half of a colon, beside signs of a height."""
        return 0 < self.height < 0.4 * tall and self.right - self.left < 0.3 * tall + 1


def words_beside(image: Picture, box: Box, axis: Axis) -> tuple[list[Word], float]:
    """Words beside an axis from left to right or from top to bottom, and the height of a digit.

    Raises
    ------
    DataError
        If one of them is raised at its end, as powers of ten are.
    """
    letters = _letter_height(_band(image, box, "x", 0.0)[0])
    band, row, column = _band(image, box, axis, letters)
    letters = _letter_height(band)
    if min(band.shape) < 4 or not letters:
        return [], 0.0
    start = column if axis == "x" else row
    found = [
        Word(0.5 * (first + last) + start, part)
        for first, last, part in blocks(band, axis, letters)
        if not _at_corner(first + start, last + start, box, axis)
    ]
    if letters >= SMALL_PRINT and 2 * sum(has_colon(word.picture) for word in found) > len(found):
        raise DataError(
            f"{axis} axis: no plain numbers (a colon, as of a time?); give two points of the axis, "
            f"--{axis} PIXEL=VALUE PIXEL=VALUE"
        )
    if letters >= SMALL_PRINT - 1 and sum(has_thousands(word.picture) for word in found) >= 2:
        raise DataError(
            f"{axis} axis: a comma before three digits may stand for thousands or for a decimal "
            f"point; give two points of the axis, --{axis} PIXEL=VALUE PIXEL=VALUE"
        )
    if axis == "y" and _digits_before(image, found, (row, column), letters) >= 2:
        raise DataError(
            f"y axis: its numbers have a space between digits; they are not read; give two points "
            f"of the axis, --{axis} PIXEL=VALUE PIXEL=VALUE"
        )
    if any(has_raised_end(word.picture) for word in found):
        raise DataError(
            f"{axis} axis: its numbers end in raised signs, as powers of ten do; they are not "
            f"read; give two points of the axis, --{axis} PIXEL=VALUE PIXEL=VALUE, with --log "
            f"{axis} if it is logarithmic"
        )
    return found, letters


def _at_corner(first: int, last: int, box: Box, axis: Axis) -> bool:
    """Whether a word lies off the end of an axis, below and left of the corner of the frame.

    Such a number is of both axes (a zero), or of the other one: it stands beside no place of this.
    """
    return last < box.left - CLEAR_OF if axis == "x" else first > box.bottom + CLEAR_OF


def _digits_before(
    image: Picture, words: Sequence[Word], start: tuple[int, int], letters: float
) -> int:
    """Numbers with a sign to the left of them on the same line, behind a space (10 000)."""
    count, near = 0, slice(max(start[1] - int(2 * letters), 0), start[1])
    for word in words if start[1] else ():
        height = len(word.picture)
        top = round(word.at - (height - 1) / 2)
        strip = image.contrast[max(top - 2, 0) : top + height + 2, near]
        grey = (255 - np.clip(strip, 0, 255)).astype(np.uint8)
        pieces = _pieces(grey, PAPER)
        count += any(abs(p.top - 2) <= 1 and abs(p.bottom - 2 - height) <= 1 for p in pieces)
    return count


def _band(image: Picture, box: Box, axis: Axis, letters: float) -> tuple[Grey, int, int]:
    """Picture of the numbers beside an axis, dark on white; row and column of its first pixel."""
    height, width = image.ink.shape
    if axis == "x":
        top, left = round(box.bottom) + 1, max(round(box.left) - 40, 0)
        part = image.contrast[top:height, left : min(round(box.right) + 40, width)]
        part = first_line(without_marks(without_corner(part, round(box.left) - left)))
    else:
        top, left = max(round(box.top) - 15, 0), 0
        below = int(letters / 2) + 1 if letters else 15  # of a number at the corner, none of x
        part = image.contrast[top : round(box.bottom) + below, : max(round(box.left), 0)]
        part = without_marks(part[:, ::-1].T).T[:, ::-1]
        left = last_block(part, letters)
        part = part[:, left:]
    return (255 - np.clip(part, 0, 255)).astype(np.uint8), top, left


def words_above(image: Picture, box: Box) -> tuple[list[Word], float]:
    """Words of the line of text above the frame from left to right, and the height of its signs."""
    wide, left = round(box.right - box.left), max(round(box.left) - 40, 0)
    strip = image.contrast[: max(round(box.top) - 1, 0), left : round(box.left) + wide + 40]
    if min(strip.shape, default=0) < 4:
        return [], 0.0
    line = first_line(without_marks(strip[::-1]))[::-1]
    band = (255 - np.clip(line, 0, 255)).astype(np.uint8)
    letters = _letter_height(band)
    if not letters:
        return [], 0.0
    found = blocks(band, "x", letters)
    return [Word(0.5 * (first + last) + left, part) for first, last, part in found], letters


def _letter_height(band: Grey) -> float:
    """Height of the lines of text of a band, pixels; 0 without text."""
    ink = (band < PAPER).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ink, [False]]).astype(np.int8)))
    heights = [int(b - a) for a, b in zip(edges[::2], edges[1::2]) if b - a >= 4]
    return float(np.median(heights)) if heights else 0.0


def blocks(band: Grey, axis: Axis, letters: float) -> list[tuple[int, int, Grey]]:
    """Words of a band: first and last pixel along the axis, and their picture."""
    ink = (band < PAPER).any(axis=0 if axis == "x" else 1)
    gap = int(0.7 * letters) if axis == "x" else 2
    at = np.flatnonzero(ink)
    out = []
    for group in np.split(at, np.flatnonzero(np.diff(at) > gap) + 1) if len(at) else []:
        first, last = int(group[0]), int(group[-1])
        part = band[:, first : last + 1] if axis == "x" else band[first : last + 1]
        rows = np.flatnonzero((part < PAPER).any(axis=1))
        columns = np.flatnonzero((part < PAPER).any(axis=0))
        part = part[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        out.append((first, last, part))
    return out


def _pieces(word: Grey, faint: float = 160) -> list[Piece]:
    """Connected pieces of ink of a word, from left to right."""
    from scipy.ndimage import find_objects, label

    boxes = [b for b in find_objects(label(word < faint)[0]) if b is not None]
    return sorted(
        (Piece(b[1].start, b[1].stop, b[0].start, b[0].stop) for b in boxes),
        key=lambda piece: piece.left,
    )


def has_raised_end(word: Grey) -> bool:
    """Whether the last sign of a word is smaller than its first and stands higher: an exponent."""
    solid, specks, tall = _signs(word)
    signs = sorted([*solid, *specks], key=lambda sign: sign.left)
    if len(signs) < 2 or tall < SMALL_PRINT - 1:  # fewer cannot be distinguished from noise
        return False
    first, last = signs[0], signs[-1]
    base = max(p.bottom for p in signs if p.height > 0.85 * (first.bottom - first.top))
    return last.height > 2 and last.bottom < base - 0.2 * tall and first.bottom >= base - 1


def _signs(word: Grey) -> tuple[list[Piece], list[Piece], int]:
    """Signs, specks beside them (points, commas, halves of colons), and the height of a digit.

    Pieces above each other are one sign: thin strokes break at low resolution.
    """
    pieces = _pieces(word)
    tall = max((p.height for p in pieces), default=0)
    solid: list[Piece] = []
    for piece in (p for p in pieces if not p.is_speck(tall)):
        before = solid[-1] if solid else None
        if before is not None and piece.left < before.right - 1:
            top, bottom = min(before.top, piece.top), max(before.bottom, piece.bottom)
            solid[-1] = Piece(before.left, max(before.right, piece.right), top, bottom)
        else:
            solid.append(piece)
    tall = max((p.height for p in solid), default=0)
    specks = [
        p
        for p in pieces
        if p.is_speck(tall) and not any(s.left < p.right and p.left < s.right for s in solid)
    ]
    return solid, specks, tall


def _digits(signs: Sequence[Piece], tall: int) -> list[Piece]:
    """Signs as high as digits."""
    return [sign for sign in signs if sign.height > 0.6 * tall]


def has_thousands(word: Grey) -> bool:
    """Whether three signs follow a comma: a mark of thousands or a decimal point, as may be."""
    solid, specks, tall = _signs(word)
    signs = _digits(solid, tall)
    commas = [p for p in specks if p.height > 0.25 * tall]
    return any(sum(s.left > comma.left for s in signs) == 3 for comma in commas)


def has_colon(word: Grey) -> bool:
    """Whether there is a speck above the line: a colon, a degree, an apostrophe."""
    solid, specks, tall = _signs(word)
    signs = _digits(solid, tall)
    top = min((p.top for p in signs), default=0)
    return any((p.top + p.bottom) / 2 < top + 0.6 * tall for p in specks)


def as_written(text: str, word: Grey) -> str:
    """A text that was read, if the picture can show it; its decimal point put where it was lost.

    Empty, if there are more signs than digits were read (a letter, as of 1.2k or 1e+05), specks
    above the line, or a point whose place is not known.
    """
    solid, specks, tall = _signs(word)
    if has_colon(word) or len(_digits(solid, tall)) > sum(sign.isdigit() for sign in text):
        return ""
    bare = text.strip(DASHES)
    return _with_point("-" * _has_minus(solid, tall) + bare, solid, specks, tall)


def _has_minus(solid: Sequence[Piece], tall: int) -> bool:
    """Whether the first sign of a word is low and broad: tesseract reads dashes that are none."""
    first = min(solid, key=lambda sign: sign.left, default=None)
    return first is not None and first.height < 0.4 * tall < first.right - first.left + 0.1 * tall


def _with_point(text: str, solid: Sequence[Piece], specks: Sequence[Piece], tall: int) -> str:
    """A text whose decimal point was not read, with the point where the picture has it.

    Empty, if the picture has a point whose place is not known.
    """
    if "." in text:
        return text
    points = [p for p in specks if p.height < 0.35 * tall and p.top > 0.5 * tall]
    if not points:
        return text
    signs = _digits(solid, tall)
    digits = text.lstrip("+" + DASHES)
    if len(points) > 1 or len(signs) != len(digits):
        return ""
    place = sum(p.left < points[0].left for p in signs)
    return text[: len(text) - len(digits)] + digits[:place] + "." + digits[place:]


def number(text: str) -> float | None:
    """The number of a word, with its sign; None if it is none."""
    plain = text.strip("|.,;:'‘’\"_ ")
    plain = plain.replace("−", "-").replace("–", "-").replace("—", "-").replace(",", ".")
    if re.match(r"[+-]?0\d", plain):  # its point was lost
        return None
    return float(plain) if _NUMBER.fullmatch(plain) else None


def texts_of(
    words: Sequence[Grey], letters: float, mode: str = ONE_BLOCK, signs: str = DIGITS
) -> list[str]:
    """Texts of pictures of words, read one below the other; empty where nothing is read.

    Parameters
    ----------
    signs
        That may be read; empty: all, so that words are not taken for numbers.

    Raises
    ------
    LibraryError
        If tesseract is not there.
    """
    if shutil.which("tesseract") is None:
        raise LibraryError(
            "tesseract is not on PATH: apt install tesseract-ocr, or give two points of each axis "
            "(--x PIXEL=VALUE PIXEL=VALUE --y …)"
        )
    import cv2
    import pytesseract

    if not words:
        return []
    space = int(1.2 * letters)
    width = max(word.shape[1] for word in words) + 2 * space
    stack, ends, start = [np.full((space, width), 255, np.uint8)], [], space
    for word in words:
        right = width - space - word.shape[1]
        part = np.pad(word, ((0, space), (space, right)), constant_values=255)
        ends.append((start, start + len(word)))
        start += len(part)
        stack.append(part)
    factor = float(np.clip(LETTER / letters, 1.0, 8.0))
    large = cv2.resize(np.vstack(stack), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    found = pytesseract.image_to_data(
        large,
        config=f"--psm {mode}" + (f" -c tessedit_char_whitelist={signs}" if signs else ""),
        output_type=pytesseract.Output.DICT,
    )
    texts = [""] * len(words)
    for text, top, height in zip(found["text"], found["top"], found["height"]):
        middle = (top + height / 2) / factor
        for k, (first, last) in enumerate(ends):
            if first - space / 2 <= middle < last + space / 2:
                texts[k] += text.strip()
    return texts
