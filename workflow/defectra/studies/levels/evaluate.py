"""Study `levels`: every model on every split, with metrics pooled and averaged over groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Column, Metric, Split, Table
from defectra.learn import scores
from defectra.learn.splits import folds
from defectra.studies.levels import declared
from defectra.studies.levels.declared import LEARNT, Known
from defectra.studies.levels.distances import HostRows
from defectra.studies.levels.features import Defects, Hosts, defects, flat_ladder, long_matrix
from defectra.studies.levels.hosts import chemistry
from defectra.studies.levels.nested import Candidate, LeftOut, Rows, leave_out
from defectra.studies.levels.published import CHARGES
from defectra.studies.levels.settings import LevelsStudy
from defectra.studies.levels.trees import Kind, out_of_fold

Row = dict[str, Any]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DECLARED = "gaussian_process"
ORDERED, ISOTROPIC = "gaussian_process_ordered", "gaussian_process_isotropic"
BOOSTED, FOREST = "xgboost", "random_forest"
WITH_HOST, ELEMENTS = "elements + host", "elements"
PREDICTIONS = Table(
    "level_predictions",
    (
        Column("host", "string", "", "formula"),
        Column("family", "string", "", "II-VI, III-V or IV-IV"),
        Column("site", "string", "", "site"),
        Column("impurity", "string", "", "element"),
        Column("q_from", "int", "e", "charge before the electron comes"),
        Column("model", "string", "", "model"),
        Column("features", "string", "", "what it saw"),
        Column("split", "string", "", "cross-validation"),
        Column("gap_eV", "float", "eV", "gap of the host in the table of host properties"),
        Column(
            "suspect", "bool", "", "the published levels hardly rise with the number of electrons"
        ),
        Column("truth", "float", "eV", "published PBE level"),
        Column("prediction", "float", "eV", "out of fold"),
        Column("half_width", "float", "eV", "of the 90 % interval, NaN if the model has none"),
        Column("distance", "float", "", "host to the nearest learnt host; NaN if not measured"),
        Column("form", "string", "", "kernel that was chosen: learnt, isotropic, or empty"),
    ),
)


@dataclass(frozen=True)
class Data:
    """Defects and levels in rows of six, and what groups them.

    Attributes
    ----------
    keys
        Host, site, impurity of each of n defects.
    labels
        Levels in eV, shape (n, 6), charges falling.
    scored
        False for native defects, which only train.
    """

    keys: list[tuple[str, str, str]]
    family: list[str]
    labels: Floats
    scored: Bools
    descriptors: Defects

    def known(self) -> Known:
        """What the declared model learns from."""
        return Known(self.descriptors, self.labels, self.scored, [k[0] for k in self.keys])

    def groups(self, split: Split) -> list[str]:
        """What each row is left out with."""
        if split is Split.HOST_OUT:
            return [k[0] for k in self.keys]
        if split is Split.IMPURITY_OUT:
            return [k[2] for k in self.keys]
        return self.family if split is Split.FAMILY_OUT else ["|".join(k) for k in self.keys]


def assemble(rows: Sequence[Mapping[str, Any]], hosts: Hosts) -> Data:
    """Rows of the levels table (six for each defect, charges falling) as arrays."""
    first = rows[:: len(CHARGES)]
    keys = [(r["host"], r["site"], r["impurity"]) for r in first]
    return Data(
        keys,
        [r["family"] for r in first],
        np.array([r["level_eV"] for r in rows]).reshape(-1, len(CHARGES)),
        np.array([r["kind"] == "impurity" for r in first]),
        defects(keys, hosts),
    )


@dataclass(frozen=True)
class Answer:
    """Out-of-fold answers of a model on a split: levels and half widths, shape (n, 6).

    `found` says of Gaussian processes which candidate was used, and how far the host lies.
    """

    model: str
    features: str
    split: Split
    value: Floats
    half: Floats
    found: LeftOut | None = None


def evaluate(data: Data, study: LevelsStudy, seed: int) -> list[Answer]:
    """Cross-validate every model; the declared one is :data:`DECLARED`."""
    return [*_gaussian(data, study, seed), *_trees(data, study, seed)]


def _gaussian(data: Data, study: LevelsStudy, seed: int) -> Iterator[Answer]:
    known = data.known()
    others = declared.isotropic(known, study, seed)
    for split in (Split.GROUPED, Split.IMPURITY_OUT, Split.HOST_OUT, Split.FAMILY_OUT):
        groups = data.groups(split)
        if split is Split.GROUPED:
            groups = _dealt(groups, study.folds, seed)
        found = declared.left_out(known, groups, split, others, study, seed)
        yield Answer(DECLARED, WITH_HOST, split, found.value, found.half, found)
        nothing = np.full(found.half.shape, np.nan)
        yield Answer(ORDERED, WITH_HOST, split, ordered(found.value, study.order_weight), nothing)
        if split is Split.HOST_OUT:
            rows = Rows(groups, data.scored, HostRows.of(data.descriptors.host))
            plain = leave_out([Candidate(f, {}) for f in others], rows, study.intervals.level)
            yield Answer(ISOTROPIC, WITH_HOST, split, plain.value, plain.half, plain)


def _dealt(groups: Sequence[str], count: int, seed: int) -> list[str]:
    """Name of the fold of each row, groups kept whole."""
    out = [""] * len(groups)
    for number, (_, test) in enumerate(
        folds(Split.GROUPED, groups, n_folds=count, seed=seed, key="levels.folds")
    ):
        for k in test:
            out[k] = str(number)
    return out


def ordered(levels: Floats, weight: float) -> Floats:
    """Pull levels towards rising with falling charge: 1 makes it a law, 0 leaves them alone.

    Negative-U defects have levels out of order, so the pull is soft.
    """
    from scipy.optimize import isotonic_regression

    rising = np.array([isotonic_regression(row).x for row in levels])
    return np.asarray((1 - weight) * levels + weight * rising)


def _trees(data: Data, study: LevelsStudy, seed: int) -> Iterator[Answer]:
    """Trees see single levels, so that random rows show what the sister levels give away."""
    jobs: list[tuple[Kind, str, tuple[Split, ...]]] = [
        ("xgboost", WITH_HOST, (Split.RANDOM, Split.GROUPED, Split.HOST_OUT, Split.FAMILY_OUT)),
        ("xgboost", ELEMENTS, (Split.RANDOM, Split.GROUPED, Split.HOST_OUT)),
        ("random_forest", WITH_HOST, (Split.RANDOM, Split.GROUPED, Split.HOST_OUT)),
    ]
    for kind, features, splits in jobs:
        matrix = long_matrix(data.descriptors, with_host=features == WITH_HOST)
        for split in splits:
            yield _tree(data, study, seed, (kind, features, split), matrix)


def _tree(
    data: Data, study: LevelsStudy, seed: int, job: tuple[Kind, str, Split], matrix: Floats
) -> Answer:
    kind, features, split = job
    width = len(CHARGES)
    defect = np.repeat(data.groups(Split.GROUPED), width)
    values = np.repeat(data.groups(split), width)
    held = split in (Split.HOST_OUT, Split.FAMILY_OUT)
    count = len(set(values)) if held else study.folds
    pairs = folds(
        split,
        [str(d) for d in defect],
        values=[str(v) for v in values] if held else None,
        n_folds=count,
        seed=seed,
        key="" if held else "levels.folds",
    )
    found = out_of_fold(kind, matrix, data.labels.ravel(), pairs, study.trees, seed)
    value = found.reshape(data.labels.shape)
    return Answer(kind, features, split, value, np.full(value.shape, np.nan))


def prediction_rows(data: Data, answers: Sequence[Answer]) -> list[Row]:
    """Rows of the predictions table, impurities only."""
    suspect = flat_ladder(data.labels)
    return [
        {
            **dict(zip(("host", "site", "impurity"), data.keys[k])),
            "family": data.family[k],
            "q_from": charge,
            "model": a.model,
            "features": a.features,
            "split": str(a.split),
            "gap_eV": float(data.descriptors.gap[k]),
            "suspect": bool(suspect[k]),
            "truth": float(data.labels[k, c]),
            "prediction": float(a.value[k, c]),
            "half_width": float(a.half[k, c]),
            **_how(a, int(k)),
        }
        for a in answers
        for k in np.flatnonzero(data.scored)
        for c, charge in enumerate(CHARGES)
    ]


def _how(answer: Answer, row: int) -> Row:
    """Distance of the host and form of the kernel behind an answer."""
    if answer.found is None:
        return {"distance": float("nan"), "form": ""}
    learnt = answer.model == DECLARED and answer.found.choice[row] == LEARNT
    form = "learnt" if learnt else "isotropic"
    return {"distance": float(answer.found.distance[row]), "form": form}


def metrics_rows(
    predictions: Sequence[Mapping[str, Any]], study: LevelsStudy, seed: int
) -> list[Row]:
    """Rows of ``metrics.csv``: each model and split, on all levels and on subsets.

    Subsets: ``all``, ``ordinary hosts``, ``in gap`` (published level between the edges),
    ``without CdTe``, ``without flat ladders``; for the declared model also each family, each
    chemistry (by anion) and each host alone.
    """
    out: list[Row] = []
    for job in dict.fromkeys((r["model"], r["features"], r["split"]) for r in predictions):
        own = [r for r in predictions if (r["model"], r["features"], r["split"]) == job]
        subsets: dict[str, Sequence[Mapping[str, Any]]] = {
            "all": own,
            "ordinary hosts": [r for r in own if r["host"] in study.ordinary],
            "in gap": [r for r in own if 0 < r["truth"] < r["gap_eV"]],
            "without CdTe": [r for r in own if r["host"] != "CdTe"],
            "without flat ladders": [r for r in own if not r["suspect"]],
        }
        if job[0] == DECLARED:
            subsets |= _by("host", lambda r: str(r["host"]), own)
            subsets |= _by("family", lambda r: str(r["family"]), own)
            subsets |= _by("chemistry", lambda r: chemistry(str(r["host"])), own)
        for subset, rows in subsets.items():
            if rows:
                out += _scores(job, subset, rows, len(own), study, seed)
    return out


def _by(
    name: str, of: Callable[[Mapping[str, Any]], str], rows: Sequence[Mapping[str, Any]]
) -> dict[str, list[Mapping[str, Any]]]:
    """Rows of each value that `of` gives, under the name of the subset."""
    out: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        out.setdefault(f"{name} {of(row)}", []).append(row)
    return dict(sorted(out.items()))


_GROUP = {Split.IMPURITY_OUT: "impurity", Split.FAMILY_OUT: "family"}


def _scores(
    job: tuple[str, str, str],
    subset: str,
    rows: Sequence[Mapping[str, Any]],
    total: int,
    study: LevelsStudy,
    seed: int,
) -> list[Row]:
    split = Split(job[2])
    column = "impurity" if subset.startswith("host ") else _GROUP.get(split, "host")
    groups = [str(r[column]) for r in rows]
    resamples = study.bootstrap if subset == "all" else min(study.bootstrap, 100)
    drawn = scores.Drawn.of(groups, resamples, seed)  # three families: no bootstrap
    unitless = (Metric.R2, Metric.COVERAGE_90)
    common = {
        "target": "level",
        "features": job[1],
        "model": job[0],
        "split": job[2],
        "subset": subset,
        "fidelity": study.target,
        "seed": seed,
        "n_train": total,
        "n_test": len(rows),
        "n_groups": len(set(groups)),
    }
    return [
        {
            **common,
            "unit": "" if m in unitless else "eV",
            "metric": str(m),
            **dict(zip(("value", "lo", "hi"), drawn.ends(v, scores.BOUNDS[m]))),
        }
        for m, v in _resampled(rows, groups, drawn.weights).items()
    ]


def _resampled(
    rows: Sequence[Mapping[str, Any]], groups: Sequence[str], weights: Floats
) -> dict[Metric, Floats]:
    """Each metric under each draw of weights, shape (draws, rows); coverage if all have a width."""
    truth, value, half = (
        np.array([r[k] for r in rows]) for k in ("truth", "prediction", "half_width")
    )
    found = {m: f(truth, value, weights) for m, f in scores.regression(groups).items()}
    if np.isfinite(half).all():
        covered = (np.abs(value - truth) <= half).astype(float)
        total = weights.sum(axis=1)
        found[Metric.COVERAGE_90] = weights @ covered / total
        found[Metric.WIDTH_90] = weights @ (2 * half) / total
    return found
