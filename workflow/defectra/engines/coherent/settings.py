"""Fidelities of coherent scattering: how many photons the detector counts."""

from __future__ import annotations

from pydantic import Field

from defectra.core.settings import Strict


class CoherentProtocol(Strict):
    """Counting of one series of patterns."""

    description: str = Field("", description="what it is for")
    photons: float | None = Field(
        None,
        gt=0,
        description="expected counts of the brightest pixel of a series (l_max); null: no noise",
    )
    tolerance: float = Field(
        1e-8, gt=0, le=1e-3, description="relative and absolute, of the trajectory"
    )


PROTOCOLS = {"coherent": CoherentProtocol}
