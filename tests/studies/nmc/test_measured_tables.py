"""Tables of measured spectra in docs/nmc_tables.md: with everything, rows missing, nothing."""

from __future__ import annotations

import pytest

from benchmarks.pages import nmc_measured
from defectra.core.csvs import write_csv
from defectra.core.errors import TableError
from defectra.studies.nmc.lithium import NI_MEAN, TOTAL
from defectra.studies.nmc.measured.electrode_nickel import CHARGE, MOMENTS
from defectra.studies.nmc.measured.electrode_scores import LITHIUM
from defectra.studies.nmc.measured.electrodes import EXPERIMENT_COLUMNS, KERNEL, SERIES
from defectra.studies.nmc.measured.energy_loss import ENERGY_LOSS_COLUMNS
from defectra.studies.nmc.measured.energy_loss_shape import AS_COUNTS, SHAPE

NAN = float("nan")
ELECTRODE = {
    "composition": "NMC622", "number": 1, "cycle": "1C", "voltage_V": 4.3, "quantity": "x_Li",
    "method": KERNEL, "value": 0.3, "sd": 0.1, "truth": 0.2, "truth_half": 0.0,
    "beyond_nickel": NAN, "shift_eV": 1.0, "shift_sd_eV": 0.2, "scored": 1, "cells": 64,
    "capped_cells": 0,
}  # fmt: skip
STATE = ELECTRODE | {
    "quantity": "nickel_state", "method": CHARGE, "value": 3.5, "truth": 4.0, "sd": 0.2,
    "beyond_nickel": 0.1, "cells": 128, "capped_cells": 7,
}  # fmt: skip
LOSS = {
    "way": "intensities", "element": "Mn", "per_metal": 0.88, "lo": 0.82, "hi": 1.2, "draws": 500,
    "axis_scale": 1.03, "axis_offset_eV": -7.4, "shift_eV": 0.3, "outside": NAN,
    "thickness": 1.1,
}  # fmt: skip


def told(folder, electrodes=(), loss=()):
    if electrodes:
        write_csv(folder / "experiment.csv", electrodes, EXPERIMENT_COLUMNS)
    if loss:
        write_csv(folder / "energy_loss.csv", loss, ENERGY_LOSS_COLUMNS)
    return "\n".join(nmc_measured.parts(folder))


def test_both_cells_stand_beside_each_other(tmp_path):
    other = {"composition": "NMC721", "value": 0.4}
    pristine = {"number": 0, "cycle": "pristine", "voltage_V": NAN, "scored": 0, "value": 1.0}
    lost = STATE | {"method": MOMENTS, "value": NAN}
    rows = [ELECTRODE, ELECTRODE | pristine, ELECTRODE | other, STATE, STATE | pristine, lost]
    text = told(tmp_path, rows)
    assert "| lithium | kernel | 0.100 | 0.200 | 0.158 [0.000, 0.474] | 2 |" in text
    name = "Ni state | kernel, states by"
    assert f"| {name} charge neutrality | 0.500 |  | 0.500 (one cell: no interval) | 1 |" in text
    assert f"| {name} magnetic moments |  |  | not computed | 0 |" in text
    assert "| NMC622 | 1C | 4.3 | 0.20 ± 0.00 | 0.30 ± 0.16 |  |" in text
    assert "| NMC622 | 1C | 4.3 | 4.00 ± 0.00 | 0.10 | 3.50 ± 0.33 |  |  |" in text
    assert "| NMC622 | pristine |  |" in text
    assert "outside of 2+ to 4+ in 7 of 128 computed cells" in text
    assert "(RMSE): at most 0.17" in text


def test_one_cell_has_no_interval(tmp_path):
    text = told(tmp_path, [ELECTRODE, ELECTRODE | {"method": SERIES}])
    assert "0.100 (one cell: no interval) | 1 |" in text
    assert "computed cells" not in text


@pytest.mark.parametrize(("outside", "words"), [(2.1, "outside, its"), (0.8, ": inside")])
def test_contents_by_both_ways_and_the_doubt(tmp_path, outside, words):
    shape = {"way": "shape of O K", "element": "Li", "per_metal": 0.4, "lo": 0.2, "hi": 0.6}
    single = {"way": "intensities, 0 to 50 eV", "lo": NAN, "hi": NAN}
    text = told(tmp_path, loss=[LOSS, LOSS | single, LOSS | shape | {"outside": outside}])
    assert "| intensities |  | 0.88 [0.82, 1.20] |  |  |  |" in text
    assert "| intensities, 0 to 50 eV |  | 0.88 |" in text
    assert "| shape of O K |  |  |  |  | 0.40 [0.20, 0.60] |" in text
    assert f"{outside:.1f} times as far" in text
    assert words in text
    counts = LOSS | shape | {"way": SHAPE + AS_COUNTS, "outside": 1.52}
    text = told(tmp_path, loss=[LOSS, LOSS | shape | {"outside": outside}, counts])
    assert f"left in, 1.52 times instead of {outside:.2f}." in text


def test_without_a_model_only_intensities_are_told(tmp_path):
    text = told(tmp_path, loss=[LOSS])
    assert "times as far" not in text
    assert "0.88 [0.82, 1.20]" in text
    assert "(t/λ 1.10)" in text


def test_nothing_measured_and_a_table_of_another_version(tmp_path):
    assert nmc_measured.parts(tmp_path) == [nmc_measured.NOTHING]
    (tmp_path / "energy_loss.csv").write_text("element,per_metal\nO,2\n")
    with pytest.raises(TableError):
        nmc_measured.parts(tmp_path)


def test_the_slope_without_the_stoichiometry_column_is_said_only_where_both_are_known():
    rows = [ELECTRODE | {"method": SERIES, "quantity": LITHIUM, "value": x, "truth": x}
            for x in (0.8, 0.6)]  # fmt: skip
    series = {"quantity": NI_MEAN, "part": TOTAL, "n_orderings": "4"}
    line = [series | {"value": "2.88", "lo": "2.64", "hi": "3.12"}]  # 3.6 eV for each lithium
    (said,) = nmc_measured.stoichiometry(rows, line)
    assert "3.60 eV for each lithium and the RMSE is 0.000" in said
    assert "3.00 eV and 0.063." in said  # 0.2 and 0.4 of lithium, each too large by a fifth
    assert list(nmc_measured.stoichiometry(rows, [])) == []
