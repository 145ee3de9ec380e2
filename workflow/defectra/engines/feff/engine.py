"""FEFF10 of the wheel, and a FEFF9 or FEFF10 of the user's own."""

from __future__ import annotations

from collections.abc import Mapping

from defectra.campaign.engine import Engine
from defectra.engines.feff import read, run
from defectra.engines.feff.input import cluster, feff_input
from defectra.engines.feff.settings import FeffProtocol
from defectra.engines.programs import Files, Geometry, Program
from defectra.engines.spectrum import SpectrumEngine


def _files(geometry: Geometry, index: int, edge: str, protocol: object) -> Files:

    known = FeffProtocol.model_validate(protocol)
    return {"feff.inp": feff_input(cluster(geometry, index), edge, known, known.mixing)}


OWN = Program(
    "feff_binary", read.PARSER_VERSION, ("feff10", "feff9", "feff"), "DEFECTRA_FEFF",
    "get FEFF9 or FEFF10 from its authors (feff.phys.washington.edu; the engine `feff` needs "
    "neither)", read, _files,
)  # fmt: skip
ENGINES: Mapping[str, Engine] = {
    run.ENGINE: SpectrumEngine(run),
    OWN.ENGINE: SpectrumEngine(OWN, keeps_folder=True),
}
