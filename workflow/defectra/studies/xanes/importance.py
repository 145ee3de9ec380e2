"""At which energies a model looks, whatever its features are.

A cumulative feature at one energy holds everything below it, so its importance is not that of its
energy. Here the spectra themselves are disturbed, at one energy at a time, and go through the
features anew: each is replaced there by another one of the set, and what the answer changes by is
the importance of that energy.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def importance(
    predict: Callable[[Floats], Floats],
    spectra: Floats,
    grid: Floats,
    *,
    width: float = 1.0,
    repeats: int = 3,
    seed: int = 0,
) -> Floats:
    """Root mean square change of the answer when spectra are exchanged about each energy.

    Parameters
    ----------
    predict
        From spectra on the grid, shape (n, g), to answers, shape (n,).
    grid
        eV, shape (g,).
    width
        FWHM of the window that is exchanged, eV.
    repeats
        Seeded permutations, averaged.

    Returns
    -------
    ndarray
        Shape (g,), unit of the answer.
    """  # fmt: skip
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(len(spectra)) for _ in range(repeats)]
    before = predict(spectra)
    out = np.zeros(len(grid))
    for k, energy in enumerate(grid):
        window = 0.5 ** ((2 * (grid - energy) / width) ** 2)
        changed = [spectra + window * (spectra[order] - spectra) for order in orders]
        after = predict(np.concatenate(changed)).reshape(repeats, -1)
        out[k] = np.sqrt(((after - before) ** 2).mean())
    return out
