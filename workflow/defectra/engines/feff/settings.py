"""Fidelities of FEFF."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, field_validator

from defectra.core.settings import Strict

Element = Literal["Li", "O", "Mn", "Co", "Ni"]


class FeffProtocol(Strict):
    """One fidelity of FEFF10. Radii in Å."""

    description: str = Field("", description="what it is for, and its measured bias")
    scf_radius: float = Field(2.4, gt=1, le=8, description="Å, cluster of the potentials")
    scf_iterations: int = Field(80, ge=1, le=200, description="at most")
    mixing: float = Field(0.1, gt=0, le=0.9, description="first attempt")
    safer_mixing: float = Field(0.05, gt=0, le=0.9, description="second attempt")
    fms_radius: float = Field(5.4, gt=1, le=10, description="Å, full multiple scattering")
    basis: Literal["compact", "full"] = Field("compact", description="lmax of each species")
    core_hole: dict[Element, Literal["RPA", "FSR", "NONE"]] = Field(
        {"Li": "FSR", "O": "FSR", "Mn": "RPA", "Co": "RPA", "Ni": "RPA"},
        description="core hole of each absorber: final state rule, or screened linear response",
    )
    stoichiometry: dict[Element, float] = Field(
        {},
        description="weights of the unique potentials, equal for all cells; empty: of the cell",
    )
    tolerances: list[float] = Field(
        [],
        max_length=3,
        description="of Fermi level, charge and partial charge; empty: defaults of FEFF",
    )
    k_max: float = Field(3.5, gt=1, le=8, description="1/Å, end of the spectrum")
    k_step: float = Field(0.1, gt=0.01, le=0.2, description="1/Å, step away from the edge")
    timeout_s: float = Field(1800, gt=0, description="s, then the attempt counts as failed")

    @field_validator("stoichiometry")
    @classmethod
    def _all_elements(cls, value: dict[Element, float]) -> dict[Element, float]:
        missing = [e for e in get_args(Element) if value and not value.get(e, 0) > 0]
        if missing:
            raise ValueError(f"needs a positive weight of {', '.join(missing)} as well")
        return value

    @field_validator("tolerances")
    @classmethod
    def _three(cls, value: list[float]) -> list[float]:
        if value and (len(value) != 3 or min(value) <= 0):
            raise ValueError("needs three positive numbers: Fermi level, charge, partial charge")
        return value


PROTOCOLS = {"feff": FeffProtocol}
SPECTRA = {"feff": "feff", "feff_binary": "feff"}
