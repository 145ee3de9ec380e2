"""One step of training beside that of the authors' way: ``python -m benchmarks.training``.

CPU seconds (one thread, forward and backward) for one pattern. Speckle: the small network on
physical inputs against a ResNet-50 on 257 x 257 pixels (arXiv:2211.08194 names both; monai's
ResNet-50, as that of the authors needs torchvision). 4D-STEM: a decoder that is asked for some
coordinates of the polar grid in each step against one that is asked for all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.rows import line
from defectra.engines.speckle.placement import place
from defectra.engines.speckle.scattering import analytic_intensity
from defectra.learn.torch_library import need_torch
from defectra.studies.speckle.described import hidden_inputs
from defectra.studies.speckle.network import build, physical_architecture
from defectra.studies.speckle.settings import SpeckleStudy
from defectra.studies.stem4d.settings import Stem4dStudy

PIXELS, CLASSES, BATCH, REPEATS = 257, 19, 4, 3
DISKS, FEW = 10, 8


def step_seconds(module: Any, loss: Callable[[], Any], rows: int) -> float:
    """CPU seconds of a pattern in one step of training: the least of some repeats."""
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        module.zero_grad()
        loss().backward()
        spent.append((time.process_time() - start) / rows)
    return min(spent)


def speckle(torch: Any) -> None:
    """Row of the network of study `speckle`."""
    from monai.networks.nets import resnet50

    study, draw = SpeckleStudy(), np.random.default_rng(0)
    inputs = hidden_inputs(study)
    radii = np.full(DISKS, study.disks.radius)
    patterns = [
        analytic_intensity(
            place(radii, study.disks.box, study.disks.radius, study.disks.gap, draw),
            radii,
            inputs.detector,
        )
        for _ in range(FEW)
    ]
    vectors = inputs(np.array(patterns)).vector()
    own = build(physical_architecture(vectors, 0, CLASSES, study.width, study.dropout))
    own.train()
    given = torch.from_numpy(vectors).repeat(study.network.batch // FEW, 1)
    label = torch.randint(CLASSES, (len(given),))
    entropy = torch.nn.functional.cross_entropy
    ours = step_seconds(own, lambda: entropy(own(given), label), len(given))
    large = resnet50(spatial_dims=2, n_input_channels=1, num_classes=CLASSES)
    image = torch.randn(BATCH, 1, PIXELS, PIXELS)
    theirs = step_seconds(large, lambda: entropy(large(image), label[:BATCH]), BATCH)
    line("speckle, training step of one pattern", ours, "CPU s", peer="ResNet-50, 257 x 257",
         peer_value=theirs)  # fmt: skip


def stem4d(torch: Any) -> None:
    """Row of the autoencoder of study `stem4d`."""
    from defectra.studies.stem4d.networks import Turning

    study = Stem4dStudy()
    whole = study.network.model_copy(update={"points": study.polar.radii * study.polar.angles})
    rings = torch.randn(study.training.batch, study.polar.radii, study.polar.angles)
    spent = []
    for settings in (study.network, whole):
        module = Turning(study.polar, settings).train()
        spent.append(step_seconds(module, lambda m=module: m.loss(rings), len(rings)))
    line("4D-STEM, training step of one pattern", spent[0], "CPU s",
         peer="decoder at all coordinates", peer_value=spent[1])  # fmt: skip


def main() -> None:
    """Print the rows."""
    torch = need_torch()
    torch.manual_seed(0)
    speckle(torch)
    stem4d(torch)


if __name__ == "__main__":
    main()
