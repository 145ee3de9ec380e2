"""A model of several edges in an npz, for any subset of them: training spectra and labels.

The model is kernel ridge (:mod:`defectra.learn.edge_kernels`), which is solved for the edges that
are there in about a second; what is kept are the spectra it learns from. An answer is the mean over
`DRAWS` models, each with its own jitters of the training rows and its own inner folds (bagging:
Breiman, Machine Learning 24, 123 (1996)), since the answer of a single one depends on its draw. No
pickle.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from defectra.core.errors import DataError
from defectra.core.npz import read_npz
from defectra.core.store import replacing
from defectra.learn import edge_kernels
from defectra.learn.edge_kernels import Kernel, Targets
from defectra.learn.moved_spectra import Disturbance, EdgeCurves

Floats = NDArray[np.float64]
KIND = "defectra edges kernel 1"
COPIES = 3
DRAWS = 8  # models whose answers are averaged
FAR = 0.99  # quantile of the distances of left-out training spectra that is still inside


@dataclass(frozen=True)
class KnownAxis:
    """How the axis of the calculations lies to a measured, calibrated one.

    Attributes
    ----------
    shift
        Added to measured energies so that they lie on the computed axis, eV.
    sd
        Its standard deviation, eV; none: not known, since there was one comparison.
    compared
        With what it was compared, for people.
    """

    shift: float
    sd: float | None
    compared: str

    def sentence(self, edge: str) -> str:
        """What to state for a calibrated scan of an edge."""
        sd = "" if self.sd is None else f" (standard deviation {self.sd:.1f} eV)"
        shift = f"a shift of {self.shift:+.1f} eV{sd}"
        return f"a calibrated scan of {edge} needs {shift}, by {self.compared}"


@dataclass(frozen=True)
class AboutEdges:
    """What a model of edges is of.

    Attributes
    ----------
    edges, first, step, points
        Names and grids (eV) of the edges.
    targets, units, is_class
        What it states.
    scores
        ``"O K + Ni K: x_Li"``: half width of the 90 % interval of a number, or balanced accuracy of
        a class against the arms without it; from held-out groups, for every subset. Means over
        `DRAWS` models, or over fewer, which errs on the side of a wider interval.
    jitter
        Standard deviation of the axis that it was trained for, eV.
    shifts
        Added to measured energies, eV: where the axis of the calculations lies.
    seed
        Of the jitters of the training rows and of the inner folds.
    trained_on
        For people.
    axes
        By edge, where the computed axis was compared with a measured one.
    """

    edges: list[str]
    first: list[float]
    step: list[float]
    points: list[int]
    targets: list[str]
    units: list[str]
    is_class: list[bool]
    scores: dict[str, float]
    jitter: float
    shifts: list[float]
    seed: int
    trained_on: str
    axes: Mapping[str, KnownAxis] = field(default_factory=dict)


@dataclass(frozen=True)
class TargetAnswer:
    """What the model says of one target.

    Attributes
    ----------
    value
        Number, or score of a class: above 1/2 like the rows that have it.
    score
        Half width of the 90 % interval, or balanced accuracy of the class.
    """

    target: str
    unit: str
    is_class: bool
    value: float
    score: float


@dataclass(frozen=True)
class EdgesModel:
    """A model as it is kept; n training rows.

    Attributes
    ----------
    curves
        Spectra by edge, shape (n, points).
    labels
        Shape (n, targets), NaN where a row has none.
    groups
        Of each row.
    """

    about: AboutEdges
    curves: Mapping[str, Floats]
    labels: Floats
    groups: Sequence[str]

    def grid(self, edge: str) -> Floats:
        """Energies of an edge, eV."""
        k = self.about.edges.index(edge)
        count = np.arange(self.about.points[k], dtype=np.float64)
        return self.about.first[k] + self.about.step[k] * count

    def shift(self, edge: str) -> float:
        """Added to measured energies of an edge, eV."""
        return self.about.shifts[self.about.edges.index(edge)]

    def axis_sentence(self, edge: str) -> str:
        """What is known of the computed axis of an edge."""
        if edge in self.about.axes:
            return self.about.axes[edge].sentence(edge)
        return f"the computed axis of {edge} was compared with no measurement"

    def predict(self, spectra: Mapping[str, Floats]) -> list[TargetAnswer]:
        """Every target from the spectra of some edges, each on its grid, any scale."""
        values = self.answers({e: np.asarray(v, float)[None] for e, v in spectra.items()})[0]
        return self.stated(list(spectra), values)

    def stated(self, edges: Collection[str], values: Floats) -> list[TargetAnswer]:
        """Answers with their scores, from a row of :meth:`answers` about these edges."""
        about = self.about
        name = " + ".join(e for e in about.edges if e in edges)
        return [
            TargetAnswer(
                target,
                about.units[k],
                about.is_class[k],
                float(values[k]),
                about.scores.get(f"{name}: {target}", float("nan")),
            )
            for k, target in enumerate(about.targets)
        ]

    def answers(self, spectra: Mapping[str, Floats]) -> Floats:
        """Answers about many samples at once, which cost little more than one.

        Parameters
        ----------
        spectra
            By edge, each row a sample on the grid of the edge, any scale, shape (samples, points).

        Returns
        -------
        ndarray
            Shape (samples, targets).
        """
        subset = [e for e in self.about.edges if e in spectra]
        return np.asarray(
            np.mean([self._values(spectra, subset, draw) for draw in range(DRAWS)], axis=0)
        )

    def _values(
        self, spectra: Mapping[str, Floats], subset: Sequence[str], draw: int
    ) -> NDArray[np.float64]:
        """Answers of one of the models, shape (samples, targets)."""
        train, own = self._features(spectra, subset, draw)
        kernels = {e: Kernel.of(train[e]) for e in subset}
        whole = sum(kernels[e].own for e in subset) / len(subset)
        cross = sum(kernels[e].with_rows(own[e]) for e in subset) / len(subset)
        known = np.tile(np.isfinite(self.labels), (COPIES, 1))
        labels, is_class = np.tile(self.labels, (COPIES, 1)), np.array(self.about.is_class)
        names = np.array(list(self.groups) * COPIES)
        out: Floats = np.empty((len(own[subset[0]]), len(is_class)))
        for there in np.unique(known, axis=1).T:  # targets that the same rows know share the fit
            columns: NDArray[np.int64] = np.flatnonzero((known == there[:, None]).all(axis=0))
            targets = Targets(labels[np.ix_(there, columns)], is_class[columns])
            parts = edge_kernels.inner_folds(list(names[there]), self.about.seed + draw)
            fitted = edge_kernels.fit(np.asarray(whole)[np.ix_(there, there)], targets, parts)
            out[:, columns] = fitted.answers(np.asarray(cross)[:, there])
        return out

    def outside(self, spectra: Mapping[str, Floats]) -> dict[str, float]:
        """How far each spectrum lies from the training rows; above 1 is outside.

        The distance to the nearest training row, in units of the `FAR` quantile of that distance
        for training rows whose group is left out.
        """
        subset = [e for e in self.about.edges if e in spectra]
        rows = {e: np.asarray(spectra[e], float)[None] for e in subset}
        train, own = self._features(rows, subset)
        names = np.array(list(self.groups) * COPIES)
        out = {}
        for edge in subset:
            table = cdist(train[edge], train[edge])
            table[names[:, None] == names[None, :]] = np.inf
            usual = np.quantile(table.min(axis=1), FAR)
            out[edge] = float(cdist(own[edge], train[edge]).min() / usual)
        return out

    def _features(
        self, spectra: Mapping[str, Floats], subset: Sequence[str], draw: int = 0
    ) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Features of the jittered training rows and of the rows that are asked about."""
        curves = {e: EdgeCurves(self.grid(e), self.curves[e]) for e in self.about.edges}
        generator = np.random.default_rng([self.about.seed, 6, draw])
        by = Disturbance(self.about.jitter)
        copies = [by.draw(curves, generator) for _ in range(COPIES)]
        train = {e: np.vstack([c[e] for c in copies]) for e in subset}
        own = {
            e: EdgeCurves(self.grid(e), spectra[e]).moved(np.zeros(len(spectra[e]))) for e in subset
        }
        return train, own

    def write(self, path: str | Path) -> None:
        """Keep it, atomically."""
        head = json.dumps({"kind": KIND, **asdict(self.about)}, sort_keys=True)
        arrays: dict[str, Any] = {"about": np.array(head), "labels": self.labels}
        arrays["groups"] = np.array([str(g) for g in self.groups])
        for number, edge in enumerate(self.about.edges):
            arrays[f"curves_{number}"] = np.asarray(self.curves[edge], np.float32)
        with replacing(path) as temporary, temporary.open("wb") as handle:
            np.savez_compressed(handle, **arrays)


def is_edges_model(path: str | Path) -> bool:
    """Whether a file holds a model of edges; False for whatever else it is."""
    try:
        return bool(json.loads(str(read_npz(path)["about"]))["kind"] == KIND)
    except (DataError, KeyError, ValueError, TypeError):
        return False


def load_edges_model(path: str | Path) -> EdgesModel:
    """Read a model.

    Raises
    ------
    DataError
        If the file is no model of edges, or damaged.
    """
    arrays = read_npz(path)
    try:
        head = json.loads(str(arrays["about"]))
        if head.pop("kind") != KIND:
            raise ValueError
        head["axes"] = {e: KnownAxis(**own) for e, own in head.get("axes", {}).items()}
        about = AboutEdges(**{f.name: head.pop(f.name) for f in fields(AboutEdges)})
        curves = {e: np.asarray(arrays[f"curves_{k}"], float) for k, e in enumerate(about.edges)}
        labels = np.asarray(arrays["labels"], float)
        groups = [str(g) for g in arrays["groups"]]
        shapes = {e: (len(groups), about.points[k]) for k, e in enumerate(about.edges)}
        if labels.shape != (len(groups), len(about.targets)):
            raise ValueError
        if any(curves[e].shape != shapes[e] or not np.isfinite(curves[e]).all() for e in curves):
            raise ValueError
    except (KeyError, ValueError, TypeError, AttributeError, IndexError):
        raise DataError(f"{path}: no model of edges, or damaged") from None
    return EdgesModel(about, curves, labels, groups)
