"""Models of study `speckle`: each answers a number of disks for each described pattern."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.training import Trained, Training, held_out, train
from defectra.studies.speckle.counting import count_disks, fit_radius
from defectra.studies.speckle.described import Described, Describer
from defectra.studies.speckle.network import (
    build,
    cross_entropy,
    image_architecture,
    physical_architecture,
    probabilities,
)
from defectra.studies.speckle.physical_inputs import Physical
from defectra.studies.speckle.settings import SpeckleStudy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
COUNTING, FITTED = "direct beam over scattered", "direct beam over scattered, radius fitted"
MOMENTS, RIDGE = "ridge, moments and correlation", "ridge, physical inputs"
NETWORK, PHOTONS = "network, physical inputs", "network, physical inputs, trained with photons"
IMAGE, SHUFFLED = "network, image", "network, physical inputs, shuffled labels"
HIDDEN, CENTRE = "centre hidden", "centre seen"
Answer = Callable[[Described], Floats]


@dataclass(frozen=True)
class Model:
    """A model that answers.

    Attributes
    ----------
    centre
        :data:`HIDDEN` or :data:`CENTRE`.
    train_each
        Training and validation patterns of each number of disks; 0: it needs none.
    answer
        Number of disks, not rounded, shape (n,).
    cpu_s
        CPU seconds of its training.
    """

    name: str
    centre: str
    train_each: int
    answer: Answer
    cpu_s: float = 0.0


def physical_of(quantities: Described, centre: str) -> Physical:
    """Physical inputs with the centre hidden or seen."""
    return quantities.hidden if centre == HIDDEN else quantities.seen


def log_forward(vectors: Floats, rings: int) -> int:
    """Position of the logarithm of the direct beam in a vector: before the rings at its end."""
    return vectors.shape[1] - rings - 1


def counting(describer: Describer, radius: float, centre: str) -> Model:
    """Direct beam over scattered intensity; needs the radius and no training."""
    inputs = describer.hidden if centre == HIDDEN else describer.seen
    return Model(
        COUNTING,
        centre,
        0,
        lambda quantities: count_disks(physical_of(quantities, centre), inputs, radius),
    )


def counting_fitted(describer: Describer) -> Model:
    """The same with the radius of each pattern fitted to its rings."""

    def answer(quantities: Described) -> Floats:
        radius = fit_radius(quantities.hidden, describer.hidden)
        return count_disks(quantities.hidden, describer.hidden, radius)

    return Model(FITTED, HIDDEN, 0, answer)


def ridge(name: str, vectors_of: Answer, quantities: Described, number: Ints, centre: str) -> Model:
    """Linear regression with the strength of its penalty chosen by leave-one-out.

    Parameters
    ----------
    vectors_of
        Inputs of a described set, shape (n, features).
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 4, 17)))
    model.fit(vectors_of(quantities), number)

    def answer(asked: Described) -> Floats:
        return np.asarray(model.predict(vectors_of(asked)), np.float64)

    return Model(name, centre, _each(number), answer)


@dataclass(frozen=True)
class Fitted:
    """A trained network and what built it."""

    model: Model
    trained: Trained
    architecture: dict[str, Any]


def network(
    name: str,
    vectors_of: Answer,
    architecture: dict[str, Any],
    quantities: tuple[NDArray[np.floating], Ints, list[str]],
    settings: Training,
    study: SpeckleStudy,
    centre: str = HIDDEN,
    folder: Path | None = None,
) -> Fitted:
    """Train a network.

    Parameters
    ----------
    vectors_of
        Inputs of a described set.
    quantities
        Inputs of the training set, number of disks, configuration of each row.
    folder
        Of the checkpoint.
    """
    x, number, groups = quantities
    classes = np.arange(study.disks.fewest, study.disks.most + 1)
    data = {"x": x, "y": np.asarray(number - study.disks.fewest, np.int64)}
    rows = held_out(groups, study.validation, settings.seed)
    trained = train(partial(build, architecture), data, cross_entropy, rows, settings, folder)

    def answer(asked: Described) -> Floats:
        return most_probable(trained.module, vectors_of(asked), classes)

    each = len(set(groups)) // len(classes)
    return Fitted(Model(name, centre, each, answer, trained.cpu_s), trained, architecture)


def most_probable(module: Any, x: NDArray[Any], classes: Ints) -> Floats:
    """Most probable number of disks, shape (n,)."""
    return classes[probabilities(module, x).argmax(axis=1)].astype(np.float64)


def vectors(centre: str) -> Answer:
    """Function that gives the vectors of physical inputs of a described set."""
    return lambda quantities: physical_of(quantities, centre).vector()


def images(quantities: Described) -> Any:
    """Images of a described set."""
    return quantities.image


def physical_network(
    name: str,
    quantities: tuple[Physical, Ints, list[str]],
    study: SpeckleStudy,
    seed: int,
    centre: str = HIDDEN,
    folder: Path | None = None,
) -> Fitted:
    """Train a network on physical inputs."""
    physical, number, groups = quantities
    x = physical.vector()
    resolved = log_forward(x, physical.rings.shape[1])
    classes = study.disks.most - study.disks.fewest + 1
    architecture = physical_architecture(x, resolved, classes, study.width, study.dropout)
    settings = study.network.model_copy(update={"seed": seed})
    return network(
        name, vectors(centre), architecture, (x, number, groups), settings, study, centre, folder
    )


def image_network(
    quantities: Described,
    number: Ints,
    groups: list[str],
    study: SpeckleStudy,
    seed: int,
    folder: Path | None = None,
) -> Fitted:
    """Train a convolutional network on images."""
    architecture = image_architecture(study.disks.most - study.disks.fewest + 1)
    settings = study.image_network.model_copy(update={"seed": seed})
    data = (quantities.image, number, groups)
    return network(IMAGE, images, architecture, data, settings, study, HIDDEN, folder)


def _each(number: Ints) -> int:
    return int(len(number) // len(np.unique(number)))
