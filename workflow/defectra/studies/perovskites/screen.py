"""The screen: every compound of the space predicted with intervals, held against the criteria.

A criterion is met with a probability: that of the predicted normal distribution inside the window,
its spread the one calibrated on rows that the model had not seen. Criteria are taken as independent
given the composition. A compound passes if the joint probability is at least that of the config;
those that pass are ranked by the predicted figure of merit.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from defectra.core.records import Column, Table
from defectra.learn.committee import COMMITTEE, NORMAL_90, Committee
from defectra.studies.perovskites import descriptors, measured_like
from defectra.studies.perovskites.compounds import Compound, in_published_space
from defectra.studies.perovskites.measured_like import MeasuredLike
from defectra.studies.perovskites.problems import label
from defectra.studies.perovskites.references import offsets
from defectra.studies.perovskites.settings import Criterion, PerovskiteStudy, Screen
from defectra.studies.perovskites.tables import SCREEN_UNITS, composition_columns, compounds_of

Floats = NDArray[np.float64]
Row = dict[str, Any]
MERIT = "log_fom"
SCREENED = (
    "decomposition_HSE",
    "gap_HSE",
    "lattice_HSE",
    "refractive_index",
    "log_fom",
    "defect_energy",
    "fermi_level",
    "level_A",
    "level_X",
)
MEASURED = "gap_measured"
SHOWN = (*SCREENED, MEASURED)
CORRECTED = "decomposition_consistent"
_MEANING = {
    "gap_HSE": "predicted HSE06 gap without spin-orbit coupling: no measured gap",
    MEASURED: "what an optical measurement would give (measured-like)",
}
FUNNEL_COLUMNS = ["step", "references", "space", "target", "low", "high", "left"]


def screened_table() -> Table:
    """Schema of ``screened.parquet``: predictions, 90 % half widths, probabilities, rank."""
    labels = [c for t in SHOWN for c in (
        Column(t, "float", SCREEN_UNITS[t], _MEANING.get(t, "predicted")),
        Column(f"{t}_half", "float", SCREEN_UNITS[t], "half width of the 90 % interval"),
    )]  # fmt: skip
    return Table(
        "perovskites_screened",
        (
            Column("name", "string", "", "canonical formula"),
            Column("kind", "string", "", "pure or B mixed"),
            Column("a", "ints", "1/8", "A site"),
            Column("b", "ints", "1/8", "B site"),
            Column("x", "ints", "1/8", "X site"),
            Column("published_space", "bool", "", "one of the 17,955"),
            *labels,
            Column("gap_HSE_SOC", "float", "eV", "gap_HSE and our spin-orbit coupling"),
            Column("gap_measured_unseen", "string", "", "ions that no measured compound has"),
            Column(CORRECTED, "float", "eV", "decomposition_HSE with consistent references AX"),
            Column("probability", "float", "", "to meet every criterion"),
            Column("passes", "bool", "", "probability at least that of the config"),
            Column("rank", "int", "", "by log_fom among those that pass, from 1; 0: does not"),
        ),
    )


def train(
    rows: Sequence[Mapping[str, Any]],
    references: Sequence[Mapping[str, Any]],
    ions: descriptors.Table,
    study: PerovskiteStudy,
    seed: int,
) -> dict[str, Committee]:
    """A committee for each label of the screen, from the compounds of perovs_ml."""
    own = [row for row in rows if row["in_ml"]]
    compounds = compounds_of(own)
    matrix = descriptors.wide_matrix(compounds, ions, rows)
    out = {}
    for target in SCREENED:
        y = label(own, target)
        if target.startswith("decomposition"):
            y = y + offsets(compounds, references, "HSE")
        good = np.isfinite(y)
        names = [row["name"] for row, is_in in zip(own, good) if is_in]
        model = Committee(descriptors.GROUPS, descriptors.WIDE, study.model, seed)
        out[target] = model.fit(matrix[good], y[good], names)
    return out


def predict(
    models: Mapping[str, Committee],
    compounds: Sequence[Compound],
    references: Sequence[Mapping[str, Any]],
    ions: descriptors.Table,
    known: Sequence[Mapping[str, Any]],
    screen: Screen,
    like: MeasuredLike,
) -> tuple[list[Row], float]:
    """Rows of the screened table, best first, and the seconds that the predictions took.

    `known` are rows of the compounds table, for the tabulated properties of the ions; `like` is the
    step to the measured gap.
    """
    start = time.perf_counter()
    matrix = descriptors.wide_matrix(compounds, ions, known)
    means, halves = {}, {}
    for target, model in models.items():
        answer = model.predict(matrix)
        means[target], halves[target] = answer.means[COMMITTEE], answer.half
    level = means["decomposition_HSE"]
    means["decomposition_HSE"] = level - offsets(compounds, references, "HSE")
    wrong = offsets(compounds, references, "HSE", only_wrong=True)
    means[CORRECTED] = means["decomposition_HSE"] + wrong
    halves[CORRECTED] = halves["decomposition_HSE"]
    likely = like.of(compounds)
    means[MEASURED], halves[MEASURED] = likely.gap, likely.half
    joint = np.prod(list(chances(means, halves, screen).values()), axis=0)
    seconds = time.perf_counter() - start
    return _rows(compounds, means, halves, joint, screen, likely), seconds


def chances(
    means: Mapping[str, Floats], halves: Mapping[str, Floats], screen: Screen
) -> dict[str, Floats]:
    """Probability of each criterion by its name, shape (n,) each."""
    out = {}
    for name, criterion in screen.steps.items():
        target = column(criterion, screen)
        out[name] = inside(means[target], halves[target] / NORMAL_90, criterion)
    return out


def column(criterion: Criterion, screen: Screen) -> str:
    """Column that a criterion is held against."""
    corrected = screen.references == "consistent" and criterion.target == "decomposition_HSE"
    return CORRECTED if corrected else criterion.target


def inside(mean: Floats, spread: Floats, criterion: Criterion) -> Floats:
    """Probability of a normal distribution between the bounds."""
    low = -np.inf if criterion.low is None else criterion.low
    high = np.inf if criterion.high is None else criterion.high
    return np.asarray(ndtr((high - mean) / spread) - ndtr((low - mean) / spread))


def _rows(
    compounds: Sequence[Compound],
    means: Mapping[str, Floats],
    halves: Mapping[str, Floats],
    joint: Floats,
    screen: Screen,
    likely: measured_like.Answer,
) -> list[Row]:
    published = np.array([in_published_space(c.b) for c in compounds])
    asked = published | (screen.space == "whole")
    passes = (joint >= screen.probability) & asked
    order = np.lexsort((-means[MERIT], -passes.astype(int)))
    rank = np.zeros(len(compounds), int)
    rank[order[: passes.sum()]] = np.arange(1, passes.sum() + 1)
    out = []
    for k in order:
        row = {**composition_columns(compounds[k]), "published_space": bool(published[k])}
        for target in SHOWN:
            row[target] = float(means[target][k])
            row[f"{target}_half"] = float(halves[target][k])
        row["gap_HSE_SOC"] = float(means["gap_HSE"][k] + likely.spin_orbit[k])
        row["gap_measured_unseen"] = likely.unseen[k]
        row[CORRECTED] = float(means[CORRECTED][k])
        row |= {"probability": float(joint[k]), "passes": bool(passes[k]), "rank": int(rank[k])}
        out.append(row)
    return out


def funnel(rows: Sequence[Mapping[str, Any]], screen: Screen) -> list[Row]:
    """Rows of ``funnel.csv``: what each further criterion leaves, in both frames of reference."""
    out = []
    asked = [r for r in rows if r["published_space"] or screen.space == "whole"]
    for frame in ("published", "consistent"):
        own = screen.model_copy(update={"references": frame})
        keys = {column(c, own) for c in own.steps.values()}
        means = {k: np.array([r[k] for r in asked]) for k in keys}
        halves = {
            k: np.array([r[f"{'decomposition_HSE' if k == CORRECTED else k}_half"] for r in asked])
            for k in keys
        }
        joint = np.ones(len(asked))
        start = {"target": "", "low": float("nan"), "high": float("nan"), "left": len(asked)}
        out.append({"step": "all", "references": frame, "space": screen.space, **start})
        for name, chance in chances(means, halves, own).items():
            joint = joint * chance
            rule = own.steps[name]
            out.append(
                {
                    "step": name,
                    "references": frame,
                    "space": screen.space,
                    "target": rule.target,
                    "low": float("nan") if rule.low is None else rule.low,
                    "high": float("nan") if rule.high is None else rule.high,
                    "left": int((joint >= screen.probability).sum()),
                }
            )
    return out


def passed_columns() -> list[str]:
    """Columns of the CSV of what passes: the table without its composition lists."""
    lists = ("a", "b", "x", "passes")
    return [name for name in screened_table().names if name not in lists]
