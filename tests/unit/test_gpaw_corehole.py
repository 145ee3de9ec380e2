"""Core holes by GPAW beside a recorded run: what is asked, what is read, how it fails."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.crystals import crystal
from defectra.core.config import load
from defectra.core.errors import EngineError
from defectra.engines.finished.importing import import_tree
from defectra.engines.gpaw import corehole as gpaw_corehole
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.corehole import mesh, parse, repeats, voigt_sum
from defectra.engines.gpaw.settings import GpawCoreHoleProtocol
from defectra.engines.spectrum import spectrum_engine

DATA = Path(__file__).parent.parent / "data" / "gpaw_lco"
PROGRAMS = Path(gpaw_corehole.__file__).with_name("programs")
FAKE = """#!{python}
import json, os, signal, sys
if "-c" in sys.argv:
    print("26.7.0")
    sys.exit()
assert os.environ["PYTHONSAFEPATH"] == "", "the program would not find its neighbours"
program, job, result = sys.argv[1:]
assert os.path.basename(program) == "corehole.py"
job = json.load(open(job))
{body}
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Function that installs a fake Python with GPAW."""

    def install(body: str) -> None:
        path = tmp_path / "python"
        path.write_text(FAKE.format(python=sys.executable, body=body))
        path.chmod(0o755)
        monkeypatch.setenv(gpaw.VARIABLE, str(path))
        gpaw._version.cache_clear()

    yield install
    gpaw._version.cache_clear()


@pytest.fixture(scope="module")
def cell():
    return crystal("LiCoO2")


@pytest.fixture(scope="module")
def recorded():
    return (DATA / "result.json").read_bytes()


def oxygen(cell):
    return gpaw_corehole.site(cell, cell["species"].index("O"))


def test_the_job_says_all(cell):
    protocol = GpawCoreHoleProtocol(image_distance=4.9, spacing=1.3)
    job = oxygen(cell).job("K", protocol)
    assert len(job["species"]) == 16  # four cells
    assert job["species"][job["site"]] == "O"
    assert job["mesh"] == [2, 2, 2]
    assert job["hole"] == "full"
    assert job["settings"]["hubbard"]["Co"] == ["d", 3.3]
    lattice, coords = np.reshape(job["lattice"], (3, 3)), np.reshape(job["coords"], (-1, 3))
    from pymatgen.core import Lattice, Structure
    from pymatgen.core.structure import Structure as Plain

    whole = Structure(Lattice(lattice), job["species"], coords)
    given = Plain(
        Lattice(np.reshape(cell["lattice"], (3, 3))), cell["species"],
        np.reshape(cell["coords"], (-1, 3)),
    )  # fmt: skip
    assert whole.matches(given, primitive_cell=True, scale=False)
    for structure in (whole, given):
        index = job["site"]
        found = sorted(n.nn_distance for n in structure.get_neighbors(structure[index], 3.0))
        assert found[:3] == pytest.approx([found[0]] * 3, abs=1e-3)  # O has three Co neighbours


@pytest.mark.parametrize(
    "other", [{"hole": "half"}, {"spin": False}, {"cutoff": 281}, {"fwhm": 0.7},
              {"hubbard": {"Co": ("d", 4.0)}}, {"edge_energy": False}, {"image_distance": 6.0},
              {"moments": {"Co": 1.0}}],
)  # fmt: skip
def test_what_decides_a_number_is_in_the_identity(cell, other):
    site = oxygen(cell)
    assert site.identity("K", GpawCoreHoleProtocol(**other)) != site.identity(
        "K", GpawCoreHoleProtocol()
    )


def test_what_decides_none_is_not(cell):
    site = oxygen(cell)
    beside = GpawCoreHoleProtocol(description="x", timeout_s=1)
    assert site.identity("K", beside) == site.identity("K", GpawCoreHoleProtocol())


def test_wrong_edges_and_sites_are_reported(cell):
    with pytest.raises(EngineError, match="only K"):
        oxygen(cell).job("L3", GpawCoreHoleProtocol())
    with pytest.raises(EngineError, match="site 9 of a cell of 4"):
        gpaw_corehole.site(cell, 9).job("K", GpawCoreHoleProtocol())
    with pytest.raises(EngineError, match="image_distance"):
        oxygen(cell).job("K", GpawCoreHoleProtocol(image_distance=20))


def test_repeats_and_mesh():
    assert repeats(np.eye(3) * 4.0, 4.0) == (1, 1, 1)
    assert repeats(np.diag([2.0, 4.0, 9.0]), 7.9) == (4, 2, 1)
    skew = np.array([[4.0, 0, 0], [3.9, 1.0, 0], [0, 0, 8.0]])  # a2 - a1 is short
    times = repeats(skew, 3.9)
    rows = skew * np.array(times)[:, None]
    assert min(np.linalg.norm(n @ rows) for n in ([1, -1, 0], [1, 0, 0], [0, 1, 0])) >= 3.9
    assert mesh(np.eye(3) * 2 * np.pi, 0.5) == [2, 2, 2]
    assert mesh(np.eye(3) * 2 * np.pi, 1.01) == [1, 1, 1]


def test_sum_of_profiles_keeps_the_area_and_the_place():
    grid = np.arange(-60.0, 60.0, 0.05)
    none = np.zeros(2)
    mu = voigt_sum(grid, np.array([0.0, 3.0]), np.array([2.0, 1.0]), 0.6, none)
    assert np.trapezoid(mu, grid) == pytest.approx(3.0, rel=1e-6)
    assert np.trapezoid(mu * grid, grid) == pytest.approx(3.0, rel=1e-6)
    one, at = np.ones(1), np.zeros(1)
    wide, sharp = (voigt_sum(grid, at, one, 0.6, g) for g in (one, at))
    assert wide.max() < 0.5 * sharp.max()
    assert np.trapezoid(wide, grid) == pytest.approx(1 - 2 * np.arctan(0.5 / 60) / np.pi, abs=1e-3)


def test_a_recorded_run_is_read(recorded):
    found = parse({"result.json": recorded})
    steps = gpaw.parse({"result.json": recorded})
    assert found.edge == pytest.approx(steps["excited"]["total_eV"] - steps["ground"]["total_eV"])
    assert 525 < found.edge < 540
    # Nothing absorbs below the first transition, which stands at the edge.
    assert found.mu[found.energy < found.edge - 2.5].max() < 0.05 * found.mu.max()
    assert found.mu[np.abs(found.energy - found.edge) < 2].max() > 0.1 * found.mu.max()
    assert np.isnan(found.edge_step)
    assert found.converged
    assert found.energy[-1] > found.edge + 25


def test_without_total_energies_the_axis_is_the_fermi_level(recorded):
    result = json.loads(recorded)
    del result["steps"]["ground"]
    found = parse({"result.json": json.dumps(result).encode()})
    assert np.isnan(found.edge)
    assert found.efermi == pytest.approx(0.0)
    assert found.mu[found.energy < -3.0].max() < 0.05 * found.mu.max()


def _with_nan(raw):
    result = json.loads(raw)
    result["steps"]["spectrum"]["spins"][0]["strength"][0] = float("nan")
    return json.dumps(result).encode()


def test_the_absorber_keeps_its_u(monkeypatch):
    monkeypatch.syspath_prepend(str(PROGRAMS))
    import corehole

    job = {"species": ["Ni", "O", "Ni"], "site": 2, "settings": {"hubbard": {"Ni": ["d", 6.0]}}}
    assert corehole.setups(job, "fch1s") == {"Ni": ":d,6.000", 2: "fch1s:d,6.000"}
    assert corehole.setups(job, "") == {"Ni": ":d,6.000"}
    assert corehole.setups(job | {"site": 1}, "fch1s")[1] == "fch1s"


def test_a_run_without_a_spectrum_keeps_its_own_reason(fake, cell, tmp_path):
    fake('json.dump({"steps": {}, "error": {"class": "not_self_consistent", "message": "no"}}, '
         "open(result, 'w')); sys.exit(3)")  # fmt: skip
    index = cell["species"].index("O")
    protocol = ("fast", GpawCoreHoleProtocol())
    engine = spectrum_engine("gpaw_corehole")
    request = engine.site(cell, index).request("K", protocol)
    found = engine.result(request, engine.run(request, tmp_path / "run" / "a"))
    row, spectrum = found.row, found.beside.get("spectra")
    assert spectrum is None
    assert (row["status"], row["error_class"]) == ("failed", "not_self_consistent")
    assert row["message"] == "GPAW: no"


def test_a_good_run_outlives_a_kill_before_it_is_in_the_tables(fake, cell, tmp_path):
    fake(f"import shutil; shutil.copy({str(DATA / 'result.json')!r}, result)\n"
         "open('log.txt', 'w').write('x')")  # fmt: skip
    oxygen(cell).run("K", GpawCoreHoleProtocol(), tmp_path / "run/a")
    assert (tmp_path / "run/a/log.txt").exists()
    fake("assert len(json.load(open(result))['steps']) == 3")  # the program finds all steps done
    assert oxygen(cell).run("K", GpawCoreHoleProtocol(), tmp_path / "run/a").status == "ok"


def test_a_python_that_cannot_be_asked_is_reported(fake, monkeypatch, tmp_path):
    path = tmp_path / "plain"
    path.write_text("")
    monkeypatch.setenv(gpaw.VARIABLE, str(path))
    with pytest.raises(EngineError, match="which is no program"):
        gpaw.engine_version()
    path.chmod(0o755)  # neither binary nor script
    with pytest.raises(EngineError, match="cannot be asked"):
        gpaw.engine_version()
    fake("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(gpaw.VARIABLE, "./python")
    assert gpaw.program().is_absolute()

    def hang(*_, **__):
        raise subprocess.TimeoutExpired("python", 300)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(EngineError, match="timed out"):
        gpaw.engine_version()


@pytest.mark.parametrize(
    ("damage", "error_class"),
    [
        (lambda r: b"", "truncated_output"),
        (lambda r: r[: len(r) // 2], "truncated_output"),
        (lambda r: json.dumps({**json.loads(r), "steps": {}}).encode(), "truncated_output"),
        (lambda r: r.replace(b'"strength": [', b'"strength": [NaN, ', 1), "truncated_output"),
        (_with_nan, "not_finite"),
        (lambda r: r.replace(b'"spins"', b'"spans"'), "truncated_output"),
        (lambda r: _put(r, ("steps", "spectrum", "empty"), float("nan")), "not_finite"),
        *[(lambda r, v=v: _put(r, ("steps", "spectrum", "complete_eV"), v), e)
          for v, e in ((float("nan"), "not_finite"), (-100, "truncated_output"),
                       (1e13, "truncated_output"))],
        *[(lambda r, k=k: _put(r, ("steps", "spectrum", k), None), "truncated_output")
          for k in ("efermi_eV", "iterations", "spins")],
        (lambda r: _put(r, ("asked", "fwhm"), None), "truncated_output"),
    ],
)  # fmt: skip
def test_damaged_results_are_named(recorded, damage, error_class):
    with pytest.raises(EngineError) as reported:
        parse({"result.json": damage(recorded)})
    assert reported.value.error_class == error_class


def _put(raw, where, value):
    """The result with another value at a key; `empty` is that of the first state."""
    result = json.loads(raw)
    inner = result
    for key in where[:-1]:
        inner = inner[key]
    if where[-1] == "empty":
        inner["spins"][0]["empty"][0] = value
    else:
        inner[where[-1]] = value
    return json.dumps(result).encode()


@pytest.mark.parametrize(
    ("result", "job"),
    [
        (("error", "boom"), None),
        (("error", {"message": "no class"}), None),
        (("asked", {"hole": "full"}), None),
        (None, ("site", 1.5)), (None, ("lattice", [1.0] * 8)), (None, ("lattice", "x")),
        (None, ("lattice", [0.0] * 9)), (None, ("settings", [])), (None, ("species", [1, 2])),
    ],
)  # fmt: skip
def test_an_odd_run_is_a_row_and_the_import_goes_on(tmp_path, recorded, result, job):
    for name in ("bad", "good"):
        shutil.copytree(DATA, tmp_path / name)
    for file, change in (("result.json", result), ("job.json", job)):
        if change is not None:
            path = tmp_path / "bad" / file
            path.write_bytes(_put(path.read_bytes(), (change[0],), change[1]))
    found = {r["source"]: r for r in import_tree(tmp_path).imports}
    assert found["good/result.json"]["status"] == "ok"
    bad = found["bad/result.json"]
    assert bad["status"] == "failed" or bad["site_index"] is None
    assert bad["message"]


def test_an_odd_total_energy_is_none(recorded):
    raw = _put(recorded, ("steps", "ground", "total_eV"), "abc")
    assert np.isnan(parse({"result.json": raw}).edge)


def test_a_killed_run_and_a_reordered_result_are_known(tmp_path, recorded):
    shutil.copytree(DATA, tmp_path / "run")
    whole = json.loads(recorded)
    path = tmp_path / "run/result.json"
    path.write_text(json.dumps({k: whole[k] for k in sorted(whole, reverse=True)}, indent=1))
    (row,) = import_tree(tmp_path).imports
    assert row["status"] == "ok", row["message"]
    path.unlink()
    (row,) = import_tree(tmp_path).imports
    assert (row["source"], row["error_class"]) == ("run/job.json", "not_finished")


def test_a_spectrum_whose_total_energy_did_not_converge_is_kept_as_such(tmp_path, recorded):
    shutil.copytree(DATA, tmp_path / "run")
    whole = json.loads(recorded)
    del whole["steps"]["ground"]
    whole["error"] = {"class": "not_self_consistent", "message": "ground wandered"}
    (tmp_path / "run/result.json").write_text(json.dumps(whole))
    found = import_tree(tmp_path)
    (row,) = found.imports
    assert (row["status"], row["error_class"]) == ("unconverged", "not_self_consistent")
    assert "ground wandered" in row["message"]
    assert len(found.spectra) == 1


@pytest.mark.parametrize(
    ("body", "status", "error_class"),
    [
        (f"import shutil; shutil.copy({str(DATA / 'result.json')!r}, result)", "ok", ""),
        ('json.dump({"steps": {}, "error": {"class": "not_self_consistent", "message": "no"}}, '
         "open(result, 'w')); sys.exit(3)", "unconverged", "not_self_consistent"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "failed", "signal"),
        ("print('boom'); sys.exit(1)", "failed", "engine_failed"),
        ("signal.pause()", "failed", "timeout"),
        ("open(result, 'w').write('{gar'); sys.exit(1)", "failed", "engine_failed"),
        ("json.dump({'error': 'x'}, open(result, 'w')); sys.exit(1)", "failed", "engine_failed"),
        ("", "failed", "no_output"),
    ],
)  # fmt: skip
def test_each_end_of_a_run_is_an_outcome(fake, cell, tmp_path, body, status, error_class):
    fake(body)
    protocol = GpawCoreHoleProtocol(timeout_s=1.0 if "pause" in body else 600)
    out = oxygen(cell).run("K", protocol, tmp_path / "run" / "a")
    assert (out.status, out.error_class) == (status, error_class)
    if status == "ok":
        assert parse(out.files).edge > 500
        kept = json.loads((tmp_path / "run/a/job.json").read_text())
        assert gpaw.calculation_id(kept) == out.calculation_id


def test_import_knows_a_run_as_itself(tmp_path, recorded):
    shutil.copytree(DATA, tmp_path / "moved")
    found = import_tree(tmp_path)
    (row,) = found.imports
    job = json.loads((DATA / "job.json").read_text())
    assert row["calculation_id"] == gpaw.calculation_id(job)
    assert (row["engine"], row["status"]) == ("gpaw_corehole", "ok")
    assert row["axis"] == "absolute"
    assert "full core hole" in row["message"]
    calculation = found.calculations[row["calculation_id"]]
    assert (calculation["element"], calculation["edge"]) == ("O", "K")
    assert row["site_index"] is not None


def test_import_says_what_a_failed_run_said(tmp_path, recorded):
    shutil.copytree(DATA, tmp_path / "bad")
    result = json.loads(recorded) | {"error": {"class": "out_of_memory", "message": "no room"}}
    (tmp_path / "bad/result.json").write_text(json.dumps(result))
    (row,) = import_tree(tmp_path).imports
    assert (row["status"], row["error_class"]) == ("failed", "out_of_memory")
    (tmp_path / "bad/result.json").write_bytes(recorded[:2000])
    (row,) = import_tree(tmp_path).imports
    assert (row["status"], row["error_class"]) == ("failed", "truncated_output")
    (tmp_path / "bad/result.json").write_bytes(recorded)
    (tmp_path / "bad/job.json").unlink()
    (row,) = import_tree(tmp_path).imports
    assert row["error_class"] == "unknown_absorber"


def test_the_programs_need_nothing_of_the_package():
    for path in PROGRAMS.glob("*.py"):
        assert "defectra" not in path.read_text()
    assert not (PROGRAMS / "__init__.py").exists()


def test_protocols_name_every_hole():
    protocols = load().protocols.gpaw_corehole
    assert {p.hole for p in protocols.values()} == {"half", "full", "xch"}
    assert {"fast", "balanced", "stringent"} <= set(protocols)


@pytest.mark.parametrize("element", ["Fe", "Cr", "V", "Cu", "Gd"])
def test_a_metal_whose_moment_nobody_stated_is_refused(cell, element):
    """It would start, and stay, without moments: O K of Fe2O3 as of a non-magnetic oxide."""
    other = {**cell, "species": [element if e == "Co" else e for e in cell["species"]]}
    site = gpaw_corehole.site(other, other["species"].index("O"))
    protocol = GpawCoreHoleProtocol()
    with pytest.raises(EngineError, match=f"no initial magnetic moment of {element}"):
        site.job("K", protocol)
    stated = protocol.model_copy(update={"moments": {element: 3.0}})
    assert max(site.job("K", stated)["moments"]) == 3.0
    assert site.job("K", protocol.model_copy(update={"spin": False}))["moments"] == []
    own = gpaw_corehole.site({**other, "moments": [0.5] * len(other["species"])}, site.index)
    assert set(own.job("K", protocol)["moments"]) == {0.5}
