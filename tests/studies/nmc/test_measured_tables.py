"""Tables of measured spectra for docs/nmc.md, with everything, with rows missing, with nothing."""

from __future__ import annotations

import pytest

from benchmarks import nmc_measured
from defectra.core.csvs import write_csv
from defectra.core.errors import TableError
from defectra.studies.nmc.energy_loss import ENERGY_LOSS_COLUMNS
from defectra.studies.nmc.experiment import EXPERIMENT_COLUMNS, KERNEL, SERIES

NAN = float("nan")
ELECTRODE = {
    "composition": "NMC622", "number": 1, "cycle": "1C", "voltage_V": 4.3, "method": KERNEL,
    "x": 0.3, "x_sd": 0.1, "truth": 0.2, "truth_half": 0.0, "shift_eV": 1.0, "shift_sd_eV": 0.2,
    "scored": 1, "nickel_state": 3.5, "nickel_half": 0.7, "nickel_by_charge": 4.0,
    "nickel_by_charge_half": 0.0,
}  # fmt: skip
LOSS = {
    "way": "intensities", "element": "Mn", "per_metal": 0.88, "lo": 0.82, "hi": 1.2, "draws": 500,
    "axis_scale": 1.03, "axis_offset_eV": -7.4, "shift_eV": 0.3, "outside": NAN,
}  # fmt: skip


def told(folder, electrodes=(), loss=()):
    if electrodes:
        write_csv(folder / "experiment.csv", electrodes, EXPERIMENT_COLUMNS)
    if loss:
        write_csv(folder / "energy_loss.csv", loss, ENERGY_LOSS_COLUMNS)
    return "\n".join(nmc_measured.parts(folder))


def test_both_cells_stand_beside_each_other(tmp_path):
    other = {"composition": "NMC721", "x": 0.4, "nickel_state": NAN}
    pristine = {"number": 0, "cycle": "pristine", "voltage_V": NAN, "scored": 0, "x": 1.0}
    text = told(tmp_path, [ELECTRODE, ELECTRODE | pristine, ELECTRODE | other])
    assert "| lithium by kernel | 0.100 | 0.200 | 0.158 [0.000, 0.474] | 2 |" in text
    assert "| Ni state by kernel, against charge neutrality | 0.50 |  |  | 1 |" in text
    assert "| NMC622 | 1C | 4.3 | 0.20 | 0.30 ± 0.16 |  | 4.00 | 3.50 ± 0.70 |" in text
    assert "| NMC622 | pristine |  |" in text


def test_one_cell_has_no_interval(tmp_path):
    text = told(tmp_path, [ELECTRODE, ELECTRODE | {"method": SERIES}])
    assert "0.100 (one cell: no interval) | 1 |" in text


@pytest.mark.parametrize(("outside", "words"), [(2.1, "outside, its"), (0.8, "inside.")])
def test_contents_by_both_ways_and_the_doubt(tmp_path, outside, words):
    shape = {"way": "shape of O K", "element": "Li", "per_metal": 0.4, "lo": 0.2, "hi": 0.6}
    single = {"way": "intensities, 0 to 50 eV", "lo": NAN, "hi": NAN}
    text = told(tmp_path, loss=[LOSS, LOSS | single, LOSS | shape | {"outside": outside}])
    assert "| intensities |  | 0.88 [0.82, 1.20] |  |  |  |" in text
    assert "| intensities, 0 to 50 eV |  | 0.88 |" in text
    assert "| shape of O K |  |  |  |  | 0.40 [0.20, 0.60] |" in text
    assert f"{outside:.1f} times as far" in text
    assert words in text


def test_without_a_model_only_intensities_are_told(tmp_path):
    text = told(tmp_path, loss=[LOSS])
    assert "times as far" not in text
    assert "0.88 [0.82, 1.20]" in text


def test_nothing_measured_and_a_table_of_another_version(tmp_path):
    assert nmc_measured.parts(tmp_path) == [nmc_measured.NOTHING]
    (tmp_path / "energy_loss.csv").write_text("element,per_metal\nO,2\n")
    with pytest.raises(TableError):
        nmc_measured.parts(tmp_path)
