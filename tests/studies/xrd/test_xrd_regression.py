"""The linear plane that is given undisturbed patterns."""

import numpy as np
import pytest

from defectra.studies.xrd.learning import Taught, read_off, regression_of
from defectra.studies.xrd.plane import Components, Regressions


def patterns(rows=400, points=30, seed=2):
    """Given and undisturbed patterns of two numbers; a strong disturbance lies across them."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(points, 3)))[0].T
    contents = rng.uniform(0, 1, (rows // 4, 2)).repeat(4, axis=0)
    clean = contents @ axes[:2] + rng.normal(size=points)
    disturbed = clean + 5 * rng.normal(size=(rows, 1)) * axes[2]
    return disturbed + 1e-3 * rng.normal(size=clean.shape), clean, contents


@pytest.mark.parametrize("rows", [400, 24])  # more, and fewer, rows than points
@pytest.mark.parametrize("penalty", [1e-8, 1e-3])
def test_the_plane_is_that_of_the_equations(rows, penalty) -> None:
    given, clean, _ = patterns(rows)
    plane = Regressions.of(given, clean).at(penalty)
    x, y = given - given.mean(axis=0), clean - clean.mean(axis=0)
    square = x.T @ x + penalty * (x**2).sum() * np.eye(x.shape[1])
    full = np.linalg.solve(square, x.T @ y)
    axes = np.linalg.eigh(full.T @ square @ full)[1][:, -2:]
    expected = clean.mean(axis=0) + x @ full @ axes @ axes.T
    np.testing.assert_allclose(plane.decode(plane.encode(given)), expected, atol=1e-6)
    np.testing.assert_allclose(plane.encode(given).std(axis=0), 1, rtol=1e-6)


def test_it_does_not_follow_a_disturbance_as_principal_components_do() -> None:
    given, clean, contents = patterns()
    own = Taught(given[:300], clean[:300], contents[:300])
    errors = [
        np.abs(read_off(plane, own)(given[300:]) - contents[300:]).max()
        for plane in (regression_of(own), Components.of(own.given))
    ]
    assert errors[0] < 0.02 < 0.2 < errors[1]
