"""A model names its study, whose predict.py answers; nothing else that a file names is imported."""

from __future__ import annotations

import json
import struct
import sys
from types import ModuleType

import numpy as np
import pytest

from defectra.cli import predict as kinds
from defectra.cli.help import Parser
from defectra.cli.main import main
from defectra.core.errors import ConfigError, DataError
from defectra.core.paths import PROJECT
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


def toy(tmp_path, monkeypatch, predict) -> str:
    """A model of a study with this `predict`."""
    module = ModuleType("defectra.studies.toy.predict")
    module.predict = predict
    (tmp_path / "predict.py").touch()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(answers, "study_names", lambda: ("toy",))
    monkeypatch.setattr(answers, "study_folder", lambda name: tmp_path)
    return str(network(tmp_path / "n.safetensors", "toy"))


def test_the_command_asks_the_study(tmp_path, monkeypatch, capsys) -> None:
    def predict(model, files, options):
        for path in files:
            yield Answer(str(path), f"value 3 {options['unit']}", certain=path.name == "sure")

    model = toy(tmp_path, monkeypatch, predict)
    assert main(["predict", model, "sure", "--option", "unit=eV"]) == 0
    assert main(["predict", model, "sure", "not", "--option", "unit=eV"]) == 1
    assert "not: value 3 eV" in capsys.readouterr().out
    assert main(["predict", model]) == 2
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        options_of(["unit"])


def test_a_study_of_measured_spectra_is_told_columns_and_scan(tmp_path, monkeypatch, capsys):
    def predict(model, files, options, reading):
        yield Answer(str(files[0]), f"{reading.columns.mu} {reading.scan}", certain=True)

    model = toy(tmp_path, monkeypatch, predict)
    words = ["predict", model, "--columns", "energy=1", "mu=2", "a.dat", "--scan", "4"]
    assert main(words) == 0
    assert capsys.readouterr().out == "a.dat: 2 4\n"
    monkeypatch.undo()
    model = toy(tmp_path, monkeypatch, lambda model, files, options: iter(()))
    assert main(words) == 2
    assert "--columns: " in capsys.readouterr().err


GIVEN = {
    "columns": ["energy=1", "mu=2"], "scan": ["3"], "shift": ["1"], "shift_sd": ["1"],
    "reference": ["foil.dat"], "reference_e0": ["8333"], "option": ["a=b"],
    "beam_energy": ["300"], "collection_angle": ["20"],
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, str]:
    """A model of each kind that is there without a run."""
    folder = tmp_path_factory.mktemp("models")
    rows = [f"{k % 5},{k},{k * k}" for k in range(40)]
    (folder / "t.csv").write_text("\n".join(["group,x,y", *rows]))
    words = ["--target", "y", "--group", "group", "--trees", "2", "--out", str(folder / "t.npz")]
    assert main(["train", str(folder / "t.csv"), *words]) == 0
    shipped = PROJECT / "resources/models"
    return {
        kinds.SEVERAL: str(shipped / "nmc_edges.npz"),
        kinds.STUDY_OF_SPECTRA: str(shipped / "nmc_lithium.npz"),
        kinds.TABLE: str(folder / "t.npz"),
    }


@pytest.mark.parametrize("kind", [kinds.SEVERAL, kinds.STUDY_OF_SPECTRA, kinds.TABLE])
@pytest.mark.parametrize("option", GIVEN)
def test_an_option_that_a_model_does_not_take_is_refused(models, kind, option, tmp_path, capsys):
    """One that it takes is not: what is refused then is the file, which is not there."""
    word = f"--{option.replace('_', '-')}"
    main(["predict", models[kind], f"Ni K={tmp_path / 'none.dat'}", word, *GIVEN[option]])
    said = capsys.readouterr().err
    refused = f"{word}: {models[kind]} is a model {kind}, which does not take it" in said
    assert refused == (option not in kinds.TAKES[kind])
    if refused:
        takers = [k for k, names in kinds.TAKES.items() if option in names]
        assert all(taker in said for taker in takers)


def test_every_option_of_predict_is_one_of_a_kind_of_model() -> None:
    parser = Parser()
    kinds.add(parser.add_subparsers())
    chosen = vars(parser.parse_args(["predict", "m.npz"]))
    assert set(chosen) - {"model", "spectra", "run", "parser"} == set(GIVEN)
    assert set(GIVEN) == {name for names in kinds.TAKES.values() for name in names}


def test_the_scan_is_that_of_a_model_of_several_edges_too(models, tmp_path, capsys) -> None:
    rows = "\n".join(f"{8300 + k} {k > 30:d}.{k}" for k in range(90))
    (tmp_path / "a.dat").write_text(rows)
    main(["predict", models[kinds.SEVERAL], f"Ni K={tmp_path / 'a.dat'}", "--scan", "3"])
    assert "no scan is named '3'" in capsys.readouterr().err


def test_columns_are_passed_on_to_the_electrodes_and_the_pristine_one(models, tmp_path, capsys):
    """Three columns without names: refused as they are, read as they are chosen."""
    energy = np.arange(8250.0, 8600.0, 0.5)
    for name, shift in (("p", 0.0), ("c", 0.6)):
        x = energy - 8345.0 - shift
        mu = 1 / (1 + np.exp(-x / 1.5)) + 0.5 * np.exp(-((x - 6) ** 2) / 10)
        np.savetxt(tmp_path / f"{name}.dat", np.c_[energy, mu, 0.1 * energy])
    words = ["predict", models[kinds.STUDY_OF_SPECTRA], str(tmp_path / "c.dat")]
    words += ["--option", f"pristine={tmp_path / 'p.dat'}"]
    assert main(words) == 2
    assert "--columns energy=1" in capsys.readouterr().err
    main([*words, "--columns", "energy=1", "mu=2"])
    assert "main peak +0.6" in capsys.readouterr().out
