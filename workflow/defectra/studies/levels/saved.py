"""The declared model as a file: training rows, kernel, intervals and domain in an npz. No pickle.

What is kept is small: the covariance is inverted anew when the file is read (a second).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.core.records import Split
from defectra.core.store import replacing
from defectra.learn.forest import read_npz
from defectra.studies.levels import declared, learnt_kernel
from defectra.studies.levels.declared import Known
from defectra.studies.levels.distances import HostRows, host_distances
from defectra.studies.levels.evaluate import Data
from defectra.studies.levels.features import Defects, Hosts, Scales, defects, flat_ladder, scales
from defectra.studies.levels.gaussian_process import Fitted
from defectra.studies.levels.intervals import Width
from defectra.studies.levels.learnt_kernel import LearntKernel, Tails
from defectra.studies.levels.settings import LevelsStudy

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Key = tuple[str, str, str]

KIND = "defectra levels 2"
_BLOCKS = ("host", "impurity", "contrast", "atoms")


@dataclass(frozen=True)
class Predicted:
    """Levels of defects that were asked for.

    Attributes
    ----------
    value, half
        Level and half width of its interval, eV, shape (n, 6), charges falling.
    distance
        Of the host to the nearest learnt host, in standard deviations, shape (n,).
    """

    value: Floats
    half: Floats
    distance: Floats


@dataclass(frozen=True)
class LevelModel:
    """The model with all that an answer needs.

    Attributes
    ----------
    keys, labels
        Training defects (host, site, impurity) and their levels, eV, shape (n, 6).
    hosts
        Gap (eV) and lattice constant (Å) of the learnt hosts.
    domain
        Distance from the nearest learnt host beyond which nothing is claimed.
    level
        Share of levels that an interval is to hold.
    degrees
        Degrees of freedom of the noise.
    """

    keys: list[Key]
    labels: Floats
    scored: Bools
    hosts: Hosts
    scales: Scales
    kernel: LearntKernel
    width: Width
    domain: float
    level: float
    degrees: float

    def rows(self) -> Defects:
        """Descriptors of the training defects."""
        return defects(self.keys, self.hosts, self.scales)

    def fitted(self) -> Fitted:
        """The model on all its rows."""
        tails = Tails(np.arange(len(self.keys)), self.degrees)
        suspect = flat_ladder(self.labels)
        return learnt_kernel.fit(self.rows(), self.labels, self.kernel, suspect, tails)

    def predict(self, keys: Sequence[Key], hosts: Hosts) -> Predicted:
        """Levels of defects in hosts whose gap and lattice constant are given."""
        train, new = self.rows(), defects(keys, hosts, self.scales)
        value, variance = learnt_kernel.predict(self.fitted(), train, new, self.kernel)
        learnt = np.unique(train.host, axis=0)
        own, index = np.unique(new.host, axis=0, return_inverse=True)
        distance = host_distances(own, learnt).min(axis=1)[index.ravel()]
        half = self.width.half(np.sqrt(variance), distance)[:, None]
        return Predicted(value, np.repeat(half, value.shape[1], axis=1), distance)

    def save(self, path: str | Path) -> None:
        """Write an npz."""
        about = {
            "kind": KIND,
            "keys": self.keys,
            "hosts": {h: dict(p) for h, p in self.hosts.items()},
            "kernel": {k: v.tolist() for k, v in self.kernel.values.items()},
            "width": [self.width.offset, self.width.power, self.width.growth],
            "domain": self.domain,
            "level": self.level,
            "degrees": self.degrees,
        }
        blocks = {f"scale_{b}": getattr(self.scales, b) for b in _BLOCKS}
        with replacing(path) as draft, draft.open("wb") as handle:
            arrays: Mapping[str, Any] = {"labels": self.labels, "scored": self.scored, **blocks}
            np.savez_compressed(handle, about=np.array(json.dumps(about)), **arrays)


def train(data: Data, hosts: Hosts, study: LevelsStudy, seed: int) -> LevelModel:
    """The learnt form on all rows; the interval from hosts that its kernels had not seen."""
    groups = data.groups(Split.HOST_OUT)
    named = {h: hosts[h] for h in sorted(set(groups))}
    by = scales(data.keys, named)
    rows = defects(data.keys, named, by)
    known = Known(rows, data.labels, data.scored, groups)
    kernel = declared.learn(known, np.arange(len(groups)), study.learning, seed)
    width = declared.width_for_new_hosts(known, study, seed)
    domain = HostRows.of(rows.host).usual(study.intervals.domain)
    level, degrees = study.intervals.level, study.learning.degrees
    return LevelModel(
        data.keys, data.labels, data.scored, named, by, kernel, width, domain, level, degrees
    )


def load(path: str | Path) -> LevelModel:
    """Read what :meth:`LevelModel.save` wrote.

    Raises
    ------
    DataError
        If there is no such file, or it is no model of levels.
    """
    arrays = read_npz(path)
    try:
        about = json.loads(str(arrays["about"]))
        if about["kind"] != KIND:
            raise DataError(f"{path}: a model of kind {about['kind']!r}, expected {KIND!r}")
        kernel = {k: np.array(v, dtype=np.float64) for k, v in about["kernel"].items()}
        return LevelModel(
            [(str(a), str(b), str(c)) for a, b, c in about["keys"]],
            arrays["labels"],
            arrays["scored"],
            about["hosts"],
            Scales(*(arrays[f"scale_{b}"] for b in _BLOCKS)),
            LearntKernel(kernel),
            Width(*about["width"]),
            float(about["domain"]),
            float(about["level"]),
            float(about["degrees"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(
            f"{path}: no model of levels ({error!r}); `make levels` makes one"
        ) from None
