"""Cells in which a search of neighbours would not end are refused; all others are searched."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from defectra.core.errors import StructureError
from defectra.engines.finished.importing import import_tree
from defectra.structures.cell_checks import CROWD, checked
from defectra.structures.io import read_structure
from defectra.structures.neighbours import nearest_pairs

SKEWS = (
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    [[1, 0, 0], [7, 1, 0], [0, 0, 1]],
    [[1, 0, 0], [31, 1, 0], [-17, 23, 1]],
    [[1, 5, 2], [0, 1, 40], [0, 0, 1]],
)


def spinel_like(seed):
    rng = np.random.default_rng(seed)
    lattice = Lattice.from_parameters(*rng.uniform(4, 9, 3), *rng.uniform(60, 120, 3))
    return lattice, rng.random((6, 3))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("skew", SKEWS)
def test_pairs_are_those_of_pymatgen_however_the_cell_is_spanned(seed, skew):
    lattice, coords = spinel_like(seed)
    plain = Structure(lattice, ["Ni"] * 6, coords)
    first, second, _, distance = plain.get_neighbor_list(3.5)
    own = coords @ np.linalg.inv(skew) + np.random.default_rng(seed).integers(-9, 9, coords.shape)
    found = nearest_pairs(np.array(skew) @ lattice.matrix, own, 3.5, CROWD)
    for pairs in ((first, second, distance), found):
        assert len(pairs[0]) > 0
    table = [sorted(zip(a, b, np.round(d, 6))) for a, b, d in ((first, second, distance), found)]
    assert table[0] == table[1]


def test_atoms_in_one_place_cost_no_more_than_others():
    coords = np.tile([[0.1, 0.2, 0.3]], (3000, 1))
    first, second, distance = nearest_pairs(30 * np.eye(3), coords, 2.0, CROWD)
    assert len(first) <= 3000 * (CROWD + 1)
    assert len(second) == len(distance)
    assert not distance.any()


def poscar(cell, atoms, mode="Direct"):
    lines = [" ".join(f"{v:.9g}" for v in row) for row in cell]
    rows = [" ".join(f"{v:.9g}" for v in row) for row in atoms]
    return "\n".join(["x", "1.0", *lines, "Ni O", "1 1", mode, *rows]) + "\n"


APART = [[0, 0, 0], [0.5, 0.5, 0.5]]
STRANGE = {
    "flat": (np.diag([4, 4, 0.01]), APART, "faces of the cell"),
    "nearly coplanar": ([[4, 0, 0], [0, 4, 0], [4, 4, 0.02]], APART, "faces of the cell"),
    "needle": (np.diag([0.05, 0.05, 9000]), APART, "faces of the cell"),
    "a decimal point lost": ([[4, 0, 0], [-2, 2438727, 0], [0, 0, 14]], APART, "a lattice vector"),
    "one long vector": (np.diag([4, 4, 99999]), APART, "a lattice vector is 1e[+]05 Å long"),
    "three long vectors": (np.diag([99999] * 3), APART, "a lattice vector is 1e[+]05 Å long"),
    "beyond all numbers": (np.diag([4, 4, 1e200]), APART, "a lattice vector is inf Å long"),
    "skewed for kilometres": ([[4, 0, 0], [4e7, 4, 0], [0, 0, 4]], APART, "a lattice vector is"),
    "skewed within reason": ([[4, 0, 0], [400, 4, 0], [0, 0, 4]], APART, "faces of the cell"),
    "too small for its atoms": (np.diag([0.9, 0.9, 0.9]), APART, "for 2 atoms"),
    "an atom far away": (np.diag([4, 4, 4]), [[0, 0, 0], [99999, -99999, 0.5]], "lies 1e[+]05"),
    "empty": (np.diag([900, 900, 900]), APART, "no two atoms are nearer than 50"),
    "empty and skewed": ([[900, 0, 0], [900, 900, 0], [0, 900, 900]], APART, "no two atoms"),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_cell_is_refused_in_a_poscar(tmp_path, kind):
    cell, atoms, words = STRANGE[kind]
    (tmp_path / "POSCAR").write_text(poscar(cell, atoms))
    with pytest.raises(StructureError, match=words):
        read_structure(tmp_path / "POSCAR")


def espresso(cell, atoms):
    rows = "\n".join(" ".join(f"{v:.9g}" for v in row) for row in cell)
    sites = "\n".join(
        f"{e} " + " ".join(f"{v:.9g}" for v in row) for e, row in zip(("Ni", "O"), atoms)
    )
    return (
        "&CONTROL\n/\n&SYSTEM\n ibrav=0, nat=2, ntyp=2, ecutwfc=40\n/\n&ELECTRONS\n/\n"
        "ATOMIC_SPECIES\nNi 58.69 Ni.upf\nO 16.0 O.upf\nCELL_PARAMETERS angstrom\n"
        f"{rows}\nATOMIC_POSITIONS crystal\n{sites}\nK_POINTS gamma\n"
    )


def extended(cell, atoms):
    lattice = " ".join(f"{v:.9g}" for row in cell for v in row)
    places = np.array(atoms) @ np.array(cell)
    rows = [f"{e} " + " ".join(f"{v:.9g}" for v in row) for e, row in zip(("Ni", "O"), places)]
    head = f'Lattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"'
    return "\n".join(["2", head, *rows]) + "\n"


WRITERS = {"a.xyz": extended, "pw.in": espresso}


@pytest.mark.parametrize("kind", sorted(set(STRANGE) - {"beyond all numbers"}))
@pytest.mark.parametrize("name", WRITERS)
def test_a_strange_cell_is_refused_in_other_formats(tmp_path, kind, name):
    cell, atoms, words = STRANGE[kind]
    (tmp_path / name).write_text(WRITERS[name](cell, atoms))
    with pytest.raises(StructureError, match=words):
        read_structure(tmp_path / name)


CIF = """data_x
_symmetry_space_group_name_H-M 'P 1'
_chemical_formula_sum 'Ni O'
_cell_formula_units_Z 1
_cell_length_a {a}
_cell_length_b 4.2
_cell_length_c {c}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma {gamma}
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Ni 0 0 0
O {x} 0.5 0.5
"""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"c": 99999}, "a lattice vector is"),
        ({"a": 0.01}, "faces of the cell"),
        ({"gamma": 179}, "faces of the cell"),
        ({"x": 99999.5}, "line 17: site O lies 1e[+]05 cells away"),
    ],
)
def test_a_strange_cell_is_refused_in_a_cif(tmp_path, changes, words):
    whole = {"a": 4.2, "c": 4.2, "gamma": 90, "x": 0.5}
    (tmp_path / "good.cif").write_text(CIF.format(**whole))
    assert len(read_structure(tmp_path / "good.cif")) == 2
    (tmp_path / "a.cif").write_text(CIF.format(**(whole | changes)))
    with pytest.raises(StructureError, match=words):
        read_structure(tmp_path / "a.cif")


FDMNES = """Filout
  out/ni

Range
 -5. 0.2 45

Radius
 5.0

Absorber
 1

Crystal
 {a} 4.2 {c} 90 90 90
 28 0 0 0
 8 {x} 0.5 0.5

End
"""
HEAD = (
    "  8333.000   28  1  1  9.5E-03 -6.2E+00 -1.5E+00  1  1  7.26E+03  0.0 = E_edge, Z, n_edge, "
    "j_edge, Abs_before_edge, VO_interstitial, E_cut, ninitl\n    Energy    <xanes>\n"
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"c": 99999.0}, "a lattice vector is 1e+05 Å long"),
        ({"a": 0.01}, "faces of the cell"),
        ({"x": 99999.5}, "no structure file"),
    ],
)
def test_a_run_whose_input_has_a_strange_cell_has_no_site(tmp_path, changes, words):
    energy = np.linspace(-5, 40, 90)
    rows = "\n".join(f"{e:.3f} {0.5 + np.arctan(e / 2) / np.pi:.6f}" for e in energy)
    whole = {"a": 4.2, "c": 4.2, "x": 0.5} | changes
    (tmp_path / "ni_in.txt").write_text(FDMNES.format(**whole))
    (tmp_path / "ni.txt").write_text(HEAD + rows + "\n")
    row = import_tree(tmp_path).imports[0]
    assert words in row["paired_by"], row
    assert (row["site_index"] is None) == bool(words)


@pytest.mark.parametrize("seed", range(3))
def test_a_crystal_in_a_skewed_cell_is_no_strange_one(seed):
    lattice, coords = spinel_like(seed)
    skew = np.array([[1, 0, 0], [3, 1, 0], [0, -2, 1]])
    atoms = Structure(lattice.matrix * 3, ["H"] * 6, coords)
    moved = Structure(skew @ atoms.lattice.matrix, ["H"] * 6, coords @ np.linalg.inv(skew))
    assert len(checked(moved)) == 6
