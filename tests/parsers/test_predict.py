"""`defectra predict`: real files, really broken ones, and the published checks."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from defectra.cli.main import main
from defectra.learn.forest import Forest
from defectra.learn.predict import calibration, doubts, predict_file
from defectra.learn.saved import About, Saved, features_of, learn_domain, load, unit_maximum
from defectra.spectra.edge_normalisation import without_background
from defectra.spectra.edges_seen import steepest
from defectra.spectra.measured import read_measured
from defectra.spectra.measured_series import read_series
from defectra.spectra.measured_spectrum import Measured, SpectrumError
from defectra.studies.xanes.published import AUTHORS, check_rows


def spectra_of(states, grid, seed=0):
    """An edge that moves up by 1.5 eV for each electron."""
    rng = np.random.default_rng(seed)
    x = grid - 8343 - 1.5 * (np.asarray(states)[:, None] - 2)
    peak = np.exp(-0.5 * ((x - 5) / (2.5 + 0.1 * rng.normal(size=(len(x), 1)))) ** 2)
    return 1 / (1 + np.exp(-np.clip(x / 0.8, -60, 60))) + 0.6 * peak


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    grid = 8330.0 + 0.4 * np.arange(100)
    states = np.linspace(2, 4, 60)
    spectra = unit_maximum(spectra_of(states, grid))
    forest = RandomForestRegressor(50, random_state=0).fit(features_of(spectra, "cdf"), states)
    about = About("Ni K", "Ni oxidation state", "e", "cdf", 8330.0, 0.4, 100, 0.0, 0.2, 2.0, 4.0,
                  "60 planted spectra")  # fmt: skip
    domain = learn_domain(spectra, [str(k % 10) for k in range(60)])
    path = tmp_path_factory.mktemp("model") / "planted.npz"
    Saved(about, Forest.from_sklearn(forest), domain).write(path)
    return path


def write(path, state, header="# energy mu\n", change=lambda e, m: (e, m)):
    energy = np.concatenate([np.arange(8200, 8320, 5.0), np.arange(8320, 8600, 0.5)])
    e, m = change(energy, 0.2 + 0.9 * spectra_of([state], energy)[0] - 1e-5 * (energy - 8333))
    path.write_text(header + "\n".join(f"{a:.6f} {b:.8f}" for a, b in zip(e, m)))
    return path


def test_a_planted_state_is_reported_with_its_interval(model, tmp_path, capsys):
    path = write(tmp_path / "a.dat", 3.3)
    answer = predict_file(load(model), path)
    assert answer.value == pytest.approx(3.3, abs=0.1)
    exact = ["--shift", "0", "--shift-sd", "0"]
    assert main(["predict", str(model), str(path), *exact]) == 0
    out = capsys.readouterr().out
    assert "± 0.20 e (90 %)" in out
    assert "60 planted spectra" in out


def test_the_uncertainty_of_the_axis_enters_the_interval(model, tmp_path):
    path = write(tmp_path / "a.dat", 3.0)
    halves = [
        predict_file(load(model), path, calibration(0.0, sd, None, None)).half
        for sd in (0.0, 0.1, 0.3)
    ]
    assert halves[0] == pytest.approx(0.2)
    assert halves[0] < halves[1] < halves[2]
    # 1.5 eV an electron: 1.645 x 0.3 eV moves the answer by 0.33 e
    assert halves[2] == pytest.approx(np.hypot(0.2, 1.645 * 0.3 / 1.5), abs=0.1)


def test_the_alignment_of_the_training_spectra_enters_the_interval(model, tmp_path):
    """In quadrature to the axis; 1.5 eV an electron: 1.645 x 0.5 eV moves the answer by 0.55 e."""
    path = write(tmp_path / "a.dat", 3.0)
    plain = load(model)
    aligned = replace(plain, about=replace(plain.about, alignment_sd=0.4))
    aligned.write(tmp_path / "aligned.npz")
    again = load(tmp_path / "aligned.npz")
    exact, stated = (calibration(0.0, sd, None, None) for sd in (0.0, 0.3))
    assert predict_file(plain, path, exact).half == pytest.approx(0.2)
    alone = predict_file(again, path, exact)
    assert alone.half == pytest.approx(np.hypot(0.2, 1.645 * 0.4 / 1.5), abs=0.1)
    both = predict_file(again, path, stated)
    assert both.half == pytest.approx(np.hypot(0.2, 1.645 * 0.5 / 1.5), abs=0.1)
    said = " ".join(both.notes)
    assert "the alignment of the training spectra, ± 0.40 eV" in said
    assert "does not contain" not in said


def test_an_older_model_says_that_its_alignment_is_not_contained(model, tmp_path):
    path = write(tmp_path / "a.dat", 3.0)
    with np.load(model, allow_pickle=False) as kept:
        arrays = dict(kept)
    head = json.loads(str(arrays["about"]))
    del head["alignment_sd"]
    np.savez(tmp_path / "old.npz", **(arrays | {"about": np.array(json.dumps(head))}))
    answer = predict_file(load(tmp_path / "old.npz"), path, calibration(0.0, 0.1, None, None))
    assert "does not contain how far the alignment" in " ".join(answer.notes)


def test_an_axis_that_is_not_calibrated_has_no_interval(model, tmp_path, capsys):
    path = write(tmp_path / "a.dat", 3.3)
    for options in ([], ["--shift", "0.2"]):
        assert main(["predict", str(model), str(path), *options]) == 1
        out = capsys.readouterr().out
        assert "±" not in out
        assert "--reference FILE" in out
    assert main(["predict", str(model), str(path), "--reference-e0", "8333"]) == 2
    assert "--reference FILE --reference-e0 EV" in capsys.readouterr().err


def test_a_reference_on_the_same_axis_calibrates_it(model, tmp_path, capsys):
    """Sample and foil on an axis that is 1.5 eV too high: the foil gives it."""
    moved = write(tmp_path / "a.dat", 3.0, change=lambda e, m: (e + 1.5, m))
    foil = write(tmp_path / "foil.dat", 2.0, change=lambda e, m: (e + 1.5, m))
    plain = write(tmp_path / "plain.dat", 2.0)
    truth = read_measured(plain)
    e0 = steepest(truth.energy, truth.mu)
    axis = calibration(None, None, foil, e0)
    assert axis.shift == pytest.approx(-1.5, abs=0.26)
    assert 0.1 < axis.sd < 1
    answer = predict_file(load(model), moved, axis)
    assert answer.value == pytest.approx(3.0, abs=0.2)
    assert answer.half > 0.2
    with pytest.raises(SpectrumError, match="another edge"):
        calibration(None, None, foil, 7112.0)
    assert main(["predict", str(model), str(moved), "--reference", str(foil),
                 "--reference-e0", f"{e0}"]) == 0  # fmt: skip
    assert "foil.dat rises at" in capsys.readouterr().out


def test_a_declared_shift_is_applied_and_reported(model, tmp_path, capsys):
    moved = write(tmp_path / "a.dat", 3.0, change=lambda e, m: (e + 1.5, m))
    assert predict_file(load(model), moved).value == pytest.approx(4.0, abs=0.15)
    assert main(["predict", str(model), str(moved), "--shift=-1.5", "--shift-sd=0.1"]) == 0
    out = capsys.readouterr().out
    assert "moved by -1.5 eV" in out
    found = predict_file(load(model), moved, calibration(-1.5, 0.1, None, None))
    assert found.value == pytest.approx(3.0, abs=0.1)


def test_what_is_unlike_the_training_spectra_is_warned_of(model, mirror, capsys):
    path = mirror / "spectra/xdi/Ni/Ni_metal_rt_01.xdi"
    if not path.exists():
        pytest.skip("no spectra in the mirror")
    assert main(["predict", str(model), str(path), "--shift=0", "--shift-sd=0.1"]) == 1
    out = capsys.readouterr().out
    assert "WARNING: outside the training domain" in out
    assert "±" not in out.split("no interval")[0]


def test_the_warning_tells_a_right_answer_from_a_wrong_one(model, tmp_path):
    """Both lie outside: one as the training spectra vary, with a detail of its own; one far off."""
    grid = load(model).grid
    right = unit_maximum(spectra_of([3.0], grid) + 0.02 * np.sin(grid / 0.7))
    far = unit_maximum(spectra_of([7.0], grid))
    assert (load(model).domain.outside(np.vstack([right, far])) > 1).all()
    assert "varies as training spectra do" in " ".join(doubts(load(model), right))
    assert "extrapolated" in " ".join(doubts(load(model), far))
    assert doubts(load(model), unit_maximum(spectra_of([3.0], grid))) == []


def _without(text, low, high):
    """A file without the rows between two energies."""
    lines = text.splitlines(keepends=True)
    return "".join(
        x for x in lines if x[0] == "#" or not x.strip() or not low < float(x.split()[0]) < high
    )


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda t: t.replace("  8340.", "  nan  8340.", 1), "refused"),
        (lambda t: _without(t, 8350, 9999), "20 eV after the edge"),
        (lambda t: _without(t, 8367, 9999), "the grid of the"),
        (lambda t: _without(t, 8350, 8360), "nothing is invented"),
        (lambda t: t.replace("Element.symbol: Ni", "Element.symbol: Co"), "Co K"),
        (lambda t: t[: len(t) // 3] + "  83", "refused"),
    ],
    ids=["a word too many", "too short", "ends before the grid", "hole", "another edge", "cut"],
)  # fmt: skip
def test_real_files_really_broken(model, mirror, tmp_path, capsys, damage, expected):
    source = mirror / "spectra/xdi/Ni/NiOH2_rt_01.xdi"
    if not source.exists():
        pytest.skip("no spectra in the mirror")
    path = tmp_path / "broken.xdi"
    path.write_text(damage(source.read_text()))
    assert main(["predict", str(model), str(path)]) == 1
    out = capsys.readouterr().out
    assert "refused" in out
    assert expected in out


def test_a_manganese_file_is_not_read_as_nickel(model, mirror, capsys):
    path = mirror / "spectra/xdi/Mn/MnO_rt_01.xdi"
    if not path.exists():
        pytest.skip("no spectra in the mirror")
    assert main(["predict", str(model), str(path)]) == 1
    assert "refused" in capsys.readouterr().out


def test_kev_and_unsorted_give_the_same_answer(model, tmp_path):
    plain = predict_file(load(model), write(tmp_path / "a.dat", 2.7))
    kev = write(tmp_path / "b.dat", 2.7, "# Element: Ni\n# edge: K\n# energy mu\n",
                lambda e, m: (e[::-1] / 1000, m[::-1]))  # fmt: skip
    answer = predict_file(load(model), kev)
    assert answer.value == pytest.approx(plain.value, abs=0.02)
    assert any("keV" in n for n in answer.notes)


def test_background_of_energy_loss_is_taken_off():
    energy = np.arange(480.0, 580.0, 0.25)
    edge = np.where(energy > 530, 40.0, 0.0)
    found = without_background(Measured(energy, 3e9 * energy**-2.8 + edge, "counts"), 530.0)
    np.testing.assert_allclose(found.mu, edge, atol=0.05)
    with pytest.raises(SpectrumError, match="ten positive"):
        without_background(Measured(energy, edge - 5, "counts"), 530.0)


def test_an_oxygen_model_reads_msa(mirror):
    path = mirror / "spectra/jia2026_multimodal/Data/Exp_data/EELS/TM/oxygen_edge.msa"
    if not path.exists():
        pytest.skip("no spectra in the mirror")
    grid = 516.0 + 0.2 * np.arange(150)
    x = grid - 522
    rows = unit_maximum(np.array([np.exp(-0.5 * ((x - s) / 4) ** 2) + 0.01
                                  for s in np.linspace(0, 6, 30)]))  # fmt: skip
    forest = RandomForestRegressor(10, random_state=0).fit(features_of(rows, "cdf"), np.arange(30))
    about = About("O K", "planted", "", "cdf", 516.0, 0.2, 150, 0.0, 1.0, 0.0, 29.0, "30")
    domain = learn_domain(rows, [str(k % 5) for k in range(30)])
    answer = predict_file(Saved(about, Forest.from_sklearn(forest), domain), path)
    assert 0 <= answer.value <= 29
    assert "the background was off already" in answer.notes


def test_no_model_is_reported(tmp_path, capsys):
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    assert main(["predict", str(tmp_path / "x.npz"), str(tmp_path / "y.dat")]) == 2
    assert "no model of Defectra" in capsys.readouterr().err


def test_published_checks_to_the_digits_given(mirror):
    base = mirror / "spectra/chen2023_featurexas"
    if not base.is_dir():
        pytest.skip("no spectra in the mirror")
    rows = check_rows(
        read_series(base / "dataset/nmc_exp_xas.json"),
        base / "models_npz/exp_cdf_rfr_model.npz",
        base / "models_npz/comp_cdf_rfc_model.npz",
        base / "example/CORE_DIELECTRIC_IMAG.dat",
        base / "record438_printed.json",
    )
    assert len(rows) == 22
    assert sum(r["whose"] == AUTHORS for r in rows) == 13
    for row in rows:
        assert abs(row["ours"] - row["published"]) <= row["tolerance"] + 1e-12, row["check"]
