"""Planes learnt with one content left out at a time, and what is read off them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Column, Split, Table
from defectra.learn.splits import Fold, folds
from defectra.studies.xrd.alloys import Alloys, disturbed, grid_of, normalised
from defectra.studies.xrd.plane import (
    Autoencoder,
    Components,
    Plane,
    Reading,
    Regression,
    Regressions,
    train_autoencoder,
)
from defectra.studies.xrd.settings import XrdStudy

Floats = NDArray[np.float64]
Row = dict[str, Any]
AUTOENCODER, PCA = "autoencoder, 2 numbers", "principal components, 2"
REGRESSION = "regression of rank 2"
RIDGE, MEAN = "ridge, whole pattern", "mean of training"
UNDISTURBED, ORDERED_SET, LIKE = "undisturbed", "ordered supercells", "like measured"
INNER = 5  # folds
PENALTIES = tuple(float(p) for p in np.logspace(-8, -2, 7))  # of the regression of rank 2
CONTENTS = {"titanium": 0, "zirconium": 1}  # column of the contents
PREDICTIONS = Table(
    "xrd_predictions",
    (
        Column("content", "string", "", "what is left out and asked: titanium or zirconium"),
        Column("held", "float", "", "its value that no training pattern has"),
        Column("set", "string", "", "patterns that are asked"),
        Column("model", "string", "", "model"),
        Column("pattern", "string", "", "calculation and position in it"),
        Column("x", "float", "", "titanium of the twelve transition metals"),
        Column("y", "float", "", "zirconium of the rare-earth site"),
        Column("predicted", "float", "", "of the content that is asked"),
    ),
)


@dataclass(frozen=True)
class Taught:
    """Training patterns.

    Attributes
    ----------
    given, clean
        Normalised patterns, disturbed and as they are, both (n, points).
    contents
        x and y, shape (n, 2).
    """

    given: Floats
    clean: Floats
    contents: Floats

    def at(self, rows: Any) -> Taught:
        """Those of an index."""
        return Taught(self.given[rows], self.clean[rows], self.contents[rows])

    def inner(self) -> list[Fold]:
        """Folds that leave out whole alloys, with all copies of their patterns."""
        alloys = ["{} {}".format(*row) for row in self.contents]
        count = min(INNER, len(set(alloys)))
        return folds(Split.GROUPED, alloys, n_folds=count, seed=0)


def taught(alloys: Alloys, study: XrdStudy, seed: list[int]) -> Taught:
    """Undisturbed patterns and disturbed copies."""
    rng, points = np.random.default_rng(seed), grid_of(study).points
    clean, copies = normalised(alloys.plain), study.disturbances.copies
    noisy = [normalised(disturbed(alloys, study.disturbances, points, rng)) for _ in range(copies)]
    contents = np.column_stack([alloys.x, alloys.y])
    given = np.concatenate([clean, *noisy])
    return Taught(given, np.tile(clean, (copies + 1, 1)), np.tile(contents, (copies + 1, 1)))


def autoencoder_of(
    own: Taught, study: XrdStudy, seed: int, folder: Path | None = None
) -> Autoencoder:
    """Train an autoencoder."""
    settings = study.network.model_copy(update={"seed": seed})
    return train_autoencoder(own.given, own.clean, study.hidden, settings, folder)


def read_off(plane: Plane, own: Taught) -> Callable[[Floats], Floats]:
    """Function that gives contents of normalised patterns by way of a plane."""
    reading = Reading.of(plane.encode(own.given), own.contents)
    return lambda patterns: reading.contents(plane.encode(patterns))


def regression_of(own: Taught) -> Regression:
    """Regression of rank two, its penalty the one whose plane gives contents of new alloys best."""
    wrong = np.zeros(len(PENALTIES))
    for train, test in own.inner():
        part, asked = own.at(train), own.at(test)
        every = Regressions.of(part.given, part.clean)
        for k, penalty in enumerate(PENALTIES):
            off = read_off(every.at(penalty), part)(asked.given) - asked.contents
            wrong[k] += float(((off / own.contents.std(axis=0)) ** 2).sum())
    return Regressions.of(own.given, own.clean).at(PENALTIES[int(wrong.argmin())])


def ridge_of(own: Taught) -> Callable[[Floats], Floats]:
    """Linear regression on all points of a pattern, its penalty chosen by folds over alloys.

    Left out one by one, a pattern would be answered by other copies of its alloy, and the penalty
    would be too small for new alloys: too weak a baseline.
    """
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(np.logspace(-3, 4, 8), cv=own.inner()).fit(own.given, own.contents)
    return lambda patterns: np.asarray(model.predict(patterns), np.float64)


def mean_of(own: Taught) -> Callable[[Floats], Floats]:
    """The mean contents of the training patterns, whatever is asked."""
    middle = own.contents.mean(axis=0)
    return lambda patterns: np.tile(middle, (len(patterns), 1))


def leave_one_out(
    content: str,
    fractional: Alloys,
    ordered: Alloys,
    study: XrdStudy,
    seed: int,
    folder: Path | None = None,
) -> Iterator[Row]:
    """Answers of all models with each value of a content left out in turn.

    Parameters
    ----------
    content
        Key of :data:`CONTENTS`.
    folder
        Of checkpoints.
    """
    values = fractional.x if content == "titanium" else fractional.y
    for number, held in enumerate(np.unique(values)):
        out = values == held
        own = taught(fractional.at(~out), study, [seed, number])
        place = folder / f"{content}_{number}" if folder else None
        models = {
            AUTOENCODER: read_off(autoencoder_of(own, study, seed, place), own),
            PCA: read_off(Components.of(own.given), own),
            REGRESSION: read_off(regression_of(own), own),
            RIDGE: ridge_of(own),
            MEAN: mean_of(own),
        }
        asked = _asked(fractional.at(out), ordered.at(out), study, [seed, 1000 + number])
        for name, (alloys, patterns) in asked.items():
            for model, answer in models.items():
                found = answer(patterns)[:, CONTENTS[content]]
                for k, value in enumerate(found):
                    yield {
                        "content": content,
                        "held": float(held),
                        "set": name,
                        "model": model,
                        "pattern": alloys.ids[k],
                        "x": float(alloys.x[k]),
                        "y": float(alloys.y[k]),
                        "predicted": float(value),
                    }


def _asked(
    fractional: Alloys, ordered: Alloys, study: XrdStudy, seed: list[int]
) -> dict[str, tuple[Alloys, Floats]]:
    rng, points = np.random.default_rng(seed), grid_of(study).points
    many = np.tile(np.arange(len(fractional.x)), study.disturbances.test_copies)
    copies = fractional.at(many)
    return {
        UNDISTURBED: (fractional, normalised(fractional.plain)),
        ORDERED_SET: (ordered, normalised(ordered.plain)),
        LIKE: (copies, normalised(disturbed(copies, study.disturbances, points, rng))),
    }
