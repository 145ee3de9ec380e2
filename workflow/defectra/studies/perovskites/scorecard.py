"""Scorecard of study `perovskites`: what papers print beside what this run found."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from defectra.core import claims
from defectra.core.claims import NAN, NOTHING, Estimate, Row, Rows, estimate
from defectra.core.records import Metric, Split
from defectra.learn.committee import COMMITTEE
from defectra.studies.perovskites.problems import COMPOSITION
from defectra.studies.perovskites.tables import UNITS

Claim = partial(claims.Claim, study="perovskites")
_PAPER = "arXiv:2109.10798"
# Test errors of the authors, one 80/20 split.
AUTHORS = {
    "gap_PBE": 0.21,
    "gap_HSE": 0.24,
    "decomposition_PBE": 0.11,
    "decomposition_HSE": 0.11,
    "lattice_PBE": 0.07,
    "lattice_HSE": 0.11,
    "refractive_index": 0.06,
    "log_fom": 0.16,
    "defect_energy": 0.25,
    "fermi_level": 0.26,
    "level_A": 0.13,
    "level_X": 0.23,
}
SCREENED = 574
# Detailed balance at 1.42 eV, AM1.5G, 298 K.
LIMIT_GAAS = 33.2


def scorecard(metrics: Rows, films: Rows = ()) -> list[Row]:
    """Rows of the scorecard.

    Parameters
    ----------
    metrics, films
        Rows of ``metrics.csv`` and ``slme.csv``; each may be empty.
    """
    return [c.row() for c in (*_authors(metrics), _screened(), _film(films))]


def of_model(
    rows: Rows, target: str, features: str, split: Split, metric: Metric, model: str = COMMITTEE
) -> Estimate:
    """Score of a model on all held-out rows; the mean over repeats with other seeds."""
    wanted = {"target": target, "features": features, "split": split, "metric": metric}
    return estimate(rows, model=model, subset="all", **wanted)


def _authors(metrics: Rows) -> Iterator[claims.Claim]:
    for target, error in AUTHORS.items():
        yield Claim(
            claim_id=f"authors_{target}",
            claim=f"{target}: error below the authors' test error (RMSE, 5-fold, formula alone)",
            published=error,
            ours=of_model(metrics, target, COMPOSITION, Split.GROUPED, Metric.RMSE),
            unit=UNITS[target],
            source=f"{_PAPER}, parity plots of the test set",
            test="below",
        )


def _screened() -> claims.Claim:
    return Claim(
        claim_id="screened",
        claim="compounds of the whole space that pass the criteria of the paper",
        published=SCREENED,
        ours=NOTHING,
        tolerance=0.0,
        source=_PAPER,
        test="equal",
        missing="the criteria are not public; what ours leave stands in funnel.csv",
    )


def _film(rows: Rows) -> claims.Claim:
    values = [float(r["slme_percent"]) for r in rows if r["material"] == "GaAs"]
    return Claim(
        claim_id="slme_GaAs",
        claim="efficiency of a thick GaAs film, measured absorption: the limit of its gap",
        published=LIMIT_GAAS,
        ours=Estimate.exact(max(values, default=NAN), 1),
        tolerance=0.3,
        unit="%",
        source="Rühle, Sol. Energy 130, 139 (2016)",
        test="equal",
    )
