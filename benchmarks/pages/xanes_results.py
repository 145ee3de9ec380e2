"""What study `xanes` found, from the tables of a run into ``docs/spectra.md`` and its README.

``python -m benchmarks.pages.xanes_results [RESULTS]`` prints the tables of a results folder
(default ``results``), ``... write`` puts each between its marks. Intervals are of 90 %. CDF:
cumulative distribution function of a spectrum; RMS: root mean square; RMSE: root mean square error.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rows import put, table, tables_below
from defectra.core.claims import Estimate, Rows, estimate
from defectra.core.csvs import read_csv
from defectra.core.errors import reports_errors
from defectra.core.records import METRICS_COLUMNS, Metric
from defectra.core.studies import study_folder
from defectra.studies.xanes import transfer
from defectra.studies.xanes.compare import DIFFERENCES, FOREST, MEAN, OVER_MEAN, PAIRED
from defectra.studies.xanes.delta import CORRECTED, DELTA, RAW
from defectra.studies.xanes.fidelity_comparison import ANATASE, COMPARISON_COLUMNS
from defectra.studies.xanes.measured_nickel import (
    ALIGNED,
    AUTHORS,
    DECLARED,
    SERIES_COLUMNS,
    TARGET,
    UNALIGNED,
)
from defectra.studies.xanes.omnixas import ELEMENTS
from defectra.studies.xanes.scorecard import COPPER, better
from defectra.studies.xanes.views import AS_IS, VASP

PAGE = Path(__file__).parents[2] / "docs/spectra.md"
README = study_folder("xanes") / "README.md"
NONE = "none"
CDF = PAIRED[0]
DIRECTIONS = (("Ti", "Cu"), ("Cu", "Ti"))
# Name of each target and the decimals of its score.
TARGETS = {
    "Cu coordination": ("coordination, RMSE", 3),
    "Cu bond_length": ("mean Cu–O length, RMSE (Å)", 4),
    "Cu valence": ("valence sum, RMSE (e)", 3),
    "Cu oxidation": ("Cu⁺ or Cu²⁺, balanced accuracy", 3),
}
FEATURES = {
    "intensity": "intensity",
    "cdf": "CDF",
    "cwt": "CWT",
    "peaks": "peaks",
    "pca": "PCA",
    "intensity+cdf+cwt+peaks": "all but PCA",
}
VIEWS = {
    AS_IS: "as is",
    **{f"shift {ev} eV": f"shifted by {ev} eV" for ev in (1, 2, 3, 4, 5)},
    "broadened 2 eV": "broadened by 2 eV",
    "noise 0.01": "1 % of noise",
    VASP: "VASP",
}
# Models of one element, asked about the other, without any site of that one.
OTHER = {
    transfer.RAW: "FEFF as it is",
    transfer.OTHER_CORRECTION: "correction of the other element (shift, width, mean)",
    transfer.OTHER_DELTA: "delta model of the other element",
    transfer.AT_EDGE: "the same, relative to the edge",
    transfer.WIDTHS: "FEFF with the core hole that VASP was given",
    transfer.MEAN_ONLY: "relative to the edge, core holes equally wide: the mean alone",
    transfer.AT_WIDTH: "the same with the model",
}
KNOWN_SITES = (10, 20, 35, 50)
FEW = {
    transfer.CORRECTION: "correction from these sites",
    transfer.OWN: "delta model from these sites alone",
    transfer.BOTH: "model of both elements",
    transfer.CONTROL: "model of both elements, pairs of the other one shuffled",
}
ALL_SITES = {transfer.CORRECTION: CORRECTED, transfer.OWN: DELTA}  # of the other folds
# Models of measured nickel, all on the CDF, by their name and by the shift of the training spectra.
SERIES = {
    (FOREST, ALIGNED): "aligned without labels",
    (FOREST, DECLARED): "declared shift",
    (FOREST, UNALIGNED): "not aligned",
    (AUTHORS, ""): "published model",
}
LOADED = {"NMC622": "pristine 622", "NMC721": "pristine 721"}
VOLTAGES = (3.0, 4.3, 4.8)


@dataclass(frozen=True)
class Tables:
    """Tables of ``results/xanes`` of a run: metrics, comparison of fidelities, measured series."""

    metrics: Rows
    fidelities: Rows
    series: Rows

    @classmethod
    def of(cls, folder: Path) -> Tables:
        """From a folder.

        Raises
        ------
        TableError
            If the folder or a table is not there, or has other columns.
        """
        own = tables_below(folder)
        return cls(
            read_csv(own / "metrics.csv", METRICS_COLUMNS),
            read_csv(own / "ladder.csv", COMPARISON_COLUMNS),
            read_csv(own / "series.csv", SERIES_COLUMNS),
        )


def features(tables: Tables) -> str:
    """Score of every feature on undisturbed spectra of other materials, random forest."""
    lines = []
    for target, (name, digits) in TARGETS.items():
        wanted = {"target": target, "subset": AS_IS, "metric": COPPER[target]}
        found = [estimate(tables.metrics, features=f, model=FOREST, **wanted) for f in FEATURES]
        found.append(estimate(tables.metrics, features="none", model=MEAN, **wanted))
        lines.append([name, *(_number(e, digits) for e in found)])
    return table(["", *FEATURES.values(), "mean of training"], lines)


def differences(tables: Tables) -> str:
    """Score of the CDF less that of the intensity, and less that of the mean, by view."""
    head = ["", *(name for name, _ in TARGETS.values())]
    return "\n\n".join([
        "CDF less intensity:",
        table(head, _differences(tables.metrics, " - ".join(PAIRED))),
        "CDF less the mean of the training rows (a constant):",
        table(head, _differences(tables.metrics, OVER_MEAN)),
    ])  # fmt: skip


def _differences(metrics: Rows, pair: str) -> Iterator[list[str]]:
    for view, name in VIEWS.items():
        cells = []
        for target, (_, digits) in TARGETS.items():
            wanted = {"target": target, "subset": view, "metric": DIFFERENCES[COPPER[target]]}
            found = estimate(metrics, features=pair, model=FOREST, **wanted)
            ahead = found.lo > 0 if better(COPPER[target])[0] == "above" else found.hi < 0
            cells.append(f"**{_signed(found, digits)}**" if ahead else _signed(found, digits))
        if any(cell != NONE for cell in cells):
            yield [name, *cells]


def within_element(tables: Tables) -> str:
    """FEFF to VASP of one element: relative RMS and median correlation, folds over materials."""
    methods = (RAW, CORRECTED, DELTA)
    lines = []
    for element in ELEMENTS:
        cells = [
            " / ".join(
                _number(_of_all(tables.metrics, element, method, metric), 3)
                for metric in (Metric.RELATIVE_RMS, Metric.PEARSON)
            )
            for method in methods
        ]
        lines.append([f"{element} K", *cells])
    return table(["relative RMS / median r", *methods], lines)


def other_element(tables: Tables) -> str:
    """Relative RMS of an element by what was learnt from the other one alone."""
    head = ["", *(f"{source} → {target}" for source, target in DIRECTIONS)]
    return table(head, ([name, *_known(tables, model, 0)] for model, name in OTHER.items()))


def _known(tables: Tables, model: str, number: int) -> Iterator[str]:
    """One cell for each direction."""
    for source, target in DIRECTIONS:
        yield _ends(_transferred(tables.metrics, (source, target), model, number), 3)


def few_sites(tables: Tables) -> str:
    """Relative RMS of an element with a few known sites of it."""
    head = ["known sites", *map(str, KNOWN_SITES), "all but the fold"]
    lines = []
    for direction in DIRECTIONS:
        for model, name in FEW.items():
            found = [_transferred(tables.metrics, direction, model, n) for n in KNOWN_SITES]
            cells = [_number(e, 3) for e in found]
            whole = ALL_SITES.get(model, "")
            last = _of_all(tables.metrics, direction[1], whole, Metric.RELATIVE_RMS)
            lines.append([f"{direction[1]}: {name}", *cells, _number(last, 3) if whole else ""])
    return table(head, lines)


def anatase(tables: Tables) -> str:
    """Relative RMS of every code from the measured spectrum, the nearest first."""
    own = [r for r in tables.fidelities if r["panel"] == ANATASE and r["reference"] == "measured"]
    own.sort(key=lambda r: float(r["relative_rms"]))
    if not own:
        return NONE
    cells = [f"{float(r['relative_rms']):.3f}" for r in own]
    return table(["engine", *(str(r["rung"]) for r in own)], [["relative RMS", *cells]])


def electrodes(tables: Tables) -> str:
    """State of nickel of measured electrodes by each model, and how far states are apart."""
    volts = [f"{v} V" for v in VOLTAGES]
    head = ["forest on the CDF", *LOADED.values(), *volts, "charged from discharged, sd"]
    return table(head, _electrodes(tables))


def _electrodes(tables: Tables) -> Iterator[list[str]]:
    for (method, alignment), name in SERIES.items():
        wanted = (method, alignment, CDF)
        keys = ("method", "alignment", "features")
        own = [r for r in tables.series if tuple(_text(r[k]) for k in keys) == wanted]
        first = [[r for r in own if r["composition"] == c and not _charged(r)] for c in LOADED]
        cells = [_range(rows, 2) for rows in first]
        cells += [_range([r for r in own if r["voltage_V"] == v], 1) for v in VOLTAGES]
        apart = estimate(
            tables.metrics,
            "n_test",
            target=TARGET,
            features=CDF,
            model=method,
            subset=f"measured, {alignment}" if alignment else "measured",
            metric=Metric.SEPARATION,
        )
        yield [name, *cells, _number(apart, 1)]


def limits(tables: Tables) -> str:
    """What the README of the study says of transfer: a table, and what few sites are worth."""
    head = ["", *(f"learnt on {source}, asked about {target}" for source, target in DIRECTIONS)]
    names = {
        transfer.RAW: "FEFF as it is",
        transfer.OTHER_DELTA: "model",
        transfer.OTHER_CORRECTION: "the other element's own best correction (shift, width, mean)",
        transfer.MEAN_ONLY: "mean difference, on an axis from the edge and with core holes "
        "equally wide",
    }
    few = [
        f"{_number(_transferred(tables.metrics, d, transfer.OWN, KNOWN_SITES[0]), 3)} for {d[1]}"
        for d in DIRECTIONS
    ]
    lines = ([name, *_plain(tables, model)] for model, name in names.items())
    return (
        f"{table(head, lines)}\n\nA model of {KNOWN_SITES[0]} sites of the asked element alone: "
        f"{', '.join(few)}."
    )


def _plain(tables: Tables, model: str) -> Iterator[str]:
    for direction in DIRECTIONS:
        yield _number(_transferred(tables.metrics, direction, model, 0), 3)


# Blocks of both pages: what stands between their marks, and what writes it.
BLOCKS: Mapping[str, tuple[Path, Callable[[Tables], str]]] = {
    "xanes_features": (PAGE, features),
    "xanes_differences": (PAGE, differences),
    "xanes_within_element": (PAGE, within_element),
    "xanes_other_element": (PAGE, other_element),
    "xanes_few_sites": (PAGE, few_sites),
    "xanes_anatase": (PAGE, anatase),
    "xanes_electrodes": (PAGE, electrodes),
    "xanes_limits": (README, limits),
}


def _of_all(metrics: Rows, element: str, model: str, metric: Metric) -> Estimate:
    """Score of a model on every pair of an element."""
    wanted = {"target": f"{element} VASP spectrum", "features": "FEFF", "subset": "all"}
    return estimate(metrics, model=model, metric=metric, **wanted)


def _transferred(metrics: Rows, direction: tuple[str, str], model: str, number: int) -> Estimate:
    """Relative RMS of a model with some known sites of the asked element."""
    subset = transfer.subset_of(*direction, number)
    return estimate(metrics, model=model, subset=subset, metric=Metric.RELATIVE_RMS)


def _number(found: Estimate, digits: int) -> str:
    return NONE if found.n == 0 else f"{found.value:.{digits}f}"


def _ends(found: Estimate, digits: int) -> str:
    if found.n == 0 or math.isnan(found.lo):
        return _number(found, digits)
    return f"{found.value:.{digits}f} [{found.lo:.{digits}f}, {found.hi:.{digits}f}]"


def _signed(found: Estimate, digits: int) -> str:
    """A difference with its sign and interval."""
    if found.n == 0:
        return NONE
    value, lo, hi = (f"{x:+.{digits}f}".replace("-", "−") for x in found[:3])
    return f"{value} ({lo}, {hi})"


def _range(rows: Sequence[Mapping[str, object]], digits: int) -> str:
    """Smallest to largest value of some spectra."""
    shown = sorted({f"{float(str(r['value'])):.{digits}f}" for r in rows}, key=float)
    return " to ".join(dict.fromkeys([shown[0], shown[-1]])) if shown else NONE


def _charged(row: Mapping[str, object]) -> bool:
    """Whether a voltage is known: the pristine electrode has none."""
    return float(str(row["voltage_V"])) > 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


@reports_errors
def main() -> int:
    """Print the tables, or write them into both pages."""
    words = [w for w in sys.argv[1:] if w != "write"]
    found = Tables.of(Path(words[0] if words else "results") / "xanes")
    texts = {name: of(found) for name, (_, of) in BLOCKS.items()}
    for name, text in texts.items():
        if "write" in sys.argv[1:]:
            put(BLOCKS[name][0], name, text)
        else:
            print(f"{name}\n\n{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
