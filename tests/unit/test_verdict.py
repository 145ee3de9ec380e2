"""What counts as finished: a white list, with the engine's own output as the evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from defectra.campaign import node
from defectra.campaign.verdict import unfinished
from defectra.core.errors import DefectraError
from defectra.core.records import CALCULATIONS
from defectra.core.store import Archive
from defectra.engines import verdict

ROOT = Path(__file__).resolve().parents[2]
XMU = b"# Mu= 1 eV\n 1.0 2.0 3.0 4.0 5.0 6.0\n"
CONVERGED = b"SCF ITERATION NUMBER  7\nConvergence reached in    7 iterations.\n"
RAN_OUT = b"SCF ITERATION NUMBER 80\n:WARNING Convergence not reached; ran out of iterations.\n"
REFUSAL = b"Launching FEFF\nToo many atoms, maximum is     4000\nRDINP-3\n"
STEPS = json.dumps({"steps": {"energy": {"energy": 1.0}}}).encode()
NOT_SCF = json.dumps({"steps": {}, "error": {"class": "not_self_consistent"}}).encode()


def marked(engine: str, found: dict, files: dict) -> dict:
    """As the ledger records it."""
    return found if verdict.is_finished(engine, found, files) else unfinished(found)


def row(status: str, error_class: str = "", message: str = "") -> dict:
    return {"status": status, "error_class": error_class, "message": message}


@pytest.mark.parametrize(
    ("engine", "found", "files"),
    [
        ("feff", row("ok"), {"xmu.dat": XMU, "log1.dat": CONVERGED}),
        ("feff", row("unconverged", "not_self_consistent"), {"xmu.dat": XMU, "log1.dat": RAN_OUT}),
        ("feff", row("failed", "input_refused"), {"log.dat": REFUSAL}),
        ("feff", row("failed", "input_refused"),
         {"stages.json": b'{"error": "line 10: unrecognized keyword"}'}),
        ("gpaw", row("ok"), {"result.json": STEPS}),
        ("gpaw", row("unconverged", "not_self_consistent"), {"result.json": NOT_SCF}),
        ("gpaw", row("failed", "no_minimum"), {"result.json": STEPS}),
    ],
)  # fmt: skip
def test_what_the_output_proves_is_finished_and_without_it_nothing_is(engine, found, files):
    assert verdict.is_finished(engine, found, files)
    assert marked(engine, found, files) == found
    damaged = [{}, dict.fromkeys(files, b""), {n: b[: len(b) // 3] for n, b in files.items()}]
    for bad in damaged:
        assert not verdict.is_finished(engine, found, bad), bad
        reported = marked(engine, found, bad)
        assert verdict.is_machine(reported["error_class"]), reported
        assert reported["status"] != "ok", reported


CAUSES = [
    ("engine_failed", "OSError: [Errno 28] No space left on device", "no_space"),
    ("engine_failed", "Fortran runtime error: Cannot allocate memory", "out_of_memory"),
    ("engine_missing", "python cannot be started (Cannot allocate memory)", "out_of_memory"),
    ("engine_failed", "ImportError: libgfortran.so.5", "import_error"),
    ("engine_failed", "FEFF stopped without a message", "engine_failed"),
    ("signal", "ended by signal 9", "signal"),
    ("timeout", "stopped after 2 s", "timeout"),
    ("truncated_output", "xmu.dat: line 7 is cut off", "truncated_output"),
    ("", "", "unknown"),
]


@pytest.mark.parametrize(("error_class", "message", "cause"), CAUSES)
@pytest.mark.parametrize("engine", ["feff", "gpaw", "synthetic", "another"])
def test_every_other_failure_is_the_machine_s(engine, error_class, message, cause):
    reported = marked(engine, row("failed", error_class, message), {"log.dat": REFUSAL})
    assert reported["error_class"] == f"machine:{cause}"
    assert not verdict.is_finished(engine, reported, None), "nor in an archive"
    assert not verdict.is_finished(engine, row("failed", error_class, message), None)


def test_a_refusal_counts_only_where_feff_itself_stopped():
    assert verdict.feff_refusal({"log.dat": REFUSAL}).startswith("Too many atoms")
    cut = REFUSAL.replace(b"RDINP-3\n", b"")
    assert not verdict.feff_refusal({"log.dat": cut}), "the log does not end by FEFF's own hand"
    other = REFUSAL.replace(b"Too many atoms, maximum is", b"Cannot open unit")
    assert not verdict.feff_refusal({"log.dat": other}), "no sentence about the input"
    crash = {"stages.json": b'{"error": "stage pot: killed by signal 9"}'}
    assert not verdict.feff_refusal(crash)


def test_an_unconverged_spectrum_whose_second_attempt_the_machine_stopped_is_tried_again():
    files = {"xmu.dat": XMU, "log1.dat": RAN_OUT}
    found = row("unconverged", "machine:timeout", "80 iterations did not do; second attempt: ...")
    assert not verdict.is_finished("feff", found, files)
    assert not verdict.is_finished("feff", row("unconverged", "not_self_consistent"), {})
    no_log = row("unconverged", "not_self_consistent") | {"iterations": 0}
    assert not verdict.is_finished("feff", no_log), "an archived row without iterations"


def test_every_row_of_the_shipped_archive_is_finished():
    for folder in ("archive", "archive/ladder"):
        archive = Archive(ROOT / "resources" / folder)
        rows = archive.read(CALCULATIONS)
        assert rows
        kept = archive.read(CALCULATIONS, keep=lambda r: verdict.is_finished(r["engine"], r))
        assert repr(kept) == repr(rows)


def test_a_poisoned_archive_row_gives_way_to_the_finished_one(tmp_path):
    archive = Archive(tmp_path)
    good = Archive(ROOT / "resources/archive").read(CALCULATIONS)[0]
    bad = good | row("failed", "engine_failed", "FEFF stopped without a message")

    def keep(found: dict) -> bool:
        return verdict.is_finished(found["engine"], found)

    archive.add([bad], CALCULATIONS)
    assert archive.read(CALCULATIONS, keep=keep) == []
    assert archive.add([good], CALCULATIONS, keep)
    assert archive.add([good], CALCULATIONS, keep) is None
    assert repr(archive.read(CALCULATIONS, keep=keep)) == repr([good])


def test_levels_results_are_finished_only_with_a_number_or_a_reason():
    assert verdict.is_level_result({"status": "ok", "energy_eV": -3.0})
    assert verdict.is_level_result({"lattice_A": 5.4})
    assert verdict.is_level_result({"status": "unconverged", "message": "x", "energy_eV": None})
    for bad in ({}, {"status": "ok", "energy_eV": float("nan")}, {"status": "unconverged"}):
        assert not verdict.is_level_result(bad)


FAILED = row("failed", "machine:signal", "ended by signal 9")


def stops(rows, *, before=False) -> bool:
    """Whether a guard that sees these rows, one after the other, ends the work."""
    guard = node.Guard()
    try:
        for each in rows:
            guard.see(each, before=before)
    except node.NodeError:
        return True
    return False


def test_a_guard_stops_after_three_in_a_row_and_names_the_node():
    guard = node.Guard()
    for _ in range(node.IN_A_ROW - 1):
        guard.see(FAILED)
    with pytest.raises(node.NodeError, match="signal 9") as caught:
        guard.see(FAILED)
    assert isinstance(caught.value, DefectraError)
    for word in (node.platform.node(), node.tempfile.gettempdir(), "MB free", "kept"):
        assert word in str(caught.value)


def test_a_node_on_which_all_of_few_calculations_failed_has_not_done_its_work():
    full = row("failed", "machine:no_space", "No space left on device")
    guard = node.Guard()
    guard.see(full)
    with pytest.raises(node.NodeError, match="nothing that was computed succeeded"):
        guard.end()
    guard.see(row("ok"))
    guard.see(full)
    guard.end()  # others succeeded: a row that the next start tries again
    crash = node.Guard()
    crash.see(FAILED)
    crash.end()  # a signal may be its own: a row
    again = node.Guard()
    again.see(full, before=True)
    again.end()  # it crashed before, wherever that was: a row
    node.Guard().end()


def test_a_success_or_a_refusal_between_lets_it_go_on():
    for between in (row("ok"), row("failed", "input_refused")):
        assert not stops(between if k % 3 == 2 else FAILED for k in range(20))
    assert stops(row("ok") if k % 4 == 3 else FAILED for k in range(20)), (
        "three in a row do stop it"
    )


def test_what_failed_at_an_earlier_start_does_not_hold_up_the_others():
    assert not stops([FAILED] * 10, before=True)
    assert stops([FAILED] * 10)
