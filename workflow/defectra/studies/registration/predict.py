"""`defectra predict` for study `registration`: a bicrystal looked for in a user's own micrograph.

The model is a file of atomic columns; ``--option cell=POSCAR`` looks for another one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError, DefectraError
from defectra.core.npz import read_npz
from defectra.core.store import replacing
from defectra.engines.stem_points.columns import Columns, columns_of_json
from defectra.images.measured import TO_ANGSTROM, Image, read_image
from defectra.learn.answers import Answer, check_options, number_of
from defectra.studies.registration.cells import cell_of_file, own_cell
from defectra.studies.registration.fit import Registration, Search, register, square_frame
from defectra.studies.registration.orientation import turns
from defectra.studies.registration.settings import RegistrationStudy

Floats = NDArray[np.float64]
STUDY = "registration"
HEIGHT = 60.0  # A of each grain of the saved cells
TILTS = (-2.0, 0.0, 2.0)  # degrees, unless the user says more
HOT, HOT_SHARE = 12.0, 0.01  # robust deviations from the neighbours; largest share of an image
_OPTIONS = ("pixel", "cell", "tilt", "budget", "inverted")
EXCHANGED = (
    "it fits better with bright and dark exchanged; if the columns are dark in this image, say "
    "--option inverted=1"
)
_HEADER = re.compile(r"#\s*(Width|Height):\s*([\d.]+)\s*(\S+)", re.IGNORECASE)


def save_cell(path: str | Path, name: str) -> None:
    """One of our own bicrystals as a model file."""
    columns = own_cell(name, HEIGHT)
    about = json.dumps({"study": STUDY, "cell": name, "columns": columns.as_json()})
    with replacing(path) as temporary, Path(temporary).open("wb") as handle:
        np.savez(handle, allow_pickle=False, about=np.array(about))


def predict(model: Path, files: Sequence[Path], options: Mapping[str, str]) -> Iterator[Answer]:
    """Where the bicrystal is in each image, or why it is taken not to be there.

    Parameters
    ----------
    options
        ``pixel`` (A, nominal; else from the file), ``cell`` (structure file in place of the model:
        beam along the first axis, interface normal along the third), ``tilt`` (degrees that are
        searched on both sides), ``budget`` (evaluations that the objective is minimised with),
        ``inverted`` (1: columns are dark in the image).
    """
    check_options(options, _OPTIONS)
    numbers = partial(number_of, options, expected="a number from 0 on", limits=(0, 1e5))
    columns = cell_of_file(options["cell"]) if "cell" in options else _columns(model)
    reach = numbers("tilt", TILTS[-1])
    tilts = [float(t) for t in np.arange(-reach, reach + 1e-9, 2.0)] or [0.0]
    anywhere, inverted = "tilt" not in options, numbers("inverted", 0.0) > 0
    budget, header = int(numbers("budget", 0.0)), numbers("pixel", 0.0)
    for file in files:
        try:
            image = read_image(file)
            pixel = header or pixel_size(image, file)
            values = -image.values if inverted else image.values
            found, notes = searched(values, columns, pixel, tilts, anywhere, budget)
        except DefectraError as error:
            yield Answer(str(file), str(error), certain=False)
            continue
        yield Answer(str(file), sentence(found, (*notes, *image.notes)), certain=found.found)


def searched(
    values: Floats,
    columns: Columns,
    pixel: float,
    tilts: Sequence[float],
    anywhere: bool,
    budget: int,
) -> tuple[Registration, list[str]]:
    """The bicrystal in an image of a user, and what was done to the image.

    Hot pixels are replaced. Where the image as it is does not show the bicrystal, it is turned by
    what power spectra suggest. An image that fits better with bright and dark exchanged is refused:
    dark columns are for the user to state, as gaps of another lattice look like them.

    Parameters
    ----------
    anywhere
        Whether other turns than `tilts` are tried.
    """
    values, hot = without_hot_pixels(values)
    notes = [f"{hot} hot or dead pixels replaced by their neighbours"] * (hot > 0)
    look = partial(register, columns=columns, pixel=pixel, settings=RegistrationStudy())
    straight = Search(None, budget, tilts)
    turned = _turned(values, columns, pixel, budget) if anywhere else []
    first = look(values, search=straight)
    found = next((one for one in chain([first], _looks(look, values, turned)) if one.found), first)
    if found.found and any(
        dark.found and dark.place.correlation > found.place.correlation
        for dark in _looks(look, -values, [straight, *turned])
    ):
        found = replace(found, reason=EXCHANGED)
    return found, notes


def _looks(
    look: Callable[..., Registration], image: Floats, searches: Sequence[Search]
) -> Iterator[Registration]:
    """One search after the other; those for which the image is too small are left out."""
    for search in searches:
        try:
            yield look(image, search=search)
        except DataError:
            continue


def _turned(image: Floats, columns: Columns, pixel: float, budget: int) -> list[Search]:
    """A search at the turns that power spectra suggest, which do not depend on the sign."""
    settings = RegistrationStudy()
    scales = np.linspace(1 - settings.scale_range, 1 + settings.scale_range, settings.scales)
    try:
        shape = square_frame(columns, pixel, image.shape)
    except DataError:
        return []
    return [Search(shape, budget, turns(image, columns, pixel, scales.tolist()))]


def without_hot_pixels(values: Floats) -> tuple[Floats, int]:
    """Image whose hot and dead pixels have the median of their neighbours, and their number.

    None are replaced where more than :data:`HOT_SHARE` of all would be: they are part of the image.
    """
    from scipy.ndimage import median_filter

    calm = median_filter(values, 3)
    away = np.abs(values - calm)
    hot = away > HOT * max(1.4826 * float(np.median(away)), 1e-12)
    if not 0 < hot.mean() < HOT_SHARE:
        return values, 0
    return np.where(hot, calm, values), int(hot.sum())


def _columns(model: Path) -> Columns:
    try:
        about = json.loads(str(read_npz(model)["about"]))
        return columns_of_json(about["columns"])
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{model}: no bicrystal of study registration ({error})") from None


def pixel_size(image: Image, file: Path) -> float:
    """Pixel size, A, of an image or of the header of a text file (Width, Height).

    Raises
    ------
    DataError
        If neither gives it, or pixels are not square.
    """
    sizes: tuple[float, float] | None = None
    if image.pixel is not None and image.pixel_unit in TO_ANGSTROM:
        factor = TO_ANGSTROM[image.pixel_unit]
        sizes = image.pixel[0] * factor, image.pixel[1] * factor
    elif file.suffix.lower() == ".txt":
        sizes = _header_pixel(image, file)
    if sizes is None or not min(sizes) > 0:
        raise DataError(f"{file}: the file states no pixel size; say --option pixel=0.2 (A)")
    if abs(sizes[0] / sizes[1] - 1) > 0.01:
        raise DataError(f"{file}: pixels of {sizes[0]:g} x {sizes[1]:g} A are not square")
    return sizes[1]


def _header_pixel(image: Image, file: Path) -> tuple[float, float] | None:
    with file.open(encoding="utf-8", errors="replace") as handle:
        lines = [_HEADER.match(line) for _, line in zip(range(20), handle)]
    header = {m[1].lower(): float(m[2]) * TO_ANGSTROM.get(m[3], float("nan")) for m in lines if m}
    if not {"width", "height"} <= set(header):
        return None
    rows, cols = image.values.shape
    return header["height"] / rows, header["width"] / cols


def sentence(found: Registration, said: Sequence[str]) -> str:
    """What was found, for people; with notes on the image."""
    notes = "".join(f"; note: {note}" for note in said)
    if not found.found:
        return f"the bicrystal was not found: {found.reason}{notes}"
    column, row = found.origin
    pose, fit = found.pose, found.fit
    return (
        f"interface at row {row:.1f}, column {column:.1f}; pixel {pose.pixel:.4f} A (to the right "
        f"{pose.pixel_sizes[0]:.4f}, upwards {pose.pixel_sizes[1]:.4f}), turned by "
        f"{pose.tilt:+.2f} degrees; column width {pose.width:.2f} A; upper grain moved by "
        f"{pose.slide:+.2f} A along and {pose.gap:+.2f} A away from the interface; objective "
        f"{fit.objective:.3f} after {found.counter.count} evaluations{notes}"
    )
