"""Intervals of a committee for an error without a sign."""

from __future__ import annotations

import numpy as np

from defectra.studies.dynamics.rows import of_resamples


def test_the_upper_end_of_an_error_without_a_sign_is_not_too_low() -> None:
    """Larger of two absolute errors; the lower end is not to be believed where there is none."""
    draw = np.random.default_rng(2)
    for truth in (0.0, 0.5, 2.0):
        below = 0
        for _ in range(300):
            x = truth + draw.normal(size=(7, 2))
            single = np.array([x[draw.integers(0, 7, 7)].mean(axis=0) for _ in range(5)])
            whole = float(np.abs(single.mean(axis=0)).max())
            found = of_resamples(whole, np.abs(single).max(axis=1).tolist(), 7, 0.0)
            below += found.hi < truth
        assert below / 300 < 0.05
