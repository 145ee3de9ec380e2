"""Members of the ensembles: trained on clean frames, then on usual ones, asked on all sets.

What a member answers is kept in a file as soon as it is trained, so that a killed run goes on with
the next one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.store import replacing
from defectra.learn.saved_network import About, load, save
from defectra.learn.torch_library import need_torch
from defectra.learn.training import Training, train
from defectra.studies.segmentation.data import Frames
from defectra.studies.segmentation.networks import builder, epochs, logits
from defectra.studies.segmentation.settings import CLEAN, USUAL, SegmentationStudy

Array = NDArray[np.float32]
VALIDATION = "validation"
STUDY = "segmentation"


@dataclass(frozen=True)
class Member:
    """One network: its architecture and the number of its copy."""

    architecture: str
    copy: int

    @property
    def name(self) -> str:
        """E.g. ``unet-0``."""
        return f"{self.architecture}-{self.copy}"


@dataclass(frozen=True)
class Answers:
    """What a member answers.

    Attributes
    ----------
    probability
        Of ice, of each pixel, by set.
    cpu_s
        CPU seconds of its training.
    weights
        File of its network.
    """

    probability: Mapping[str, Array]
    cpu_s: float
    weights: Path


def answers(
    member: Member,
    training: Mapping[str, Frames],
    asked: Mapping[str, Frames],
    settings: SegmentationStudy,
    seed: int,
    folder: Path,
) -> Answers:
    """Answers of a member, from its file if there is one of the same settings and frames.

    Parameters
    ----------
    training
        Frames to train on, clean and usual, and those to validate on.
    asked
        Frames by set.
    folder
        Of files and checkpoints.
    """
    stamp = _stamp(member, training, asked, settings, seed)
    path = folder / f"{member.name}-{stamp}.npz"
    weights = path.with_suffix(".safetensors")
    if path.is_file() and weights.is_file():
        with np.load(path, allow_pickle=False) as kept:
            found = {name: kept[name] for name in asked}
            return Answers(found, float(kept["cpu_s"]), weights)
    module, cpu = trained(member, training, settings, seed, folder / member.name)
    found = {name: probabilities(module, frames.x) for name, frames in asked.items()}
    kept_arrays: dict[str, Any] = {**found, "cpu_s": cpu}
    folder.mkdir(parents=True, exist_ok=True)
    save(weights, module, About(STUDY, member.architecture, training[USUAL].x.shape[1:]))
    with replacing(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, **kept_arrays)
    return Answers(found, cpu, weights)


def _stamp(
    member: Member,
    training: Mapping[str, Frames],
    asked: Mapping[str, Frames],
    settings: SegmentationStudy,
    seed: int,
) -> str:
    about = settings.model_dump_json(include={"seconds", "clean_share", "step_s", "batch",
                                              "learning_rate"})  # fmt: skip
    found = hashlib.sha256(f"{member.name} {seed} {about}".encode())
    for frames in (*training.values(), *asked.values()):
        found.update(frames.x.tobytes())
        found.update(frames.truth.tobytes())
    return found.hexdigest()[:16]


def trained(
    member: Member,
    training: Mapping[str, Frames],
    settings: SegmentationStudy,
    seed: int,
    folder: Path,
) -> tuple[Any, float]:
    """Network after clean and usual frames, and its CPU seconds.

    The best epoch by the loss on the validation frames is taken of each part.
    """
    own = np.random.SeedSequence([seed, member.copy, *member.architecture.encode()])
    number = int(own.generate_state(1)[0])
    clean, usual = epochs(member.architecture, settings)
    make, cpu = builder(member.architecture), 0.0
    for part, count in ((CLEAN, clean), (USUAL, usual)):
        data, rows = _joined(training[part], training[VALIDATION])
        how = Training(
            epochs=count,
            batch=settings.batch,
            learning_rate=settings.learning_rate,
            schedule="cosine",
            patience=count,
            clip=1.0,
            seed=number,
        )
        done = train(make, data, loss, rows, how, folder / part, turned)
        make, cpu = _given(done.module), cpu + done.cpu_s
    return done.module, cpu


def kept(path: Path) -> tuple[str, Any]:
    """Architecture and network of a member that was kept.

    Raises
    ------
    DataError
        If the file is none.
    """
    module, about = load(path, STUDY, lambda about: builder(about.name)())
    return about.name, module


def _given(module: Any) -> Any:
    return lambda: module


def _joined(first: Frames, second: Frames) -> tuple[dict[str, Array], Any]:
    """Arrays of both, and the rows of each."""
    data = {
        "x": np.concatenate([first.x, second.x]),
        "truth": np.concatenate([first.truth, second.truth]),
    }
    return data, (np.arange(len(first)), len(first) + np.arange(len(second)))


def loss(module: Any, batch: Mapping[str, Any]) -> Any:
    """Mean binary cross-entropy."""
    torch = need_torch()
    found = logits(module, batch["x"])
    return torch.nn.functional.binary_cross_entropy_with_logits(found, batch["truth"])


def turned(batch: Mapping[str, Any], generator: Any) -> dict[str, Any]:
    """A batch turned by quarters and mirrored at random, frames and truth alike."""
    torch = need_torch()
    quarters, mirror = (int(torch.randint(n, (1,), generator=generator)) for n in (4, 2))
    out = {name: torch.rot90(value, quarters, (2, 3)) for name, value in batch.items()}
    return {k: torch.flip(v, (3,)) if mirror else v for k, v in out.items()}


def probabilities(module: Any, x: Array, batch: int = 64) -> Array:
    """Probability of ice of each pixel.

    Parameters
    ----------
    x
        As of :func:`defectra.studies.segmentation.data.channels`, shape (n, 2, h, w).

    Returns
    -------
    Shape (n, h, w).
    """
    torch = need_torch()
    module.eval()
    out = []
    with torch.no_grad():
        for start in range(0, len(x), batch):
            part = torch.from_numpy(x[start : start + batch])
            out.append(torch.sigmoid(logits(module, part))[:, 0].numpy())
    return np.concatenate(out).astype(np.float32)
