"""A random forest on columns of a table, kept in an npz with what it was trained on. No pickle."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError, TableError
from defectra.core.npz import read_npz
from defectra.core.store import replacing
from defectra.learn.any_table import AnyTable
from defectra.learn.curve_features import feature_block
from defectra.learn.curve_grids import Grids, check_grids, check_units
from defectra.learn.forest import Forest

Floats = NDArray[np.float64]
KIND = "defectra table forest 1"


@dataclass(frozen=True)
class AboutTable:
    """What a model of table columns is of.

    Attributes
    ----------
    target, unit
        What it states.
    columns, sizes
        Columns that it reads, and how many numbers each holds.
    half
        Half width of the 90 % interval, from held-out groups; NaN with too few of them.
    low, high
        Range of the labels it was trained on.
    trained_on
        For people.
    grids
        First energy and step (eV) of each curve, by column; without those that the training table
        did not say. None: the model was kept before they were.
    units
        Units of columns and grids that the training table said.
    over_groups
        Whether `half` holds for rows of new groups (:mod:`defectra.learn.new_groups`); False of
        models that were kept before.
    """

    target: str
    unit: str
    columns: list[str]
    sizes: list[int]
    half: float
    low: float
    high: float
    trained_on: str
    grids: Grids | None = None
    units: dict[str, str] = field(default_factory=dict)
    over_groups: bool = False

    @property
    def unchecked(self) -> str:
        """Which curves are taken without a look at their energies, and why; empty if none is."""
        curves = [name for name, size in zip(self.columns, self.sizes) if size > 1]
        free = [name for name in curves if name not in (self.grids or {})]
        why = "the training table did not say them"
        if self.grids is None:
            why = "the model was saved before they were kept; train it again to have them checked"
        return f"energies of {', '.join(free)} are not checked: {why}" if free else ""


@dataclass(frozen=True)
class TableModel:
    """A model of table columns as it is kept.

    Attributes
    ----------
    least, most
        Range of each feature in the training rows, shape (p,).
    """

    about: AboutTable
    forest: Forest
    least: Floats
    most: Floats

    def features(self, table: AnyTable) -> Floats:
        """Features of the rows of a table, shape (n, p).

        Raises
        ------
        TableError
            If a column is missing or in another unit, or its curves have another length or other
            energies.
        """
        blocks = [feature_block(table, name) for name in self.about.columns]
        for name, size, block in zip(self.about.columns, self.about.sizes, blocks):
            if block.shape[1] != size:
                raise TableError(
                    f"{table.path}: column {name!r} has {block.shape[1]} numbers in a row, the "
                    f"model was trained on {size}"
                )
        found = np.hstack(blocks)
        whole = np.flatnonzero(np.isfinite(found).all(axis=1)).tolist()
        check_units(table, self.about.units)
        if whole:
            check_grids(table, self.about.grids or {}, whole)
        return found

    def outside(self, features: Floats) -> NDArray[np.int64]:
        """How many features of each row are outside the range of the training rows, shape (n,)."""
        slack = 1e-9 + 1e-6 * (self.most - self.least)
        beyond = (features < self.least - slack) | (features > self.most + slack)
        return np.asarray(beyond.sum(axis=1), np.int64)

    def write(self, path: str | Path) -> None:
        """Keep it, atomically."""
        head = json.dumps({"kind": KIND, **asdict(self.about)}, sort_keys=True)
        arrays: dict[str, Any] = {"about": np.array(head), **self.forest.arrays()}
        arrays |= {"least": self.least, "most": self.most}
        with replacing(path) as temporary, temporary.open("wb") as handle:
            np.savez_compressed(handle, **arrays)


def is_table_model(path: str | Path) -> bool:
    """Whether a file holds a model of table columns; False for whatever else it is."""
    try:
        return bool(json.loads(str(read_npz(path)["about"]))["kind"] == KIND)
    except (DataError, KeyError, ValueError, TypeError):
        return False


def load_table_model(path: str | Path) -> TableModel:
    """Read a model.

    Raises
    ------
    DataError
        If the file is no model of table columns, or damaged.
    """
    arrays = read_npz(path)
    try:
        head = json.loads(str(arrays["about"]))
        if head.pop("kind") != KIND:
            raise ValueError
        old: dict[str, Any] = {"grids": None, "units": {}, "over_groups": False}
        about = AboutTable(**{f.name: (old | head)[f.name] for f in fields(AboutTable)})
        width = sum(map(int, about.sizes))
        least, most = (np.asarray(arrays[k], np.float64) for k in ("least", "most"))
        if len(about.sizes) != len(about.columns) or {least.shape, most.shape} != {(width,)}:
            raise ValueError
        float(about.half), float(about.low), float(about.high)
        if any(len(list(map(float, g))) != 2 for g in (about.grids or {}).values()):
            raise ValueError
    except (KeyError, ValueError, TypeError, AttributeError):
        raise DataError(f"{path}: no model of `defectra train`, or damaged") from None
    forest = Forest.from_arrays(arrays, str(path))
    if int(forest.feature.max()) >= width:
        raise DataError(f"{path}: the trees ask for more features than the columns have")
    return TableModel(about, forest, least, most)
