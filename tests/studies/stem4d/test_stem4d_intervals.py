"""Study `stem4d`: intervals of scores of places that share their errors."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

pytest.importorskip("torch")

from defectra.studies.stem4d.measures import area, detection, over_trainings, redrawn
from defectra.studies.stem4d.settings import Stem4dStudy
from defectra.studies.stem4d.vacancies import probe_overlap, within

STUDY, SCANS = Stem4dStudy(), 100


def _planted(strength: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signal of a missing atom in the middle of the window, labels, and weights of neighbours."""
    axis = np.linspace(-STUDY.scan.window / 2, STUDY.scan.window / 2, STUDY.scan.window_points)
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    signal = strength * np.exp(-(places**2).sum(1) / 2)
    near = within(places, np.zeros((1, 2)), STUDY.vacancy_radius)
    return signal, near, probe_overlap(places, STUDY)


def test_intervals_of_means_over_neighbours_cover_what_repeated_scans_give() -> None:
    signal, near, overlap = _planted(0.4)
    draw = np.random.default_rng(1)

    def scans(number: int) -> np.ndarray:
        return (signal + draw.normal(size=(number, len(signal)))) @ overlap.T

    expected = np.mean([area(near, s) for s in scans(300)])
    new, old, wide = 0, 0, []
    for shown in scans(SCANS):
        found = redrawn(shown, scans(STUDY.redraws), near)
        places = detection(shown, near, 40, 1)  # what would be taken for independent places
        new += found.lo <= expected <= found.hi
        old += places.lo <= expected <= places.hi
        wide.append((found.hi - found.lo) / (places.hi - places.lo))
    assert 0.8 < new / SCANS <= 0.98
    assert old / SCANS < 0.6
    assert np.mean(wide) > 1.8


def test_the_area_is_that_of_the_curve() -> None:
    draw = np.random.default_rng(1)
    near, scores = np.arange(60) < 9, draw.normal(size=60).round(1)
    assert len(np.unique(scores)) < 60  # with ties
    assert area(near, scores) == pytest.approx(roc_auc_score(near, scores), abs=1e-12)


def test_without_noise_the_interval_is_over_trainings() -> None:
    draw, near = np.random.default_rng(1), np.arange(400) < 32
    alike = np.tile(near + draw.normal(size=400), (3, 1))
    assert np.isnan(over_trainings(alike, near).lo)  # no spread shows no interval
    found = over_trainings(alike + 0.5 * draw.normal(size=alike.shape), near)
    assert found.n == 3
    assert found.lo < found.value < found.hi
    assert np.isnan(over_trainings(alike[:1], near).lo)


def test_few_places_of_what_is_looked_for_have_the_interval_of_student() -> None:
    """Four places: the chance that one scores above a place of the others is Phi(1 / sqrt 2)."""
    draw, hits, narrow = np.random.default_rng(6), 0, 0
    near = np.arange(60) < 4
    for k in range(150):
        scores = draw.normal(size=60) + near
        found = detection(scores, near, 100, k)
        hits += found.lo <= 0.7602 <= found.hi
        rows = [np.r_[draw.choice(4, 4), 4 + draw.choice(56, 56)] for _ in range(100)]
        lo, hi = np.quantile([area(near[r], scores[r]) for r in rows], [0.05, 0.95])
        narrow += lo <= 0.7602 <= hi
    assert hits / 150 > 0.84
    assert narrow < hits
