"""Our calculations of pure perovskites: asked once, kept, compared; the program is a fake."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import cells
import numpy as np
import pytest

from defectra.campaign.complete import Counts, complete
from defectra.campaign.ledger import Ledger
from defectra.campaign.request import Family
from defectra.core.store import Archive
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawProtocol
from defectra.learn.committee import COMMITTEE
from defectra.studies.perovskites import binary_phases as binary
from defectra.studies.perovskites import parity, runs
from defectra.studies.perovskites import requests as asked
from defectra.studies.perovskites.checks import Tables, checks
from defectra.studies.perovskites.compounds import Compound
from defectra.studies.perovskites.scorecard import scorecard
from defectra.studies.perovskites.tables import RUNS

SEED = 2501
A_TRUE = 6.2

FAKE = """#!{python}
import json, sys
if "-c" in sys.argv:
    sys.exit(print("26.7.0"))
open({count!r}, "a").write("x")
job, result = json.load(open(sys.argv[-2])), sys.argv[-1]
a, steps = job["lattice"][0], {{}}
for step in job["steps"]:
    name = gone = step["do"]
    if name == "equation_of_state":
        v = [(a * s) ** 3 for s in step["scales"]]
        e = [-14 + 2.4 * (x ** (1 / 3) - {true}) ** 2 for x in v]
        steps[name] = {{"scales": step["scales"], "volumes": v, "energies_eV": e}}
    elif name == "energy":
        steps[name] = {{"energy_eV": -14.0}}
    else:
        gap = {{"edges": 1.5, "spin_orbit": -0.1, "hybrid": 2.1}}[name]
        own = {{"vbm_eV": 2.0, "cbm_eV": 2.0 + gap, "gap_eV": gap, "direct_gap_eV": gap,
               "vbm_point": [0.5] * 3, "cbm_point": [0.5] * 3}}
        if name == "hybrid":
            own.update({{"spin_orbit_" + k: v for k, v in own.items()}})
            name = "hybrid_HSE06_" + step["over"]
        steps[name] = own
{extra}
json.dump({{"steps": steps, "version": "26.7.0"}}, open(result, "w"))
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    count = tmp_path / "count"
    count.touch()

    def install(extra: str = "", true: float = A_TRUE) -> Path:
        path = tmp_path / "python"
        path.write_text(
            FAKE.format(python=sys.executable, count=str(count), extra=extra, true=true)
        )
        path.chmod(0o755)
        monkeypatch.setenv(gpaw.VARIABLE, str(path))
        return count

    return install


def compound() -> Compound:
    return next(c for c in runs.pure(SEED) if c.name == "CsSnI_3")


PROTOCOL = ("p", GpawProtocol())


def ledger_of(tmp_path) -> Ledger:
    journals = [tmp_path / "store" / "perovskites-00.journal"]
    return Ledger(asked.REQUESTS.kinds, Archive(tmp_path / "archive"), journals)


def chain(known):
    return asked.compound_chain(compound(), PROTOCOL, known)


def filled(tmp_path) -> tuple[Ledger, list[dict]]:
    """Ledger after a start of the worker, and the rows that it computed."""
    ledger, family = ledger_of(tmp_path), Family(compound().name, chain)
    with ledger.writing(ledger.journals[0]):
        done = [r for r, _ in complete([family], ledger, tmp_path / "store", Counts())]
    return ledger, [ledger.result(request).row for request in done]


def test_pure_compounds_inorganic_first():
    names = [c.name for c in runs.pure(SEED)]
    assert len(set(names)) == 90
    assert names[0] == "CsPbI_3"
    assert not any(n.startswith(("MA", "FA")) for n in names[:54])
    assert names == [c.name for c in runs.pure(SEED)]
    assert names != [c.name for c in runs.pure(SEED + 1)]


def test_cell_is_the_cubic_perovskite():
    cell = runs.cell(compound(), 6.2)
    assert sorted(cell.species) == ["Cs", "I", "I", "I", "Sn"]
    points = np.reshape(cell.coords, (5, 3))
    b = points[cell.species.index("Sn")]
    near = [points[k] for k, s in enumerate(cell.species) if s == "I"]
    gaps = [np.linalg.norm((p - b + 0.5) % 1 - 0.5) for p in near]
    np.testing.assert_allclose(gaps, 0.5)
    assert cell.volume == pytest.approx(6.2**3)


def test_computed_once(fake, tmp_path):
    count = fake()
    _, rows = filled(tmp_path)
    assert [(r["kind"], r["status"]) for r in rows] == [
        ("equation_of_state", "ok"),
        ("bands", "ok"),
    ]
    assert rows[0]["lattice"] == pytest.approx(A_TRUE, abs=5e-3)
    assert rows[1]["lattice"] == round(rows[0]["lattice"], 4)
    assert (rows[1]["gap_PBE"], rows[1]["gap_PBE_SOC"], rows[1]["gap_HSE"]) == (1.5, -0.1, 2.1)
    again, nothing = filled(tmp_path)
    assert nothing == []
    assert len(count.read_text()) == 2
    known = [again(request)["kind"] for request in chain(again)]
    assert known == ["equation_of_state", "bands"]


def test_archive_stands_for_the_journal(fake, tmp_path):
    count = fake()
    one, _ = filled(tmp_path)
    archive = Archive(tmp_path / "archive")
    assert archive.add([one(request) for request in chain(one)], RUNS)
    one.journals[0].unlink()
    assert filled(tmp_path)[1] == []
    assert len(count.read_text()) == 2


@pytest.mark.parametrize(
    ("extra", "true", "error_class", "again"),
    [
        ("sys.exit('a bug')", A_TRUE, "machine:engine_failed", 2),
        ("import os; os.kill(os.getpid(), 9)", A_TRUE, "machine:signal", 2),
        ("", 9.0, "no_minimum", 1),
        ("steps.clear()", A_TRUE, "machine:truncated_output", 2),
    ],
)
def test_failure_is_a_row_and_only_the_machine_is_tried_again(
    fake, tmp_path, extra, true, error_class, again
):
    count = fake(extra, true)
    _, rows = filled(tmp_path)
    assert [(r["status"], r["error_class"]) for r in rows] == [("failed", error_class)]
    assert rows[0]["message"]
    filled(tmp_path)
    assert len(count.read_text()) == again


def test_table_has_a_row_for_each_of_the_ninety(fake, tmp_path):
    fake()
    one, _ = filled(tmp_path)
    rows = asked.run_rows(one, PROTOCOL, SEED)
    assert len({r["name"] for r in rows}) == 90
    assert len(rows) == 91
    reported = {r["name"]: r["message"] for r in rows if r["error_class"] == "not_computed"}
    assert "relaxed" in reported["MAPbI_3"]
    assert "perovskites.complete" in reported["CsPbI_3"]
    Archive(tmp_path / "table").add(rows, RUNS)


def test_scan_moves_on_while_the_energy_falls_and_keeps_each_volume(monkeypatch):
    """The scan of the child, with a calculator that knows the answer."""
    seen: list[float] = []

    class Known:
        def __init__(self, **_):
            pass

        def get_potential_energy(self, atoms, **_):
            seen.append(atoms.cell[0, 0])
            return (atoms.cell[0, 0] - 6.5) ** 2

    interface = types.SimpleNamespace(GPAW=Known)
    monkeypatch.setitem(sys.modules, "gpaw", types.ModuleType("gpaw"))
    monkeypatch.setitem(sys.modules, "gpaw.new", types.ModuleType("gpaw.new"))
    monkeypatch.setitem(sys.modules, "gpaw.new.ase_interface", interface)
    monkeypatch.setattr(cells, "parameters", lambda job: {})
    job = runs.scan_job(compound(), GpawProtocol())
    kept: list[dict] = []
    ground = cells.Ground(job, "-")
    found = cells.equation_of_state(
        ground, job["steps"][0], None, lambda f: kept.append(json.loads(json.dumps(f)))
    )
    start = runs.start(compound())
    assert min(seen) == pytest.approx(0.95 * start)
    assert max(found["scales"]) == pytest.approx(1.05)
    assert start * max(found["scales"]) > 6.5
    seen.clear()
    resumed = cells.equation_of_state(ground, job["steps"][0], kept[2], lambda _: None)
    assert len(seen) == len(resumed["scales"]) - 3
    monkeypatch.setattr(runs, "_CONTACT", 0.80)
    far = runs.scan_job(compound(), GpawProtocol())
    found = cells.equation_of_state(cells.Ground(far, "-"), far["steps"][0])
    assert len(found["scales"]) == 5 + runs.EXTRA


def published(name: str, **labels: float) -> dict:
    one = next(c for c in runs.pure(SEED) if c.name == name)
    base = {"name": name, "kind": "pure", "a": one.a, "b": one.b, "x": one.x}
    return base | {"lattice_PBE": 6.2, "lattice_HSE": 6.3, "gap_PBE": 0.5, "gap_HSE": 1.2} | labels


def ours(name: str, **values: float) -> list[dict]:
    base = {"name": name, "status": "ok", "lattice": 6.2, "gap_PBE": 0.5, "gap_HSE": 1.2,
            "gap_PBE_SOC": 0.1, "gap_HSE_SOC": 0.8}  # fmt: skip
    return [base | values | {"kind": kind} for kind in ("equation_of_state", "bands")]


def test_parity_and_its_remarks():
    rows = parity.compare(
        [
            *ours("CsSnI_3", gap_PBE=0.45),
            *ours("KGeI_3", gap_PBE=0.2),
            *ours("RbPbI_3", lattice=6.4),
            *ours("CsPbI_3", gap_PBE=1.5, gap_PBE_SOC=0.5, gap_HSE=0.9, gap_HSE_coarse=1.19),
        ],
        [published(n) for n in ("CsSnI_3", "KGeI_3", "RbPbI_3", "CsPbI_3", "KBaI_3")],
    )
    assert len(rows) == 12
    by = {(r["name"], r["quantity"]): r for r in rows}
    assert by["CsSnI_3", "gap_PBE"]["deviation"] == pytest.approx(-0.05)
    assert not by["CsSnI_3", "gap_PBE"]["far"]
    assert "off its centre" in by["KGeI_3", "gap_PBE"]["remark"]
    assert "no reason" in by["RbPbI_3", "lattice_PBE"]["remark"]
    assert "spin-orbit" in by["CsPbI_3", "gap_PBE"]["remark"]
    assert "2 x 2 x 2" in by["CsPbI_3", "gap_HSE"]["remark"]
    assert "0.10 Å longer" in by["CsPbI_3", "gap_HSE"]["remark"]
    assert by["CsPbI_3", "gap_HSE"]["published_expansion"] == pytest.approx(0.1)
    reported = {(r["quantity"], r["b"]): r for r in parity.summary(rows)}
    assert reported["gap_PBE", "all"]["n"] == 4
    assert reported["gap_PBE", "all"]["mean"] == pytest.approx((-0.05 - 0.3 + 0 + 1.0) / 4)
    assert reported["gap_PBE", "all"]["at"] == "CsPbI_3"


def test_what_failed_is_not_compared():
    rows = [r | {"status": "failed"} for r in ours("CsSnI_3")]
    assert parity.compare(rows, [published("CsSnI_3")]) == []
    assert parity.summary([]) == []


def test_halides_tell_the_difference_between_two_cations():
    """D(A) - D(A') needs no BX2: shifts of AX and of ABX3 by known amounts."""
    energy = {"CsSnI_3": -14.0, "KSnI_3": -13.5, "CsI": -6.0, "KI": -6.4, "RbSnI_3": -13.0}
    rows = [
        {"name": n, "kind": "equation_of_state", "status": "ok", "energy": e}
        for n, e in energy.items()
    ]
    labels = [
        published(n, decomposition_PBE=d)
        for n, d in (("CsSnI_3", -0.1), ("KSnI_3", 2.6), ("RbSnI_3", 1.0))
    ]
    (found,) = binary.differences(rows, labels)
    assert (found["a"], found["against"]) == ("Cs", "K")
    assert found["ours_eV"] == pytest.approx((-14 + 6) - (-13.5 + 6.4))
    assert found["published_eV"] == pytest.approx(-2.7)
    assert found["deviation_eV"] == pytest.approx(-2.7 + 0.9)
    cs, k = binary.excesses([found])
    assert (cs["a"], cs["excess_eV"], k["a"]) == ("Cs", 0.0, "K")
    assert k["excess_eV"] == pytest.approx(1.8)
    (check,) = [r for r in checks(Tables(excesses=[cs, k])) if r["check_id"] == "salts"]
    assert (check["ours"], check["n"], check["verdict"]) == (1.0, 2, "fails")
    assert "KI" in check["check"]


def test_rock_salt_row_counts_four_units(fake, tmp_path):
    fake(true=4.3)
    job = runs.halide_job("K", "Cl", GpawProtocol())
    assert sorted(job["species"]) == ["Cl", "K"]
    a = (4 * abs(np.linalg.det(np.reshape(job["lattice"], (3, 3))))) ** (1 / 3)
    assert a == pytest.approx(6.38)
    assert len(runs.alkali_halides()) == 9
    rows = asked.run_rows(ledger_of(tmp_path), PROTOCOL, SEED)
    assert {r["phase"] for r in rows} == {runs.PEROVSKITE}


def test_checks_count_and_compare():
    rows = parity.compare(ours("CsSnI_3", gap_PBE=0.45), [published("CsSnI_3")])
    found = {r["check_id"]: r for r in checks(Tables(runs=ours("CsSnI_3"), parity=rows))}
    assert (found["runs"]["ours"], found["runs"]["bound"]) == (1.0, 54.0)
    assert found["runs"]["verdict"] == "fails"
    assert found["parity_gap_PBE"]["ours"] == pytest.approx(0.05)
    assert found["parity_gap_PBE"]["verdict"] == "open"  # one compound has no interval
    more = [r | {"deviation": r["deviation"] + d} for r in rows for d in (-0.01, 0.0, 0.01)]
    found = {r["check_id"]: r for r in checks(Tables(parity=more))}
    assert found["parity_gap_PBE"]["verdict"] == "holds"
    empty = {r["check_id"]: r for r in checks(Tables())}
    assert empty["parity_lattice_PBE"]["verdict"] == "open"
    assert empty["runs"]["verdict"] == "open"


def test_the_known_broken_row_must_be_found_and_no_other():
    def of(*names):
        own = checks(Tables(quality=[{"name": n} for n in names]))
        return next(r["verdict"] for r in own if r["check_id"] == "identities")

    assert of("MAGeI_3", "MAGeI_3") == "holds"
    assert of() == of("CsSnI_3") == of("MAGeI_3", "CsSnI_3") == "fails"


def test_errors_of_authors_are_claims_and_limits_of_ours_are_checks():
    row = {"target": "gap_HSE", "features": "composition", "split": "grouped_5fold", "seed": 1,
           "model": COMMITTEE, "subset": "all", "metric": "rmse", "n_groups": 229,
           "value": 0.19, "lo": 0.17, "hi": 0.21}  # fmt: skip
    again = row | {"seed": 2, "value": 0.21, "lo": 0.19, "hi": 0.23}
    card = {r["claim_id"]: r for r in scorecard([row, again])}
    assert card["authors_gap_HSE"]["ours"] == pytest.approx(0.20)
    assert card["authors_gap_HSE"]["verdict"] == "reproduced"
    assert card["authors_gap_HSE"]["n"] == 229
    own = {r["check_id"]: r for r in checks(Tables(metrics=[row, again]))}
    assert own["limit_gap_hse_grouped_5fold"]["bound"] == 0.19
    assert own["limit_gap_hse_grouped_5fold"]["verdict"] == "open"
    assert card["screened"]["published"] == 574
    assert "funnel.csv" in card["screened"]["claim"]
