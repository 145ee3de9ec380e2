"""Numbers along the axes of a plot: read by tesseract, fitted to a linear or logarithmic scale."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError, LibraryError
from defectra.images.digitise.box import Box
from defectra.images.digitise.picture import Floats, Picture

Axis = Literal["x", "y"]
LETTER = 40  # pixels: height of a picture's line of text for tesseract
NEAR = 0.35  # of the distance of labels: how far a tick mark may be from the middle of its label
FITS = 1.5  # pixels: largest residual of a label on the scale
SHARE = 0.6  # of the numbers that were read: fewest that lie on the scale
ONE_BLOCK, ONE_WORD = "6", "8"  # tesseract: modes of page segmentation
SMALL_PRINT = 9  # pixels: letters below this are read with too many mistakes to be trusted
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Label:
    """A number beside an axis: its value, and the pixel of its tick mark or its middle."""

    value: float
    at: float


@dataclass(frozen=True)
class Scale:
    """Scale of an axis.

    Attributes
    ----------
    intercept, slope
        value = intercept + slope × pixel; of a logarithmic axis the decimal logarithm of it.
    is_log
        Whether it is logarithmic.
    labels
        Labels that it goes through, and how many were read.
    residual
        Root mean square distance of those labels from it, pixels.
    """

    intercept: float
    slope: float
    is_log: bool
    labels: int
    read: int
    residual: float

    def value(self, pixel: Floats | float) -> Floats:
        """Values at pixels."""
        found = self.intercept + self.slope * np.asarray(pixel, float)
        return np.asarray(10**found if self.is_log else found)

    def deviation(self, pixel: Floats | float, sd: float = 0.5) -> Floats:
        """Standard deviation of a value, from `sd` pixels of the reading and that of the labels."""
        whole = float(np.hypot(sd, self.residual))
        return np.asarray(np.abs(self.value(np.asarray(pixel) + whole) - self.value(pixel)))


def scale_of(image: Picture, box: Box, axis: Axis) -> Scale:
    """Scale of an axis from the numbers beside it.

    Raises
    ------
    DataError
        If fewer than three of them agree; the message says how to give the scale.
    LibraryError
        If tesseract is not there.
    """
    try:
        return fit_scale(read_labels(image, box, axis), axis)
    except DataError:  # word by word takes longer, and reads single digits better
        return fit_scale(read_labels(image, box, axis, together=False), axis)


def fit_scale(labels: Sequence[Label], axis: Axis) -> Scale:
    """The linear or logarithmic scale on which most labels lie.

    Raises
    ------
    DataError
        As of :func:`scale_of`.
    """
    best: Scale | None = None
    for is_log in (False, True):
        usable = [one for one in labels if one.value > 0 or not is_log]
        for pair in itertools.combinations(usable, 2):
            found = _consensus(pair, usable, is_log, len(labels))
            if found is not None and (best is None or _better(found, best)):
                best = found
    if best is None or best.labels < max(3, SHARE * len(labels)):
        read = ", ".join(f"{one.value:g}" for one in labels) or "none"
        raise DataError(
            f"{axis} axis: no three numbers beside it agree on a scale (read: {read}); give two "
            f"points of it: --{axis} PIXEL=VALUE PIXEL=VALUE"
        )
    return best


def _better(one: Scale, other: Scale) -> bool:
    """More labels; a logarithmic scale needs two more than a linear one."""
    count = one.labels - 1.5 * one.is_log, other.labels - 1.5 * other.is_log
    return (count[0], -one.residual) > (count[1], -other.residual)


def _consensus(
    pair: tuple[Label, Label], labels: Sequence[Label], is_log: bool, read: int
) -> Scale | None:
    """Scale through two labels, fitted anew to all that lie on it."""
    values = np.array([np.log10(p.value) if is_log else p.value for p in labels])
    at = np.array([p.at for p in labels])
    a, b = (labels.index(p) for p in pair)
    if abs(at[b] - at[a]) < 10 or values[a] == values[b]:
        return None
    slope = (values[b] - values[a]) / (at[b] - at[a])
    away = np.abs((values - values[a]) / slope - (at - at[a]))
    near = away < FITS
    if near.sum() < 2:
        return None
    slope, intercept = np.polyfit(at[near], values[near], 1)
    if slope == 0:
        return None
    rest = (values[near] - intercept - slope * at[near]) / slope
    residual = float(np.sqrt(np.mean(rest**2)))
    return Scale(float(intercept), float(slope), is_log, int(near.sum()), read, residual)


def given_scale(points: Sequence[tuple[float, float]], is_log: bool, axis: Axis) -> Scale:
    """Scale through points that a user gives, (pixel, value).

    Raises
    ------
    DataError
        If there are fewer than two different ones, or a logarithm of what is not positive.
    """
    if len({pixel for pixel, _ in points}) < 2 or len({value for _, value in points}) < 2:
        raise DataError(f"--{axis}: two points with different pixels and values make a scale")
    if is_log and min(value for _, value in points) <= 0:
        raise DataError(f"--{axis}: a logarithmic axis has positive values")
    at = np.array([pixel for pixel, _ in points])
    values = np.array([value for _, value in points])
    slope, intercept = np.polyfit(at, np.log10(values) if is_log else values, 1)
    return Scale(float(intercept), float(slope), is_log, len(points), len(points), 0.0)


def read_labels(image: Picture, box: Box, axis: Axis, *, together: bool = True) -> list[Label]:
    """Numbers beside an axis, with the pixel of their tick mark.

    Parameters
    ----------
    together
        Whether all are read by one start of tesseract; else each by its own.

    Raises
    ------
    LibraryError
        If tesseract is not there.
    """
    words = _words(image, box, axis, together)
    marks = tick_marks(image, box, axis)
    middles = sorted(at for _, at in words)
    gap = float(np.median(np.diff(middles))) if len(middles) > 1 else 0.0
    labels = []
    for value, at in words:
        near = marks[np.argmin(np.abs(marks - at))] if len(marks) else np.inf
        labels.append(Label(value, float(near) if abs(near - at) < NEAR * gap else at))
    return labels


def tick_marks(image: Picture, box: Box, axis: Axis) -> Floats:
    """Pixels of the tick marks of an axis, outside or inside the frame, to a part of a pixel."""
    contrast = image.contrast
    limit = contrast.shape[0 if axis == "x" else 1]
    edge = box.bottom if axis == "x" else box.left
    low, high = (box.left, box.right) if axis == "x" else (box.top, box.bottom)
    out: list[Floats] = []
    for offset in (3, -4):  # outside, inside
        row = round(edge) + (offset if axis == "x" else -offset)
        if not 0 <= row < limit:
            continue
        line = contrast[row] if axis == "x" else contrast[:, row]
        out.append(_peaks(line, low, high))
    return max(out, key=len) if out else np.empty(0)


def _peaks(line: Floats, low: float, high: float) -> Floats:
    """Middles of the short stretches of ink of a line of pixels between two ends."""
    ink = line > 60
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ink, [False]]).astype(np.int8)))
    out = []
    for first, last in zip(edges[::2], edges[1::2] - 1):
        if last - first < 6 and low - 1.5 <= first and last <= high + 1.5:
            around = np.arange(max(first - 1, 0), min(last + 2, len(line)))
            out.append(float((around * line[around]).sum() / line[around].sum()))
    return np.array(out)


def _words(image: Picture, box: Box, axis: Axis, together: bool) -> list[tuple[float, float]]:
    """Numbers in the band beside an axis: value, and the middle of the word along the axis."""
    band, row, column = _band(image, box, axis)
    if min(band.shape) < 6:
        return []
    letters = _letter_height(band)
    if letters < SMALL_PRINT:
        raise DataError(
            f"{axis} axis: its numbers are {letters:.0f} pixels high, too small to be read without "
            f"mistakes ({SMALL_PRINT} at least); enlarge the figure at its source, or give two "
            f"points of the axis: --{axis} PIXEL=VALUE PIXEL=VALUE"
        )
    words = _blocks(band, axis, letters)
    start = column if axis == "x" else row
    out = []
    pictures = [picture for _, _, picture in words]
    texts = (
        _read(pictures, letters)
        if together
        else [_read([picture], letters, ONE_WORD)[0] for picture in pictures]
    )
    for (first, last, part), text in zip(words, texts):
        value = number(text)
        if value is not None and ("." in text or not _has_point(part)):
            out.append((value, 0.5 * (first + last) + start))
    return out


def _blocks(
    band: NDArray[np.uint8], axis: Axis, letters: float
) -> list[tuple[int, int, NDArray[np.uint8]]]:
    """Words of a band: first and last pixel along the axis, and their picture."""
    ink = (band < 195).any(axis=0 if axis == "x" else 1)
    gap = int(0.7 * letters) if axis == "x" else 2
    at = np.flatnonzero(ink)
    out = []
    for group in np.split(at, np.flatnonzero(np.diff(at) > gap) + 1) if len(at) else []:
        first, last = int(group[0]), int(group[-1])
        part = band[:, first : last + 1] if axis == "x" else band[first : last + 1]
        rows = np.flatnonzero((part < 195).any(axis=1))
        columns = np.flatnonzero((part < 195).any(axis=0))
        part = part[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        out.append((first, last, part))
    return out


def number(text: str) -> float | None:
    """The number of a word, with its sign; None if it is none."""
    plain = text.strip("|.,;:'‘’\"_ ")
    plain = plain.replace("−", "-").replace("–", "-").replace("—", "-").replace(",", ".")
    if re.match(r"[+-]?0\d", plain):  # its point was lost
        return None
    return float(plain) if _NUMBER.fullmatch(plain) else None


def _band(image: Picture, box: Box, axis: Axis) -> tuple[NDArray[np.uint8], int, int]:
    """Picture of the numbers beside an axis, dark on white; row and column of its first pixel."""
    height, width = image.ink.shape
    if axis == "x":
        top, left = round(box.bottom) + 5, max(round(box.left) - 40, 0)
        part = image.contrast[top:height, left : min(round(box.right) + 40, width)]
        part = _first_lines(part, 1)
    else:
        top, left = max(round(box.top) - 15, 0), 0
        part = image.contrast[top : round(box.bottom) + 15, : max(round(box.left) - 4, 0)]
        cut = _last_block(part)
        left, part = cut, part[:, cut:]
    return (255 - np.clip(part, 0, 255)).astype(np.uint8), top, left


def _first_lines(part: Floats, count: int) -> Floats:
    """The first lines of text of a band, from its top."""
    ink = (part > 60).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ink, [False]]).astype(np.int8)))
    ends = [int(e) for e in edges[1::2] if e - edges[0] > 4]
    return part[: ends[count - 1] + 4] if len(ends) >= count else part


def _last_block(part: Floats) -> int:
    """First column of the numbers that end at the axis: behind the title of the axis."""
    ink = (part > 60).any(axis=0)
    columns = np.flatnonzero(ink)
    if not len(columns):
        return 0
    gaps = np.flatnonzero(np.diff(columns) > max(6, 0.05 * part.shape[1]))
    return max(int(columns[gaps[-1] + 1]) - 4, 0) if len(gaps) else 0


def _letter_height(band: NDArray[np.uint8]) -> float:
    """Height of the lines of text of a band, pixels; 0 without text."""
    ink = (band < 195).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ink, [False]]).astype(np.int8)))
    heights = [int(b - a) for a, b in zip(edges[::2], edges[1::2]) if b - a >= 4]
    return float(np.median(heights)) if heights else 0.0


def _has_point(word: NDArray[np.uint8]) -> bool:
    """Whether a picture of a word holds a decimal point: a small piece of ink on its base line."""
    from scipy.ndimage import find_objects, label

    parts, _ = label(word < 160)
    boxes = find_objects(parts)
    tall = max((b[0].stop - b[0].start for b in boxes), default=0)
    return any(b[0].stop - b[0].start < 0.35 * tall and b[0].start > 0.5 * tall for b in boxes if b)


def _read(words: Sequence[NDArray[np.uint8]], letters: float, mode: str = ONE_BLOCK) -> list[str]:
    """Texts of pictures of words, read one below the other; empty where nothing is read."""
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
        config=f"--psm {mode} -c tessedit_char_whitelist=0123456789.-−",
        output_type=pytesseract.Output.DICT,
    )
    texts = [""] * len(words)
    for text, top, height in zip(found["text"], found["top"], found["height"]):
        middle = (top + height / 2) / factor
        for k, (first, last) in enumerate(ends):
            if first - space / 2 <= middle < last + space / 2:
                texts[k] += text.strip()
    return texts
