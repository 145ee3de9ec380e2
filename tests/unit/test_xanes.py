"""Study `xanes`: labels, views, forests as arrays, FEFF to VASP, importance, fidelities."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.preprocessing import StandardScaler

from defectra.core.errors import DataError
from defectra.core.npz import read_npz
from defectra.learn.forest import Forest
from defectra.learn.saved import Domain, features_of, learn_domain
from defectra.spectra.normalise import cdf
from defectra.studies.xanes import (
    compare,
    delta,
    fidelity_comparison,
    measured_nickel,
    nickel,
    views,
)
from defectra.studies.xanes.copper import GRID, MARGIN, WIDE
from defectra.studies.xanes.importance import importance
from defectra.studies.xanes.omnixas import material, read_spectra
from defectra.studies.xanes.settings import Delta, FidelityLevels, XanesStudy
from defectra.studies.xanes.surroundings import COPPER_OXYGEN, describe, hoppe_mean, valence_sum

COPPER_TWO = 1.679


def test_regular_surroundings_are_counted_exactly():
    found = describe([1.95] * 4, COPPER_OXYGEN)
    assert found.coordination == pytest.approx(4)
    assert found.bond_length == pytest.approx(1.95)
    assert found.valence == pytest.approx(4 * np.exp((1.679 - 1.95) / 0.37))
    assert found.oxidation == 2
    assert describe([1.85, 1.85], COPPER_OXYGEN).oxidation == 1


def test_far_oxygens_count_little_and_unclear_states_are_no_label():
    square, elongated = [1.95] * 4, [1.95] * 4 + [2.6] * 2
    assert 4 < describe(elongated, COPPER_OXYGEN).coordination < 4.6
    assert hoppe_mean(np.array(elongated)) < 2.0
    assert np.isnan(describe([*square, 1.95, 1.95], COPPER_OXYGEN).oxidation)
    with pytest.raises(ValueError, match="no oxygen"):
        describe([], COPPER_OXYGEN)


def test_a_bond_of_unit_length_has_unit_valence():
    assert valence_sum([COPPER_TWO], COPPER_TWO) == pytest.approx(1)
    assert valence_sum([COPPER_TWO + 0.37], COPPER_TWO) == pytest.approx(np.exp(-1))


def test_views_move_up_by_what_they_say_and_keep_rows():
    peak = np.exp(-0.5 * ((WIDE - 9000.0) / 2.0) ** 2)[None, :] + 1e-6
    seen = {v.name: v for v in views.views(peak, {0: peak[0, MARGIN:-MARGIN]}, STUDY, 1)}
    axis = GRID[:: views.EVERY]
    centre = {n: float(v.spectra[0] @ axis / v.spectra[0].sum()) for n, v in seen.items()}
    assert centre["shift 3 eV"] - centre[views.AS_IS] == pytest.approx(3.0, abs=0.02)
    assert centre["broadened 2 eV"] == pytest.approx(centre[views.AS_IS], abs=0.02)
    np.testing.assert_array_equal(seen[views.VASP].spectra, seen[views.AS_IS].spectra)
    assert all(v.spectra.max() == pytest.approx(1) for v in seen.values())


STUDY = XanesStudy().disturbances


def planted(count=80, seed=0):
    """Spectra whose label is the height of a bump at 20 eV, others bumps at random heights."""
    rng = np.random.default_rng(seed)
    grid = np.arange(0.0, 40.0, 0.4)
    height = rng.uniform(0, 1, (count, 3))
    step = 1 / (1 + np.exp(-(grid - 8)))
    bumps = [np.exp(-0.5 * ((grid - c) / 1.0) ** 2) for c in (12.0, 20.0, 31.0)]
    return grid, 1.5 * step + height @ np.array(bumps), height[:, 1]


@pytest.mark.parametrize("features", ["intensity", "cdf", "cwt"])
def test_planted_bump_is_found_within_one_ev(features):
    grid, spectra, labels = planted()
    model = RandomForestRegressor(60, min_samples_leaf=2, random_state=0)
    model.fit(features_of(spectra, features), labels)
    found = importance(lambda x: model.predict(features_of(x, features)), spectra, grid)
    assert abs(grid[found.argmax()] - 20.0) <= 1.0


def test_a_cumulative_feature_read_as_a_local_one_misses_the_bump():
    grid, spectra, labels = planted(400)
    weights, *_ = np.linalg.lstsq(np.c_[cdf(spectra), np.ones(400)], labels, rcond=1e-6)
    linear = np.abs(weights[:-1]) * cdf(spectra).std(axis=0)
    assert abs(grid[linear.argmax()] - 20.0) > 1.0
    found = importance(lambda x: np.c_[cdf(x), np.ones(len(x))] @ weights, spectra, grid, width=1.0)
    assert abs(grid[found.argmax()] - 20.0) <= 1.0


def test_forest_as_arrays_answers_as_scikit_learn(tmp_path):
    _, spectra, labels = planted()
    model = RandomForestRegressor(20, min_samples_leaf=2, random_state=1).fit(spectra, labels)
    forest = Forest.from_sklearn(model)
    np.testing.assert_allclose(forest.predict(spectra), model.predict(spectra), atol=1e-12)
    np.savez(tmp_path / "a.npz", **forest.arrays())
    again = Forest.from_arrays(read_npz(tmp_path / "a.npz"), "a")
    np.testing.assert_array_equal(again.predict(spectra), forest.predict(spectra))
    with pytest.raises(DataError, match="features"):
        forest.predict(spectra[:, :5])


def test_broken_and_pickled_models_are_refused(tmp_path):
    _, spectra, labels = planted(20)
    arrays = Forest.from_sklearn(RandomForestRegressor(3).fit(spectra, labels)).arrays()
    wrong = dict(arrays)
    wrong["left"] = np.where(arrays["left"] >= 0, 0, -1)  # a loop
    with pytest.raises(DataError, match="damaged"):
        Forest.from_arrays(wrong, "loop")
    del wrong["value"]
    with pytest.raises(DataError, match="value"):
        Forest.from_arrays(wrong, "short")
    np.savez(tmp_path / "p.npz", about=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="npz"):
        read_npz(tmp_path / "p.npz")
    (tmp_path / "t.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataError, match="npz"):
        read_npz(tmp_path / "t.npz")


def test_domain_takes_its_own_kind_and_refuses_another():
    _, spectra, _ = planted(200)
    groups = [str(k % 20) for k in range(200)]
    domain = learn_domain(spectra, groups)
    assert isinstance(domain, Domain)
    _, fresh, _ = planted(200, seed=9)
    assert (domain.outside(fresh) > 1).mean() < 0.1
    assert (domain.outside(np.roll(fresh, 20, axis=1)) > 1).all()


def test_correction_finds_a_planted_shift_width_and_mean():
    rng = np.random.default_rng(0)
    x = 0.25 * np.arange(delta.POINTS)
    centre = rng.uniform(12, 22, (30, 1))
    feff = np.exp(-0.5 * ((x - centre) / 2.0) ** 2)
    truth = delta.Correction(1.5, 2.0, 0.1 * np.sin(x / 3))
    found = delta.fit_correction(feff, truth.apply(feff), Delta())
    assert (found.shift, found.fwhm) == (1.5, 2.0)
    np.testing.assert_allclose(found.mean, truth.mean, atol=1e-9)


def test_delta_model_is_held_out_by_material():
    rng = np.random.default_rng(1)
    x = 0.25 * np.arange(delta.POINTS)
    sites = [f"mp-{k // 2}_{k % 2:03d}" for k in range(40)]
    centre = dict(zip(sites, rng.uniform(12, 22, 40)))
    feff = {s: np.exp(-0.5 * ((x - c) / 3) ** 2) for s, c in centre.items()}
    vasp = {s: np.exp(-0.5 * ((x - c - 1) / 3) ** 2) * (1 + 0.02 * c) for s, c in centre.items()}
    rows = delta.hold_out("Ti", feff, vasp, XanesStudy(), 3)
    folds = {}
    for row in rows:
        folds.setdefault(material(row["site"]), set()).add(row["fold"])
    assert len(rows) == 40
    assert all(len(v) == 1 for v in folds.values())
    score = {(r["model"], r["metric"]): r["value"]
             for r in delta.delta_metrics(rows, XanesStudy(), 3)}  # fmt: skip
    assert score[delta.DELTA, "relative_rms"] < 0.5 * score[delta.CORRECTED, "relative_rms"]
    assert score[delta.CORRECTED, "relative_rms"] < score[delta.RAW, "relative_rms"]
    for other in (delta.RAW, delta.CORRECTED):
        apart = score[f"{delta.DELTA} - {other}", "relative_rms_difference"]
        expected = score[delta.DELTA, "relative_rms"] - score[other, "relative_rms"]
        assert apart == pytest.approx(expected)


def sister_sites():
    """Ten nearly equal rows of each of thirty materials; what they learn is noise of a material."""
    draw = np.random.default_rng(7)
    materials = np.repeat([f"m{k}" for k in range(30)], 10)
    x = np.repeat(draw.normal(size=(30, 20)), 10, axis=0) + 0.1 * draw.normal(size=(300, 20))
    return x, np.repeat(draw.normal(size=30), 10), [str(m) for m in materials]


@pytest.mark.parametrize("fitted", [
    lambda x, y, m: compare._fit(compare.RIDGE, x, y[:, None], m, XanesStudy(), 1).regressor_,
    lambda x, y, m: measured_nickel._model(
        measured_nickel.RIDGE, m, XanesStudy().nickel, 1).fit(x, y),
], ids=["features", "nickel"])  # fmt: skip
def test_sister_sites_do_not_choose_the_penalty_of_ridge(fitted):
    """Left out one by one they answer each other, and nearly the weakest penalty is chosen."""
    x, y, materials = sister_sites()
    model = fitted(x, y, materials)
    rowwise = RidgeCV(model[-1].alphas).fit(StandardScaler().fit_transform(x), y)
    assert model[-1].alpha_ >= 30 * rowwise.alpha_


def test_sister_sites_do_not_choose_the_penalty_of_the_delta_model():
    x, y, materials = sister_sites()
    model = delta.learn(x, np.column_stack([y, -y]), materials, Delta())
    assert isinstance(model[-1], Ridge)
    rowwise = RidgeCV(np.logspace(-1, 4, 11)).fit(model[:-1].transform(x), y)
    assert model[-1].alpha >= 30 * rowwise.alpha_


def test_states_of_moments():
    states = [nickel.state_of_moment(m) for m in (1.9, 1.7, 1.3, 0.9, -0.1, 0.0)]
    assert states == pytest.approx([2.0, 2.0, 2.5, 3.0, 4.0, 4.0])


def test_alignment_needs_no_label_and_finds_the_shift():
    energy = np.arange(8300.0, 8400.0, 0.5)
    mu = 1 / (1 + np.exp(-(energy - 8345))) + np.exp(-0.5 * ((energy - 8350) / 2) ** 2)
    rows = [{"energy_eV": energy - 2.0, "mu": mu, "composition": "Ni"}]
    measured = nickel.on_grid([{"energy_eV": energy, "mu": mu}], 1.5)
    shift, spread = nickel.align(rows, measured, ["a"], 1.5, 6.0)
    assert shift == pytest.approx(2.0, abs=0.051)
    assert np.isnan(spread)  # one group of each: nothing to resample
    two, pair = [{**r, "composition": c} for r in rows for c in "ab"], np.tile(measured, (2, 1))
    assert nickel.align(two, pair, ["a", "b"], 1.5, 6.0)[1] == pytest.approx(0.0, abs=1e-9)


def test_spectra_of_one_measured_cell_do_not_make_the_alignment_surer():
    """Two cells whose axes differ by 2 eV, of eight spectra each: sd of their mean 1 eV."""
    energy = np.arange(8300.0, 8400.0, 0.5)
    mu = 1 / (1 + np.exp(-(energy - 8345) / 3))
    rows = [{"energy_eV": energy, "mu": mu, "composition": c} for c in "abc"]
    moved = [{"energy_eV": energy + e, "mu": mu} for e in (-1.0,) * 8 + (1.0,) * 8]
    cells = ["NMC622"] * 8 + ["NMC721"] * 8
    shift, spread = nickel.align(rows, nickel.on_grid(moved, 1.5), cells, 1.5, 6.0, resamples=400)
    assert shift == pytest.approx(0.0, abs=0.11)
    assert spread == pytest.approx(1.0, abs=0.1)
    alone = [str(k) for k in range(16)]  # as if sixteen cells: a quarter of it
    assert nickel.align(rows, nickel.on_grid(moved, 1.5), alone, 1.5, 6.0)[1] < 0.4


def test_separation_is_in_standard_deviations():
    value = np.array([1.0, 1.2, 3.0, 3.2])
    within = np.sqrt(0.02)
    expected = 2.0 / within
    assert measured_nickel.separation(value, np.array([0, 0, 1, 1], bool)) == pytest.approx(
        expected
    )


def test_the_difference_of_two_features_is_taken_on_the_same_resamples():
    """Errors that both share cancel: the interval of the difference is far narrower."""
    rng = np.random.default_rng(5)
    groups = [f"m{k // 4}" for k in range(400)]
    truth = rng.normal(size=400)
    shared = rng.normal(0, 1, size=400) * np.repeat(rng.uniform(0.2, 3, 100), 4)
    answers = {
        ("as is", "cdf", compare.FOREST): (truth + 0.9 * shared)[:, None],
        ("as is", "intensity", compare.FOREST): (truth + shared)[:, None],
    }
    task = compare.Task(("valence",), np.arange(400), truth[:, None])
    rows = list(compare._scored(task, answers, groups, XanesStudy(), 3))
    by = {(r["features"], r["metric"]): r for r in rows}
    ours, plain = (by[f, "rmse"] for f in ("cdf", "intensity"))
    pair = by["cdf - intensity", "rmse_difference"]
    assert pair["value"] == pytest.approx(ours["value"] - plain["value"])
    assert pair["lo"] < pair["value"] < pair["hi"] < 0
    assert pair["hi"] - pair["lo"] < 0.2 * (ours["hi"] - ours["lo"])
    mean = {("as is", "none", compare.MEAN): (0.8 * shared)[:, None]}
    rows = list(compare._scored(task, {**answers, **mean}, groups, XanesStudy(), 3))
    (over,) = [r for r in rows if r["features"] == compare.OVER_MEAN]
    (alone,) = [r for r in rows if (r["features"], r["metric"]) == ("none", "rmse")]
    assert over["metric"] == "rmse_difference"
    assert over["value"] == pytest.approx(ours["value"] - alone["value"])
    without = {k: v for k, v in answers.items() if k[1] == "cdf"}
    assert all("-" not in r["features"]
               for r in compare._scored(task, without, groups, XanesStudy(), 3))  # fmt: skip


def test_the_mean_of_two_classes_has_a_balanced_accuracy_of_one_half_exactly():
    """It would answer other materials alike; a forest that says one class might not."""
    groups = [f"m{k // 2}" for k in range(60)]
    truth = np.tile([1.0, 2.0, 2.0], 20)
    mean = np.repeat([1.62, 1.7, 1.68], 20)[:, None]  # of the training part of three folds
    task = compare.Task(("oxidation",), np.arange(60), truth[:, None])
    answers = {("as is", "none", compare.MEAN): mean, ("as is", "pca", compare.FOREST): mean}
    rows = list(compare._scored(task, answers, groups, XanesStudy(), 3))
    by = {r["model"]: (r["value"], r["lo"], r["hi"]) for r in rows}
    assert by[compare.MEAN] == (0.5, 0.5, 0.5)
    value, lo, hi = by[compare.FOREST]
    assert lo < value == 0.5 < hi


SHARP = np.arange(500.0, 620.0, 0.1)


def oxygen(energy, onset):
    step = 1 / (1 + np.exp(-(energy - onset) / 0.5))
    return step + sum(h * np.exp(-0.5 * ((energy - onset - c) / 1.2) ** 2)
                      for c, h in ((1.0, 0.7), (9.0, 1.1), (12.0, 0.6), (22.0, 0.3)))  # fmt: skip


def level(name, protocol, curve, edge, cpu):
    identity = f"{name} {protocol}"
    row = {"calculation_id": identity, "geometry_id": "g", "site": "O20", "element": "O"}
    row |= {"edge": "K", "engine": name, "protocol": protocol, "edge_eV": edge, "cpu_s": cpu}
    return row, {"calculation_id": identity, "energy_eV": curve[0], "mu": curve[1]}


def test_a_comparison_says_what_every_curve_was_moved_by_and_on_which_axis_it_came():
    planted = {"fast": -0.8, "balanced": -0.3, "stringent": 0.0}
    pairs = [
        level("feff", p, (SHARP, oxygen(SHARP, 540.0 + s)), 540.0, c)
        for (p, s), c in zip(planted.items(), (20.0, 60.0, 900.0))
    ]
    pairs.append(level("gpaw_corehole", "fast", (SHARP, oxygen(SHARP, 531.0)), 531.0, 400.0))
    cells = [{"geometry_id": "g", "species": ["Li", "Ni", "O", "O"]}]
    found = list(
        fidelity_comparison.compare_sites(
            [p[0] for p in pairs], [p[1] for p in pairs], cells, FidelityLevels()
        )
    )
    by = {(r["rung"], r["reference"]): r for r in found}
    assert len(found) == 2 + 3 + 2
    for protocol, shift in planted.items():
        row = by[f"feff {protocol}", "gpaw_corehole fast"]
        assert row["shift"] == pytest.approx(531.0 - 540.0 - shift, abs=0.051)
        assert (row["alignment"], row["axis"]) == ("fitted", "engine")
        assert row["relative_rms"] < 0.02
        assert 0 <= row["shift_sd"] < 0.2
    inner = by["feff fast", "feff stringent"]
    assert inner["shift"] == pytest.approx(0.8, abs=0.051)
    top = by["gpaw_corehole fast", ""]
    assert (top["axis"], top["alignment"], top["shift"]) == ("delta SCF", "none", 0.0)
    assert {r["panel"] for r in found} == {"LiNiO2 O K, site O20"}
    assert [r["cpu_s"] for r in found if not r["reference"]] == [900.0, 400.0]


def test_the_declared_shift_of_nickel_is_reported():
    spectrum = (SHARP + 7830.0, oxygen(SHARP, 530.0))
    pairs = [level("feff", p, spectrum, 8340.0, c) for p, c in (("fast", 5.0), ("balanced", 50.0))]
    calculations = [r | {"element": "Ni", "structure_id": "s" * 8} for r, _ in pairs]
    found = list(
        fidelity_comparison.compare_nickel(
            calculations, [p[1] for p in pairs], "fast", "balanced", -8.0
        )
    )
    top, below = found
    assert (top["alignment"], top["shift"], top["axis"]) == ("declared", -8.0, "engine")
    assert np.isnan(top["shift_sd"])
    assert below["alignment"] == "fitted"
    assert below["shift"] == pytest.approx(-8.0, abs=0.051)
    onset = top["energy_eV"][int(np.argmax(np.array(top["mu"]) > 0.5))]
    assert onset == pytest.approx(8360.0 - 8.0, abs=1.5)  # it was moved


def test_a_site_with_one_fidelity_is_no_comparison():
    row, curve = level("feff", "fast", (SHARP, oxygen(SHARP, 540.0)), 540.0, 1.0)
    cells = [{"geometry_id": "g", "species": ["O"]}]
    assert list(fidelity_comparison.compare_sites([row], [curve], cells, FidelityLevels())) == []


def test_lists_and_tables_must_be_in_step(tmp_path):
    (tmp_path / "l.txt").write_text("mp-1_000\nmp-2_001\n")
    np.savetxt(tmp_path / "t.txt", np.zeros((3, 141)))
    with pytest.raises(DataError, match="belong"):
        read_spectra([tmp_path / "l.txt"], [tmp_path / "t.txt"])


def test_settings_refuse_an_unknown_feature_and_a_shift_off_the_grid():
    with pytest.raises(ValueError, match="fourier"):
        XanesStudy(features=["cdf+fourier"])
    with pytest.raises(ValueError, match="shifts"):
        XanesStudy(disturbances={"shifts": [0.3]})


_CELL = """CuO
1.0
3.9 0 0
0 3.9 0
0 0 12.0
Cu O S
1 2 1
direct
0.0 0.0 0.0 Cu
0.5 0.0 0.0 O
0.0 0.5 0.0 O
0.0 0.0 {z} S
"""


def _archive(path, cell, sites=("000_Cu", "001_Cu")):
    import io
    import tarfile

    rows = "".join(f" {8984 + k:.3f} {k:.3f} 0.1 {k / 50:.5e} 1.0 0.0\n" for k in range(60))
    files = {"FEFF/Cu/mp-1/POSCAR": cell}
    files |= {f"FEFF/Cu/mp-1/FEFF-XANES/{s}/xmu.dat": "# head\n" + rows for s in sites}
    with tarfile.open(path, "w:xz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


def test_sites_are_labelled_and_what_has_no_label_is_counted(tmp_path):
    from defectra.studies.xanes.copper import copper_rows

    rows, left_out = copper_rows(_archive(tmp_path / "a.tar.xz", _CELL.format(z=0.5)))
    assert [r["site"] for r in rows] == ["mp-1_000"]
    assert rows[0]["coordination"] == pytest.approx(4)
    assert rows[0]["bond_length"] == pytest.approx(1.95)
    assert left_out == {"the site is no Cu": 1}
    np.testing.assert_allclose(np.interp(9000.0, WIDE, rows[0]["mu"]), 16 / 50, atol=1e-6)
    rows, left_out = copper_rows(_archive(tmp_path / "b.tar.xz", _CELL.format(z=0.19)))
    assert not rows
    assert left_out["bound to another anion as well"] == 1
    with pytest.raises(DataError, match=r"no xmu\.dat"):
        copper_rows(_archive(tmp_path / "c.tar.xz", _CELL.format(z=0.5), sites=()))
