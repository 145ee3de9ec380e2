from __future__ import annotations

import math

import pytest

from defectra.structures.oxidation import assign

OXYGEN = ["O"] * 20


def test_fully_lithiated_nmc622_is_textbook():
    species = ["Li"] * 10 + ["Ni"] * 6 + ["Mn"] * 2 + ["Co"] * 2 + OXYGEN
    moments = [0.0] * 10 + [1.7, 1.7, 1.1, 1.1, 1.1, 1.1] + [3.1, 3.1] + [0.3, 0.3] + [0.0] * 20
    states = assign(species, moments)
    assert states[10:20] == [2, 2, 3, 3, 3, 3, 4, 4, 3, 3]
    assert sum(states) == 0


def test_neutrality_overrules_a_moment():
    species = ["Li"] * 10 + ["Ni"] * 10 + OXYGEN
    moments = [0.0] * 10 + [1.1] * 9 + [1.45] + [0.0] * 20
    assert assign(species, moments)[10:20] == [3] * 10


def test_two_equal_sites_that_must_differ_are_ambiguous():
    species = ["Li"] * 9 + ["Ni"] * 10 + OXYGEN
    states = assign(species, [0.0] * 9 + [1.1] * 8 + [0.65, 0.65] + [0.0] * 20)
    assert states[9:17] == [3] * 8
    assert all(math.isnan(s) for s in states[17:19])


def test_a_cell_that_cannot_be_neutral_says_so():
    states = assign(["Mn", "O", "O", "O"], [3.1, 0, 0, 0])
    assert math.isnan(states[0])
    assert states[1:] == [-2.0] * 3


def test_an_oxygen_vacancy_reduces_the_metals():
    species = ["Li"] * 10 + ["Ni"] * 10 + ["O"] * 19
    states = assign(species, [0.0] * 10 + [1.1] * 8 + [1.7, 1.7] + [0.0] * 19)
    assert sorted(states[10:20]) == [2, 2] + [3] * 8


@pytest.mark.parametrize("other", ["Al", "Mg", "F"])
def test_a_cell_with_an_ion_of_unknown_charge_has_no_assigned_metal(other):
    """Counted as charge 0, an aluminium ion would make two of the metals 4+."""
    species = ["Li"] * 10 + [other] + ["Ni"] * 9 + OXYGEN
    states = assign(species, [0.0] * 11 + [1.1] * 9 + [0.0] * 20)
    assert all(math.isnan(s) for s in states[10:20])
    assert states[:10] == [1] * 10
