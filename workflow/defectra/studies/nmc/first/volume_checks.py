"""Checks of the spectra beside cell volume and contents, where these carry the label.

AUROC: area under the receiver operating characteristic.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from defectra.core.claims import Check, Estimate, Rows, estimate
from defectra.core.records import Metric, Split
from defectra.studies.nmc.blocks.claims import ALL_EDGES, over, score
from defectra.studies.nmc.blocks.controls import CONTROLS, VOLUME
from defectra.studies.nmc.blocks.evaluate import KERNEL
from defectra.studies.nmc.blocks.scores import CLAIMED, Pair
from defectra.studies.nmc.first.external import FIRST
from defectra.studies.nmc.first.volume import BESIDE, OVER

CHANCE = 0.5  # AUROC of a guess
BY_DESIGN = (
    "cannot fail here: both arms have the same cell and contents, so that these have an AUROC of "
    "0.5 by design, and the gain is that of the spectra less 0.5"
)
NO_VOLUMES = "no blocks, no structures of the first campaign, or a volume of them is not known"
_check = partial(Check, study="nmc", bound=0.0, sense="above")


def in_first(
    rows: Rows,
    target: str,
    features: str = ALL_EDGES,
    model: str = KERNEL,
    metric: Metric = Metric.AUROC,
) -> Estimate:
    """Score of the blocks' models, or of a comparison with them, in the first campaign."""
    return estimate(
        rows,
        target=target,
        subset=FIRST,
        split=Split.DESIGN,
        features=features,
        metric=metric,
        model=model,
    )


def volume_checks(rows: Rows) -> Iterator[Check]:
    """First campaign, then the blocks."""
    for pair in CLAIMED:
        where = f"{pair.target} in the structures of the first campaign, each with its own cell"
        yield _check(
            check_id=f"{pair.target}_over_volume_first_campaign",
            check=f"{where}: the blocks' model detects it better than volume and contents (gain, "
            "AUROC; added with 25 blocks)",
            ours=in_first(rows, pair.target, OVER),
            fails_if="volume and contents rank the defect better than the spectra",
            missing=NO_VOLUMES,
        )
        yield _check(
            check_id=f"{pair.target}_beside_volume_first_campaign",
            check=f"{where}: volume, contents and the blocks' model together detect it better than "
            "volume and contents (gain, AUROC; added with 25 blocks)",
            ours=in_first(rows, pair.target, BESIDE),
            fails_if="the spectra add nothing to volume and contents",
            missing=NO_VOLUMES,
        )
    for pair in CLAIMED:
        yield _check(
            check_id=f"{pair.target}_over_volume_and_contents",
            check=f"{pair.name}: all edges detect it better than {VOLUME} (smallest gain, AUROC)",
            ours=over(rows, pair, VOLUME, CONTROLS[VOLUME]),
            fails_if="volume and contents alone rank the defect as well as the spectra",
            blind=BY_DESIGN if equal_by_design(rows, pair) else "",
            missing="fewer than four whole blocks are in the archive",
        )


def equal_by_design(rows: Rows, pair: Pair) -> bool:
    """Whether the models of volume and contents answer alike about both arms of every pair."""
    found = [score(rows, pair, VOLUME, model=m) for m in CONTROLS[VOLUME]]
    return all(f.lo == f.hi == CHANCE for f in found)
