"""Images of something else: none of them may be taken for the bicrystal that is sought."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from defectra.engines.stem_points.frame import Pose, render
from defectra.studies.registration.cells import CELLS, own_cell
from defectra.studies.registration.settings import RegistrationStudy

Floats = NDArray[np.float64]
_TEXT = (
    "High-angle annular dark field images are bright where heavy atoms stand one behind the other. "
    "This page shows no crystal at all, only words, and whoever finds a grain boundary in it is "
    "not to be believed. "
)


def controls(settings: RegistrationStudy, seed: int) -> Iterator[tuple[str, str, Floats]]:
    """What is sought, what the image shows, and the image."""
    for name in CELLS:
        for what, image in _images(name, settings, np.random.default_rng([seed, 18])):
            yield name, what, image


def _images(
    name: str, settings: RegistrationStudy, rng: np.random.Generator
) -> Iterator[tuple[str, Floats]]:
    from scipy.ndimage import gaussian_filter

    size, pixel = settings.image_pixels, settings.pixel
    noise = rng.normal(size=(size, size))
    yield "white noise", noise
    yield "noise as broad as columns", gaussian_filter(noise, 0.8 / pixel)
    yield "page of text", text_page(size)
    yield "smooth gradient", np.add.outer(np.arange(size) / size, np.arange(size) ** 2 / size**2)
    for what, step, angle in (("square lattice", 3.3, 90.0), ("hexagonal lattice", 4.2, 60.0)):
        yield what, _lattice(size, step / pixel, angle, 0.7 / pixel)
    yield "fringes along the interface", _fringes(size, 3.74 / pixel)
    yield "fringes across the interface", _fringes(size, 4.0 / pixel).T
    yield "rectangular lattice", _lattice(size, 4.0 / pixel, 90.0, 0.7 / pixel, 3.74 / 4.0)
    other = next(each for each in CELLS if each != name)
    middle = (size - 1) / 2
    pose = Pose.of(pixel, u0=middle, v0=middle)
    yield f"another boundary ({other})", render(own_cell(other, 60.0), pose, (size, size))
    inside = pose.moved(v0=3.0 * size)  # the interface far below: one grain alone
    yield (
        "same crystal, 12 % larger",
        render(own_cell(name, 60.0), Pose.of(pixel / 1.12, u0=middle, v0=middle), (size, size)),
    )
    yield "one grain alone", render(own_cell(name, 4.0 * size * pixel), inside, (size, size))


def text_page(size: int) -> Floats:
    """A page of text, dark on white, shape (size, size)."""
    from PIL import Image, ImageDraw

    page = Image.new("L", (size, size), 255)
    words, line, y = (_TEXT * 12).split(), "", 4
    draw = ImageDraw.Draw(page)
    for word in words:
        if draw.textlength(f"{line} {word}") > size - 10:
            draw.text((5, y), line, fill=0)
            line, y = "", y + 12
        line = f"{line} {word}".strip()
    return np.asarray(page, np.float64)


def _lattice(size: int, step: float, angle: float, width: float, rise: float = 1.0) -> Floats:
    """Columns of a two-dimensional lattice, `step` pixels apart, `rise` times that upwards."""
    count = int(2 * size / step) + 2
    i, j = (g.ravel() for g in np.meshgrid(np.arange(-count, count), np.arange(-count, count)))
    turn = np.radians(angle)
    x, y = step * (i + j * np.cos(turn)), step * rise * j * np.sin(turn)
    rows = np.exp(-0.5 * ((np.arange(size)[:, None] - y) / width) ** 2)
    cols = np.exp(-0.5 * ((np.arange(size)[:, None] - x) / width) ** 2)
    return np.asarray(rows @ cols.T)


def _fringes(size: int, step: float) -> Floats:
    return np.tile(np.cos(2 * np.pi * np.arange(size) / step), (size, 1)).T + 1.0
