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
from defectra.core.npz import read_npz
from defectra.core.records import Split
from defectra.core.store import replacing
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

KIND = "defectra levels 4"
_OLD = {  # kinds that are not read any more
    "defectra levels 2": "its intervals do not hold in learnt hosts",
    "defectra levels 3": "its conduction bands count one neighbour in place of four",
}
SAME_HOST = 1e-9  # distance up to which a host counts as a learnt one
_BLOCKS = ("host", "impurity", "contrast", "atoms")


@dataclass(frozen=True)
class Predicted:
    """Levels of defects that were asked for.

    Attributes
    ----------
    value, half
        Level and half width of its interval, eV, shape (n, 6), charges falling; NaN without one.
    distance
        Of the host to the nearest learnt host, in standard deviations, shape (n,).
    known
        Defects whose levels were learnt, shape (n,): the value is a fit to them and no prediction,
        and has no interval.
    """

    value: Floats
    half: Floats
    distance: Floats
    known: Bools

    @property
    def learnt_host(self) -> Bools:
        """Defects of learnt hosts, shape (n,): their width is that of defects left out there."""
        return np.asarray(self.distance <= SAME_HOST)


@dataclass(frozen=True)
class LevelModel:
    """The model with all that an answer needs.

    Attributes
    ----------
    keys, labels
        Training defects (host, site, impurity) and their levels, eV, shape (n, 6).
    hosts
        Gap (eV) and lattice constant (Å) of the learnt hosts.
    width, width_learnt
        Of intervals in a new host (from hosts left out), and in a learnt one (from defects left
        out of hosts that stay).
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
    width_learnt: Width
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
        """Levels of defects in hosts whose gap and lattice constant are given.

        A new host never gets a narrower interval than a learnt one with the same deviation.
        """
        train, new = self.rows(), defects(keys, hosts, self.scales)
        value, variance = learnt_kernel.predict(self.fitted(), train, new, self.kernel)
        learnt = np.unique(train.host, axis=0)
        own, index = np.unique(new.host, axis=0, return_inverse=True)
        distance = host_distances(own, learnt).min(axis=1)[index.ravel()]
        half = self._half(np.sqrt(variance), distance)
        known = np.isin([_name(k) for k in keys], [_name(k) for k in self.keys])
        known &= distance <= SAME_HOST
        half[known] = np.nan
        return Predicted(value, np.repeat(half[:, None], value.shape[1], axis=1), distance, known)

    def _half(self, deviation: Floats, distance: Floats) -> Floats:
        """Half widths in eV by deviation (eV) and distance, shape (n,)."""
        least = self.width_learnt.half(deviation, np.zeros_like(distance))
        far = self.width.half(deviation, distance)
        return np.where(distance <= SAME_HOST, least, np.maximum(least, far))

    def save(self, path: str | Path) -> None:
        """Write an npz."""
        about = {
            "kind": KIND,
            "keys": self.keys,
            "hosts": {h: dict(p) for h, p in self.hosts.items()},
            "kernel": {k: v.tolist() for k, v in self.kernel.values.items()},
            "width": _plain(self.width),
            "width_learnt": _plain(self.width_learnt),
            "domain": self.domain,
            "level": self.level,
            "degrees": self.degrees,
        }
        blocks = {f"scale_{b}": getattr(self.scales, b) for b in _BLOCKS}
        with replacing(path) as draft, draft.open("wb") as handle:
            arrays: Mapping[str, Any] = {"labels": self.labels, "scored": self.scored, **blocks}
            np.savez_compressed(handle, about=np.array(json.dumps(about)), **arrays)


def _plain(width: Width) -> list[float]:
    return [width.offset, width.power, width.growth]


def _name(key: Key) -> str:
    return "|".join(key)


def train(data: Data, hosts: Hosts, study: LevelsStudy, seed: int) -> LevelModel:
    """The learnt form on all rows; intervals from hosts and defects that its kernels had not seen.

    Twice as many kernels are learnt as for one width: a few CPU minutes with all published rows.
    """
    groups = data.groups(Split.HOST_OUT)
    named = {h: hosts[h] for h in sorted(set(groups))}
    by = scales(data.keys, named)
    rows = defects(data.keys, named, by)
    known = Known(rows, data.labels, data.scored, groups)
    kernel = declared.learn(known, np.arange(len(groups)), study.learning, seed)
    width = declared.width_for_new_hosts(known, study, seed)
    pairs = [f"{host}|{impurity}" for host, _, impurity in data.keys]
    inside = declared.width_for_learnt_hosts(known, pairs, study, seed)
    domain = HostRows.of(rows.host).usual(study.intervals.domain)
    level, degrees = study.intervals.level, study.learning.degrees
    return LevelModel(
        data.keys, data.labels, data.scored, named, by, kernel, width, inside, domain, level,
        degrees,
    )  # fmt: skip


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
            raise DataError(_other_kind(path, about["kind"]))
        kernel = {k: np.array(v, dtype=np.float64) for k, v in about["kernel"].items()}
        return LevelModel(
            [(str(a), str(b), str(c)) for a, b, c in about["keys"]],
            arrays["labels"],
            arrays["scored"],
            about["hosts"],
            Scales(*(arrays[f"scale_{b}"] for b in _BLOCKS)),
            LearntKernel(kernel),
            Width(*about["width"]),
            Width(*about["width_learnt"]),
            float(about["domain"]),
            float(about["level"]),
            float(about["degrees"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(
            f"{path}: no model of levels ({error!r}); `make levels` makes one"
        ) from None


def _other_kind(path: str | Path, kind: str) -> str:
    old = f" ({_OLD[kind]})" if kind in _OLD else ""
    return f"{path}: a model of kind {kind!r}{old}, expected {KIND!r}; `make levels` makes one"
