"""Lithium from the shift of the Ni K main peak: the line, its interval, and `defectra predict`."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.cli.main import main
from defectra.core.errors import DataError
from defectra.core.paths import PROJECT
from defectra.spectra.measured import read_measured
from defectra.studies.nmc.lithium import NI_MEAN, TOTAL
from defectra.studies.nmc.measured.lithium_shift import LithiumShift, read
from defectra.studies.nmc.predict import main_peak
from defectra.studies.nmc.settings import LithiumSeries

SERIES = LithiumSeries()  # lithium 1.0 and 0.2
LINE = LithiumShift(3.6, 3.3, 3.9, "Ni6Mn2Co2", "fast", 4)


def table(value, lo, hi):
    about = {"quantity": NI_MEAN, "part": TOTAL, "n_orderings": "4"}
    return [about | {"value": str(value), "lo": str(lo), "hi": str(hi)}]


def test_the_line_is_the_shift_for_each_lithium_and_its_interval_grows_with_the_shift():
    line = LithiumShift.of(table(2.88, 2.64, 3.12), SERIES, "fast")
    assert (line.slope, line.lo, line.hi) == pytest.approx((3.6, 3.3, 3.9))
    values, halves = line.lithium(np.array([0.0, 1.8, 3.6]), axis_sd=0)
    assert values == pytest.approx([1, 0.5, 0])
    assert halves == pytest.approx([0, 0.042, 0.084], abs=1e-3)
    assert line.lithium(np.zeros(1), axis_sd=0.1)[1] == pytest.approx(
        1.645 * 0.1414 / 3.6, rel=1e-3
    )


@pytest.mark.parametrize("row", [("nan", "nan", "nan"), (-2.9, -3.1, -2.7), (2.9, -0.1, 5.9)])
def test_a_series_without_a_rise_gives_no_line(row):
    assert LithiumShift.of(table(*row), SERIES, "fast") is None
    assert LithiumShift.of([], SERIES, "fast") is None


def test_a_line_gives_back_what_scatter_would_hide_from_a_regression():
    """Half of the scatter of the peaks is not lithium: a regression on them comes half as far."""
    generator = np.random.default_rng(3)
    x = generator.uniform(0.2, 1.0, 4000)
    peak = -3.6 * x + generator.normal(0, 3.6 * x.std(), x.size)
    flat = np.polyfit(peak, x, 1)[0] * 2.88  # lithium that leaves by a shift of 0.8 lithium
    assert flat == pytest.approx(-0.4, abs=0.03)
    assert LINE.lithium(np.array([2.88]))[0] == pytest.approx([0.2])


def spectrum(path, peak, stop=8800.0, step=0.3):
    """An absorption edge of nickel with a main peak, and the background of a real scan."""
    near = np.arange(8320, 8380, step)
    energy = np.r_[np.arange(8200, 8320, 5.0), near, np.arange(8380, stop, 3)]
    edge = peak - 6.0
    mu = 1 / (1 + np.exp(-(energy - edge) / 1.2)) + 0.5 * np.exp(-(((energy - peak) / 3.5) ** 2))
    lines = [f"{e:.2f} {0.3 + m - 1e-4 * (e - 8300):.6f}" for e, m in zip(energy, mu)]
    path.write_text("\n".join(["# energy_eV mu", *lines]) + "\n")
    return path


def test_predict_gives_each_electrode_its_lithium(tmp_path, capsys):
    model = tmp_path / "line.npz"
    LINE.write(model)
    start, half, none = (
        spectrum(tmp_path / f"{name}.dat", 8350 + moved)
        for name, moved in (("pristine", 0.0), ("half", 1.8), ("beyond", 5.0))
    )
    ask = ["predict", str(model), str(half), "--option", f"pristine={start}"]
    assert main(ask) == 0
    said = capsys.readouterr().out
    value = float(said.split("lithium ")[1].split(" ")[0])
    assert value == pytest.approx(0.5, abs=0.04)
    assert main([*ask[:2], str(none), *ask[3:]]) == 1
    assert "is it the same axis?" in capsys.readouterr().out
    (tmp_path / "empty.dat").write_text("")
    assert main([*ask[:2], str(tmp_path / "empty.dat"), *ask[3:]]) == 1
    assert "refused" in capsys.readouterr().out


@pytest.mark.parametrize("step", [0.3, 0.7, 1.0])
def test_the_place_of_the_peak_depends_little_on_the_steps_of_the_scan(tmp_path, step):
    starts = 8350 + np.arange(8) * 0.13
    found = [main_peak(spectrum(tmp_path / "a.dat", start, step=step))[0] for start in starts]
    assert np.ptp(np.array(found) - starts) < 0.1  # 0.03 lithium


def test_a_scan_with_coarse_steps_is_refused_and_what_was_mended_is_said(tmp_path, capsys):
    model = tmp_path / "line.npz"
    LINE.write(model)
    start = spectrum(tmp_path / "start.dat", 8350.0)
    coarse = spectrum(tmp_path / "coarse.dat", 8351.8, step=2.0)
    head, *lines = spectrum(tmp_path / "b.dat", 8351.8).read_text().splitlines()
    turned = tmp_path / "turned.dat"
    turned.write_text("\n".join([head, *reversed(lines)]) + "\n")
    option = ["--option", f"pristine={start}"]
    assert main(["predict", str(model), str(coarse), *option]) == 1
    assert "steps of 2.0 eV at the main peak" in capsys.readouterr().out
    notes = read_measured(turned, "Ni K").notes
    assert notes
    assert main(["predict", str(model), str(turned), *option]) == 0
    assert notes[0] in capsys.readouterr().out


def test_predict_without_a_pristine_electrode_or_with_another_model_is_refused(tmp_path, capsys):
    model = tmp_path / "line.npz"
    LINE.write(model)
    file = spectrum(tmp_path / "a.dat", 8350.0)
    assert main(["predict", str(model), str(file)]) == 2
    assert "--option pristine=FILE" in capsys.readouterr().err
    wrong = ["predict", str(model), str(file), "--option", f"pristine={file}"]
    assert main([*wrong, "--option", "axis_sd=wide"]) == 2
    assert "expected a number in eV" in capsys.readouterr().err
    np.savez(tmp_path / "other.npz", about=np.array('{"study": "nmc", "kind": "other"}'))
    with pytest.raises(DataError, match="no model of lithium"):
        read(tmp_path / "other.npz")


def test_the_line_comes_back_as_it_was_kept(tmp_path):
    LINE.write(tmp_path / "line.npz")
    assert read(tmp_path / "line.npz") == LINE


def test_the_shipped_line_is_that_of_the_computed_series():
    line = read(PROJECT / "resources/models/nmc_lithium.npz")
    assert (line.composition, line.n_orderings) == (SERIES.composition, 4)
    assert 3 < line.lo < line.slope < line.hi < 4.5
