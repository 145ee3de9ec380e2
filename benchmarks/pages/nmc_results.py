"""What study `nmc` found: tables of a run into ``docs/nmc_tables.md``, in short into two pages.

``python -m benchmarks.pages.nmc_results [RESULTS]`` prints the text of a results folder (default
``results``), ``... write`` puts it between its marks; the README and ``docs/nmc.md`` have the short
form. RMSE: root mean square error; AUROC: area under the receiver operating characteristic.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.pages import (
    nmc_campaign,
    nmc_controls,
    nmc_learning,
    nmc_looks,
    nmc_measured,
    nmc_second_code,
)
from benchmarks.pages.nmc_convergence import (
    DETECTED,
    SPECTRA,
    counted,
    detected,
    moved_more,
    spectra,
)
from benchmarks.pages.nmc_edges import JOINED, SPLITS, joined, splits
from benchmarks.pages.nmc_first import FIRST_CAMPAIGN, first_campaign
from benchmarks.pages.nmc_summary import shown, summary
from benchmarks.rows import put, table, tables_below
from defectra.core.claims import CHECK_COLUMNS, SCORECARD_COLUMNS, Estimate, Rows, estimate
from defectra.core.csvs import read_csv
from defectra.core.errors import reports_errors
from defectra.core.records import METRICS_COLUMNS, Metric, Split
from defectra.studies.nmc.blocks.claims import ALL_EDGES, score, single_edges
from defectra.studies.nmc.blocks.convergence import COLUMNS as CONVERGENCE_COLUMNS
from defectra.studies.nmc.blocks.core_hole import COLUMNS as CODE_COLUMNS
from defectra.studies.nmc.blocks.evaluate import BOTH, INTENSITY, KERNEL
from defectra.studies.nmc.blocks.images import COLUMNS as IMAGE_COLUMNS
from defectra.studies.nmc.blocks.own_cells import COLUMNS as OWN_CELL_COLUMNS
from defectra.studies.nmc.blocks.scores import ALL_ARMS, PAIRS, SHAPE
from defectra.studies.nmc.blocks.second_relaxer import COLUMNS
from defectra.studies.nmc.blocks.shells import SHELL_COLUMNS, SHELLS
from defectra.studies.nmc.blocks.tables import MISSING_COLUMNS, NOT_COMPUTED
from defectra.studies.nmc.lithium import LITHIUM_COLUMNS, NI_MEAN, O_PRE_EDGE, PARTS
from defectra.studies.nmc.scorecard import CONTENTS

ROOT = Path(__file__).parents[2]
NONE = "Not computed yet: fewer than two blocks in the archive."
LITHIUM = ["quantity", *PARTS]
PAGES = {
    ROOT / "docs/nmc.md": "nmc_results",
    ROOT / "README.md": "nmc_summary",
}
TABLES = (ROOT / "docs/nmc_tables.md", "nmc_tables")
HELD_OUT = (Split.GROUPED, Split.COMPOSITION_OUT, Split.LITHIUM_OUT)


def claims(scorecard: Rows, checks: Rows) -> Iterator[list[str]]:
    """Claims, then checks, of the study."""
    for row in (*scorecard, *checks):
        text = str(row.get("claim") or row.get("check"))
        found = Estimate(float(row["ours"]), float(row["lo"]), float(row["hi"]), int(row["n"]))
        yield [text, shown(found, 3), str(found.n), str(row["verdict"])]


def contents(metrics: Rows) -> Iterator[list[str]]:
    """Errors of the contents, by split and by what is read."""
    for split in HELD_OUT:
        for features, model in ((ALL_EDGES, KERNEL), (INTENSITY, "k-factors"), (BOTH, KERNEL)):
            values = [
                shown(
                    estimate(
                        metrics,
                        target=t,
                        features=features,
                        model=model,
                        split=split,
                        metric=Metric.RMSE,
                        subset=f"blocks: {ALL_ARMS}",
                    ),
                    3,
                )
                for t in CONTENTS
            ]
            yield [str(split), features, *values]
    own = [
        shown(
            estimate(
                metrics,
                target=t,
                features=ALL_EDGES,
                model=KERNEL,
                split=Split.DESIGN,
                metric=Metric.RMSE,
                subset="first campaign",
            ),
            3,
        )
        for t in CONTENTS
    ]
    yield ["first campaign (external)", ALL_EDGES, *own]


def defects(metrics: Rows) -> Iterator[list[str]]:
    """AUROC of every pair of arms by all edges and by each, then shares of pairs won."""
    for metric, words in ((Metric.AUROC, "AUROC"), (Metric.WIN_RATE, "pairs won")):
        for pair in PAIRS:
            edges = [score(metrics, pair, SHAPE + e, metric) for e in single_edges(metrics)]
            own = score(metrics, pair, metric=metric)
            yield [pair.name, words, shown(own), *(shown(e) for e in edges)]


def relaxers(rows: Rows) -> Iterator[list[str]]:
    """Every statistic of the second potential."""
    yield from _stated(rows, ("statistic", "subject", "cells"))


def own_cells(rows: Rows) -> Iterator[list[str]]:
    """Every statistic of the vacancies in cells of their own."""
    yield from _stated(rows, ("statistic", "subject"))


def left_out(missing: Rows) -> str:
    """Blocks whose calculations were run but are not whole, in a sentence."""
    failed = [r for r in missing if not str(r["reason"]).startswith(NOT_COMPUTED)]
    why = "; ".join(f"block {r['block']}, {r['reason']}" for r in failed)
    return f"Begun blocks that are left out: {why or 'none'}."


def codes(rows: Rows) -> Iterator[list[str]]:
    """Every statistic of the second code."""
    yield from _stated(rows, ("edge", "statistic", "subject"))


def _stated(rows: Rows, keys: Sequence[str]) -> Iterator[list[str]]:
    """What a row is about, its value with unit and interval, its number of blocks."""
    for row in rows:
        found = Estimate(float(row["value"]), float(row["lo"]), float(row["hi"]), int(row["n"]))
        unit = f" {row['unit']}" if row["unit"] else ""
        names = [str(row[k]).replace("_", " ") for k in keys]
        yield [*names, shown(found) + unit, str(found.n)]


def distances(rows: Rows) -> Iterator[list[str]]:
    """Change by shell, edge after edge."""
    for arm, edge in dict.fromkeys((str(r["arm"]), str(r["edge"])) for r in rows):
        own = {str(r["shell"]): r for r in rows if (r["arm"], r["edge"]) == (arm, edge)}
        counted = sum(int(own[s]["n_sites"]) for s in SHELLS if s in own)
        yield [arm, edge, *(_percent(own.get(s)) for s in SHELLS), str(counted)]


def _percent(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "none"
    value, lo, hi = (100 * float(row[k]) for k in ("value", "lo", "hi"))
    return shown(Estimate(value, lo, hi, int(float(row["n"]))), 1)


def images(rows: Rows) -> Iterator[list[str]]:
    """Every statistic of the larger cells."""
    for row in rows:
        found = Estimate(float(row["value"]), float(row["lo"]), float(row["hi"]), int(row["n"]))
        names = [str(row["statistic"]), str(row["shell"])]
        yield [*names, shown(found, 3), str(int(float(row["n_sites"]))), str(found.n)]


def lithium(rows: Rows) -> Iterator[list[str]]:
    """What removing lithium does to Ni K and O K; measured: 2310.07049."""
    for quantity, name, unit in (
        (NI_MEAN, "Ni K main peak (measured: +2.7 eV)", " eV"),
        (O_PRE_EDGE, "O K pre-edge area, ratio", ""),
    ):
        parts = (estimate(rows, "n_orderings", quantity=quantity, part=p) for p in PARTS)
        yield [name, *(shown(e) + unit * (e.n > 0) for e in parts)]


@dataclass(frozen=True)
class Found:
    """Tables of a run, and the parts of the modules beside this one.

    Attributes
    ----------
    scorecard, checks, metrics
        Rows of the study's own tables.
    relaxers, own_cells, codes, larger
        Rows of ``comparison.csv`` of ``second_relaxer``, ``own_cells``, ``core_hole`` and
        ``larger_cells``.
    own_cells_missing
        Rows of ``own_cells/missing.csv``.
    shells, converged
        Rows of ``blocks/shells.csv`` and ``blocks/convergence.csv``.
    measured
        Texts and tables, ready for the page.
    """

    scorecard: Rows
    checks: Rows
    metrics: Rows
    relaxers: Rows
    own_cells: Rows
    own_cells_missing: Rows
    codes: Rows
    larger: Rows
    shells: Rows
    converged: Rows
    measured: Sequence[str]

    @classmethod
    def below(cls, folder: Path) -> Found:
        """Read the tables of a results folder of the study."""
        return cls(
            scorecard=read_csv(folder / "scorecard.csv", SCORECARD_COLUMNS),
            checks=read_csv(folder / "checks.csv", CHECK_COLUMNS),
            metrics=read_csv(folder / "metrics.csv", METRICS_COLUMNS),
            relaxers=read_csv(folder / "second_relaxer/comparison.csv", COLUMNS),
            own_cells=read_csv(folder / "own_cells/comparison.csv", OWN_CELL_COLUMNS),
            own_cells_missing=read_csv(folder / "own_cells/missing.csv", MISSING_COLUMNS),
            codes=read_csv(folder / "core_hole/comparison.csv", CODE_COLUMNS),
            larger=read_csv(folder / "larger_cells/comparison.csv", IMAGE_COLUMNS),
            shells=read_csv(folder / "blocks/shells.csv", SHELL_COLUMNS),
            converged=read_csv(folder / "blocks/convergence.csv", CONVERGENCE_COLUMNS),
            measured=[
                *nmc_learning.parts(folder),
                *nmc_campaign.parts(folder),
                *nmc_controls.parts(folder),
            ],
        )

    def summary(self) -> str:
        """Text of the README."""
        return summary(self.scorecard, self.checks, self.metrics)


def page(found: Found) -> str:
    """Text of ``docs/nmc_tables.md``."""
    parts = [
        *_by_models(found.metrics),
        *found.measured,
        *_by_other_means(found),
        "### Claims and checks",
        "Claims and checks (`scorecard.csv`, `checks.csv`). n counts blocks, but for permuted "
        "labels permutations, for the weights of folds folds, for the first campaign families, for "
        "the lithium series orderings, for the electrodes cells:",
        table(["claim or check", "ours", "n", "verdict"], claims(found.scorecard, found.checks)),
    ]
    return "\n\n".join(parts)


def _by_models(metrics: Rows) -> list[str]:
    """Defects and contents by the models of the blocks."""
    return [
        "### Defects from all edges and from each",
        "AUROC and share of pairs won (the arm with the defect has the higher score of the two of "
        "its block), blocks held out, kernel model, 0.5 eV of jitter. What differs between blocks "
        "lowers the first and not the second; the tests that were fixed are of the first:",
        table(
            ["pair", "score", "all edges", *single_edges(metrics)],
            defects(metrics),
        ),
        "### Defects by what is held out, and by subset of the edges",
        "AUROC of the same two pairs by what is held out. Late fusion (mean of the answers of "
        "single edges) and the model as it is saved were looked at with 25 blocks and carry no "
        "claim here:",
        table(SPLITS, splits(metrics)),
        "AUROC by every subset of the edges, joined early (mean of their kernels: equal weights "
        "dilute an edge that shows the defect) and late; with so many ways, the largest value of "
        "the table is no estimate of what that way would reach on other blocks:",
        table(JOINED, joined(metrics)),
        "### Structures of the first campaign",
        "The structures of the first campaign, asked to models of the blocks that have seen none "
        "of them. Their cells relaxed freely, so that the volume carries the label; volume and "
        "contents are given to ridge, trained on these structures in folds over families (AUROC; "
        "late fusion was chosen after a look at the blocks):",
        table(FIRST_CAMPAIGN, first_campaign(metrics)),
        "### Errors of the contents",
        "RMSE per metal atom:",
        table(["split", "from", *CONTENTS], contents(metrics)),
    ]


def _by_other_means(found: Found) -> list[str]:
    """The same by another potential, converged potentials, larger cells and another code."""
    return [
        "### Cells of two potentials",
        "A second potential for the cells (`second_relaxer/comparison.csv`), 90 % intervals:",
        table(["statistic", "of", "cells", "value", "blocks"], relaxers(found.relaxers)),
        "### A vacancy in its own cell",
        "Cells relaxed with the vacancy, V*, and pristine ones at that volume, P*; the detector of "
        "all edges has learnt from the arms of other blocks, no cell of which was relaxed with a "
        "vacancy (`own_cells/comparison.csv`), 90 % intervals. "
        + left_out(found.own_cells_missing),
        table(["statistic", "of", "value", "blocks"], own_cells(found.own_cells))
        if found.own_cells
        else NONE,
        "### Spectra of converged potentials",
        counted(found.converged),
        table(SPECTRA, spectra(found.converged)),
        moved_more(found.converged),
        "The detector of the claims on blocks that it did not learn from, trained on `campaign` "
        "spectra (all sites), asked about three kinds of spectra of the same cells:",
        table(DETECTED, detected(found.converged)),
        "### Change by distance from the defect",
        "Change of the spectrum of single sites by their distance from the defect, % of the "
        "pristine spectrum (`blocks/shells.csv`), 90 % intervals:",
        table(["defect", "edge", *SHELLS, "sites"], distances(found.shells)),
        "### Cells of 40 and 80 atoms",
        "What a vacancy changes in cells of 40 and 80 atoms (`larger_cells/comparison.csv`), 90 % "
        "intervals:",
        table(["statistic", "shell", "value", "sites", "blocks"], images(found.larger))
        if found.larger
        else NONE,
        "### FEFF and GPAW",
        "A second code for Li K and O K, same sites (`core_hole/comparison.csv`), 90 % intervals:",
        table(["edge", "statistic", "of", "value", "blocks"], codes(found.codes))
        if found.codes
        else NONE,
    ]


@reports_errors
def main() -> int:
    """Print the text, or write it into the pages."""
    words = [w for w in sys.argv[1:] if w != "write"]
    folder = tables_below(Path(words[0] if words else "results") / "nmc")
    found = Found.below(folder)
    series = read_csv(folder / "lithium.csv", LITHIUM_COLUMNS)
    if "write" not in sys.argv[1:]:
        print(found.summary(), page(found), sep="\n\n")
        return 0
    for path, name in PAGES.items():
        put(path, name, found.summary())
    put(*TABLES, page(found))
    put(ROOT / "docs/validation.md", "nmc_lithium", table(LITHIUM, lithium(series)))
    put(nmc_measured.PAGE, "nmc_measured", "\n\n".join(nmc_measured.parts(folder)))
    put(nmc_second_code.PAGE, nmc_second_code.NAME, nmc_second_code.text())
    nmc_looks.add(found.checks, found.metrics)
    put(next(iter(PAGES)), "nmc_looks", table(*nmc_looks.looks()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
