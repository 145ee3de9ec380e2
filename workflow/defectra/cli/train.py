"""``defectra train``: a table in, held-out scores and a saved model out."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from defectra.cli.help import command
from defectra.core.number_types import count_from_0, positive
from defectra.core.outputs import check_out

if TYPE_CHECKING:
    from defectra.learn.table_model import TableModel
    from defectra.learn.train import Asked, Data, Report


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    text = "train on a table (Parquet, csv): held-out scores beside mean and ridge, a saved model"
    parser = command(
        commands,
        "train",
        text,
        "defectra train table.parquet --target x_Li --group group --out model.npz",
    )
    parser.add_argument(
        "table",
        type=Path,
        nargs="+",
        help="training table, e.g. results/nmc/training.parquet; several: parts of one table",
    )
    parser.add_argument("--target", required=True, help="column to predict")
    text = "column of the groups that are never split between folds, e.g. material"
    parser.add_argument("--group", required=True, help=text)
    text = 'columns, e.g. "cdf: Ni K"; default: the curves, else all numeric columns'
    parser.add_argument("--features", nargs="+", default=[], metavar="COLUMN", help=text)
    parser.add_argument("--out", type=Path, help="model file (npz); default: none is saved")
    parser.add_argument("--trees", type=positive, default=200, help="number of trees of the forest")
    parser.add_argument(
        "--seed", type=count_from_0, default=0, help="random seed of folds, forest and bootstrap"
    )
    parser.set_defaults(run=run_train)


def run_train(chosen: argparse.Namespace) -> int:
    """Evaluate, tell, keep; 0."""
    from defectra.learn.any_table import read_parts
    from defectra.learn.train import Asked, train

    if chosen.out is not None:
        check_out(chosen.out, chosen.table, (".npz",))
    table = read_parts(chosen.table)
    asked = Asked(
        chosen.target, chosen.group, tuple(chosen.features), chosen.trees, seed=chosen.seed
    )
    data, report, model = train(table, asked, chosen.out)
    print("\n".join(sentences(asked, data, report, table.units.get(asked.target, ""))))
    if model is not None:
        print(f"model: {chosen.out} (the random forest, on all rows; `defectra predict` takes it)")
    return 0


def sentences(asked: Asked, data: Data, report: Report, unit: str) -> list[str]:
    """What was trained on what, and how well it does on held-out groups."""
    from defectra.learn.new_groups import LEVEL, caution
    from defectra.learn.scores import FEW_GROUPS
    from defectra.learn.train import FOREST, RIDGE

    count = len(set(data.groups))
    lines = [f"{asked.target}: {len(data.y)} rows in {count} groups ({asked.group})"]
    lines += [f"  left out: {n} rows, {why}" for why, n in data.left_out.items()]
    width = data.x.shape[1]
    lines.append(f"  features: {', '.join(data.names)} ({width} numbers)")
    how = (
        "by bootstrap over groups" if count >= FEW_GROUPS else f"of Student's t over {count} groups"
    )
    lines.append(f"held-out groups, 90 % interval {how}:")
    for name, found in report.scores.items():
        shown = [
            f"{metric.upper()} {_ends(*ends, 4)}{_unit(metric, unit)}"
            for metric, ends in found.items()
        ]
        lines.append(f"  {name:14} {', '.join(shown)}")
    _, lo, hi = report.better
    which = "better than" if lo > 0 else "worse than" if hi < 0 else "not shown apart from"
    lines.append(
        f"  the {FOREST} is {which} {RIDGE}: RMSE of {RIDGE} less that of the "
        f"{FOREST} {_ends(*report.better, 3)}"
    )
    half = f"± {report.half:.3g} {unit}".rstrip()
    holds = f"  answers about new groups: {half} holds {100 * LEVEL:.0f} % of rows"
    lines.append(f"  {why}" if (why := caution(report.half, over_groups=True)) else holds)
    return lines


def _ends(value: float, lo: float, hi: float, digits: int) -> str:
    """Value with its interval, or without where none is known."""
    if math.isnan(lo) or math.isnan(hi):
        return f"{value:.{digits}g} [no interval]"
    return f"{value:.{digits}g} [{lo:.{digits}g}, {hi:.{digits}g}]"


def _unit(metric: str, unit: str) -> str:
    return f" {unit}" if unit and metric in ("rmse", "mae") else ""


def predict_tables(model: TableModel, name: Path, tables: list[Path]) -> int:
    """Answer for each row of each table; 1 if one cannot be used or has no interval."""
    import numpy as np

    from defectra.core.errors import DefectraError
    from defectra.learn.any_table import read_any
    from defectra.learn.new_groups import caution

    about, worst = model.about, 0
    print(f"{name}: {about.target} from {', '.join(about.columns)}")
    print(f"  trained on {about.trained_on}")
    if about.unchecked:
        print(f"  {about.unchecked}")
    if narrow := caution(about.half, about.over_groups):
        print(f"  {narrow}")
    for path in tables:
        try:
            table = read_any(path)
            features = model.features(table)
        except DefectraError as error:
            print(f"{path}: refused: {error}")
            worst = 1
            continue
        whole = np.asarray(np.isfinite(features).all(axis=1))
        values = np.full(len(features), np.nan)
        if whole.any():
            values[whole] = model.forest.predict(features[whole])
        outside = model.outside(features)
        names = table.columns.get("structure_id", range(1, len(values) + 1))
        for row, value, fits, far in zip(names, values, whole, outside):
            print(f"{path}: {row}: {_answer(model, float(value), bool(fits), int(far))}")
            worst = max(worst, int(not fits or far > 0 or math.isnan(about.half)))
    return worst


def _answer(model: TableModel, value: float, fits: bool, outside: int) -> str:
    about = model.about
    if not fits:
        return "refused: a feature is missing"
    if outside:
        far = f"{outside} features are outside the training rows: extrapolated, no interval"
        return f"{about.target} {value:.4g} {about.unit}".rstrip() + f"; WARNING: {far}"
    if math.isnan(about.half):
        return f"{about.target} {value:.4g} {about.unit}".rstrip() + "; no interval"
    return f"{about.target} {value:.4g} ± {about.half:.2g} {about.unit}".rstrip() + " (90 %)"
