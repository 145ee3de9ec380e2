"""Tables of what study `xanes` found, from a small folder of results into copies of the pages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.pages import xanes_results as page
from defectra.core.csvs import write_csv
from defectra.core.errors import ConfigError
from defectra.core.records import METRICS_COLUMNS, Metric
from defectra.report.marked import within
from defectra.studies.xanes import transfer
from defectra.studies.xanes.compare import DIFFERENCES, FOREST, MEAN, OVER_MEAN
from defectra.studies.xanes.delta import CORRECTED, DELTA, RAW
from defectra.studies.xanes.fidelity_comparison import ANATASE, COMPARISON_COLUMNS
from defectra.studies.xanes.measured_nickel import ALIGNED, AUTHORS, SERIES_COLUMNS, TARGET
from defectra.studies.xanes.scorecard import COPPER
from defectra.studies.xanes.views import VASP

MOVED = "shift 5 eV"


def metric(value, name, width=0.01, **about):
    row = dict.fromkeys(METRICS_COLUMNS, "") | {"seed": 1, "n_train": 2, "n_test": 16}
    ends = {"value": value, "lo": value - width, "hi": value + width}
    return row | {"n_groups": 9, "metric": str(name)} | ends | about


def copper(target, features, view, value, model=FOREST):
    name = DIFFERENCES[COPPER[target]] if "-" in features else COPPER[target]
    return metric(value, name, target=target, features=features, subset=view, model=model)


def vasp(element, model, value, subset="all", name=Metric.RELATIVE_RMS):
    about = {"target": f"{element} VASP spectrum", "features": "FEFF", "subset": subset}
    return metric(value, name, model=model, **about)


def measured(composition, voltage, value, method=FOREST, alignment=ALIGNED):
    row = dict.fromkeys(SERIES_COLUMNS, "") | {"composition": composition, "features": "cdf"}
    about = {"voltage_V": voltage, "value": value, "method": method, "alignment": alignment}
    return row | {"number": 0, "unit": "e"} | about


METRICS = [
    *(copper("Cu coordination", "cdf - intensity", v, 0.0) for v in page.VIEWS if v != MOVED),
    *(copper("Cu coordination", OVER_MEAN, v, 0.0) for v in page.VIEWS if v not in (MOVED, VASP)),
    copper("Cu bond_length", "cdf", "as is", 0.04512),
    copper("Cu oxidation", "none", "as is", 0.5, MEAN),
    copper("Cu coordination", "cdf - intensity", MOVED, 0.128),
    copper("Cu valence", "cdf - intensity", MOVED, -0.02),
    copper("Cu oxidation", "cdf - intensity", MOVED, -0.02),
    copper("Cu oxidation", OVER_MEAN, MOVED, 0.02),
    vasp("Ti", RAW, 0.254),
    vasp("Ti", RAW, 0.931, name=Metric.PEARSON),
    vasp("Cu", DELTA, 0.096),
    vasp("Cu", CORRECTED, 0.123),
    vasp("Cu", transfer.OTHER_DELTA, 0.236, "Ti -> Cu, 0 sites"),
    vasp("Ti", transfer.OTHER_DELTA, 0.243, "Cu -> Ti, 0 sites"),
    vasp("Cu", transfer.OWN, 0.132, "Ti -> Cu, 10 sites"),
    metric(9.6, Metric.SEPARATION, target=TARGET, features="cdf", model=FOREST,
           subset=f"measured, {ALIGNED}"),
]  # fmt: skip
SERIES = [
    measured("NMC622", float("nan"), 2.324),
    measured("NMC622", 4.8, 3.51),
    measured("NMC721", 4.8, 3.69),
    measured("NMC721", 3.0, 3.3, AUTHORS, ""),
]


def level(rung, rms):
    row = dict.fromkeys(COMPARISON_COLUMNS, 0.0) | {"panel": ANATASE, "rung": rung}
    return row | {"reference": "measured", "relative_rms": rms, "axis": "", "alignment": ""}


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results/xanes"
    folder.mkdir(parents=True)
    write_csv(folder / "metrics.csv", METRICS, METRICS_COLUMNS)
    fidelities = [level("FEFF", 0.131), level("xspectra", 0.035)]
    write_csv(folder / "ladder.csv", fidelities, COMPARISON_COLUMNS)
    write_csv(folder / "series.csv", SERIES, SERIES_COLUMNS)
    return folder.parent


def texts(results):
    found = page.Tables.of(results / "xanes")
    return {name: of(found) for name, (_, of) in page.BLOCKS.items()}


def test_every_number_stands_where_it_belongs(results):
    said = texts(results)
    length = "| mean Cu–O length, RMSE (Å) | none | 0.0451 | none | none | none | none | none |"
    assert length in said["xanes_features"]
    assert said["xanes_features"].endswith("| none | none | none | none | none | none | 0.500 |")
    first, second = said["xanes_differences"].split("CDF less the mean")
    assert (
        "| shifted by 5 eV | +0.128 (+0.118, +0.138) | none | **−0.020 (−0.030, −0.010)** "
        "| −0.020 (−0.030, −0.010) |\n"
    ) in first
    assert "| shifted by 5 eV | none | none | none | **+0.020 (+0.010, +0.030)** |" in second
    assert "| Ti K | 0.254 / 0.931 | none / none | none / none |" in said["xanes_within_element"]
    delta = "| delta model of the other element | 0.236 [0.226, 0.246] | 0.243 [0.233, 0.253] |"
    assert delta in said["xanes_other_element"]
    own = "| Cu: delta model from these sites alone | 0.132 | none | none | none | 0.096 |"
    assert own in said["xanes_few_sites"]
    assert (
        "| Cu: model of both elements | none | none | none | none |  |" in said["xanes_few_sites"]
    )
    assert "| engine | xspectra | FEFF |" in said["xanes_anatase"]
    aligned = "| aligned without labels | 2.32 | none | none | none | 3.5 to 3.7 | 9.6 |"
    assert aligned in said["xanes_electrodes"]
    assert "| published model | none | none | 3.3 | none |" in said["xanes_electrodes"]
    assert "| model | 0.236 | 0.243 |" in said["xanes_limits"]
    assert said["xanes_limits"].endswith(
        "10 sites of the asked element alone: 0.132 for Cu, none for Ti."
    )


def test_the_pages_are_what_the_command_writes(results, tmp_path, monkeypatch):
    """A second time changes nothing; nothing outside the marks is changed."""
    copies = {}
    for path in {path for path, _ in page.BLOCKS.values()}:
        copies[path] = tmp_path / path.name
        copies[path].write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    blocks = {name: (copies[path], of) for name, (path, of) in page.BLOCKS.items()}
    monkeypatch.setattr(page, "BLOCKS", blocks)
    monkeypatch.setattr(sys, "argv", ["program", str(results), "write"])
    before = {path: path.read_text(encoding="utf-8") for path in copies.values()}
    assert page.main() == 0
    once = {path: path.read_text(encoding="utf-8") for path in copies.values()}
    assert page.main() == 0
    assert once == {path: path.read_text(encoding="utf-8") for path in copies.values()}
    for name, text in texts(results).items():
        path, marks = blocks[name][0], marks_of(name)
        assert within(once[path], marks).strip() == text
        before[path] = before[path].replace(within(before[path], marks), "")
        once[path] = once[path].replace(within(once[path], marks), "")
    assert once == before


@pytest.mark.parametrize("name", page.BLOCKS)
def test_a_page_has_the_rows_and_columns_that_the_command_writes(name, results):
    """Their numbers are of a whole run; the first column is not."""
    path = page.BLOCKS[name][0]
    kept = skeleton(within(path.read_text(encoding="utf-8"), marks_of(name)))
    assert kept == skeleton(texts(results)[name])


def skeleton(text):
    """First column of each table."""
    blocks = [b for b in text.strip().split("\n\n") if b.startswith("|")]
    columns = [[line.split(" | ")[0].strip("| ") for line in b.splitlines()] for b in blocks]
    return [[cell for cell in column if cell != "---"] for column in columns]


def marks_of(name):
    return f"<!-- {name} begin -->", f"<!-- {name} end -->"


def test_a_folder_without_the_tables_leaves_the_pages_alone(tmp_path, monkeypatch, capsys):
    before = page.PAGE.read_bytes()
    monkeypatch.setattr(sys, "argv", ["program", str(tmp_path), "write"])
    assert page.main() == 1
    assert "a run of the study makes it" in capsys.readouterr().err
    assert page.PAGE.read_bytes() == before


def test_a_page_without_the_marks_is_refused(results, tmp_path, monkeypatch):
    other = Path(tmp_path / "page.md")
    other.write_text("no marks")
    monkeypatch.setattr(page, "BLOCKS", {"xanes_features": (other, page.features)})
    monkeypatch.setattr(sys, "argv", ["program", str(results), "write"])
    monkeypatch.setattr(page, "main", page.main.__wrapped__)
    with pytest.raises(ConfigError, match="xanes_features begin"):
        page.main()
