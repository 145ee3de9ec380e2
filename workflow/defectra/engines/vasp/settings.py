"""Fidelities of core-hole runs of VASP."""

from __future__ import annotations

from pydantic import Field

from defectra.core.settings import Strict


class VaspProtocol(Strict):
    """Core-hole run of VASP, settings of arXiv:2310.07049."""

    description: str = Field("", description="what it is for")
    charge: float = Field(1.0, gt=0, le=2, description="e, of the hole: 1 for a full one")
    bands: int = Field(
        1600, ge=8, description="bands; they decide how far above the edge the spectrum reaches"
    )
    spacing: float = Field(0.22, gt=0.01, le=5, description="1/Å, of k-points")
    hubbard: dict[str, float] = Field(
        {"Ni": 2.43, "Mn": 2.93, "Co": 2.86},
        description="U - J for R2SCAN by element, eV, as in the published INCAR",
    )
    timeout_s: float = Field(86400, gt=0, description="s, then a run counts as failed")


PROTOCOLS = {"vasp": VaspProtocol}
SPECTRA = {"vasp": "vasp"}
