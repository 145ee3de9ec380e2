"""Networks of study `speckle` as files, and what is asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.saved_network import About, load, save, usable_head
from defectra.studies.speckle.described import hidden_inputs, log_images
from defectra.studies.speckle.models import IMAGE, Fitted
from defectra.studies.speckle.network import build, probabilities
from defectra.studies.speckle.physical_inputs import PhysicalInputs
from defectra.studies.speckle.settings import SpeckleStudy

Floats = NDArray[np.float64]
STUDY = "speckle"


@dataclass(frozen=True)
class SavedModel:
    """A network that was read from a file.

    Attributes
    ----------
    kind
        Disks that it was trained on.
    study
        Settings that it was trained with.
    inputs
        Physical inputs of its detector, centre hidden.
    classes
        Numbers of disks.
    seed
        Of the radii of unequal disks.
    """

    name: str
    kind: str
    study: SpeckleStudy
    module: Any
    inputs: PhysicalInputs
    classes: tuple[int, ...]
    seed: int

    def ask(self, patterns: NDArray[np.floating]) -> Floats:
        """Probability of each number of disks, shape (n, classes)."""
        if self.name == IMAGE:
            return probabilities(self.module, log_images(patterns, self.inputs))
        return probabilities(self.module, self.inputs(patterns).vector())


def keep(path: str | Path, fitted: Fitted, kind: str, study: SpeckleStudy, seed: int) -> None:
    """Write a network."""
    numbers = range(study.disks.fewest, study.disks.most + 1)
    detector = study.detector
    shape = (detector.half // detector.step + 1, 2 * (detector.half // detector.step) + 1)
    provenance = {
        "seed": seed,
        "train_each": fitted.model.train_each,
        "epochs": len(fitted.trained.history),
        "best_epoch": fitted.trained.best_epoch,
    }
    about = About(
        STUDY,
        fitted.model.name,
        shape,
        {"kind": kind, "study": study.model_dump(mode="json")},
        fitted.architecture,
        tuple(map(str, numbers)),
        provenance=provenance,
    )
    save(path, fitted.trained.module, about)


def read(path: str | Path) -> SavedModel:
    """Read a network.

    Raises
    ------
    DataError
        If it is none of this study.
    """
    module, about = load(path, STUDY, lambda a: build(a.architecture))
    own = about.preprocessing
    with usable_head(path):
        study = SpeckleStudy(**own["study"])
        inputs = hidden_inputs(study)
        classes = tuple(map(int, about.outputs))
        seed = int(about.provenance["seed"])
        return SavedModel(about.name, own["kind"], study, module, inputs, classes, seed)


def most_probable(model: SavedModel, patterns: Sequence[NDArray[np.floating]]) -> list[Any]:
    """Number of disks and its probability, of each pattern."""
    found = model.ask(np.stack(list(patterns)))
    return [(model.classes[int(p.argmax())], float(p.max())) for p in found]
