"""Networks: a kill changes no number; saved models are no pickle and know their study."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from defectra.core.errors import DataError, LibraryError, TableError  # noqa: E402
from defectra.learn import saved_network, torch_library  # noqa: E402
from defectra.learn.saved_network import About, head_of, load, save  # noqa: E402
from defectra.learn.training import CHECKPOINT, Training, held_out, train  # noqa: E402

SETTINGS = Training(epochs=6, batch=16, learning_rate=0.02, patience=6, schedule="cosine",
                    weight_decay=0.01, seed=3, checkpoint_s=1e-9)  # fmt: skip
STEPS = 5  # of an epoch
STOP = os.environ.get("TEST_STOP_AT", "")
steps = {"done": 0}


def make(hidden=5):
    parts = [torch.nn.Linear(3, hidden), torch.nn.BatchNorm1d(hidden), torch.nn.Dropout(0.2)]
    return torch.nn.Sequential(*parts, torch.nn.Tanh(), torch.nn.Linear(hidden, 1))


def data():
    x = np.random.default_rng(1).normal(size=(96, 3)).astype(np.float32)
    return {"x": x, "y": np.sin(x.sum(axis=1, keepdims=True)).astype(np.float32)}


def loss(module, batch):
    steps["done"] += module.training
    if STOP and steps["done"] == int(STOP):
        os.kill(os.getpid(), signal.SIGKILL)
    return ((module(batch["x"]) - batch["y"]) ** 2).mean()


def noisy(batch, generator):
    noise = torch.randn(batch["x"].shape, generator=generator)
    return {**batch, "x": batch["x"] + 0.05 * noise}


def run(folder=None, settings=SETTINGS, make=make):
    return train(make, data(), loss, (np.arange(80), np.arange(80, 96)), settings, folder, noisy)


def equal(one, other):
    pairs = zip(one.module.state_dict().values(), other.module.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


CHILD = "import sys; sys.path.insert(0, {!r}); import test_training as t; t.run(t.Path({!r}))"


@pytest.mark.parametrize("stop", [2 * STEPS + 1, 2 * STEPS + 4], ids=["new epoch", "within one"])
def test_a_killed_training_goes_on_to_the_same_numbers(tmp_path, stop) -> None:
    code = CHILD.format(str(Path(__file__).parent), str(tmp_path))
    known = os.environ | {
        "TEST_STOP_AT": str(stop),
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }
    done = subprocess.run([sys.executable, "-c", code], env=known, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / CHECKPOINT).exists()
    before = steps["done"]
    resumed = run(tmp_path)
    assert steps["done"] - before == 6 * STEPS - (stop - 1)  # what was done is not done again
    whole = run()
    assert equal(resumed, whole)
    assert resumed.history == whole.history
    assert resumed.best_epoch == whole.best_epoch
    assert not (tmp_path / CHECKPOINT).exists()


def test_another_seed_or_a_damaged_checkpoint_starts_anew(tmp_path, capsys) -> None:
    whole, other = run(), run(settings=SETTINGS.model_copy(update={"seed": 4}))
    assert not equal(whole, other)
    (tmp_path / CHECKPOINT).write_bytes(b"\x10\0\0\0\0\0\0\0 cut off")
    assert equal(run(tmp_path), whole)
    assert "starts anew" in capsys.readouterr().out


def test_the_best_epoch_is_kept_and_patience_ends_the_training() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    settings = SETTINGS.model_copy(update={"epochs": 200, "patience": 3, "schedule": "constant"})
    trained = run(settings=settings)
    losses = [row["validation_loss"] for row in trained.history]
    assert len(losses) < 200
    assert trained.best_epoch == int(np.argmin(losses)) == len(losses) - 4
    x, y = (torch.from_numpy(v[80:]) for v in data().values())
    with torch.no_grad():
        again = float(((trained.module(x) - y) ** 2).mean())
    assert again == pytest.approx(min(losses), rel=1e-6)
    assert torch.equal(torch.get_rng_state(), before)  # nobody else's numbers change


def test_a_loss_that_is_not_finite_is_said() -> None:
    bad = data() | {"y": np.full((96, 1), np.nan, np.float32)}
    with pytest.raises(TableError, match="epoch 0, batch 0"):
        train(make, bad, loss, (np.arange(80), np.arange(80, 96)), SETTINGS)


def test_no_group_is_on_both_sides() -> None:
    groups = [f"g{k // 3}" for k in range(30)]
    first, second = held_out(groups, 0.2, 0)
    assert sorted([*first, *second]) == list(range(30))
    assert len({groups[k] for k in second}) == 2
    assert not {groups[k] for k in first} & {groups[k] for k in second}
    with pytest.raises(TableError, match="two"):
        held_out(["a"] * 5, 0.2, 0)


ABOUT = About("toy", "net", (3,), {"scale": 2.0}, {"hidden": 5}, ("y",), ("eV",), {"seed": 3})


def build(about):
    return make(about.architecture["hidden"])


def test_a_saved_network_answers_as_before(tmp_path) -> None:
    trained, path = run(), tmp_path / "net.safetensors"
    save(path, trained.module, ABOUT)
    assert head_of(path) == ABOUT
    module, about = load(path, "toy", build, "net")
    x = torch.from_numpy(data()["x"])
    assert torch.equal(module(x), trained.module(x))
    assert about == ABOUT


def test_models_of_others_pickles_and_cut_files_are_refused(tmp_path) -> None:
    path = tmp_path / "net.safetensors"
    save(path, make(), ABOUT)
    with pytest.raises(DataError, match="of study toy, not"):
        load(path, "speckle", build)
    with pytest.raises(DataError, match="weights"):
        load(path, "toy", lambda about: make(6))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="weights"):
        load(path, "toy", build)
    for name, write in (("m.pt", lambda p: torch.save(make().state_dict(), p)),
                        ("m.pkl", lambda p: p.write_bytes(pickle.dumps({"a": 1}))),
                        ("m.safetensors", lambda p: p.write_text("{}"))):  # fmt: skip
        write(tmp_path / name)
        with pytest.raises(DataError, match="no model of Defectra"):
            load(tmp_path / name, "toy", build)
    with pytest.raises(DataError, match="no such file"):
        head_of(tmp_path / "none")


def test_without_torch_the_message_says_how_to_get_it(monkeypatch) -> None:
    def refuse(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(torch_library.importlib, "import_module", refuse)
    with pytest.raises(LibraryError, match="make instruments"):
        torch_library.need_torch()
    assert saved_network.KIND
