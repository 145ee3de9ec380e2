"""Prototypes, supercells, defects, charges, samples, tables, requests, and bad input."""

import json
import sys
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from defectra.core.errors import StructureError
from defectra.core.records import STRUCTURES
from defectra.core.store import read_table, to_arrow
from defectra.structures import (
    charges,
    defects,
    interstitials,
    io,
    make,
    prototypes,
    request,
    supercells,
    table,
)
from defectra.structures.colourings import Selection, orderings, pose
from defectra.structures.crystal import build, from_structure, with_sublattice
from defectra.structures.identity import Decorated, pristine, structure_id
from defectra.structures.polya import count
from defectra.structures.sampling import smallest

ZINCBLENDE = prototypes.zincblende(6.48, "Cd", "Te")
ROCKSALT = prototypes.rocksalt(5.6)


@pytest.mark.parametrize(
    ("crystal", "group", "formula"),
    [
        (prototypes.rocksalt(5.6), 225, {"Na": 1, "Cl": 1}),
        (ZINCBLENDE, 216, {"Cd": 1, "Te": 1, "X": 6}),
        (prototypes.wurtzite(3.25, 5.2), 186, {"Zn": 2, "S": 2}),
        (prototypes.layered(), 166, {"Li": 1, "Ni": 1, "O": 2}),
        (prototypes.layered_monoclinic(), 12, {"Li": 1, "Ni": 1, "O": 2}),
        (prototypes.spinel(), 227, {"Li": 2, "Ni": 4, "O": 8, "X": 4}),
        (prototypes.perovskite(6.2), 221, {"Cs": 1, "Pb": 1, "I": 3}),
        (prototypes.perovskite_tilted(6.2, 155.0), 62, {"Cs": 4, "Pb": 4, "I": 12}),
        (prototypes.perovskite(6.2, "MA"), 6, {"C": 1, "N": 1, "H": 6, "Pb": 1, "I": 3}),
        (prototypes.perovskite(6.2, "FA"), 25, {"C": 1, "N": 2, "H": 5, "Pb": 1, "I": 3}),
    ],
)
def test_prototypes(crystal, group, formula):
    assert crystal.spacegroup == group
    assert Counter(crystal.species) == formula


@pytest.mark.parametrize("axis", ["100", "110", "111"])
@pytest.mark.parametrize("name", ["MA", "FA"])
def test_molecules_sit_on_the_site_and_point_along_the_axis(name, axis):
    from defectra.structures.molecules import AXES, MASS, oriented

    elements, positions = oriented(name, axis)
    masses = np.array([MASS[e] for e in elements])
    assert np.allclose(masses @ positions, 0, atol=1e-9)
    polar = positions[1] - positions[0]
    along = np.array(AXES[axis]) / np.linalg.norm(AXES[axis])
    assert np.allclose(polar / np.linalg.norm(polar), along)
    bonds = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    assert bonds[np.triu_indices(len(bonds), 1)].min() > 1.0


def test_spinel_oxygen_octahedra():
    """Each metal has six oxygens within 2.1 Å, each lithium four."""
    structure = io.to_structure(pristine(supercells.by_matrix(prototypes.spinel(), (1, 1, 1))))
    near = {"Ni": 6, "Li": 4}
    assert {site.specie.symbol for site in structure} == {"Ni", "Li", "O"}
    for site in structure:
        if site.specie.symbol in near:
            found = [n for n in structure.get_neighbors(site, 2.15) if n.specie.symbol == "O"]
            assert len(found) == near[site.specie.symbol]


def test_supercell_by_distance_is_large_enough_and_smallest():
    cell = supercells.by_distance(ZINCBLENDE, 12.9)
    assert cell.shortest_image >= 12.9
    assert cell.index == 32
    assert np.allclose(cell.lattice @ cell.lattice.T, 12.96**2 * np.eye(3))
    assert supercells.by_atoms(ROCKSALT, 64).index == 32


@pytest.mark.parametrize("matrix", [(2, 2, 2), [[1, 1, 0], [0, 2, 1], [-1, 0, 2]]])
def test_multiplicities_of_vacancies_sum_to_the_sites(matrix):
    host = pristine(supercells.by_matrix(prototypes.layered_monoclinic(), matrix))
    changes = defects.vacancies(host)
    assert changes
    for change in changes:
        found = defects.point_defects(host, [change])
        assert sum(d.multiplicity for d in found) == host.species.count(change.removes)


def test_defects_in_an_ordered_host():
    """In an ordering of low symmetry the orbits are those of the ordering."""
    cell = supercells.by_matrix(prototypes.layered(), (3, 2, 1))
    found = orderings(cell, {"M": {"Ni": 3, "Mn": 2, "Co": 1}})
    host = Decorated(cell, found.species(0))
    vacancies = defects.point_defects(host, defects.parse("V_O", host))
    assert sum(d.multiplicity for d in vacancies) == 12
    assert len({structure_id(d) for d in vacancies}) == len(vacancies) > 2
    words = [[s == "X" for s in d.species].index(True) for d in vacancies]
    assert len(set(words)) == len(vacancies)


def test_pairs_as_by_brute_force():
    host = pristine(supercells.by_matrix(ZINCBLENDE, (2, 2, 2)))
    changes = defects.parse("V_Cd + V_Te", host)
    found = defects.complexes(host, changes, 5.5)
    cell = host.supercell
    cations, anions = cell.sites_of("A"), cell.sites_of("B")
    pairs = [
        (int(a), int(b))
        for a in cations
        for b, d in zip(anions, cell.distances(a, anions))
        if d <= 5.5
    ]
    group = cell.permutations
    orbits = {min((int(g[a]), int(g[b])) for g in group) for a, b in pairs}
    assert len(found) == len(orbits)
    assert sum(d.multiplicity for d in found) == len(pairs)


def test_two_alike_are_counted_once():
    host = pristine(supercells.by_matrix(ROCKSALT, (2, 2, 2)))
    found = defects.complexes(host, defects.parse("V_Na + V_Na", host), 7.0)
    assert sum(d.multiplicity for d in found) == 8 * 7 // 2


def test_interstitials_of_zincblende():
    host = pristine(supercells.by_matrix(ZINCBLENDE, (2, 2, 2)))
    found = defects.point_defects(host, defects.interstitials(host, "Cu"))
    assert {d.defects[0]: d.multiplicity for d in found} == {
        "Cu_i_A": 8, "Cu_i_B": 8, "Cu_i_oct": 32,
    }  # fmt: skip
    cell = host.supercell
    for name, sites, number in (("i_A", "A", 4), ("i_B", "B", 4), ("i_oct", "A", 3)):
        distance = cell.distances(int(cell.sites_of(name)[0]), cell.sites_of(sites))
        assert (distance < distance.min() + 0.01).sum() == number


def test_voronoi_finds_the_holes_of_zincblende():
    plain = build("zb", ZINCBLENDE.lattice, ZINCBLENDE.coords[:2], "AB", ("Cd", "Te"))
    found = interstitials.voronoi(plain)
    own = {tuple(np.round(c, 4)) for c in found.coords[2:4]}
    assert own == {(0.5, 0.5, 0.5), (0.75, 0.75, 0.75)}
    with pytest.raises(StructureError, match=r"largest room is 2\.81"):
        interstitials.voronoi(plain, 3.5)


def test_charges_are_guessed_and_overridable():
    host = pristine(supercells.by_matrix(ZINCBLENDE, (1, 1, 1)))
    guessed = {n: charges.guess(host, defects.parse(n, host)) for n in ("V_Cd", "V_Te", "Cd_Te")}
    assert guessed == {"V_Cd": (-2, -1, 0), "V_Te": (0, 1, 2), "Cd_Te": (0, 1, 2, 3, 4)}
    assert charges.guess(host, defects.parse("Cu_Cd", host)) == (-1, 0, 1)
    assert charges.guess(host, defects.parse("Cu_Cd", host), {"Cu": 1}) == (-1, 0)


@pytest.mark.parametrize("sample", ["uniform", "weighted"])
def test_samples_have_the_right_weights(sample):
    """First draws over many seeds: uniform over the 8 orderings, or by multiplicity."""
    cell = supercells.by_matrix(ROCKSALT, np.diag((1, 1, 2)) @ [[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
    wanted = {"A": {"K": 4, "Na": 4}}
    every = orderings(cell, wanted)
    canonical, weights = smallest(every.problem.permutations, every.words)
    expected = {
        w.tobytes(): (n / every.raw if sample == "weighted" else 1 / len(every))
        for w, n in zip(canonical, weights)
    }
    n = 1500
    seen = Counter(
        orderings(cell, wanted, limit=1, sample=sample, seed=s).words[0].tobytes() for s in range(n)
    )
    chi = sum((seen[k] - n * p) ** 2 / (n * p) for k, p in expected.items())
    assert chi < 24.3  # 0.1 % of chi-squared with 7 degrees of freedom


def test_sample_is_seeded_distinct_and_says_so():
    cell = supercells.by_matrix(ROCKSALT, (3, 3, 2))
    wanted = {"A": {"K": 6, "Rb": 3, "Na": 9}}
    first, second = (orderings(cell, wanted, limit=40, seed=7) for _ in range(2))
    assert np.array_equal(first.words, second.words)
    assert first.selection is Selection.UNIFORM
    assert first.total == pose(cell, wanted).count() > 40
    assert len({w.tobytes() for w in first.words}) == 40
    assert (np.sort(first.words, axis=1) == np.sort(first.words[0])).all()
    other = orderings(cell, wanted, limit=40, seed=8)
    assert not np.array_equal(first.words, other.words)


def test_exact_count_beyond_64_bits():
    """The translations of a ring of 101 sites: (C(101, 50) - 0) / 101, a prime ring."""
    from math import comb

    ring = np.array([np.roll(np.arange(101), k) for k in range(101)], dtype=np.int32)
    assert count(ring, [slice(0, 101)], [(50, 51)]) == comb(101, 50) // 101 > 2**63


BAD = {
    "composition": (lambda: _order({"A": {"K": 3, "Na": 6}}), "holds 8 sites .* asks for 9"),
    "fraction": (lambda: _order({"A": {"K": 2.5, "Na": 5.5}}), "2.5 sites of K"),
    "negative": (lambda: _order({"A": {"K": -1, "Na": 9}}), "-1 sites of K"),
    "sublattice": (lambda: _order({"Q": {"K": 8}}), "no sublattice 'Q'; there are A, B"),
    "infinite": (
        lambda: orderings(
            supercells.by_matrix(ROCKSALT, (4, 4, 4)), {"A": {"K": 32, "Na": 32}}
        ),
        r"\d{15} inequivalent orderings \(of 1832624140942590534\)",
    ),
    "atoms": (lambda: supercells.by_atoms(ROCKSALT, 63), "63 atoms: the primitive cell has 2"),
    "volume": (lambda: supercells.by_matrix(ROCKSALT, [[1, 1, 0], [1, 1, 0], [0, 0, 1]]), "ume 0"),
    "distance": (lambda: supercells.by_distance(ROCKSALT, 100.0), "at least 16106 primitive"),
    "pair": (lambda: _pair((1, 1, 1), 4.7), "too small, its images are 4.58 Å apart"),
    "overlap": (
        lambda: with_sublattice(ZINCBLENDE, "i", np.array([0.02, 0.02, 0.02])),
        r"overlap: 0\.22\d Å apart",
    ),
    "orbits": (
        lambda: with_sublattice(ZINCBLENDE, "i", np.array([0.4, 0.1, 0.3])), "no union of symmetry",
    ),
    "missing": (lambda: _pair((2, 2, 2), 4.0, "V_O"), "no site 'O' in the host; there are Cd, Te"),
    "prototype": (lambda: prototypes.prototype("garnet"), "no prototype 'garnet'; there are rock"),
    "constant": (lambda: prototypes.prototype("rocksalt", b=3.0), "prototype rocksalt: .*'b'"),
    "near": (lambda: interstitials.voronoi(ZINCBLENDE, 0.3), "0.3 Å from an atom overlap"),
}  # fmt: skip


def _order(wanted):
    return orderings(supercells.by_matrix(ROCKSALT, (2, 2, 2)), wanted)


def _pair(matrix, cutoff, names="V_Cd + V_Te"):
    host = pristine(supercells.by_matrix(ZINCBLENDE, matrix))
    return defects.complexes(host, defects.parse(names, host), cutoff)


@pytest.mark.parametrize("name", BAD)
def test_bad_input_names_the_number(name):
    call, message = BAD[name]
    with pytest.raises(StructureError, match=message):
        call()


def test_partial_occupation_is_refused():
    from pymatgen.core import Lattice, Structure

    mixed = Structure(Lattice.cubic(5.6), [{"Na": 0.5, "K": 0.5}, "Cl"], [[0] * 3, [0.5] * 3])
    with pytest.raises(StructureError, match="site 0 is partly occupied"):
        from_structure(mixed)


def test_edge_of_two_groups_is_flagged():
    from pymatgen.core import Lattice, Structure

    coords = [[0, 0, 0], [0.5, 0.5, 0.5 + 0.02 / 5.6]]
    bent = Structure(Lattice.cubic(5.6), ["Cs", "Cl"], coords)
    straight = Structure(Lattice.cubic(5.6), ["Cs", "Cl"], [[0] * 3, [0.5] * 3])
    assert from_structure(bent).edge
    assert from_structure(bent).spacegroup == 99
    coarse = from_structure(bent, symprec=0.1)
    assert (coarse.spacegroup, coarse.symprec, coarse.edge) == (221, 0.1, True)
    assert not from_structure(straight).edge


def test_sqs_without_icet_says_what_to_do(monkeypatch):
    from defectra.structures import sqs

    monkeypatch.setitem(sys.modules, "icet", None)
    cell = supercells.by_matrix(ROCKSALT, (2, 2, 2))
    with pytest.raises(StructureError, match=r"pip install 'defectra\[sqs\]'"):
        sqs.special(cell, {"A": {"Na": 4, "K": 4}})


def test_sqs():
    pytest.importorskip("icet")
    from defectra.structures import sqs

    cell = supercells.by_matrix(ROCKSALT, (2, 2, 2))
    wanted = {"A": {"Na": 4, "K": 4}}
    found = sqs.special(cell, wanted, steps=300)
    assert Counter(found.species(0)) == {"Na": 4, "K": 4, "Cl": 8}
    assert found.species(0)[8:] == ("Cl",) * 8
    everything = orderings(cell, wanted)
    same = [k for k, w in enumerate(everything.words) if (w == found.words[0]).all()]
    assert len(same) == 1
    assert everything.multiplicity[same[0]] == found.multiplicity[0]


REQUEST = """
study: mine
prototype: zincblende
constants: {a: 6.48, cation: Cd, anion: Te}
supercell: {matrix: [2, 2, 1]}
composition: {A: {Cd: 3, Zn: 1}}
defects: [vacancies, Cu_i_A, V_Cd + Cu_Te]
cutoff: 3.0
charges: guess
"""


def test_request_to_table(tmp_path, capsys):
    (tmp_path / "request.yaml").write_text(REQUEST)
    out = tmp_path / "out" / "structures.parquet"
    arguments = [str(tmp_path / "request.yaml"), str(out), str(tmp_path / "cifs")]
    assert make.main(arguments) == 0
    rows = read_table(out, table.FACTORY)
    assert f"{len(rows)} structures" in capsys.readouterr().out
    assert len({r["structure_id"] for r in rows}) == len(rows)
    assert len(list((tmp_path / "cifs").glob("*.cif"))) == len(rows)
    assert {r["charge"] for r in rows if r["defect"] == "V_Te"} == {0, 1, 2}
    assert {r["symprec"] for r in rows} == {1e-3}
    pure = [r for r in rows if r["defect"] == "pristine"]
    assert sum(r["multiplicity"] for r in pure) == 4
    families = {r["structure_id"] for r in pure}
    assert {r["family"] for r in rows} == families
    plain = [{k: v for k, v in r.items() if k in STRUCTURES.names} for r in rows]
    assert to_arrow(plain, STRUCTURES).num_rows == len(rows)


def test_bad_request_names_file_and_key(tmp_path, capsys):
    path = tmp_path / "request.yaml"
    path.write_text("prototype: rocksalt\nconstants: {a: 5.6}\nsuprcell: {atoms: 8}\n")
    assert make.main([str(path), str(tmp_path / "x.parquet")]) == 1
    assert f"{path}: suprcell: unknown key, did you mean" in capsys.readouterr().err
    path.write_text("study: mine\n")
    with pytest.raises(StructureError, match="give either prototype or file"):
        request.load(path)


def test_file_of_the_user(tmp_path):
    structure = io.to_structure(pristine(supercells.by_matrix(ROCKSALT, (2, 2, 2))))
    structure.to(filename=str(tmp_path / "POSCAR"))
    (tmp_path / "request.yaml").write_text(
        f"file: {tmp_path / 'POSCAR'}\nsupercell: {{distance: 7.5}}\ndefects: [V_Cl]\n"
    )
    rows = request.rows(request.load(tmp_path / "request.yaml"))
    assert [r["multiplicity"] for r in rows] == [1, rows[0]["species"].count("Cl")]
    assert rows[0]["species"].count("Cl") >= 8
    assert rows[0]["spacegroup"] == 225
    with pytest.raises(StructureError, match="no such file"):
        io.read_crystal(tmp_path / "none.cif")


def test_long_lists_are_lossless(tmp_path):
    cell = supercells.by_matrix(ROCKSALT, (3, 2, 2))
    found = orderings(cell, {"A": {"K": 4, "X": 1, "Na": 7}})
    table.write_orderings(tmp_path / "o.parquet", found)
    data = pq.read_table(tmp_path / "o.parquet")
    meta = json.loads(data.schema.metadata[b"orderings"])
    words = np.array([list(p) for p in data["pattern"].to_pylist()], dtype=np.uint8)
    assert np.array_equal(words, found.words)
    assert meta["palette"] == ["X", "K", "Na"]
    assert meta["selection"] == "all"
    assert sum(data["multiplicity"].to_pylist()) == int(meta["raw"])
