"""Models and tests of the blocks on planted spectra: what is there is found, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from benchmarks.pages.nmc_controls import equal, varying
from defectra.core.records import METRICS_COLUMNS, Split
from defectra.core.settings import ModelSettings
from defectra.core.store import to_arrow
from defectra.learn.moved_spectra import Disturbance, EdgeCurves
from defectra.learn.predictions import PREDICTIONS
from defectra.spectra.align import points
from defectra.spectra.grid import Grid
from defectra.studies.nmc import intensities
from defectra.studies.nmc.blocks import controls, evaluate
from defectra.studies.nmc.blocks.arms import Arms, permuted
from defectra.studies.nmc.blocks.evaluate import draws, evaluate_blocks
from defectra.studies.nmc.blocks.fresh import FEWEST, FIRST, LATE_KERNEL, NAME, fresh_scores
from defectra.studies.nmc.blocks.fresh_checks import fresh, fresh_checks
from defectra.studies.nmc.blocks.models import TESTS, Asked, hold_out, split_folds
from defectra.studies.nmc.blocks.runner import Runner
from defectra.studies.nmc.blocks.scores import (
    ELECTRONS,
    SHAPE,
    VACANCY,
    Bootstrap,
    mcnemar,
    pair_curves,
)

GRIDS = {
    "Li K": Grid(start=50, stop=80),
    "O K": Grid(start=528, stop=562),
    "Mn K": Grid(start=6535, stop=6570, step=0.25),
    "Co K": Grid(start=7705, stop=7740, step=0.25),
    "Ni K": Grid(start=8330, stop=8365, step=0.25),
}
EDGES = list(GRIDS)
SETTINGS = ModelSettings(folds=3, repeats=1, bootstrap=100)
NAMES = ("pristine", "lithium", "vacancy", "antisite")


def curve(edge, lithium, vacancy, antisite, rng):
    """A step and peaks; lithium moves all edges, a vacancy shows at O K, an antisite at Ni K."""
    energy = points(GRIDS[edge])
    onset = energy[0] + 8
    mu = 0.5 + np.arctan((energy - onset) / 0.8) / np.pi
    mu += (0.8 + 0.5 * lithium) * np.exp(-0.5 * ((energy - onset - 5 - lithium) / 1.5) ** 2)
    strength = {"O K": vacancy, "Ni K": antisite}.get(edge, 0.0)
    mu += 0.5 * strength * np.exp(-0.5 * ((energy - onset - 12) / 1.5) ** 2)
    mu += 0.01 * rng.normal(size=len(mu))
    return (mu / (mu.sum() * GRIDS[edge].step)).tolist()


def planted(blocks=12, signal=1.0, told_by_volume=False, seed=3):
    rng = np.random.default_rng(seed)
    rows = []
    for block in range(blocks):
        base = float(rng.choice([0.2, 0.4, 0.6, 0.8]))
        metals = rng.multinomial(7, [1 / 3] * 3) + 1
        volume = 340 + rng.normal()
        for arm in NAMES:
            x = base + 0.2 * (arm == "lithium")
            vacancy, antisite = int(arm == "vacancy"), int(arm == "antisite")
            row = {
                "block": block, "arm": arm, "structure_id": f"{block}{arm}", "group": f"g{block}",
                "composition": "Ni{}Mn{}Co{}".format(*metals), "lithium": x, "protocol": "campaign",
                "vacancy": vacancy, "antisite": antisite, "vacancy_metals": "Ni2Mn1",
                "vacancy_lithium": block % 4, "antisite_distance": 2.9 + 3.5 * (block % 2),
                "volume": volume + 20 * vacancy * told_by_volume,
                "relaxation_fmax": 0.05, "relaxation_cpu_s": 5 + rng.normal(),
                "relaxation_wall_s": 9 + rng.normal(), "nickel_state": 4 - x,
            }  # fmt: skip
            row |= {f"n_{m}": n / 10 for m, n in zip(("Ni", "Mn", "Co"), metals)}
            for edge in EDGES:
                row[f"raw: {edge}"] = curve(edge, x, signal * vacancy, signal * antisite, rng)
                row[f"area: {edge}"] = 30 * (1 + 0.02 * rng.normal())
                for name in ("n_unconverged", "n_failed", "iterations", "cpu_s", "wall_s"):
                    row[f"{name}: {edge}"] = float(rng.normal())
            rows.append(row)
    return rows


def arms(**options):
    return Arms.of(planted(**options), GRIDS, EDGES)


def test_a_moved_spectrum_is_the_spectrum_at_moved_energies():
    energy = np.arange(0, 40, 0.2)
    mu = np.exp(-0.5 * ((energy - 20) / 2) ** 2)[None]
    curves = EdgeCurves(energy, np.repeat(mu, 3, axis=0))
    still, whole, part = curves.moved(np.array([0.0, 1.0, 0.37]))
    assert still.sum() == pytest.approx(1)
    np.testing.assert_allclose(whole[1:], still[:-1], atol=1e-9)  # a bin is 1 eV
    centre = (curves.bins[:-1] + curves.bins[1:]) / 2
    assert part @ centre - still @ centre == pytest.approx(0.37, abs=1e-3)


def test_jitter_is_that_of_the_disturbance():
    energy = np.arange(0, 40, 0.2)
    mu = np.repeat(np.exp(-0.5 * ((energy - 20) / 2) ** 2)[None], 4000, axis=0)
    drawn = Disturbance(0.5).draw({"O K": EdgeCurves(energy, mu)}, np.random.default_rng(1))
    bins = EdgeCurves(energy, mu).bins
    centres = drawn["O K"] @ ((bins[:-1] + bins[1:]) / 2)
    assert centres.std() == pytest.approx(0.5, rel=0.05)


def test_no_block_is_on_both_sides():
    found = arms(blocks=12)
    for split in (Split.GROUPED, Split.COMPOSITION_OUT, Split.LITHIUM_OUT):
        parts = split_folds(found, split, 3, 0)
        assert parts
        for train, test in parts:
            assert not {found.groups[i] for i in train} & {found.groups[i] for i in test}
    few = arms(blocks=6)
    assert len(split_folds(few, Split.GROUPED, 5, 0)) == 6


@pytest.fixture(scope="module")
def answered():
    return evaluate_blocks(planted(), GRIDS, EDGES, SETTINGS, 1)


def value(rows, features, target, subset, metric="auroc", model="kernel", split="grouped_5fold"):
    (row,) = [
        r for r in rows
        if (r["features"], r["target"], r["subset"], r["metric"], r["model"], r["split"])
        == (features, target, f"blocks: {subset}", metric, model, split)
    ]  # fmt: skip
    return row


def test_a_planted_defect_is_found_where_it_is_and_only_there(answered):
    pair = VACANCY.name
    assert value(answered.metrics, "shape: all", "vacancy", pair)["value"] > 0.9
    assert value(answered.metrics, "shape: O K", "vacancy", pair)["value"] > 0.9
    assert value(answered.metrics, "shape: Ni K", "vacancy", pair)["value"] < 0.75
    gain = value(answered.metrics, "shape: all minus Ni K", "vacancy", pair)
    assert gain["lo"] > 0.1
    assert value(answered.metrics, "shape: all minus O K", "vacancy", pair)["hi"] < 0.3
    p = value(answered.metrics, "shape: all minus Ni K", "vacancy", pair, "mcnemar_p")
    assert p["value"] < 0.1


def test_contents_come_back_from_intensities_as_well_as_their_error_allows(answered):
    found = value(answered.metrics, "intensity: all", "x_Ni", "all arms", "rmse", "k-factors")
    assert 0.005 < found["value"] < 0.04
    both = value(answered.metrics, "shape and intensity: all", "x_Li", "all arms", "rmse")
    for features, model in (("intensity: all", "k-factors"), ("shape: all", "kernel")):
        alone = value(answered.metrics, features, "x_Li", "all arms", "rmse", model)
        assert both["value"] <= alone["value"] * 1.1


def test_exact_intensities_give_exact_contents():
    found = arms(blocks=6)
    rows = [r | {f"area: {e}": 30.0 for e in EDGES} for r in found.rows]
    found = Arms(rows, found.curves)
    held = hold_out(found, Asked(kernels=(), components=(), repeats=1), 3)
    answers = intensities.hold_out(found, held, 3, 1, error=0.0)
    np.testing.assert_allclose(answers.values[0, :, :4], found.truth[:, :4], atol=1e-12)


def test_controls_ring_and_keep_still(answered):
    for features, model in (("contents", "ridge"), ("volume and contents", "ridge")):
        quiet = value(answered.metrics, features, "vacancy", VACANCY.name, model=model)
        assert quiet["lo"] <= 0.5
    assert value(answered.metrics, "contents", "vacancy", ELECTRONS.name, model="ridge")["lo"] > 0.5
    hidden = value(answered.metrics, "permuted labels: all", "vacancy", VACANCY.name)
    assert hidden["lo"] <= 0.5
    told = arms(told_by_volume=True)
    held = hold_out(told, Asked(kernels=(), components=(), repeats=1), 3)
    matrix = controls.matrix(told, "volume and contents")
    found = controls.hold_out(told, held, matrix, "ridge", 3, 1)
    loud = pair_curves(told, held.labels, found.values[..., 4], VACANCY, Bootstrap.of(told, 50, 1))
    assert loud["auroc"][0] > 0.95


def test_controls_repeat_their_folds_and_the_model_its_draws():
    """A control without jitter begins anew; draws times blocks stays, within bounds."""
    found = arms()
    held = hold_out(found, Asked(kernels=(), components=(), repeats=4), 3)
    matrix = controls.matrix(found, "contents")
    few, all_ = (
        controls.hold_out(found, held, matrix, "ridge", 3, 1, repeats).values
        for repeats in (2, None)
    )
    half = 2 * TESTS
    np.testing.assert_array_equal(few[:half], all_[:half])
    np.testing.assert_array_equal(few[half:], all_[:half])
    assert [draws(n) for n in (4, 20, 40, 80, 1000)] == [32, 32, 16, 8, 4]


def test_permuted_labels_stay_in_their_block():
    found = arms(blocks=5)
    labels = permuted(found, 1)
    for block in range(5):
        own = [i for i, r in enumerate(found.rows) if r["block"] == block]
        assert sorted(labels.arms[own]) == sorted(NAMES)
        assert labels.values[own, 4].sum() == 1
        assert (labels.values[own, 4] == (labels.arms[own] == "vacancy")).all()
    assert (labels.arms != found.arms).any()


def test_without_a_signal_nothing_is_found():
    found = arms(signal=0.0, blocks=16)
    held = hold_out(
        found, Asked(kernels=("kernel",), components=(), subsets=[found.edges], repeats=1), 4
    )
    values = held.answers["kernel", found.edges].values[..., 4]
    scores = pair_curves(found, held.labels, values, VACANCY, Bootstrap.of(found, 200, 1))
    assert np.quantile(scores["auroc"], 0.05) <= 0.5


def test_fresh_blocks_alone_are_scored_by_models_that_learn_from_all():
    found = arms(blocks=FIRST + FEWEST + 2)
    held = hold_out(
        found,
        Asked(kernels=("kernel",), components=(), subsets=found.ends(), repeats=1),
        3,
    )
    rows = list(fresh_scores(found, held, 50, 1))
    assert {r["n_groups"] for r in rows} == {FEWEST + 2}
    assert {r["subset"].split(":")[0] for r in rows} == {NAME}
    late = fresh(rows, VACANCY)
    values = held.answers[LATE_KERNEL, found.edges].values[..., VACANCY.column]
    own = found.blocks >= FIRST
    truth = [found.arms[own] == arm for arm in ("vacancy", "pristine")]
    by_hand = [np.mean([a > b for a in v[own][truth[0]] for b in v[own][truth[1]]]) for v in values]
    assert late.value == pytest.approx(np.mean(by_hand))
    names = {c.check_id: c for c in fresh_checks(rows)}
    assert (
        names["vacancy_late_gain"].ours.value
        <= min(late.value - fresh(rows, VACANCY, SHAPE + e, "kernel").value for e in EDGES) + 1e-9
    )
    few = arms(blocks=FIRST + FEWEST - 1)
    held = hold_out(
        few, Asked(kernels=("kernel",), components=(), subsets=few.ends(), repeats=1), 3
    )
    assert not list(fresh_scores(few, held, 50, 1))
    assert all("fewer than" in c.row()["check"] for c in fresh_checks([]))


def test_mcnemar_is_the_sign_test_of_discordant_pairs():
    first = np.array([True] * 9 + [False] * 3)
    second = np.array([False] * 7 + [True] * 2 + [True] + [False] * 2)
    assert mcnemar(first, second) == pytest.approx(
        binomtest(7, 8, 0.5, alternative="greater").pvalue
    )
    assert mcnemar(first, first) == 1.0


def test_rows_fit_their_tables_and_a_second_run_is_equal(answered):
    assert all(set(METRICS_COLUMNS) == set(r) for r in answered.metrics)
    assert to_arrow(answered.predictions, PREDICTIONS).num_rows == len(answered.predictions)
    assert {r["curve"] for r in answered.curves} == {"jitter", "noise", "learning"}
    keys = [tuple(r[c] for c in METRICS_COLUMNS[:12]) for r in answered.metrics]
    assert len(set(keys)) == len(keys)
    few = planted(blocks=4)
    tiny = ModelSettings(folds=2, repeats=1, bootstrap=20)
    again = [evaluate_blocks(few, GRIDS, ["O K"], tiny, 1).metrics for _ in range(2)]
    assert repr(again[0]) == repr(again[1])
    assert evaluate_blocks(planted(blocks=3), GRIDS, EDGES, SETTINGS, 1).metrics == []
    assert TESTS == 3


def test_each_column_of_the_metadata_is_scored_and_constant_ones_are_named():
    rows = [
        r | {f"n_failed: {e}": 0.0 for e in EDGES} | {"relaxation_cpu_s": 6.0 + 7 * r["vacancy"]}
        for r in planted(blocks=6)
    ]
    runner = Runner(Arms.of(rows, GRIDS, EDGES), SETTINGS, 1)
    held = runner.held(kernels=(), components=(), repeats=1)
    found = list(evaluate._columns(runner, held))
    assert next(iter(varying(found)))[:2] == ["relaxation_cpu_s", "1.00 (no interval)"]
    assert equal(found) == ", ".join(
        ["relaxation_fmax", "block", *(f"n_failed: {e}" for e in EDGES)]
    )
    assert (list(varying([])), equal([])) == ([], "none")
    untimed = controls.columns(EDGES, controls.UNTIMED)
    assert not [c for c in untimed if "wall" in c or c.startswith("relaxation")]
    assert f"cpu_s: {EDGES[0]}" in untimed
