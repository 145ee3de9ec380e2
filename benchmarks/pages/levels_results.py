"""Numbers of study levels for ``docs/levels.md``, from the tables of a run.

``python -m benchmarks.pages.levels_results [RESULTS]`` prints them (default ``results/levels``);
``... write RESULTS`` puts them between the marks of the page.
"""

from __future__ import annotations

import csv
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.rows import put, tables_below
from defectra.core.errors import TableError, reports_errors
from defectra.core.paths import why_no_file
from defectra.core.store import read_table
from defectra.studies.levels.evaluate import DECLARED, PREDICTIONS
from defectra.studies.levels.hybrid import OWN, WAYS, of_others, of_own_cells
from defectra.studies.levels.intervals import groups_within
from defectra.studies.levels.published import level_name
from defectra.studies.levels.settings import LevelsStudy

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/levels.md"
SPLITS = {
    "grouped_5fold": "defect (5 folds)",
    "impurity_out": "impurity",
    "host_out": "**host**",
    "family_out": "family",
}
MODELS = {
    DECLARED: "Gaussian process (declared)",
    "gaussian_process_ordered": "the same, pulled half-way to rising order",
    "gaussian_process_isotropic": "isotropic kernels (declared before)",
    "xgboost": "boosted trees",
    "random_forest": "random forest",
}
ON_PBE = re.compile(r"on PBE orbitals [-\d.]+ eV")  # in a remark: what the level was before
Rows = list[dict[str, str]]


def rows_of(path: Path) -> Rows:
    """Rows of a csv.

    Raises
    ------
    TableError
        If it is not there.
    """
    if not path.is_file():
        raise TableError(f"{path}: {why_no_file(path)}; a run of the study makes it")
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


class Metrics:
    """Values of ``metrics.csv`` by split, subset, metric and model."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def find(self, split: str, subset: str, metric: str, model: str = DECLARED,
             features: str = "elements + host") -> dict[str, str]:  # fmt: skip
        """The row, or one of NaN."""
        wanted = {"split": split, "subset": subset, "metric": metric, "model": model,
                  "features": features}  # fmt: skip
        for row in self.rows:
            if all(row[k] == v for k, v in wanted.items()):
                return row
        return {"value": "nan", "lo": "nan", "hi": "nan", "n_groups": "0", "n_test": "0"}

    def value(self, *asked: str, digits: int = 3) -> str:
        """The value, rounded."""
        return f"{float(self.find(*asked)['value']):.{digits}f}"

    def ends(self, *asked: str) -> str:
        """The 90 % interval."""
        low, high = (float(self.find(*asked)[k]) for k in ("lo", "hi"))
        return "no interval" if math.isnan(low - high) else f"{low:.2f}–{high:.2f}"


def text_of(folder: Path) -> str:
    """The whole block."""
    metrics = Metrics(rows_of(folder / "metrics.csv"))
    predictions = read_table(folder / "predictions.parquet", PREDICTIONS)
    parts = [
        *_splits(metrics), "", *_subsets(metrics), "", *_models(metrics), "", *_forms(predictions),
        "", *_coverage(metrics), *_chance(predictions), "",
        *_worst(predictions), "",
        *_hybrid(rows_of(folder / "hybrid.csv")), "",
        *_causes(rows_of(folder / "parity_causes.csv")), "",
        *_elsewhere(rows_of(folder / "deviations.csv")),
    ]  # fmt: skip
    return "\n".join(parts)


def _splits(metrics: Metrics) -> Iterator[str]:
    yield "| left out (declared model) | pooled RMSE | mean over groups | MAE | coverage | width |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for split, name in SPLITS.items():
        if metrics.value(split, "all", "rmse") == "nan":
            yield f"| {name} | not run anew with this model | | | | |"
            continue
        row = [metrics.value(split, "all", m) for m in ("rmse_groups", "mae", "coverage_90")]
        width = metrics.value(split, "all", "width_90", digits=2)
        pooled = f"{metrics.value(split, 'all', 'rmse')} ({metrics.ends(split, 'all', 'rmse')})"
        yield f"| {name} | {pooled} | {' | '.join(row)} | {width} |"


def _subsets(metrics: Metrics) -> Iterator[str]:
    yield "| host left out | pooled RMSE | mean over hosts | levels |"
    yield "| --- | --- | --- | --- |"
    for subset in ("ordinary hosts", "in gap", "without CdTe", "without flat ladders"):
        both = [
            f"{metrics.value('host_out', subset, m)} ({metrics.ends('host_out', subset, m)})"
            for m in ("rmse", "rmse_groups")
        ]
        count = metrics.find("host_out", subset, "rmse")["n_test"]
        yield f"| {subset} | {both[0]} | {both[1]} | {count} |"


def _models(metrics: Metrics) -> Iterator[str]:
    yield "| host left out, every model | pooled RMSE | mean over hosts |"
    yield "| --- | --- | --- |"
    for model, name in MODELS.items():
        for features in ("elements + host", "elements"):
            asked = (model, features)
            pooled = metrics.value("host_out", "all", "rmse", *asked)
            if pooled != "nan":
                mean = metrics.value("host_out", "all", "rmse_groups", *asked)
                yield f"| {name}, {features} | {pooled} | {mean} |"
    leak = [
        metrics.value(split, "all", "rmse", "xgboost")
        for split in ("random_5fold", "grouped_5fold")
    ]
    yield ""
    yield f"Boosted trees on random rows {leak[0]} eV, by defect {leak[1]} eV: the leak."


def _forms(predictions: list[dict]) -> Iterator[str]:
    hosts = {
        r["host"]: r["form"]
        for r in predictions
        if r["model"] == DECLARED and r["split"] == "host_out"
    }
    found = ", ".join(f"{k} for {n} hosts" for k, n in Counter(hosts.values()).items())
    yield f"Form that the inner errors chose, host left out: {found}."


def _coverage(metrics: Metrics) -> Iterator[str]:
    for kind in ("family", "chemistry", "host"):
        found = {
            r["subset"].removeprefix(f"{kind} "): float(r["value"])
            for r in metrics.rows
            if r["subset"].startswith(f"{kind} ")
            and (r["model"], r["split"], r["metric"]) == (DECLARED, "host_out", "coverage_90")
        }
        good = sum(0.85 <= v <= 0.95 for v in found.values())
        shown = {k: v for k, v in found.items() if kind != "host" or not 0.85 <= v <= 0.95}
        text = ", ".join(f"{k} {v:.2f}" for k, v in sorted(shown.items(), key=lambda kv: kv[1]))
        title = "outside" if kind == "host" else "each"
        yield f"- Coverage by {kind}: {good} of {len(found)} within 0.85 to 0.95; {title}: {text}."


def _chance(predictions: list[dict]) -> Iterator[str]:
    """How many hosts would lie within the bounds if the intervals held exactly."""
    missed: dict[tuple[str, str, str], list[bool]] = {}
    for r in predictions:
        if (r["model"], r["split"]) == (DECLARED, "host_out"):
            out = abs(r["prediction"] - r["truth"]) > r["half_width"]
            missed.setdefault((r["host"], r["site"], r["impurity"]), []).append(out)
    share = np.array([np.mean(v) for v in missed.values()])
    found = groups_within(share, [k[0] for k in missed], 0.9, (0.85, 0.95), seed=1)
    low, high = np.quantile(found, [0.05, 0.95])
    yield (
        "- Of intervals that hold exactly 90 %, the levels of a defect missed together, "
        f"{found.mean():.0f} hosts ({low:.0f} to {high:.0f}) would lie within these bounds."
    )


def _worst(predictions: list[dict]) -> Iterator[str]:
    """What single published rows do to the errors of left-out hosts."""
    squares: dict[tuple[str, str, str], list[float]] = {}
    flat = total = 0.0
    for r in predictions:
        if (r["model"], r["split"]) == (DECLARED, "host_out"):
            square = (r["prediction"] - r["truth"]) ** 2
            squares.setdefault((r["host"], r["site"], r["impurity"]), []).append(square)
            total += square
            flat += square * r["suspect"]
    worst = max(squares, key=lambda k: sum(squares[k]))
    wide = sum(sum(v) for k, v in squares.items() if k[0] in ("C", "BN")) / total
    one = sum(squares[worst]) / total
    yield (
        f"- Of all squared errors {_defect(worst)} alone is {one:.0%}, rows of levels that hardly "
        f"rise are {flat / total:.0%}, diamond and BN together {wide:.0%}."
    )
    own = {k: v for k, v in squares.items() if k[0] in LevelsStudy().ordinary}
    odd = max(own, key=lambda k: sum(own[k]))
    less = {k: v for k, v in own.items() if k != odd}
    yield (
        f"- Ordinary hosts: mean {_mean_of_hosts(own):.3f} eV, without {_defect(odd)} "
        f"{_mean_of_hosts(less):.3f} eV."
    )


def _defect(key: tuple[str, str, str]) -> str:
    return f"{key[2]} on {key[1]} in {key[0]}"


def _mean_of_hosts(squares: dict[tuple[str, str, str], list[float]]) -> float:
    """Mean over hosts of the root mean squared error."""
    by_host: dict[str, list[float]] = {}
    for (host, *_), values in squares.items():
        by_host.setdefault(host, []).extend(values)
    return float(np.mean([math.sqrt(np.mean(v)) for v in by_host.values()]))


def _hybrid(rows: Rows) -> Iterator[str]:
    yield "| computed with HSE06 | level | HSE06 | PBE | plain | modified | mean difference |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for r in rows:
        level = level_name(int(float(r["q_from"])))
        numbers = " | ".join(f"{float(r[k] or 'nan'):.2f}" for k in
                             ("hse_eV", *(f"{w}_eV" for w in WAYS)))  # fmt: skip
        name = f"{r['impurity']} on {r['site']} in {r['host']}"
        own = r["source"].removeprefix(OWN) if r["source"].startswith(OWN) else ""
        own += "".join(f"; {part}" for part in re.findall(ON_PBE, r["remark"]))
        yield f"| {name}{f' ({own})' if own else ''} | {level} | {numbers} |"
    by_source = {
        "cells of others": of_others(rows),
        "own cells": of_own_cells(rows),
    }
    for what, some in by_source.items():
        yield f"| mean of the absolute errors, {what} | | | {' | '.join(_mean_errors(some))} |"


def _mean_errors(rows: Rows) -> Iterator[str]:
    for way in WAYS:
        error = [abs(float(r[f"error_{way}_eV"] or "nan")) for r in rows]
        error = [e for e in error if math.isfinite(e)]
        yield f"{sum(error) / len(error):.2f}" if error else "none"


def _causes(rows: Rows) -> Iterator[str]:
    yield "| cause | kind | | eV (90 %) | n | what |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for r in rows:
        value, low, high = (float(r[k] or "nan") for k in ("value", "lo", "hi"))
        ends = f" ({low:+.2f} to {high:+.2f})" if high > low else ""
        yield (
            f"| {r['cause']} | {r['kind']} | {r['quantity']} | {value:+.2f}{ends} "
            f"| {int(float(r['n']))} | {r['what']} |"
        )


def _elsewhere(deviations: Rows) -> Iterator[str]:
    """How far published models and ours are apart where nothing was computed."""
    rows = [r for r in deviations if r["quantity"] == "predicted level that nobody computed"]
    names = {"krr": "kernel ridge", "nn": "neural network", "rfr": "random forest"}
    apart = ", ".join(
        f"{float(r['value']):.2f} ({names[r['against'].removeprefix('published ')]})" for r in rows
    )
    yield f"Over {rows[0]['n']} levels that nobody has computed, ours differ from" if rows else ""
    yield f"each published model by, eV root mean square: {apart}." if rows else ""


def main(words: list[str]) -> int:
    """Print, or write."""
    write = bool(words) and words[0] == "write"
    rest = words[1:] if write else words
    block = text_of(tables_below(Path(rest[0]) if rest else ROOT / "results/levels"))
    if not write:
        print(block)
        return 0
    put(PAGE, "levels_results", block)
    return 0


if __name__ == "__main__":
    sys.exit(reports_errors(partial(main, sys.argv[1:]))())
