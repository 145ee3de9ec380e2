"""Power of the defect tests of study `nmc`, simulated before any model has seen the blocks.

``python -m benchmarks.nmc_power`` prints the table, ``... write`` puts it into ``docs/nmc.md``.

Model (binormal): block i gives a pristine and a defect arm; model m scores them
s = d_m [defect] + z with z of unit variance, of which `BLOCK` is shared by the arms of a block and
`MODELS` by the models. The pooled AUROC is Phi(d / sqrt 2), the win rate of a pair
Phi(d / sqrt(2 - 2 BLOCK)). Intervals are 90 % percentile bootstraps over blocks, as in
:mod:`defectra.learn.scores`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from benchmarks.rows import put

Floats = NDArray[np.float64]
DOCS = Path(__file__).parents[1] / "docs/nmc.md"
BLOCK, MODELS = 0.3, 0.5
EDGES, BLOCKS = 5, (8, 20, 40, 80)
TRIALS, RESAMPLES, SEED = 200, 300, 2501


def scores(aurocs: list[float], blocks: int, generator: np.random.Generator) -> Floats:
    """Scores, shape (models, 2, blocks): pristine, defect."""

    def noise(count: int) -> Floats:
        """Unit variance, `BLOCK` of it shared by the two arms."""
        shared = generator.normal(size=(count, 1, blocks))
        own = generator.normal(size=(count, 2, blocks))
        return np.sqrt(BLOCK) * shared + np.sqrt(1 - BLOCK) * own

    z = np.sqrt(MODELS) * noise(1) + np.sqrt(1 - MODELS) * noise(len(aurocs))
    z[:, 1] += np.sqrt(2) * norm.ppf(aurocs)[:, None]
    return z


def bootstrap(found: Floats, generator: np.random.Generator) -> Floats:
    """AUROC of each model in each resample of the blocks, shape (models, resamples)."""
    blocks = found.shape[-1]
    weights = generator.multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES)
    above = (found[:, 1, :, None] > found[:, 0, None, :]).astype(float)
    return np.einsum("bi,mij,bj->mb", weights, above, weights, optimize=True) / blocks**2


def low(values: Floats) -> Floats:
    """Lower end of the 90 % interval along the last axis."""
    return np.asarray(np.quantile(values, 0.05, axis=-1))


def level(found: Floats, generator: np.random.Generator) -> bool:
    """Lower end of the interval at least 0.85."""
    return bool(low(bootstrap(found, generator))[0] >= 0.85)


def above_chance(found: Floats, generator: np.random.Generator) -> bool:
    """Above a control that has 0.5 by design."""
    return bool(low(bootstrap(found, generator))[0] > 0.5)


def beats_each(found: Floats, generator: np.random.Generator) -> bool:
    """All minus each other one: every lower end above 0 (intersection-union)."""
    values = bootstrap(found, generator)
    return bool((low(values[:1] - values[1:]) > 0).all())


def none_does(found: Floats, generator: np.random.Generator) -> bool:
    """Every single edge: upper end of the interval below 0.90."""
    values = bootstrap(found, generator)[1:]
    return bool((np.quantile(values, 0.95, axis=-1) < 0.90).all())


def mcnemar_each(found: Floats, generator: np.random.Generator) -> bool:  # noqa: ARG001
    """Exact McNemar of the pairs won against each single edge, the largest p below 0.05."""
    won = found[:, 1] > found[:, 0]
    first = (won[0] & ~won[1:]).sum(axis=1)
    second = (~won[0] & won[1:]).sum(axis=1)
    return all(
        a + b > 0 and binomtest(int(a), int(a + b), 0.5, alternative="greater").pvalue < 0.05
        for a, b in zip(first, second)
    )


Test = Callable[[Floats, np.random.Generator], bool]
CASES: list[tuple[str, list[float], Test]] = [
    *((f"lower end ≥ 0.85, true {a}", [a], level) for a in (0.90, 0.93, 0.96)),
    *(
        (f"above volume + contents (0.5 by design), true {a}", [a], above_chance)
        for a in (0.65, 0.75)
    ),
    *(
        (f"all {a} beats each of five edges of {b}", [a] + EDGES * [b], beats_each)
        for a, b in ((0.90, 0.80), (0.95, 0.80), (0.95, 0.75))
    ),
    ("the same, one edge of 0.80, four of 0.60", [0.90, 0.80, *4 * [0.60]], beats_each),
    ("all as good as its edges, 0.80 (false alarms)", 6 * [0.80], beats_each),
    ("no single edge of 0.80 reaches 0.90", [0.90] + EDGES * [0.80], none_does),
    ("McNemar, all 0.95 against five edges of 0.80", [0.95] + EDGES * [0.80], mcnemar_each),
]


def power(aurocs: list[float], test: Test, blocks: int) -> float:
    """Share of simulated campaigns in which the test holds."""
    generator = np.random.default_rng([SEED, blocks])
    draw = partial(scores, aurocs, blocks, generator)
    return float(np.mean([test(draw(), generator) for _ in range(TRIALS)]))


def table() -> str:
    """The table of ``docs/nmc.md``."""
    lines = ["| test (AUROC) | " + " | ".join(f"{n} blocks" for n in BLOCKS) + " |"]
    lines.append("| --- " * (1 + len(BLOCKS)) + "|")
    for name, aurocs, test in CASES:
        values = " | ".join(f"{power(aurocs, test, n):.2f}" for n in BLOCKS)
        lines.append(f"| {name} | {values} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or write it between its marks."""
    if sys.argv[1:] != ["write"]:
        print(table())
        return
    put(DOCS, "nmc_power", table())


if __name__ == "__main__":
    main()
