"""FDMNES of the user's own."""

from __future__ import annotations

from collections.abc import Mapping

from defectra.campaign.engine import Engine
from defectra.engines.fdmnes import read
from defectra.engines.fdmnes.input import inputs
from defectra.engines.fdmnes.settings import FdmnesProtocol
from defectra.engines.programs import Files, Geometry, Program
from defectra.engines.spectrum import SpectrumEngine
from defectra.structures.geometry import to_pymatgen


def _files(geometry: Geometry, index: int, edge: str, protocol: FdmnesProtocol) -> Files:
    absorber = (geometry["species"][index], "L23" if edge.startswith("L") else edge)
    return inputs(to_pymatgen(geometry), absorber, protocol, index)


PROGRAM = Program(
    "fdmnes", read.PARSER_VERSION, ("fdmnes", "fdmnes_linux64"), "DEFECTRA_FDMNES",
    "get FDMNES from its authors (fdmnes.neel.cnrs.fr)", read, _files,
)  # fmt: skip
ENGINES: Mapping[str, Engine] = {"fdmnes": SpectrumEngine(PROGRAM, keeps_folder=True)}
