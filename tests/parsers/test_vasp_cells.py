"""VASP defect folders: moved, renamed, gzipped, broken."""

import shutil

import numpy as np
import pytest
from in_one_call import levels_of_folder

from defectra.core.errors import EngineError
from defectra.defects import vasp_runs
from defectra.engines.vasp import cells as vasp_cells
from defectra.structures.identity import atoms_of
from defectra.studies.levels.inputs import insert_impurity, supercell
from tests.vasp_files import write_run

HOST, LENGTH = "CdTe", 6.6


def geometry(site=None, impurity=None):
    cell = supercell(HOST, LENGTH, 16)
    if site:
        cell = insert_impurity(cell, site, impurity)
    kept = atoms_of(cell)
    order = sorted(kept, key=lambda i: cell.species[i])
    return (
        cell.supercell.lattice,
        [cell.species[i] for i in order],
        cell.supercell.coords[order],
    )


def write(root, *, zipped=False, names=("bulk", "Cu_Cd_0", "Cu_Cd_-1")):
    lattice, species, coords = geometry()
    write_run(root / names[0], lattice, species, coords, 0, -40.0, potentials=[-70.0] * 16,
              zipped=zipped)  # fmt: skip
    lattice, species, coords = geometry("M_A", "Cu")
    for name, charge, energy in ((names[1], 0, -39.0), (names[2], -1, -38.2)):
        write_run(root / name, lattice, species, coords, charge, energy,
                  potentials=[-70.0 - 0.01 * charge] * 16, zipped=zipped)  # fmt: skip


def test_a_tree_of_runs_gives_bulk_and_charges(tmp_path):
    write(tmp_path)
    rows, left_out = vasp_cells.read_tree(tmp_path)
    assert not left_out
    assert sorted(r["charge"] for r in rows) == [-1, 0, 0]
    bulk = vasp_runs.bulk_of(rows, HOST)
    assert bulk["energy_eV"] == -40.0
    assert bulk["potentials_V"] == [70.0] * 16  # VASP prints the potential of an electron
    found = {vasp_runs.identify(r, bulk, HOST) for r in rows if r is not bulk}
    assert [(f.site, f.impurity) for f in found] == [("M_A", "Cu")]


def test_moved_renamed_and_gzipped_runs_are_the_same_runs(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b" / "deep", zipped=True, names=("x", "run 7", "old"))
    first, second = (vasp_cells.read_tree(tmp_path / d)[0] for d in "ab")
    key = "calculation_id"
    assert sorted(r[key] for r in first) == sorted(r[key] for r in second)
    both, doubles = vasp_cells.read_tree(tmp_path)
    assert len(both) == 3
    assert [d["reason"] for d in doubles] == ["the same run was read before"] * 3


@pytest.mark.parametrize(
    ("site", "impurity", "want"),
    [("M_B", "P", "M_B"), ("M_i_A", "Li", "M_i_A"), ("M_i_B", "Li", "M_i_B"),
     ("M_i_neut", "Li", "M_i_neut")],
)  # fmt: skip
def test_sites_are_reported_from_the_cells(tmp_path, site, impurity, want):
    write(tmp_path)
    lattice, species, coords = geometry(site, impurity)
    write_run(tmp_path / "d", lattice, species, coords, 1, -37.0, potentials=[0.0] * len(species))
    rows = vasp_cells.read_tree(tmp_path)[0]
    bulk = vasp_runs.bulk_of(rows, HOST)
    row = next(r for r in rows if r["energy_eV"] == -37.0)
    found = vasp_runs.identify(row, bulk, HOST)
    assert (found.site, found.impurity, row["charge"]) == (want, impurity, 1)


def test_a_vacancy_and_two_defects_at_once(tmp_path):
    write(tmp_path)
    rows = vasp_cells.read_tree(tmp_path)[0]
    bulk = vasp_runs.bulk_of(rows, HOST)
    vacancy = {**bulk, "species": bulk["species"][1:], "coords": bulk["coords"][3:]}
    assert vasp_runs.identify(vacancy, bulk, HOST).impurity == "vacancy"
    double = {**bulk, "species": ["Cu", "Cu", *bulk["species"][2:]]}
    with pytest.raises(EngineError, match="2 atoms exchanged"):
        vasp_runs.identify(double, bulk, HOST)


def test_broken_runs_are_left_out_with_their_reason(tmp_path):
    write(tmp_path)
    torn = tmp_path / "torn" / "vasprun.xml"
    torn.parent.mkdir()
    torn.write_text((tmp_path / "bulk" / "vasprun.xml").read_text()[:1500])
    blank = tmp_path / "blank"
    lattice, species, coords = geometry()
    write_run(blank, lattice, species, coords, 0, 0.0, potentials=[0.0] * 16)
    short = tmp_path / "short"
    write_run(short, lattice, species, coords, 0, -41.0, potentials=[0.0] * 4)
    rows, left_out = vasp_cells.read_tree(tmp_path)
    assert len(rows) == 3
    reasons = {d["source"].split("/")[0]: d["reason"] for d in left_out}
    assert "cannot be read" in reasons["torn"]
    assert "blank" in reasons["blank"]
    assert "4 potentials for 16 atoms" in reasons["short"]


def test_a_run_that_did_not_converge_is_marked_and_one_without_outcar_says_so(tmp_path):
    lattice, species, coords = geometry()
    write_run(tmp_path / "u", lattice, species, coords, 0, -40.0, potentials=[0.0] * 16, steps=60)
    (tmp_path / "u" / "OUTCAR").unlink()
    row = vasp_cells.read_tree(tmp_path)[0][0]
    assert row["status"] == "unconverged"
    assert "no OUTCAR" in row["message"]
    assert row["potentials_V"] == []


def test_no_bulk_or_two_are_refused(tmp_path):
    write(tmp_path)
    shutil.rmtree(tmp_path / "bulk")
    with pytest.raises(EngineError, match="0 runs of pure"):
        vasp_runs.bulk_of(vasp_cells.read_tree(tmp_path)[0], HOST)


def test_parsed_folders_give_the_level_that_the_energies_say(tmp_path):
    pytest.importorskip("pydefect", reason="extra `levels` is not installed")
    write(tmp_path)
    rows, _ = levels_of_folder(tmp_path, HOST, 10.0 * np.eye(3), 0.14)
    (row,) = rows
    assert (row["site"], row["impurity"], row["q_from"], row["q_to"]) == ("M_A", "Cu", 0, -1)
    # E(-1) - E(0) - VBM = 0.8 - 0; the potential of both charges is that of the bulk but 0.01 V
    assert row["bare_eV"] == pytest.approx(0.8, abs=1e-6)
    assert 0.1 < row["corrected_eV"] - row["bare_eV"] < 0.6
    assert row["fidelity"].startswith("PBE")


def test_the_rule_knows_every_file_that_it_reads(tmp_path):
    write(tmp_path)
    names = sorted(p.name for p in vasp_cells.run_files(tmp_path))
    assert names == ["OUTCAR"] * 3 + ["vasprun.xml"] * 3
    (tmp_path / "bulk" / "OUTCAR").unlink()
    assert len(vasp_cells.run_files(tmp_path)) == 5


def edited(path, *pairs):
    text = path.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text)


@pytest.mark.parametrize("flag", [
    '<i type="logical" name="LMONO">T</i>', '<i type="logical" name="LDIPOL">T</i>',
    '<i name="EFIELD">0.1</i>',
])  # fmt: skip
def test_an_energy_that_vasp_corrected_itself_is_left_out(tmp_path, flag):
    write(tmp_path)
    head = '<parameters><separator name="electronic">'
    edited(tmp_path / "Cu_Cd_-1/vasprun.xml", (head, head + flag))
    rows, left_out = vasp_cells.read_tree(tmp_path)
    assert sorted(r["charge"] for r in rows) == [0, 0]
    assert "VASP added a correction or a field of its own" in left_out[0]["reason"]


def test_one_point_of_the_zone_is_not_another(tmp_path):
    write(tmp_path)
    centre = '<varray name="kpointlist">\n<v>0.00000000'
    edited(tmp_path / "Cu_Cd_-1/vasprun.xml", (centre, centre.replace("0.0", "0.25", 1)))
    sets, _ = vasp_runs.read_sets(tmp_path, HOST)
    made, left_out = vasp_runs.levels_of_sets(sets, HOST, np.eye(3) * 10, 0.14)
    assert made == []
    assert "kpoints" in left_out[0]["reason"]


@pytest.mark.parametrize(("name", "told"), [("Cu_Cd_+1", True), ("Cu_Cd_-1", False), ("x", False)])
def test_a_folder_named_after_another_charge_is_told(tmp_path, name, told):
    write(tmp_path, names=("bulk", "Cu_Cd_0", name))
    row = next(r for r in vasp_cells.read_tree(tmp_path)[0] if r["charge"] == -1)
    assert ("its electrons make -1" in row["message"]) == told


def test_the_charge_is_counted_by_the_rows_of_the_table_of_atom_types(tmp_path):
    def changed(name, *edits):
        write(tmp_path / name, names=("bulk", "a", "b"))
        path = tmp_path / name / "bulk" / "vasprun.xml"
        text = path.read_text()
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        return vasp_cells.read(path, None)

    row = "<rc><c>8</c><c>Cd</c><c>1.0</c><c>12.0</c><c>PAW_PBE Cd</c></rc>"
    two = row.replace("<c>8<", "<c>7<") + row.replace("<c>8<", "<c>1<").replace("12.0", "2.0")
    electrons = ('<i name="NELECT">144.0', '<i name="NELECT">134.0')
    assert changed("two", (row, two), electrons)["charge"] == 0  # one Cd with two valences
    xenon = changed("xe", (row, row.replace("Cd", "X")), ("<c>Cd<", "<c>X <"))  # as VASP writes it
    assert xenon["charge"] == 0
    assert xenon["species"].count("Xe") == 8
    assert set(xenon["elements"]) == {"Te", "Xe"}
    with pytest.raises(EngineError, match="15 atoms"):
        changed("cut", (row, row.replace("<c>8<", "<c>7<")))


@pytest.mark.parametrize("left", ['<i name="AEXX">0.25</i><i name="HFSCREEN">0.2</i>', ""])
def test_settings_of_a_hybrid_that_is_off_name_no_functional(tmp_path, left):
    write(tmp_path)
    path = tmp_path / "bulk" / "vasprun.xml"
    printed = '<i name="AEXX">0.0</i><i name="HFSCREEN">0.0</i>'
    text = path.read_text()
    assert printed in text
    text = text.replace(printed, left)
    if not left:  # VASP 4 prints none of them
        text = text.replace('<i type="logical" name="LHFCALC">F</i>', "")
        text = text.replace('<i type="logical" name="LDAU">F</i>', "")
    path.write_text(text)
    assert vasp_cells.read(path, None)["functional"] == "PBE"
