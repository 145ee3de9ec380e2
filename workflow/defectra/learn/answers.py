"""``defectra predict`` for the models of studies: the head of a model names its study.

A study that offers it has ``predict.py`` with ``predict(model, files, options)``, which gives an
:class:`Answer` for each file; one that reads measured spectra also takes `reading`, a
:class:`Reading`. Nothing that a file names is imported, but the study of that name.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from defectra.core.errors import ConfigError, DataError
from defectra.core.late_imports import late
from defectra.core.npz import read_npz
from defectra.core.studies import study_folder, study_names
from defectra.learn.saved_network import head_of
from defectra.spectra.measured_columns import Choice


@dataclass(frozen=True)
class Answer:
    """What a model says of a file.

    Attributes
    ----------
    file
        As it was named.
    sentence
        For people: the value with its interval and unit, or why there is none.
    certain
        Whether it has an interval, or a class that the model is sure of.
    """

    file: str
    sentence: str
    certain: bool


@dataclass(frozen=True)
class Reading:
    """What the user said of measured files: columns, and which scan of several."""

    columns: Choice | None = None
    scan: str = ""


Predict = Callable[..., Iterator[Answer]]


def study_of_model(path: str | Path) -> str:
    """Study that a model belongs to; empty of one that names none.

    Raises
    ------
    DataError
        If the file is no model of ours.
    """
    path = Path(path)
    if path.suffix != ".npz":
        return head_of(path).study
    arrays = read_npz(path)
    try:
        head: Mapping[str, Any] = json.loads(str(arrays["about"]))
        return str(head.get("study", ""))
    except (KeyError, ValueError, AttributeError):
        raise DataError(f"{path}: no model of Defectra (an npz without `about`)") from None


def predict_of(study: str) -> Predict:
    """``predict`` of a study.

    Raises
    ------
    DataError
        If there is no such study, or it offers none.
    """
    if study not in study_names() or not (study_folder(study) / "predict.py").is_file():
        raise DataError(
            f"study {study!r} offers no prediction here; is the model of a later release?"
        )
    return cast(Predict, late("studies", study, "predict").predict)


def reads_spectra(predict: Predict) -> bool:
    """Whether a study reads measured spectra, and thus columns and a scan that the user names."""
    return "reading" in inspect.signature(predict).parameters


def options_of(words: Sequence[str]) -> dict[str, str]:
    """Options of the user, KEY=VALUE each.

    Raises
    ------
    ConfigError
        For a word without ``=``.
    """
    wrong = [word for word in words if "=" not in word]
    if wrong:
        raise ConfigError(f"--option {wrong[0]}: written KEY=VALUE")
    return dict(word.split("=", 1) for word in words)


def check_options(options: Mapping[str, str], known: Sequence[str]) -> None:
    """Refuse an option that a study does not have.

    Raises
    ------
    ConfigError
        With the first such option, and those that there are.
    """
    if wrong := sorted(set(options) - set(known)):
        raise ConfigError(f"--option {wrong[0]}: not known; known: {', '.join(known)}")


def number_of(
    options: Mapping[str, str], key: str, default: float, expected: str, limits: tuple[float, float]
) -> float:
    """Number of an option; `default` if it is not given.

    Parameters
    ----------
    expected
        What is expected, with its unit, for the message.
    limits
        Least value that is taken, and the first above that is not.

    Raises
    ------
    ConfigError
        If it is no number within the limits.
    """
    text = options.get(key, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not limits[0] <= value < limits[1]:
        raise ConfigError(f"--option {key}={text}: expected {expected}")
    return value
