"""VASP of the user's own: core-hole spectra."""

from __future__ import annotations

from collections.abc import Mapping

from defectra.campaign.engine import Engine
from defectra.engines.programs import Files, Geometry, Program
from defectra.engines.spectrum import SpectrumEngine
from defectra.engines.vasp import read
from defectra.engines.vasp.input import inputs
from defectra.engines.vasp.potcar import potcar, potcar_checksums
from defectra.engines.vasp.settings import VaspProtocol
from defectra.structures.geometry import to_pymatgen


def _files(geometry: Geometry, index: int, edge: str, protocol: VaspProtocol) -> Files:
    moments = list(geometry.get("moments") or [])
    return inputs(to_pymatgen(geometry), index, edge, protocol, moments)


PROGRAM = Program(
    "vasp", read.PARSER_VERSION, ("vasp_std", "vasp"), "DEFECTRA_VASP",
    "VASP 6 needs a licence of your own (vasp.at)", read, _files, potcar, ("POTCAR",),
    potcar_checksums,
)  # fmt: skip
ENGINES: Mapping[str, Engine] = {"vasp": SpectrumEngine(PROGRAM, keeps_folder=True)}
