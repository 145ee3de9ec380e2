"""Fidelities of four-dimensional STEM: how the beam passes the sample, and the dose."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from defectra.core.settings import Strict


class AbtemProtocol(Strict):
    """One fidelity of diffraction patterns by abTEM."""

    description: str = Field("", description="what it is for")
    method: Literal["phase_object", "multislice"] = Field(
        "multislice", description="whole sample as one slice, or slice by slice"
    )
    slice_thickness: float = Field(1.5, gt=0.1, le=10, description="Å, of multislice")
    sampling: float = Field(0.12, gt=0.01, le=0.3, description="Å, of potential and probe")
    phonons: int = Field(0, ge=0, le=100, description="frozen configurations; 0: atoms at rest")
    displacement: float = Field(
        0.06, ge=0, le=0.5, description="Å, standard deviation along one axis, of phonons"
    )
    dose: float | None = Field(None, gt=0, description="electrons of a pattern; null: no noise")


PROTOCOLS = {"abtem": AbtemProtocol}
