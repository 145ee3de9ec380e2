"""Spectra beside cell volume and contents: planted structures whose volume tells, or does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_nmc_block_models import EDGES, GRIDS, SETTINGS, planted

from benchmarks.pages.nmc_first import FIRST_CAMPAIGN, first_campaign
from benchmarks.pages.nmc_summary import summary
from defectra.core.claims import Outcome
from defectra.learn import scores
from defectra.learn.crossval import TARGETS
from defectra.studies.nmc.blocks.controls import CONTROLS, VOLUME
from defectra.studies.nmc.blocks.scores import VACANCY
from defectra.studies.nmc.first.external import evaluate_first
from defectra.studies.nmc.first.volume import BESIDE, JOINED, OVER, RIDGE, Asked, compared
from defectra.studies.nmc.first.volume_checks import BY_DESIGN, in_first, volume_checks

PLACE = [t.name for t in TARGETS].index("vacancy")


def structures(told, seed=5):
    """Structures of 40 families, one in two with a vacancy that the volume tells or does not."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(40):
        row = {t.column: float(rng.random()) for t in TARGETS if not t.is_class}
        row |= {"structure_id": f"s{k}", "vacancy": k % 2, "antisite": (k // 2) % 2}
        rows.append(row)
    volumes = {r["structure_id"]: 340 + rng.normal() + 8 * told * r["vacancy"] for r in rows}
    groups = [f"g{k}" for k in range(40)]
    return Asked(rows, groups, volumes, scores.group_weights(groups, 200, 1), 5)


def answers(given, helps, seed=6):
    """Two measurements of a model that knows the vacancy, or knows nothing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(2, 40, len(TARGETS)))
    values[..., PLACE] += 6 * helps * np.array([r["vacancy"] for r in given.rows])
    return {"kernel": values}


def found(given, model):
    return {
        (target.name, features): scores.interval(curve)
        for target, features, _, curve in compared(given, model)
    }


def test_where_the_volume_tells_spectra_gain_nothing():
    given = structures(told=True)
    own = found(given, answers(given, helps=True))
    assert own["vacancy", VOLUME][0] > 0.95
    assert own["vacancy", OVER][1] < 0.02
    assert own["vacancy", BESIDE][1] <= 0.0


def test_where_the_volume_says_nothing_spectra_gain_and_noise_does_not():
    given = structures(told=False)
    own = found(given, answers(given, helps=True))
    assert own["vacancy", OVER][1] > 0.2
    assert own["vacancy", BESIDE][1] > 0.2
    assert own["vacancy", JOINED][0] > 0.95
    nothing = found(given, answers(given, helps=False))
    assert nothing["vacancy", BESIDE][1] < 0.0


def test_without_a_volume_nothing_is_compared():
    given = structures(told=True)
    few = {k: v for k, v in given.volumes.items() if k != "s7"}
    assert list(compared(replace(given, volumes=few), answers(given, helps=True))) == []


@pytest.fixture(scope="module")
def external():
    first = [
        r | {"group": f"x{r['group']}", "structure_id": f"s{r['structure_id']}"}
        for r in planted(blocks=10, seed=11)
    ]
    volumes = {r["structure_id"]: r["volume"] for r in first}
    return evaluate_first(planted(blocks=8), first, GRIDS, EDGES[:2], SETTINGS, 1, volumes)[0]


def test_checks_table_and_summary_say_what_the_first_campaign_says(external):
    own = {c.check_id: c for c in volume_checks(external)}
    check = own["vacancy_over_volume_first_campaign"]
    assert check.ours == in_first(external, "vacancy", OVER)
    assert check.verdict is Outcome.HOLDS  # the planted volume says nothing, O K does
    assert "not computed" in own["vacancy_over_volume_and_contents"].row()["check"]
    table = list(first_campaign(external))
    assert {len(row) for row in table} == {len(FIRST_CAMPAIGN)}
    assert sum("late fusion" in row[0] for row in table) == 4
    text = summary([], [], external)
    assert "the gain over them is shown" in text
    assert list(first_campaign([])) == []
    assert "cell volume and contents" not in summary([], [], [])


def test_a_gain_over_what_is_equal_by_design_is_open():
    row = {"target": "vacancy", "split": "grouped_5fold", "subset": f"blocks: {VACANCY.name}",
           "metric": "auroc", "n_groups": 24}  # fmt: skip

    def rows(value):
        plain = [row | {"features": VOLUME, "model": m, "value": v, "lo": v, "hi": v}
                 for m in CONTROLS[VOLUME] for v in [value]]  # fmt: skip
        gains = [row | {"features": f"shape: all minus {VOLUME} ({m})", "model": "kernel",
                        "value": 0.4, "lo": 0.3, "hi": 0.45} for m in CONTROLS[VOLUME]]  # fmt: skip
        return plain + gains

    checks = {
        v: next(c for c in volume_checks(rows(v)) if c.check_id.endswith("volume_and_contents"))
        for v in (0.5, 0.52)
    }
    assert checks[0.5].verdict is Outcome.OPEN
    assert checks[0.5].row()["fails_if"] == BY_DESIGN
    assert checks[0.52].verdict is Outcome.HOLDS
    assert RIDGE in CONTROLS[VOLUME]
