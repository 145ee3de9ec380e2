"""Fidelity levels: shipped ones are not computed, missing ones once, failed ones are reported."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from benchmarks.crystals import crystal
from defectra.campaign.complete import Counts, complete
from defectra.campaign.engine import Outcome, Parsed
from defectra.campaign.export import export_rows
from defectra.campaign.ledger import Ledger, Result
from defectra.campaign.spectra import spectrum_kind
from defectra.core.config import load
from defectra.core.errors import EngineError
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA, Status
from defectra.core.store import Archive
from defectra.engines.spectrum import SpectrumEngine
from defectra.studies.xanes.requests import FidelityRequests, fidelity_rows, sites
from defectra.studies.xanes.settings import FidelityLevels

FOUR = ["feff fast", "feff balanced", "feff stringent", "gpaw_corehole fast"]
LOG = b"Convergence reached in 7 iterations\n"


class Fake:
    """An engine of no cost; the one called ``gpaw_corehole`` is not installed."""

    PARSER_VERSION = "1"

    def __init__(self, name, starts):
        self.ENGINE, self.starts = name, starts

    def engine_version(self):
        if self.ENGINE == "gpaw_corehole":
            raise EngineError("engine_missing", "make gpaw")
        return f"{self.ENGINE} 1"

    def site(self, geometry, index):
        self.index = index
        return self

    def identity(self, edge, protocol):
        return f"{self.ENGINE}-{edge}-{protocol.description}"

    def run(self, edge, protocol, folder=None):
        self.starts.append(self.identity(edge, protocol))
        files = {"xmu.dat": b"1\n", "log1.dat": LOG}
        return Outcome(self.identity(edge, protocol), Status.OK, files=files)

    def parse(self, files):
        energy = np.arange(530.0, 570.0, 0.5)
        return Parsed(energy, energy - 529, np.empty(0), 0.0, 531.0, float("nan"), True, 1)


class Shipped:
    """Archive with a site at its first fidelity; what was started since."""

    def __init__(self, folder):
        self.starts: list[str] = []
        self.engines = cache(lambda name: SpectrumEngine(Fake(name, self.starts)))
        self.kinds = (spectrum_kind(self.engines),)
        self.archive, self.journal = Archive(folder / "shipped"), folder / "w" / "xanes-00.journal"
        self.cell, self.known = crystal("LiCoO2"), load().protocols
        self.archive.add([self.cell], GEOMETRIES)
        self.add("fast", self.known.feff["fast"])

    def add(self, name, settings):
        engine = self.engines("feff")
        site = engine.site(self.cell, self.cell["species"].index("O"))
        request = site.request("K", (name, settings))
        found = engine.result(request, engine.run(request, None))
        self.archive.add([found.row], CALCULATIONS)
        self.archive.add([found.beside["spectra"]], SPECTRA)
        self.starts.clear()

    def compared(self, settings, known=None, *, compute=False):
        """Rows of the comparison, and counts of a start of the worker."""
        source = None if settings.live == "all" else self.archive
        ledger = Ledger(self.kinds, source, [self.journal], engines=self.engines)
        cells = {self.cell["geometry_id"]: self.cell}
        requests, counts = (
            FidelityRequests(settings, known or self.known, cells, self.engines),
            Counts(),
        )
        if compute:
            families = requests.families(sites(self.archive))
            with ledger.writing(self.journal):
                list(complete(families, ledger, self.journal.parent, counts))
        return *fidelity_rows(requests, ledger, self.archive), counts


@pytest.fixture
def shipped(tmp_path):
    return Shipped(tmp_path)


def test_what_is_shipped_is_shown_and_nothing_is_started(shipped):
    calculations, spectra, _ = shipped.compared(FidelityLevels())
    assert len(calculations) == len(spectra) == 1
    assert shipped.starts == []


def test_what_is_missing_is_computed_once_and_a_missing_engine_is_reported(shipped):
    settings = FidelityLevels(live="missing", rungs=FOUR)
    for turn in range(2):
        calculations, spectra, counts = shipped.compared(settings, compute=True)
        found = {f"{r['engine']} {r['protocol']}" for r in calculations}
        assert found == {"feff fast", "feff balanced", "feff stringent"}
        assert len(spectra) == 3
        assert counts.sentences() == ["1 calculations are left out: make gpaw"]
        assert len(shipped.starts) == (0 if turn else 2)
        shipped.starts.clear()
    assert len(shipped.archive.read(CALCULATIONS)) == 1  # the shipped one is not touched
    ledger = Ledger(shipped.kinds, shipped.archive, [shipped.journal], engines=shipped.engines)
    cells = {shipped.cell["geometry_id"]: shipped.cell}
    requests = FidelityRequests(settings, shipped.known, cells, shipped.engines)
    new = export_rows(requests.families(sites(shipped.archive)), ledger, shipped.archive)
    assert new == {"spectra": 2, "calculations": 2}


def test_of_a_protocol_that_was_changed_the_current_calculation_is_shown(shipped):
    known = shipped.known
    other = known.feff["fast"].model_copy(update={"description": "another"})
    changed = known.model_copy(update={"feff": {**known.feff, "fast": other}})
    shipped.add("fast", other)
    for protocols, shown in ((changed, "another"), (known, known.feff["fast"].description)):
        calculations, _, _ = shipped.compared(FidelityLevels(), protocols)
        assert [r["calculation_id"] for r in calculations] == [f"feff-K-{shown}"]


def test_all_anew_computes_the_shipped_one_too(shipped):
    shipped.compared(FidelityLevels(live="all"), compute=True)
    assert sum(s.startswith("feff") for s in shipped.starts) == 3


def test_a_parsed_run_of_the_same_input_stands_for_the_request(shipped):
    (level,) = shipped.compared(FidelityLevels(rungs=FOUR))[0]
    cells = {shipped.cell["geometry_id"]: shipped.cell}
    requests = FidelityRequests(FidelityLevels(rungs=FOUR), shipped.known, cells, shipped.engines)
    (site,) = sites(shipped.archive)
    request = requests.request("feff balanced", site)
    engine = shipped.engines("feff")
    made = engine.result(request, engine.run(request, None))
    elsewhere = Result(made.row | {"protocol": "parsed", "site": "other"}, made.beside)
    parsed = {request.calculation_id: elsewhere}
    ledger = Ledger(shipped.kinds, shipped.archive, parsed=parsed, engines=shipped.engines)
    rows, _ = fidelity_rows(requests, ledger, shipped.archive)
    assert {(r["protocol"], r["origin"], r["site"]) for r in rows[1:]} == {
        ("balanced", "parsed", level["site"])
    }
