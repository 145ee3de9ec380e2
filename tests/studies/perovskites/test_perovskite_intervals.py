"""Intervals of scores: over the cations or halides that are left out, or over compounds."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from defectra.core.records import Metric, Split
from defectra.learn.committee import COMMITTEE, MEMBERS
from defectra.studies.perovskites import evaluate
from defectra.studies.perovskites.compounds import A_IONS, X_IONS
from defectra.studies.perovskites.evaluate import BASELINE, Held
from defectra.studies.perovskites.settings import PerovskiteStudy

COUNT = 90
ROWS = [
    {"name": f"r{k}", "kind": "pure", "in_ml": True,
     "a": np.eye(len(A_IONS))[k % len(A_IONS)], "x": np.eye(len(X_IONS))[k % len(X_IONS)]}
    for k in range(COUNT)
]  # fmt: skip
HALIDE = np.arange(COUNT) % len(X_IONS)


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Scores of a model whose error is an offset of each halide."""
    truth = np.linspace(0, 3, COUNT)
    off = np.array([0.1, 0.3, 0.8])[HALIDE] + 0.01 * np.random.default_rng(1).normal(size=COUNT)
    means = dict.fromkeys((*MEMBERS, COMMITTEE), truth + off) | {BASELINE: np.zeros(COUNT)}
    weights = np.ones((COUNT, len(MEMBERS)))
    held = Held(np.arange(COUNT), truth, np.full(COUNT, 0.5), means, weights, COUNT)
    problem = SimpleNamespace(features="composition", base=np.zeros(COUNT))
    monkeypatch.setattr(evaluate, "problems", lambda *_: [problem])
    monkeypatch.setattr(evaluate, "label", lambda *_: truth, raising=False)
    monkeypatch.setattr(evaluate, "hold_out", lambda *_: held)
    study = PerovskiteStudy(bootstrap=200, repeats=1)
    rows = [{**row, "gap_HSE": t} for row, t in zip(ROWS, truth)]
    return evaluate.evaluate("gap_HSE", rows, (), None, study, 1)[0]  # type: ignore[arg-type]


def of(rows: list[dict], split: Split, metric: Metric, subset: str = "all") -> dict:
    wanted = {"model": COMMITTEE, "split": str(split), "metric": str(metric), "subset": subset}
    (found,) = [r for r in rows if all(r[k] == v for k, v in wanted.items())]
    return found


def test_a_left_out_ion_is_the_unit_of_its_interval(metrics: list[dict]) -> None:
    """Offsets of three halides: compounds say far too precisely what a fourth would show."""
    narrow, wide = (of(metrics, s, Metric.RMSE) for s in (Split.GROUPED, Split.X_OUT))
    assert (narrow["n_groups"], wide["n_groups"]) == (COUNT, len(X_IONS))
    assert of(metrics, Split.A_OUT, Metric.RMSE)["n_groups"] == len(A_IONS)
    assert narrow["value"] == wide["value"]
    assert wide["hi"] - wide["lo"] > 4 * (narrow["hi"] - narrow["lo"])
    assert wide["lo"] == 0.0
    share = of(metrics, Split.X_OUT, Metric.COVERAGE_90)
    assert (share["lo"], share["hi"]) == (0.0, 1.0)
    assert share["value"] == pytest.approx(2 / 3)


def test_one_ion_alone_is_scored_over_its_compounds(metrics: list[dict]) -> None:
    own = of(metrics, Split.X_OUT, Metric.SKILL, X_IONS[0])
    assert own["n_groups"] == COUNT // len(X_IONS)
    assert own["lo"] < own["value"] < own["hi"]
