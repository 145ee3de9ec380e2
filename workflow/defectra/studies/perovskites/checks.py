"""Checks of study `perovskites`: bounds of our own on models, published data and calculations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from defectra.core.claims import NAN, Check, Estimate, Row, Rows, estimate
from defectra.core.records import Metric, Split, Status
from defectra.learn.committee import COMMITTEE
from defectra.studies.perovskites import binary_phases, orderings, published
from defectra.studies.perovskites.checks_light import checks_light
from defectra.studies.perovskites.checks_measured import checks_measured
from defectra.studies.perovskites.evaluate import BASELINE
from defectra.studies.perovskites.problems import (
    COMPOSITION,
    MIXING,
    OWN,
    PBE,
    REFERENCES,
    STEP,
)
from defectra.studies.perovskites.scorecard import of_model
from defectra.studies.perovskites.tables import UNITS

_check = partial(Check, study="perovskites")
# Label, what is added to the formula, split, largest error.
LARGEST_ERRORS = (
    ("gap_HSE", "", Split.GROUPED, 0.19),
    ("gap_HSE", OWN, Split.GROUPED, 0.19),
    ("gap_HSE", MIXING, Split.GROUPED, 0.19),
    ("gap_HSE", PBE, Split.GROUPED, 0.11),
    ("gap_HSE", STEP, Split.GROUPED, 0.11),
    ("decomposition_HSE", REFERENCES, Split.GROUPED, 0.06),
    ("decomposition_HSE", "", Split.GROUPED, 0.06),
    ("decomposition_HSE", PBE, Split.GROUPED, 0.04),
    ("lattice_HSE", "", Split.GROUPED, 0.030),
    ("lattice_HSE", OWN, Split.GROUPED, 0.030),
    ("lattice_HSE", PBE, Split.GROUPED, 0.020),
    ("gap_HSE", "", Split.X_OUT, 0.55),
    ("gap_HSE", PBE, Split.X_OUT, 0.25),
)
LEAST_SKILL = 0.5
COVERAGE, COVERAGE_OFF, COVERAGE_FAR = 0.9, 0.04, 0.05
INORGANIC = 54
BROKEN = ("MAGeI_3",)  # published rows that are known to break an identity
# How far the mean of our own calculations may lie from the published column.
PARITY = {"lattice_PBE": 0.02, "gap_PBE": 0.1, "gap_HSE": 0.15}
DECOMPOSITION_OFF = 0.1  # eV
ORDERING_GAP = 0.1  # eV, half of what the best models of the gap err by
# Of our predictions with the authors'.
LEAST_CORRELATION = 0.97


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Tables that the checks are about; one that is empty makes its checks open.

    Attributes
    ----------
    metrics, references, runs, parity, excesses, decomposition
        Rows of ``metrics.csv``, ``references.csv``, ``runs.csv``, ``parity.csv``,
        ``salts_excess.csv``, ``decomposition.csv``.
    quality
        Rows of ``quality.csv``: empty if nothing breaks an identity, None if nobody looked.
    measured, ladder, predictions
        Rows of ``measured_metrics.csv``, ``ladder.csv``, ``published_predictions.csv``.
    films, tilted, mixing
        Rows of ``films.csv``, ``tilts.csv`` and ``mixing.csv``.
    """

    metrics: Rows = ()
    quality: Rows | None = None
    references: Rows = ()
    runs: Rows = ()
    parity: Rows = ()
    excesses: Rows = ()
    decomposition: Rows = ()
    measured: Rows = ()
    ladder: Rows = ()
    predictions: Rows = ()
    films: Rows = ()
    tilted: Rows = ()
    mixing: Rows = ()


def checks(tables: Tables) -> list[Row]:
    """Rows of ``checks.csv``."""
    t = tables
    own = [*_errors(t.metrics), *_skills(t.metrics), *_coverage(t.metrics), _identities(t.quality)]
    own += [_references(t.references), _runs(t.runs), *_parity(t.parity)]
    own += [_alkali_halides(t.excesses), _decomposition(t.decomposition)]
    own += checks_measured(t.measured, t.ladder)
    own += [_authors(t.predictions, unseen=u) for u in (False, True)]
    own += [*checks_light(t.films, t.tilted), *_orderings(t.mixing)]
    return [c.row() for c in own]


def _name(*parts: str) -> str:
    return "_".join(p for p in parts if p).replace(" + ", "_").replace(" ", "_").lower()


def _errors(metrics: Rows) -> Iterator[Check]:
    for target, added, split, limit in LARGEST_ERRORS:
        features = COMPOSITION + added
        mean = of_model(metrics, target, "none", split, Metric.RMSE, BASELINE).shown
        yield _check(
            check_id=_name("limit", target + added, split),
            check=f"{target} from {features}, {split}: RMSE (mean of training rows: {mean})",
            bound=limit,
            sense="at most",
            ours=of_model(metrics, target, features, split, Metric.RMSE),
            unit=UNITS[target],
            fails_if=f"held-out values of {target} are missed by more than {limit:g} in RMSE",
        )


def _skills(metrics: Rows) -> Iterator[Check]:
    target = "decomposition_HSE"
    for split in (Split.A_OUT, Split.X_OUT):
        for features in (COMPOSITION, COMPOSITION + REFERENCES):
            wanted = {"target": target, "features": features, "split": str(split)}
            wanted |= {"model": COMMITTEE, "metric": str(Metric.SKILL)}
            rows = [r for r in metrics if all(r[k] == v for k, v in wanted.items())]
            for subset in sorted({str(r["subset"]) for r in rows} - {"all"}):
                yield _check(
                    check_id=_name("skill", split, subset, features),
                    check=f"{target} from {features}, {subset} left out: skill",
                    bound=LEAST_SKILL,
                    sense="above",
                    ours=estimate(rows, subset=subset),
                    fails_if=f"{subset} left out, the error is half that of the mean, or more",
                )


def _coverage(metrics: Rows) -> Iterator[Check]:
    near = [(t, Split.GROUPED) for t in ("gap_HSE", "decomposition_HSE", "lattice_HSE")]
    for target, split in (*near, ("gap_HSE", Split.A_OUT), ("gap_HSE", Split.X_OUT)):
        features = COMPOSITION + (REFERENCES if target.startswith("decomp") else "")
        share = of_model(metrics, target, features, split, Metric.COVERAGE_90)
        far = split is not Split.GROUPED
        yield _check(
            check_id=f"coverage_{target}" + (f"_{split}".lower() if far else ""),
            check=f"{target} from {features}, {split}: share of held-out values inside the 90 % "
            f"interval ({share.shown}), distance from {COVERAGE:g}",
            bound=COVERAGE_FAR if far else COVERAGE_OFF,
            sense="at most",
            ours=share.distance(COVERAGE),
            fails_if="the intervals are too narrow or too wide",
        )


def _identities(quality: Rows | None) -> Check:
    names = {str(row["name"]) for row in quality or ()}
    wrong = names ^ set(BROKEN)
    return _check(
        check_id="identities",
        check="published rows that break an identity of vacancies and Fermi level and are not "
        f"known to ({', '.join(BROKEN)} is), or the other way round",
        bound=0,
        sense="at most",
        ours=Estimate.exact(NAN if quality is None else len(wrong), len(names)),
        fails_if="another published row breaks an identity, or the known one is not found",
    )


def _references(rows: Rows) -> Check:
    asked = [r for r in rows if r["fidelity"] == "HSE"]
    wrong = sorted(f"{r['A']}{r['X']}" for r in asked if r["consistent"] == "no")
    return _check(
        check_id="references",
        check="published reference energies of alkali halides that calorimetry contradicts: "
        + (", ".join(wrong) or "none"),
        bound=0,
        sense="at most",
        ours=Estimate.exact(len(wrong) if rows else NAN, len(asked)),
        fails_if="calorimetry contradicts one of them",
    )


def _runs(runs: Rows) -> Check:
    done = {r["name"] for r in runs if r["kind"] == "bands" and r["status"] == Status.OK}
    return _check(
        check_id="runs",
        check="inorganic ABX3 with lattice constant, PBE, HSE and spin-orbit gaps of our own",
        bound=INORGANIC,
        sense="at least",
        ours=Estimate.exact(len(done) if runs else NAN, len(runs)),
        fails_if="a calculation of one of them failed or is not there",
    )


def _parity(parity: Rows) -> Iterator[Check]:
    for quantity, allowed in PARITY.items():
        rows = [r for r in parity if r["quantity"] == quantity]
        off = [float(r["deviation"]) for r in rows]
        mean = Estimate.mean(off)
        yield _check(
            check_id=f"parity_{quantity}",
            check=f"{quantity}: mean deviation of our ideal cubic cells from the published column "
            f"({mean.shown}; mean absolute {Estimate.mean(map(abs, off)).shown}), size",
            bound=allowed,
            sense="at most",
            ours=mean.distance(0.0),
            unit=UNITS[quantity],
            fails_if="our calculations differ from the published ones in one direction",
        )


def _alkali_halides(excesses: Rows) -> Check:
    wrong = sorted(
        f"{r['a']}{r['x']}" for r in excesses if float(r["excess_eV"]) > binary_phases.WRONG_EV
    )
    return _check(
        check_id="salts",
        check="published reference energies of alkali halides that our own calculations "
        f"contradict: {', '.join(wrong) or 'none'}",
        bound=0,
        sense="at most",
        ours=Estimate.exact(len(wrong) if excesses else NAN, len(excesses)),
        fails_if=f"one lies more than {binary_phases.WRONG_EV:g} eV off, seen from the others",
    )


def _authors(rows: Rows, *, unseen: bool) -> Check:
    r = published.correlation(rows, "gap_HSE", unseen=unseen)
    which = "without a published value" if unseen else "that the authors named"
    return _check(
        check_id="authors_predictions" + ("_unseen" if unseen else ""),
        check=f"gap_HSE of {r.n} compounds {which}: correlation of the authors' predictions with "
        "ours",
        bound=LEAST_CORRELATION,
        sense="at least",
        ours=r,
        fails_if="the two models, learnt from the same labels, say different things",
    )


def _decomposition(rows: Rows) -> Check:
    done = [r for r in rows if r["status"] == Status.OK]
    off = [float(r["deviation_eV"]) for r in done if r["ax_consistent"] == "yes"]
    mean = Estimate.mean(off)
    return _check(
        check_id="decomposition_own",
        check=f"PBE decomposition energies of our own less published ones: mean over the "
        f"{len(off)} compounds of an AX that both agree on, of {len(done)} computed "
        f"({mean.shown}; mean absolute {Estimate.mean(map(abs, off)).shown}), size",
        bound=DECOMPOSITION_OFF,
        sense="at most",
        ours=mean.distance(0.0),
        unit="eV",
        fails_if="our decomposition energies differ from the published ones in one direction",
    )


def _orderings(rows: Rows) -> Iterator[Check]:
    for name, found in orderings.gap_spreads(rows).items():
        yield _check(
            check_id=_name("ordering_gap", name),
            check=f"{name}: standard deviation of the PBE gap over the orderings of one formula "
            f"({found.done} of {found.asked} computed, each with its share of the arrangements)",
            bound=ORDERING_GAP,
            sense="at most",
            ours=Estimate.exact(found.random, found.done),
            unit="eV",
            fails_if="the formula leaves the gap open by half of the error of the best model",
        )
