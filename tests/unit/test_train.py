"""`defectra train` and `defectra predict` on tables of people: scores, refusals, saved models."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from defectra.cli.main import main
from defectra.core.errors import DataError, TableError
from defectra.core.records import Column, Table
from defectra.core.store import write_table
from defectra.learn.any_table import AnyTable, read_any, read_parts
from defectra.learn.saved import load
from defectra.learn.table_model import load_table_model
from defectra.learn.train import FOREST, MEAN, RIDGE, Asked, train

ENERGY = np.arange(8330.0, 8375.0, 0.5)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    """y = a² in thirty families of four, all of which have their own level of `a`."""
    draw = np.random.default_rng(3)
    rows = [
        {"name": f"r{k}", "family": f"f{k // 4}", "a": a, "b": draw.normal(), "y": a * a}
        for k, a in enumerate(draw.uniform(-2, 2, 120))
    ]
    return write(tmp_path / "numbers.csv", rows)


def test_a_law_is_learned_and_ridge_cannot(numbers: Path) -> None:
    _, report, _ = train(read_any(numbers), Asked("y", "family", ("a", "b")), None)
    assert report.scores[FOREST]["r2"][1] > 0.8
    assert report.scores[RIDGE]["r2"][2] < 0.2
    assert report.better[1] > 0, "and it is seen that the forest is better"
    assert report.scores[MEAN]["rmse"][0] > 3 * report.scores[FOREST]["rmse"][0]
    again = train(read_any(numbers), Asked("y", "family", ("a", "b")), None)[1]
    assert again == report


def test_the_penalty_of_ridge_is_chosen_for_new_groups(tmp_path: Path) -> None:
    """Ten nearly equal rows a group: chosen by rows left out, ridge has three times this error."""
    draw = np.random.default_rng(7)
    centres, slopes = draw.normal(size=(30, 20)), draw.normal(size=20)
    level = centres @ slopes / np.sqrt(20) + 2.0 * draw.normal(size=30)
    rows = [
        {"family": k // 10, "y": level[k // 10]}
        | {f"x{i}": x for i, x in enumerate(centres[k // 10] + 0.1 * draw.normal(size=20))}
        for k in range(300)
    ]
    names = tuple(f"x{i}" for i in range(20))
    table = read_any(write(tmp_path / "groups.csv", rows))
    found = train(table, Asked("y", "family", names), None)[1].scores
    assert found[RIDGE]["rmse"][0] < 1.25 * found[MEAN]["rmse"][0]


def test_what_only_tells_the_family_tells_nothing_of_a_new_one(tmp_path: Path) -> None:
    """The control that fails if a family is on both sides: with copies of it the label is known."""
    draw = np.random.default_rng(5)
    level = draw.normal(size=30)
    rows = [{"family": k // 6, "row": k, "tag": k // 6, "y": level[k // 6]} for k in range(180)]
    table = read_any(write(tmp_path / "copies.csv", rows))
    held_out = train(table, Asked("y", "family", ("tag",)), None)[1].scores[FOREST]["r2"]
    leaking = train(table, Asked("y", "row", ("tag",)), None)[1].scores[FOREST]["r2"]
    assert held_out[0] < 0.3
    assert leaking[0] > 0.9


def test_a_saved_model_answers_as_it_was_fitted_and_warns_outside(
    numbers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.npz"
    asked = ["train", str(numbers), "--target", "y", "--group", "family", "--features", "a"]
    assert main([*asked, "--out", str(model)]) == 0
    told = capsys.readouterr().out
    assert "120 rows in 30 groups" in told
    assert all(f"\n  {name} " in told for name in ("mean", "ridge", "random forest"))
    new = write(tmp_path / "new.csv", [{"a": 1.5}, {"a": 40.0}, {"a": "nan"}])
    assert main(["predict", str(model), str(new)]) == 1
    lines = capsys.readouterr().out.splitlines()[-3:]
    value = float(lines[0].split(" y ")[1].split()[0])
    assert value == pytest.approx(2.25, abs=0.3)
    assert lines[0].endswith("(90 %)")
    assert "extrapolated, no interval" in lines[1]
    assert "refused" in lines[2]
    assert main(["predict", str(model), str(numbers)]) == 0
    for row, code in ((1.5, 0), (40.0, 1)):  # without an interval it is 1
        one = write(tmp_path / "one.csv", [{"a": row}])
        assert main(["predict", str(model), str(one)]) == code
    other = write(tmp_path / "other.csv", [{"b": 1.0}])
    assert main(["predict", str(model), str(other)]) == 1
    assert "no column 'a'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "Y", "--group", "family"], "no column 'Y', did you mean 'y'?"),
        (["--target", "y", "--group", "famly"], "did you mean 'family'?"),
        (["--target", "name", "--group", "family"], "holds words (e.g. 'r0')"),
        (["--target", "y", "--group", "family", "--features", "y"], "cannot be a feature"),
        (["--target", "y", "--group", "one"], "1 group(s) in 120 rows, at least 3"),
        (["--target", "one", "--group", "family"], "is 7 in all 120 rows: nothing to learn"),
        (
            ["--target", "y", "--group", "family", "--features", "cdf: Ni K"],
            "no column 'cdf: Ni K'",
        ),
    ],
)
def test_refusals_are_sentences(
    numbers: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with numbers.open(encoding="utf-8") as handle:
        rows = [{**row, "one": 7} for row in csv.DictReader(handle)]
    write(numbers, rows)
    assert main(["train", str(numbers), *words]) == 2
    assert message in capsys.readouterr().err


def test_rows_without_a_number_are_counted(
    numbers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with numbers.open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    for k in (0, 1, 2):
        rows[k]["y"] = "nan"
    rows[50]["a"] = ""
    rows[60]["family"] = ""
    write(numbers, rows)
    assert main(["train", str(numbers), "--target", "y", "--group", "family"]) == 0
    told = capsys.readouterr().out
    assert "115 rows" in told
    for reason in ("3 rows, no y", "1 rows, no family", "1 rows, a feature is missing"):
        assert f"left out: {reason}" in told


def spectra_table(path: Path, kinds: int = 12) -> Path:
    """An edge that moves with the label; four noisy copies of each of some materials."""
    names = ("structure_id", "string"), ("group", "string"), ("state", "float")
    grid = ("first_eV: Ni K", "float"), ("step_eV: Ni K", "float"), ("raw: Ni K", "floats")
    table = Table("test", tuple(Column(n, t, "", "") for n, t in (*names, *grid)))
    draw, rows = np.random.default_rng(2), []
    for k in range(4 * kinds):
        state = 2 + (k // 4) / kinds
        values = 1 / (1 + np.exp(-(ENERGY - 8340 - 3 * state) / 1.5))
        values += np.exp(-((ENERGY - 8345 - 3 * state) ** 2) / 8)
        values = np.clip(values + draw.normal(0, 0.004, len(values)), 0, None)
        rows.append({"structure_id": f"s{k}", "group": f"g{k // 4}", "state": state,
                     "first_eV: Ni K": 8330.0, "step_eV: Ni K": 0.5,
                     "raw: Ni K": values.tolist()})  # fmt: skip
    write_table(path, rows, table)
    return path


@pytest.mark.parametrize("kind", ["cdf", "raw"])
def test_a_curve_with_a_grid_becomes_a_model_of_measured_spectra(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = spectra_table(tmp_path / "spectra.parquet"), tmp_path / "model.npz"
    words = ["--target", "state", "--group", "group", "--features", f"{kind}: Ni K"]
    assert main(["train", str(path), *words, "--out", str(out)]) == 0
    model = load(out)
    assert (model.about.edge, model.about.first, model.about.points) == ("Ni K", 8330.0, 90)
    table = read_any(path)
    spectra, truth = table.matrix("raw: Ni K"), table.numbers("state")
    assert np.abs(model.predict(17.0 * spectra) - truth).max() < 0.1, "the scale does not matter"
    assert (model.domain.outside(spectra / spectra.max(axis=1, keepdims=True)) < 3).all()
    capsys.readouterr()
    measured = tmp_path / "measured.xdi"
    axis = np.arange(8250.0, 8450.0, 0.5)
    columns = np.column_stack([axis, np.interp(axis, ENERGY, spectra[20])])
    np.savetxt(measured, columns, header="XDI/1.0\nColumn.1: energy eV\nColumn.2: mutrans\n---")
    main(["predict", str(out), str(measured), "--shift", "0", "--shift-sd", "0.1"])
    told = capsys.readouterr().out.splitlines()[-1]
    assert "refused" not in told, told
    assert float(told.split(" state ")[1].split()[0]) == pytest.approx(truth[20], abs=0.4)


def test_a_model_of_spectra_of_few_groups_gives_no_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = spectra_table(tmp_path / "spectra.parquet", kinds=4), tmp_path / "model.npz"
    assert np.isnan(train(read_any(path), Asked("state", "group", trees=5), out)[1].half)
    measured, axis = tmp_path / "measured.xdi", np.arange(8250.0, 8450.0, 0.5)
    one = read_any(path).matrix("raw: Ni K")[5]
    columns = np.column_stack([axis, np.interp(axis, ENERGY, one)])
    np.savetxt(measured, columns, header="XDI/1.0\nColumn.1: energy eV\nColumn.2: mutrans\n---")
    main(["predict", str(out), str(measured), "--shift", "0", "--shift-sd", "0.1"])
    told = capsys.readouterr().out
    assert "no interval; " in told
    assert "trained on fewer than 9 groups" in told
    assert "±" not in told.split(" state ")[1].split(";")[0]


def test_curves_of_different_grids_are_refused(tmp_path: Path) -> None:
    table = read_any(spectra_table(tmp_path / "spectra.parquet"))
    columns = {**table.columns, "step_eV: Ni K": [0.5] * 47 + [0.25]}
    mixed = type(table)(table.path, columns, {})
    with pytest.raises(TableError, match=r"'step_eV: Ni K'.*0\.25 to 0\.5 eV.*grids"):
        train(mixed, Asked("state", "group"), None)
    shorter = [v[: 90 - (k == 3)] for k, v in enumerate(table.columns["raw: Ni K"])]
    with pytest.raises(TableError, match="different lengths: 89, 90"):
        train(type(table)(table.path, {**columns, "raw: Ni K": shorter}, {}),
              Asked("state", "group"), None)  # fmt: skip


def two_edges(path: Path, first: float = 530.0) -> AnyTable:
    """The table of Ni K, the same curves as O K beside it from another energy on."""
    table = read_any(spectra_table(path))
    names = ("first_eV", "step_eV", "raw")
    more = {f"{c}: O K": table.columns[f"{c}: Ni K"] for c in names}
    more["first_eV: O K"] = [first] * len(table)
    units = {"first_eV: O K": "eV"}
    return AnyTable(path, {**table.columns, **more}, units)


def test_curves_of_two_edges_keep_their_energies(tmp_path: Path) -> None:
    """A table that starts 1 eV higher, or says no energies, is refused with both grids."""
    table = two_edges(tmp_path / "spectra.parquet")
    asked = Asked("state", "group", ("cdf: Ni K", "cdf: O K"), trees=3)
    train(table, asked, tmp_path / "m.npz")
    model = load_table_model(tmp_path / "m.npz")
    assert model.about.grids == {"cdf: Ni K": [8330.0, 0.5], "cdf: O K": [530.0, 0.5]}
    assert model.features(table).shape == (48, 180)
    assert model.about.unchecked == ""
    moved = two_edges(tmp_path / "moved.parquet", 531.0)
    with pytest.raises(TableError, match=r"moved.*'cdf: O K' start at 531 eV.*from 530 eV"):
        model.features(moved)
    with pytest.raises(TableError, match=r"in keV, the model was trained on eV"):
        model.features(AnyTable(table.path, table.columns, {"first_eV: O K": "keV"}))
    silent = {k: v for k, v in table.columns.items() if k != "first_eV: O K"}
    with pytest.raises(TableError, match=r"nothing says the energies of 'cdf: O K'"):
        model.features(AnyTable(table.path, silent, {}))
    steps = {**table.columns, "step_eV: Ni K": [0.25] * 48}
    with pytest.raises(TableError, match=r"'cdf: Ni K'.*in steps of 0\.25 eV"):
        model.features(AnyTable(table.path, steps, {}))


@pytest.mark.parametrize("values", [[8330.0] * 47 + [8350.0], [8330.0] * 47 + [None]])
def test_two_curves_do_not_hide_that_rows_are_on_other_grids(
    tmp_path: Path, values: list[float | None]
) -> None:
    table = two_edges(tmp_path / "spectra.parquet")
    mixed = AnyTable(table.path, {**table.columns, "first_eV: Ni K": values}, {})
    with pytest.raises(TableError, match=r"'first_eV: Ni K' is not the same in all rows"):
        train(mixed, Asked("state", "group", ("cdf: Ni K", "cdf: O K")), None)


def test_energies_beside_a_curve_are_its_grid(tmp_path: Path) -> None:
    """A site_averages table has `energy_eV` and `mu`: a moved axis is seen there, too."""
    table = two_edges(tmp_path / "spectra.parquet")
    mu = {k: table.columns[k] for k in ("state", "group")} | {"mu": table.columns["raw: Ni K"]}
    own = AnyTable(table.path, {**mu, "energy_eV": [ENERGY.tolist()] * 48}, {})
    train(own, Asked("state", "group", ("mu",), trees=3), tmp_path / "m.npz")
    model = load_table_model(tmp_path / "m.npz")
    moved = AnyTable(table.path, {**mu, "energy_eV": [(ENERGY + 1).tolist()] * 48}, {})
    with pytest.raises(TableError, match="start at 8331 eV"):
        model.features(moved)


def test_a_model_of_before_answers_and_says_that_energies_are_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "spectra.parquet"
    asked = Asked("state", "group", ("cdf: Ni K", "cdf: O K"), trees=3)
    train(two_edges(path), asked, tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz", allow_pickle=False) as data:
        arrays = dict(data)
    head = json.loads(str(arrays["about"]))
    old = {k: v for k, v in head.items() if k not in ("grids", "units")}
    np.savez(tmp_path / "old.npz", **{**arrays, "about": np.array(json.dumps(old))})
    assert load_table_model(tmp_path / "old.npz").features(two_edges(path, 531.0)).shape[0] == 48
    main(["predict", str(tmp_path / "old.npz"), str(path)])
    assert "energies of cdf: Ni K, cdf: O K are not checked" in capsys.readouterr().out


def test_files_that_are_no_models_or_tables(numbers: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no npz file"):
        load_table_model(numbers)
    out = tmp_path / "model.npz"
    train(read_any(numbers), Asked("y", "family", ("a", "b"), trees=3), out)
    with np.load(out, allow_pickle=False) as data:
        arrays = dict(data)
    np.savez(tmp_path / "cut.npz", **{**arrays, "least": arrays["least"][:1]})
    with pytest.raises(DataError, match="no model of `defectra train`, or damaged"):
        load_table_model(tmp_path / "cut.npz")
    np.savez(tmp_path / "far.npz", **{**arrays, "feature": np.full_like(arrays["feature"], 9)})
    with pytest.raises(DataError, match="more features"):
        load_table_model(tmp_path / "far.npz")
    for name, text in (("a.txt", "x"), ("a.parquet", "no"), ("a.csv", "a,a\n1,2\n")):
        (tmp_path / name).write_text(text)
        with pytest.raises(TableError, match=name):
            read_any(tmp_path / name)


def test_parts_of_one_table_and_parts_of_another(tmp_path: Path) -> None:
    rows = [{"y": k, "a": 2 * k, "family": f"f{k}"} for k in range(6)]
    one, two = write(tmp_path / "1.csv", rows[:4]), write(tmp_path / "2.csv", rows[4:])
    assert list(read_parts([one, two]).column("a")) == [0, 2, 4, 6, 8, 10]
    odd = write(tmp_path / "3.csv", [{"y": 1, "b": 2, "family": "f"}])
    with pytest.raises(TableError, match=r"3\.csv: no part .* a, b"):
        read_parts([one, odd])
