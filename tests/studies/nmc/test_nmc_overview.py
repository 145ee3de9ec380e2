"""The picture of the README: drawn from its numbers, which are those that the README says."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from defectra.core.csvs import read_csv, write_csv
from defectra.core.paths import PROJECT
from defectra.core.records import METRICS_COLUMNS
from defectra.studies.nmc.blocks.scores import CLAIMED
from defectra.studies.nmc.blocks.weights import WEIGHT_COLUMNS
from defectra.studies.nmc.overview import (
    COLUMNS,
    PICTURE,
    best_edge,
    draw_overview,
    rows_of,
)

ROWS = PICTURE.with_suffix(".csv")
SMALL = (240, 70)  # pixels: smoothing of another machine is no difference there
NEAR = 0.002  # share of them that differ
EDGE = read_csv(ROWS, COLUMNS)[0]["panel"]


def seen(path):
    """A picture as it looks from afar, shape (70, 240), white 1."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L").resize(SMALL, Image.Resampling.BOX), float) / 255


def away(one, other):
    return float(np.mean(np.abs(seen(one) - seen(other)) > 0.15))


def test_the_picture_is_that_of_its_numbers(tmp_path):
    draw_overview(read_csv(ROWS, COLUMNS), tmp_path / "again.png")
    assert away(tmp_path / "again.png", PICTURE) < NEAR, "run `make overview`"


@pytest.mark.parametrize("panel", [EDGE, "defects", "contents"])
def test_a_picture_of_other_numbers_is_seen(tmp_path, panel):
    rows = read_csv(ROWS, COLUMNS)
    for k, row in enumerate(r for r in rows if r["panel"].startswith(panel)):
        for name in ("value", "lo", "hi"):
            row[name] = -row[name] if panel == EDGE else row[name] * (0.6 if k % 2 else 1.0)
    draw_overview(rows, tmp_path / "other.png")
    assert away(tmp_path / "other.png", PICTURE) > NEAR


def test_the_spectrum_is_that_of_the_best_single_edge():
    own = [r for r in read_csv(ROWS, COLUMNS) if r["panel"] == f"defects: {CLAIMED[0].name}"]
    singles = {r["row"]: r["value"] for r in own if r["row"] != "all"}
    assert max(singles, key=singles.get) == EDGE
    assert best_edge([]) == ""


def test_the_numbers_are_those_of_the_readme():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    rows = {(r["panel"], r["row"]): r for r in read_csv(ROWS, COLUMNS)}
    for pair in CLAIMED:
        row = rows[f"defects: {pair.name}", "all"]
        said = f"AUROC {row['value']:.2f} [{row['lo']:.2f}, {row['hi']:.2f}] from all five edges"
        assert f"**{pair.target.capitalize()}** against the pristine cell: {said}" in text
    errors = [rows["contents: shapes alone", f"x_{m}"]["value"] for m in ("Li", "Ni", "Mn", "Co")]
    assert "from shapes alone " + ", ".join(f"{e:.3f}" for e in errors) in text


def test_rows_are_read_from_the_tables(tmp_path):
    metric = dict.fromkeys(METRICS_COLUMNS, "") | {
        "target": "vacancy", "features": "shape: Ni K", "model": "kernel", "metric": "auroc",
        "split": "grouped_5fold", "subset": "blocks: vacancy against pristine", "n_groups": 10,
        "value": 0.75, "lo": 0.5, "hi": 1.0, "n_train": 8, "n_test": 2, "seed": 1,
    }  # fmt: skip
    worse = metric | {"features": "shape: O K", "value": 0.7}
    every = metric | {"features": "shape: all", "value": 0.9}
    write_csv(tmp_path / "nmc/metrics.csv", [worse, metric, every], list(METRICS_COLUMNS))
    weight = dict.fromkeys(WEIGHT_COLUMNS, 1.0) | {
        "target": "vacancy", "edge": "Ni K", "energy_eV": 8340.0, "difference": 1.0,
        "difference_sd": 0.2,
    }  # fmt: skip
    write_csv(tmp_path / "nmc/blocks/weights.csv", [weight], WEIGHT_COLUMNS)
    rows = {(r["panel"], r["row"]): r for r in rows_of(tmp_path)}
    change = rows["Ni K", "8340"]
    assert (change["value"], change["lo"], change["hi"]) == pytest.approx((1.0, 0.8, 1.2))
    told = rows["defects: vacancy against pristine", "Ni K"]
    assert (told["value"], told["lo"], told["hi"], told["n"]) == (0.75, 0.5, 1.0, 10)
    assert np.isnan(rows["contents: shapes alone", "x_Li"]["value"])
