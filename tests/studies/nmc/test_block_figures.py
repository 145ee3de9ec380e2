"""What figures of the blocks and of the first campaign show, read from the csv beside them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from defectra.core.csvs import read_csv
from defectra.core.records import Metric, Split
from defectra.figures.drawn import COLUMNS
from defectra.studies.nmc.blocks.curves import EXPECTED
from defectra.studies.nmc.figures.blocks import printed_error
from defectra.studies.nmc.figures.curves import plot_curves
from defectra.studies.nmc.figures.gains import plot_gains
from defectra.studies.nmc.figures.models import plot_spectra

PAIR = "vacancy against pristine"


def scored(features, model="kernel", metric=Metric.AUROC, value=0.8, target="vacancy", of=PAIR):
    return {
        "target": target, "subset": f"blocks: {of}", "split": Split.GROUPED, "features": features,
        "model": model, "metric": metric, "value": value, "lo": value - 0.05, "hi": value + 0.05,
        "n_groups": 12.0, "unit": "",
    }  # fmt: skip


def shown(path):
    return read_csv(path.with_suffix(".csv"), list(COLUMNS))


def test_what_is_saved_and_gains_known_by_design_are_not_among_the_gains(tmp_path):
    rows = [scored("shape: O K", value=0.61), scored("shape: all", value=0.83),
            scored("shape: all", "kernel, late", value=0.87),
            scored("shape: all", "averaged kernel", value=0.99),
            scored("volume and contents", "ridge", value=0.5),
            scored("shape: all minus O K", value=0.22),
            scored("shape: all minus volume and contents (ridge)", value=0.33)]  # fmt: skip
    plot_gains(rows, tmp_path / "gains.png")
    found = {(r["y_name"], r["x"]) for r in shown(tmp_path / "gains.png") if r["kind"] != "range"}
    assert ("O K alone", 0.61) in found
    assert ("O K alone", 0.22) in found
    assert ("mean of single edges, kernel", 0.87) in found
    values = {x for _, x in found}
    assert not values & {0.99, 0.33}


@pytest.mark.parametrize("number", [2, 40])
def test_spectra_are_classes_and_no_hairlines(tmp_path, number):
    grid = [1.0, 2.0, 3.0]
    structures = [
        {"structure_id": str(k), "species": ["Li"] * (k % 10 + 1) + ["Ni"] * 10, "defect": ""}
        for k in range(number)
    ]
    averages = [
        {"structure_id": str(k), "element": "Ni", "edge": edge, "energy_eV": grid,
         "mu": [0.1, 0.2, 0.3]}
        for k in range(number) for edge in ("K", "L3")
    ]  # fmt: skip
    plot_spectra(structures, averages, ["Ni K", "Ni L3"], tmp_path / "spectra.png")
    rows = shown(tmp_path / "spectra.png")
    lines = Counter(r["panel"] for r in rows if r["kind"] == "line" and r["point"] == 1)
    assert lines
    assert max(lines.values()) <= 3
    assert not any("L3" in str(r["title"]) for r in rows)


def test_curves_show_every_edge_with_its_interval_and_the_law_to_its_end(tmp_path):
    curves = [
        scored(f, value=v) | {"curve": "jitter", "at": at}
        for f, v in (("shape: all", 0.9), ("shape: O K", 0.7))
        for at in (0.0, 0.5)
    ]
    curves += [scored("shape: all", value=0.8) | {"curve": "learning", "at": n}
               for n in (5.0, 10.0, 20.0)]  # fmt: skip
    laws = [{"target": "vacancy", "subset": f"blocks: {PAIR}", "metric": Metric.AUROC,
             "quantity": EXPECTED, "at": n, "value": 0.8, "lo": 0.7, "hi": 0.9, "aim": 0.9}
            for n in (5.0, 20.0, 64.0)]  # fmt: skip
    plot_curves(curves, laws, tmp_path / "curves.png")
    rows = shown(tmp_path / "curves.png")
    learning = [r for r in rows if r["x_label"] == "training blocks"]
    assert max(r["x"] for r in learning if np.isfinite(r["x"])) == 64
    assert any(r["y"] == pytest.approx(0.9) for r in learning), "the aim"
    jitter = [r for r in rows if str(r["x_label"]).startswith("axis jitter")]
    assert any(r["kind"] == "range" and r["y"] == pytest.approx(0.65) for r in jitter), "interval"


def test_the_printed_error_is_that_of_the_table():
    table = [scored("shape: all", metric=Metric.RMSE, value=0.123, target="x_Ni", of="all arms")]
    told = printed_error(table, "x_Ni", "shape: all", "kernel")
    assert told == "RMSE 0.123\n[0.073, 0.173]"
    assert printed_error(table, "x_Co", "shape: all", "kernel") == "RMSE not in metrics.csv"
