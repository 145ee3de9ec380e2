"""A network that is given counts and asked for the pattern without noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from defectra.learn.training import train
from defectra.studies.stem4d.networks import Turning
from defectra.studies.stem4d.polar import INSIDE, Standard, left_out, ring_weights
from defectra.studies.stem4d.settings import Stem4dStudy

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
DOSES = (200.0, 3e5)  # electrons of a pattern in the training, ends of a logarithmic range
QUIET = 1e7  # electrons that stand for no noise
OTHER_RINGS = 0.005  # share on other rings that places and vacancies explain (0.0023 at most)
QUIET_SHARE = 0.1  # of the patterns of a batch


@dataclass(frozen=True)
class Rings:
    """Counts to the inputs of a network.

    Attributes
    ----------
    weights
        Shape (pixels, radii * angles), of :func:`.polar.ring_weights`.
    standard
        Of the rings without noise.
    shape
        (radii, angles).
    """

    weights: Singles
    standard: Standard
    shape: tuple[int, int]

    @classmethod
    def of(cls, patterns: Floats, step: Floats, study: Stem4dStudy) -> Rings:
        """From patterns without noise, shape (n, k_y, k_x)."""
        size = (patterns.shape[1], patterns.shape[2])
        weights = ring_weights(size, step, INSIDE * study.microscope.detector, study.polar)
        shape = (study.polar.radii, study.polar.angles)
        weights = weights.reshape(-1, *shape)
        weights[:, left_out(study)] = 0
        flat = weights.reshape(len(weights), -1)
        rings = (patterns.reshape(len(patterns), -1) @ flat).reshape(-1, *shape)
        return cls(flat.astype(np.float32), Standard.of(rings), shape)

    def clean(self, patterns: Floats) -> Singles:
        """Standardised rings, shape (n, radii, angles), of patterns (n, k_y, k_x)."""
        flat = patterns.reshape(len(patterns), -1)
        share = flat / np.maximum(flat.sum(1, keepdims=True), 1e-12)
        return self.standard((share @ self.weights).reshape(-1, *self.shape))

    def inputs(self, patterns: Floats, quiet: bool) -> Singles:
        """Rings and a channel of the dose, shape (n, radii + 1, angles)."""
        total = patterns.sum((1, 2)) if not quiet else np.full(len(patterns), QUIET)
        level = np.log10(np.maximum(total, 1)) - 4
        channel = np.broadcast_to(level[:, None, None], (len(patterns), 1, self.shape[1]))
        return np.concatenate([self.clean(patterns), channel], 1).astype(np.float32)

    def drawn(self, batch: Mapping[str, Any], generator: torch.Generator) -> dict[str, Any]:
        """Counts of a batch of patterns without noise, at doses drawn at random, as inputs."""
        perfect = batch["perfect"]
        low, high = np.log10(DOSES)
        draw = torch.rand(2, len(perfect), generator=generator)
        dose = 10 ** (low + (high - low) * draw[0])
        dose[draw[1] < QUIET_SHARE] = QUIET
        counts = torch.poisson(perfect * dose[:, None], generator=generator)
        total = counts.sum(1, keepdim=True).clamp_min(1)
        root = ((counts / total) @ torch.from_numpy(self.weights)).clamp_min(0).sqrt()
        middle = torch.from_numpy(self.standard.mean).float()
        rings = (root.view(-1, *self.shape) - middle) / self.standard.spread
        level = (total.log10() - 4)[:, :, None].expand(-1, 1, self.shape[1])
        return {"rings": torch.cat([rings, level], 1), "wanted": batch["wanted"]}


@dataclass(frozen=True)
class Finder:
    """A network that is given counts."""

    module: Any
    rings: Rings

    def latents(self, patterns: Floats, quiet: bool) -> tuple[Floats, Floats]:
        """Latent variables (n, l) and angles (n,) of patterns (n, k_y, k_x)."""
        given = torch.from_numpy(self.rings.inputs(patterns, quiet))
        with torch.no_grad():
            values, angle = self.module.latents(given)
        return values.numpy().astype(float), angle.numpy().astype(float)

    def strangeness(self, pattern: Floats) -> tuple[float, float]:
        """Share of the electrons of a pattern on other rings than expected, and what is allowed.

        Half of the sum of the differences of the shares of all rings that are looked at; allowed is
        what counting gives (three times its mean) beside :data:`OTHER_RINGS`.
        """
        rings = self.rings
        area = np.arange(rings.shape[0]) + 0.5
        root = rings.standard.mean.ravel() ** 2 * area  # rings that are left out have none
        found = (pattern.reshape(1, -1) @ rings.weights).reshape(rings.shape).mean(1) * area
        expected, share = root / root.sum(), found / max(found.sum(), 1e-12)
        chance = math.sqrt(2 / math.pi) / 2 * np.sqrt(expected / max(pattern.sum(), 1)).sum()
        return float(abs(share - expected).sum() / 2), float(OTHER_RINGS + 3 * chance)


def network_of(study: Stem4dStudy) -> Turning:
    """A network with a channel of the dose."""
    wide = study.network.model_copy(update={"latent": study.network.latent_vacancies})
    return Turning(study.polar, wide, constant=1)


def taught(patterns: Floats, step: Floats, study: Stem4dStudy, seed: int, keep: Path) -> Finder:
    """Train a network on patterns without noise, shape (n, k_y, k_x), and counts drawn of them."""
    rings = Rings.of(patterns, step, study)
    perfect = np.maximum(patterns.reshape(len(patterns), -1), 0).astype(np.float32)
    every = np.arange(len(patterns))
    found = train(
        lambda: network_of(study),
        {"perfect": perfect, "wanted": rings.clean(patterns)},
        lambda module, batch: module.loss(batch["rings"], batch["wanted"]),
        (every, every[:0]),
        study.noisy_training.model_copy(update={"seed": seed}),
        keep,
        rings.drawn,
    )
    return Finder(found.module, rings)
