"""Tables of study `nmc` on how edges are joined, and on other splits, for ``docs/nmc_tables.md``.

AUROC: area under the receiver operating characteristic.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.pages.nmc_summary import shown
from defectra.core.claims import Estimate, Rows, estimate
from defectra.core.records import Metric, Split
from defectra.studies.nmc.blocks.claims import ALL_EDGES
from defectra.studies.nmc.blocks.evaluate import AVERAGED, KERNEL
from defectra.studies.nmc.blocks.fresh import LATE_KERNEL
from defectra.studies.nmc.blocks.scores import CLAIMED, SHAPE, Pair

JOINED = ["edges", *(f"{p.target}, {how}" for p in CLAIMED for how in ("early", "late"))]
SPLITS = [
    "pair",
    "split",
    "AUROC",
    "balanced accuracy",
    "AUROC, late fusion",
    "AUROC, as saved (one division into folds)",
]


def joined(metrics: Rows) -> Iterator[list[str]]:
    """AUROC of both defects by every subset of the edges, joined early and late."""
    features = [str(r["features"]) for r in metrics if str(r["features"]).startswith(SHAPE)]
    names = [f for f in dict.fromkeys(features) if " minus " not in f]
    for name in sorted(names, key=lambda f: (f == ALL_EDGES, f.count("+"))):
        found = [_auroc(metrics, p, name, m) for p in CLAIMED for m in (KERNEL, LATE_KERNEL)]
        yield [name.removeprefix(SHAPE), *(shown(e) if e.n else "" for e in found)]


def splits(metrics: Rows) -> Iterator[list[str]]:
    """Scores of both defects from all edges, by what is held out."""
    features = ALL_EDGES
    for pair in CLAIMED:
        for split in (Split.GROUPED, Split.COMPOSITION_OUT, Split.LITHIUM_OUT):
            found = (
                _auroc(metrics, pair, features, KERNEL, split),
                _auroc(metrics, pair, features, KERNEL, split, Metric.BALANCED_ACCURACY),
                _auroc(metrics, pair, features, LATE_KERNEL, split),
                _auroc(metrics, pair, features, AVERAGED, split),
            )
            yield [pair.name, str(split), *(shown(e) if e.n else "" for e in found)]


def _auroc(
    metrics: Rows,
    pair: Pair,
    features: str,
    model: str,
    split: Split = Split.GROUPED,
    metric: Metric = Metric.AUROC,
) -> Estimate:
    return estimate(
        metrics,
        target=pair.target,
        subset=f"blocks: {pair.name}",
        split=split,
        features=features,
        metric=metric,
        model=model,
    )
