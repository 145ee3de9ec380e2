"""Study `dynamics`: settings that no fit can follow are refused where they are read."""

from __future__ import annotations

import pytest

from defectra.studies.dynamics.settings import DynamicsStudy


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kuramoto": {"horizons": [3, 22]}}, "horizons: 22; from 2 to 21"),
        ({"kuramoto": {"horizons": [1, 6]}}, "horizons: 1"),
        ({"kuramoto": {"later": []}}, "later: rising times after"),
        ({"kuramoto": {"later": [15.0, 50.0]}}, "taken at 15"),
        ({"kuramoto": {"later": [75.0, 50.0]}}, "later: rising"),
        ({"swarm": {"patterns": 8}}, "horizons: 16; from 2 to 8"),
        ({"source": {"shots": [1, 9]}}, "shots: 9; from 1 to 8"),
        ({"scan": {"shots": []}}, "shots: one stage"),
        ({"scan": {"law": {"speed": 1.0}}}, "scan.law: .*it needs growth, turn, radius"),
    ],
)
def test_settings_that_no_fit_can_follow_are_refused(change: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        DynamicsStudy(**change)
