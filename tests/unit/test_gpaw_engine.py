"""The GPAW adapter beside a fake program: what is asked, what is kept, what is said on failure."""

from __future__ import annotations

import json
import resource
import sys
import types
from pathlib import Path

import cells
import numpy as np
import pytest

from defectra.core.errors import EngineError
from defectra.core.records import Status
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawProtocol

FAKE = """#!{python}
import json, os, signal, sys
if "-c" in sys.argv:
    {version}
    sys.exit()
job = json.load(open(sys.argv[-2]))
result = sys.argv[-1]
steps = {{"energy": {{"energy_eV": -1.5 - job["charge"]}}}}
{body}
"""
OK = 'json.dump({"steps": steps, "version": "26.7.0"}, open(result, "w"))'
SAYS = (
    'json.dump({{"steps": {{}}, "error": {{"class": "{0}", "message": "{1}"}}}}, '
    'open(result, "w")); sys.exit({2})'
)


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Function that installs a fake program."""

    def install(body: str = OK, version: str = 'print("26.7.0")') -> Path:
        path = tmp_path / "python"
        path.write_text(FAKE.format(python=sys.executable, body=body, version=version))
        path.chmod(0o755)
        monkeypatch.setenv(gpaw.VARIABLE, str(path))
        monkeypatch.delenv(gpaw.LAUNCH, raising=False)
        gpaw._version.cache_clear()
        return path

    return install


def children_cpu() -> float:
    """CPU seconds of all children of this process that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def silicon(shift: float = 0.0) -> gpaw.Cell:
    lattice = 2.715 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    return gpaw.Cell.of(lattice, ["Si", "Si"], [[0, 0, 0], [0.25 + shift, 0.25, 0.25]])


def asked(**options):
    steps = options.pop("steps", [{"do": "energy"}])
    cell = options.pop("cell", silicon())
    protocol = GpawProtocol(**options.pop("protocol", {}))
    return gpaw.job(cell, protocol, steps, **options)


def test_result_and_accounting(fake):
    fake()
    before = children_cpu()
    out = gpaw.run(asked(charge=2))
    assert out.status is Status.OK
    assert gpaw.parse(out.files)["energy"]["energy_eV"] == -3.5
    assert out.calculation_id == gpaw.calculation_id(asked(charge=2))
    assert 0 < out.cpu_s <= children_cpu() - before + 1e-5  # which the version took part of
    assert out.max_rss_mb > 1
    assert gpaw.engine_version() == "gpaw 26.7.0"


@pytest.mark.parametrize(
    "other",
    [
        {"charge": 1},
        {"moments": [1.0, 1.0]},
        {"mesh": [3, 3, 3]},
        {"cell": silicon(1e-6)},
        {"protocol": {"cutoff": 301}},
        {"protocol": {"hubbard": {"Si": ("p", 1.0)}}},
        {"steps": [{"do": "energy"}, {"do": "edges"}]},
    ],
)
def test_what_decides_a_number_is_in_the_identity(other):
    assert gpaw.calculation_id(asked(**other)) != gpaw.calculation_id(asked())


def test_what_decides_no_number_is_not():
    beside = {"description": "x", "timeout_s": 1, "checkpoint": True}
    assert gpaw.calculation_id(asked(protocol=beside)) == gpaw.calculation_id(asked())
    assert gpaw.calculation_id(asked(cell=silicon(1e-10))) == gpaw.calculation_id(asked())


@pytest.mark.parametrize(
    ("body", "status", "error_class", "expected"),
    [
        (SAYS.format("not_self_consistent", "Did not converge!", 3), "unconverged",
         "not_self_consistent", "Did not converge"),
        (SAYS.format("engine_failed", "KeyError: 'Xx'", 1), "failed", "engine_failed", "Xx"),
        (SAYS.format("out_of_memory", "not enough memory", 1), "failed", "out_of_memory", "memory"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "failed", "signal", "signal 9"),
        ("print('x.so: cannot open shared object file'); sys.exit(1)", "failed", "engine_failed",
         "shared object"),
        ("print(\"No module named 'gpaw'\"); sys.exit(1)", "failed", "engine_missing", "gpaw"),
        ("open(result, 'w').write('{\"steps\": {\"ener')", "failed", "truncated_output", "read"),
        ("signal.pause()", "failed", "timeout", "0.5 s"),
    ],
)  # fmt: skip
def test_each_failure_is_a_row_with_its_reason(fake, body, status, error_class, expected):
    fake(body)
    out = gpaw.run(asked(protocol={"timeout_s": 0.5 if "pause" in body else 600}))
    assert (out.status, out.error_class) == (status, error_class)
    assert expected in out.message
    assert "\n" not in out.message


def test_no_program_is_a_sentence(monkeypatch, tmp_path, fake):
    monkeypatch.setenv(gpaw.VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(EngineError, match=r"DEFECTRA_GPAW names .*nowhere"):
        gpaw.program()
    monkeypatch.delenv(gpaw.VARIABLE)
    monkeypatch.setattr(gpaw, "BESIDE", tmp_path / ".venv-gpaw/bin/python")
    with pytest.raises(EngineError, match="make gpaw"):
        gpaw.program()
    assert gpaw.run(asked()).error_class == "engine_missing"
    fake(version="sys.exit(\"ModuleNotFoundError: No module named 'gpaw'\")")
    with pytest.raises(EngineError, match=r"cannot import gpaw: .*No module named"):
        gpaw.engine_version()


@pytest.mark.parametrize("bad", [{"steps": []}, {"steps": [{"do": "dance"}]}, {"moments": [1.0]}])
def test_input_that_fits_nothing_is_refused(bad):
    with pytest.raises(EngineError, match="GPAW: ") as caught:
        asked(**bad)
    assert caught.value.error_class == "bad_input"


def test_steps_of_a_killed_run_are_kept(fake, tmp_path):
    """The folder outlives a failure; what stands in it is what the next run begins from."""
    folder = tmp_path / "job"
    fake('json.dump({"steps": steps}, open(result, "w")); os.kill(os.getpid(), 9)')
    assert gpaw.run(asked(), folder).error_class == "signal"
    fake('assert "energy" in json.load(open(result))["steps"]')
    out = gpaw.run(asked(), folder)
    assert (out.status, out.spent) == (Status.OK, folder)
    assert (folder / gpaw.RESULT).exists(), "until the journal has it"
    assert gpaw.run(asked(), folder, keep=True).spent is None


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"steps": 3}', b'{"steps": {"energy": 1}}'])
def test_damaged_results_are_reported(raw):
    with pytest.raises(EngineError) as caught:
        gpaw.parse({gpaw.RESULT: raw})
    assert caught.value.error_class == "truncated_output"
    with pytest.raises(EngineError, match=r"no result\.json"):
        gpaw.parse({})


def test_job_is_plain_json():
    job = asked(protocol={"hubbard": {"Ni": ("d", 6.0)}})
    assert json.loads(json.dumps(job)) == job


def test_edges_are_found_where_a_hybrid_changes_the_order():
    e = np.array([[[0.0, 1.0, 4.0, 3.0], [0.5, 0.2, 5.0, 6.0]]])
    points = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])
    found = cells._edges(e, 2, points)
    assert (found["vbm_eV"], found["cbm_eV"], found["direct_gap_eV"]) == (1.0, 3.0, 2.0)
    assert found["cbm_point"] == [0, 0, 0]


def test_bands_that_were_not_computed_move_with_the_edges():
    e = np.array([[[-9.0, 0.0, 2.0, 3.0], [-8.0, -1.0, 2.5, 4.0]]])
    found = np.array([[[-0.5, 3.1]]])  # bands 1 and 2 of the first point
    moved = cells._moved(e, found, [0], (1, 2, 3), (0, 0))
    np.testing.assert_allclose(moved[0, 0], [-9.5, -0.5, 3.1, 4.1])
    np.testing.assert_allclose(moved[0, 1], [-8.5, -1.5, 3.6, 5.1])


@pytest.mark.parametrize(("swapped", "gap"), [(False, 0.2), (True, -0.2)])
def test_gap_is_negative_where_the_coupling_turns_the_bands_over(monkeypatch, swapped, gap):
    """Two bands, one occupied: the upper pair of states is made of the occupied one, or not."""
    vectors = np.eye(4)[None]
    states = types.SimpleNamespace(
        eigenvalues=lambda: np.array([[0.0, 0.0, 0.2, 0.2]]),
        eigenvectors=lambda: vectors[:, [2, 3, 0, 1]] if swapped else vectors,
    )
    spinorbit = types.SimpleNamespace(soc_eigenstates=lambda calc, eigenvalues: states)
    monkeypatch.setitem(sys.modules, "gpaw", types.ModuleType("gpaw"))
    monkeypatch.setitem(sys.modules, "gpaw.spinorbit", spinorbit)
    points = types.SimpleNamespace(bzk_kc=np.array([[0.5, 0.5, 0.5]]))
    calc = types.SimpleNamespace(
        get_number_of_electrons=lambda: 2.0, wfs=types.SimpleNamespace(kd=points)
    )
    found = cells._with_spin_orbit(calc)
    assert found["gap_eV"] == pytest.approx(gap)
    assert found["direct_gap_eV"] == pytest.approx(gap)
