"""Claims and checks of study `registration`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from defectra.core.claims import NOTHING, Check, Claim, Estimate, Row
from defectra.studies.registration.requests import ATOMISTIC, COUNTED

STUDY = "registration"
PAPER = "ingrained, arXiv:2105.10532"
PIXEL_LIMIT, SHIFT_LIMIT, TILT_LIMIT = 1.0, 0.05, 0.2  # per cent, A, degree
SHARE = 0.1  # of the authors' evaluations
STRAINS = {  # per cent, upper and lower grain: strain_info.txt of the published runs
    "tilt": (-0.991, 1.011),
    "twin": (0.0, 0.0),
}
PRINTED = {"tilt": (0.2202, 0.16063), "twin": (0.1787, 0.21007)}  # best J, pixel size (A)
STM_OBJECTIVE = 0.2153  # Cu2O(111)
Rows = Sequence[Mapping[str, Any]]

# The registration with the freedoms that the authors have: a quantity of ``fits.csv``.
AS_THEIRS = "objective, grains equally bright"
_LOOKED = "starts of the tails were chosen after a look at these two images"
# Of models of our own, with more parameters than the authors': end of the id, words, quantity of
# ``fits.csv``, why the check cannot fail.
OWN_MODELS = (
    ("objective", "brightness of one grain free (one parameter more)", "objective", ""),
    (
        "objective_tails",
        "grains equally bright, a probe with tails (two parameters more)",
        "objective, probe with tails",
        _LOOKED,
    ),
)


def scorecard(fits: Rows, missing: str) -> list[Row]:
    """Rows of ``scorecard.csv``.

    Parameters
    ----------
    fits
        Rows of ``fits.csv``; none without the published data.
    missing
        Why there are none.
    """
    return [claim.row() for name in PRINTED for claim in _claims(name, fits, missing)] + [
        _stm().row()
    ]


def _claims(name: str, fits: Rows, missing: str) -> Iterator[Claim]:
    objective, pixel = PRINTED[name]
    source = f"{PAPER}; progress.txt of the CdTe {name}"
    yield Claim(
        study=STUDY,
        claim_id=f"{name}_objective_equal",
        claim=f"CdTe {name}: the best registration has J = {objective}; ours, with both grains "
        "equally bright as the authors have them, is no worse",
        published=objective,
        ours=_number(fits, name, AS_THEIRS),
        source=source,
        test="below",
        missing=missing,
    )
    yield Claim(
        study=STUDY,
        claim_id=f"{name}_pixel",
        claim=f"CdTe {name}: pixel size of the best registration, with the authors' stretches",
        published=pixel,
        ours=_number(fits, name, "pixel size, with their stretches"),
        tolerance=PIXEL_LIMIT / 100 * pixel,
        unit="A",
        source=source,
        test="equal",
        missing=missing,
    )
    for grain, strain in zip(("upper", "lower"), STRAINS[name]):
        yield Claim(
            study=STUDY,
            claim_id=f"{name}_strain_{grain}",
            claim=f"CdTe {name}: strain that the periodic cell puts on the {grain} grain",
            published=strain,
            ours=_number(fits, name, f"strain of the {grain} grain"),
            tolerance=0.02,
            unit="%",
            source=f"{PAPER}; strain_info.txt of the CdTe {name}",
            test="equal",
            missing=missing,
        )


def _stm() -> Claim:
    return Claim(
        study=STUDY,
        claim_id="cu2o_objective",
        claim="Cu2O(111) by scanning tunnelling microscopy: J = 0.2153",
        published=STM_OBJECTIVE,
        ours=NOTHING,
        source=f"{PAPER}; progress.txt of Cu2O(111)",
        test="below",
        missing="the image is published, the charge density that it is compared with is not, and "
        "none of our own was computed",
    )


def checks(recovered: Rows, refusals: Rows, fits: Rows, missing: str) -> list[Row]:
    """Rows of ``checks.csv``."""
    found = [*_recovery(recovered), *_refusals(refusals, recovered), *_multislice(recovered)]
    found += [check for name in PRINTED for check in _measured(name, fits, missing)]
    return [check.row() for check in found]


def _recovery(recovered: Rows) -> Iterator[Check]:
    rows = [row for row in recovered if row["fidelity"] == COUNTED]
    wrong = "the forward model, the search or the least squares are wrong, or a repeat is mistaken"
    for name, column, bound, unit, text in (
        ("pixel", "pixel_error_percent", PIXEL_LIMIT, "%", "pixel size"),
        ("shift", "shift_error_A", SHIFT_LIMIT, "A", "position of the bicrystal"),
        ("tilt", "tilt_error_deg", TILT_LIMIT, "degree", "tilt"),
    ):
        yield Check(
            study=STUDY,
            check_id=f"blind_{name}",
            check=f"largest error of the {text} in {len(rows)} synthetic images",
            bound=bound,
            sense="at most",
            ours=_largest(rows, column),
            unit=unit,
            fails_if=wrong,
            missing="no synthetic image was computed",
        )


def _refusals(refusals: Rows, recovered: Rows) -> Iterator[Check]:
    accepted = [float(row["accepted"]) for row in refusals]
    yield Check(
        study=STUDY,
        check_id="others_refused",
        check=f"images of something else taken for the bicrystal, of {len(accepted)}",
        bound=0.0,
        sense="at most",
        ours=Estimate.exact(sum(accepted), len(accepted)),
        fails_if="noise, text, fringes or another crystal pass for a registration",
    )
    kept = [float(row["found"]) for row in recovered if row["fidelity"] == COUNTED]
    yield Check(
        study=STUDY,
        check_id="true_accepted",
        check=f"synthetic images of the bicrystal that were refused, of {len(kept)}",
        bound=0.0,
        sense="at most",
        ours=Estimate.exact(len(kept) - sum(kept), len(kept)) if kept else NOTHING,
        fails_if="the judgement refuses what it has to accept",
    )


def _multislice(recovered: Rows) -> Iterator[Check]:
    rows = [row for row in recovered if row["fidelity"] == ATOMISTIC]
    for name, column, bound, unit in (
        ("pixel", "pixel_error_percent", PIXEL_LIMIT, "%"),
        ("shift", "shift_error_A", SHIFT_LIMIT, "A"),
    ):
        yield Check(
            study=STUDY,
            check_id=f"multislice_{name}",
            check=f"error of the {name} where points are fitted to a multislice image",
            bound=bound,
            sense="at most",
            ours=_largest(rows, column),
            unit=unit,
            fails_if="points of Z^1.7 misplace columns, or the two images have other conventions",
            missing="no multislice image: `make instruments` brings abTEM, or registration."
            "multislice is off",
        )


def _measured(name: str, fits: Rows, missing: str) -> Iterator[Check]:
    own = _number(fits, name, "objective of their best frame")
    yield Check(
        study=STUDY,
        check_id=f"{name}_same_objective",
        check=f"CdTe {name}: our objective of the authors' best frame less the one they print",
        bound=0.005,
        sense="at most",
        ours=own.distance(_published(fits, name, "objective")),
        fails_if="window, normalisation or place are not those of the authors",
        missing=missing,
    )
    yield Check(
        study=STUDY,
        check_id=f"{name}_evaluations",
        check=f"CdTe {name}: simulated frames over those of the authors",
        bound=SHARE,
        sense="at most",
        ours=_share(fits, name),
        fails_if="the search needs more than a tenth of the authors' evaluations",
        missing=missing,
        blind="true by construction: the search ends at `budget_share`, which is this share",
    )
    for end, words, quantity, blind in OWN_MODELS:
        yield Check(
            study=STUDY,
            check_id=f"{name}_{end}",
            check=f"CdTe {name}: J of a model of our own, {words}; the authors' best",
            bound=PRINTED[name][0],
            sense="at most",
            ours=_number(fits, name, quantity),
            fails_if="the parameters that were added do not make up for what the search misses",
            missing=missing,
            blind=blind,
        )


def _share(fits: Rows, name: str) -> Estimate:
    ours = _number(fits, name, "evaluations")
    theirs = _published(fits, name, "evaluations")
    return Estimate.exact(ours.value / theirs, 1) if ours.n else NOTHING


def _number(fits: Rows, name: str, quantity: str, column: str = "ours") -> Estimate:
    for row in fits:
        if row["image"] == name and row["quantity"] == quantity:
            return Estimate.exact(float(row[column]), 1)
    return NOTHING


def _published(fits: Rows, name: str, quantity: str) -> float:
    return _number(fits, name, quantity, "published").value


def _largest(rows: Rows, column: str) -> Estimate:
    values = [abs(float(row[column])) for row in rows]
    if not values or any(math.isnan(value) for value in values):
        return NOTHING
    return Estimate.exact(max(values), len(values))
