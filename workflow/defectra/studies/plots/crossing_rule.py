"""Weights of the rule of crossings, learnt from lines that are known.

``python -m defectra.studies.plots.crossing_rule`` writes `images/digitise/crossings.json` (torch is
needed for that alone).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.engines.plot_images.render import random_curves
from defectra.images.digitise.crossings import APART, RULE, features, stretches
from defectra.learn.torch_library import need_torch
from defectra.learn.training import Training, held_out, train

Floats = NDArray[np.float64]
SEED, PLOTS, TESTED = 778, 7500, 700  # not the seeds of any plot that is scored
WIDE, TALL = 465, 332  # pixels inside the frame at 100 dots per inch
NOISE = 0.25  # pixels of the reading
HIDDEN = 16
HOW = Training(
    epochs=60, batch=64, learning_rate=3e-3, schedule="cosine", weight_decay=0.1, patience=60
)


def known_crossings(rng: np.random.Generator, plots: int) -> Iterator[tuple[int, Floats]]:
    """Number of the plot, and features of the crossings of lines that are as they should be."""
    for number in range(plots):
        curves = random_curves(rng, int(rng.choice([2, 3, 5])))
        size, width = float(rng.choice([0.5, 1.0])), float(rng.integers(1, 5))
        columns = np.linspace(0, 1, int(WIDE * size))
        lines = np.array([np.interp(columns, x, y) for x, y in curves])
        lines = (lines.max() - lines) / np.ptp(lines) * TALL * size
        lines += rng.normal(0, NOISE, lines.shape)
        near = APART * width * size * 100 / 72 + 1
        for i in range(len(lines)):
            for j in range(i + 1, len(lines)):
                for stretch in stretches(lines[i], lines[j], near):
                    found = features(lines[i], lines[j], stretch)
                    if found is not None:
                        yield number, found


def network(inputs: int) -> Any:
    """An odd function of its inputs: layers without constants, tanh between them."""
    nn = need_torch().nn
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN, bias=False),
        nn.Tanh(),
        nn.Linear(HIDDEN, HIDDEN, bias=False),
        nn.Tanh(),
        nn.Linear(HIDDEN, 1, bias=False),
    )


def loss(module: Any, batch: Mapping[str, Any]) -> Any:
    """Mean of log(1 + exp(-log odds)): all lines are right as they are."""
    return need_torch().nn.functional.softplus(-module(batch["x"])).mean()


def learnt(seed: int = SEED, plots: int = PLOTS, tested: int = TESTED) -> dict[str, object]:
    """Layers, and the share of crossings of other plots at which they choose wrongly."""
    rng = np.random.default_rng(seed)
    given, asked = (list(known_crossings(rng, count)) for count in (plots, tested))
    x = np.array([one for _, one in given])
    spread = x.std(axis=0) + 1e-6
    rows = held_out([number for number, _ in given], 0.1, seed)
    data = {"x": np.asarray(x / spread, np.float32)}
    module = train(
        lambda: network(x.shape[1]), data, loss, rows, HOW.model_copy(update={"seed": seed})
    ).module
    layers = [each.detach().numpy().astype(float) for each in module.parameters()]
    found = np.array([one for _, one in asked]) / spread
    for layer in layers:
        found = np.tanh(found @ layer.T) if len(layer) > 1 else found @ layer.T
    layers[0] = layers[0] / spread
    return {
        "seed": seed,
        "crossings": len(given),
        "wrong": round(float((found < 0).mean()), 4),
        "layers": [[[float(f"{w:.4g}") for w in row] for row in layer] for layer in layers],
    }


def main() -> int:
    """Learn the rule and write it."""
    found = learnt()
    RULE.write_text(json.dumps(found) + "\n")
    print(f"{RULE.name}: {found['crossings']} crossings, {found['wrong']} of others wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())
