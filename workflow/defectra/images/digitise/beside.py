"""What else is in the picture of a plot, and would make its numbers wrong if it were passed over.

Other frames (panels, broken axes, insets, framed legends), a second axis at the right, and the
factor or offset that plotting programs write at the end of an axis.
"""

from __future__ import annotations

import re
import shutil

import numpy as np

from defectra.core.errors import DataError
from defectra.images.digitise.bands import FAINT, without_marks
from defectra.images.digitise.box import CORNER, Box, Straight, meet, spines, straight_lines
from defectra.images.digitise.picture import Floats, Mask, Picture
from defectra.images.digitise.words import SMALL_PRINT, Axis, blocks

BESIDE = 0.4  # of a side of the frame: shortest line outside it that is the spine of another
INSIDE = 0.1, 0.04  # of the picture: least width and height of a frame inside the frame
_FACTOR = re.compile(
    r"[1Il|]\s?[eE]\s?[-+−–]?\s?\d|[x×X*]\s*1[0O]|(^|\s)[+−–-]\s?\d|[+−–-]\d+\.?\d*[eE]",
    re.MULTILINE,
)


def refuse_more_axes(image: Picture, box: Box) -> None:
    """Refuse a picture with several plots, or with a second axis at the right.

    Raises
    ------
    DataError
        If there is one.
    """
    left, top, right, bottom = box.sides
    tall, wide = BESIDE * (bottom - top), BESIDE * (right - left)
    across, down = spines(image, int(tall), int(wide))
    beside = [s for s in down if not left - CORNER < s.at < right + CORNER]
    below = [s for s in across if not top - CORNER < s.at < bottom + CORNER]
    if beside or below:
        where = "beside" if beside else "above or below"
        raise DataError(
            f"another frame {where} that of columns {left:.0f} to {right:.0f}, rows {top:.0f} to "
            f"{bottom:.0f}: several plots, or an axis with a break; cut the picture to one of them"
        )
    if _numbers_at_right(image, box) >= 3:
        raise DataError(
            "numbers at the right of the frame, too: a second axis; which line belongs to which "
            "axis is not known. Cut the picture at the frame, if all lines belong to the left one"
        )


def _numbers_at_right(image: Picture, box: Box) -> int:
    """Number of words right of the frame, each beside another height of it."""
    start, stop = round(box.right) + 1, round(box.right + 0.2 * (box.right - box.left))
    part = image.contrast[round(box.top) : round(box.bottom), start:stop]
    if min(part.shape, default=0) < 6:
        return 0
    part = without_marks(part.T).T
    grey = (255 - np.clip(part, 0, 255)).astype(np.uint8)
    return sum(6 <= last - first + 1 <= 40 for first, last, _ in blocks(grey, "y", 0.0))


def framed_inside(image: Picture, box: Box) -> list[tuple[int, int, int, int]]:
    """Left, top, right, bottom of frames inside the frame: insets, legends."""
    height, width = image.ink.shape
    left, top, right, bottom = (round(side) for side in box.sides)
    inner = np.zeros_like(image.grey)
    inner[top + 4 : bottom - 3, left + 4 : right - 3] = True
    down = straight_lines((image.grey & inner).T, image.contrast.T, int(INSIDE[1] * height))
    across = straight_lines(image.grey & inner, image.contrast, int(INSIDE[0] * width))
    found = [
        (h.first, v.first, h.last, v.last)
        for h in across
        for v in down
        if meet(h, v) and h.length < 0.95 * (right - left) and v.length < 0.95 * (bottom - top)
    ]
    return _closed(found, across, down)


def _closed(
    found: list[tuple[int, int, int, int]], across: list[Straight], down: list[Straight]
) -> list[tuple[int, int, int, int]]:
    """Those that have lines on all four sides."""

    def there(lines: list[Straight], at: int) -> bool:
        return any(abs(line.at - at) < CORNER for line in lines)

    return sorted(
        {
            f
            for f in found
            if there(down, f[0])
            and there(down, f[2])
            and there(across, f[1])
            and there(across, f[3])
        }
    )


def straight_across(ink: Mask) -> Mask:
    """Grid lines of a mask: rows full from side to side; not where another line crosses them."""
    full = ink.mean(axis=1) > 0.97
    ends = ink[:, :2].any(axis=1) & ink[:, -2:].any(axis=1)
    out = np.zeros_like(ink)
    rows = np.flatnonzero(full & ends)
    for group in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(rows) else []:
        first, last = max(int(group[0]) - 1, 0), min(int(group[-1]) + 1, len(ink) - 1)
        crossed = (ink[first] | ink[last]) if len(group) <= 4 else np.ones(ink.shape[1], bool)
        out[group] = ~crossed
    return out


def refuse_factor(image: Picture, box: Box, axis: Axis, letters: float) -> None:
    """Refuse an axis with a factor or an offset at its end (1e7, ×10⁻³, +8.3e5).

    Raises
    ------
    DataError
        If there is one, or text that is too small to be distinguished from one.
    """
    part = _end_of_axis(image, box, axis, letters)
    if min(part.shape, default=0) < 5 or not (part > FAINT).any():
        return
    if letters < SMALL_PRINT:
        text, is_factor = "too small to be read", True
    else:
        text = _text(part, letters)
        is_factor = bool(_FACTOR.search(text))
    if is_factor:
        raise DataError(
            f"{axis} axis: a factor or an offset may stand at its end ({text!r}); give two points "
            f"of the axis: --{axis} PIXEL=VALUE PIXEL=VALUE"
        )


def _end_of_axis(image: Picture, box: Box, axis: Axis, letters: float) -> Floats:
    """Where a factor is written: above the y axis; under the right end of the numbers of x."""
    height, width = image.ink.shape
    left, top, right = round(box.left), round(box.top), round(box.right)
    if axis == "y":
        reach = left + int(0.18 * (right - left))
        first = max(left - int(2 * letters), 0)
        lines = 2.4 if letters < SMALL_PRINT else 5.0  # what cannot be read is refused: no titles
        return image.contrast[max(top - int(lines * letters), 0) : max(top - 2, 0), first:reach]
    numbers = _bottom_of_numbers(image, box)
    rows = slice(numbers + 1, min(numbers + int(2.4 * letters), height))
    return image.contrast[rows, right - int(0.16 * (right - left)) : min(right + 40, width)]


def _bottom_of_numbers(image: Picture, box: Box) -> int:
    """Last row of the numbers under the frame."""
    start = round(box.bottom) + 1
    left, right = round(box.left), round(box.right)
    ink = (without_marks(image.contrast[start:, left:right]) > FAINT).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ink, [False]]).astype(np.int8)))
    ends = [int(b) for a, b in zip(edges[::2], edges[1::2]) if b - a >= 4]
    return start + (ends[0] if ends else 0)


def _text(part: Floats, letters: float) -> str:
    """Text of a part of the picture; empty without tesseract."""
    if shutil.which("tesseract") is None:
        return "not read: tesseract is not on PATH; 1e?"
    import cv2
    import pytesseract

    grey = (255 - np.clip(np.pad(part, int(letters)), 0, 255)).astype(np.uint8)
    factor = float(np.clip(40 / letters, 1.0, 8.0))
    large = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return str(pytesseract.image_to_string(large, config="--psm 6")).strip()
