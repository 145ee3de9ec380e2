"""Tables of study `nmc` on converged potentials, for ``docs/nmc_tables.md``.

AUROC: area under the receiver operating characteristic; RMS: root mean square.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.pages.nmc_summary import shown
from defectra.core.claims import Estimate, Rows, estimate
from defectra.core.records import Metric
from defectra.studies.nmc.blocks.convergence import (
    ALIKE,
    ALL_EDGES,
    COMPARED,
    CONVERGED,
    DISTANCE,
    FAST,
    FAST_SITES,
    MEAN,
    SIZE,
    WITHOUT,
)
from defectra.studies.nmc.blocks.scores import CLAIMED

SPECTRA = ["edge", "protocols apart, pristine", "defect", "correlation of its changes",
           "change, campaign", "change, converged", "blocks"]  # fmt: skip
DETECTED = ["pair", "edges", "score", FAST, FAST_SITES, CONVERGED]


def counted(rows: Rows) -> str:
    """How many blocks there are, in a sentence."""
    compared, without = (
        next((int(r["value"]) for r in rows if r["statistic"] == s), 0) for s in (COMPARED, WITHOUT)
    )
    return (
        "Converged potentials (`blocks/convergence.csv`), relative RMS, 90 % intervals; blocks "
        f"compared: {compared}, whole blocks without converged spectra: {without}. Edges at which "
        "fewer than two blocks have a site that stands in both arms have no row:"
    )


def spectra(rows: Rows) -> Iterator[list[str]]:
    """Distance of the protocols and the changes by either, edge after edge."""
    for edge in _edges(rows):
        apart = _mean(rows, edge=edge, statistic=DISTANCE)
        for pair in CLAIMED:
            key = {"edge": edge, "subject": f"{pair.arm} minus {pair.other}"}
            alike = _mean(rows, statistic=ALIKE, **key)
            sizes = [_mean(rows, statistic=SIZE, spectra=s, **key) for s in (FAST_SITES, CONVERGED)]
            if alike.n:
                values = [shown(alike), *(shown(s, 3) for s in sizes)]
                yield [edge, shown(apart, 3), pair.arm, *values, str(alike.n)]


def moved_more(rows: Rows) -> str:
    """Edges at which the choice of the protocol moves a spectrum by more than a defect does."""
    parts = []
    for pair in CLAIMED:
        key = {"subject": f"{pair.arm} minus {pair.other}", "spectra": FAST_SITES}
        edges = [
            edge
            for edge in _edges(rows)
            if _mean(rows, edge=edge, statistic=DISTANCE).value
            > _mean(rows, edge=edge, statistic=SIZE, **key).value
        ]
        parts.append(f"{pair.target}: {', '.join(edges) or 'none'}")
    return (
        "Edges at which the two protocols are further apart on a pristine spectrum than the defect "
        f"changes it (means over these blocks; intervals are in the table): {'; '.join(parts)}."
    )


def detected(rows: Rows) -> Iterator[list[str]]:
    """Scores of the detector of the claims on spectra of either protocol."""
    for pair in CLAIMED:
        for edge in (ALL_EDGES, *_edges(rows)):
            for metric in (Metric.WIN_RATE, Metric.AUROC):
                key = {"edge": edge, "statistic": str(metric), "subject": pair.name}
                found = [_mean(rows, spectra=s, **key) for s in (FAST, FAST_SITES, CONVERGED)]
                if found[0].n:
                    name = "pairs won" if metric is Metric.WIN_RATE else "AUROC"
                    yield [pair.name, edge, name, *(shown(f) for f in found)]


def _edges(rows: Rows) -> list[str]:
    return list(dict.fromkeys(str(r["edge"]) for r in rows if r["edge"] != ALL_EDGES))


def _mean(rows: Rows, **wanted: str) -> Estimate:
    return estimate(rows, "n", block=MEAN, **wanted)
