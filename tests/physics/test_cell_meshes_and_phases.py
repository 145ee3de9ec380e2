"""Meshes of cells repeated unlike each way; forms of one element; phases without an energy."""

import numpy as np
import pytest

from defectra.core.errors import EngineError
from defectra.defects.equations import check
from defectra.defects.levels import run_of
from defectra.studies.levels.formation import formation_rows, region
from tests.physics.test_charged_cell_levels import FIX, cells

LAYER = np.array([[3.0, 0, 0], [-1.5, 2.6, 0], [0, 0, 20.0]])
TURNED = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
CUBE = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])


def run(lattice, mesh):
    row = {"energy_eV": -1.0, "charge": 0, "cutoff_eV": 300.0, "functional": "PBE", "status": "ok"}
    return row | {"lattice": lattice.ravel().tolist(), "kpoints": mesh}


@pytest.mark.parametrize(
    ("times", "mesh", "of_bulk", "alike"),
    [
        (np.diag([4, 4, 1]), "2 2 1", "8 8 1", True),
        (np.diag([3, 3, 1]), "4 4 1", "8 8 2", False),
        (np.diag([3, 3, 1]), "4 4 1", "12 12 1", True),
        (np.diag([2, 3, 1]), "3 2 5", "6 6 5", True),
        (np.diag([2, 3, 1]), "2 3 5", "6 6 5", False),
        (np.diag([-2, -2, 2]), "2 2 2", "4 4 4", True),
        (TURNED @ np.diag([1, 2, 4]), "1 8 4", "8 8 4", True),
        (2 * CUBE, "1 1 1", "3 3 3", True),  # by volume: its axes are none of the bulk
    ],
)
def test_a_mesh_is_held_against_that_of_the_bulk_axis_by_axis(times, mesh, of_bulk, alike):
    bulk, cell = run(LAYER, of_bulk), run(times @ LAYER, mesh)
    pair = run_of(bulk, bulk), [run_of(cell, bulk)]
    if alike:
        check(*pair)
        return
    with pytest.raises(EngineError, match="kpoints"):
        check(*pair)


def phase(species, energy):
    return {"species": species, "energy_eV": energy, "cutoff_eV": 240.0, "functional": "PBE"}


PHASES = {"Al": phase(["Al"], -3.0), "P": phase(["P", "P"], -11.0), "Cd": phase(["Cd"], -1.0)}


@pytest.mark.parametrize("first", [True, False])
def test_the_stable_form_of_an_element_is_its_reference_in_any_order(first):
    other = {"white": phase(["P"] * 4, -21.0)}  # 0.25 eV an atom above P
    phases = PHASES | other if first else other | PHASES
    points, energies = region(cells().bulk, phases, ["Al", "P", "Cd"])
    assert energies["P"] == -5.5
    assert points == region(cells().bulk, PHASES, ["Al", "P", "Cd"])[0]


@pytest.mark.parametrize("name", PHASES)
def test_a_phase_without_an_energy_is_named(name):
    blank = PHASES | {name: PHASES[name] | {"energy_eV": float("nan")}}
    with pytest.raises(EngineError, match=f"energy of {name}: nan is a blank"):
        region(cells().bulk, blank, ["Al", "P", "Cd"])


def test_a_host_of_one_element_has_one_corner():
    found = cells()
    for row in (found.bulk, *found.charged):
        row["species"] = ["Si" if s in ("Al", "P") else s for s in row["species"]]
    phases = {"Si": phase(["Si"], -5.0), "Cd": phase(["Cd"], -1.0)}
    rows = formation_rows(("Si", "M_A", "Cd"), found, FIX, phases)
    assert [(r["corner"], r["charge"]) for r in rows] == [("Si-rich", 0), ("Si-rich", -1)]
