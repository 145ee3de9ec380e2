"""GPAW core holes run live, where it is installed: LiCoO2, four atoms, O K and Li K.

Such a cell is too small for a hole (its images are 2.8 Å apart); what is tested holds in it too.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.crystals import crystal
from defectra.core.errors import EngineError
from defectra.core.records import Status
from defectra.engines.gpaw import corehole as gpaw_corehole
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawCoreHoleProtocol

pytestmark = pytest.mark.live
SMALL = {"image_distance": 0, "spacing": 1.4, "hubbard": {}, "cutoff": 300, "span": 30}


@pytest.fixture(scope="module")
def installed() -> None:
    try:
        gpaw.engine_version()
    except EngineError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def run(installed, tmp_path_factory):
    """Function that computes a site of LiCoO2, each hole once."""
    folder = tmp_path_factory.mktemp("holes")
    cell = crystal("LiCoO2")
    done: dict[str, dict] = {}

    def compute(element: str = "O", **options):
        name = f"{element}-{sorted(options.items())}"
        if name not in done:
            site = gpaw_corehole.site(cell, cell["species"].index(element))
            protocol = GpawCoreHoleProtocol(**{**SMALL, **options})
            out = site.run("K", protocol, folder / str(len(done)))
            assert out.status is Status.OK, out.message
            done[name] = {"steps": gpaw.parse(out.files), "parsed": gpaw_corehole.parse(out.files)}
        return done[name]

    compute.folder = folder
    return compute


def first_peak(found: dict) -> float:
    """Dipole strength in the first 3 eV above the first transition, Bohr²."""
    parsed = found["parsed"]
    first = parsed.energy[0] + gpaw_corehole.BELOW
    return float(parsed.mu[parsed.energy < first + 3.0].sum() * gpaw_corehole.STEP)


def test_the_oxygen_edge_stands_where_it_is_measured(run):
    found = run()
    assert abs(found["parsed"].edge - 530.0) < 2.0  # measured near 530 eV
    assert found["steps"]["ground"]["moment"] == pytest.approx(0.0, abs=0.05)
    assert abs(found["steps"]["excited"]["moment"]) == pytest.approx(1.0, abs=0.1)


def test_without_spin_the_edge_is_wrong_by_several_ev(run):
    wrong = run(spin=False)["parsed"].edge - run()["parsed"].edge
    assert 6.0 < wrong < 12.0


def test_sets_are_generated_once_and_kept_beside_the_runs(run):
    run()
    home = Path(run.folder) / "gpaw_sets"
    kept = list(home.rglob("O.*"))
    assert "O.fch1s.PBE" in {p.name for p in kept}
    for path in kept:
        os.utime(path, (0, 0))  # no clock is coarse enough to hide a new file
    run(hole="half", edge_energy=False)
    assert "O.hch1s.PBE" in {p.name for p in home.rglob("O.*")}
    assert {p.stat().st_mtime for p in kept} == {0}
    assert not list(home.rglob("*.part"))


def test_a_stronger_hole_takes_oxygen_weight_out_of_the_empty_states(run):
    """It draws O 2p down among the filled states; the electron of XCH fills some of the rest."""
    half = run(hole="half", edge_energy=False)
    full = run()
    xch = run(hole="xch", edge_energy=False)
    assert first_peak(half) > 1.2 * first_peak(full) > 1.2 * 1.1 * first_peak(xch)
    electrons = [f["steps"]["spectrum"]["electrons"] for f in (half, full, xch)]
    assert electrons == [electrons[0]] * 3  # the excited electron's state counts as empty
    levels = [f["steps"]["spectrum"]["efermi_eV"] for f in (full, half, xch)]
    assert levels == sorted(levels)


def test_the_axis_is_reported(run):
    assert np.isfinite(run()["parsed"].edge)
    assert np.isnan(run(hole="half", edge_energy=False)["parsed"].edge)


def test_the_lithium_edge(run):
    assert 50.0 < run("Li")["parsed"].edge < 65.0


def test_a_finished_step_is_not_done_again(run, tmp_path):
    """What a killed run left in its folder is taken up."""
    cell = crystal("LiCoO2")
    site = gpaw_corehole.site(cell, cell["species"].index("O"))
    protocol = GpawCoreHoleProtocol(**{**SMALL, "timeout_s": 0.01})
    folder = tmp_path / "cut"
    first = site.run("K", protocol, folder)
    assert (first.status, first.error_class) == (Status.FAILED, "timeout")
    parts = run()["steps"]
    kept = {"steps": {"spectrum": parts["spectrum"], "ground": parts["ground"]}}
    asked = {"hole": "full", "fwhm": 0.6, "lifetime": 0.2}
    (folder / "result.json").write_text(json.dumps({"asked": asked, **kept}))
    again = site.run("K", protocol.model_copy(update={"timeout_s": 7200}), folder)
    assert again.status is Status.OK
    steps = gpaw.parse(again.files)
    assert steps["spectrum"] == parts["spectrum"]  # CPU seconds and all: not computed again
    assert steps["excited"]["total_eV"] == pytest.approx(parts["excited"]["total_eV"], abs=0.05)
