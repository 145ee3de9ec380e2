"""Weights of the rule of crossings, learnt from lines that are known.

``python -m defectra.studies.plots.crossing_rule`` writes `images/digitise/crossings.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from defectra.engines.plot_images.render import random_curves
from defectra.images.digitise.crossings import APART, RULE, features, near_each_other

Floats = NDArray[np.float64]
SEED, PLOTS, TESTED = 778, 1500, 500  # not the seeds of any plot that is scored
WIDE, TALL = 465, 332  # pixels inside the frame at 100 dots per inch
NOISE = 0.25  # pixels of the reading


def known_crossings(rng: np.random.Generator, plots: int) -> Iterator[Floats]:
    """Features of the crossings of lines that are as they should be."""
    for _ in range(plots):
        curves = random_curves(rng, int(rng.choice([2, 3, 5])))
        size, width = float(rng.choice([0.5, 1.0])), float(rng.integers(1, 5))
        columns = np.linspace(0, 1, int(WIDE * size))
        lines = np.array([np.interp(columns, x, y) for x, y in curves])
        lines = (lines.max() - lines) / np.ptp(lines) * TALL * size
        lines += rng.normal(0, NOISE, lines.shape)
        near = APART * width * size * 100 / 72 + 1
        for i in range(len(lines)):
            for j in range(i + 1, len(lines)):
                for first, last in near_each_other(lines[i], lines[j], near):
                    found = features(lines[i], lines[j], first, last)
                    if found is not None:
                        yield found


def learnt(seed: int = SEED, plots: int = PLOTS, tested: int = TESTED) -> dict[str, object]:
    """Weights, and the share of crossings of other plots at which they choose wrongly.

    Logistic regression without a constant: to exchange two lines changes the sign of all features.
    """
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    given, asked = (np.array(list(known_crossings(rng, count))) for count in (plots, tested))
    sign = rng.choice([-1, 1], len(given))
    model = LogisticRegression(fit_intercept=False, max_iter=2000)
    found = model.fit(given * sign[:, None], sign).coef_[0]
    return {
        "seed": seed,
        "crossings": len(given),
        "wrong": round(float((asked @ found < 0).mean()), 4),
        "weights": [round(float(w), 5) for w in found],
    }


def main() -> int:
    """Learn the rule and write it."""
    found = learnt()
    RULE.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{RULE.name}: {found['crossings']} crossings, {found['wrong']} of others wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())
