"""Learning problems: what is learnt, from which columns, counted from which base."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from defectra.core.paths import PROJECT
from defectra.core.store import Archive
from defectra.studies.perovskites.compounds import A_IONS, B_IONS, X_IONS
from defectra.studies.perovskites.descriptors import TABULATED
from defectra.studies.perovskites.elements import MOLECULES
from defectra.studies.perovskites.problems import (
    COMPOSITION,
    MIXING,
    OWN,
    PBE,
    STEP,
    Problem,
    problems,
)
from defectra.studies.perovskites.runs import pure_of
from defectra.studies.perovskites.tables import RUNS, composition_columns

RUNS_OF_OURS = Archive(PROJECT / "resources/archive").read(RUNS)
IONS = {ion: {"radius": 1.0 + k, "electronegativity": 2.0}
        for k, ion in enumerate((*A_IONS, *B_IONS, *X_IONS))}  # fmt: skip
OF_RUNS = {(r["name"], r["kind"]): r for r in RUNS_OF_OURS}


def compound(a: str, b: str, x: str) -> dict[str, object]:
    """Row of a pure compound, its published values made up from our own: HSE lies 0.1 eV above."""
    row: dict[str, object] = composition_columns(pure_of(a, b, x))
    own = OF_RUNS.get((row["name"], "bands"))
    size = OF_RUNS.get((row["name"], "equation_of_state"))
    gaps = (own["gap_PBE"], own["gap_HSE"]) if own else (1.0, 1.5)
    lattice = size["lattice"] if size else 6.0
    return row | {
        "kind": "pure", "flags": [], "descriptors": [1.0] * 3 * TABULATED, "in_ml": True,
        "gap_PBE": gaps[0] - 0.3, "gap_HSE": gaps[1] - 0.2,
        "lattice_PBE": lattice, "lattice_HSE": lattice + 0.05,
    }  # fmt: skip


ROWS = [compound(a, b, x) for a, b, x in product(A_IONS, B_IONS, X_IONS)]
KNOWN = np.array([a not in MOLECULES for a, _, _ in product(A_IONS, B_IONS, X_IONS)])


def problem(target: str, added: str) -> Problem:
    every = {p.features: p for p in problems(target, ROWS, (), IONS, RUNS_OF_OURS)}
    return every[COMPOSITION + added]


def left(target: str, added: str) -> np.ndarray:
    """What is left to learn of the inorganic compounds, which we computed ourselves."""
    truth = np.array([row[target] for row in ROWS])
    return (truth - problem(target, added).base)[KNOWN]


def test_with_our_step_only_what_the_step_misses_is_learnt() -> None:
    assert left("gap_HSE", STEP) == pytest.approx(0.1)
    assert np.ptp(left("gap_HSE", PBE)) > 0.3
    assert left("lattice_HSE", OWN) == pytest.approx(0.05)


def test_columns_are_in_one_group_each_and_none_is_the_label() -> None:
    for target, added in product(("gap_HSE",), ("", PBE, OWN, MIXING, STEP)):
        found = problem(target, added)
        columns = sorted(k for group in found.wide for k in group)
        assert columns == list(range(found.matrix.shape[1])), added
        assert set(found.groups) <= set(found.wide)
        truth = np.array([row[target] for row in ROWS])
        assert not any(np.allclose(column, truth) for column in found.matrix.T), added


def test_without_our_runs_nothing_is_built_on_them() -> None:
    names = [p.features for p in problems("gap_HSE", ROWS, (), IONS)]
    assert names == [COMPOSITION, COMPOSITION + PBE]
