"""Study xrd: disturbed patterns, planes, relevance, files of users, a tiny end to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from defectra.core.errors import DataError
from defectra.engines.xrd.alloy import Contents
from defectra.engines.xrd.engine import FRACTIONAL, ORDERED, XRD
from defectra.engines.xrd.powder import CU_K_ALPHA_1
from defectra.learn.training import Training
from defectra.studies.xrd.alloys import Alloys, disturbed, grid_of, normalised
from defectra.studies.xrd.checks import checks
from defectra.studies.xrd.evaluate import OVER_MEAN, metrics
from defectra.studies.xrd.interpolation import LINE, MIXTURE, NEAREST, interpolation_rows, known
from defectra.studies.xrd.learning import AUTOENCODER, LIKE, MEAN, leave_one_out, taught
from defectra.studies.xrd.plane import Components, Reading
from defectra.studies.xrd.powder_file import PowderPattern, on_grid, read_powder
from defectra.studies.xrd.relevance import control, exchanged, profiles, relevance_rows, seen
from defectra.studies.xrd.requests import contents, request
from defectra.studies.xrd.scorecard import error_difference, mean_error, scorecard
from defectra.studies.xrd.settings import Contents as ContentSettings
from defectra.studies.xrd.settings import Disturbances, XrdStudy

TINY = XrdStudy(
    contents=ContentSettings(titanium=5, titanium_step=0.25, zirconium=3, zirconium_step=0.125,
                             cells=(2, 2, 1)),
    disturbances=Disturbances(copies=1, test_copies=1, march=[0.9]),
    network=Training(epochs=3, batch=16, patience=3),
    hidden=8,
    bootstrap=20,
    permutations=99,
)  # fmt: skip
GRID = grid_of(TINY)


def computed(form):
    parts, x, y = [], [], []
    for zirconium in contents(TINY)[1]:
        asked = request(form, zirconium, TINY, 1)
        found = XRD.read(XRD.run(asked, None).files)["intensity"]
        parts.append(found)
        x += contents(TINY)[0]
        y += [zirconium] * len(found)
    intensity = np.asarray(np.concatenate(parts), np.float64)
    return Alloys(intensity, np.array(x), np.array(y), [f"p/{k}" for k in range(len(x))])


@pytest.fixture(scope="module")
def alloys():
    return computed(FRACTIONAL)


def test_identity_of_ordered_patterns_depends_on_the_seed_of_mixed_ones_not() -> None:
    one, other = (request(ORDERED, 0.125, TINY, seed).calculation_id for seed in (1, 2))
    assert one != other
    one, other = (request(FRACTIONAL, 0.125, TINY, seed).calculation_id for seed in (1, 2))
    assert one == other


def test_disturbed_patterns_are_counts_about_the_pattern(alloys) -> None:
    quiet = Disturbances(march=[0.9], zero=0.0, background=0.0, counts=(1e6, 1.01e6))
    plain = alloys.at(np.arange(3))
    only = Alloys(plain.intensity[:, :1], plain.x, plain.y, plain.ids)
    found = disturbed(only, quiet, GRID.points, np.random.default_rng(0))
    np.testing.assert_array_equal(found, np.rint(found))
    apart = np.abs(normalised(found) - normalised(only.plain)).max()
    assert apart < 0.05
    moved_by = Disturbances(march=[0.9], zero=0.2, background=0.3)
    rough = disturbed(only, moved_by, GRID.points, np.random.default_rng(0))
    assert np.abs(normalised(rough) - normalised(only.plain)).max() > 5 * apart


def test_a_polynomial_reads_contents_off_a_curved_plane() -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(0, 1, (200, 2))
    points = np.column_stack([true[:, 0] + 0.2 * true[:, 1] ** 2, true[:, 1] - 0.1 * true[:, 0]])
    reading = Reading.of(points[:150], true[:150])
    np.testing.assert_allclose(reading.contents(points[150:]), true[150:], atol=0.02)


def test_principal_components_are_the_linear_plane() -> None:
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.normal(size=(30, 2)))[0].T
    patterns = rng.normal(size=(60, 2)) * [3, 1] @ axes + rng.normal(size=30)
    plane = Components.of(patterns)
    np.testing.assert_allclose(plane.decode(plane.encode(patterns)), patterns, atol=1e-9)
    np.testing.assert_allclose(plane.encode(patterns).std(axis=0), 1)


class Few:
    """A plane that uses two points of a pattern and nothing else."""

    def __init__(self, index):
        self.index = index

    def encode(self, patterns):
        return patterns[:, self.index]


MIDDLE = Contents(0.5, 0.125)


def test_a_pattern_is_the_sum_of_its_reflections(alloys) -> None:
    width = TINY.patterns.width
    whole = sum(profiles(hkl, alloys, GRID, width) for hkl in seen(MIDDLE, GRID))
    apart = np.abs(whole - alloys.plain).sum(axis=1) / alloys.plain.sum(axis=1)
    assert apart.max() < 0.08  # the weakest reflections are left out


def test_relevance_finds_the_reflection_that_is_used_and_the_control_rings(alloys) -> None:
    near = np.flatnonzero(np.abs(GRID.points - 30.0) < 0.2)[[0, -1]]  # flanks of 2 1 1
    plane = Few(near)
    rows = relevance_rows(plane, alloys, GRID, TINY.patterns.width, MIDDLE, 0)
    told = {r["hkl"]: r["relevance"] for r in rows}
    most = told.pop("2 1 1")
    assert most > 0.3
    assert max(told.values()) < 0.3 * most  # the others only by the normalisation
    nothing = np.zeros_like(alloys.plain)
    assert exchanged(plane, alloys, nothing, np.random.default_rng(0)) == (0.0, 0.0)
    dealt = {}
    for name, sign in (("follows", 1), ("opposes", -1)):
        made = [r | {"relevance": sign * r["signal"]} for r in rows]
        dealt[name] = control(plane, alloys, made, 0, 99)["p_value"]
    assert dealt["follows"] == 0.01
    assert dealt["opposes"] > 0.9


def test_mixture_is_better_than_nearest_where_nothing_moves(alloys) -> None:
    """A plane that is exact gives the pattern; the mixture of intensities is nearly so."""
    fixed = Alloys(np.stack([np.full((1, 40), 1.0) + x * np.sin(np.arange(40))[None] / 5
                             for x in alloys.x]), alloys.x, alloys.y, alloys.ids)  # fmt: skip
    assert known(fixed).sum() == 6
    values = np.unique(fixed.x)
    rows = interpolation_rows(Components.of(normalised(fixed.plain)), fixed)
    mean = {m: np.mean([r["rmse"] for r in rows if r["method"] == m]) for m in (LINE, MIXTURE)}
    nearest = np.mean([r["rmse"] for r in rows if r["method"] == NEAREST])
    assert {(r["gap"], r["x"]) for r in rows} == {
        (values[k - k % 4], values[k]) for k in range(len(values)) if k % 4 and k < 8
    }
    assert mean[MIXTURE] < 1e-3 < nearest
    assert mean[LINE] < 0.2 * nearest


def test_methods_of_interpolation_are_compared_content_by_content() -> None:
    """Errors differ far more between contents than between the methods."""
    errors = {0.1: 0.2, 0.2: 0.6, 0.3: 1.4}
    rows = [{"method": LINE, "gap": x, "x": x, "y": 0.0, "rmse": e} for x, e in errors.items()]
    rows += [r | {"method": NEAREST, "rmse": r["rmse"] + r["x"] / 10} for r in rows]
    apart = error_difference(rows, LINE, NEAREST)
    assert apart.value == pytest.approx(-0.02)
    assert apart.lo < apart.value < apart.hi < 0
    assert mean_error(rows, LINE).hi > mean_error(rows, NEAREST).value


def test_errors_of_few_contents_have_student_s_interval() -> None:
    rows = [
        {"content": "zirconium", "set": LIKE, "model": MEAN, "held": held, "predicted": held + off}
        for held, off in zip((0.0, 0.1, 0.2, 0.3), (0.1, 0.2, 0.3, 0.2))
        for _ in range(5)
    ]
    (row,) = metrics(rows, 1, 50)
    left = [np.sqrt(np.mean(np.square(np.delete([0.1, 0.2, 0.3, 0.2], k)))) for k in range(4)]
    half = 2.3534 * np.sqrt(3 / 4 * ((left - np.mean(left)) ** 2).sum())  # Student's t of four
    assert row["value"] == pytest.approx(np.sqrt(0.045))
    assert (row["lo"], row["hi"]) == pytest.approx((row["value"] - half, row["value"] + half), 1e-3)


def test_patterns_of_one_gap_are_no_independent_tries() -> None:
    """Three gaps of many patterns each have Student's interval of three."""
    rng = np.random.default_rng(2)
    rows = [
        {"method": method, "gap": gap, "x": gap + x, "y": y, "rmse": 1 + less * apart}
        for gap, less in zip((0.0, 0.5, 1.0), (0.3, 0.5, 0.4))
        for x in (0.125, 0.25, 0.375)
        for y in np.arange(10) / 10
        for method, apart in ((LINE, 0.0), (NEAREST, 1.0 + 0.01 * rng.normal()))
    ]
    apart = error_difference(rows, LINE, NEAREST)
    assert apart.n == 3
    assert apart.value == pytest.approx(-0.4, abs=0.01)
    half = 2.92 * 0.1 / np.sqrt(3)  # Student's t of two degrees of freedom
    assert apart.hi - apart.value == pytest.approx(half, rel=0.05)
    one = [r for r in rows if r["gap"] == 0.0]
    assert np.isnan(error_difference(one, LINE, NEAREST).lo)


def test_without_rows_every_claim_says_so() -> None:
    assert {r["verdict"] for r in scorecard([], [], [])} == {"no data"}
    found = checks([], [], [], (1.0, 0.25))
    assert {r["verdict"] for r in found if r["check_id"] != "cell"} == {"open"}


def files_of(folder: Path, angles, counts) -> dict[str, Path]:
    """One pattern in every format."""
    pairs = [f"{a:.3f} {c:.1f}" for a, c in zip(angles, counts)]
    loop = "loop_\n_pd_meas_2theta_scan\n_pd_meas_counts_total\n"
    texts = {
        "plain.xy": "\n".join(pairs),
        "errors.xye": "# 2theta I sigma\n" + "\n".join(f"{p} {1.0}" for p in pairs),
        "rigaku.ras": '*RAS_DATA_START\n*MEAS_COND_XG_WAVE_LENGTH_ALPHA1 "1.54056"\n'
        "*RAS_INT_START\n" + "\n".join(f"{p} 1.0" for p in pairs) + "\n*RAS_INT_END\n",
        "powder.cif": "data_p\n_diffrn_radiation_wavelength 1.54056\n" + loop + "\n".join(pairs),
        "even.cif": f"data_p\n_diffrn_radiation_wavelength 1.54056\n_pd_meas_2theta_range_min "
        f"{angles[0]}\n_pd_meas_2theta_range_max {angles[-1]}\nloop_\n_pd_meas_counts_total\n"
        + "\n".join(f"{c:.1f}" for c in counts),
    }
    texts["heading.csv"] = "two theta,counts\n" + "\n".join(p.replace(" ", ",") for p in pairs)
    for name, text in texts.items():
        (folder / name).write_text(text + "\n")
    np.save(folder / "columns.npy", np.column_stack([angles, counts]))
    savemat(folder / "rows.mat", {"pattern": np.stack([angles, counts])})
    return {name: folder / name for name in (*texts, "columns.npy", "rows.mat")}


def test_every_format_gives_the_same_pattern(tmp_path: Path, alloys) -> None:
    angles = np.linspace(15, 85, 3501)
    counts = 100 + 1000 * np.exp(-(((angles - 42.6) / 0.3) ** 2))
    want = np.interp(GRID.points, angles, counts)
    for name, path in files_of(tmp_path, angles, counts).items():
        given = np.nan if name.endswith((".ras", ".cif")) else 1.54056
        found = on_grid(read_powder(path), GRID, given, name)
        np.testing.assert_allclose(found, want, rtol=0.02, atol=3, err_msg=name)
    moved_to = on_grid(read_powder(tmp_path / "plain.xy"), GRID, 1.5, "x")
    shift = GRID.points[moved_to.argmax()] - GRID.points[want.argmax()]
    expected = 2 * np.degrees(np.arcsin(np.sin(np.radians(21.3)) * 1.54056 / 1.5)) - 42.6
    assert shift == pytest.approx(expected, abs=0.11)


def _peak(change: Callable[[np.ndarray], np.ndarray]) -> str:
    """Columns of one peak on a background of 30 counts, with its counts changed."""
    counts = change(30 + np.round(900 * np.exp(-((np.arange(60) - 30.0) ** 2) / 50)))
    return "\n".join(f"{20 + k} {c:g}" for k, c in enumerate(counts))


def _ras(factor: str, wavelength: str) -> str:
    body = "\n".join(f"{a} {a % 3} {factor}" for a in range(20, 80))
    head = f'*MEAS_COND_XG_WAVE_LENGTH_ALPHA1 "{wavelength}"'
    return f"{head}\n*RAS_INT_START\n{body}\n*RAS_INT_END\n"


BAD = {
    "short.xy": ("20 1\n21 2\n", "at least 50"),
    "words.xy": ("angle counts\n20 one\n", "line 2"),
    "comma.xy": ("\n".join(f"{a},5 10,2" for a in range(10, 90)), "decimal commas"),
    "commas.xy": ("\n".join(f"{a},5;{a},2" for a in range(10, 90)), "decimal commas"),
    "only.xy": ("\n".join(f"{a},5,{a},2" for a in range(10, 90)), "decimal commas"),
    "two.xy": ("\n".join(f"{a} 1" for a in [*range(10, 90), *range(10, 90)]), "do not rise"),
    "negative.xy": ("\n".join(f"{a} {a - 50}" for a in range(10, 90)), "negative"),
    "flat.xy": ("\n".join(f"{a} 7" for a in range(10, 90)), "every intensity"),
    "gap.xy": ("\n".join(f"{a} nan" for a in range(10, 90)), "not finite"),
    "far.xy": ("\n".join(f"{a} {a % 3}" for a in range(150, 250)), "not 2 theta"),
    "two.ras": ("*RAS_INT_START\n1 2 1\n*RAS_INT_END\n" * 2, "2 scans"),
    "cell.cif": ("data_a\n_cell_length_a 5.0\n", "0 powder patterns"),
    "no_angles.cif": ("data_a\nloop_\n_pd_meas_counts_total\n1\n2\n", "without angles"),
    "curve.opj": ("x", "save it as one of these"),
    "rings.tif": ("x", "integrate it over its rings"),
    "rings.dm3": ("x", "integrate it over its rings"),
    "empty.npy": ("", "the file is empty"),
    "words.csv": ("angle,counts\n20,one\n", "line 2"),
    "empty.xy": ("", "the file is empty"),
    "rows.csv": (",".join(map(str, range(10, 90))) + "\n", "more than 4 numbers"),
    "saturated.xy": (_peak(lambda counts: np.minimum(counts, 400)), "saturated"),
    "dead.xy": (_peak(lambda counts: np.where(abs(np.arange(60) - 30) < 2, 0, counts)), "dead"),
    "factor.ras": (_ras("one", "1.54"), "'one' is no number"),
    "shut.ras": (_ras("0", "1.54"), "above 0"),
    "wave.ras": (_ras("1", "1.5.4"), "'1.5.4' is no number"),
    "zero.ras": (_ras("1", "0"), "a wavelength of 0"),
    "wave.cif": (
        "data_a\n_diffrn_radiation_wavelength -1.5\nloop_\n_pd_meas_2theta_scan\n"
        "_pd_meas_counts_total\n20 1\n21 2\n",
        "a wavelength of -1.5",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_with_the_reason(tmp_path: Path, name) -> None:
    text, reason = BAD[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=reason):
        read_powder(tmp_path / name)


def test_arrays_that_are_no_pattern_are_refused(tmp_path: Path) -> None:
    angles = np.linspace(20, 80, 60)
    bad = {
        "image": (np.ones((40, 40)), "0 arrays with columns"),
        "one": (angles, "0 arrays with columns"),
        "complex": (np.stack([angles, angles]) * 1j, "type complex128"),
        "gap": (np.stack([angles, np.full(60, np.nan)]), "not finite"),
        "minus": (np.stack([angles, -angles]), "negative"),
    }
    for name, (values, reason) in bad.items():
        np.save(tmp_path / f"{name}.npy", values)
        with pytest.raises(DataError, match=reason):
            read_powder(tmp_path / f"{name}.npy")


@pytest.mark.parametrize("beyond", [0.0, 0.01, 0.05, 1.0])
def test_steps_at_the_ends_are_means_of_what_is_measured(beyond: float) -> None:
    """A constant stays one: 60 of 100 were given where the pattern ends within a step."""
    angles = np.arange(GRID.first - beyond, GRID.last + beyond + 0.005, 0.01)
    pattern = PowderPattern(angles, np.full(len(angles), 100.0), 1.54056)
    np.testing.assert_allclose(on_grid(pattern, GRID, np.nan, "x"), 100.0)


def test_wavelength_and_range_are_not_guessed(tmp_path: Path) -> None:
    angles = np.linspace(15, 85, 701)
    files = files_of(tmp_path, angles, 10 + angles % 3)
    with pytest.raises(DataError, match="wavelength"):
        on_grid(read_powder(files["plain.xy"]), GRID, np.nan, "plain.xy")
    with pytest.raises(DataError, match="leave the option out"):
        on_grid(read_powder(files["powder.cif"]), GRID, 0.7, "powder.cif")
    with pytest.raises(DataError, match="the models need 20 to 80"):
        on_grid(read_powder(files["plain.xy"]), GRID, 1.79, "plain.xy")
    whole = read_powder(files["plain.xy"])
    part = abs(whole.two_theta - 50) > 5
    gap = PowderPattern(whole.two_theta[part], whole.intensity[part])
    with pytest.raises(DataError, match="no point between 4"):
        on_grid(gap, GRID, 1.54056, "plain.xy")


@pytest.mark.parametrize("wavelength", [0.7093, 1.54056, 1.78897])
def test_reflections_of_another_radiation_are_those_of_copper(wavelength: float) -> None:
    sines = np.sin(np.radians(np.array([25.0, 45.0, 72.0]) / 2))  # 2 theta of Cu K alpha 1
    areas = {}
    for radiation in (CU_K_ALPHA_1, wavelength):
        theta = np.arcsin(sines * radiation / CU_K_ALPHA_1)
        strength = (1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))
        points = np.arange(8.0, 110.0, 0.005)  # degrees
        shapes = np.exp(-(((points[:, None] - 2 * np.degrees(theta)) / 0.05) ** 2))
        found = on_grid(PowderPattern(points, shapes @ strength + 1e-9), GRID, radiation, "x")
        near = [abs(GRID.points - t) < 2 for t in (25.0, 45.0, 72.0)]
        areas[radiation] = np.array([found[n].sum() for n in near])
    other, copper = areas[wavelength], areas[CU_K_ALPHA_1]
    assert other / other.sum() == pytest.approx(copper / copper.sum(), rel=2e-3)


def test_the_penalty_of_the_ridge_does_not_see_copies_of_an_alloy() -> None:
    """Patterns that say nothing of the contents but mark their alloy: new alloys get the mean."""
    from defectra.studies.xrd.learning import Taught, ridge_of

    rng = np.random.default_rng(1)
    marks, contents = rng.normal(size=(30, 200)), rng.uniform(size=(30, 2))
    given = np.tile(marks, (6, 1)) + rng.normal(0, 0.01, (180, 200))
    answer = ridge_of(Taught(given, given, np.tile(contents, (6, 1))))
    assert answer(rng.normal(size=(200, 200))).std(axis=0).max() < 0.1


def test_tiny_end_to_end_from_patterns_to_an_answer(tmp_path: Path, alloys) -> None:
    pytest.importorskip("torch")
    from defectra.learn.answers import predict_of, study_of_model
    from defectra.studies.xrd.learning import autoencoder_of
    from defectra.studies.xrd.saved_models import keep, read

    ordered = computed(ORDERED)
    one, again = (list(leave_one_out("zirconium", alloys, ordered, TINY, 1)) for _ in range(2))
    assert one == again
    assert {r["held"] for r in one} == {0.0, 0.125, 0.25}
    rows = list(metrics(one, 1, 20))
    assert {r["n_groups"] for r in rows} == {3}
    value = {(r["subset"], r["model"]): r["value"] for r in rows}
    for subset, model in [k for k in value if k[1] == OVER_MEAN]:
        apart = value[subset, AUTOENCODER] - value[subset, MEAN]
        assert value[subset, model] == pytest.approx(apart)
    own = taught(alloys, TINY, [1, 2])
    plane = autoencoder_of(own, TINY, 1)
    path = tmp_path / "model.safetensors"
    keep(path, plane, own, TINY, {"titanium": 0.1, "zirconium": 0.05}, 1)
    patterns = normalised(alloys.plain)
    np.testing.assert_allclose(read(path).plane.encode(patterns), plane.encode(patterns))
    assert study_of_model(path) == "xrd"
    angles = np.linspace(19, 81, 621)
    counts = np.interp(angles, GRID.points, alloys.plain[4] / 100) + 5
    files = files_of(tmp_path, angles, counts)
    noise = tmp_path / "noise.xy"
    rough = np.random.default_rng(0).poisson(2, len(angles))
    noise.write_text("\n".join(f"{a:.3f} {c}" for a, c in zip(angles, rough)))
    asked = [files["plain.xy"], noise, tmp_path / "none.xy"]
    (tmp_path / "none.xy").write_text("")
    good, other, bad = predict_of("xrd")(path, asked, {"wavelength": "1.54056"})
    assert "titanium x" in good.sentence
    assert "not one of these alloys" in other.sentence
    assert not other.certain
    assert "the file is empty" in bad.sentence
