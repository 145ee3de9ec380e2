"""Contents from edge intensities, as energy loss sees them: atoms times area of the edge.

The numbers of atoms are put in by construction; what is tested is what an error of the intensities
and the varying area of the edges cost. Shapes as in :mod:`defectra.studies.nmc.blocks.models`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from defectra.learn.crossval import TARGETS
from defectra.structures.composition import METALS
from defectra.studies.nmc.blocks.arms import Arms
from defectra.studies.nmc.blocks.models import TESTS, Answers, Held, split_folds
from defectra.studies.nmc.blocks.tables import AREA

Floats = NDArray[np.float64]
ERROR = 0.05  # standard deviation of an intensity, as a share of it
_CONTENTS = [k for k, t in enumerate(TARGETS) if not t.is_class]
_EDGES = {"x_Li": "Li K"} | {f"x_{m}": f"{m} K" for m in METALS}
_METALS = [i for i, k in enumerate(_CONTENTS) if TARGETS[k].name != "x_Li"]


def edge_names() -> list[str]:
    """Edge of each content, in the order of the targets."""
    return [_EDGES[TARGETS[k].name] for k in _CONTENTS]


def contents(intensities: Floats, factors: Floats) -> Floats:
    """Atoms per metal atom from intensities and factors (area for one atom), shape (..., c)."""
    atoms = intensities / factors
    return np.asarray(atoms / atoms[..., _METALS].sum(axis=-1, keepdims=True))


def hold_out(arms: Arms, held: Held, n_folds: int, seed: int, error: float = ERROR) -> Answers:
    """Contents from intensities on the folds of `held`, factors from its training rows."""
    out = Answers.empty(len(held.labels), arms)
    areas = np.array([[r[f"{AREA}{e}"] for e in edge_names()] for r in arms.rows])
    atoms = arms.truth[:, _CONTENTS]
    for test, start in enumerate(range(0, len(held.labels), TESTS)):
        generator = np.random.default_rng([seed, test, 3])
        measured = atoms * areas * (1 + error * generator.normal(size=(TESTS, *atoms.shape)))
        for train, rows in split_folds(arms, held.split, n_folds, test):
            found = contents(measured, areas[train].mean(axis=0))
            squares = ((found - atoms)[:, train] ** 2).mean(axis=(0, 1))
            here = slice(start, start + TESTS)
            for place, k in enumerate(_CONTENTS):
                out.values[here, rows, k] = found[:, rows, place]
                out.error[here, rows, k] = squares[place]
    return out


def both(shape: Answers, intensity: Answers) -> Floats:
    """Mean of two answers with the inverse of their errors as weights, shape (d, n, k)."""
    weights = [1 / np.maximum(a.error, 1e-12) for a in (shape, intensity)]
    total = weights[0] + weights[1]
    mean = (weights[0] * shape.values + weights[1] * intensity.values) / total
    contents_only = np.isin(np.arange(len(TARGETS)), _CONTENTS)
    return np.where(contents_only, mean, shape.values)
