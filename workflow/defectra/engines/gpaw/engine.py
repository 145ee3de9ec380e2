"""Engines that GPAW serves: cells with steps, charged cells, core holes, optical transitions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from defectra.campaign.engine import Engine, Outcome
from defectra.campaign.request import Request
from defectra.engines.gpaw import charged_cells, corehole, emitters
from defectra.engines.gpaw import run as gpaw
from defectra.engines.spectrum import SpectrumEngine
from defectra.engines.verdict import is_finished


class Cells:
    """Engine of one cell and a list of steps: energies, relaxations, equations of state, bands."""

    ENGINE, PARSER_VERSION = gpaw.ENGINE, gpaw.PARSER_VERSION
    KEEPS_FOLDER = True

    def request(
        self, asked: gpaw.Job, kind: str, protocol: str, about: Mapping[str, Any]
    ) -> Request:
        """Request of a job that :func:`gpaw.job` made; `kind` of result, name of its protocol."""
        name, size = gpaw.calculation_id(asked), len(asked["species"])
        return Request(self.ENGINE, protocol, name, {"job": asked}, kind, about, size)

    def run(self, request: Request, folder: Path | None) -> Outcome:
        """Run the job; steps that a killed run finished in `folder` are not done again."""
        return gpaw.run(request.input["job"], folder)

    def read(self, files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
        """Steps of a kept result, by name."""
        return gpaw.parse(files)

    def processes(self) -> int:
        """Processes on which a job runs: what its launcher says."""
        return gpaw.processes()

    def version(self) -> str:
        """Version of GPAW; empty if it is not there."""
        return gpaw.version()

    def available(self) -> str:
        """Empty, or the sentence that says what is missing and how to get it."""
        return gpaw.available()

    def finished(self, row: Mapping[str, Any], files: Mapping[str, bytes] | None) -> bool:
        """Whether what became of a calculation is decided."""
        return is_finished(self.ENGINE, row, files)


CELLS = Cells()
CHARGED = charged_cells.ChargedCells()
EMITTERS = emitters.Emitters()
ENGINES: Mapping[str, Engine] = {
    CELLS.ENGINE: CELLS,
    CHARGED.ENGINE: CHARGED,
    EMITTERS.ENGINE: EMITTERS,
    corehole.ENGINE: SpectrumEngine(corehole, keeps_folder=True),
}
