"""Files made out of a pickle or a notebook that nobody runs, and where a file of a rule lies."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from defectra.core.datasets import located
from defectra.core.errors import DataError
from defectra.core.pickle_listing import Noted, listed
from defectra.studies.xanes.derived import forest, printed_spectrum


class Ringing:
    """Whoever runs its pickle leaves a folder."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("rung",)


def test_no_operation_of_a_pickle_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps({"state": [Ringing(), (1, 2.5, "x")]}, protocol=3)
    found = listed(data, "r.pkl")
    assert isinstance(found["state"][0], Noted)
    assert found["state"][1] == (1, 2.5, "x")
    assert list(tmp_path.iterdir()) == []
    pickle.loads(data)
    assert list(tmp_path.iterdir()) == [tmp_path / "rung"], "the bell rings where it is run"
    (tmp_path / "r.pkl").write_bytes(data)
    for damaged in (data[:-9], b"no pickle", pickle.dumps(set, protocol=4)):
        (tmp_path / "r.pkl").write_bytes(damaged)
        with pytest.raises(DataError, match=r"r\.pkl"):
            forest(tmp_path / "r.pkl", tmp_path / "f.npz")


def test_printed_spectrum_comes_out_of_the_cell_that_prints_it(tmp_path: Path) -> None:
    numbers = [round(0.01 * k, 4) for k in range(100)]
    text = "[" + "\n ".join(map(str, numbers)) + "]"
    cells = [
        {"source": ["print(i_comp[:3])"], "outputs": [{"text": ["[0. 1. 2.]"]}]},
        {"source": ["print(i_comp)"], "outputs": [{"text": [text]}]},
    ]
    source, file = tmp_path / "n.ipynb", tmp_path / "r.json"
    source.write_text(json.dumps({"cells": cells}))
    printed_spectrum(source, file)
    assert json.loads(file.read_text())["intensity"] == numbers
    for wrong in ({"cells": cells[:1]}, {"cells": "x"}, {}):
        source.write_text(json.dumps(wrong))
        with pytest.raises(DataError, match=r"n\.ipynb"):
            printed_spectrum(source, file)


def test_file_of_a_rule_is_checked_wherever_its_folder_lies(tmp_path: Path) -> None:
    """Another workflow may mount this one below a prefix."""
    file = tmp_path / "sub/resources/data/perovskites/perovs_ml/Data.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"other")
    with pytest.raises(DataError, match="replace it"):
        located(str(file), None)
    with pytest.raises(DataError, match="not below resources/data"):
        located("elsewhere/Data.csv", None)
