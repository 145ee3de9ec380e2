"""Every look at the blocks of study `nmc`: what the tables said with how many of them.

The tests are planned for all blocks, and tables were looked at with fewer. ``docs/nmc_looks.csv``
keeps what was seen each time; ``python -m benchmarks.pages.nmc_results RESULTS write`` adds the
look that it makes. AUROC: area under the receiver operating characteristic; RMSE: root mean square
error.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from defectra.core.claims import Estimate, Rows
from defectra.core.csvs import read_csv, write_csv
from defectra.studies.nmc.blocks.claims import content, gain, score
from defectra.studies.nmc.blocks.fresh_checks import fresh
from defectra.studies.nmc.blocks.scores import CLAIMED

GAIN = "smallest gain over a single edge"
LOOKS = Path(__file__).parents[2] / "docs" / "nmc_looks.csv"
COLUMNS = ["blocks", "quantity", "value", "lo", "hi"]
TARGETS = tuple(dict.fromkeys(pair.target for pair in CLAIMED))
METHODS = {"kernel": "model of the blocks", "change": "change since the pristine electrode",
           "peak": "peak position"}  # fmt: skip
NICKEL = "state of Ni of measured electrodes by kernel, states by charge neutrality: RMSE"
WEIGHTS = "cosine between the weights of two folds"
SEEN = {
    "experiment_nickel": NICKEL,
    "experiment_nickel_less_mean": f"{NICKEL}, less that of the mean",
    "experiment_nickel_less_peak": f"{NICKEL}, less that of the peak position",
    **{f"{t}_weights_of_folds": f"{t}: {WEIGHTS}, as fixed" for t in TARGETS},
    **{f"{t}_steady_weights_of_folds": f"{t}: {WEIGHTS}, steadier model" for t in TARGETS},
}


def seen(checks: Rows, metrics: Rows) -> Iterator[tuple[str, Estimate]]:
    """What a look shows; nothing of what was not computed."""
    for pair in CLAIMED:
        yield f"{pair.name}: AUROC", score(metrics, pair)
        yield f"{pair.name}: {GAIN}", gain(metrics, pair)
        yield f"{pair.name}: AUROC of late fusion, fresh blocks", fresh(metrics, pair)
    yield "lithium from shapes: RMSE", content(metrics, "x_Li", "shape: all")
    by = {str(r["check_id"]): r for r in checks}
    lithium = {
        f"experiment_x_Li_{name}": f"lithium of measured electrodes by {words}: RMSE"
        for name, words in METHODS.items()
    }
    for name, words in (lithium | SEEN).items():
        row = by.get(name)
        if row is not None:
            numbers = [float(row[c]) for c in ("ours", "lo", "hi")]
            yield words, Estimate(*numbers, int(row["n"]))


def add(checks: Rows, metrics: Rows, path: Path = LOOKS) -> None:
    """Keep this look, in place of an earlier one with as many blocks."""
    blocks = score(metrics, CLAIMED[0]).n
    if not blocks:
        return
    before = [r for r in read_csv(path, COLUMNS) if int(r["blocks"]) != blocks]
    now: list[dict[str, Any]] = [
        {"blocks": blocks, "quantity": name, "value": e.value, "lo": e.lo, "hi": e.hi}
        for name, e in seen(checks, metrics)
        if e.n
    ]
    write_csv(path, sorted([*before, *now], key=lambda r: int(r["blocks"])), COLUMNS)


def history(pair: str, blocks: int, path: Path = LOOKS) -> str:
    """With how many blocks the gain of all edges was shown when fewer than `blocks` were there."""
    wanted = f"{pair}: {GAIN}"
    rows = [r for r in read_csv(path, COLUMNS) if str(r["quantity"]) == wanted]
    before = [r for r in rows if int(r["blocks"]) < blocks]
    if not before:
        return "no look before"
    by = {True: list[str](), False: list[str]()}
    for row in before:
        by[str(row["lo"]) != "" and float(row["lo"]) > 0].append(str(int(row["blocks"])))
    parts = [
        f"{'' if is_shown else 'not '}shown with {', '.join(counts)}"
        for is_shown, counts in by.items()
        if counts
    ]
    return f"{' and '.join(parts)} blocks"


def looks(path: Path = LOOKS) -> tuple[list[str], Iterator[list[str]]]:
    """Head and rows of a table, a column for each look."""
    rows = read_csv(path, COLUMNS)
    counts = sorted({int(r["blocks"]) for r in rows})
    by = {(str(r["quantity"]), int(r["blocks"])): float(r["value"]) for r in rows}
    names = dict.fromkeys(str(r["quantity"]) for r in reversed(rows))
    lines = (
        [name, *(f"{by[name, n]:.3f}" if (name, n) in by else "" for n in counts)]
        for name in sorted(names)
    )
    return ["blocks", *map(str, counts)], lines
