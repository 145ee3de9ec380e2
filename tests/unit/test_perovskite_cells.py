"""Reference phases, charged vacancies, mixed cells: jobs, rows, and what is made of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from defectra.campaign.complete import Counts, complete
from defectra.campaign.engine import Outcome
from defectra.campaign.ledger import Ledger
from defectra.campaign.request import Family
from defectra.core.csvs import read_csv, write_csv
from defectra.core.records import Status
from defectra.core.store import Archive, read_table, write_table
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawProtocol
from defectra.studies.perovskites import (
    cells,
    decomposition,
    orderings,
    phases,
    runs,
    supercells,
    vacancies,
)
from defectra.studies.perovskites import requests as asked
from defectra.studies.perovskites.cells import CELLS
from defectra.studies.perovskites.checks import Tables, checks
from defectra.studies.perovskites.figures.orderings import plot_orderings
from defectra.studies.perovskites.figures.runs import plot_decomposition
from defectra.studies.perovskites.scorecard import scorecard
from defectra.studies.perovskites.tables import RUNS

PROTOCOL = GpawProtocol()
FAKE = """#!{python}
import json, sys
if "-c" in sys.argv:
    sys.exit(print("26.7.0"))
open({count!r}, "a").write("x")
job, steps = json.load(open(sys.argv[-2])), {{}}
for step in job["steps"]:
    name = step["do"]
    steps[name] = {{"energy_eV": -4.0}}
    if name == "relax":
        steps[name] = {{"energy_eV": -8.0, "coords": job["coords"], "fmax": 0.01}}
    if name == "equation_of_state":
        v = [100 * s**3 for s in step["scales"]]
        e = [-8.1 + 0.01 * (x - 103) ** 2 for x in v]
        steps[name] = {{"scales": step["scales"], "volumes": v, "energies_eV": e}}
    if name == "potentials":
        steps[name] = {{"atoms_eV": [0.0] * len(job["species"])}}
json.dump({{"steps": steps, "version": "26.7.0"}}, open(sys.argv[-1], "w"))
"""


def finished(task: cells.Task, steps: dict) -> dict:
    out = Outcome(task.key, Status.OK)
    out.files = {gpaw.RESULT: json.dumps({"steps": steps, "version": "1"}).encode()}
    return cells.row_of(task, "p", out)


@pytest.mark.parametrize("phase", phases.all_phases(), ids=lambda p: p.formula)
def test_phase_has_its_atoms_and_no_two_are_close(phase):
    from pymatgen.core import Lattice, Structure

    cell = phases.start(phase)
    units = phases.UNITS[phase.type]
    assert cell.species.count(phase.metal) == units
    assert cell.species.count(phase.halogen) == units * (1 if phase.type == "CsCl" else 2)
    lattice = Lattice(np.reshape(cell.lattice, (3, 3)))
    crystal = Structure(lattice, cell.species, np.reshape(cell.coords, (-1, 3)))
    near = crystal.get_neighbors(crystal[cell.species.index(phase.metal)], 4.5)
    bond = min(site.nn_distance for site in near if site.specie.symbol == phase.halogen)
    assert 2.3 < bond < 4.0
    assert crystal.get_space_group_info()[0] == phases.TYPES[phase.type][0]


def test_every_bx2_once_and_small_cells_first():
    found = phases.all_phases()
    assert len(found) == len({p.formula for p in found}) == 21
    sizes = [len(phases.start(p).species) for p in found]
    assert sizes[0] == 2
    assert sizes[-1] == 12
    assert set(phases.SUBSTITUTES) <= {p.formula for p in found}


def test_job_without_glides_keeps_the_identity_of_before():
    task = phases.sites_task(phases.all_phases()[0], PROTOCOL)
    assert task.job["settings"]["glides"] is True
    plain = supercells.host_task(("Cs", "Pb", "I"), 6.4, PROTOCOL)
    assert "glides" not in plain.job["settings"]


def test_band_edges_of_a_host_are_asked_for_on_the_mesh_of_its_density():
    task = supercells.edges_task(("Cs", "Pb", "I"), 6.4, PROTOCOL)
    host = supercells.host_task(("Cs", "Pb", "I"), 6.4, PROTOCOL)
    assert [s["do"] for s in task.job["steps"]] == ["energy", "edges"]
    assert task.job["settings"]["band_mesh"] == []
    assert (task.job["lattice"], task.key != host.key) == (host.job["lattice"], True)
    steps = {"energy": {"energy_eV": -3.0}, "edges": {"gap_eV": 2.0, "vbm_eV": 0.5}}
    row = finished(task, steps)
    assert (row["phase"], row["vbm_PBE"], row["gap_PBE"]) == ("host, band edges", 0.5, 2.0)


def test_vacancies_of_a_host():
    found = list(supercells.vacancy_tasks(("Cs", "Pb", "I"), 6.4, PROTOCOL))
    assert [(t.phase, t.job["charge"]) for t in found] == [
        ("V_Cs", -1),
        ("V_I", 1),
        ("V_Cs", 0),
        ("V_I", 0),
    ]
    assert {len(t.job["species"]) for t in found} == {39}
    assert len({t.key for t in found}) == 4
    assert found[0].job["mesh"] == [2, 2, 2]


def test_mixed_orderings_hold_half_of_each():
    ions = ("Cs", "Sn", "Pb", "I")
    assert supercells.mixed_of(ions).name == "CsSn_0.5Pb_0.5I_3"
    found = list(supercells.mixed_tasks(ions, 6.3, PROTOCOL))
    assert [len(task.job["species"]) for task in found] == [10, *[40] * 6]
    for task in found:
        species = task.job["species"]
        assert species.count("Sn") == species.count("Pb") == len(species) // 10
    assert (found[0].phase, found[0].job["mesh"]) == ("layers", [4, 4, 2])
    assert found[1].phase.endswith("2 of 70")
    assert supercells.vegard(ions, {"CsSnI_3": 6.2, "CsPbI_3": 6.4}) == pytest.approx(6.3)
    assert supercells.vegard(ions, {"CsSnI_3": 6.2}) is None


def test_result_without_its_step_is_a_failed_row():
    phase = phases.all_phases()[-1]
    row = finished(phases.sites_task(phase, PROTOCOL), {"energy": {"energy_eV": 1.0}})
    assert (row["status"], row["error_class"]) == ("failed", "no_output")
    scan = phases.scan_task(phase, phases.start(phase).coords, PROTOCOL)
    flat = {"scales": [1.0] * 5, "volumes": [1.0, 2, 3, 4, 5], "energies_eV": [5.0, 4, 3, 2, 1]}
    row = finished(scan, {"equation_of_state": flat})
    assert row["error_class"] == "no_minimum"


@pytest.fixture
def campaign(tmp_path, monkeypatch):
    path, count = tmp_path / "python", tmp_path / "count"
    count.touch()
    path.write_text(FAKE.format(python=sys.executable, count=str(count)))
    path.chmod(0o755)
    monkeypatch.setenv(gpaw.VARIABLE, str(path))
    protocol = ("p", PROTOCOL)
    compound = runs.pure_of("Cs", "Pb", "I")
    scan = asked.scan_request(compound, protocol)
    row = runs.row_of(compound.name, "equation_of_state", "p", 6.0, Outcome(scan.calculation_id))
    archive = Archive(tmp_path / "a")
    archive.add([row | {"status": "ok", "lattice": 6.4}], RUNS)
    family = Family("all", lambda known: asked.cells_chain(protocol, known))

    def start() -> tuple[list[dict], list]:
        """Rows of the table after a start of the worker, and what it computed."""
        ledger = Ledger(asked.REQUESTS.kinds, archive, [tmp_path / "j"])
        before = asked.cell_rows(ledger, protocol)
        with ledger.writing(tmp_path / "j"):
            done = list(complete([family], ledger, tmp_path / "s", Counts()))
        return before, done

    return start, count


def test_campaign_computes_once_and_says_what_is_missing(campaign, tmp_path):
    start, count = campaign
    before, new = start()
    assert {r["error_class"] for r in before} == {"not_computed"}
    # 21 phases, 12 of them scanned; host, its edges and four vacancies of the one that is known.
    assert len(new) == len(count.read_text()) == 21 + 12 + 6
    rows, again = start()
    assert again == []
    assert {r["status"] for r in rows} == {"ok"}
    write_table(tmp_path / "t.parquet", rows, CELLS)
    assert len(read_table(Path(tmp_path / "t.parquet"), CELLS)) == len(rows)


def test_mixed_cells_wait_for_both_ends_and_share_a_family_with_them():
    waiting = list(
        asked.mixed_chain(supercells.MIXED[0], ("p", PROTOCOL), lambda r: None, layers=True)
    )
    assert [w.message for w in waiting] == ["waits for the lattice constant of CsSnI_3 and CsPbI_3"]
    assert sorted(map(sorted, asked.groups())) == [["CsGeBr_3", "CsSnBr_3"], ["CsPbI_3", "CsSnI_3"]]


def phase_row(name: str, kind: str, type_: str, energy: float) -> dict:
    return {"name": name, "kind": kind, "phase": type_, "energy": energy, "status": "ok"}


def test_decomposition_energy_by_hand():
    scan = "equation_of_state"
    pure = [
        phase_row("CsSnI_3", scan, "perovskite", -14.0),
        phase_row("CsI", scan, "rocksalt", -6.0),
    ]
    found = [
        phase_row("SnI2", "sites", "CdI2", -7.0),  # not its last step
        phase_row("SnI2", scan, "CdI2", -7.5),
        phase_row("CsI", scan, "CsCl", -6.1),
        phase_row("PbCl2", "sites", "PbCl2", -40.0),
    ]
    assert decomposition.energies(found)["PbCl2"] == ("PbCl2", -10.0)
    published = [{"name": "CsSnI_3", "kind": "pure", "decomposition_PBE": -0.5}]
    excess = [{"a": "K", "x": "I", "excess_eV": 2.4}, {"a": "Cs", "x": "I", "excess_eV": 0.0}]
    rows = {r["name"]: r for r in decomposition.compare(pure, found, published, excess)}
    assert len(rows) == 54
    row = rows["CsSnI_3"]
    assert row["ours_eV"] == pytest.approx(-14.0 + 6.1 + 7.5)
    assert row["ours_rocksalt_eV"] == pytest.approx(-14.0 + 6.0 + 7.5)
    assert row["deviation_eV"] == pytest.approx(0.1)
    assert (row["ax_consistent"], rows["KSnI_3"]["ax_consistent"]) == ("yes", "no")
    assert "no energy" in rows["CsPbI_3"]["status"]
    (reported, *_) = decomposition.summary(list(rows.values()))
    assert (reported["subset"], reported["n"]) == ("all", 1)


def test_vacancies_by_hand():
    name, own = "CsPbI_3", {"kind": "supercell", "status": "ok", "name": "CsPbI_3"}
    lattice = [12.0, 0, 0, 0, 12.0, 0, 0, 0, 12.0]
    energies = {
        ("host", 0): -10.0,
        ("V_Cs", 0): -75.0,
        ("V_Cs", -1): -73.0,
        ("V_I", 0): -76.0,
        ("V_I", 1): -79.0,
        ("host, band edges", 0): -10.0,
    }
    found = [
        own | {"phase": p, "charge": q, "energy": e, "lattice": lattice, "vbm_PBE": 0.7}
        for (p, q), e in energies.items()
    ]
    pure = [
        {"name": "CsI", "kind": "equation_of_state", "status": "ok", "energy": -7.0},
        {"name": name, "kind": "bands", "status": "ok", "vbm_PBE": 1.5},
    ]
    label = {"name": name, "kind": "pure", "refractive_index": 2.0, "defect_energy": 0.5,
             "vacancy_A": 1.0, "vacancy_X": 1.0, "level_A": 0.1, "level_X": 1.0}  # fmt: skip
    rows = {r["quantity"]: r for r in vacancies.compare(pure, found, [label]) if r["name"] == name}
    image = 2.8372974794806 * 14.399645 / (2 * 4.0 * 12.0)
    assert rows["defect_energy"]["uncorrected"] == pytest.approx((-73 - 79 + 160 - 7) / 2)
    assert rows["defect_energy"]["ours"] == pytest.approx(0.5 + image, abs=1e-4)
    assert rows["neutral_pair"]["ours"] == pytest.approx(-75 - 76 + 160 - 7)
    assert rows["neutral_pair"]["published"] == 2.0
    assert rows["level_A"]["uncorrected"] == pytest.approx(2.0 - 1.5)
    assert rows["level_X"]["uncorrected"] == pytest.approx(3.0 - 1.5)
    assert rows["level_X"]["ours"] == pytest.approx(1.5 - image, abs=1e-4)
    filling = {quantity: row["band_filling"] for quantity, row in rows.items()}
    assert filling == pytest.approx(
        {"defect_energy": 0.0, "neutral_pair": -0.8, "level_A": 0.8, "level_X": 0.0}
    )
    missing = [r for r in vacancies.compare(pure, [], [label]) if r["name"] == name]
    assert {r["status"] for r in missing} == {"a cell of it was not computed"}


def mixed_cell(phase: str, energy: float, gap: float) -> dict:
    return {"name": "CsSn_0.5Pb_0.5I_3", "phase": phase, "energy": energy, "gap_PBE": gap,
            "kind": "supercell", "species": ["I"] * 40, "status": "ok", "message": ""}  # fmt: skip


def orderings_by_hand(*cells: dict) -> list[dict]:
    pure = [
        {"name": n, "kind": kind, "status": "ok", "energy": e, "gap_PBE": gap}
        for n, e, gap in (("CsSnI_3", -14.0, 0.5), ("CsPbI_3", -15.0, 1.5))
        for kind in ("equation_of_state", "bands")
    ]
    labels = [
        {"name": n, "decomposition_PBE": d, "gap_PBE": gap}
        for n, d, gap in (
            ("CsSnI_3", -0.1, 0.6), ("CsPbI_3", 0.1, 1.4), ("CsSn_0.5Pb_0.5I_3", 0.2, 0.7)
        )
    ]  # fmt: skip
    return orderings.compare(pure, cells, labels)


def test_energy_and_gap_of_an_ordering_by_hand():
    (row,) = orderings_by_hand(mixed_cell("ordering 5, 6 of 24", -115.0, 0.8))
    assert row["ours_eV"] == pytest.approx(-115 / 8 + 14.5)
    assert row["published_eV"] == pytest.approx(0.2)
    assert row["gap_change_eV"] == pytest.approx(-0.2)
    assert row["published_gap_change_eV"] == pytest.approx(-0.3)
    assert row["share"] == 0.25


def test_the_spread_of_the_gap_weighs_each_ordering_by_its_share():
    nan = float("nan")
    rows = orderings_by_hand(
        mixed_cell("layers", -115.0, nan), mixed_cell("ordering 0, 6 of 8", -115.0, 1.0),
        mixed_cell("ordering 1, 1 of 8", -115.0, 2.0),
        mixed_cell("ordering 2, 1 of 8", -115.0, 2.0),
    )  # fmt: skip
    (found,) = orderings.gap_spreads(rows).values()
    assert found.random == pytest.approx((0.75 * 0.25) ** 0.5)
    assert found.at_300_kelvin == pytest.approx(found.random)  # all of one energy
    assert (found.done, found.asked) == (3, 3)
    own = {r["check_id"]: r for r in checks(Tables(mixing=rows))}
    assert own["ordering_gap_cssn_0.5pb_0.5i_3"]["verdict"] == "fails"
    rows[-1]["gap_eV"] = nan  # two of three say nothing of all
    (found,) = orderings.gap_spreads(rows).values()
    assert (np.isnan(found.random), found.done, found.asked) == (True, 2, 3)
    own = {r["check_id"]: r for r in checks(Tables(mixing=rows))}
    assert own["ordering_gap_cssn_0.5pb_0.5i_3"]["verdict"] == "open"


def test_at_300_kelvin_an_ordering_weighs_by_the_energy_of_its_whole_cell():
    low, high = -115.0, -115.0 + 300 * 8.617333e-5 * np.log(3)  # of cells of 40 atoms, eV
    rows = orderings_by_hand(
        mixed_cell("ordering 0, 1 of 2", low, 1.0), mixed_cell("ordering 1, 1 of 2", high, 2.0)
    )
    (found,) = orderings.gap_spreads(rows).values()
    assert found.random == pytest.approx(0.5)
    assert found.at_300_kelvin == pytest.approx((0.75 * 0.25) ** 0.5)


@pytest.mark.filterwarnings("error")
def test_a_table_of_layers_alone_has_no_spread_and_a_figure_that_says_so(tmp_path):
    rows = orderings_by_hand(mixed_cell("layers", -115.0, float("nan")))
    write_csv(tmp_path / "mixing.csv", rows, orderings.COLUMNS)
    again = read_csv(tmp_path / "mixing.csv", orderings.COLUMNS)
    (found,) = orderings.gap_spreads(again).values()
    assert (np.isnan(found.random), found.done, found.asked) == (True, 0, 0)
    plot_orderings(again, tmp_path / "orderings.png")  # one that cannot be drawn is a warning
    assert (tmp_path / "orderings.png").stat().st_size > 3000


def test_band_edges_that_are_asked_for_and_missing_are_a_failed_row():
    task = supercells.edges_task(("Cs", "Pb", "I"), 6.4, PROTOCOL)
    row = finished(task, {"energy": {"energy_eV": -3.0}})
    assert (row["status"], row["error_class"]) == ("failed", "no_output")


def test_only_the_orderings_of_the_supercell_are_asked_for_a_gap():
    """The zone centre of their cell is the R point of the cubic one; that of the layers is not."""
    tasks = list(supercells.mixed_tasks(("Cs", "Sn", "Pb", "I"), 6.3, PROTOCOL))
    steps = [[s["do"] for s in t.job["steps"]] for t in tasks]
    assert steps == [["energy"], *[["energy", "edges"]] * (len(tasks) - 1)]
    shares = [orderings.share(t.phase) for t in tasks]
    assert np.isnan(shares[0])
    assert sum(shares[1:]) == pytest.approx(1)


def test_scores_of_decomposition_and_film():
    rows = [
        {
            "deviation_eV": d,
            "ax_consistent": c,
            "status": "no energy of SnI2" if np.isnan(d) else "ok",
        }
        for d, c in ((0.02, "yes"), (0.04, "yes"), (-2.4, "no"), (np.nan, "yes"))
    ]
    films = [{"material": "GaAs", "slme_percent": v} for v in (29.7, 33.21)]
    own = {r["check_id"]: r for r in checks(Tables(decomposition=rows))}
    assert own["decomposition_own"]["ours"] == pytest.approx(0.03)
    assert own["decomposition_own"]["n"] == 2
    assert "2 compounds" in own["decomposition_own"]["check"]
    assert own["decomposition_own"]["verdict"] == "holds"
    far = [r | {"deviation_eV": 0.5} for r in rows[:2]]
    verdicts = {r["check_id"]: r["verdict"] for r in checks(Tables(decomposition=far))}
    assert verdicts["decomposition_own"] == "fails"
    assert checks(Tables())[-1]["verdict"] == "open"
    card = {r["claim_id"]: r for r in scorecard([], films)}
    assert card["slme_GaAs"]["verdict"] == "reproduced"
    assert scorecard([])[-1]["verdict"] == "no data"


def test_figure_of_what_there_is(tmp_path):
    """Rows as they come back from csv."""
    row = {"name": "CsSnI_3", "b": "Sn", "x": "I", "ax_consistent": "yes", "status": "ok",
           "ours_eV": -0.4, "published_eV": -0.5, "deviation_eV": 0.1}  # fmt: skip
    gone = row | {"ours_eV": np.nan, "deviation_eV": np.nan, "status": "no energy of SnI2"}
    pair = {"name": "CsSnBr_3", "quantity": "level_A", "ours": 0.1, "uncorrected": 0.2,
            "band_filling": 0.3, "published": 0.0, "status": "ok"}  # fmt: skip
    missing = pair | {"ours": np.nan, "status": "a cell of it was not computed"}
    for number, (rows, pairs) in enumerate([([row, gone], [pair, missing]), ([gone], [missing])]):
        path = tmp_path / f"{number}.png"
        plot_decomposition(rows, pairs, path)
        assert path.stat().st_size > 5000
