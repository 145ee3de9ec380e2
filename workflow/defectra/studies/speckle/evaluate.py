"""Scores of study `speckle`: how often a number of disks is right, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from defectra.learn.scores import Drawn
from defectra.studies.speckle.models import (
    COUNTING,
    FITTED,
    HIDDEN,
    MOMENTS,
    NETWORK,
    RIDGE,
    SHUFFLED,
)
from defectra.studies.speckle.samples import TEST, set_name

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
TARGET = "number of disks"
PLAIN = (COUNTING, FITTED, MOMENTS, RIDGE)  # no network
LESS = f"{NETWORK} less "
CONFUSION_COLUMNS = ["kind", "model", "number", "predicted", "patterns"]


class Right(StrEnum):
    """Metrics of a number of disks."""

    EXACT = "accuracy"
    WITHIN_ONE = "accuracy_within_1"
    DIFFERENCE = "accuracy_difference"


def subset_name(row: Mapping[str, Any]) -> str:
    """Name of what a model is asked: the set, and the number of photons if there is noise."""
    if np.isinf(row["photons"]):
        return str(row["set"])
    return f"{row['set']}, {row['photons']:g} photons"


def metrics(predictions: Rows, classes: int, seed: int, resamples: int) -> Iterator[Row]:
    """Rows of ``metrics.csv``.

    Intervals are over configurations, of fewer than ten Student's. Of the control with shuffled
    labels they are over the numbers of disks: patterns of one number get one arbitrary answer and
    rise or fall together.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in predictions:
        key = (row["kind"], subset_name(row), row["form"], row["model"], row["centre"])
        groups[*key, row["train_each"]].append(row)
    for (kind, subset, form, model, centre, each), rows in groups.items():
        over = "number" if model == SHUFFLED else "configuration"
        names = [str(r[over]) for r in rows]
        drawn = Drawn.of(names, resamples, seed)
        off = np.array([abs(r["predicted"] - r["number"]) for r in rows])
        for metric, right in ((Right.EXACT, off == 0), (Right.WITHIN_ONE, off <= 1)):
            shares = drawn.weights @ right.astype(float) / drawn.weights.sum(axis=1)
            value, lo, hi = drawn.ends(shares, (0.0, 1.0))
            yield {
                "target": TARGET,
                "unit": "",
                "features": centre,
                "model": model,
                "split": f"{kind} disks, configurations held out",
                "subset": subset,
                "fidelity": form,
                "seed": seed,
                "n_train": each * classes,
                "n_test": len(rows),
                "n_groups": len(set(names)),
                "metric": str(metric),
                "value": value,
                "lo": lo,
                "hi": hi,
            }


def over_plain(predictions: Rows, classes: int, seed: int, resamples: int) -> Iterator[Row]:
    """Rows of ``metrics.csv``: share that the network has right less that of the best of `PLAIN`.

    Test patterns without noise, centre hidden, all training patterns. Which is best is decided on
    these patterns, which favours it; both sides are resampled with the same configurations.
    """
    for kind in dict.fromkeys(str(r["kind"]) for r in predictions):
        right = {name: _right(predictions, kind, name) for name in (NETWORK, *PLAIN)}
        network = right.pop(NETWORK)
        plain = {k: found for k, found in right.items() if found and found.keys() == network.keys()}
        if not network or not plain:
            continue
        best = max(plain, key=lambda name: sum(plain[name].values()))
        ids = list(network)
        apart = np.array([int(network[k]) - int(plain[best][k]) for k in ids], float)
        drawn = Drawn.of(ids, resamples, seed)
        mean = drawn.weights @ apart / drawn.weights.sum(axis=1)
        value, lo, hi = drawn.ends(mean, (-1.0, 1.0))
        own = _most(predictions, kind, NETWORK)
        yield {
            "target": TARGET,
            "unit": "",
            "features": HIDDEN,
            "model": LESS + best,
            "split": f"{kind} disks, configurations held out",
            "subset": set_name(kind, TEST),
            "fidelity": own[0]["form"],
            "seed": seed,
            "n_train": own[0]["train_each"] * classes,
            "n_test": len(ids),
            "n_groups": len(ids),
            "metric": str(Right.DIFFERENCE),
            "value": value,
            "lo": lo,
            "hi": hi,
        }


def _most(predictions: Rows, kind: str, model: str) -> list[Mapping[str, Any]]:
    """Rows of a model that saw most training patterns, test set without noise."""
    wanted = {"kind": kind, "model": model, "centre": HIDDEN, "set": set_name(kind, TEST)}
    own = [r for r in predictions if all(r[k] == v for k, v in wanted.items())]
    own = [r for r in own if np.isinf(r["photons"])]
    most = max((r["train_each"] for r in own), default=0)
    return [r for r in own if r["train_each"] == most]


def _right(predictions: Rows, kind: str, model: str) -> dict[str, bool]:
    """Whether each test configuration was answered rightly."""
    rows = _most(predictions, kind, model)
    return {r["configuration"]: r["predicted"] == r["number"] for r in rows}


def confusion(predictions: Rows) -> list[Row]:
    """How often each number is taken for each other one, test sets without noise."""
    found: dict[tuple[Any, ...], int] = defaultdict(int)
    most: dict[tuple[str, str], int] = defaultdict(int)
    plain = [r for r in predictions if r["set"] == f"{r['kind']} test" and np.isinf(r["photons"])]
    plain = [r for r in plain if r["centre"] == "centre hidden"]
    for row in plain:
        key = (row["kind"], row["model"])
        most[key] = max(most[key], row["train_each"])
    for row in plain:
        if row["train_each"] == most[row["kind"], row["model"]]:
            found[row["kind"], row["model"], row["number"], row["predicted"]] += 1
    return [dict(zip(CONFUSION_COLUMNS, (*key, n))) for key, n in sorted(found.items())]
