"""Identity: what it must not depend on, and what it must."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from scipy.spatial.transform import Rotation

from defectra.structures import defects, io, prototypes, supercells
from defectra.structures.crystal import from_structure
from defectra.structures.identity import (
    Decorated,
    orbit_labels,
    pristine,
    structure_id,
    with_charge,
)

ZINCBLENDE = prototypes.zincblende(6.48, "Cd", "Te")
LAYERED = prototypes.layered()


def disguised(structure, seed):
    """Another order, origin and orientation, and other vectors of the same lattice."""
    generator = np.random.default_rng(seed)
    turn = Rotation.random(rng=generator).as_matrix()
    order = generator.permutation(len(structure))
    basis = np.eye(3, dtype=int)
    for _ in range(3):
        i, j = generator.permutation(3)[:2]
        basis[i] += generator.integers(-1, 2) * basis[j]
    coords = (structure.frac_coords + generator.random(3)) @ np.linalg.inv(basis)
    species = [structure[k].specie.symbol for k in order]
    return Structure(Lattice(basis @ structure.lattice.matrix @ turn), species, coords[order])


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_defect_id_survives_order_origin_orientation(seed):
    host = pristine(supercells.by_matrix(ZINCBLENDE, (2, 2, 1)))
    found = defects.complexes(host, defects.parse("V_Cd + Cu_Te", host), 3.0)[0]
    again = io.identify(disguised(io.to_structure(found), seed), ZINCBLENDE, defects=found.defects)
    assert structure_id(again) == structure_id(found)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_file_gives_one_identity(seed):
    """The host key of a user's own crystal does not depend on how the file shows it."""
    plain = io.to_structure(pristine(supercells.by_matrix(LAYERED, (1, 1, 1))))
    first, second = from_structure(plain), from_structure(disguised(plain, seed))
    cells = [supercells.by_matrix(c, (1, 1, 1)) for c in (first, second)]
    assert first.host == second.host
    assert structure_id(pristine(cells[0])) == structure_id(pristine(cells[1]))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_equivalent_supercells_of_an_undoped_crystal(seed):
    """The same periodic ordering in a supercell of a supercell, turned by the host's symmetry."""
    generator = np.random.default_rng(seed)
    small = supercells.by_matrix(LAYERED, (2, 1, 1))
    species = np.array(small.species, dtype=object)
    species[small.sites_of("M")] = generator.permutation(["Ni", "Mn"])
    decorated = Decorated(small, tuple(species))
    times = np.diag(generator.permutation([2, 1, 1]))
    rotation = LAYERED.rotations[generator.integers(len(LAYERED.rotations))]
    structure = io.to_structure(decorated)
    structure.make_supercell(times)
    big = io.identify(disguised(structure, seed), LAYERED)
    turned = supercells.by_matrix(LAYERED, times @ small.matrix @ rotation.T)
    assert big.supercell.index == 4
    assert structure_id(big) == structure_id(decorated)
    assert turned.index == 4


def test_pristine_supercells_are_one_charged_ones_are_not():
    cells = [supercells.by_matrix(ZINCBLENDE, m) for m in ((1, 1, 1), (2, 2, 2), (3, 1, 2))]
    assert len({structure_id(pristine(c)) for c in cells}) == 1
    charged = {structure_id(with_charge(pristine(c), 1)) for c in cells}
    assert len(charged) == 3
    assert structure_id(pristine(cells[0])) not in charged


def test_charge_and_dilution_are_distinct():
    ids = set()
    for matrix in ((2, 2, 2), (3, 3, 3), (2, 2, 3)):
        host = pristine(supercells.by_matrix(ZINCBLENDE, matrix))
        (vacancy,) = defects.point_defects(host, defects.parse("V_Te", host))
        ids |= {structure_id(with_charge(vacancy, q)) for q in (-1, 0, 2)}
    assert len(ids) == 9


def test_one_defect_in_two_orientations_of_the_same_cell():
    """A pair along another bond, and in a cell whose long axis points elsewhere, is one pair."""
    ids = set()
    for matrix in ((3, 2, 2), (2, 3, 2), (2, 2, 3)):
        host = pristine(supercells.by_matrix(ZINCBLENDE, matrix))
        (vacancy,) = defects.point_defects(host, defects.parse("V_Cd", host))
        ids.add(structure_id(vacancy))
        cadmium = host.supercell.sites_of("A")
        for site in cadmium:
            species = list(host.species)
            species[site] = "X"
            ids.add(structure_id(Decorated(host.supercell, tuple(species), 0, ("V_Cd",))))
    assert len(ids) == 1


@pytest.mark.parametrize("matrix", [(3, 2, 1), (2, 2, 2)])
def test_relaxed_cell_keeps_the_orbits_of_the_ideal_lattice(matrix):
    """A relaxed P1 cell is neither merged by a coarse symprec nor split by a fine one."""
    import spglib

    host = pristine(supercells.by_matrix(LAYERED, matrix))
    (vacancy,) = defects.point_defects(host, defects.parse("V_O", host))
    relaxed = io.to_structure(vacancy)
    ideal = (relaxed.lattice.matrix, relaxed.frac_coords, [s.specie.Z for s in relaxed])
    orbits = len(set(spglib.get_symmetry_dataset(ideal, symprec=1e-3).equivalent_atoms))
    relaxed.perturb(0.08)
    cell = (relaxed.lattice.matrix, relaxed.frac_coords, [s.specie.Z for s in relaxed])
    fine = len(set(spglib.get_symmetry_dataset(cell, symprec=1e-3).equivalent_atoms))
    again = io.identify(relaxed, LAYERED, defects=vacancy.defects)
    kept = {s for i, s in enumerate(orbit_labels(again)) if again.species[i] != "X"}
    assert fine == len(relaxed)
    assert len(kept) == orbits
    assert structure_id(again) == structure_id(vacancy)


def test_two_relaxed_cells_are_not_merged():
    """Two different pairs whose relaxed cells look alike to a coarse symprec stay two."""
    host = pristine(supercells.by_matrix(LAYERED, (3, 2, 1)))
    pairs = defects.complexes(host, defects.parse("Ni_Li + Li_Ni", host), 5.0)
    assert len(pairs) > 1
    ids = set()
    for k, pair in enumerate(pairs):
        moved = io.to_structure(pair)
        moved.perturb(0.1)
        ids.add(structure_id(io.identify(disguised(moved, k), LAYERED, defects=pair.defects)))
    assert len(ids) == len(pairs)


def test_golden_ids_on_any_machine():
    """Frozen values: they change only with `identity.VERSION`."""
    program = (
        "from defectra.structures import prototypes as p, supercells as s, identity as i, "
        "defects as d\n"
        "h = i.pristine(s.by_matrix(p.zincblende(6.48, 'Cd', 'Te'), (2, 2, 2)))\n"
        "v = d.point_defects(h, d.parse('V_Te', h))[0]\n"
        "print(i.structure_id(h), i.structure_id(v), i.structure_id(i.with_charge(v, 2)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == GOLDEN


GOLDEN = ["33d1567e44bd137c", "04c94085523cf7b8", "70df416ecf4ca14f"]


def test_wrong_structure_is_refused_with_a_number():
    from defectra.core.errors import StructureError

    other = io.to_structure(pristine(supercells.by_matrix(LAYERED, (2, 1, 1))))
    with pytest.raises(StructureError, match="does not fit zincblende"):
        io.identify(other, ZINCBLENDE)
