"""Campaign, archive and inputs of the computed sets, with a fake engine."""

import json
import math
import sys
from pathlib import Path

import pytest

from defectra.campaign.complete import computed
from defectra.campaign.costs import Law
from defectra.campaign.export import export_rows
from defectra.campaign.ledger import Ledger
from defectra.campaign.study_load import load_of
from defectra.core.errors import EngineError, TableError
from defectra.core.store import Archive
from defectra.engines.gpaw.charged_cells import ChargedCells
from defectra.engines.gpaw.settings import GpawLevelsProtocol
from defectra.studies.levels import calculations, vasp_inputs
from defectra.studies.levels.checks_computed import checks_computed
from defectra.studies.levels.hosts import read_hosts
from defectra.studies.levels.inputs import (
    DefectSet,
    host_request,
    host_requests,
    set_requests,
)
from defectra.studies.levels.requests import REQUESTS, set_families
from defectra.studies.levels.sets import CORRECTIONS, Tables, level_rows
from defectra.studies.levels.tables import CELL_RUNS, HOST_RUNS

HOSTS = Path(__file__).parents[2] / "resources/levels/hosts.csv"
SET = DefectSet("AlP", "M_A", "Cd", (0, -1), 16)


class Engine(ChargedCells):
    """Answers what GPAW would; counts its calls, and dies when told."""

    def __init__(self):
        super().__init__(self.start)
        self.asked = []
        self.dies_after = math.inf

    def available(self):
        return ""

    def version(self):
        return "gpaw fake"

    def start(self, requests, timeout_s, results):
        for request in requests:
            if len(self.asked) >= self.dies_after:
                raise KeyboardInterrupt
            self.asked.append(request["id"])
            found = self.host() if request["kind"] == "host" else self.cell(request)
            (results / f"{request['id']}.json").write_text(json.dumps(found))

    def host(self):
        edges = {"vbm_eV": 4.0, "cbm_eV": 5.6, "gap_eV": 1.6, "gamma_gap_eV": 3.0}
        return {
            "status": "ok",
            "message": "",
            "lattice_A": 5.5125,
            "n_electrons": 8,
            "eos": {"bulk_modulus_GPa": 82.0, "energy_eV": -10.3},
            **dict.fromkeys(("LDA", "PBE"), edges),
            "PBE+SOC": {**edges, "splitting_eV": 0.06},
            "HSE06@PBE": {**edges, "vbm_eV": 3.5},
            "epsilon_rpa": {"with_local_fields": 7.9, "without_local_fields": 8.9},
            **self.account(),
        }

    def cell(self, request):
        n = len(request["species"])
        states = {"energy_eV": [4.0, 5.6], "occupation": [1.0, 0.0], "weight": [2.0, 2.0]}
        return {
            "status": "ok",
            "message": "",
            "energy_eV": -5.0 * n - 4.6 * request["charge"],
            "fermi_eV": 4.8,
            "n_electrons": 4.0 * n,
            "potentials_V": [60.0] * n,
            "states": states,
            **self.account(),
        }

    def account(self):
        return {"wall_s": 1.0, "cpu_s": 1.0, "version": "gpaw fake", "max_rss_mb": 1.0}


@pytest.fixture
def protocol(config):
    return config.protocols.gpaw_levels["fast"]


@pytest.fixture
def hosts(root, protocol):
    return host_requests(["AlP"], read_hosts(root / "resources/levels/hosts.csv"), protocol)


def families(protocol):
    return set_families([SET], {"fast": protocol}, read_hosts(HOSTS))


def known(engine, protocol, journal, archive=None):
    """Ledger after a start of the worker."""
    ledger = Ledger(REQUESTS.kinds, archive, engines=lambda name: engine)
    return computed(families(protocol), ledger, journal)


def tables_of(engine, protocol, journal, ratios=None):
    ledger = known(engine, protocol, journal)
    return calculations.tables_of(ledger, Archive(journal.parent / "none"), ratios or {})


def test_a_second_run_computes_nothing_and_a_killed_one_goes_on(tmp_path, protocol):
    journal, engine = tmp_path / "j", Engine()
    engine.dies_after = 3  # in the middle of a batch
    with pytest.raises(KeyboardInterrupt):
        known(engine, protocol, journal)
    engine.dies_after = math.inf
    known(engine, protocol, journal)
    # host, bulk, two charges: what was finished in the batch was kept by the engine's folder
    assert len(set(engine.asked)) == 4
    before = len(engine.asked)
    assert not list(tmp_path.rglob("*.json")), "the journal has them"
    assert known(engine, protocol, journal)
    assert len(engine.asked) == before


def test_without_gpaw_the_campaign_says_how_to_get_it(tmp_path, protocol, monkeypatch):
    monkeypatch.setenv("DEFECTRA_GPAW", str(tmp_path / "nothing"))
    with pytest.raises(EngineError, match="DEFECTRA_GPAW"):
        computed(families(protocol), Ledger(REQUESTS.kinds), tmp_path / "j")


def test_a_host_that_crashes_is_tried_again_and_its_sets_wait(tmp_path, protocol):
    engine = Engine()
    engine._start = lambda requests, timeout_s, results: EngineError("crashed", "the child died")
    ledger = known(engine, protocol, tmp_path / "j")
    (record,) = ledger.records().values()
    assert record.row["error_class"] == "machine:crashed"
    assert calculations.own_rows(ledger) == ([], [])
    again = Engine()
    known(again, protocol, tmp_path / "j")
    assert len(again.asked) == 4


def test_archive_gives_the_levels_back_without_engine_or_library(tmp_path, protocol):
    ledger, archive = known(Engine(), protocol, tmp_path / "j"), Archive(tmp_path / "archive")
    counts = export_rows(families(protocol), ledger, archive)
    assert counts == {"level_hosts": 1, "level_cells": 3}
    assert set(export_rows(families(protocol), ledger, archive).values()) == {0}
    assert {r["origin"] for t in (HOST_RUNS, CELL_RUNS) for r in archive.read(t)} == {"archive"}
    fixed = {"point_charge_eV": 0.3, "alignment_eV": 0.1, "spread_V": 0.02, "epsilon": 7.9}
    fixed |= {"freysoldt_eV": 0.5, "library": "x"}
    cells = [r["calculation_id"] for r in archive.read(CELL_RUNS) if r["charge"]]
    archive.add([{"calculation_id": k, **fixed} for k in cells], CORRECTIONS)
    tables = calculations.tables_of(Ledger(REQUESTS.kinds), archive, {})
    (row,) = level_rows([SET], tables, {"fast": protocol}, 0.14, {})
    assert row["corrected_eV"] == pytest.approx(4.6 - 4.0 + 0.4)
    assert row["aligned_eV"] == pytest.approx(row["level_eV"] + 0.5)
    engine = Engine()
    known(engine, protocol, tmp_path / "new", archive)
    assert engine.asked == []


def test_the_cost_of_relaxed_cells_is_not_that_of_ideal_ones(tmp_path, protocol):
    """Laws of hosts and ideal cells: a relaxed set has a cost that is not known, bulk aside."""
    laws = {
        ("gpaw_levels", "", kind): Law("gpaw_levels", "", kind, 36.0, 1.0, 0, 0, 1.0, 0, 9, (2, 64))
        for kind in ("level_hosts", "level_cells")
    }
    ledger = known(Engine(), protocol, tmp_path / "j")
    empty = Ledger(REQUESTS.kinds)
    ideal = load_of(families(protocol), empty, laws)
    assert ideal.unknown == {}
    for start in (empty, ledger):  # the host not computed, so that all waits; the host computed
        relaxed = load_of(families(protocol.model_copy(update={"fmax": 0.05})), start, laws)
        assert sum(relaxed.unknown.values()) >= 2
        assert all("relaxed cell" in name for name in relaxed.unknown)


def test_a_set_that_is_not_computed_is_a_row(protocol, tmp_path):
    tables = calculations.tables_of(Ledger(REQUESTS.kinds), Archive(tmp_path), {})
    (row,) = level_rows([SET], tables, {"fast": protocol}, 0.14, {})
    assert row["status"] == "failed"
    assert row["message"].startswith("not computed")


def test_the_ranked_list_becomes_sets(config):
    ranked = [{"host": "BN", "site": "M_A", "impurity": "Cu", "charges": "+1 0 -1"}] * 3
    (first,) = calculations.sets_of_next(ranked, config.levels.live)
    assert first == DefectSet("BN", "M_A", "Cu", (1, 0, -1), 16)


def test_vasp_inputs_ask_for_the_users_potcar(tmp_path, protocol):
    files = vasp_inputs.inputs(SET, 5.5, protocol)
    assert not any(name.endswith("POTCAR") for name in files)
    vasp_inputs.write(files, tmp_path)
    folder = tmp_path / "AlP_Cd_M_A"
    assert len({(folder / d / "KPOINTS").read_text() for d in ("bulk", "charge_-1")}) == 1
    assert "NELECT" not in (folder / "charge_+0/INCAR").read_text()
    with pytest.raises(EngineError, match="your own POTCAR"):
        vasp_inputs.finish(tmp_path)
    kinds = (folder / "charge_-1/POSCAR").read_text().splitlines()[5].split()
    valence = {"Cd": 12.0, "Al": 3.0, "P": 5.0}
    text = "".join(f" TITEL = PAW_PBE {k} 1\n ZVAL = {valence[k]}\n" for k in kinds)
    (folder / "charge_-1/POTCAR").write_text(text)
    assert vasp_inputs.finish(tmp_path) == 1
    incar = (folder / "charge_-1/INCAR").read_text()
    assert f"NELECT = {12 + 7 * 3 + 8 * 5 + 1}" in incar
    (folder / "charge_-1/POTCAR").write_text(text.replace("Cd", "Zn"))
    with pytest.raises(EngineError, match="Zn"):
        vasp_inputs.finish(tmp_path)


def test_the_id_is_the_hash_of_the_request(hosts):
    import hashlib

    request = dict(hosts["AlP"])
    name = request.pop("id")
    text = json.dumps(request, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == name


def test_recomputed_levels_are_compared_without_the_correction_library(
    tmp_path, root, hosts, protocol, config, monkeypatch
):
    for name in {"pydefect", *(n for n in sys.modules if n.startswith("pydefect."))}:
        monkeypatch.setitem(sys.modules, name, None)
    archived = tables_of(Engine(), protocol, tmp_path / "j")
    live = config.levels.live.model_copy(update={"sets": str(root / config.levels.live.sets)})
    properties = read_hosts(root / "resources/levels/hosts.csv")
    engine, asked = Engine(), ({"fast": protocol}, properties, tmp_path / "anew", archived)
    (row,) = calculations.recompute(live, *asked, engines=lambda name: engine)
    assert row["difference_eV"] == pytest.approx(0.0, abs=1e-9)
    assert row["archived_eV"] == pytest.approx(0.6)
    assert row["cpu_s"] == 4
    (level,) = level_rows([SET], archived, {"fast": protocol}, 0.14, {})
    assert level["mark"] == "not corrected"
    assert math.isnan(level["corrected_eV"])
    assert "make corrections" in level["message"]
    unknown = live.model_copy(update={"recompute": ["X M_A Y 16 fast"]})
    with pytest.raises(TableError, match="recompute"):
        calculations.recompute(unknown, *asked)


def test_a_protocol_that_went_through_a_rule_asks_for_the_same_calculations(protocol):
    again = GpawLevelsProtocol.model_validate_json(protocol.model_dump_json())
    chosen = DefectSet("BP", "M_A", "Be", (0, -1), 16)
    ids = [[r["id"] for r in set_requests(chosen, 4.55, p)] for p in (protocol, again)]
    assert ids[0] == ids[1]
    assert host_request("BP", 4.55, protocol)["id"] == host_request("BP", 4.55, again)["id"]


@pytest.mark.parametrize("lacks", ["archive", "this run", "both"])
def test_a_level_that_one_side_lacks_is_a_failed_row_with_the_reason(
    tmp_path, root, hosts, protocol, config, lacks
):
    whole = tables_of(Engine(), protocol, tmp_path / "j")
    cells = {k: r | {"energy_eV": math.nan} for k, r in whole.cells.items()}
    broken = Tables(whole.hosts, cells, {})
    rows = {name: level_rows([SET], t, {"fast": protocol}, 0.0, {})[0]
            for name, t in (("whole", whole), ("broken", broken))}  # fmt: skip
    before, now = (rows["broken" if lacks in (side, "both") else "whole"]
                   for side in ("archive", "this run"))  # fmt: skip
    row = calculations.compared(before, now, 1.0, "gpaw", "")
    assert row["status"] == "failed"
    assert math.isnan(row["difference_eV"])
    sides = {"archive", "this run"} if lacks == "both" else {lacks}
    assert all(f"no level in {side}: " in row["message"] for side in sides)
    assert set(row) == set(calculations.DRIFT_COLUMNS)
    good = calculations.compared(rows["whole"], rows["whole"], 1.0, "gpaw", "")
    assert (good["status"], good["difference_eV"]) == ("ok", 0.0)

    def drift_check(*drift):
        found = checks_computed([], drift)
        return next(c["verdict"] for c in found if c["check_id"] == "live_drift")

    assert drift_check(good, row) == "open"
    assert drift_check(good) == "holds"


@pytest.mark.parametrize(("name", "exact"), [("fast", 0), ("hybrid", 1), ("self_consistent", 1)])
def test_vasp_inputs_of_a_protocol_by_a_hybrid_ask_for_exact_exchange(config, name, exact):
    files = vasp_inputs.inputs(SET, 5.5, config.protocols.gpaw_levels[name])
    incars = [text for path, text in files.items() if path.endswith("INCAR")]
    assert incars
    assert {text.count("LHFCALC = .TRUE.") for text in incars} == {exact}
