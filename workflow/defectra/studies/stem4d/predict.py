"""``defectra predict`` of study `stem4d`: site and angle of a pattern, or a missing atom."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError, DefectraError
from defectra.learn.answers import Answer, check_options, number_of
from defectra.studies.stem4d.pattern_file import read_pattern
from defectra.studies.stem4d.saved_models import SavedSites, SavedVacancy, read

SURE = 0.9  # probability that counts as sure
OPTIONS = ("pixel", "array")


def predict(model: Path, files: Sequence[Path], options: Mapping[str, str]) -> Iterator[Answer]:
    """Ask a network of each file, one pattern a file.

    Parameters
    ----------
    options
        ``pixel``: size of a pixel, mrad, of files that do not say it; ``array``: name of the
        array, of files that hold several.

    Raises
    ------
    ConfigError
        For an unknown option, or a pixel size that is none.
    DataError
        If the model is none of this study.
    """
    check_options(options, OPTIONS)
    pixel = number_of(options, "pixel", math.nan, "a number in mrad, such as 2.6", (1e-9, 100))
    known = read(model)
    answer = _site if isinstance(known, SavedSites) else _vacancy
    for file in files:
        try:
            pattern = read_pattern(
                file, known.study.microscope, known.step, pixel, options.get("array", "")
            )
            yield answer(str(file), known, pattern)  # type: ignore[arg-type]
        except DefectraError as error:
            text = str(error)
            yield Answer(str(file), text if str(file) in text else f"{file}: {text}", False)


def _site(file: str, known: SavedSites, pattern: NDArray[np.float64]) -> Answer:
    number, angle, misfit = known.ask(pattern)
    if misfit > known.largest:
        text = (
            f"not answered: the pattern is none of {known.sample.replace('_', ' ')} without noise "
            f"(misfit {misfit:.2f}, training patterns up to {known.largest:.2f}); too few "
            f"electrons, or another sample"
        )
        return Answer(file, text, False)
    site, away = known.nearest_site(number)
    text = (
        f"like a place {away:.2f} Å from {site} of {known.sample.replace('_', ' ')}; angle of the "
        f"pattern {math.degrees(angle):.0f} degrees on the scale of the model, where it follows "
        f"the deflection (misfit {misfit:.2f})"
    )
    return Answer(file, text, True)


def _vacancy(file: str, known: SavedVacancy, pattern: NDArray[np.float64]) -> Answer:
    if (pattern != np.round(pattern)).any():
        raise DataError("not whole numbers; give counts, neither scaled nor corrected")
    share, dose, area = known.ask(pattern)
    radius = known.study.vacancy_radius
    text = (
        f"a carbon atom is missing within {radius:g} Å: probability {share:.2f} where such places "
        f"are as frequent as in the training scans ({pattern.sum():.0f} electrons; area under the "
        f"curve {area:.2f} at {dose:.0f} on another vacancy at the same place of the same sheet)"
    )
    return Answer(file, text, max(share, 1 - share) >= SURE)
