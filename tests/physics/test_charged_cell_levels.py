"""Levels made of charged cells: planted potentials and states, marks, refusals."""

import numpy as np
import pytest

from defectra.core.errors import EngineError, TableError
from defectra.defects import levels as charged_cells
from defectra.defects.corrections import Correction
from defectra.structures.identity import atoms_of
from defectra.studies.levels import inputs as requests
from defectra.studies.levels import sets as level_sets
from defectra.studies.levels.formation import formation_rows, region
from defectra.studies.levels.inputs import insert_impurity, read_sets, supercell
from defectra.studies.levels.tables import cell_row

HOST = charged_cells.Host(10.0 * np.eye(3), 0.5, 3.1)
FIX = {-1: Correction(0.30, 0.05, 0.02), 1: Correction(0.30, -0.05, 0.02)}


def row(cell, charge, energy, states, shift=0.0, **more):
    kept = atoms_of(cell)
    energies, filling = zip(*states)
    base = {
        "charge": charge,
        "functional": "PBE",
        "cutoff_eV": 240.0,
        "kpoints": "2 2 2",
        "lattice": cell.supercell.lattice.ravel().tolist(),
        "species": [cell.species[i] for i in kept],
        "coords": cell.supercell.coords[kept].ravel().tolist(),
        "energy_eV": energy,
        "potentials_V": [(70.0 if cell.species[i] == "Al" else 60.0) + shift for i in kept],
        "state_eV": list(energies),
        "state_filling": list(filling),
        "state_weight": [2.0] * len(states),
        "status": "ok",
        "message": "",
    }
    return base | more


def cells(defect_states=((1.0, 1.0), (1.4, 0.0)), shift=0.0, **more):
    small, large = supercell("AlP", 5.5, 2), supercell("AlP", 5.5, 16)
    bulk = row(small, 0, -10.0, ((0.0, 1.0), (2.0, 0.0)), kpoints="4 4 4")
    defect = insert_impurity(large, "M_A", "Cd")
    charged = [
        row(defect, 0, -76.0, defect_states, shift, **more),
        row(defect, -1, -75.2, defect_states, shift, **more),
    ]
    return charged_cells.Cells(bulk, charged, requests.centre(defect))


def test_level_with_and_without_image_charge():
    (found,) = charged_cells.levels(cells(), FIX, HOST, 0.14)
    assert (found["q_from"], found["q_to"]) == (0, -1)
    assert found["corrected_eV"] == pytest.approx(0.8 + 0.35)
    assert found["bare_eV"] == pytest.approx(0.8)
    assert found["mark"] == "localised"
    assert found["level_eV"] == found["corrected_eV"]
    assert found["aligned_eV"] == pytest.approx(1.15 + 0.5)
    assert found["gap_eV"] == 2.0  # of the cell, in its own functional
    assert found["mba_eV"] == pytest.approx(1.15 + 0.5 + 0.14 * (1.15 - 3.1))


def test_the_modified_rule_has_no_other_gap_than_that_of_the_hybrid():
    host = charged_cells.Host(10.0 * np.eye(3), 0.5)
    for fixes in (FIX, None):
        (found,) = charged_cells.levels(cells(), fixes, host, 0.14)
        assert np.isfinite(found["aligned_eV"])
        assert np.isnan(found["mba_eV"])
        assert "gap of the host by HSE06 is not known" in found["message"]
    (own,) = charged_cells.levels(cells(), FIX, charged_cells.Host(10.0 * np.eye(3)), 0.14)
    assert np.isnan(own["mba_eV"])
    assert "HSE06" not in own["message"]  # neither rule applies: nothing is missing


def test_a_shift_of_the_mean_potential_leaves_the_bare_level_alone():
    # A cell whose potentials all lie 0.4 V higher holds electron energies 0.4 eV lower: its charge
    # -1 gains 0.4 eV, which the alignment takes back.
    lower = cells(((0.6, 1.0), (1.0, 0.0)), shift=0.4)
    lower.charged[1]["energy_eV"] -= 0.4
    (found,) = charged_cells.levels(lower, {-1: Correction(0.30, 0.4, 0.02)}, HOST, 0.14)
    assert found["bare_eV"] == pytest.approx(0.8, abs=1e-9)
    assert charged_cells.offset(lower, lower.charged[0]) == pytest.approx(0.4, abs=1e-9)


def test_shallow_levels_are_marked_and_not_corrected():
    (found,) = charged_cells.levels(cells(((1.0, 1.0), (2.1, 0.5))), FIX, HOST, 0.14)
    assert found["electrons_in_cb"] == pytest.approx(1.0)
    assert found["mark"] == "shallow"
    assert found["level_eV"] == found["bare_eV"]
    assert "not corrected" in found["message"]
    (found,) = charged_cells.levels(cells(((-0.2, 0.5), (1.4, 0.0))), FIX, HOST, 0.14)
    assert found["holes_in_vb"] == pytest.approx(1.0)
    assert found["mark"] == "shallow"


def test_no_plateau_is_marked():
    rough = {-1: Correction(0.30, 0.05, 0.3)}
    assert charged_cells.levels(cells(), rough, HOST, 0.14)[0]["mark"] == "no plateau"


def test_a_level_outside_the_gap_is_kept_and_flagged():
    high = cells()
    high.charged[1]["energy_eV"] = -72.0
    (found,) = charged_cells.levels(high, FIX, HOST, 0.14)
    assert found["level_eV"] > found["gap_eV"]
    assert found["place"].startswith("above CBM")
    assert "conduction band" in found["message"]


def test_mixed_cutoffs_and_meshes_are_refused():
    with pytest.raises(EngineError, match="cutoff_ev"):
        charged_cells.levels(cells(cutoff_eV=300.0), FIX, HOST, 0.14)
    with pytest.raises(EngineError, match="kpoints"):
        charged_cells.levels(cells(kpoints="1 1 1"), FIX, HOST, 0.14)


def test_what_did_not_converge_or_has_no_energy_is_a_row():
    loose = cells(status="unconverged")
    (found,) = charged_cells.levels(loose, FIX, HOST, 0.14)
    assert found["status"] == "unconverged"
    blank = cells()
    blank.charged[1]["energy_eV"] = float("nan")
    (found,) = charged_cells.levels(blank, FIX, HOST, 0.14)
    assert found["status"] == "failed"
    assert np.isnan(found["level_eV"])
    assert "blank" in found["message"]


def test_a_host_without_a_gap_is_reported():
    metal = cells()
    metal.bulk["state_eV"] = [0.0, -0.1]
    (found,) = charged_cells.levels(metal, FIX, HOST, 0.14)
    assert found["gap_eV"] == 0
    assert "without a gap" in found["message"]
    metal.bulk["state_filling"] = [1.0, 1.0]
    with pytest.raises(EngineError, match="both sides"):
        charged_cells.levels(metal, FIX, HOST, 0.14)


def test_a_bulk_that_does_not_tile_the_cell_is_refused():
    wrong = cells()
    wrong.bulk["lattice"] = (1.01 * np.array(wrong.bulk["lattice"])).tolist()
    with pytest.raises(EngineError, match="tile"):
        charged_cells.offset(wrong, wrong.charged[0])


@pytest.mark.parametrize("atoms", [8, 16, 54, 64])
def test_the_small_bulk_has_the_mesh_and_volume_of_the_supercell(config, atoms):
    protocol = config.protocols.gpaw_levels["fast"]
    repeats, size = requests.repeats_of(atoms)
    bulk = requests.bulk_request("AlP", 5.5, atoms, protocol, {"Al", "P"})
    large = supercell("AlP", 5.5, atoms)
    assert repeats**3 * size == atoms == len(atoms_of(large))
    assert bulk["kpoints"][0] == repeats * requests.mesh_of(atoms, protocol)
    ratio = abs(np.linalg.det(large.supercell.lattice)) / abs(
        np.linalg.det(np.reshape(bulk["lattice"], (3, 3)))
    )
    assert ratio == pytest.approx(repeats**3)


@pytest.mark.parametrize(
    ("site", "neighbours"), [("M_A", {"P"}), ("M_B", {"Al"}), ("M_i_A", {"Al"}), ("M_i_B", {"P"}),
                             ("M_i_neut", {"Al", "P"})],
)  # fmt: skip
def test_sites_have_the_neighbours_that_their_names_say(site, neighbours):
    defect = insert_impurity(supercell("AlP", 5.5, 16), site, "Cd")
    kept = [i for i in atoms_of(defect) if i != defect.touched[0]]
    distance = defect.supercell.distances(defect.touched[0], kept)
    near = {defect.species[i] for i, d in zip(kept, distance) if d < distance.min() + 0.1}
    assert near == neighbours


def test_guessed_charges():
    assert {0, -1} <= set(requests.guess("CdTe", "M_A", "Cu"))
    assert requests.guess("GaAs", "M_A", "Si")[0] == 1
    assert requests.guess("ZnS", "M_i_A", "Li") == (1, 0)
    assert set(requests.guess("AlP", "M_B", "Mn")) <= set(range(-3, 4))


@pytest.mark.parametrize(
    ("line", "expected"),
    [("AlP,M_X,Cd,0 -1,16", "site"), ("AlP,M_A,Cd,4 0,16", "-3 to 3"),
     ("AlP,M_A,Cd,a,16", "integers"),
     ("AlP,M_A,Cd,0 -1,15", "atoms"), ("AlP,M_A,Xx,0 -1,16", "element")],
)  # fmt: skip
def test_broken_sets_are_refused(tmp_path, line, expected):
    path = tmp_path / "sets.csv"
    path.write_text("host,site,impurity,charges,atoms,protocol\n" + line + ",fast\n")
    with pytest.raises(TableError, match=expected):
        read_sets(path)
    path.write_text("host,site\n")
    with pytest.raises(TableError, match="columns"):
        read_sets(path)


def test_magnetic_impurities_get_moments_and_hubbard_u(config):
    protocol = config.protocols.gpaw_levels["fast"]
    large = supercell("ZnS", 5.4, 16)
    iron = requests.run_request(insert_impurity(large, "M_A", "Fe"), 0, protocol, {"Zn", "S", "Fe"})
    assert sorted(set(iron["moments"])) == [0.0, 3.0]
    copper = requests.run_request(
        insert_impurity(large, "M_A", "Cu"), 0, protocol, {"Zn", "S", "Cu"}
    )
    assert "moments" not in copper
    with_u = protocol.model_copy(update={"hubbard_u": {"Fe": 4.0}})
    found = requests.run_request(insert_impurity(large, "M_A", "Fe"), 0, with_u, {"Zn", "S", "Fe"})
    assert found["setups"] == {"Fe": ":d,4"}
    assert found["id"] != iron["id"]


def test_formation_energies_shift_with_the_corner_by_the_formation_energy_of_the_host():
    small = supercell("AlP", 5.5, 2)
    bulk = row(small, 0, -10.0, ((0.0, 1.0), (2.0, 0.0)), kpoints="4 4 4")

    def phase(species, energy):
        return {"species": species, "energy_eV": energy, "cutoff_eV": 240.0, "functional": "PBE"}

    phases = {"Al": phase(["Al"], -3.0), "P": phase(["P", "P"], -11.0), "Cd": phase(["Cd"], -1.0)}
    points, energies = region(bulk, phases, ["Al", "P", "Cd"])
    assert energies["P"] == -5.5
    formed = -10.0 + 3.0 + 5.5
    assert {round(p["Al"], 6) for p in points} >= {0.0, round(formed, 6)}
    rows = formation_rows(("AlP", "M_A", "Cd"), cells(), FIX, phases)
    rich = {(r["corner"], r["charge"]): r["formation_eV"] for r in rows}
    # Cadmium replaces aluminium: costly where aluminium's chemical potential is highest.
    assert rich["Al-rich", 0] - rich["P-rich", 0] == pytest.approx(-formed)
    assert rich["P-rich", 0] == pytest.approx(-76.0 + 80.0 - (-1.0) + (-3.0 + formed))
    assert rich["P-rich", -1] - rich["P-rich", 0] == pytest.approx(0.8 + 0.35)
    with pytest.raises(EngineError, match="no run of the element Cd"):
        region(bulk, {k: v for k, v in phases.items() if k != "Cd"}, ["Al", "P", "Cd"])
    with pytest.raises(EngineError, match="cutoff_eV"):
        region(bulk, {**phases, "Al": phase(["Al"], -3.0) | {"cutoff_eV": 300.0}}, ["Al", "P"])


def test_planes_of_the_bulk_are_repeated_and_brought_onto_those_of_the_cell():
    found = cells()
    x = np.arange(8) / 8
    small = np.cos(2 * np.pi * x)
    found.bulk["planes_V"] = np.concatenate([small] * 3).tolist()
    row = found.charged[1] | {"planes_V": [0.0] * 36}
    own, bulk = charged_cells.planes(found.bulk, row)
    assert len(own) == len(bulk) == 3
    want = np.cos(2 * np.pi * 2 * np.arange(12) / 12)  # twice as long: two waves on twelve planes
    assert np.allclose(bulk, want, atol=1e-9)
    assert charged_cells.planes(found.bulk, found.charged[0]) is None
    turned = row | {"lattice": np.reshape(row["lattice"], (3, 3))[[1, 2, 0]].ravel().tolist()}
    assert charged_cells.planes(found.bulk, turned) is None


@pytest.mark.parametrize("kind", ["eFNV", "Freysoldt"])
def test_both_schemes_reach_the_level(kind):
    both = {-1: Correction(0.30, 0.05, 0.02, freysoldt_ev=0.40)}
    (found,) = charged_cells.levels(cells(), both, HOST, 0.14)
    want = {"eFNV": ("corrected_eV", 0.35), "Freysoldt": ("freysoldt_eV", 0.40)}[kind]
    assert found[want[0]] == pytest.approx(0.8 + want[1])
    assert np.isnan(charged_cells.levels(cells(), FIX, HOST, 0.14)[0]["freysoldt_eV"])


def test_without_the_library_levels_are_bare_and_other_errors_are_not_hidden():
    def missing():
        raise EngineError("not_installed", "no such library")

    (found,) = charged_cells.levels_or_bare(cells(), missing, HOST, 0.14)
    assert found["mark"] == "not corrected"
    assert "no such library" in found["message"]

    def broken():
        raise EngineError("potentials", "too few")

    with pytest.raises(EngineError, match="too few"):
        charged_cells.levels_or_bare(cells(), broken, HOST, 0.14)


def test_a_set_of_an_unknown_protocol_and_hydrogen_are_refused(tmp_path, config):
    path = tmp_path / "sets.csv"
    head = "host,site,impurity,charges,atoms,protocol\n"
    path.write_text(head + "AlP,M_A,Cd,0 -1,16,none\nAlP,M_A,Cd,0 -1,16,\n")
    odd, plain = read_sets(path)
    with pytest.raises(TableError, match="no protocol 'none'"):
        requests.protocol_of(odd, config.protocols.gpaw_levels)
    assert requests.protocol_of(plain, config.protocols.gpaw_levels).kpoints == 2
    path.write_text(head + "AlP,M_A,H,0 -1,16,fast\n")
    with pytest.raises(TableError, match="second ionisation"):
        read_sets(path)


def test_a_relaxation_that_did_not_end_is_no_converged_run():
    request = {"structure_id": "x", "charge": 0, "functional": "PBE", "cutoff_eV": 340.0}
    request |= {"kpoints": [2, 2, 2], "lattice": [], "species": [], "coords": []}
    record = {"id": "a", "request": request, "status": "ok", "message": "", "version": "gpaw x"}
    record |= {"wall_s": 1.0, "cpu_s": 1.0, "energy_eV": -1.0, "steps": 40}
    assert cell_row(record)["status"] == "ok"
    assert cell_row(record | {"relaxed": True})["status"] == "ok"
    found = cell_row(record | {"relaxed": False})
    assert found["status"] == "unconverged"
    assert "40 steps" in found["message"]


def test_relaxed_cells_are_screened_by_the_static_constant(config, monkeypatch):
    found, protocols = cells(), config.protocols.gpaw_levels
    chosen = requests.DefectSet("AlP", "M_A", "Cd", (0, -1), 16, "balanced")
    asked = [{"id": "b"}, {"id": "0"}, {"id": "-1"}]
    monkeypatch.setattr(level_sets, "set_requests", lambda *_: asked)
    host = {"lattice_A": 5.5, "epsilon_electronic": 8.0, "vbm_pbe_eV": 4.0, "vbm_hse_eV": 3.5}
    host |= {"vbm_lda_eV": 4.1, "gap_pbe_eV": 1.6, "gap_hse_eV": 2.3}
    rows = {"b": found.bulk, "0": found.charged[0], "-1": found.charged[1]}
    tables = level_sets.Tables({"AlP": host}, rows, {}, {"AlP": 1.25})
    relaxed = level_sets.find(chosen, tables, protocols["balanced"])[1]
    assert np.allclose(relaxed.dielectric, 10.0 * np.eye(3))
    ideal = level_sets.find(chosen, tables, protocols["fast"])[1]
    assert np.allclose(ideal.dielectric, 8.0 * np.eye(3))
    assert (ideal.shift_ev, ideal.hybrid_gap_ev) == (pytest.approx(0.5), 2.3)
    for other in ("lda", "hybrid"):  # the shift of PBE is not theirs
        assert np.isnan(level_sets.find(chosen, tables, protocols[other])[1].shift_ev)
    with pytest.raises(EngineError, match="static constant of AlP"):
        level_sets.find(chosen, level_sets.Tables({"AlP": host}, rows, {}), protocols["balanced"])


def test_a_charged_cell_without_a_correction_has_no_formation_energy():
    def phase(species, energy):
        return {"species": species, "energy_eV": energy, "cutoff_eV": 240.0, "functional": "PBE"}

    phases = {"Al": phase(["Al"], -3.0), "P": phase(["P", "P"], -11.0), "Cd": phase(["Cd"], -1.0)}
    found = cells()
    found.bulk["potentials_V"] = []
    rows = formation_rows(
        ("AlP", "M_A", "Cd"), found, charged_cells.corrected(found, 10 * np.eye(3)), phases
    )
    by_charge = {r["charge"]: r for r in rows}
    assert np.isfinite(by_charge[0]["formation_eV"])
    assert by_charge[0]["message"] == ""
    assert np.isnan(by_charge[-1]["formation_eV"])
    assert "the bulk kept no potentials" in by_charge[-1]["message"]


@pytest.mark.parametrize(("shift", "fits"), [(0.3, True), (0.55, False), (0.9, False)])
def test_a_cell_shifted_as_a_whole_is_aligned_or_refused(shift, fits):
    """It was aligned by zero, which entered bare levels and the count of carriers."""
    found = cells(shift=0.3)
    neutral = found.charged[0]
    lattice, coords = np.reshape(neutral["lattice"], (3, 3)), np.reshape(neutral["coords"], (-1, 3))
    moved = coords + shift * np.linalg.inv(lattice)[0]
    neutral["coords"] = moved.ravel().tolist()
    if fits:
        assert charged_cells.offset(found, neutral) == pytest.approx(0.3, abs=1e-9)
        return
    with pytest.raises(EngineError, match="shifted as a whole"):
        charged_cells.levels(found, FIX, HOST, 0.14)
