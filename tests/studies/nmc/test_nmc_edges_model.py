"""The saved model of several edges, and the blocks of the archive."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from test_nmc_block_models import EDGES, GRIDS, SETTINGS, planted

from defectra.cli.main import main
from defectra.core.config import canonical, load
from defectra.core.csvs import read_csv, write_csv
from defectra.core.errors import DataError
from defectra.core.paths import PROJECT
from defectra.core.project_files import project_files
from defectra.core.records import CALCULATIONS, GEOMETRIES, METRICS_COLUMNS, SPECTRA
from defectra.core.store import Archive, to_arrow, write_table
from defectra.learn.edges_model import DRAWS, is_edges_model, load_edges_model
from defectra.spectra.align import points
from defectra.spectra.measured import read_measured
from defectra.studies.nmc.blocks import plots, steps, weights
from defectra.studies.nmc.blocks.convergence import COLUMNS
from defectra.studies.nmc.blocks.evaluate import HALVES_COLUMNS, evaluate_blocks
from defectra.studies.nmc.blocks.saved import save
from defectra.studies.nmc.blocks.statistics import CAMPAIGN_COLUMNS, campaign
from defectra.studies.nmc.blocks.tables import (
    NOT_COMPUTED,
    block_design,
    block_rows_table,
    read_blocks,
)
from defectra.studies.nmc.blocks.weight_checks import weight_checks
from defectra.studies.nmc.first.external import evaluate_first
from defectra.studies.nmc.training import training_table

SUBSET = ["O K", "Ni K"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    rows, path = planted(blocks=10), tmp_path_factory.mktemp("model") / "edges.npz"
    rows = [
        {k: v for k, v in r.items() if "K" not in k or k.split(": ")[1] in SUBSET} for r in rows
    ]
    halves = evaluate_blocks(rows, GRIDS, SUBSET, SETTINGS, 1).halves
    save(rows, GRIDS, halves, 1, path)
    return path


def test_any_subset_of_the_edges_is_answered(model):
    found = load_edges_model(model)
    new = planted(blocks=3, seed=9)
    for subset in (["O K"], ["Ni K"], SUBSET):
        errors, right = [], []
        for row in new:
            told = {
                t.target: t for t in found.predict({e: np.array(row[f"raw: {e}"]) for e in subset})
            }
            errors.append(told["x_Li"].value - row["lithium"])
            right.append((told["vacancy"].value > 0.5) == (row["vacancy"] == 1))
            assert told["nickel_state"].value == pytest.approx(4 - row["lithium"], abs=0.3)
        assert np.sqrt(np.mean(np.square(errors))) < 0.15
        assert np.abs(errors).max() < 3 * told["x_Li"].score + 0.1
        if "O K" in subset:
            assert np.mean(right) > 0.8


def test_an_answer_depends_less_on_the_seed_than_that_of_one_of_its_models(model):
    found = load_edges_model(model)
    row = planted(blocks=3, seed=9)[2]
    spectra = {e: np.array(row[f"raw: {e}"]) for e in SUBSET}
    means, singles = [], []
    for seed in range(100, 160, 10):
        other = replace(found, about=replace(found.about, seed=seed))
        rows = {e: v[None] for e, v in spectra.items()}
        answers = [other._values(rows, SUBSET, draw)[0] for draw in range(DRAWS)]
        means.append([t.value for t in other.predict(spectra)])
        singles.append(answers[0])
        assert means[-1] == pytest.approx(np.mean(answers, axis=0))
    # Eight independent models would give a ratio of 0.35.
    ratio = np.std(means, axis=0) / np.std(singles, axis=0)
    assert np.median(ratio) < 0.7, ratio


def test_a_damaged_or_other_file_is_refused(model, tmp_path):
    arrays = dict(np.load(model))
    cut = tmp_path / "cut.npz"
    np.savez(cut, **(arrays | {"curves_0": arrays["curves_0"][:, :-1]}))
    with pytest.raises(DataError, match="no model of edges"):
        load_edges_model(cut)
    other = tmp_path / "other.npz"
    np.savez(other, a=np.zeros(2))
    assert not is_edges_model(other)
    assert is_edges_model(model)


def written(path, row, edge, move=0.0):
    """A measured file: absorption with a pre-edge, an edge step and the planted structure."""
    energy = points(GRIDS[edge])
    wide = np.arange(energy[0] - 60, energy[-1] + 60, 0.25)
    mu = np.interp(wide, energy, row[f"raw: {edge}"], left=0.0, right=row[f"raw: {edge}"][-1])
    np.savetxt(path, np.column_stack([wide - move, 30 * mu + 1]), header="energy_eV mu")


def test_predict_from_files_of_one_sample(model, tmp_path, capsys):
    row = next(r for r in planted(blocks=3, seed=9) if r["arm"] == "vacancy")
    written(tmp_path / "ni.dat", row, "Ni K", move=1.5)
    words = [str(model), f"Ni K={tmp_path / 'ni.dat'}@1.5"]
    assert main(["predict", *words, "--shift-sd", "0.3"]) in (0, 1)
    told = capsys.readouterr().out
    assert "x_Li" in told
    assert "nickel_state" in told
    value = float(told.split("x_Li ")[1].split()[0])
    assert value == pytest.approx(row["lithium"], abs=0.25)
    assert main(["predict", str(model), f"Ni K={tmp_path / 'ni.dat'}"]) == 1
    assert "how the axis was calibrated" in capsys.readouterr().out
    assert main(["predict", *words, "--shift-sd", "2"]) == 1
    assert "known within 2 eV only" in capsys.readouterr().out


def test_a_name_with_an_at_sign_is_a_file_and_what_was_mended_is_said(model, tmp_path, capsys):
    row = next(r for r in planted(blocks=3, seed=9) if r["arm"] == "vacancy")
    other = next(r for r in planted(blocks=3, seed=9) if r["arm"] == "pristine")
    written(tmp_path / "ni@2", row, "Ni K")
    known = ["--shift", "0", "--shift-sd", "0.2"]
    about_it = ["predict", str(model), f"Ni K={tmp_path / 'ni@2'}", *known]
    main(about_it)
    own = capsys.readouterr().out
    notes = read_measured(tmp_path / "ni@2", "Ni K").notes
    assert all(note in own for note in notes)
    written(tmp_path / "ni", other, "Ni K")
    assert main(about_it) == 2
    assert "not clear whether 2 is a shift" in capsys.readouterr().err
    columns = np.loadtxt(tmp_path / "ni")
    np.savetxt(tmp_path / "turned", columns[::-1], header="energy_eV mu")
    turned = read_measured(tmp_path / "turned", "Ni K").notes
    assert turned
    main(["predict", str(model), f"Ni K={tmp_path / 'turned'}", *known])
    assert turned[0] in capsys.readouterr().out


def test_an_answer_without_a_known_error_is_not_certain(model, tmp_path, capsys):
    about = replace(load_edges_model(model).about, scores={})
    bare = replace(load_edges_model(model), about=about)
    bare.write(tmp_path / "bare.npz")
    row = next(r for r in planted(blocks=3, seed=9) if r["arm"] == "vacancy")
    written(tmp_path / "ni.dat", row, "Ni K")
    words = ["predict", str(tmp_path / "bare.npz"), f"Ni K={tmp_path / 'ni.dat'}"]
    assert main([*words, "--shift", "0", "--shift-sd", "0.2"]) == 1
    said = capsys.readouterr().out
    assert "its error in held-out cells is not known" in said
    assert "like cells" not in said


@pytest.mark.parametrize(
    ("words", "told"),
    [(["ni.dat"], "say which edge it is"), (["Fe K=a.dat"], "does not know Fe K, but O K, Ni K"),
     (["Ni K=a.dat", "Ni K=b.dat"], "named twice"), (["Ni K=a.dat@x"], "is no shift in eV")],
)  # fmt: skip
def test_words_that_name_no_edge_are_refused(model, words, told, capsys):
    assert main(["predict", str(model), *words]) == 2
    assert told in capsys.readouterr().err


def test_weights_stand_where_the_defect_changes_the_spectrum():
    rows = weights.weights(planted(blocks=10), GRIDS, ["O K", "Ni K"], SETTINGS, 1)
    own = [r for r in rows if r["target"] == "vacancy" and r["edge"] == "O K"]
    largest = max(own, key=lambda r: r["difference"])
    assert largest["energy_eV"] == pytest.approx(548, abs=2)  # the planted shoulder
    near = [r["weight"] for r in own if abs(r["energy_eV"] - 548) < 2]
    assert np.mean(near) > 0
    assert own[0]["cosine"] > 0.5
    assert own[0]["halves"] > 0.3  # half of the blocks find the shoulder too
    assert own[0]["steady_halves"] > own[0]["halves"]  # a mean over draws varies less
    assert own[0]["steady_cosine"] > 0.9
    noise = weights.weights(planted(blocks=10, signal=0.0), GRIDS, ["O K"], SETTINGS, 1)
    assert abs(noise[0]["halves"]) < 0.3
    assert noise[0]["halves_lo"] < noise[0]["halves"] < noise[0]["halves_hi"]
    checks = {c.check_id: c for c in weight_checks(rows)}
    assert checks["vacancy_weights_of_folds"].ours.value == own[0]["cosine"]
    assert checks["vacancy_weights_of_halves"].ours.value == min(
        r["halves"] for r in rows if r["target"] == "vacancy"
    )
    few = weights.weights(planted(blocks=4), GRIDS, ["O K"], SETTINGS, 1)
    assert "not computed" in list(weight_checks(few))[1].row()["check"]
    assert "not computed" in next(iter(weight_checks([]))).row()["check"]


def test_families_of_blocks_are_left_out_of_the_external_test():
    blocks = planted(blocks=8)
    first = [r | {"structure_id": f"s{r['structure_id']}"} for r in planted(blocks=6, seed=11)]
    metrics, predictions = evaluate_first(blocks, first, GRIDS, ["O K"], SETTINGS, 1, {})
    assert metrics == [] == predictions  # all have the groups of blocks
    renamed = [r | {"group": f"x{r['group']}"} for r in first]
    metrics, predictions = evaluate_first(blocks, renamed, GRIDS, ["O K"], SETTINGS, 1, {})
    found = {
        (r["target"], r["metric"]): r["value"] for r in metrics if r["features"] == "shape: all"
    }
    assert found["vacancy", "auroc"] > 0.9
    assert found["x_Li", "rmse"] < 0.15


@pytest.fixture(scope="module")
def shipped():
    config = load()
    return config, block_design(config)


def test_whole_blocks_of_the_archive_and_the_reason_of_the_others(shipped, tmp_path):
    config, _design = shipped
    few = block_design(config.model_copy(update={"nmc": config.nmc.model_copy(update={
        "blocks": config.nmc.blocks.model_copy(update={"count": 3})})}))  # fmt: skip
    whole = read_blocks(few, _archive(), config.nmc.edges)
    assert len(whole.rows) == 12
    assert not whole.missing
    edges = config.nmc.blocks.edges
    assert to_arrow(whole.rows, block_rows_table(edges)).num_rows == 12
    for row in whole.rows:
        assert row["volume"] == pytest.approx(
            next(r["volume"] for r in whole.rows if r["block"] == row["block"]
                 and r["arm"] == ("lithium" if row["arm"] == "lithium" else "pristine"))
        )  # fmt: skip
        for edge in edges:
            grid = points(config.nmc.edges[edge])
            assert np.trapezoid(row[f"raw: {edge}"], grid) == pytest.approx(1, abs=0.02)
            assert row[f"area: {edge}"] > 5
    source, cut = Archive(_archive()), Archive(tmp_path)
    wanted = {r["structure_id"] for r in whole.rows}
    lost = whole.rows[5]["calculation_ids"][0]
    for table in (GEOMETRIES, CALCULATIONS, SPECTRA):
        rows = source.read(table)
        if "structure_id" in table.names:
            rows = [r for r in rows if r["structure_id"] in wanted or table is GEOMETRIES]
        cut.add([r for r in rows if r.get("calculation_id") != lost], table)
    part = read_blocks(few, tmp_path, config.nmc.edges)
    assert len(part.rows) == 8
    (missing,) = part.missing
    assert missing["block"] == whole.rows[5]["block"]
    assert missing["reason"].startswith(NOT_COMPUTED)
    nothing = read_blocks(few, tmp_path / "empty", config.nmc.edges)
    assert nothing.rows == []
    assert len(nothing.missing) == 3


def _archive():
    return PROJECT / load().archive / "nmc_blocks"


def test_too_few_blocks_leave_an_empty_model(tmp_path):
    save(planted(blocks=2), GRIDS, [], 1, tmp_path / "m.npz")
    assert (tmp_path / "m.npz").read_bytes() == b""
    assert not is_edges_model(tmp_path / "m.npz")
    assert EDGES


def test_steps_without_any_block_leave_empty_tables_and_figures(tmp_path):
    """A campaign of one's own has no archive of blocks; nothing of it may stop."""
    edges = ["O K"]
    rows, training = tmp_path / "rows.parquet", tmp_path / "training.parquet"
    write_table(rows, [], block_rows_table(edges))
    write_table(training, [], training_table(edges))
    grids = canonical({e: g.model_dump(mode="json") for e, g in GRIDS.items()})
    model = canonical({"folds": 2, "repeats": 1, "bootstrap": 10})
    names = ("metrics", "curves", "learning", "halves", "strata", "convergence")
    out = {n: tmp_path / f"{n}.csv" for n in names} | {"predictions": tmp_path / "p.parquet"}
    params = SimpleNamespace(grids=grids, config=model, seed=1, planned="80")
    params.geometry, params.design, params.archive = canonical("chgnet"), "", canonical("none")
    params.axes = project_files(axes="resources/nmc/axes.csv")["axes"]
    given = SimpleNamespace(rows=rows, converged=rows, training=training, **out)
    given.campaign = tmp_path / "campaign.csv"
    write_csv(given.campaign, campaign([], []), CAMPAIGN_COLUMNS)
    steps.evaluate_blocks(
        SimpleNamespace(input=given, output=SimpleNamespace(**out), params=params)
    )
    assert read_csv(out["halves"], HALVES_COLUMNS) == []
    table = SimpleNamespace(input=given, output=[out["convergence"]], params=params)
    steps.compare_converged(table)
    assert read_csv(out["convergence"], COLUMNS) == []
    external = SimpleNamespace(metrics=tmp_path / "m.csv", predictions=tmp_path / "q.parquet")
    given.geometries = tmp_path / "geometries.parquet"
    write_table(given.geometries, [], GEOMETRIES)
    steps.evaluate_external(SimpleNamespace(input=given, output=external, params=params))
    assert read_csv(external.metrics, METRICS_COLUMNS) == []
    for number, step in enumerate((steps.save_model, steps.weigh_blocks,
                                   plots.plot_differences, plots.plot_parity,
                                   plots.plot_curves,
                                   plots.plot_strata,
                                   plots.plot_campaign)):  # fmt: skip
        made = tmp_path / f"{number}.out"
        step(SimpleNamespace(input=given, output=[made], params=params))
        assert made.exists()
    figures = SimpleNamespace(gains=tmp_path / "gains.png", convergence=tmp_path / "same.png")
    plots.plot_gains(SimpleNamespace(input=given, output=figures, params=params))
    assert figures.gains.exists()
    assert figures.convergence.exists()


def test_the_shipped_model_answers_for_the_cells_of_the_archive(shipped):
    """Any subset, on its own training cells: better than the mean of the labels."""
    config, _ = shipped
    found = load_edges_model(PROJECT / "resources/models/nmc_edges.npz")
    assert found.about.edges == list(config.nmc.blocks.edges)
    assert {"x_Li", "vacancy", "antisite", "nickel_state"} <= set(found.about.targets)
    k = found.about.targets.index("x_Li")
    answers = found.answers({e: found.curves[e][::9] for e in ("O K", "Mn K")})
    lithium = answers[:, k] - found.labels[::9, k]
    assert np.sqrt(np.mean(np.square(lithium))) < 0.5 * found.labels[:, k].std()
    assert found.about.scores["O K + Mn K: x_Li"] > 0
