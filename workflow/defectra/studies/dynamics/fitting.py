"""Fits in stages by L-BFGS, each stage with more of a trajectory; goes on after a kill."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from defectra.core.errors import TableError
from defectra.core.store import made, replacing
from defectra.learn.torch_library import tensors_read, tensors_write

Loss = Callable[[], Tensor]
WALL = 1e30  # loss of what is not finite, within a search
ROUND = 5  # iterations between two looks at what was gained


@dataclass(frozen=True)
class Stage:
    """Part of a fit.

    Attributes
    ----------
    name
        Of the stage.
    loss
        To be made small; reads the parameters of the module.
    iterations
        Of L-BFGS, at most.
    least
        Gain in the loss over :data:`ROUND` iterations below which the stage ends. For a mean
        deviance, 1 over the number of pixels is what the counts can just decide.
    """

    name: str
    loss: Loss
    iterations: int
    least: float = 0.0


@dataclass(frozen=True)
class Fitted:
    """What became of a fit.

    Attributes
    ----------
    losses
        At the end of each stage.
    cpu_s
        CPU seconds, over all starts.
    """

    losses: tuple[float, ...]
    cpu_s: float


def fit(module: nn.Module, stages: Sequence[Stage], keep: Path | None = None) -> Fitted:
    """Fit the parameters of a module, stage by stage.

    Parameters
    ----------
    keep
        File of checkpoints: one after each stage. A fit that begins from the same weights with the
        same stages and first loss goes on from it, and any other begins anew.

    Raises
    ------
    TableError
        If a loss is not finite.
    """
    stamp = _stamp(module, stages) if keep else ""
    losses, seconds = _resumed(module, keep, stamp) if keep else ([], 0.0)
    for number in range(len(losses), len(stages)):
        start = time.process_time()
        losses.append(_lbfgs(module, stages[number]))
        seconds += time.process_time() - start
        if keep:
            _kept(module, keep, stamp, losses, seconds)
    return Fitted(tuple(losses), seconds)


def _lbfgs(module: nn.Module, stage: Stage) -> float:
    optimiser = torch.optim.LBFGS(
        module.parameters(),
        max_iter=ROUND,
        history_size=40,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-10,
        tolerance_change=1e-14,
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = stage.loss()
        value.backward()
        if _finite(value, module):
            return value
        optimiser.zero_grad()  # a step of the search that went too far: it comes back from a wall
        return torch.full_like(value.detach(), WALL)

    before = float("inf")
    for _ in range(math.ceil(stage.iterations / ROUND)):
        optimiser.step(closure)
        with torch.no_grad():
            value = float(stage.loss())
        if before - value <= stage.least:
            break
        before = value
    if not value < float("inf"):
        raise TableError(
            f"stage {stage.name}: the loss is {value}; is the start state of the data?"
        )
    return value


def _finite(value: Tensor, module: nn.Module) -> bool:
    """Whether a loss and all its gradients are finite."""
    slopes = [p.grad for p in module.parameters() if p.grad is not None]
    return all(bool(torch.isfinite(x).all()) for x in (value.detach(), *slopes))


def _stamp(module: nn.Module, stages: Sequence[Stage]) -> str:
    """Digest of what decides a fit: weights, stages, and the losses of all stages at the start."""
    found = hashlib.sha256()
    for name, value in module.state_dict().items():
        found.update(name.encode() + value.detach().contiguous().numpy().tobytes())
    for stage in stages:
        with torch.no_grad():
            loss = float(stage.loss()).hex()
        found.update(f"{stage.name} {stage.iterations} {stage.least} {loss}".encode())
    return found.hexdigest()


def _kept(
    module: nn.Module, keep: Path, stamp: str, losses: Sequence[float], seconds: float
) -> None:
    made(keep.parent)
    texts = {"stamp": stamp, "state": json.dumps({"losses": losses, "seconds": seconds})}
    with replacing(keep) as temporary:
        tensors_write(str(temporary), dict(module.state_dict()), texts)


def _resumed(module: nn.Module, keep: Path, stamp: str) -> tuple[list[float], float]:
    if not keep.exists():
        return [], 0.0
    try:
        tensors, texts = tensors_read(str(keep))
    except Exception as error:  # safetensors raises its own for what is cut off
        print(f"{keep}: no whole checkpoint ({error}); the fit starts anew")
        return [], 0.0
    if texts.get("stamp") != stamp:
        return [], 0.0
    module.load_state_dict(tensors)
    state = json.loads(texts["state"])
    return list(state["losses"]), float(state["seconds"])
