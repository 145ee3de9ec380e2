"""All models of one kind of disks are trained and asked all test sets; nothing is scored here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Column, Table
from defectra.studies.speckle import models
from defectra.studies.speckle.described import Described, Describer, PatternSet
from defectra.studies.speckle.models import CENTRE, HIDDEN, Fitted, Model
from defectra.studies.speckle.photons import counted
from defectra.studies.speckle.physical_inputs import Physical
from defectra.studies.speckle.samples import EQUAL, TEST, TRAIN, set_name
from defectra.studies.speckle.settings import SpeckleStudy

Floats = NDArray[np.float64]
Row = dict[str, Any]
PREDICTIONS = Table(
    "speckle_predictions",
    (
        Column("kind", "string", "", "disks that the model was trained on: equal or unequal"),
        Column("set", "string", "", "set of patterns"),
        Column("form", "string", "", "fidelity of the patterns: analytic or pixel"),
        Column("photons", "float", "photons", "mean number outside the centre; infinite: no noise"),
        Column("model", "string", "", "model"),
        Column("centre", "string", "", "whether the model sees the centre"),
        Column("train_each", "int", "", "training patterns of each number of disks; 0: none"),
        Column("configuration", "string", "", "calculation and position in it"),
        Column("number", "int", "", "disks in the box"),
        Column("predicted", "int", "", "answer, within the known numbers"),
        Column("value", "float", "", "answer before it was rounded"),
    ),
)
HISTORY_COLUMNS = [
    *("kind", "model", "centre", "train_each", "epoch", "train_loss", "validation_loss", "cpu_s"),
]
COPIES = 3  # of each training pattern, with numbers of photons drawn between the ends
DECADES = (3.0, 8.0)  # powers of ten, photons


@dataclass(frozen=True)
class Learned:
    """What a kind of disks gives.

    Attributes
    ----------
    predictions
        Rows of :data:`PREDICTIONS`.
    history
        ``model``, ``epoch``, ``train_loss``, ``validation_loss``, ``cpu_s`` of each network.
    networks
        Networks that are kept, by name.
    """

    predictions: list[Row]
    history: list[Row]
    networks: Mapping[str, Fitted]


class Learning:
    """One kind of disks.

    Parameters
    ----------
    sets
        Training set and test sets, by name.
    folder
        Of checkpoints.
    """

    def __init__(
        self,
        kind: str,
        study: SpeckleStudy,
        seed: int,
        sets: Mapping[str, PatternSet],
        folder: Path | None = None,
    ) -> None:
        self.kind, self.study, self.seed, self.folder = kind, study, seed, folder
        self.describe = Describer(study)
        self.train = sets[set_name(kind, TRAIN)]
        self.quantities = self.describe(self.train.intensity)
        self.tests = {name: s for name, s in sets.items() if name != set_name(kind, TRAIN)}
        self.fitted: dict[str, Fitted] = {}
        self.all: list[Model] = []

    def run(self) -> Learned:
        """Train, then ask."""
        for fitted in self._networks():
            self.fitted[
                f"{fitted.model.name}, {fitted.model.centre}, {fitted.model.train_each}"
            ] = fitted
            self.all.append(fitted.model)
        self.all += self._plain()
        rows = [row for name, asked in self.tests.items() for row in self._ask(name, asked)]
        rows += self._with_photons()
        return Learned(rows, list(self._history()), self._kept())

    def _networks(self) -> Iterator[Fitted]:
        number, ids = self.train.number, self.train.ids
        for centre in (HIDDEN, CENTRE):
            physical = models.physical_of(self.quantities, centre)
            yield self._physical(models.NETWORK, (physical, number, ids), centre)
        for size in self.study.tests.sizes:
            kept = _first(number, size)
            quantities = (_part(self.quantities.hidden, kept), number[kept], [ids[k] for k in kept])
            yield self._physical(models.NETWORK, quantities, HIDDEN)
        shuffled = np.random.default_rng([self.seed, 1]).permutation(number)
        yield self._physical(models.SHUFFLED, (self.quantities.hidden, shuffled, ids), HIDDEN)
        yield self._physical(models.PHOTONS, self._photon_copies(), HIDDEN)
        yield models.image_network(
            self.quantities, number, ids, self.study, self.seed, self._checkpoint("image")
        )

    def _physical(
        self, name: str, quantities: tuple[Physical, NDArray[np.int64], list[str]], centre: str
    ) -> Fitted:
        folder = self._checkpoint(f"{name} {centre} {len(quantities[1])}")
        return models.physical_network(name, quantities, self.study, self.seed, centre, folder)

    def _checkpoint(self, name: str) -> Path | None:
        return self.folder and self.folder / name.replace(",", "").replace(" ", "_")

    def _photon_copies(self) -> tuple[Physical, NDArray[np.int64], list[str]]:
        """Training patterns as they are, and copies with counting noise."""
        rng = np.random.default_rng([self.seed, 2])
        parts = [self.quantities.hidden]
        for _ in range(COPIES):
            photons = 10 ** rng.uniform(*DECADES, len(self.train.ids))
            noisy = counted(self.train.intensity, photons, self.describe.hidden, rng)
            parts.append(self.describe.hidden(noisy))
        count = COPIES + 1
        return _joined(parts), np.tile(self.train.number, count), self.train.ids * count

    def _plain(self) -> Iterator[Model]:
        number = self.train.number
        yield models.ridge(models.MOMENTS, lambda t: t.moments, self.quantities, number, HIDDEN)
        for centre in (HIDDEN, CENTRE):
            inputs = models.vectors(centre)
            yield models.ridge(models.RIDGE, inputs, self.quantities, number, centre)
        if self.kind == EQUAL:
            for centre in (HIDDEN, CENTRE):
                yield models.counting(self.describe, self.study.disks.radius, centre)
            yield models.counting_fitted(self.describe)

    def _ask(self, name: str, asked: PatternSet) -> Iterator[Row]:
        quantities = self.describe(asked.intensity)
        yield from self._answers(name, asked, quantities, float("inf"), self.all)

    def _with_photons(self) -> Iterator[Row]:
        name = set_name(self.kind, TEST)
        asked = self.tests[name]
        whole = [m for m in self.all if m.centre == HIDDEN and m.name != models.SHUFFLED]
        largest = max(m.train_each for m in whole)
        some = [m for m in whole if m.train_each in (0, largest)]
        for k, photons in enumerate(self.study.tests.counts):
            rng = np.random.default_rng([self.seed, 3, k])
            noisy = counted(asked.intensity, photons, self.describe.hidden, rng)
            yield from self._answers(name, asked, self.describe(noisy), photons, some)

    def _answers(
        self,
        name: str,
        asked: PatternSet,
        quantities: Described,
        photons: float,
        some: Sequence[Model],
    ) -> Iterator[Row]:
        disks = self.study.disks
        for model in some:
            values = model.answer(quantities)
            rounded = np.clip(np.rint(values), disks.fewest, disks.most)
            for k, value in enumerate(values):
                yield {
                    "kind": self.kind,
                    "set": name,
                    "form": asked.form,
                    "photons": photons,
                    "model": model.name,
                    "centre": model.centre,
                    "train_each": model.train_each,
                    "configuration": asked.ids[k],
                    "number": int(asked.number[k]),
                    "predicted": int(rounded[k]),
                    "value": float(value),
                }

    def _history(self) -> Iterator[Row]:
        for fitted in self.fitted.values():
            model = fitted.model
            own = {"kind": self.kind, "model": model.name, "centre": model.centre}
            for row in fitted.trained.history:
                yield own | {"train_each": model.train_each, **row, "cpu_s": model.cpu_s}

    def _kept(self) -> dict[str, Fitted]:
        """Networks of all training patterns that answer a user: with and without photons, image."""
        names = (models.NETWORK, models.PHOTONS, models.IMAGE)
        most = max(f.model.train_each for f in self.fitted.values())
        found = {}
        for fitted in self.fitted.values():
            model = fitted.model
            if model.name in names and model.centre == HIDDEN and model.train_each == most:
                found[model.name] = fitted
        return found


def _first(number: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.concatenate([np.flatnonzero(number == n)[:size] for n in np.unique(number)])


def _part(quantities: Physical, index: NDArray[np.int64]) -> Physical:
    return Physical(quantities.forward[index], quantities.patterson[index], quantities.rings[index])


def _joined(parts: Sequence[Physical]) -> Physical:
    return Physical(
        np.concatenate([p.forward for p in parts]),
        np.concatenate([p.patterson for p in parts]),
        np.concatenate([p.rings for p in parts]),
    )
