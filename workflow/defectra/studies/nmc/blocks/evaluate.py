"""Evaluation of the blocks as fixed in ``docs/nmc.md``: every split, edges, model and control."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.claims import Estimate
from defectra.core.records import Metric, Split
from defectra.core.settings import ModelSettings
from defectra.learn.crossval import TARGETS, Target
from defectra.learn.predictions import Answered, prediction_rows
from defectra.spectra.grid import Grid
from defectra.studies.nmc import intensities
from defectra.studies.nmc.blocks import controls, curves
from defectra.studies.nmc.blocks.arms import Arms, Subset
from defectra.studies.nmc.blocks.controls import COLUMN, CONTROLS, METADATA, PERMUTED
from defectra.studies.nmc.blocks.fresh import fresh_scores
from defectra.studies.nmc.blocks.models import KERNEL, TESTS, Answers, Held
from defectra.studies.nmc.blocks.runner import Runner
from defectra.studies.nmc.blocks.scores import ALL, CLAIMED, SHAPE, Bootstrap, edges_name
from defectra.studies.nmc.blocks.strata import win_rates

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
AVERAGED = "averaged kernel"  # what is saved: its mean over models; carries no claim
BOTH, INTENSITY, NONE = "shape and intensity: all", "intensity: all", "none"
FEWEST = 4  # blocks; below, nothing is evaluated
PERMUTATIONS = 8  # times the repeats of the other models
# The same for the model of the claims, each edge and all: a bootstrap over blocks does not contain
# the draw of the jitters, and three of them move an AUROC by 0.04 (standard deviation over seeds)
# with ten blocks. Blocks draw their jitters independently: what counts is draws times blocks.
MOST_DRAWS, FEWEST_DRAWS, DRAWS_OF_BLOCKS = 32, 4, 640
CONTROL_FOLDS = 4  # times the repeats of the other models: controls have no jitter, only folds
HALVES_COLUMNS = ["edges", "target", "score"]
NICKEL = Target("nickel_state", "nickel_state", "e", False)


@dataclass
class Evaluation:
    """Outcome.

    Attributes
    ----------
    metrics
        Rows of ``metrics.csv``.
    predictions
        Rows of the predictions table.
    curves
        Rows of ``metrics.csv`` with columns ``curve`` and ``at`` before them.
    learning
        Rows of :data:`defectra.studies.nmc.blocks.curves.LEARNING_COLUMNS`.
    halves
        Rows of :data:`HALVES_COLUMNS`: what the saved model may say of its errors.
    strata
        Rows of :func:`defectra.studies.nmc.blocks.strata.win_rates`.
    """

    metrics: list[Row] = field(default_factory=list)
    predictions: list[Row] = field(default_factory=list)
    curves: list[Row] = field(default_factory=list)
    learning: list[Row] = field(default_factory=list)
    halves: list[Row] = field(default_factory=list)
    strata: list[Row] = field(default_factory=list)


def evaluate_blocks(
    rows: Rows,
    grids: Mapping[str, Grid],
    edges: Sequence[str],
    settings: ModelSettings,
    seed: int,
    planned: int = 0,
) -> Evaluation:
    """All numbers about the blocks; nothing with fewer than four of them.

    Parameters
    ----------
    rows
        Arms of whole blocks (:mod:`defectra.studies.nmc.blocks.tables`).
    grids, edges
        Declared grids, and the edges that are used.
    settings
        Folds, repeats, resamples.
    planned
        Blocks of the whole campaign, to which the learning curves are followed.
    """
    out = Evaluation()
    if len({r["block"] for r in rows}) < FEWEST:
        return out
    runner = Runner(Arms.of(rows, grids, edges), settings, seed)
    subsets = runner.arms.subsets()
    held = runner.held(subsets=subsets)
    claimed = _claimed(runner)
    known = list(_shape(runner, claimed))
    out.metrics += known
    out.metrics += _shape(runner, replace(held, answers=_rest(held, claimed)), constant=False)
    out.strata += win_rates(runner.arms, claimed, runner.bootstrap)
    out.metrics += fresh_scores(runner.arms, claimed, settings.bootstrap, seed)
    out.metrics += _intensity(runner, held, out)
    out.metrics += _controls(runner, claimed)
    out.metrics += _columns(runner, claimed)
    out.predictions += _predictions(runner, held)
    out.metrics += _new_contents(runner)
    out.metrics += _permuted(runner)
    averaged, halves = _averaged(runner)
    out.metrics += averaged
    out.halves += halves
    nickel, more = _nickel(rows, grids, edges, settings, seed)
    out.metrics += nickel
    out.halves += more
    out.curves += curves.disturbed(runner, claimed, known)
    learnt = curves.learning(runner, claimed)
    out.curves += learnt.rows
    out.learning += curves.where_they_lead(learnt, runner, planned)
    return out


def _claimed(runner: Runner) -> Held:
    """The model of the claims, each edge and all, of many draws of the jitters."""
    return runner.held(
        kernels=(KERNEL,),
        components=(),
        subsets=runner.arms.ends(),
        repeats=draws(len(set(runner.arms.groups))) * runner.settings.repeats,
    )


def draws(blocks: int) -> int:
    """How many times the fixed repeats the model of the claims is run with so many blocks."""
    return min(MOST_DRAWS, max(FEWEST_DRAWS, round(DRAWS_OF_BLOCKS / blocks)))


def _all(held: Held, arms: Arms, model: str = KERNEL) -> Floats:
    return held.answers[model, arms.edges].values


def _rest(held: Held, claimed: Held) -> dict[tuple[str, Subset], Answers]:
    """Answers of models and subsets of edges that the other one does not have."""
    return {key: found for key, found in held.answers.items() if key not in claimed.answers}


def _shape(runner: Runner, held: Held, *, constant: bool = True) -> Iterator[Row]:
    """Every model and subset of edges, the constant if asked, and the gains over single edges."""
    sheet, arms = runner.sheet(held), runner.arms
    for (model, subset), found in held.answers.items():
        features = SHAPE + edges_name(subset, arms.edges)
        yield from sheet.contents(found.values, features, model)
        yield from sheet.defects(found.values, features, model)
    if constant:
        yield from sheet.contents(held.constant, NONE, "baseline")
    for model in dict.fromkeys(name for name, subset in held.answers if subset == arms.edges):
        plain = model.split(",")[0]
        singles = {e: held.answers[plain, (e,)].values for e in arms.edges}
        yield from sheet.gains(_all(held, arms, model), singles, SHAPE + ALL, model)


def _intensity(runner: Runner, held: Held, out: Evaluation | None) -> Iterator[Row]:
    sheet, folds = runner.sheet(held), runner.settings.folds
    if not set(intensities.edge_names()) <= set(runner.arms.edges):
        return
    found = intensities.hold_out(runner.arms, held, folds, runner.seed)
    shape = held.answers[KERNEL, runner.arms.edges]
    joined = intensities.both(shape, found)
    yield from sheet.contents(found.values, INTENSITY, "k-factors")
    yield from sheet.contents(joined, BOTH, KERNEL)
    if out is not None:
        for name, model, values in ((INTENSITY, "k-factors", found.values), (BOTH, KERNEL, joined)):
            out.predictions += _rows(runner.arms, held, name, model, values, classes=False)


def _new_contents(runner: Runner) -> Iterator[Row]:
    """Scores where whole compositions, and whole lithium contents, are held out."""
    for split in (Split.COMPOSITION_OUT, Split.LITHIUM_OUT):
        held = runner.held(
            split=split, kernels=(KERNEL,), components=(), subsets=runner.arms.ends()
        )
        yield from _shape(runner, held)
        yield from _intensity(runner, held, None)


def _controls(runner: Runner, held: Held) -> Iterator[Row]:
    """Models that are shown no spectrum, and the gain of all edges over each of them."""
    sheet, arms = runner.sheet(held), runner.arms
    repeats = CONTROL_FOLDS * runner.settings.repeats
    for name, models in CONTROLS.items():
        values = controls.matrix(arms, name)
        for model in models:
            found = controls.hold_out(
                arms,
                held,
                values,
                model,
                runner.settings.folds,
                runner.seed,
                repeats,
                classes_only=model == "xgboost" and name != METADATA,
            ).values
            yield from sheet.defects(found, name, model)
            if name == METADATA:
                yield from sheet.contents(found, name, model)
            others = {f"{name} ({model})": found}
            yield from sheet.gains(_all(held, arms), others, SHAPE + ALL, KERNEL)


def _columns(runner: Runner, held: Held) -> Iterator[Row]:
    """Pairs that each column of the metadata wins by itself, larger in the defect: which vary.

    A column that is equal in both arms of every pair has a win rate of 0.5 without any width.
    """
    arms, one = runner.arms, replace(held, labels=held.labels[:1])
    sheet = runner.sheet(one)
    for name, column in zip(
        controls.columns(arms.edges, METADATA), controls.matrix(arms, METADATA).T
    ):
        values = np.broadcast_to(column[None, :, None], (1, len(column), len(arms.targets)))
        rows = sheet.defects(values, COLUMN + name, NONE, CLAIMED)
        yield from (r for r in rows if r["metric"] == str(Metric.WIN_RATE))


def _averaged(runner: Runner) -> tuple[list[Row], list[Row]]:
    """Scores of what is saved, a mean over models: metrics of single edges and all, and halves."""
    held = runner.averaged()
    ends = {(AVERAGED, e): held.answers[KERNEL, e] for e in runner.arms.ends()}
    metrics = list(_shape(runner, replace(held, answers=ends), constant=False))
    return metrics, list(_halves(runner.arms, held))


def _halves(arms: Arms, held: Held) -> Iterator[Row]:
    """Half width of the 90 % interval of a number, balanced accuracy of a class, by subset."""
    for (model, subset), found in held.answers.items():
        if model != KERNEL:
            continue
        for k, target in enumerate(arms.targets):
            values = found.values[..., k]
            truth = np.array([own.values[:, k] for own in held.labels])
            if target.is_class:
                score = np.mean(
                    [(values > 0.5)[truth > 0.5].mean(), (values <= 0.5)[truth < 0.5].mean()]
                )
            else:
                score = np.quantile(np.abs(values - truth), 0.9)
            yield {"edges": " + ".join(subset), "target": target.name, "score": float(score)}


def _nickel(
    rows: Rows, grids: Mapping[str, Grid], edges: Sequence[str], settings: ModelSettings, seed: int
) -> tuple[list[Row], list[Row]]:
    """Mean oxidation state of nickel, of the cells where no site of it is ambiguous."""
    known = [r for r in rows if np.isfinite(r[NICKEL.column])]
    if len({r["block"] for r in known}) < FEWEST:
        return [], []
    runner = Runner(Arms.of(known, grids, edges, (NICKEL,)), settings, seed)
    held = runner.held(kernels=(KERNEL,), components=(), subsets=runner.arms.subsets(), repeats=1)
    sheet, metrics = runner.sheet(held), list[Row]()
    for (model, subset), found in held.answers.items():
        metrics += sheet.contents(
            found.values, SHAPE + edges_name(subset, runner.arms.edges), model
        )
    return metrics, list(_halves(runner.arms, runner.averaged()))


def _permuted(runner: Runner) -> Iterator[Row]:
    """Scores of permuted labels: mean of many permutations and the interval of that mean.

    A bootstrap over blocks would not contain the chance of a permutation, so the interval is
    Student's over permutations, and ``n_groups`` their number.
    """
    held = runner.held(
        permute=True,
        kernels=(KERNEL,),
        components=(),
        subsets=[runner.arms.edges],
        repeats=PERMUTATIONS * runner.settings.repeats,
    )
    single = replace(runner.sheet(held), bootstrap=Bootstrap.of(runner.arms, 0, runner.seed))
    found: dict[tuple[str, str, str], list[Row]] = {}
    for start in range(0, len(held.labels), TESTS):
        here = slice(start, start + TESTS)
        labels, values = held.labels[here], _all(held, runner.arms)[here]
        part = replace(held, labels=labels, constant=held.constant[here])
        own = replace(single, held=part)
        rows = [*own.contents(values, PERMUTED, KERNEL), *own.defects(values, PERMUTED, KERNEL)]
        for row in rows:
            found.setdefault((row["target"], row["subset"], row["metric"]), []).append(row)
    for rows in found.values():
        mean = Estimate.mean([r["value"] for r in rows])
        ends = {"value": mean.value, "lo": mean.lo, "hi": mean.hi, "n_groups": mean.n}
        yield rows[0] | ends


def _predictions(runner: Runner, held: Held) -> Iterator[Row]:
    arms = runner.arms
    wanted: list[Subset] = arms.ends()
    for subset in wanted:
        features = SHAPE + edges_name(subset, arms.edges)
        values = held.answers[KERNEL, subset].values
        yield from _rows(arms, held, features, KERNEL, values, classes=True)


def _rows(
    arms: Arms, held: Held, features: str, model: str, values: Floats, *, classes: bool
) -> Iterator[Row]:
    by = Answered(features, model, held.split)
    for k, target in enumerate(TARGETS):
        if target.is_class and not classes:
            continue
        truth = np.array([labels.values[:, k] for labels in held.labels])
        yield from prediction_rows(by, arms.rows, target.name, truth, values[..., k])
