"""Win rates by the neighbours of a defect: planted answers come back in their stratum."""

from __future__ import annotations

import math

import numpy as np
import pytest

from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import Split
from defectra.learn import scores
from defectra.learn.crossval import TARGETS
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.arms import Arms, permuted, true_labels
from defectra.studies.nmc.blocks.models import KERNEL, Answers, Held
from defectra.studies.nmc.blocks.scores import VACANCY, Bootstrap, pair_curves
from defectra.studies.nmc.blocks.strata import (
    EVERY,
    FEWEST,
    LESS,
    METAL_EDGES,
    OTHER,
    OWN,
    STRATA_COLUMNS,
    Wins,
    next_to,
    not_next_to,
    win_rates,
)

EDGES = ("Mn K", "Co K", "Ni K", "O K")
GRIDS = {e: Grid(start=0, stop=10, step=1.0) for e in EDGES}
KINDS = ("Mn3", "Ni2Co1", "Ni1Mn1Co1", "Co3")
TESTS = 4


def rows(blocks):
    names = [t.column for t in TARGETS]
    return [
        {
            "block": b, "arm": arm, "group": f"g{b}", "structure_id": f"{b}{arm}",
            "vacancy_metals": KINDS[b % len(KINDS)], "vacancy_lithium": b % 4,
            "antisite_distance": 2.9 if b % 2 else 6.4,
            **{n: float(n == arm) for n in names},
            **{f"raw: {e}": [1.0] * 11 for e in EDGES},
        }
        for b in range(blocks)
        for arm in ("pristine", "lithium", "vacancy", "antisite")
    ]  # fmt: skip


def wins(edge, row):
    """An edge of a metal wins with its metal as a neighbour, O K always, antisites if near."""
    if row["arm"] == "antisite":
        return row["antisite_distance"] < 3.5
    return edge == "O K" or edge.split()[0] in row["vacancy_metals"]


def held(arms, labels=None, won=wins):
    """Answers about both defects; all edges answer as O K does."""
    out = Held(Split.GROUPED, labels=labels or [true_labels(arms)] * TESTS)
    for subset in arms.ends():
        edge = subset[0] if len(subset) == 1 else "O K"
        own = np.array([r["arm"] in ("vacancy", "antisite") and won(edge, r) for r in arms.rows])
        values = np.where(own, 1.0, -0.1) - np.array([r["arm"] == "vacancy" for r in arms.rows])
        values = np.where(own, 1.0, values)[None, :, None] * np.ones((TESTS, 1, len(TARGETS)))
        out.answers[KERNEL, subset] = Answers(values, np.full(values.shape, np.nan))
    return out


def found(blocks=16, **options):
    arms = Arms.of(rows(blocks), GRIDS, EDGES)
    return list(win_rates(arms, held(arms, **options), Bootstrap.of(arms, 200, 1)))


def one(table, stratum, edges, defect="vacancy"):
    own = [r for r in table
           if (r["defect"], r["stratum"], r["edges"]) == (defect, stratum, edges)]  # fmt: skip
    assert len(own) == 1, (stratum, edges, own)
    return own[0]


def test_an_edge_that_sees_its_own_metal_wins_where_it_is_and_only_there():
    table = found()
    for metal in ("Ni", "Mn", "Co"):
        assert one(table, next_to(metal), f"{metal} K")["value"] == 1
        assert one(table, not_next_to(metal), f"{metal} K")["value"] == 0
        assert one(table, LESS, f"{metal} K")["value"] == 1
    assert one(table, next_to("Mn"), "O K")["value"] == 1
    assert one(table, not_next_to("Mn"), "all")["value"] == 1
    assert one(table, next_to("Mn"), "Mn K")["n"] == 8, "Mn3 and Ni1Mn1Co1"
    assert one(table, next_to("Co"), "Co K")["n"] == 12
    pooled = {name: one(table, name, METAL_EDGES)["value"] for name in (OWN, OTHER, LESS)}
    assert pooled == {OWN: 1, OTHER: 0, LESS: 1}
    assert one(table, "near: sites within 3.5 Å", "Ni K", "antisite")["value"] == 1
    assert one(table, "far: sites beyond 3.5 Å", "Ni K", "antisite")["value"] == 0.5, "ties half"


def test_a_good_edge_is_not_taken_for_a_near_metal():
    """Mn K wins everywhere, the others nowhere: no edge gains by its own metal."""
    table = found(won=lambda edge, row: edge == "Mn K")
    assert one(table, OWN, METAL_EDGES)["value"] == pytest.approx(1 / 3)
    assert one(table, LESS, METAL_EDGES)["value"] == pytest.approx(0)


def test_every_block_once_and_all_blocks_as_in_the_metrics():
    arms = Arms.of(rows(16), GRIDS, EDGES)
    answers, bootstrap = held(arms), Bootstrap.of(arms, 200, 1)
    table = list(win_rates(arms, answers, bootstrap))
    for edge in ("Mn K", "all"):
        subset = arms.edges if edge == "all" else (edge,)
        values = answers.answers[KERNEL, subset].values[..., VACANCY.column]
        known = pair_curves(arms, answers.labels, values, VACANCY, bootstrap)["win_rate"]
        assert one(table, EVERY, edge)["value"] == pytest.approx(known[0])
        for metal in ("Ni", "Mn", "Co"):
            parts = [one(table, name(metal), edge) for name in (next_to, not_next_to)]
            assert sum(p["n"] for p in parts) == 16
            assert sum(p["n"] * p["value"] for p in parts) == pytest.approx(16 * known[0])


def test_an_interval_needs_five_blocks_that_are_not_all_alike():
    mixed = {"won": lambda edge, row: row["block"] % 3 > 0}
    few, many = found(blocks=FEWEST - 1, **mixed), found(blocks=16, **mixed)
    assert math.isnan(one(few, EVERY, "all")["lo"])
    row = one(many, EVERY, "all")
    assert row["lo"] < row["value"] < row["hi"]
    won = one(found(), EVERY, "all")
    assert won["lo"] == pytest.approx(0.05 ** (1 / 16)), "all are won: Clopper and Pearson"
    assert math.isnan(one(found(blocks=8), EVERY, "all")["lo"]), "eight of eight: not known"
    twice = [r | {"group": f"g{r['block'] % 4}"} for r in rows(16)]
    arms = Arms.of(twice, GRIDS, EDGES)
    table = list(win_rates(arms, held(arms, **mixed), Bootstrap.of(arms, 200, 1)))
    assert math.isnan(one(table, EVERY, "all")["lo"]), "four families, though sixteen blocks"


def test_a_stratum_of_few_blocks_has_the_interval_of_student():
    """Seven blocks in a campaign of many: a bootstrap of all would be too narrow."""
    generator, inside = np.random.default_rng(4), np.zeros(40, bool)
    inside[:7] = True
    hits, narrow = 0, 0
    names = [f"g{k}" for k in range(40)]
    for k in range(300):
        bootstrap = Bootstrap(names, scores.Drawn.of(names, 100, k))
        wins = Wins(generator.normal(size=40), bootstrap, names)
        drawn = wins.drawn([inside])
        _, lo, hi = drawn.ends(wins.curve(inside, drawn.weights))
        hits += lo <= 0 <= hi
        _, lo, hi = bootstrap.ends(wins.curve(inside, bootstrap.of_rows(names)))
        narrow += lo <= 0 <= hi
    assert hits / 300 == pytest.approx(0.9, abs=0.05)
    assert narrow < hits
    drawn = wins.drawn([inside, ~inside])
    assert (drawn.few, drawn.groups, len(drawn.weights)) == (True, 7, 41)


def test_answers_that_lack_give_no_number_and_no_defect_arm_no_row(tmp_path):
    arms = Arms.of(rows(8), GRIDS, EDGES)
    answers = held(arms)
    answers.answers[KERNEL, ("Mn K",)].values[:, 2] = np.nan  # the vacancy of the first block
    table = list(win_rates(arms, answers, Bootstrap.of(arms, 50, 1)))
    assert math.isnan(one(table, EVERY, "Mn K")["value"])
    assert one(table, EVERY, "Co K")["n"] == 8
    assert {one(table, not_next_to("Mn"), "Mn K")["value"]} == {0.0}, "the block has Mn3"
    alone = Arms.of([r for r in rows(8) if r["arm"] != "vacancy"], GRIDS, EDGES)
    rest = list(win_rates(alone, held(alone), Bootstrap.of(alone, 50, 1)))
    assert {r["defect"] for r in rest} == {"antisite"}
    for some in (table, rest, []):
        write_csv(tmp_path / "strata.csv", some, STRATA_COLUMNS)
        assert len(read_csv(tmp_path / "strata.csv", STRATA_COLUMNS)) == len(some)


def test_permuted_labels_are_paired_by_the_arm_that_they_pass_for():
    arms = Arms.of(rows(16), GRIDS, EDGES)
    labels = [permuted(arms, seed) for seed in range(TESTS)]
    table = found(labels=labels)
    assert one(table, EVERY, "all")["value"] < 0.8, "it was 1 with the true labels"
