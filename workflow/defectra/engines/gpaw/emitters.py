"""Optical transitions of defects by GPAW: ground and excited state relaxed, and their energies.

The excited state is that of ΔSCF: one electron is moved from the highest occupied to the lowest
empty orbital of the spin in which that costs least, and kept there by the maximum overlap method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from defectra.campaign.engine import Outcome
from defectra.campaign.request import Request
from defectra.core.errors import EngineError
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawEmitterProtocol
from defectra.engines.verdict import is_finished

ENGINE = "gpaw_emitter"
PARSER_VERSION = "2"  # 1: hybrid energy of a state with a hole lacked the excited electron
PROGRAM = "emitter.py"
KIND = "emitter"
STEPS = ("ground", "vertical", "excited", "ground_at_excited")
TRIPLET = "triplet_at_excited"


def job(
    cell: gpaw.Cell,
    protocol: GpawEmitterProtocol,
    *,
    charge: int,
    moment: int,
    moments: Sequence[float],
) -> gpaw.Job:
    """What the program reads.

    Parameters
    ----------
    cell
        Defect in the middle of its cell: dipoles are taken about it.
    charge
        Of the cell, e; +1 is an electron less.
    moment
        Of the ground state, µB; it is kept.
    moments
        First guess for each site, µB.

    Raises
    ------
    EngineError
        ``bad_input`` if numbers do not fit the cell.
    """
    n = len(cell.species)
    if len(cell.coords) != 3 * n or len(moments) != n or moment < 0:
        raise EngineError("bad_input", f"GPAW: coordinates or moments do not fit {n} sites")
    return {
        "lattice": list(cell.lattice),
        "species": list(cell.species),
        "coords": list(cell.coords),
        "charge": int(charge),
        "moment": int(moment),
        "moments": [float(m) for m in moments],
        "settings": protocol.model_dump(mode="json", exclude={"description"}),
    }


class Emitters:
    """Engine of one optical transition."""

    ENGINE, PARSER_VERSION = ENGINE, PARSER_VERSION
    KEEPS_FOLDER = True

    def request(self, asked: gpaw.Job, protocol: str, about: Mapping[str, Any]) -> Request:
        """Request of a job that :func:`job` made, with the name of its protocol."""
        name, size = gpaw.calculation_id(asked), len(asked["species"])
        return Request(ENGINE, protocol, name, {"job": asked}, KIND, about, size)

    def run(self, request: Request, folder: Path | None) -> Outcome:
        """Run the job; steps that a killed run finished in `folder` are not done again."""
        return gpaw.run(request.input["job"], folder, PROGRAM)

    def read(self, files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
        """Steps of a kept result, by name.

        Raises
        ------
        EngineError
            ``no_output`` or ``truncated_output``.
        """
        return gpaw.parse(files)

    def version(self) -> str:
        """Version of GPAW; empty if it is not there."""
        return gpaw.version()

    def available(self) -> str:
        """Empty, or the sentence that says what is missing and how to get it."""
        return gpaw.available()

    def finished(self, row: Mapping[str, Any], files: Mapping[str, bytes] | None) -> bool:
        """Whether what became of a calculation is decided."""
        return is_finished(ENGINE, row, files)
