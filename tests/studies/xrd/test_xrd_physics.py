"""Diffraction of ThMn12-type alloys: cell, structure factors, profile, fidelities."""

from __future__ import annotations

import numpy as np
import pytest

from defectra.core.errors import EngineError
from defectra.engines.xrd.alloy import A, C, Contents, lattice_of, mixed, ordered, positions
from defectra.engines.xrd.powder import Grid, Reflections, march_dollase, profile, reflections
from defectra.studies.xrd.structure_factor import multiplicity, reflection

GRID = Grid(20.0, 80.0, 0.1)


def test_cell_is_the_thmn12_type() -> None:
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    cell = mixed(Contents(0, 0))
    assert SpacegroupAnalyzer(cell).get_space_group_number() == 139
    assert cell.composition.reduced_formula == "SmFe12"
    assert len(positions()) == 26
    assert mixed(Contents(1.0, 0.25)).composition.as_dict() == pytest.approx(
        {"Sm": 1.5, "Zr": 0.5, "Fe": 22, "Ti": 2}
    )


def test_cell_follows_the_contents_by_their_radii() -> None:
    base = lattice_of(Contents(0, 0))
    assert lattice_of(Contents(1, 0)).a == pytest.approx(8.56, abs=0.01)
    assert lattice_of(Contents(1, 0)).c == pytest.approx(4.79, abs=0.01)
    assert lattice_of(Contents(1, 0)).a > base.a > lattice_of(Contents(0, 1)).a
    assert base.a / base.c == pytest.approx(A / C)


@pytest.mark.parametrize("wrong", [(-0.1, 0), (4.5, 0), (0, 1.2)])
def test_contents_that_do_not_exist_are_refused(wrong) -> None:
    with pytest.raises(EngineError, match="8i"):
        Contents(*wrong)


@pytest.mark.parametrize("contents", [Contents(0, 0), Contents(1.25, 0.375)])
def test_own_structure_factors_are_those_of_pymatgen(contents) -> None:
    """Two programs, one set of reflections: angle, multiplicity and intensity."""
    found = reflections(mixed(contents), GRID, 2.0)
    strong = np.flatnonzero(found.intensity > 0.01 * found.intensity.max())
    checked = 0
    for k in strong:
        hkl = tuple(int(v) for v in found.hkl[k])
        own = reflection(hkl, contents)
        assert own.two_theta == pytest.approx(found.two_theta[k], abs=1e-4)
        others = np.abs(found.two_theta - found.two_theta[k]) < 1e-3
        if others.sum() == 1 and _alone(hkl, contents):
            assert own.intensity == pytest.approx(found.intensity[k], rel=2e-3)
            checked += 1
    assert checked > 10


def _alone(hkl, contents):
    """No other family of planes has the same spacing: h² + k² is made of one pair."""
    h, k, _ = (abs(v) for v in hkl)
    pairs = {(a, b) for a in range(10) for b in range(a + 1) if a * a + b * b == h * h + k * k}
    return len(pairs) == 1


def test_body_centring_and_multiplicity() -> None:
    assert reflection((1, 0, 0), Contents(0, 0)).intensity == pytest.approx(0, abs=1e-12)
    assert [multiplicity(h) for h in ((0, 0, 2), (2, 0, 0), (1, 1, 0), (3, 2, 1))] == [2, 4, 4, 16]


def test_ordered_supercell_has_whole_atoms_and_the_mean_intensities() -> None:
    contents = Contents(1.0, 0.25)
    cell = ordered(contents, (2, 2, 2), np.random.default_rng(0))
    assert cell.composition.as_dict() == {"Sm": 12, "Zr": 4, "Fe": 176, "Ti": 16}
    titanium = [s for s in cell if s.specie.symbol == "Ti"]
    assert {s.properties["wyckoff"] for s in titanium} == {"8i"}
    low = profile(reflections(mixed(contents), GRID, 2.0), GRID, 0.25)
    high = profile(reflections(cell, GRID, 16.0), GRID, 0.25)
    apart = np.abs(low - high).sum() / low.sum()
    assert 1e-4 < apart < 0.05  # superlattice reflections and chance, no more
    with pytest.raises(EngineError, match="multiples of 1/16"):
        ordered(Contents(0.03, 0), (2, 2, 2), np.random.default_rng(0))


def test_profile_keeps_the_area_and_the_width() -> None:
    one = Reflections(np.array([50.0]), np.array([7.0]), np.zeros(1), np.array([[0, 0, 2]]))
    fine = Grid(20.0, 80.0, 0.01)
    curve = profile(one, fine, 0.25)
    assert curve.sum() * fine.step == pytest.approx(7.0, rel=0.02)
    above = fine.points[curve >= curve.max() / 2]
    assert above[-1] - above[0] == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("r", [0.7, 1.0, 1.3])
def test_preferred_orientation_has_mean_one_over_the_sphere(r) -> None:
    cosine = (np.arange(4000) + 0.5) / 4000
    assert march_dollase(np.arccos(cosine), r).mean() == pytest.approx(1, rel=1e-3)
    along, across = march_dollase(np.array([0, np.pi / 2]), 0.7)
    assert along > 1 > across
