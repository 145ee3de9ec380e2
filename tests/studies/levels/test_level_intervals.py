"""Widths of intervals of levels, and metrics with their intervals over hosts and families."""

from dataclasses import replace

import numpy as np
import pytest
from level_world import HOSTS, QUICK

from defectra.core.records import Metric, Split
from defectra.studies.levels import declared
from defectra.studies.levels.distances import HostRows
from defectra.studies.levels.evaluate import (
    DECLARED,
    WITH_HOST,
    Answer,
    metrics_rows,
    prediction_rows,
)
from defectra.studies.levels.intervals import groups_within, learn_width
from defectra.studies.levels.settings import LevelsStudy


def test_width_grows_with_distance_where_errors_do_and_holds_the_wanted_share():
    generator = np.random.default_rng(0)
    groups = [f"h{k}" for k in range(60) for _ in range(20)]
    distance = np.repeat(generator.uniform(0, 1, 60), 20)
    deviation = np.repeat(generator.uniform(0.1, 0.4, 60), 20)
    scale = (deviation * np.exp(1.2 * distance))[:, None]
    error = np.abs(generator.normal(size=(1200, 6)) * scale)
    found = learn_width(error, deviation, distance, groups, 0.9)
    assert found.growth == pytest.approx(1.2, abs=0.15)
    assert found.power == pytest.approx(1.0, abs=0.1)
    half = found.half(deviation, distance)
    for near in (distance < 0.3, distance > 0.7):
        assert (error[near] <= half[near, None]).mean() == pytest.approx(0.9, abs=0.03)
    without = learn_width(error, deviation, np.zeros(1200), groups, 0.9)
    assert without.growth == 0.0
    far = distance > 0.7
    assert (error[far] <= without.half(deviation[far], distance[far])[:, None]).mean() < 0.85


def test_width_never_shrinks_with_the_deviation_or_the_distance():
    generator = np.random.default_rng(1)
    deviation, distance = generator.uniform(0.1, 1, 300), generator.uniform(0, 1, 300)
    error = np.abs(generator.normal(size=(300, 6))) * np.exp(-distance - 2 * deviation)[:, None]
    found = learn_width(error, deviation, distance, ["a"] * 150 + ["b"] * 150, 0.9)
    assert found.power >= 0
    assert found.growth >= 0


def test_distance_is_zero_while_the_host_stays_and_that_of_the_next_host_without_it(world):
    places = HostRows.of(world.descriptors.host)
    own = np.array([k for k, key in enumerate(world.keys) if key[0] == "GaAs"])
    assert places.nearest(own, own[:2]).tolist() == [0.0] * len(own)
    far = places.nearest(own, own)
    assert (far > 0).all()
    others = np.setdiff1d(np.arange(len(world.keys)), own)
    host = world.descriptors.host
    direct = min(np.sqrt(((host[own[0]] - host[k]) ** 2).mean()) for k in others)
    assert far[0] == pytest.approx(direct)


def test_the_width_for_learnt_hosts_does_not_see_the_label_it_is_to_hold(world, monkeypatch):
    """Neither the kernel, the noise of the rows nor the answer; sites are left out together."""
    pairs = [f"{host}|{impurity}" for host, _, impurity in world.keys]
    used = [p for p, counts in zip(pairs, world.scored) if counts]
    seen = []

    def learn(error, deviation, distance, groups, level):
        seen.append((error, deviation))
        assert set(groups) == set(HOSTS)  # hosts weigh the same
        assert (distance == 0).all()
        return learn_width(error, deviation, distance, groups, level)

    monkeypatch.setattr(declared, "learn_width", learn)
    own = np.array([p == "GaAs|Cl" for p in pairs])
    changed = world.labels + 50.0 * own[:, None]
    for labels in (world.labels, changed):
        hosts = world.groups(Split.HOST_OUT)
        known = declared.Known(world.descriptors, labels, world.scored, hosts)
        found = declared.width_for_learnt_hosts(known, pairs, QUICK, 1)
    assert found.growth == 0.0
    inside = np.array([p == "GaAs|Cl" for p in used])
    (error, deviation), (moved, after) = seen
    np.testing.assert_allclose(deviation[inside], after[inside], rtol=1e-4)
    np.testing.assert_allclose(np.abs(50.0 - moved[inside]), error[inside], atol=1e-3)


def test_hosts_within_bounds_by_chance_alone():
    """Of ten defects missed whole or not, one in ten: binomial, only 1 of 10 is within."""
    missed = np.array([1.0] + [0.0] * 19)  # tilted from 5 to 10 %
    groups = ["a"] * 10 + ["b"] * 10
    found = groups_within(missed, groups, 0.9, (0.85, 0.95), seed=1)
    assert found.mean() == pytest.approx(2 * 10 * 0.1 * 0.9**9, rel=0.06)
    apart = groups_within(
        np.full(20, 0.1) + np.tile([-1e-3, 1e-3], 10), groups, 0.9, (0.85, 0.95), 1
    )
    assert apart.mean() == 2  # the same share of every defect: no chance left


def test_metrics_are_pooled_and_averaged_and_native_defects_do_not_count(world):
    study = LevelsStudy(bootstrap=20, ordinary=["CdTe", "GaAs"])
    value = (
        world.labels + np.where(np.array([k[0] == "CdTe" for k in world.keys]), 1.0, 0.0)[:, None]
    )
    half = np.full(value.shape, 0.5)
    answer = Answer(DECLARED, WITH_HOST, Split.HOST_OUT, value, half)
    rows = prediction_rows(world, [answer])
    assert len(rows) == 6 * world.scored.sum()
    found = {(r["subset"], r["metric"]): r["value"] for r in metrics_rows(rows, study, 1)}
    assert found["all", Metric.RMSE] == pytest.approx(np.sqrt(1 / 5))
    assert found["all", Metric.RMSE_GROUPS] == pytest.approx(1 / 5)
    assert found["ordinary hosts", Metric.RMSE_GROUPS] == pytest.approx(1 / 2)
    assert found["without CdTe", Metric.RMSE] == pytest.approx(0.0, abs=1e-12)
    assert found["all", Metric.COVERAGE_90] == pytest.approx(4 / 5)
    assert found["host CdTe", Metric.COVERAGE_90] == pytest.approx(0.0)


def test_three_families_have_an_interval_of_student(world):
    """A bootstrap over three families is too narrow; of one family nothing is known."""
    from defectra.learn import scores

    host = [k[0] for k in world.keys]
    kind = dict(zip(HOSTS, ("II-VI", "II-VI", "III-V", "III-V", "IV-IV")))
    data = replace(world, family=[kind[h] for h in host])
    value = world.labels + np.array([0.1 + 0.3 * HOSTS.index(h) for h in host])[:, None]
    answer = Answer(DECLARED, WITH_HOST, Split.FAMILY_OUT, value, np.full(value.shape, 0.5))
    predictions = prediction_rows(data, [answer])
    rows = metrics_rows(predictions, LevelsStudy(bootstrap=20), 1)
    found = {(r["subset"], r["metric"]): r for r in rows}
    own = found["all", Metric.RMSE]
    error = np.array([r["prediction"] - r["truth"] for r in predictions])
    names = [r["family"] for r in predictions]
    expected = scores.over_groups(
        lambda w: np.sqrt(w @ error**2 / w.sum(axis=1)), names, 20, 1, (0.0, np.inf)
    )
    assert own["n_groups"] == 3
    assert (own["value"], own["lo"], own["hi"]) == pytest.approx(expected)
    assert own["hi"] > np.abs(error).max()  # a bootstrap ends at the worst family
    assert (
        0 <= found["all", Metric.COVERAGE_90]["lo"] <= found["all", Metric.COVERAGE_90]["hi"] <= 1
    )
    assert np.isnan(found["family II-VI", Metric.RMSE]["hi"])
