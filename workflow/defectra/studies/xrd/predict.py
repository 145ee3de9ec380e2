"""``defectra predict`` of study `xrd`: contents of an alloy from a user's powder pattern."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from defectra.core.errors import DefectraError
from defectra.learn.answers import Answer, check_options, number_of
from defectra.learn.scores import NORMAL_90
from defectra.studies.xrd.alloys import grid_of
from defectra.studies.xrd.powder_file import on_grid, read_powder
from defectra.studies.xrd.saved_models import SavedPlane, read


def predict(model: Path, files: Sequence[Path], options: Mapping[str, str]) -> Iterator[Answer]:
    """Ask an autoencoder for the contents of each file.

    Parameters
    ----------
    options
        ``wavelength``: in Å, of files that do not say it.

    Raises
    ------
    ConfigError
        For an unknown option, or a wavelength that is none.
    DataError
        If the model is none of this study.
    """
    check_options(options, ["wavelength"])
    expected = "a number in Å, such as 1.54056"
    wavelength = number_of(options, "wavelength", math.nan, expected, (0.1, 5))
    known = read(model)
    for file in files:
        try:
            pattern = read_powder(file)
            values = on_grid(pattern, grid_of(known.study), wavelength, str(file))
        except DefectraError as error:
            yield Answer(str(file), str(error), certain=False)
            continue
        yield _answer(str(file), known, values)


def _answer(file: str, known: SavedPlane, values: np.ndarray) -> Answer:
    contents, misfits = known.ask(values[None])
    (found,), (far,) = contents, misfits
    if far > known.largest:
        text = (
            f"not answered: the pattern is not one of these alloys (misfit {far:.2f}, training "
            f"patterns up to {known.largest:.2f})"
        )
        return Answer(file, text, certain=False)
    low, high = known.ranges
    outside = [n for n, v, a, b in zip("xy", found, low, high) if not a <= v <= b]
    half = [NORMAL_90 * e for e in known.errors]
    text = (
        f"titanium x = {found[0]:.2f} ± {half[0]:.2f}, zirconium y = {found[1]:.2f} ± "
        f"{half[1]:.2f} of Sm(1-y)Zr(y)Fe(12-x)Ti(x) (90 %)"
    )
    if outside:
        text += f"; {' and '.join(outside)} beyond the trained range"
    return Answer(file, text, certain=not outside)
