"""Study xrd: settings that give no pattern are refused where they are read."""

from __future__ import annotations

import pytest

from defectra.studies.xrd.settings import XrdStudy


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"contents": {"titanium_step": 0.1}}, "titanium_step: 1.6 atoms .* 16 formula units"),
        ({"contents": {"cells": (1, 1, 2)}}, "multiple of 1/4"),
        ({"contents": {"zirconium_step": 0.05}}, "zirconium_step: 0.8 atoms"),
        ({"contents": {"cells": (2, -2, 2)}}, "cells: each at least 1"),
        ({"disturbances": {"counts": (0, 1e5)}}, "counts: above 0"),
        ({"disturbances": {"counts": (1e5, 1e3)}}, "smaller one first"),
        ({"disturbances": {"march": [0.0]}}, "march: above 0"),
    ],
)
def test_settings_that_give_no_pattern_are_refused(change: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        XrdStudy(**change)
