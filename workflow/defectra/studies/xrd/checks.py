"""Checks of study `xrd`: bounds of our own and negative controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from defectra.core.claims import NOTHING, Check, Estimate, Row, Rows
from defectra.engines.xrd.alloy import Contents, lattice_of
from defectra.studies.xrd.evaluate import DIFFERENCE, OVER_MEAN, OVER_REGRESSION
from defectra.studies.xrd.learning import LIKE, MEAN, ORDERED_SET, UNDISTURBED
from defectra.studies.xrd.scorecard import error, lowest_strong

_check = partial(Check, study="xrd")
EXPECTED_A, OFF = 8.56, 0.02  # Å, SmFe11Ti; found before, from other sources
P_VALUE = 0.05
LINEAR = (
    ("autoencoder", "two principal components", DIFFERENCE),
    ("denoising", "a regression of rank two from each pattern to its undisturbed one",
     OVER_REGRESSION),
)  # fmt: skip


def checks(
    metrics: Rows, reflections: Rows, control: Rows, ranges: tuple[float, float]
) -> list[Row]:
    """Rows of ``checks.csv``.

    Parameters
    ----------
    metrics, reflections, control
        Rows of ``metrics.csv``, ``relevance.csv`` and ``control.csv``; each may be empty.
    ranges
        Of x and of y.
    """
    own = [
        *_better(metrics),
        *_ordered(metrics),
        *_control(control),
        *_explained(reflections, ranges),
    ]
    return [c.row() for c in (*own, _cell())]


def _better(metrics: Rows) -> Iterator[Check]:
    for content in ("titanium", "zirconium"):
        for name in (UNDISTURBED, LIKE):
            for kind, linear, difference in LINEAR:
                yield _check(
                    check_id=f"{kind}_{content}_{name.replace(' ', '_')}",
                    check=f"{content} content, left out, {name}: error read off the autoencoder's "
                    f"plane less that off {linear}",
                    bound=0.0,
                    sense="below",
                    ours=error(metrics, content, name, difference),
                    unit="atoms per formula unit",
                    fails_if="the content is read off this linear plane with no larger error",
                )


def _ordered(metrics: Rows) -> Iterator[Check]:
    for content in ("titanium", "zirconium"):
        yield _check(
            check_id=f"ordered_{content}",
            check=f"{content} content of ordered supercells from a plane of mixed occupancies: "
            f"error less that of the mean ({error(metrics, content, ORDERED_SET, MEAN).shown})",
            bound=0.0,
            sense="below",
            ours=error(metrics, content, ORDERED_SET, OVER_MEAN),
            unit="atoms per formula unit",
            fails_if="the two fidelities differ by more than the contents",
        )


def _control(control: Rows) -> Iterator[Check]:
    for row in control:
        yield _check(
            check_id="relevance_permuted",
            check="relevance follows the signal of a reflection (Spearman "
            f"{float(row['value']):.2f}): chance that relevances dealt at random do so as well",
            bound=P_VALUE,
            sense="below",
            ours=Estimate.exact(float(row["p_value"]), int(float(row["reflections"]))),
            fails_if="relevance has nothing to do with what a reflection carries",
        )
        yield _check(
            check_id="relevance_background",
            check="relevance of the tenth of the points with the least intensity",
            bound=0.05,
            sense="at most",
            ours=Estimate.exact(float(row["background"]), 1),
            unit="spreads of the plane",
            fails_if="the plane uses what holds no reflection",
        )


def intensity_change(row: Mapping[str, Any], ranges: tuple[float, float]) -> float:
    """Relative change of a reflection's intensity over the ranges of x and y, by its slopes."""
    return abs(float(row["slope_x"])) * ranges[0] + abs(float(row["slope_y"])) * ranges[1]


def _explained(reflections: Rows, ranges: tuple[float, float]) -> Iterator[Check]:
    """Why a strong reflection is not used: all sites scatter in phase, one atom changes little."""
    least, most = lowest_strong(reflections)
    ours, detail = NOTHING, ""
    if least is not None and most is not None:
        changes = [intensity_change(r, ranges) for r in reflections]
        own = intensity_change(least, ranges)
        ours = Estimate.exact(own / float(np.median(changes)), len(changes))
        detail = (
            f" ({least['hkl']}: its intensity changes by {100 * own:.0f} % over the contents, its "
            f"angle by {float(least['shift_deg']):.2f} degrees per x; the most relevant, "
            f"{most['hkl']}, moves by {float(most['shift_deg']):.2f})"
        )
    yield _check(
        check_id="strong_irrelevant_explained",
        check=f"strong reflection of least relevance{detail}: change of intensity by its structure "
        f"factor, relative to the median of all reflections",
        bound=1.0,
        sense="below",
        ours=ours,
        fails_if="its structure factor predicts the contents as well as that of others",
    )


def _cell() -> Check:
    a = lattice_of(Contents(1.0, 0.0)).a
    return _check(
        check_id="cell",
        check=f"cell of SmFe11Ti by Vegard's law from SmFe10Mo2: distance of a ({a:.3f} Å) from "
        f"{EXPECTED_A} Å",
        bound=OFF,
        sense="at most",
        ours=Estimate.exact(a, 1).distance(EXPECTED_A),
        unit="Å",
        fails_if="metallic radii do not carry the cell from Mo to Ti",
    )
