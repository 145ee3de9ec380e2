"""Rungs of the ladder: shipped ones are not computed, missing ones once, failed ones are told."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.crystals import crystal
from defectra.campaign.engine import Outcome, Parsed
from defectra.core.config import load
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA, Status
from defectra.core.store import Archive
from defectra.studies.xanes import rungs
from defectra.studies.xanes.settings import Ladder

FOUR = ["feff fast", "feff balanced", "feff stringent", "gpaw_corehole fast"]


class Fake:
    """An engine of no cost; the one called ``gpaw_corehole`` is not installed."""

    PARSER_VERSION = "1"

    def __init__(self, name, starts):
        self.ENGINE, self.starts = name, starts

    def engine_version(self):
        return f"{self.ENGINE} 1"

    def site(self, geometry, index):
        self.index = index
        return self

    def identity(self, edge, protocol):
        return f"{self.ENGINE}-{edge}-{protocol.description}"

    def run(self, edge, protocol, folder=None):
        self.starts.append(self.identity(edge, protocol))
        out = Outcome(self.identity(edge, protocol), Status.OK, files={"a": b"1"})
        if self.ENGINE == "gpaw_corehole":
            out.status, out.error_class, out.message = Status.FAILED, "engine_missing", "make gpaw"
        return out

    def parse(self, files):
        energy = np.arange(530.0, 570.0, 0.5)
        return Parsed(energy, energy - 529, np.empty(0), 0.0, 531.0, float("nan"), True, 1)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Archive with a site and its first rung; what was started since."""
    starts: list[str] = []
    monkeypatch.setattr(rungs, "engine", lambda name: Fake(name, starts))
    cell, known = crystal("LiCoO2"), load().protocols
    archive = Archive(tmp_path / "shipped")
    archive.add([cell], GEOMETRIES)
    index = cell["species"].index("O")
    settings = known.feff["fast"]
    row, spectrum = rungs.compute(Fake("feff", starts), cell, index, "K", ("fast", settings))
    archive.add([row], CALCULATIONS)
    archive.add([spectrum], SPECTRA)
    starts.clear()
    return archive, starts, known


def test_what_is_shipped_is_shown_and_nothing_is_started(shipped, tmp_path):
    archive, starts, known = shipped
    calculations, spectra = rungs.collect(Ladder(archive=str(archive.root)), known, tmp_path / "w")
    assert len(calculations) == len(spectra) == 1
    assert starts == []


def test_what_is_missing_is_computed_once_and_a_failure_is_told(shipped, tmp_path, capsys):
    archive, starts, known = shipped
    settings = Ladder(archive=str(archive.root), live="missing", rungs=FOUR)
    for turn in range(2):
        calculations, spectra = rungs.collect(settings, known, tmp_path / "w")
        found = {f"{r['engine']} {r['protocol']}" for r in calculations}
        assert found == {"feff fast", "feff balanced", "feff stringent"}
        assert len(spectra) == 3
        assert "make gpaw" in capsys.readouterr().out
        started = [s.split("-")[0] for s in starts]
        assert started.count("feff") == (0 if turn else 2)
        assert started.count("gpaw_corehole") == 1  # what failed is tried again
        starts.clear()
    assert len(archive.read(CALCULATIONS)) == 1  # the shipped one is not touched


def test_of_a_protocol_that_was_changed_the_rung_of_now_is_shown(shipped, tmp_path):
    archive, starts, known = shipped
    cell = archive.read(GEOMETRIES)[0]
    index = cell["species"].index("O")
    other = known.feff["fast"].model_copy(update={"description": "another"})
    changed = known.model_copy(update={"feff": {**known.feff, "fast": other}})
    row, spectrum = rungs.compute(Fake("feff", starts), cell, index, "K", ("fast", other))
    archive.add([row], CALCULATIONS)
    archive.add([spectrum], SPECTRA)
    for protocols, shown in ((changed, "another"), (known, known.feff["fast"].description)):
        calculations, _ = rungs.collect(Ladder(archive=str(archive.root)), protocols, tmp_path)
        assert [r["calculation_id"] for r in calculations] == [f"feff-K-{shown}"]


def test_all_anew_computes_the_shipped_one_too(shipped, tmp_path):
    archive, starts, known = shipped
    rungs.collect(Ladder(archive=str(archive.root), live="all"), known, tmp_path / "w")
    assert sum(s.startswith("feff") for s in starts) == 3
