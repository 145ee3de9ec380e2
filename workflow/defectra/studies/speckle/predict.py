"""``defectra predict`` of study `speckle`: number of disks in a user's pattern."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from defectra.core.errors import DefectraError
from defectra.learn.answers import Answer, check_options
from defectra.studies.speckle.familiar import strange
from defectra.studies.speckle.pattern_file import read_pattern
from defectra.studies.speckle.saved_models import most_probable, read

SURE = 0.9  # probability of a class that the model is sure of


def predict(model: Path, files: Sequence[Path], options: Mapping[str, str]) -> Iterator[Answer]:
    """Ask a network for the number of disks of each file.

    Parameters
    ----------
    options
        ``array``: name of the array, of files that hold several.

    Raises
    ------
    ConfigError
        For an unknown option.
    DataError
        If the model is none of this study.
    """
    check_options(options, ["array"])
    known = read(model)
    for file in files:
        try:
            pattern = read_pattern(file, known.study.detector, options.get("array", ""))
        except DefectraError as error:
            yield Answer(str(file), str(error), certain=False)
            continue
        number, share = most_probable(known, [pattern])[0]
        reason = strange(pattern, known.kind, number, known.study, known.seed)
        if reason:
            text = f"not answered: the pattern is not of {known.kind} disks as the model knows them"
            yield Answer(str(file), f"{text}: {reason}", certain=False)
            continue
        text = f"{number} disks ({known.kind}, box of {known.study.disks.box:g} pixels), "
        yield Answer(str(file), text + f"probability {share:.3f} of the network", share >= SURE)
