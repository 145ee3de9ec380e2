"""Runs of XSpectra: elements, lattices and units of `pw.x`, namelists, edges, polarisations."""

import shutil

import numpy as np
import pytest
from made_runs import DATA, MU, X, only, table

from defectra.engines.finished.importing import import_tree
from defectra.engines.finished.structures import load
from defectra.engines.xspectra import cells
from defectra.engines.xspectra.namelists import Kind, element_of


@pytest.mark.parametrize(
    ("label", "mass", "pseudo", "element"),
    [
        ("Oh", 15.999, "O.UPF", "O"), ("O_h", 1.0, "x", "O"), ("Tih", 47.867, "Ti.UPF", "Ti"),
        ("C_h", 12.0, "Ch_PBE.UPF", "C"), ("Co", 12.011, "C.UPF", "C"), ("Co", 58.93, "Co", "Co"),
        ("Co", 1.0, "C_star.UPF", "C"), ("Co", 1.0, "", "Co"), ("Sih", 28.09, "", "Si"),
        ("NiB", 58.69, "", "Ni"), ("Ni2", 58.69, "", "Ni"), ("Fe-fch", 1.0, "Fe.UPF", "Fe"),
        ("FE1", 55.8, "", "Fe"), ("X1", 1.0, "", ""), ("Sh", 32.06, "S.UPF", "S"),
        ("Nh", 14.007, "N.UPF", "N"), ("Cs", 12.011, "C.UPF", "C"), ("Os", 15.999, "O.UPF", "O"),
    ],
)  # fmt: skip
def test_element_of_a_type_with_a_core_hole(label, mass, pseudo, element):
    assert element_of(Kind(label, mass, pseudo)) == element


@pytest.mark.parametrize(
    ("system", "volume", "number"),
    [
        ("ibrav=1, celldm(1)=8.0", 512, 221), ("ibrav=2, celldm(1)=8.0", 128, 225),
        ("ibrav=3, celldm(1)=8.0", 256, 229), ("ibrav=-3, celldm(1)=8.0", 256, 229),
        ("ibrav=4, celldm(1)=8.0, celldm(3)=1.5", 8**3 * 1.5 * 3**0.5 / 2, 191),
        ("ibrav=5, celldm(1)=8.0, celldm(4)=0.3", None, 166),
        ("ibrav=-5, celldm(1)=8.0, celldm(4)=0.3", None, 166),
        ("ibrav=6, celldm(1)=8.0, celldm(3)=1.5", 768, 123),
        ("ibrav=7, celldm(1)=8.0, celldm(3)=1.5", 384, 139),
        ("ibrav=8, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 512 * 1.8, 47),
        ("ibrav=9, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 256 * 1.8, 65),
        ("ibrav=-9, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 256 * 1.8, 65),
        ("ibrav=91, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 256 * 1.8, 65),
        ("ibrav=10, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 128 * 1.8, 69),
        ("ibrav=11, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5", 256 * 1.8, 71),
        ("ibrav=12, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5, celldm(4)=0.2", None, 10),
        ("ibrav=-12, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5, celldm(5)=0.2", None, 10),
        ("ibrav=13, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5, celldm(4)=0.2", None, 12),
        ("ibrav=-13, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5, celldm(5)=0.2", None, 12),
        ("ibrav=14, celldm(1)=8.0, celldm(2)=1.2, celldm(3)=1.5, celldm(4)=.1, celldm(5)=.2, "
         "celldm(6)=.3", None, 2),
        ("ibrav=2, A=4.2", 4.2**3 / 4 / 0.529177**3, 225),
    ],
)  # fmt: skip
def test_lattices_of_pw(system, volume, number):
    """Volume (Bohr³) and the space group of one atom in each lattice of the manual."""
    import spglib

    text = f"&system\n {system},\n nat=1, ntyp=1\n/\nATOMIC_SPECIES\nNi 58.7 Ni.UPF\n"
    lattice, species, coords = cells.read(text + "ATOMIC_POSITIONS crystal\nNi 0 0 0\n")
    assert species == ["Ni"]
    assert spglib.get_symmetry_dataset((lattice, coords, [1]), symprec=1e-5).number == number
    if volume is not None:
        assert abs(np.linalg.det(lattice)) == pytest.approx(volume * 0.529177**3, rel=1e-4)


def test_units_of_positions(tmp_path):
    head = "&system\n ibrav=1, celldm(1)=8.0, nat=2, ntyp=2\n/\nATOMIC_SPECIES\n"
    head += "Ni 58.7 Ni.UPF\nO 16 O.UPF\n"
    half = {"alat": 0.5, "bohr": 4.0, "angstrom": 4.0 * 0.529177, "crystal": 0.5, "": 0.5}
    for unit, x in half.items():
        for shown in (f"{{{unit}}}", f"({unit})", unit) if unit else ("",):
            text = f"{head}ATOMIC_POSITIONS {shown}\nNi 0 0 0\nO {x} {x} {x}\nK_POINTS gamma\n"
            np.testing.assert_allclose(cells.read(text)[2][1], 0.5, atol=1e-5)
    (tmp_path / "a.in").write_text(head + "ATOMIC_POSITIONS crystal_sg\nNi 0 0 0\n")
    assert "crystal_sg" in load(tmp_path / "a.in").reason


def xspectra(folder, stem, *, prefix="x", keys="", scf="Ni", momentum=1, gamma=0.8, out=True):
    folder.mkdir(parents=True, exist_ok=True)
    head = f"# Final state angular momentum:   {momentum}\n"
    head += f"# Broadening parameter (in eV):    {gamma:.3f}\n# Absorbing atom type (xiabs):   1\n"
    (folder / f"{stem}.dat").write_text(head + table(X, MU))
    asked = f"&input_xspectra\n prefix='{prefix}', {keys}\n/\n&plot\n xgamma={gamma}, xemin=-20, "
    (folder / f"{stem}.in").write_text(asked + "xemax=40, xnepoint=121\n/\n")
    if out:
        text = f"Program XSpectra v.7.2\n Fermi level determined from SCF save directory ({prefix}"
        (folder / f"{stem}.out").write_text(text + ".save)\n ef    [eV]:  5.0\n END JOB XSpectra\n")
    cell = f"&control\n prefix='{prefix}'\n/\n&system\n ibrav=1, celldm(1)=8., nat=2, ntyp=2\n/\n"
    cell += f"ATOMIC_SPECIES\n{scf} 1.0 {scf}.UPF\nO 16. O.UPF\nATOMIC_POSITIONS crystal\n"
    (folder / f"{prefix}.scf.in").write_text(cell + f"{scf} 0 0 0\nO .5 .5 .5\n")


def test_defaults_of_xspectra(tmp_path):
    """Neither edge nor xiabs is given: K and the first type are what the program takes."""
    xspectra(tmp_path, "xanes")
    row, calculation = only(import_tree(tmp_path))
    assert (calculation["element"], calculation["edge"], row["site_index"]) == ("Ni", "K", 0)


def test_an_edge_is_not_guessed_without_the_input(tmp_path):
    xspectra(tmp_path, "xanes")
    (tmp_path / "xanes.in").unlink()
    row, _ = only(import_tree(tmp_path))
    assert row["error_class"] == "unknown_absorber"
    assert "edge" in row["message"]


def test_inputs_that_fit_by_content_alone(tmp_path):
    """Names tell nothing, broadening does; where that is the same too, nothing is guessed."""
    xspectra(tmp_path, "a", prefix="p", scf="Ni", gamma=0.8)
    xspectra(tmp_path, "b", prefix="q", scf="Co", gamma=0.5)
    for old, new in (("a.dat", "first.dat"), ("b.dat", "second.dat")):
        (tmp_path / old).rename(tmp_path / new)
    found = import_tree(tmp_path)
    reported = {
        r["source"]: found.calculations[r["calculation_id"]]["element"] for r in found.imports
    }
    assert reported == {"first.dat": "Ni", "second.dat": "Co"}
    text = (tmp_path / "b.in").read_text().replace("xgamma=0.5", "xgamma=0.8")
    (tmp_path / "b.in").write_text(text)
    found = import_tree(tmp_path)
    assert {r["error_class"] for r in found.imports} == {"unknown_absorber"}


def test_an_output_that_ends_early(tmp_path):
    xspectra(tmp_path, "xanes")
    text = (tmp_path / "xanes.out").read_text().replace(" END JOB XSpectra", "")
    (tmp_path / "xanes.out").write_text(text)
    assert only(import_tree(tmp_path))[0]["status"] == "unconverged"
    lines = (tmp_path / "xanes.dat").read_text().splitlines()
    (tmp_path / "xanes.dat").write_text("\n".join(lines[:-20]) + "\n")
    row, _ = only(import_tree(tmp_path))
    assert row["error_class"] == "truncated_output"
    assert "xemax" in row["message"]


def test_polarisations_of_two_operators_are_not_averaged(tmp_path):
    for number, kind, momentum in ((1, "dipole", 1), (2, "quadrupole", 2)):
        folder = tmp_path / f"pol{number}"
        xspectra(folder, "xanes", keys=f"calculation='xanes_{kind}',", momentum=momentum)
    found = import_tree(tmp_path)
    assert sorted(r["unit"] for r in found.imports) == [
        "xspectra cross section",
        "xspectra cross section, quadrupole",
    ]
    for number in (1, 2):
        xspectra(tmp_path / f"pol{number}", "xanes", keys="calculation='xanes_dipole',")
    row, _ = only(import_tree(tmp_path))
    assert "mean of 2 polarisations" in row["message"]


@pytest.mark.parametrize(
    ("given", "edge"),
    [("L23", "L2,3"), ("l3", "L3"), ("L1", "L1"), ("K", "K"), ("M45", ""), ("Q", ""), ("L4", "")],
)
def test_edges_of_xspectra_by_their_usual_names(tmp_path, given, edge):
    xspectra(tmp_path, "xanes", keys=f"edge='{given}',")
    row, calculation = only(import_tree(tmp_path))
    assert calculation["edge"] == edge
    assert (row["error_class"] == "unknown_absorber") == (not edge)


def test_of_a_key_that_is_given_twice_the_last_one_holds(tmp_path):
    """As Fortran reads a namelist: `xiabs = 2` after `xiabs = 1`, the edge as well."""
    shutil.copytree(DATA / "p07_xspectra_L2_xe0", tmp_path / "r")
    before = import_tree(tmp_path)
    given = next(
        p for p in (tmp_path / "r").iterdir() if "&input_xspectra" in p.read_text().lower()
    )
    text = given.read_text().replace("edge='L2'", "edge='K'\n edge='L2'")
    assert text != given.read_text()
    given.write_text(text)
    after = import_tree(tmp_path)
    edges = [{c["edge"] for c in f.calculations.values()} for f in (before, after)]
    assert edges == [{"L2"}, {"L2"}]


@pytest.mark.parametrize(
    ("card", "told"),
    [("", True), ("cut_occ_states=.false.,", True), ("cut_occ_states=.TRUE.,", False)],
)
def test_occupied_states_in_a_spectrum_of_xspectra_are_named(tmp_path, card, told):
    for path in (DATA / "p06_xspectra_two_runs_one_folder").glob("NiO*"):
        shutil.copy(path, tmp_path)
    given = tmp_path / "NiO.xspectra.in"
    given.write_text(given.read_text().replace("&plot\n", f"&plot\n {card}\n"))
    (row,) = import_tree(tmp_path).imports
    assert row["status"] == "ok"
    assert ("occupied states" in row["message"]) == told
