"""Claims and checks of study `plots`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from defectra.core.claims import NOTHING, Check, Claim, Estimate, Row, Rows, Sense, estimate
from defectra.studies.plots.example import POINT, X_NUMBER, Y_NUMBER, lines_found, of_kind
from defectra.studies.plots.reading import COLUMN_MEAN, NEAREST, SLOPE
from defectra.studies.plots.scores import (
    ERROR_DIFFERENCE,
    FEW_LINES,
    LARGEST,
    MEAN_ERROR,
    RECALL,
    RECALL_DIFFERENCE,
)

STUDY = "plots"
PAPER = "arXiv:2107.02827, in words"


def scorecard(metrics: Rows) -> list[Row]:
    """Rows of ``scorecard.csv``.

    The paper prints its numbers for journal figures that are not at hand; what it says in words is
    compared.
    """
    better = Claim(
        study=STUDY,
        claim_id="axes_refined",
        claim="refining the frame lowers its error: mean error of the worst side less that of "
        "whole pixels, below 0",
        ours=estimate(metrics, model=SLOPE, subset="all", metric=ERROR_DIFFERENCE),
        unit="pixel",
        source=PAPER,
        test="below",
        than=0.0,
        blind="the frames of these plots are drawn at whole pixels, so that refining to a part of "
        "one cannot lower the error",
    )
    slope = Claim(
        study=STUDY,
        claim_id="slope_helps",
        claim="following lines with a slope (optical flow) finds more of them: share of lines "
        "found less that without it, above 0",
        ours=_found_less(metrics, NEAREST),
        unit="1",
        source=PAPER,
        test="above",
        than=0.0,
    )
    return [better.row(), slope.row()]


def _found_less(metrics: Rows, other: str) -> Estimate:
    """Share of lines found less that of another method on the same plots."""
    return estimate(metrics, model=f"{SLOPE} - {other}", subset="all", metric=RECALL_DIFFERENCE)


def checks(metrics: Rows, example: list[Row], found_px: float) -> list[Row]:
    """Rows of ``checks.csv``.

    Parameters
    ----------
    example
        Rows of :func:`defectra.studies.plots.example.compared`; none without the mirror.
    found_px
        A line is found below this mean distance.
    """
    own = (*_lines(metrics), *_axes(metrics), *_of_example(example, found_px))
    return [check.row() for check in own]


def _lines(metrics: Rows) -> Iterator[Check]:
    """Lines that are found."""
    rows: list[tuple[str, str, str, str, float]] = [
        ("recall_all", "share of lines found, all plots", "all", RECALL, 0.95),
        ("recall_few", f"share of lines found, {FEW_LINES}", FEW_LINES, RECALL, 0.99),
    ]
    for name, text, subset, metric, bound in rows:
        yield Check(
            study=STUDY,
            check_id=name,
            check=text,
            bound=bound,
            sense="at least",
            ours=estimate(metrics, model=SLOPE, subset=subset, metric=metric, target="line"),
            unit="1",
            fails_if="lines are lost, or change places behind crossings",
        )


def _axes(metrics: Rows) -> Iterator[Check]:
    """Frame and numbers of the axes, and what following lines adds."""
    yield Check(
        study=STUDY,
        check_id="frame",
        check="mean error of the worst side of the frame",
        bound=1.0,
        sense="at most",
        ours=estimate(metrics, model=SLOPE, subset="all", target="box_px", metric=MEAN_ERROR),
        unit="pixel",
        fails_if="a line of the plot, or a mark, is taken for a spine",
    )
    yield Check(
        study=STUDY,
        check_id="no_silent_scale",
        check="largest mean error of an energy axis that was not refused",
        bound=1.0,
        sense="at most",
        ours=estimate(metrics, model=SLOPE, subset="all", target="energy_error_eV", metric=LARGEST),
        unit="eV",
        fails_if="numbers beside an axis are misread in a consistent way",
    )
    yield Check(
        study=STUDY,
        check_id="above_column_mean",
        check="share of lines found less that of the column mean of each colour",
        bound=0.0,
        sense="above",
        ours=_found_less(metrics, COLUMN_MEAN),
        unit="1",
        fails_if="following lines is no better than averaging the ink of a column",
    )


def _of_example(rows: list[Row], found_px: float) -> list[Check]:
    """The picture of the authors, beside what a person reads from it."""
    missing = (
        "" if rows else "the picture is not at hand: name a mirror (`make plots MIRROR=FOLDER`)"
    )
    refusal = next((str(row["refusal"]) for row in rows if row["refusal"]), missing)
    points = of_kind(rows, POINT)
    lines = len({row["line"] for row in rows if row["kind"] == POINT})
    near = Estimate.exact(float(np.mean(points < found_px)), len(points)) if rows else NOTHING
    which = "the authors' example"
    asked: list[tuple[str, str, Estimate, float, Sense, str]] = [
        ("lines", f"lines of {which} that are found", _count(rows, found_px, lines),
         float(lines or 4), "at least", "lines"),
        ("points", f"share of the points clicked on the lines of {which} where the line was read "
         f"within {found_px:g} pixels", near, 1.0, "at least", "1"),
        ("energies", f"largest error of the x axis of {which} at its numbers",
         _largest(of_kind(rows, X_NUMBER)), 1.0, "at most", "pixel"),
        ("intensities", f"largest error of the y axis of {which} at its numbers",
         _largest(of_kind(rows, Y_NUMBER)), 1.0, "at most", "pixel"),
    ]  # fmt: skip
    return [
        Check(
            study=STUDY,
            check_id=f"example_{name}",
            check=text,
            bound=bound,
            sense=sense,
            ours=ours,
            unit=unit,
            missing=refusal,
            fails_if="the picture is refused, a part of a line is lost, or numbers are misread",
        )
        for name, text, ours, bound, sense, unit in asked
    ]


def _count(rows: list[Row], found_px: float, lines: int) -> Estimate:
    return Estimate.exact(float(lines_found(rows, found_px)), lines) if rows else NOTHING


def _largest(away: NDArray[np.float64]) -> Estimate:
    return Estimate.exact(float(away.max()), len(away)) if len(away) else NOTHING
