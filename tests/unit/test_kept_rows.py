"""Tables that benchmarks measured: kept by run, and shown in the pages as they are kept."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from benchmarks import (
    feff,
    feff_cost,
    feff_upstream,
    nmc_protocol,
    protocol_scan,
    radii,
    references,
    sites,
    whole_run,
)
from benchmarks.kept import PAGE, Kept, machine, when
from defectra.core.errors import DefectraError, TableError
from defectra.report.marked import within

KEPT = (
    (PAGE, "nmc622_radii", protocol_scan.KEPT, protocol_scan.text),
    (PAGE, "licoo2_radii", radii.KEPT, radii.text),
    (PAGE, "sites_split", sites.SPLIT, sites.split_page),
    (PAGE, "references", references.KEPT, references.text),
    (PAGE, "feff_cost", feff_cost.KEPT, feff_cost.text),
    (feff_upstream.REPORT, "feff_upstream", feff_upstream.COSTS, feff_upstream.text),
    (whole_run.PAGE, "whole_run", whole_run.KEPT, whole_run.text),
)


def shown(page, name: str) -> str:
    marks = (f"<!-- {name} begin -->", f"<!-- {name} end -->")
    return within(page.read_text(encoding="utf-8"), marks).strip()


@pytest.mark.parametrize(("page", "name", "kept", "text"), KEPT, ids=[k[1] for k in KEPT])
def test_pages_show_the_rows_that_are_kept(page, name, kept, text):
    if kept.rows():
        assert shown(page, name) == text()
    else:
        unbacked(shown(page, name))


def unbacked(block: str) -> None:
    """What no kept row stands behind is named so."""
    assert not block or "not kept" in block


@pytest.mark.parametrize("case", feff.CASES)
def test_converged_cases_are_shown_as_they_are_kept(case):
    block = shown(PAGE, f"converged_{case.replace(':', '_')}")
    if case in {r["case"] for r in feff.KEPT.rows()}:
        assert block == feff.text(case)
    else:
        unbacked(block)


def table(tmp_path) -> Kept:
    kept = Kept("test", ("lithium", "side"), ("cpu_s",))
    kept.path = tmp_path / "test.csv"
    return kept


def test_the_tables_of_the_scan_are_shown_as_they_are_kept():
    assert shown(PAGE, "nmc_protocol") == nmc_protocol.tables()


def test_a_run_done_again_replaces_its_row_in_its_place(tmp_path):
    kept = table(tmp_path)
    assert kept.rows() == []
    rows = [{"lithium": x, "side": "own", "cpu_s": 1.0, **machine()} for x in ("1.0", "0.1")]
    kept.add(rows)
    kept.add([rows[0] | {"cpu_s": 2.0}])  # its key was read back as a number
    assert [(r["lithium"], r["cpu_s"]) for r in kept.rows()] == [(1.0, 2.0), (0.1, 1.0)]
    with pytest.raises(TableError):
        kept.add([{"lithium": "1.0", "side": "own"}])
    assert len(kept.rows()) == 2


def cost(lithium, element, side, cpu_s, equal=1, rms=0.0):
    row = {"lithium": lithium, "element": element, "side": side, "cpu_s": cpu_s}
    return row | {"equal": equal, "rms": rms, "day": "2026-11-29", "load": 2.0}


def test_costs_are_summed_over_the_same_sites_of_both_cells():
    rows = []
    for lithium, own in ((1.0, 10.0), (0.1, 30.0)):
        rows += [cost(lithium, "O", feff_cost.OWN, own), cost(lithium, "O", feff_cost.CUT, 6.0)]
        rows += [cost(lithium, "O", feff_cost.TOLERANT, 4.0, equal=0, rms=2e-3)]
    found = {(r["cell"], r["side"]): r for r in feff_cost.totals(rows)}
    assert len(found) == 6
    both = found["both cells", feff_cost.CUT]
    assert (both["cpu_s"], both["own_sizes"]) == (12.0, 40.0)
    assert "equal" in both["check"]
    assert "2.0e-03" in found["both cells", feff_cost.TOLERANT]["check"]
    differs = [r | {"equal": 0, "rms": 0.5} if r["side"] == feff_cost.CUT else r for r in rows]
    assert not any("equal" in r["check"] for r in feff_cost.totals(differs))
    with pytest.raises(ValueError, match="missing"):
        list(feff_cost.totals([*rows, cost(0.1, "Ni", feff_cost.OWN, 9.0)]))


def test_an_aim_that_is_missed_is_said(monkeypatch):
    def side(name, cpu_s, rms):
        row = {"case": "X:O", "side": name, "cpu_s": cpu_s, "iterations": 9, "converged": 1}
        row |= {"message": "", "rms_1eV": rms, "rms_2eV": rms, "shift_eV": 0.1, "pre_edge": 0.2}
        return row | {"day": "2026-11-29", "load": float("nan")}

    rows = [side("fast", 3.0, 0.1), side("balanced", 10.0, 0.05), side("stringent", 100.0, 0.0)]
    monkeypatch.setattr(feff.KEPT, "rows", lambda: rows)
    said = feff.text("X:O")
    assert "balanced, pre-edge area +20% (asked: within 15%)" in said
    assert "0.030 (asked: at most 0.04)" in said
    assert "**0.050" not in said
    monkeypatch.setattr(feff.KEPT, "rows", lambda: rows[:2])
    with pytest.raises(DefectraError, match="no converged run"):
        feff.text("X:O")


def test_days_and_loads_of_rows_are_said_once():
    rows = [{"day": "2026-11-29", "load": 2.0}, {"day": "2026-11-30", "load": float("nan")}]
    assert "2026-11-29 to 2026-11-30" in when(rows)
    assert when(rows).endswith("runs began: 2.")
    assert "not noted" in when(rows[1:])


def test_a_run_of_a_loaded_machine_is_not_judged():
    row = {"limit_s": 300.0, "wall_s": 400.0, "cores": 2.0, "load": 0.1}
    assert "missed" in whole_run.verdict(row)
    assert "missed" not in whole_run.verdict(row | {"wall_s": 200.0})
    for change in ({"load": 3.0}, {"cores": 1.0}):
        assert "not judged" in whole_run.verdict(row | change)
    assert whole_run.verdict(row | {"limit_s": float("nan")}) == ""


def test_the_time_of_a_run_that_failed_is_refused(tmp_path):
    python = sys.executable
    used = whole_run.timed([python, "-c", "sum(range(10**6))"], tmp_path)
    assert used["cpu_s"] > 0
    with pytest.raises(RuntimeError, match="ended with 3"):
        whole_run.timed([python, "-c", "raise SystemExit(3)"], tmp_path)
    with pytest.raises(RuntimeError, match="is not there"):
        whole_run.existing(tmp_path / "report.html")


@pytest.mark.parametrize("above", [-0.8, 0.5])
def test_a_shift_is_how_far_a_spectrum_lies_above_the_reference(above):
    """The same sense in the tables of all programs of docs/validation.md."""
    energy = np.arange(500.0, 600.0, 0.1)

    def spectrum(at):
        step = 1 / (1 + np.exp(-(energy - at) / 1.5))
        return {"energy": energy, "mu": step * (1 + np.exp(-0.5 * ((energy - at - 10) / 3) ** 2))}

    ours, reference = spectrum(530.0 + above), spectrum(530.0)
    found = feff.compare(ours, reference, "O")
    assert found["shift_eV"] == pytest.approx(above, abs=0.051)
    assert found["pre_edge"] == pytest.approx(0.0, abs=0.03)
    reference["edge"] = 530.0
    assert nmc_protocol.distance(ours, reference)[1] == pytest.approx(above, abs=0.011)
