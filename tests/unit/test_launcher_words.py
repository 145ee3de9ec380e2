"""Targets of the launcher: wherever they stand among the options, a study comes with its page."""

from __future__ import annotations

import pytest

from defectra.cli.launcher import _options


@pytest.mark.parametrize(
    "words",
    [
        "run xrd --config config/tiny.yaml --directory {0} --profile default",
        "run --config config/tiny.yaml --directory {0} --profile default xrd",
        "run --directory {0} xrd --config config/tiny.yaml --forcerun gather_xrd",
        "run --profile default --directory {0} --config config/tiny.yaml xrd",
    ],
)
def test_a_study_is_found_wherever_it_stands(tmp_path, words):
    options = _options(words.format(tmp_path).split())
    assert options.targets == ("xrd",)
    assert options.wanted == ("xrd", "results/xrd/report.html")


@pytest.mark.parametrize("cores", ["0", "-1", "two", "1.5"])
def test_a_number_of_cores_that_is_none_is_refused(cores, capsys):
    with pytest.raises(SystemExit):
        _options(["run", f"--cores={cores}"])
    assert f"a whole number above 0 is expected, not '{cores}'" in capsys.readouterr().err
