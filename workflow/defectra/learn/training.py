"""Training of torch modules: seeded, on one thread, stopped early, resumed after a kill.

Every batch draws from a seed of its own (seed, epoch, number of the batch), so that a training that
goes on from a checkpoint gives the same numbers as one that was never stopped.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from defectra.core.errors import TableError
from defectra.core.settings import Strict
from defectra.core.store import made, replacing
from defectra.learn.torch_library import need_torch, tensors_read, tensors_write

Array = NDArray[Any]
Ints = NDArray[np.int64]
Module = Any  # torch.nn.Module
Batch = Mapping[str, Any]  # tensors by name
CHECKPOINT = "checkpoint.safetensors"


class Training(Strict):
    """How a network is trained."""

    epochs: int = Field(50, ge=1, description="at most")
    batch: int = Field(64, ge=1, description="rows of a step")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam, at the start")
    schedule: Literal["constant", "cosine"] = Field("constant", description="of the learning rate")
    weight_decay: float = Field(0.0, ge=0, description="decoupled (AdamW)")
    patience: int = Field(10, ge=1, description="epochs without a better validation loss")
    clip: float = Field(0.0, ge=0, description="largest norm of the gradient; 0: as it is")
    seed: int = Field(0, ge=0)
    checkpoint_s: float = Field(30.0, gt=0, description="s between two checkpoints, at least")


@dataclass
class State:
    """Where a training stands; a checkpoint holds it beside weights and optimiser."""

    epoch: int = 0
    batch: int = 0  # batches of this epoch that are done
    total: float = 0.0  # loss summed over the rows of this epoch so far
    best: float = math.inf
    best_epoch: int = -1
    seconds: float = 0.0  # CPU, over all starts
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes
    ----------
    module
        With the weights of the best epoch, in evaluation mode.
    history
        ``epoch``, ``train_loss``, ``validation_loss`` of each epoch.
    best_epoch
        From 0.
    cpu_s
        CPU seconds, over all starts.
    """

    module: Module
    history: list[dict[str, float]]
    best_epoch: int
    cpu_s: float


def held_out(groups: Sequence[Any], fraction: float, seed: int) -> tuple[Ints, Ints]:
    """Rows to train on and rows to validate on; no group has rows in both.

    Parameters
    ----------
    groups
        Group of each row.
    fraction
        Of the groups that are held out, at least one.

    Raises
    ------
    TableError
        With fewer than two groups.
    """
    names = sorted({str(g) for g in groups})
    if len(names) < 2:
        raise TableError(f"{len(names)} group(s): at least two are needed to hold one out")
    order = np.random.default_rng(seed).permutation(len(names))
    count = min(max(1, round(fraction * len(names))), len(names) - 1)
    out = {names[k] for k in order[:count]}
    mask = np.array([str(g) in out for g in groups])
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def train(
    make: Callable[[], Module],
    data: Mapping[str, Array],
    loss: Callable[[Module, Batch], Any],
    rows: tuple[Ints, Ints],
    settings: Training,
    folder: Path | None = None,
    augment: Callable[[Batch, Any], Batch] | None = None,
) -> Trained:
    """Train a network until its validation loss stops falling.

    Parameters
    ----------
    make
        Builds the module; called once, under the seed.
    data
        Arrays with one first axis, by name; a batch holds the same names as tensors.
    loss
        Mean loss of a batch, a scalar tensor.
    rows
        Rows to train on and rows to validate on, see :func:`held_out`; without the latter the
        training loss decides.
    folder
        Where a checkpoint is kept while it trains; one of the same settings, data and module is
        gone on from, and any other is left aside. None: none is kept.
    augment
        Changes a training batch; draws from the generator that it is given.

    Raises
    ------
    LibraryError
        Without torch.
    TableError
        If the loss is not finite, or there are no rows.
    """
    torch = need_torch()
    if not len(rows[0]):
        raise TableError("no rows to train on")
    with torch.random.fork_rng(devices=[]):
        run = _Run(make, data, loss, rows, settings, folder, augment)
        return run.whole()


class _Run:
    """One training; the steps of :func:`train`."""

    def __init__(
        self,
        make: Callable[[], Module],
        data: Mapping[str, Array],
        loss: Callable[[Module, Batch], Any],
        rows: tuple[Ints, Ints],
        settings: Training,
        folder: Path | None,
        augment: Callable[[Batch, Any], Batch] | None,
    ) -> None:
        torch = need_torch()
        self.torch, self.loss, self.rows, self.settings = torch, loss, rows, settings
        self.augment, self.state = augment, State()
        torch.manual_seed(settings.seed)
        self.module = make()
        self.data = {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in data.items()}
        self.optimiser = torch.optim.AdamW(
            self.module.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.best = self._weights()
        self.path = None if folder is None else made(folder) / CHECKPOINT
        self.stamp = self._stamp() if self.path else ""
        self._cpu, self._kept = time.process_time(), time.monotonic()

    def whole(self) -> Trained:
        """All epochs, from the checkpoint if there is one."""
        self._resume()
        while not self._ended():
            self._epoch()
        self.module.load_state_dict(self.best)
        self.module.eval()
        if self.path:
            self.path.unlink(missing_ok=True)
        state = self.state
        return Trained(self.module, state.history, state.best_epoch, self._seconds())

    def _ended(self) -> bool:
        state, last = self.state, self.settings.patience
        waited = state.epoch - 1 - state.best_epoch
        return state.epoch >= self.settings.epochs or waited >= last

    def _epoch(self) -> None:
        """One epoch, or the rest of it after a kill."""
        state, settings = self.state, self.settings
        share = state.epoch / settings.epochs
        fall = 0.5 * (1 + math.cos(math.pi * share)) if settings.schedule == "cosine" else 1.0
        for group in self.optimiser.param_groups:
            group["lr"] = settings.learning_rate * fall
        order = self._order(state.epoch)
        batches = range(0, len(order), settings.batch)
        self.module.train()
        for number in range(state.batch, len(batches)):
            start = batches[number]
            chosen = order[start : start + settings.batch]
            state.total += self._step(chosen, number) * len(chosen)
            state.batch = number + 1
            self._keep()
        self._close(state.total / len(order))

    def _order(self, epoch: int) -> Ints:
        rng = np.random.default_rng([self.settings.seed, epoch])
        return np.asarray(rng.permutation(self.rows[0]), np.int64)

    def _step(self, chosen: Ints, number: int) -> float:
        """One step of the optimiser; the mean loss of the batch before it."""
        torch, state = self.torch, self.state
        seed = int(np.random.SeedSequence([self.settings.seed, state.epoch, number])
                   .generate_state(1, np.uint64)[0] >> np.uint64(1))  # fmt: skip
        torch.manual_seed(seed)
        batch: Batch = {name: value[chosen] for name, value in self.data.items()}
        if self.augment is not None:
            batch = self.augment(batch, torch.Generator().manual_seed(seed))
        self.optimiser.zero_grad()
        found = self.loss(self.module, batch)
        value = float(found.detach())
        if not math.isfinite(value):
            raise TableError(
                f"the loss is {value} in epoch {state.epoch}, batch {number}: lower the learning "
                f"rate ({self.settings.learning_rate:g}), set `clip`, or look at the data"
            )
        found.backward()
        if self.settings.clip:
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), self.settings.clip)
        self.optimiser.step()
        return value

    def _close(self, train_loss: float) -> None:
        """Validation loss, best weights, the next epoch."""
        state = self.state
        value = self._validation() if len(self.rows[1]) else train_loss
        state.history.append(
            {"epoch": state.epoch, "train_loss": train_loss, "validation_loss": value}
        )
        if value < state.best:
            state.best, state.best_epoch, self.best = value, state.epoch, self._weights()
        state.epoch, state.batch, state.total = state.epoch + 1, 0, 0.0
        self._keep()

    def _validation(self) -> float:
        self.module.eval()
        total, rows = 0.0, self.rows[1]
        self.torch.manual_seed(self.settings.seed)
        with self.torch.no_grad():
            for start in range(0, len(rows), self.settings.batch):
                chosen = rows[start : start + self.settings.batch]
                batch = {name: value[chosen] for name, value in self.data.items()}
                total += float(self.loss(self.module, batch)) * len(chosen)
        return total / len(rows)

    def _weights(self) -> dict[str, Any]:
        return {name: value.detach().clone() for name, value in self.module.state_dict().items()}

    def _seconds(self) -> float:
        return self.state.seconds + time.process_time() - self._cpu

    def _stamp(self) -> str:
        """Digest of all that decides the numbers: settings, rows, data, first weights."""
        found = hashlib.sha256(self.settings.model_dump_json(exclude={"checkpoint_s"}).encode())
        for array in (*self.rows, *(self.data[name].numpy() for name in sorted(self.data))):
            found.update(f"{array.dtype} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        for name, value in self.best.items():
            found.update(name.encode() + value.cpu().reshape(-1).numpy().tobytes())
        return found.hexdigest()

    def _keep(self) -> None:
        """Write a checkpoint, if the last one is old enough."""
        if self.path is None or time.monotonic() - self._kept < self.settings.checkpoint_s:
            return
        tensors = {f"module/{k}": v for k, v in self._weights().items()}
        tensors |= {f"best/{k}": v for k, v in self.best.items()}
        plain: dict[str, Any] = {}
        for number, kept in self.optimiser.state_dict()["state"].items():
            for name, value in kept.items():
                key = f"optimiser/{number}/{name}"
                (tensors if self.torch.is_tensor(value) else plain)[key] = value
        state = asdict(self.state) | {"seconds": self._seconds()}
        texts = {"stamp": self.stamp, "state": json.dumps(state), "plain": json.dumps(plain)}
        with replacing(self.path) as temporary:
            tensors_write(str(temporary), tensors, texts)
        self._kept = time.monotonic()

    def _resume(self) -> None:
        """Go on from the checkpoint, if it is whole and of this training."""
        if self.path is None or not self.path.exists():
            return
        try:
            tensors, texts = tensors_read(str(self.path))
        except Exception as error:  # safetensors raises its own for what is cut off
            print(f"{self.path}: no whole checkpoint ({error}); the training starts anew")
            return
        if texts.get("stamp") != self.stamp:
            print(f"{self.path}: of other settings or data; the training starts anew")
            return
        plain = json.loads(texts["plain"])
        self.state = State(**json.loads(texts["state"]))
        self.module.load_state_dict(_below(tensors, "module/"))
        self.best = _below(tensors, "best/")
        whole = self.optimiser.state_dict()
        whole["state"] = _optimiser(_below({**tensors, **plain}, "optimiser/"))
        self.optimiser.load_state_dict(whole)


def _below(values: Mapping[str, Any], head: str) -> dict[str, Any]:
    return {name.removeprefix(head): v for name, v in values.items() if name.startswith(head)}


def _optimiser(flat: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    out: dict[int, dict[str, Any]] = {}
    for name, value in flat.items():
        number, _, key = name.partition("/")
        out.setdefault(int(number), {})[key] = value
    return out
