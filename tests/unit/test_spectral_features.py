"""Features of spectra: known transforms, exact fits, and nothing learned from the test part."""

import numpy as np
import pytest
from sklearn.base import clone

from defectra.core.errors import ConfigError
from defectra.learn.gaussian_sums import evaluate, even_start, fit
from defectra.learn.spectral import NAMES, Cwt, Peaks, ricker, transformer


def curves(count=12, points=100, seed=0):
    rng = np.random.default_rng(seed)
    x = np.arange(points)[None, :]
    out = 0.5 + np.arctan((x - rng.uniform(15, 25, (count, 1))) / 4) / np.pi
    for _ in range(4):
        centre, width = rng.uniform(10, 90, (count, 1)), rng.uniform(4, 9, (count, 1))
        out = out + rng.uniform(0, 0.8, (count, 1)) * np.exp(-0.5 * ((x - centre) / width) ** 2)
    return out / out.max(axis=1, keepdims=True)


def test_ricker_has_unit_norm_and_no_mean():
    wavelet = ricker(400, 10.0)
    assert (wavelet**2).sum() == pytest.approx(1, rel=1e-6)
    assert wavelet.sum() == pytest.approx(0, abs=1e-6)


def test_cwt_is_the_convolution_that_scipy_had():
    values = curves(3)
    out = Cwt().fit_transform(values).reshape(3, 10, 100)
    for width in (1, 4, 10):
        wavelet = np.conj(ricker(min(10 * width, 100), width)[::-1])
        expected = [np.convolve(v, wavelet, mode="same") for v in values]
        np.testing.assert_allclose(out[:, width - 1], expected, atol=1e-12)


def test_start_is_the_least_squares_of_non_negative_heights():
    from scipy.optimize import nnls

    values = curves(4)
    start = even_start(values, 20)
    x = np.arange(100)
    shape = np.exp(-0.5 * ((x[:, None] - start[0, :, 1]) / start[0, :, 2]) ** 2)
    for row, peaks in zip(values, start):
        best = nnls(shape, row)[1]
        ours = np.linalg.norm(shape @ peaks[:, 0] - row)
        assert ours < 1.05 * best + 1e-6


def test_planted_gaussians_are_found_and_heights_stay_positive():
    planted = np.array([[[1.0, 30.0, 5.0], [0.6, 62.0, 8.0]]])
    values = evaluate(planted, 100)
    start = planted + np.array([[[-0.2, 2.0, 1.0], [0.3, -3.0, -1.5]]])
    np.testing.assert_allclose(fit(values, start, 60), planted, atol=1e-6)
    found = Peaks(iterations=30).fitted(curves())
    assert (found[:, :, 0] >= 0).all()
    assert (found[:, :, 2] > 0).all()


def test_more_iterations_never_fit_worse():
    values = curves()

    def rms(iterations):
        peaks = Peaks(iterations=iterations).fitted(values)
        return np.sqrt(((evaluate(peaks, 100) - values) ** 2).mean(axis=1))

    few, some, many = rms(0), rms(6), rms(40)
    assert (some <= few).all()
    assert (many <= some).all()
    assert np.median(some) < 1e-3


def test_a_shift_moves_centres():
    x = np.arange(100)
    near, far = (np.exp(-0.5 * ((x - c) / 6.0) ** 2) for c in (45, 50))
    peaks = Peaks(iterations=20).fitted(np.array([near, far]))
    centres = (peaks[:, :, 0] * peaks[:, :, 2] * peaks[:, :, 1]).sum(axis=1)
    weight = (peaks[:, :, 0] * peaks[:, :, 2]).sum(axis=1)
    assert np.diff(centres / weight)[0] == pytest.approx(5.0, abs=0.05)


def test_free_fit_finds_planted_gaussians_of_any_sign_and_only_improves():
    from defectra.learn.signed_gaussian_sums import fit_free, narrow_start

    planted = np.array([[[1.0, 4.0, 20.0], [-0.4, 52.0, 15.0], [0.7, 93.0, 22.0]]])
    values = evaluate(planted, 100)
    found = fit_free(values, 3, 400)
    order = np.argsort(found[0, :, 1])
    np.testing.assert_allclose(found[0, order], planted[0], atol=1e-4)
    rows = curves(4)
    rms = [np.sqrt(((evaluate(fit_free(rows, 20, n), 100) - rows) ** 2).mean(axis=1))
           for n in (0, 10, 60)]  # fmt: skip
    assert (rms[1] <= rms[0]).all()
    assert (rms[2] <= rms[1]).all()
    assert rms[2].max() < 1e-5
    assert narrow_start(20, 100).shape == (20, 2)


def test_threads_change_nothing():
    values = curves(7)
    np.testing.assert_array_equal(Peaks(jobs=2).transform(values), Peaks().transform(values))


@pytest.mark.parametrize("name", [*NAMES, "cdf+pca", "intensity+cdf+cwt"])
def test_each_is_fitted_on_the_training_part_alone(name):
    train, test = curves(30, seed=1), curves(5, seed=2)
    tool = transformer(name, components=6)
    out = tool.fit(train).transform(test)
    assert out.shape[0] == 5
    assert np.isfinite(out).all()
    again = clone(tool).fit(train).transform(test[:1])
    np.testing.assert_allclose(again[0], out[0], rtol=1e-9, atol=1e-9)


def test_sizes_are_those_of_the_paper():
    values = curves(25)
    sizes = {n: transformer(n).fit(values).transform(values).shape[1] for n in NAMES}
    assert sizes == {"intensity": 100, "cdf": 100, "cwt": 1000, "peaks": 60, "pca": 20}


def test_unknown_feature_is_reported():
    with pytest.raises(ConfigError, match="fourier"):
        transformer("cdf+fourier")
