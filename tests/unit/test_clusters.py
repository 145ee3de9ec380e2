"""Atoms about an absorber: those of pymatgen's search, and the same text to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from defectra.engines.feff.input import CLUSTER_RADIUS, cluster
from defectra.structures.geometry import to_pymatgen

SKEWED = [[2.9, 0.1, 0.0], [-1.4, 2.5, 0.2], [0.3, 1.7, 4.9]]
ROWS: dict[str, tuple[Any, list[str]]] = {
    "skewed": (SKEWED, ["Li", "Ni", "O", "O"]),
    "outside the cell": (SKEWED, ["Li", "Mn", "O", "O", "Co"]),
    "with oxidation states": (np.diag([4.0, 4.1, 14.2]), ["Li+", "Ni3+", "O2-", "O2-"]),
}


def row(name: str) -> dict[str, Any]:
    lattice, species = ROWS[name]
    coords = np.random.default_rng(len(species)).uniform(-1.5, 1.5, size=(len(species), 3))
    return {
        "lattice": list(np.ravel(lattice)),
        "species": species,
        "coords": list(coords.ravel()),
        "site_labels": [f"s{k}" for k in range(len(species))],
    }


@pytest.mark.parametrize("name", ROWS)
def test_a_cluster_is_that_of_the_search_for_sites(name: str) -> None:
    own = row(name)
    structure = to_pymatgen(own)
    for index in range(len(own["species"])):
        centre = structure[index].coords
        expected = sorted(
            (round(n.nn_distance, 4), n.specie.symbol, tuple(np.round(n.coords - centre, 4) + 0.0))
            for n in structure.get_sites_in_sphere(centre, CLUSTER_RADIUS)
        )
        found = cluster(own, index)
        assert found.positions.tobytes() == np.array([e[2] for e in expected]).tobytes()
        assert found.distances.tobytes() == np.array([e[0] for e in expected]).tobytes()
        assert found.species == tuple(e[1] for e in expected)


def test_species_and_places_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        cluster(row("skewed") | {"species": ["Li", "Ni", "O"]}, 0)
