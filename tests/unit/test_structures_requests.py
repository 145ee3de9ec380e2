"""Requests as people write them: what is refused, with which words, and what is not lost."""

import re
from pathlib import Path

import numpy as np
import pytest

from defectra.cli.main import main
from defectra.core.errors import StructureError
from defectra.structures import defects, io, make, prototypes, request, supercells, table
from defectra.structures.crystal import from_structure
from defectra.structures.identity import Decorated, pristine

SALT = "prototype: rocksalt\nconstants: {a: 5.6}\n"
TELLURIDE = "prototype: zincblende\nconstants: {a: 6.48, cation: Cd, anion: Te}\n"
EIGHT = "supercell: {matrix: [2, 2, 2]}\n"
REFUSED = {
    "nan": ("prototype: rocksalt\nconstants: {a: .nan}\n", "a: nan is not a positive number"),
    "sign": ("prototype: rocksalt\nconstants: {a: -5.6}\n", "a: -5.6 is not a positive number"),
    "words": ("prototype: rocksalt\nconstants: {a: big}\n", "a: 'big' is not a positive number"),
    "lost": ("prototype: rocksalt\n", "missing: 'a'; there are a, cation, anion"),
    "unknown": (SALT.replace("a:", "a: 5, q:"), "unknown: 'q'; there are a, cation, anion"),
    "switch": ("prototype: rocksalt\nconstants: {a: 5, cation: No}\n", "cation: 0.0 is no element"),
    "element": ("prototype: rocksalt\nconstants: {a: 5, cation: na}\n", "'na' is no element"),
    "diamond": (TELLURIDE.replace("Cd", "Te"), "2 sublattices hold Te"),
    "species": (SALT + "composition: {A: {Xx: 1}}\n", "composition of A: 'Xx' is no element"),
    "bool": (SALT + "composition: {A: {Na: true}}\n", "valid integer .given: True"),
    "void": (SALT + "composition: {A: {X: 1}, B: {X: 1}}\n", "no atom is left"),
    "ragged": (SALT + "supercell: {matrix: [[1, 0, 0], [0, 1], [0, 0, 1]]}\n", "three lists"),
    "memory": (SALT + "supercell: {matrix: [100, 100, 100]}\n", "1000000 primitive .* 2000000 si"),
    "atoms": (SALT + "supercell: {atoms: 1000000}\n", "500000 primitive cells; the search .* 400"),
    "distance": (SALT + "supercell: {distance: 1.0e+200}\n", "a length below 100000"),
    "infinite": (SALT + "supercell: {distance: .inf}\n", "finite number"),
    "placed": (TELLURIDE + "defects: [Xx_Cd]\n", "defect 'Xx_Cd': 'Xx' is no element"),
    "nothing": (TELLURIDE + "defects: [_Cd]\n", "'_Cd' is no name"),
    "half": (TELLURIDE + "defects: ['V_Cd + ']\n", "'' is no name"),
    "same": (TELLURIDE + "defects: [Cd_Cd]\n", "Cd on a site of Cd changes nothing"),
    "left": (TELLURIDE + "defects: [V_Cd + V_Te]\ncutoff: 3\n", "no atom is left"),
    "pair": (
        TELLURIDE + "composition: {A: {Zn: 1}}\ndefects: [V_Zn + V_Te]\ncutoff: 5\n",
        "too small, its images are 4.58",
    ),
    "free": (TELLURIDE + EIGHT + "defects: [Cu_i_A + Cu_i_A]\ncutoff: 3\n", "among the 8 sites"),
    "charges": (TELLURIDE + "defects: [V_Cd]\ncharges: []\n", "at least 1 item"),
    "charge": (TELLURIDE + "defects: [V_Cd]\ncharges: [true]\n", "valid integer .given: True"),
    "large": (TELLURIDE + "defects: [V_Cd]\ncharges: [99999999999999999999]\n", "equal to 100 "),
    "state": (TELLURIDE + "defects: [V_Cd]\noxidation: {Qq: 2}\n", "oxidation: 'Qq' is no elem"),
    "voronoi": (SALT + "voronoi: 0\n", "voronoi: .* greater than 0"),
    "limit": (SALT + "limit: 100000000000\n", "limit: .* equal to 1000000000"),
    "twice": (SALT + "defects: [V_Na]\ndefects: [V_Cl]\n", "key 'defects' is given twice"),
    "list": ("- a\n", "no request .YAML with keys such as `prototype: rocksalt`. and no table"),
    "empty": ("", "no request .YAML with keys such as"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_work_starts(name, tmp_path, monkeypatch):
    text, message = REFUSED[name]
    (tmp_path / "request.yaml").write_text(text)
    if name not in ("left", "free"):
        monkeypatch.setattr(request, "orderings", None)
        monkeypatch.setattr(request.table, "row", None)
    with pytest.raises(StructureError, match=message):
        request.rows(request.load(tmp_path / "request.yaml"))


@pytest.mark.parametrize("name", ["nan", "diamond", "species", "void", "atoms", "placed"])
def test_a_request_that_cannot_be_met_names_its_file(name, tmp_path, capsys):
    text, message = REFUSED[name]
    path = tmp_path / "request.yaml"
    path.write_text(text)
    assert main(["structures", str(path), "--out", str(tmp_path / "a.xyz")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"defectra structures: {path}: ")
    assert re.search(message, said)
    assert make.main([str(path), str(tmp_path / "a.parquet")]) == 1
    assert capsys.readouterr().err.startswith(f"{path}: ")


def rows_of(text, tmp_path):
    (tmp_path / "request.yaml").write_text(text)
    return request.rows(request.load(tmp_path / "request.yaml"))


def test_an_axis_needs_no_quotes(tmp_path):
    text = "prototype: perovskite\nconstants: {a: 6.3, site_a: MA, axis: 110}\n"
    assert rows_of(text, tmp_path)[0]["host"] == "perovskite-MA-110"


def test_vanadium_is_no_vacancy():
    host = pristine(supercells.by_matrix(prototypes.layered(metal="V"), (2, 2, 1)))
    (change,) = defects.parse("Vanadium_Li", host)
    assert (change.inserts, change.name) == ("V", "Vanadium_Li")
    names = [c.name for c in (*defects.antisites(host), *defects.vacancies(host))]
    assert len(set(names)) == len(names)


def test_distance_that_needs_more_than_its_cube():
    """Simple cubic, 5.6 Å: 10 Å between images needs 8 cells, the cube of 10 Å holds 5.7."""
    cell = supercells.by_distance(prototypes.perovskite(5.6), 10.0)
    assert cell.shortest_image >= 10.0
    assert cell.index == 8


@pytest.mark.parametrize("edge", [5.0, 6.2])
@pytest.mark.parametrize("distance", [6.0, 9.0, 11.0])
def test_a_distance_is_always_met(edge, distance):
    cell = supercells.by_distance(prototypes.perovskite(edge), distance)
    assert cell.shortest_image >= distance - 1e-6
    assert cell.index <= np.ceil(distance / edge) ** 3


def test_an_ordering_held_in_two_ways_is_one_row_with_both_multiplicities(tmp_path):
    text = SALT + "supercell: {matrix: [4, 2, 1]}\ncomposition: {A: {Na: 4, K: 4}}\n"
    found = rows_of(text, tmp_path)
    table.write(tmp_path / "t.parquet", found)
    from defectra.core.store import read_table

    kept = read_table(tmp_path / "t.parquet", table.FACTORY)
    assert len(kept) < len(found) == int(found[0]["inequivalent"])
    assert sum(r["multiplicity"] for r in kept) == 70


def test_a_pair_that_some_orderings_lack_does_not_stop_the_others(tmp_path):
    text = SALT + "supercell: {matrix: [4, 2, 2]}\ncomposition: {A: {Na: 14, K: 2}}\ncutoff: 3.97\n"
    found = rows_of(text + "defects: [V_K + V_K]\n", tmp_path)
    hosts = {r["ordering"] for r in found}
    paired = {r["ordering"] for r in found if r["defect"] != "pristine"}
    assert set() < paired < hosts


CIF = """data_x
_cell_length_a 5.6
_cell_length_b 5.6
_cell_length_c 5.6
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Na1 Na 0 0 0 0.8
K1 K 0 0 0 0.8
Cl1 Cl 0.5 0.5 0.5 1
"""


def poscar(symbols, sites, rows="5 0 0\n0 5 0\n0 0 5"):
    counts = " ".join("1" * len(sites))
    where = "\n".join(" ".join(map(str, s)) for s in sites)
    return f"x\n1.0\n{rows}\n{symbols}{counts}\nDirect\n{where}\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("over.cif", CIF, "occup"),
        (
            "POSCAR",
            poscar("", [(0, 0, 0), (0.5, 0.5, 0.5)]),
            "line 6: numbers where",
        ),
        (
            "POSCAR",
            poscar("Na Na\n", [(0, 0, 0), (0, 0, 0)]),
            "POSCAR: atoms 1 and 2 .Na and Na. are 0.000",
        ),
    ],
)
def test_files_that_say_something_else_than_they_seem(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(StructureError, match=message):
        io.read_crystal(tmp_path / name)


def test_skewed_and_left_handed_files_are_the_same_crystal(tmp_path):
    sites = [(0, 0, 0), (0.5, 0.5, 0.5)]
    bases = ("5 0 0\n0 5 0\n0 0 5", "0 5 0\n5 0 0\n0 0 5", "5 0 0\n35 5 0\n0 10 5")
    hosts = set()
    for k, rows in enumerate(bases):
        inside = np.array([float(v) for v in rows.split()]).reshape(3, 3)
        own = np.array(sites) @ (5 * np.eye(3)) @ np.linalg.inv(inside)
        (tmp_path / f"{k}.vasp").write_text(poscar("Cs Cl\n", own.tolist(), rows))
        hosts.add(from_structure(io.read_structure(tmp_path / f"{k}.vasp")).host)
    assert len(hosts) == 1


def test_output_is_refused_before_work_and_old_files_are_reported(tmp_path, capsys, monkeypatch):
    ask = tmp_path / "ask me ü.yaml"
    ask.write_text(SALT)
    folder = tmp_path / "ci fs"
    assert make.main([str(ask), str(tmp_path / "t.parquet"), str(folder)]) == 0
    ask.write_text(SALT + "composition: {A: {K: 1}}\n")
    assert make.main([str(ask), str(tmp_path / "t.parquet"), str(folder)]) == 0
    assert "holds 1 CIFs of earlier requests" in capsys.readouterr().out
    monkeypatch.setattr(request, "rows", None)
    assert make.main([str(ask), str(tmp_path)]) == 1
    assert "is a folder" in capsys.readouterr().err
    assert make.main([str(ask), str(tmp_path / "t.parquet"), str(ask)]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert make.main([str(tmp_path), str(tmp_path / "t.parquet")]) == 1
    assert "a folder; name a file in it" in capsys.readouterr().err


def test_makefile_quotes_the_request():
    text = (Path(__file__).parents[2] / "Makefile").read_text()
    assert '"$(or $(REQUEST),request.yaml)"' in text


def test_a_one_atom_cell_cannot_lose_it():
    host = pristine(supercells.by_matrix(prototypes.rocksalt(5.6), (1, 1, 1)))
    alone = Decorated(host.supercell, ("Na", "X"))
    with pytest.raises(StructureError, match="V_Na: no atom is left"):
        defects.point_defects(alone, defects.parse("V_Na", alone))


@pytest.mark.parametrize("crystal", [prototypes.rocksalt(5.6), prototypes.layered()])
@pytest.mark.parametrize("index", [1, 2, 6, 7])
def test_most_cubic_of_all(crystal, index):
    """The search that leaves out cells with short vectors finds what a full search finds."""
    per_cell = len(crystal.coords)
    found = supercells.by_atoms(crystal, index * per_cell)
    every = [supercells._skewness(crystal, m) for m in supercells.all_hermite(index)]
    assert supercells._skewness(crystal, found.matrix) == min(every)


def test_cell_in_other_units_is_refused(tmp_path):
    (tmp_path / "nm.vasp").write_text(poscar("Cu\n", [(0, 0, 0)], "0.36 0 0\n0 0.36 0\n0 0 0.36"))
    with pytest.raises(StructureError, match=r"a cell of 0\.0467 Å³ for 1 atoms: "):
        io.read_crystal(tmp_path / "nm.vasp")
