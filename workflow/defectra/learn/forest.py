"""Forests as plain arrays: evaluated, taken from scikit-learn, kept in npz; nothing is pickled.

The layout is that of the published models of arXiv:2310.07049 as they come with the mirror: the
nodes of all trees in one row, ``offsets`` where each tree begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NAMES = ("offsets", "left", "right", "feature", "threshold", "value")


@dataclass(frozen=True)
class Forest:
    """Trees side by side; t trees, m nodes, k values at a leaf.

    Attributes
    ----------
    offsets
        First node of each tree, and the number of nodes, shape (t + 1,).
    left, right
        Children, counted from the first node of the tree; -1 at a leaf. Shape (m,).
    feature, threshold
        What is compared: at most the threshold goes left. Shape (m,).
    value
        Shape (m, k): number of a regressor, or weights of the classes.
    classes
        Labels of the classes, shape (k,); empty for a regressor.
    """

    offsets: Ints
    left: Ints
    right: Ints
    feature: Ints
    threshold: Floats
    value: Floats
    classes: Ints

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], where: str) -> Self:
        """Checked arrays of an npz.

        Raises
        ------
        DataError
            If one is missing, or the trees are not whole.
        """
        missing = [n for n in _NAMES if n not in arrays]
        if missing:
            raise DataError(f"{where}: no array {missing[0]!r}: this is no forest")
        offsets, left, right, feature = (np.asarray(arrays[n], np.int64) for n in _NAMES[:4])
        threshold, value = (np.asarray(arrays[n], np.float64) for n in _NAMES[4:])
        classes = np.asarray(arrays.get("classes", ()), np.int64)
        forest = cls(offsets, left, right, feature, threshold, value, classes)
        forest._check(where)
        return forest

    def _check(self, where: str) -> None:
        nodes = len(self.left)
        size = np.diff(self.offsets)
        good = (
            len(self.offsets) > 1
            and self.offsets[0] == 0
            and self.offsets[-1] == nodes
            and (size > 0).all()
            and len(self.right) == len(self.feature) == len(self.threshold) == nodes
            and self.value.ndim == 2
            and len(self.value) == nodes
        )
        if good:
            inner = self.left >= 0
            last = np.repeat(size, size)[inner]
            number = (np.arange(nodes) - np.repeat(self.offsets[:-1], size))[inner]
            good = all((c[inner] > number).all() and (c[inner] < last).all()
                       for c in (self.left, self.right))  # fmt: skip
        if not good:
            raise DataError(f"{where}: the trees are damaged; download the file again")

    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """Trees of a fitted random forest of one regression target."""
        trees = [e.tree_ for e in model.estimators_]
        left, right, feature, threshold = (
            np.concatenate([getattr(t, name) for t in trees])
            for name in ("children_left", "children_right", "feature", "threshold")
        )
        return cls(
            np.cumsum([0, *(t.node_count for t in trees)]),
            left.astype(np.int64),
            right.astype(np.int64),
            feature.astype(np.int64),
            threshold,
            np.concatenate([t.value[:, 0, :1] for t in trees]),
            np.array([], np.int64),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for an npz."""
        return {n: getattr(self, n) for n in (*_NAMES, "classes")}

    def predict(self, features: Floats) -> Floats:
        """Mean over the trees, shape (n,), or (n, k) shares of the classes.

        scikit-learn rounds features to single precision before it compares; so does this.
        """
        x = np.asarray(features, np.float64).astype(np.float32).astype(np.float64)
        wanted = int(self.feature.max()) + 1
        if x.shape[1] < wanted:
            raise DataError(f"{x.shape[1]} features where the forest wants {wanted}")
        total = np.zeros((len(x), self.value.shape[1]))
        for start in self.offsets[:-1]:
            leaf = self.value[self._leaves(x, int(start))]
            total += leaf / leaf.sum(axis=1, keepdims=True) if len(self.classes) else leaf
        mean = total / (len(self.offsets) - 1)
        return mean if len(self.classes) else mean[:, 0]

    def spread(self, features: Floats) -> Floats:
        """Standard deviation over the trees of a regression, shape (n,)."""
        x = np.asarray(features, np.float64).astype(np.float32).astype(np.float64)
        predictions = [self.value[self._leaves(x, int(start)), 0] for start in self.offsets[:-1]]
        return np.asarray(np.std(predictions, axis=0), np.float64)

    def _leaves(self, x: Floats, start: int) -> Ints:
        node = np.full(len(x), start)
        rows = np.arange(len(x))
        while True:
            inner = self.left[node] >= 0
            if not inner.any():
                return node
            at, row = node[inner], rows[inner]
            down = x[row, self.feature[at]] <= self.threshold[at]
            node[inner] = start + np.where(down, self.left[at], self.right[at])
