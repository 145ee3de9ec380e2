from __future__ import annotations

import itertools

import numpy as np
import pytest

from defectra.core.records import STRUCTURES, Defect
from defectra.core.store import to_arrow
from defectra.structures.decorate import canonical, structure_id
from defectra.structures.geometry import to_pymatgen, vegard, vegard_constants
from defectra.structures.layered import HOST, ideal_lattice
from defectra.structures.sites import choose
from defectra.studies.nmc.settings import NmcStructures
from defectra.studies.nmc.structures import campaign, draws, make

IDEAL = ideal_lattice()


def one(**changes):
    item = {"composition": "Ni6Mn2Co2", "number": 0, "lithium": 1.0, "defect": Defect.PRISTINE}
    return make(**(item | changes), seed=1, ideal=IDEAL)


def test_ideal_cell_is_layered_r3m():
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    row = one()
    species = ["Ni" if s in ("Mn", "Co") else s for s in row["species"]]
    found = SpacegroupAnalyzer(to_pymatgen(row | {"species": species}), 1e-3)
    assert found.get_space_group_symbol() == "R-3m"
    assert len(row["species"]) == 40
    assert IDEAL.permutations.shape == (20, 40)


def test_campaign_is_a_fair_seeded_prefix():
    spec = NmcStructures(count=36)
    rows = campaign(spec, 7)
    assert to_arrow(rows, STRUCTURES).num_rows == 36
    assert len({r["composition"] for r in rows}) == 36
    assert [r["rank"] for r in rows] == list(range(36))
    assert campaign(NmcStructures(count=12), 7) == rows[:12]
    assert campaign(spec, 8) != rows
    for defect in Defect:
        assert sum(r["defect"] == defect for r in rows) == 12


def test_draws_end_when_the_space_is_exhausted():
    spec = NmcStructures(compositions=["NMC622"], orderings=2, lithium=[1.0, 0.5], count=99)
    items = list(draws(spec, 1))
    assert len(items) == len(set(items)) == 36 * 2 * 2 * 3
    assert len(campaign(spec, 1)) == 2 * 2 * 3


def test_a_composition_more_moves_none_of_the_others():
    one_each = {"count": None, "per_composition": 2}
    few = campaign(NmcStructures(compositions=["NMC622"], **one_each), 1)
    more = campaign(NmcStructures(compositions=["NMC811", "NMC622"], **one_each), 1)
    assert len(few) == 2
    assert [r for r in more if r["composition"] == "Ni6Mn2Co2"] == few


@pytest.mark.parametrize("defect", list(Defect))
def test_atoms_balance(defect):
    row = one(lithium=0.4, defect=defect)
    count = {e: row["species"].count(e) for e in ("Li", "Ni", "Mn", "Co", "O")}
    oxygen = 19 if defect is Defect.OXYGEN_VACANCY else 20
    assert count == {"Li": 4, "Ni": 6, "Mn": 2, "Co": 2, "O": oxygen}


def test_antisite_exchanges_neighbours():
    row = one(defect=Defect.ANTISITE_PAIR)
    structure = to_pymatgen(row)
    labels = dict(zip(row["site_labels"], range(len(structure))))
    li, ni = (labels[s] for s in row["defect_sites"])
    assert {structure[li].specie.symbol, structure[ni].specie.symbol} == {"Li", "Ni"}
    assert structure.get_distance(li, ni) < 3.2


def test_identity_does_not_know_the_setting_of_the_lattice():
    row = one(lithium=0.7, defect=Defect.OXYGEN_VACANCY)
    full = ["X"] * 40
    kept = np.array(row["coords"]).reshape(-1, 3)
    for species, position in zip(row["species"], kept):
        delta = IDEAL.coords - position
        full[int(np.abs(delta - np.round(delta)).max(axis=1).argmin())] = species
    reference = canonical(tuple(full), IDEAL)
    for permutation in IDEAL.permutations:
        moved = [""] * 40
        for i, j in enumerate(permutation):
            moved[j] = full[i]
        form = canonical(tuple(moved), IDEAL)
        assert form.species == reference.species
        assert form.labels == reference.labels
    name = structure_id(HOST, IDEAL, reference, Defect.OXYGEN_VACANCY, 0)
    assert name == row["structure_id"]
    assert structure_id(HOST, IDEAL, reference, Defect.OXYGEN_VACANCY, 1) != name


def test_orbits_add_up_and_equivalent_sites_share_a_label():
    uniform = tuple("Ni" if s == "M" else s for s in np.array(["Li", "M", "O"])[IDEAL.sublattice])
    form = canonical(uniform, IDEAL)
    assert form.multiplicity == 1
    assert sorted(set(form.labels)) == ["Li00", "Ni10", "O20"]
    decorated = canonical(tuple("Mn" if i == 10 else s for i, s in enumerate(uniform)), IDEAL)
    assert decorated.multiplicity == 10


def test_lithium_series_is_nested_and_stays_in_its_family():
    rows = [one(lithium=x) for x in (1.0, 0.6, 0.2)]
    assert len({r["family"] for r in rows}) == 1
    assert rows[0]["structure_id"] == rows[0]["family"]
    taken = [set(r["family_sites"]) for r in rows]
    assert taken[2] < taken[1] < taken[0]
    family = rows[0]
    for row in rows:
        for species, site in zip(row["species"], row["family_sites"]):
            assert family["species"][site] == species


def test_sites_are_added_never_exchanged():
    row = one()
    all_sites = choose(row, "O", 20)
    for number in range(1, 20):
        assert choose(row, "O", number) == all_sites[:number]
    assert sum(m for _, _, m in all_sites) == 20


def test_vegard_end_members_and_non_monotonic_c():
    a, c = vegard_constants("Ni1Mn1Co1", 1.0)
    assert (round(a, 3), round(c, 2)) == (2.862, 14.23)
    series = [vegard_constants("Ni6Mn2Co2", x)[1] for x in (1.0, 0.7, 0.4, 0.1)]
    assert series[0] < series[1] < series[2] > series[3]
    row = vegard(one())
    a, c = vegard_constants("Ni6Mn2Co2", 1.0)
    assert row["volume"] == pytest.approx(10 * a * a * c * np.sqrt(3) / 2 / 3, rel=1e-9)


def test_no_two_orderings_collide_by_accident():
    names = {
        one(composition=c, number=n)["structure_id"]
        for c, n in itertools.product(("Ni6Mn2Co2", "Ni5Mn3Co2", "Ni4Mn3Co3"), range(4))
    }
    assert len(names) == 12
