"""Table of ``docs/nmc_tables.md``: defects in the structures of the first campaign of `nmc`."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.pages.nmc_summary import shown
from defectra.core.claims import Rows
from defectra.core.records import Metric
from defectra.studies.nmc.blocks.claims import ALL_EDGES, single_edges
from defectra.studies.nmc.blocks.controls import VOLUME
from defectra.studies.nmc.blocks.evaluate import KERNEL
from defectra.studies.nmc.blocks.fresh import LATE_KERNEL
from defectra.studies.nmc.blocks.scores import CLAIMED, SHAPE
from defectra.studies.nmc.first.volume import BESIDE, JOINED, OVER, RIDGE
from defectra.studies.nmc.first.volume_checks import in_first

FIRST_CAMPAIGN = ["from", "statistic", *(p.target for p in CLAIMED), "families"]


def first_campaign(metrics: Rows) -> Iterator[list[str]]:
    """What is asked, and the answers about both defects; rows without numbers are left out."""
    accuracy = Metric.BALANCED_ACCURACY
    asked = [
        ("all edges", "AUROC", ALL_EDGES, KERNEL, Metric.AUROC),
        ("all edges", "balanced accuracy", ALL_EDGES, KERNEL, accuracy),
        ("all edges, late fusion", "AUROC", ALL_EDGES, LATE_KERNEL, Metric.AUROC),
        ("all edges, late fusion", "balanced accuracy", ALL_EDGES, LATE_KERNEL, accuracy),
        *((e, "AUROC", SHAPE + e, KERNEL, Metric.AUROC) for e in single_edges(metrics)),
        (f"{VOLUME}, no spectrum", "AUROC", VOLUME, RIDGE, Metric.AUROC),
    ]
    for name, model in (("", KERNEL), (", late fusion", LATE_KERNEL)):
        asked += [
            (f"all edges{name}, less {VOLUME}", "gain", OVER, model, Metric.AUROC),
            (f"{JOINED}{name}", "AUROC", JOINED, model, Metric.AUROC),
            (f"the same, less {VOLUME}", "gain", BESIDE, model, Metric.AUROC),
        ]
    for name, statistic, features, model, metric in asked:
        found = [in_first(metrics, p.target, features, model, metric) for p in CLAIMED]
        if all(e.n for e in found):
            yield [name, statistic, *(shown(e) for e in found), str(found[0].n)]
