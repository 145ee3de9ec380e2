"""A model names its study, whose predict.py answers; nothing else that a file names is imported."""

from __future__ import annotations

import json
import struct
import sys
from types import ModuleType

import numpy as np
import pytest

from defectra.cli.main import main
from defectra.core.errors import ConfigError, DataError
from defectra.learn import answers
from defectra.learn.answers import Answer, options_of, predict_of, study_of_model


def network(path, study):
    head = {"kind": "defectra network 1", "study": study, "name": "net", "input_shape": [3],
            "preprocessing": {}, "architecture": {}, "outputs": [], "units": [],
            "provenance": {}}  # fmt: skip
    text = json.dumps({"__metadata__": {"about": json.dumps(head)}}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return path


def test_the_study_of_a_model(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", about=np.array(json.dumps({"study": "toy"})))
    np.savez(tmp_path / "b.npz", about=np.array(json.dumps({"kind": "x"})))
    assert study_of_model(tmp_path / "a.npz") == "toy"
    assert study_of_model(tmp_path / "b.npz") == ""
    assert study_of_model(network(tmp_path / "n.safetensors", "toy")) == "toy"
    (tmp_path / "p.pt").write_bytes(b"\x80\x04 pickled")
    with pytest.raises(DataError, match="no model of Defectra"):
        study_of_model(tmp_path / "p.pt")


@pytest.mark.parametrize("study", ["os", "../nmc", "hbn", ""])
def test_a_study_that_offers_none_is_refused(study) -> None:
    with pytest.raises(DataError, match="offers no prediction"):
        predict_of(study)


def test_the_command_asks_the_study(tmp_path, monkeypatch, capsys) -> None:
    module = ModuleType("defectra.studies.toy.predict")

    def predict(model, files, options):
        for path in files:
            yield Answer(str(path), f"value 3 {options['unit']}", certain=path.name == "sure")

    module.predict = predict
    (tmp_path / "predict.py").touch()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(answers, "study_names", lambda: ("toy",))
    monkeypatch.setattr(answers, "study_folder", lambda name: tmp_path)
    model = str(network(tmp_path / "n.safetensors", "toy"))
    assert main(["predict", model, "sure", "--option", "unit=eV"]) == 0
    assert main(["predict", model, "sure", "not", "--option", "unit=eV"]) == 1
    assert "not: value 3 eV" in capsys.readouterr().out
    assert main(["predict", model]) == 2
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        options_of(["unit"])
