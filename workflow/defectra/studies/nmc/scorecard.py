"""Scorecard of study `nmc`: what the papers claim beside what this run found."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from defectra.core import claims
from defectra.core.claims import Row, Rows, estimate
from defectra.core.records import Metric
from defectra.studies.nmc.aims import AIM, LEAST
from defectra.studies.nmc.blocks.claims import (
    ALL_EDGES,
    NO_BLOCKS,
    best_single,
    content,
    does_it,
    gain,
    score,
)
from defectra.studies.nmc.blocks.evaluate import BOTH
from defectra.studies.nmc.blocks.scores import CLAIMED
from defectra.studies.nmc.lithium import NI_MEAN, TOTAL
from defectra.studies.nmc.measured.electrode_scores import rmse_less
from defectra.studies.nmc.measured.electrodes import KERNEL, PEAK

Claim = partial(claims.Claim, study="nmc")
CONTENTS = ("x_Li", "x_Ni", "x_Mn", "x_Co")
NO_EXPERIMENT = "no mirror of the published data (make nmc MIRROR=FOLDER), or no blocks"
PUT_IN = "the intensities are calculated from the contents themselves, so that a skill is put in"
_XANES, _NMC = "arXiv:2310.07049", "arXiv:2501.08919"


def scorecard(metrics: Rows, lithium: Rows, experiment: Rows) -> list[Row]:
    """Rows of the scorecard.

    Parameters
    ----------
    metrics, lithium, experiment
        Rows of ``metrics.csv``, ``lithium.csv`` and ``experiment.csv``; each may be empty.
    """
    claims_ = (*_defects(metrics), *_contents(metrics), *_experiment(experiment))
    return [c.row() for c in (*claims_, *_lithium(lithium))]


def reason(rows: Rows, quantity: str, part: str) -> str:
    """Why ``lithium.csv`` has no value of a quantity."""
    found = (str(r["reason"]) for r in rows if (r["quantity"], r["part"]) == (quantity, part))
    return next(found, "")


def _lithium(rows: Rows) -> Iterator[claims.Claim]:
    yield Claim(
        claim_id="ni_k_shift",
        claim="Ni K main peak moves up, lithium 1.0 to 0.2",
        published=2.7,
        ours=estimate(rows, "n_orderings", quantity=NI_MEAN, part=TOTAL),
        tolerance=0.7,
        unit="eV",
        source=_XANES,
        test="equal",
        missing=reason(rows, NI_MEAN, TOTAL),
    )


def _experiment(rows: Rows) -> Iterator[claims.Claim]:
    yield Claim(
        claim_id="experiment_x_Li",
        claim="lithium of measured electrodes from Ni K: RMSE less than that of the peak position",
        than=0.0,
        ours=rmse_less(rows, KERNEL, PEAK),
        unit="per metal",
        source=f"{_NMC}, in words",
        test="below",
        missing=NO_EXPERIMENT,
    )


def _contents(rows: Rows) -> Iterator[claims.Claim]:
    for target in CONTENTS:
        for features, how in ((ALL_EDGES, "shape"), (BOTH, "shape and intensities (5 % error)")):
            yield Claim(
                claim_id=f"{target}_{'shape' if how == 'shape' else 'intensities'}",
                claim=f"{target} from all edges, by {how}: skill over the training mean",
                than=0.0,
                ours=content(rows, target, features, Metric.SKILL),
                source=f"{_NMC}, in words",
                test="above",
                missing=NO_BLOCKS,
                blind="" if how == "shape" else PUT_IN,
            )


def _defects(rows: Rows) -> Iterator[claims.Claim]:
    for pair in CLAIMED:
        in_words = partial(Claim, source=f"{_NMC}, in words", missing=NO_BLOCKS)
        yield in_words(
            claim_id=f"{pair.target}_detected",
            claim=f"{pair.target} is detected from all edges together (AUROC, {pair.name})",
            than=0.5,
            ours=score(rows, pair),
            test="above",
        )
        yield in_words(
            claim_id=f"{pair.target}_gain",
            claim=f"{pair.target}: all edges detect it better than each single one "
            "(smallest gain, AUROC)",
            than=0.0,
            ours=gain(rows, pair),
            test="above",
        )
        yield in_words(
            claim_id=f"{pair.target}_no_single_edge",
            claim=f"{pair.target}: no single edge detects it "
            f"(largest AUROC of one, below {AIM:.2f}; all edges reach {score(rows, pair).shown})",
            than=AIM,
            ours=best_single(rows, pair),
            test="below",
            contrary=any(does_it(rows, pair, AIM, LEAST)),
        )
