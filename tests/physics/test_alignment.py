"""Energy alignment: which of three, by how much, how surely; planted shifts are found."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.core.errors import TableError
from defectra.spectra.align import AS_IS, Method, aligned, applied, declared, fitted
from defectra.studies.nmc.settings import Grid

GRID = np.arange(525.0, 560.0, 0.1)
WIDE = np.arange(480.0, 620.0, 0.1)


def spectrum(energy, onset=531.0):
    """Step with a pre-edge and three peaks."""
    step = 1 / (1 + np.exp(-(energy - onset) / 0.5))
    return step + sum(
        h * np.exp(-0.5 * ((energy - onset - c) / 1.2) ** 2)
        for c, h in ((1.0, 0.7), (9.0, 1.1), (12.0, 0.6))
    )


def test_a_declared_shift_is_reported_and_has_no_invented_uncertainty():
    grid = Grid(start=528.0, stop=560.0, step=0.2, shift=-4.2)
    found = declared(grid)
    assert (found.method, found.shift) == (Method.DECLARED, -4.2)
    assert np.isnan(found.sd)
    np.testing.assert_allclose(aligned([540.0], grid), [535.8])


def test_a_planted_shift_and_width_are_found():
    from defectra.spectra.broaden import gaussian

    planted = (GRID, gaussian(WIDE, spectrum(WIDE, 533.3), GRID, 2.0))
    found = fitted((WIDE, spectrum(WIDE)), planted, 6.0)
    assert found.method is Method.FITTED
    assert found.shift == pytest.approx(2.3, abs=0.051)
    assert found.fwhm == 2.0
    assert found.sd < 0.05
    np.testing.assert_allclose(
        applied((WIDE, spectrum(WIDE)), found, GRID), planted[1] / planted[1].mean(), atol=0.02
    )


def test_the_uncertainty_grows_with_disagreement_and_covers_the_planted_shift():
    """Features that do not move along make the answer unsure, and it says so."""
    rng = np.random.default_rng(7)
    misses, sds = [], []
    for amplitude in (0.0, 0.15):
        for _ in range(6):
            wrong = sum(
                amplitude * rng.normal() * np.exp(-0.5 * ((GRID - c) / 1.5) ** 2)
                for c in (530.0, 536.0, 541.0, 547.0, 554.0)
            )
            found = fitted(
                (WIDE, spectrum(WIDE)), (GRID, spectrum(GRID, 532.1) + wrong), 4.0, (0.0,)
            )
            misses.append(abs(found.shift - 1.1))
            sds.append(found.sd)
    clean, dirty = np.array(sds[:6]), np.array(sds[6:])
    assert clean.max() < 0.03
    assert dirty.mean() > 3 * max(clean.mean(), 0.005)
    assert (np.array(misses) <= 3 * np.array(sds) + 0.05).all()


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ((WIDE, np.where(WIDE > 540, np.nan, spectrum(WIDE))), "not a number"),
        ((WIDE, 0.0 * WIDE), "flat"),
        ((WIDE, 0.0 * WIDE + 3.0), "flat"),
        ((WIDE, spectrum(WIDE, 522.0)), "within 6 eV"),  # 9 eV away
        ((WIDE[:300], spectrum(WIDE[:300])), "covers|within|flat"),  # ends before the window
        ((WIDE[WIDE < 545], spectrum(WIDE[WIDE < 545])), "covers 5"),
    ],
)
def test_what_tells_no_shift_is_refused(curve, expected):
    with pytest.raises(TableError, match=expected):
        fitted(curve, (GRID, spectrum(GRID)), 6.0, (0.0, 1.0))
    with pytest.raises(TableError, match=r"not a number|flat|within|covers"):
        fitted((GRID, spectrum(GRID)), curve, 6.0, (0.0, 1.0))


def test_a_narrow_window_has_no_uncertainty():
    narrow = np.arange(529.0, 534.0, 0.1)
    found = fitted((WIDE, spectrum(WIDE)), (narrow, spectrum(narrow, 531.5)), 2.0, (0.0,))
    assert found.shift == pytest.approx(0.5, abs=0.051)
    assert np.isnan(found.sd)


def test_nothing_done_is_reported_as_well():
    assert (AS_IS.method, AS_IS.shift, AS_IS.sd) == (Method.NONE, 0.0, 0.0)
