"""Numbers along the axes of a plot: read by tesseract, fitted to a linear or logarithmic scale."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from defectra.core.errors import DataError
from defectra.images.digitise.bands import FAINT
from defectra.images.digitise.beside import refuse_factor
from defectra.images.digitise.box import Box
from defectra.images.digitise.picture import Floats, Picture
from defectra.images.digitise.templates import CLEAR, Numbers, sequence
from defectra.images.digitise.words import (
    ONE_WORD,
    SMALL_PRINT,
    Axis,
    Word,
    as_written,
    number,
    texts_of,
    words_beside,
)

NEAR = 0.35  # of the distance of labels: how far a tick mark may be from the middle of its label
FITS = 1.5  # pixels: largest residual of a label on the scale
SHARE = 0.6  # of the numbers that were read: fewest that lie on the scale


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


def scale_of(image: Picture, box: Box, axis: Axis, *, both_ways: bool = False) -> Scale:
    """Scale of an axis from the numbers beside it.

    Tesseract reads them, all at once and then one by one; where they are too small for it, or it
    does not find three that agree, they are compared with printed digits (`templates.py`).

    Parameters
    ----------
    both_ways
        Whether small numbers may also fall to the right or upwards; else they rise.

    Raises
    ------
    DataError
        If fewer than three of them agree; the message says how to give the scale.
    LibraryError
        If tesseract is not there.
    """
    words, letters = words_beside(image, box, axis)
    refuse_factor(image, box, axis, letters)
    marks = tick_marks(image, box, axis, [word.at for word in words])
    why = f"{axis} axis: its numbers are {letters:.0f} pixels high, too small to be read one by one"
    if not words:
        why = f"{axis} axis: no numbers beside it"
    off: Scale | None = None  # on which not all numbers lie that were read
    if letters >= SMALL_PRINT:
        for together in (True, False):  # word by word takes longer, and reads single digits better
            try:
                found = fit_scale(_labels(words, letters, marks, together), axis)
            except DataError as error:
                why = str(error)
                continue
            if found.labels == found.read:
                return found
            off = off or found
    labels = printed(words, letters, marks, axis, both_ways=both_ways)
    if labels:
        return fit_scale(labels, axis)
    if off is not None:
        why = (
            f"{axis} axis: {off.labels} of the {off.read} numbers that were read agree on a scale; "
            f"the others were misread, or lie on another one, as behind a break; give two points "
            f"of it: --{axis} PIXEL=VALUE PIXEL=VALUE"
        )
    raise DataError(
        why
        if "--" in why
        else f"{why}, and no sequence of round steps fits them clearly; enlarge "
        f"the figure at its source, or give two points: --{axis} PIXEL=VALUE PIXEL=VALUE"
    )


def fit_scale(labels: Sequence[Label], axis: Axis) -> Scale:
    """The linear or logarithmic scale on which most labels lie.

    Numbers that are all powers of ten are those of a logarithmic axis.

    Raises
    ------
    DataError
        As of :func:`scale_of`.
    """
    best: Scale | None = None
    for is_log in (True,) if _are_decades([one.value for one in labels]) else (False, True):
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


def _are_decades(values: Sequence[float]) -> bool:
    """Whether numbers are powers of ten, three different ones at least."""
    if len(set(values)) < 3 or min(values) <= 0:
        return False
    powers = np.log10(values)
    return bool((np.abs(powers - np.round(powers)) < 1e-9).all())


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


def given_scale(
    points: Sequence[tuple[float, float]], is_log: bool, axis: Axis, pixels: int | None = None
) -> Scale:
    """Scale through points that a user gives, (pixel, value).

    Parameters
    ----------
    pixels
        Width (x) or height (y) of the picture, which the points lie in; None: not known.

    Raises
    ------
    DataError
        If there are fewer than two different ones, one is no finite number or lies outside the
        picture, they do not lie on one scale, or a logarithm of what is not positive is asked for.
    """
    _check_points(points, axis, pixels)
    if is_log and min(value for _, value in points) <= 0:
        raise DataError(f"--{axis}: a logarithmic axis has positive values")
    at = np.array([pixel for pixel, _ in points], float)
    values = np.array([value for _, value in points], float)
    scaled = np.log10(values) if is_log else values
    slope, intercept = np.polyfit(at, scaled, 1)
    with np.errstate(divide="ignore"):  # a slope of zero: values that rise and fall again
        away = np.abs((scaled - intercept - slope * at) / slope)
    if away.max() > FITS:
        worst = int(np.argmax(away))
        kind = "logarithmic" if is_log else "linear"
        raise DataError(
            f"--{axis}: the {len(points)} points do not lie on one {kind} scale: "
            f"{at[worst]:g}={values[worst]:g} is {away[worst]:.1f} pixels off (at most {FITS:g}); "
            f"look at their pixels and values{'' if is_log else f', or say --log {axis}'}"
        )
    residual = float(np.sqrt(np.mean(away**2)))
    return Scale(float(intercept), float(slope), is_log, len(points), len(points), residual)


def _check_points(points: Sequence[tuple[float, float]], axis: Axis, pixels: int | None) -> None:
    for pixel, value in points:
        if not np.isfinite([pixel, value]).all():
            raise DataError(f"--{axis} {pixel:g}={value:g}: pixel and value are finite numbers")
        if pixels is not None and not -0.5 <= pixel <= pixels - 0.5:
            raise DataError(
                f"--{axis} {pixel:g}={value:g}: no pixel {pixel:g}: the picture has {pixels} "
                f"along {axis}, from 0, counted from its {'left' if axis == 'x' else 'top'}"
            )
    if len({pixel for pixel, _ in points}) < 2 or len({value for _, value in points}) < 2:
        raise DataError(f"--{axis}: two points with different pixels and values make a scale")


def at_marks(words: Sequence[Word], marks: Floats) -> list[float]:
    """Pixel of each word along its axis: that of its tick mark, or its middle.

    Where fewer than half of the words have a mark, the plot has none: what is near a word is the
    end of the spine, which has no number.
    """
    middles = [word.at for word in words]
    gap = float(np.median(np.diff(middles))) if len(middles) > 1 else 0.0
    near = [float(marks[np.argmin(np.abs(marks - at))]) if len(marks) else np.inf for at in middles]
    has_mark = [abs(n - at) < NEAR * gap for n, at in zip(near, middles)]
    if 2 * sum(has_mark) < len(words):
        return middles
    return [n if mark else at for n, at, mark in zip(near, middles, has_mark)]


def _labels(words: Sequence[Word], letters: float, marks: Floats, together: bool) -> list[Label]:
    """Numbers that tesseract reads.

    Parameters
    ----------
    together
        Whether all are read by one start of tesseract; else each by its own.
    """
    pictures = [word.picture for word in words]
    texts = (
        texts_of(pictures, letters)
        if together
        else [texts_of([one], letters, ONE_WORD)[0] for one in pictures]
    )
    values = [number(as_written(text, one)) for text, one in zip(texts, pictures)]
    pixels = at_marks(words, marks)
    return [Label(value, at) for value, at in zip(values, pixels) if value is not None]


def printed(
    words: Sequence[Word], letters: float, marks: Floats, axis: Axis, *, both_ways: bool
) -> list[Label]:
    """Numbers of the sequence that fits the words; none if they are not even, or it is unclear."""
    if len(words) < 3:
        return []
    for at in (at_marks(words, marks), [word.at for word in words]):
        pixels = np.array(at)
        gap = max(float(np.median(np.diff(pixels))), 1.0)
        index = np.round((pixels - pixels[0]) / gap).astype(int)
        off = np.abs(pixels - np.polyval(np.polyfit(index, pixels, 1), index)).max()
        if off < FITS and (np.diff(index) > 0).all():
            break
    else:
        return []
    upwards = index if axis == "x" else index[-1] - index
    dark = [(255.0 - word.picture) / 255 for word in words]
    found = sequence(dark, upwards.tolist(), letters)
    if both_ways:
        found = _clearer(found, sequence(dark, (index[-1] - upwards).tolist(), letters))
    if found is None or not found.clear:
        return []
    return [Label(value, float(at)) for value, at in zip(found.values, pixels)]


def _clearer(one: Numbers | None, other: Numbers | None) -> Numbers | None:
    """The numbers that fit better, if the others fit clearly worse; else none."""
    if one is None or other is None:
        return one or other
    if abs(one.rest - other.rest) < CLEAR:
        return None
    return one if one.rest < other.rest else other


def tick_marks(image: Picture, box: Box, axis: Axis, words: Sequence[float]) -> Floats:
    """Pixels of the tick marks of an axis, outside or inside the frame, to a part of a pixel.

    Parameters
    ----------
    words
        Middles of the numbers: of the lines of pixels beside the spine that which has a mark near
        most of them, and fewest others, is taken.
    """
    if axis == "x":
        return marks_along(image, box.bottom, (box.left, box.right), axis, words)
    return marks_along(image, box.left, (box.top, box.bottom), axis, words)


def marks_along(
    image: Picture, edge: float, ends: tuple[float, float], axis: Axis, words: Sequence[float]
) -> Floats:
    """Pixels of the tick marks along one spine, as :func:`tick_marks`.

    Parameters
    ----------
    edge
        Row of the spine of an x axis, column of that of a y axis.
    ends
        From where to where the spine runs.
    """
    contrast, (low, high) = image.contrast, ends
    limit = contrast.shape[0 if axis == "x" else 1]
    found: list[tuple[int, int, Floats]] = []
    gap = float(np.median(np.diff(words))) if len(words) > 1 else 0.0
    for offset in (3, -4, 2, -2):  # outside, inside of a lower or left spine
        row = round(edge) + (offset if axis == "x" else -offset)
        if not 0 <= row < limit:
            continue
        marks = _peaks(contrast[row] if axis == "x" else contrast[:, row], low, high)
        near = sum(bool((np.abs(marks - at) < NEAR * gap).any()) for at in words)
        found.append((near, -len(marks), marks))
    return max(found, key=lambda each: each[:2])[2] if found else np.empty(0)


def _peaks(line: Floats, low: float, high: float) -> Floats:
    """Middles of the short stretches of ink of a line of pixels between two ends."""
    ink = line > FAINT
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ink, [False]]).astype(np.int8)))
    out = []
    for first, last in zip(edges[::2], edges[1::2] - 1):
        if last - first < 6 and low - 1.5 <= first and last <= high + 1.5:
            around = np.arange(max(first - 1, 0), min(last + 2, len(line)))
            out.append(float((around * line[around]).sum() / line[around].sum()))
    return np.array(out)
