"""The authors' files: first moments of each number of disks, and patterns of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.engines.speckle.rings import Rings, rings_of
from defectra.images.measured import read_image
from defectra.studies.speckle.counting import count_disks
from defectra.studies.speckle.described import hidden_inputs
from defectra.studies.speckle.models import COUNTING
from defectra.studies.speckle.pattern_file import check_pattern, kept_pixels
from defectra.studies.speckle.saved_models import SavedModel, most_probable
from defectra.studies.speckle.settings import SpeckleStudy

Floats = NDArray[np.float64]
Row = dict[str, Any]
FEWEST = 2  # disks of the first row of their tables
AVERAGED = 10
MOMENT_COLUMNS = [
    *("number", "form", "patterns", "first_moment", "standard_error", "published"),
    "published_standard_error",
]
ANSWER_COLUMNS = [
    *("file", "number", "model", "predicted", "value", "probability", "first_moment"),
    *("rings_within", "contrast", "contrast_ours"),
]
INSIDE = (0.05, 0.95)  # quantiles of our patterns between which a ring counts as within


def published_moments(averages: Path, each: Path) -> dict[int, tuple[float, float]]:
    """Mean first moment of the authors and its standard error, pixels, by number of disks.

    Raises
    ------
    DataError
        If the two files do not belong together.
    """
    mean, single = np.loadtxt(averages), np.loadtxt(each).reshape(-1, AVERAGED)
    if len(mean) != len(single) or not np.allclose(single.mean(axis=1), mean):
        raise DataError(f"{averages}: not the means of ten values each of {each.name}")
    error = single.std(axis=1, ddof=1) / np.sqrt(AVERAGED)
    return {FEWEST + k: (float(m), float(e)) for k, (m, e) in enumerate(zip(mean, error))}


def moment_rows(
    moments: Sequence[tuple[int, str, Floats]], theirs: dict[int, tuple[float, float]]
) -> list[Row]:
    """First moments beside those of the authors.

    Parameters
    ----------
    moments
        Number of disks, fidelity, first moments of patterns.
    theirs
        Of :func:`published_moments`; empty without the files.
    """
    rows = []
    for number, form, values in moments:
        mean, error = theirs.get(number, (float("nan"), float("nan")))
        rows.append(
            {
                "number": number,
                "form": form,
                "patterns": len(values),
                "first_moment": float(np.mean(values)),
                "standard_error": float(np.std(values, ddof=1) / np.sqrt(len(values))),
                "published": mean,
                "published_standard_error": error,
            }
        )
    return rows


def answer_rows(
    files: Sequence[Path],
    networks: Sequence[SavedModel],
    ours: dict[int, tuple[Floats, Floats]],
    study: SpeckleStudy,
) -> Iterator[Row]:
    """What models trained on our patterns alone say of the authors' patterns.

    Parameters
    ----------
    ours
        Ring profiles and speckle contrasts of our patterns, both (n, rings), by number of disks.
    """
    inputs = hidden_inputs(study)
    for file in files:
        number = disks_of(file)
        if number not in ours:
            print(f"{file.name}: {number} disks are none of the numbers of this run; passed over")
            continue
        values = read_image(file).values
        check_pattern(values, str(file), study.detector)
        upper = kept_pixels(values, study.detector)
        disks = float(count_disks(inputs(upper[None]), inputs, study.disks.radius)[0])
        answers = [(COUNTING, round(disks), disks, float("nan"))]
        for network in networks:
            answer, share = most_probable(network, [upper])[0]
            answers.append((network.name, answer, float(answer), share))
        same = _compared(rings_of(values), *ours[number])
        for name, predicted, value, share in answers:
            own = {"model": name, "predicted": predicted, "value": value, "probability": share}
            yield {"file": file.name, "number": number, **own, **same}


def disks_of(file: Path) -> int:
    """Number of disks that the authors name in the file of a pattern: ``Beads_10.0.mat``."""
    return int(file.stem.split("_")[1].split(".")[0])


def _compared(theirs: Rings, profiles: Floats, contrasts: Floats) -> Row:
    """How a pattern fits in with ours of the same number: rings relative to the direct beam."""
    own = theirs.mean / theirs.mean[0]
    relative = profiles / profiles[:, :1]
    low, high = np.quantile(relative, INSIDE, axis=0)
    return {
        "first_moment": theirs.first_moment,
        "rings_within": float(np.mean((own >= low) & (own <= high))),
        "contrast": float(np.mean(theirs.contrast[10:])),
        "contrast_ours": float(np.mean(contrasts[:, 10:])),
    }
