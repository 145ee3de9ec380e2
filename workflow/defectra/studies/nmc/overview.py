"""The picture of the README, from the tables of a run: ``make overview``.

What is drawn is kept beside it (``docs/overview.csv``), so that a test can draw it again and see
whether the picture is that of the numbers, and the numbers those that the README says.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.core.csvs import read_csv, write_csv
from defectra.core.errors import reports_errors
from defectra.core.paths import PROJECT
from defectra.core.records import METRICS_COLUMNS
from defectra.figures import style
from defectra.studies.nmc.blocks.claims import ALL_EDGES, content, score, single_edges
from defectra.studies.nmc.blocks.evaluate import BOTH
from defectra.studies.nmc.blocks.scores import CLAIMED, SHAPE
from defectra.studies.nmc.blocks.weights import WEIGHT_COLUMNS

PICTURE = PROJECT / "docs" / "overview.png"
COLUMNS = ["panel", "row", "value", "lo", "hi", "n"]
INTENSITIES = "with edge intensities"
NOTES = {INTENSITIES: "\n(5 % error, counts put in by construction)"}
SPECTRUM, DEFECTS, CONTENTS = "vacancy", "defects", "contents"
_ORDER = ("Li K", "O K", "Mn K", "Co K", "Ni K")
Row = dict[str, Any]


def rows_of(results: Path) -> list[Row]:
    """Numbers of the picture.

    Parameters
    ----------
    results
        Folder that holds ``nmc/metrics.csv`` and ``nmc/blocks/weights.csv``.

    Returns
    -------
    Rows of :data:`COLUMNS`: the mean change by a vacancy of the edge that detects it best (`panel`
    is that edge, `row` the energy, eV; value and standard error in % of the area, per eV), areas
    under the receiver operating characteristic of both defects, root mean square errors of the
    contents.
    """
    metrics = read_csv(results / "nmc" / "metrics.csv", list(METRICS_COLUMNS))
    weights = read_csv(results / "nmc" / "blocks" / "weights.csv", WEIGHT_COLUMNS)
    return [*_spectrum(weights, best_edge(metrics)), *_defects(metrics), *_contents(metrics)]


def best_edge(metrics: Sequence[Mapping[str, Any]]) -> str:
    """Single edge that detects a vacancy best; none without scores."""
    found = {e: score(metrics, CLAIMED[0], SHAPE + e).value for e in single_edges(metrics)}
    known = {e: value for e, value in found.items() if not math.isnan(value)}
    return max(sorted(known, key=_ORDER.index), key=known.__getitem__, default="")


def _spectrum(weights: Iterable[Mapping[str, Any]], edge: str) -> list[Row]:
    out = []
    for row in weights:
        if (row["target"], row["edge"]) == (SPECTRUM, edge):
            middle, away = row["difference"], row["difference_sd"]  # % of the area
            ends = {"lo": middle - away, "hi": middle + away, "n": row["n_blocks"]}
            out.append({"panel": edge, "row": f"{row['energy_eV']:g}", "value": middle} | ends)
    return out


def _defects(metrics: Sequence[Mapping[str, Any]]) -> list[Row]:
    singles = sorted(single_edges(metrics), key=_ORDER.index)
    out = []
    for pair in CLAIMED:
        for name, features in (*((e, SHAPE + e) for e in singles), ("all", ALL_EDGES)):
            found = score(metrics, pair, features)
            out.append(_row(f"{DEFECTS}: {pair.name}", name, found))
    return out


def _contents(metrics: Sequence[Mapping[str, Any]]) -> list[Row]:
    ways = (("shapes alone", ALL_EDGES), (INTENSITIES, BOTH))
    return [
        _row(f"{CONTENTS}: {name}", target, content(metrics, target, features))
        for name, features in ways
        for target in ("x_Li", "x_Ni", "x_Mn", "x_Co")
    ]


def _row(panel: str, row: str, found: Any) -> Row:
    numbers = {"value": found.value, "lo": found.lo, "hi": found.hi, "n": found.n}
    return {"panel": panel, "row": row} | numbers


@style.styled()
def draw_overview(rows: Sequence[Mapping[str, Any]], path: str | Path) -> None:
    """Three panels of the rows of :func:`rows_of`."""
    figure, ((left, middle, right),) = style.canvas(1, 3, (10.0, 3.1))
    _draw_spectrum(left, [r for r in rows if r["panel"] in _ORDER])
    _draw_groups(middle, rows, DEFECTS, (style.ORANGE, style.BLUE))
    middle.axvline(0.5, color=style.GREY, linewidth=0.8, linestyle=":")
    middle.set(xlabel="AUROC, blocks held out (chance 0.5)", title="defects from K edges")
    _draw_groups(right, rows, CONTENTS, (style.GREY, style.GREEN))
    right.set(xlabel="RMSE per metal, blocks held out", title="contents from five edges")
    right.set_xlim(0, None)
    style.save_picture(figure, path)


def _draw_spectrum(axes: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        style.say(axes, "no blocks")
        return
    energy, value, low, high = (
        [float(r[name]) for r in rows] for name in ("row", "value", "lo", "hi")
    )
    axes.fill_between(energy, low, high, color=style.RED, alpha=0.3, linewidth=0)
    axes.plot(energy, value, color=style.RED)
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    axes.set(xlabel="energy (eV)", ylabel="change (% of area per eV)")
    axes.set_title(f"an oxygen vacancy seen at {rows[0]['panel']}")


def _draw_groups(
    axes: Any, rows: Sequence[Mapping[str, Any]], kind: str, colours: Sequence[str]
) -> None:
    """Values with their intervals, a colour for each group, names down the side."""
    own = [r for r in rows if str(r["panel"]).startswith(kind)]
    names = list(dict.fromkeys(str(r["row"]) for r in own))
    for k, panel in enumerate(dict.fromkeys(str(r["panel"]) for r in own)):
        group = [r for r in own if r["panel"] == panel]
        places = [names.index(str(r["row"])) + 0.24 * (k - 0.5) for r in group]
        value, low, high = ([float(r[c]) for r in group] for c in ("value", "lo", "hi"))
        label = panel.removeprefix(f"{kind}: ").removesuffix(" against pristine")
        label += NOTES.get(label, "")
        axes.errorbar(value, places, xerr=style.bars(value, low, high), fmt="o", color=colours[k],
                      markersize=4, label=label)  # fmt: skip
    shown = [style.TARGET_LABELS.get(name, name).removesuffix(" share of metals") for name in names]
    axes.set_yticks(range(len(names)), [name.removesuffix(" per metal") for name in shown])
    axes.invert_yaxis()
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def write(results: Path, picture: Path = PICTURE) -> None:
    """Write the numbers and the picture."""
    rows = rows_of(results)
    write_csv(picture.with_suffix(".csv"), rows, COLUMNS)
    draw_overview(read_csv(picture.with_suffix(".csv"), COLUMNS), picture)


@reports_errors
def main() -> int:
    """Command line: the folder of results, by default that of the project."""
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else PROJECT / "results")
    return 0


if __name__ == "__main__":
    sys.exit(main())
