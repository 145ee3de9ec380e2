"""Cells of a defect that were run in another way than the bulk: refused, or remarked in the row."""

import numpy as np
import pytest

from defectra.defects import vasp_runs
from tests.parsers.test_vasp_cells import HOST, LENGTH, edited, geometry, write
from tests.vasp_files import write_run

HEAD = '<parameters><separator name="electronic">'
XC = '<separator name="electronic exchange-correlation"><i type="string" name="GGA">PE</i>'
INCAR = '<incar><i type="string" name="GGA">PE</i>'
HYBRID = (
    ('<i type="logical" name="LHFCALC">F</i><i name="AEXX">0.0</i><i name="HFSCREEN">0.0</i>',
     '<i type="logical" name="LHFCALC">T</i><i name="AEXX">{}</i><i name="HFSCREEN">{}</i>'),
)  # fmt: skip


def hybrid(fraction, screening):
    return tuple((old, new.format(fraction, screening)) for old, new in HYBRID)


def hubbard(value):
    return (
        ('<i type="logical" name="LDAU">F</i>', '<i type="logical" name="LDAU">T</i>'),
        ('<v type="string" name="LDAUU">0</v>',
         f'<v name="LDAUU">{value} 0 0</v><v name="LDAUJ">0 0 0</v>'
         '<v type="int" name="LDAUL">2 -1 -1</v>'),
    )  # fmt: skip


BULK = "bulk/vasprun.xml"
OF_CELL = ("Cu_Cd_0/vasprun.xml", "Cu_Cd_-1/vasprun.xml")


def levels(root, of_cell=(), of_bulk=()):
    """Levels, cells and reasons after changes of the files."""
    for name in OF_CELL:
        edited(root / name, *of_cell)
    edited(root / BULK, *of_bulk)
    sets, first = vasp_runs.read_sets(root, HOST)
    made, second = vasp_runs.levels_of_sets(sets, HOST, np.eye(3) * 10, 0.14)
    return made, vasp_runs.cells_of_sets(sets, HOST, np.eye(3) * 10), first + second


# changes of the cells, changes of the bulk, words of the refusal
REFUSED = {
    "another cutoff": ([('name="ENMAX">300.0', 'name="ENMAX">340.0')], [], "ENCUT: 340 eV"),
    "another functional": (
        [(XC, XC.replace("PE<", "PS<")), (INCAR, INCAR.replace("PE<", "PS<"))], [], "functional"),
    "a hybrid on a semilocal bulk": (hybrid(0.25, 0.2), [], "functional"),
    "another exact exchange": (hybrid(0.30, 0.2), hybrid(0.25, 0.2), "0.3 of exact exchange"),
    "another screening": (hybrid(0.25, 0.3), hybrid(0.25, 0.2), "screening 0.3"),
    "a hybrid on another gradient": (
        [*hybrid(0.25, 0.2), (XC, XC.replace("PE<", "PS<"))], hybrid(0.25, 0.2), "GGA = PS"),
    "meta-GGA": (
        [('<i type="string" name="METAGGA">--</i>', '<i type="string" name="METAGGA">R2SCAN</i>'),
         (INCAR, INCAR + '<i type="string" name="METAGGA">R2SCAN</i>')], [], "functional"),
    "another potential": ([("<c>PAW_PBE Te</c>", "<c>PAW_PBE Te_GW</c>")], [], "PAW_PBE Te_GW"),
    "U in the cell alone": (hubbard(4), [], "U - J = 4 eV"),
    "another U": (hubbard(4), hubbard(3), "U - J = 4 eV"),
    "dispersion, in INCAR alone": (
        [(INCAR, INCAR + '<i type="int" name="IVDW">12</i>')], [], "IVDW: 12"),
    "a solvent": ([(INCAR, INCAR + '<i type="logical" name="LSOL">T</i>')], [], "LSOL: True"),
    "a coarser grid of exact exchange": (
        [*hybrid(0.25, 0.2), (INCAR, INCAR + '<i type="int" name="NKRED">2</i>')],
        hybrid(0.25, 0.2), "NKRED: 2"),
    "a share of gradient exchange": (
        [(XC, XC + '<i name="AGGAX">0.8</i>')], [(XC, XC + '<i name="AGGAX">1.0</i>')], "AGGAX"),
    "precision of the exchange": (
        [(XC, XC + '<i type="string" name="PRECFOCK">Fast</i>')],
        [(XC, XC + '<i type="string" name="PRECFOCK">Normal</i>')], "PRECFOCK: F"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_other_settings_than_the_bulk_are_refused(tmp_path, kind):
    write(tmp_path)
    of_cell, of_bulk, words = REFUSED[kind]
    made, cells, left_out = levels(tmp_path, of_cell, of_bulk)
    assert made == []
    assert not any(np.isfinite(c["energy_above_bulk_eV"]) for c in cells)
    assert len(left_out) == 2
    assert all(words in r["reason"] and "run both alike" in r["reason"] for r in left_out)


@pytest.mark.parametrize(
    "both", [[], hybrid(0.25, 0.2), hybrid(0.32, 0.2), hubbard(3),
             [*hybrid(0.25, 0.2), (XC, XC.replace("PE<", "PS<"))],
             [(INCAR, INCAR + '<i type="int" name="IVDW">12</i>')]]
)  # fmt: skip
def test_the_same_settings_give_the_level(tmp_path, both):
    write(tmp_path)
    made, cells, left_out = levels(tmp_path, both, both)
    assert not left_out
    assert len(cells) == 2
    assert not any("bulk" in c["message"] or "SIGMA" in c["message"] for c in cells)
    assert made[0]["bare_eV"] == pytest.approx(0.8, abs=1e-6)


TWO_SPINS = ('name="ISPIN">1<', 'name="ISPIN">2<')
# changes of the cells, words of the remark, charges whose row has it
REMARKED = {
    "spin fixed": ([TWO_SPINS, (HEAD, HEAD + '<i name="NUPDOWN">1.0</i>')], "NUPDOWN = 1", {0, -1}),
    "spin fixed to none": (
        [TWO_SPINS, (HEAD, HEAD + '<i name="NUPDOWN">0.0</i>')], "NUPDOWN = 0", {0, -1}),
    "spin free": ([TWO_SPINS, (HEAD, HEAD + '<i name="NUPDOWN">-1.0</i>')], "NUPDOWN", set()),
    "one spin": ([], "odd number of electrons", {0}),
    "wide smearing": (
        [(HEAD, HEAD + '<i type="int" name="ISMEAR">0</i><i name="SIGMA">0.2</i>')],
        "SIGMA = 0.2 eV", {0, -1}),
    "narrow smearing": (
        [(HEAD, HEAD + '<i type="int" name="ISMEAR">0</i><i name="SIGMA">0.05</i>')],
        "SIGMA", set()),
    "tetrahedra": (
        [(HEAD, HEAD + '<i type="int" name="ISMEAR">-5</i><i name="SIGMA">0.2</i>')],
        "SIGMA", set()),
    "smearing of metals": (
        [(HEAD, HEAD + '<i type="int" name="ISMEAR">1</i><i name="SIGMA">0.05</i>')],
        "ISMEAR = 1", {0, -1}),
}  # fmt: skip


@pytest.mark.parametrize("kind", REMARKED)
def test_what_decides_the_state_is_remarked(tmp_path, kind):
    write(tmp_path)
    of_cell, words, charges = REMARKED[kind]
    made, cells, left_out = levels(tmp_path, of_cell)
    assert not left_out
    assert {c["charge"] for c in cells if words in c["message"]} == charges
    assert (words in made[0]["message"]) == bool(charges)


def test_what_is_remarked_of_the_bulk_is_in_every_row(tmp_path):
    write(tmp_path)
    smeared = [(HEAD, HEAD + '<i type="int" name="ISMEAR">0</i><i name="SIGMA">0.3</i>')]
    made, cells, _ = levels(tmp_path, [], smeared)
    assert all("bulk: SIGMA = 0.3 eV" in c["message"] for c in cells)
    assert "bulk: SIGMA = 0.3 eV" in made[0]["message"]


def test_a_neutral_cell_of_other_points_of_the_zone_has_no_energy(tmp_path):
    write(tmp_path)
    centre = '<varray name="kpointlist">\n<v>0.00000000'
    edited(tmp_path / OF_CELL[0], (centre, centre.replace("0.0", "0.25", 1)))
    cells = levels(tmp_path)[1]
    (neutral,) = [c for c in cells if c["charge"] == 0]
    assert not np.isfinite(neutral["energy_above_bulk_eV"])
    assert not np.isfinite(neutral["corrected_above_bulk_eV"])
    assert "kpoints" in neutral["message"]


@pytest.mark.parametrize(
    ("factor", "words"),
    [(1.0, ""), (1.00002, ""), (1.001, "strained by 0.100%"), (0.999, "strained by 0.100%"),
     (1.005, "does not tile")],
)  # fmt: skip
def test_a_cell_of_another_size_is_refused(tmp_path, factor, words):
    write(tmp_path)
    lattice, species, coords = geometry("M_A", "Cu")
    for name, charge, energy in (("Cu_Cd_0", 0, -39.0), ("Cu_Cd_-1", -1, -38.2)):
        write_run(tmp_path / name, lattice * factor, species, coords, charge, energy,
                  potentials=[-70.0] * 16)  # fmt: skip
    made, _, left_out = levels(tmp_path)
    if words:
        assert made == []
        assert [words in r["reason"] for r in left_out] == [True, True]
    else:
        assert made[0]["bare_eV"] == pytest.approx(0.8, abs=1e-6)


def test_the_cells_of_these_tests_are_of_the_host():
    lattice, species, _ = geometry()
    assert len(species) == 16
    assert abs(np.linalg.det(lattice)) == pytest.approx(LENGTH**3 * 2, rel=1e-9)
