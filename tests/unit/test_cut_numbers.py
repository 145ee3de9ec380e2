"""Files that a full disk or a broken copy cut off inside their last number."""

import numpy as np
import pytest

from defectra.core.errors import EngineError
from defectra.core.fortran import ends_in_a_number
from defectra.engines.finished.columns import read_columns
from defectra.spectra.measured_formats import read_scans
from defectra.spectra.measured_spectrum import SpectrumError

ENERGY = 100.0 + np.arange(30)
ROWS = "\n".join(f"{e:.2f} {0.01 * k:.7E}" for k, e in enumerate(ENERGY, 1))
COMMAS = "\n".join(f"{e:.3f};{1 + k / 100:.4f}" for k, e in enumerate(ENERGY)).replace(".", ",")


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_number_that_is_cut_is_seen(cut):
    assert ends_in_a_number(ROWS[:-cut])
    assert not ends_in_a_number(ROWS[:-cut] + "\n")  # written so


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        (ROWS, "."),
        (ROWS + "\n\n", "."),
        (COMMAS, ","),
        ("\n".join(f"{e:.3f},{1010 - k}" for k, e in enumerate(ENERGY)), "."),  # counts
        ("\n".join(f"{e} {0.1 * k}" for k, e in enumerate(ENERGY)), "."),  # as many as needed
        ("\n".join(f"{e:.1f} {k / 10:.1f}" for k, e in enumerate(ENERGY)), "."),
        ("1.2345\n2.34", "."),
        ("", "."),
    ],
)
def test_other_ends_are_no_cut(text, decimal):
    assert not ends_in_a_number(text, decimal)


def test_files_that_end_inside_a_number_are_refused(tmp_path):
    path = tmp_path / "xanes.dat"
    path.write_text(ROWS)
    assert read_columns(path)[1].shape == (30, 2)
    path.write_text(ROWS[:-1])  # 3.0000000E-0 of 3.0000000E-01
    with pytest.raises(EngineError, match="ends inside a number") as caught:
        read_columns(path)
    assert caught.value.error_class == "truncated_output"
    for text in (f"# energy mu\n{ROWS}", f"energy;mu\n{COMMAS}"):
        path.write_text(text)
        assert len(read_scans(path)[0].mu) == 30
        path.write_text(text[:-2])
        with pytest.raises(SpectrumError, match="ends inside a number"):
            read_scans(path)
