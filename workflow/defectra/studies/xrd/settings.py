"""Settings of study `xrd`."""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from defectra.core.settings import ComputedSettings, Distinct, Strict
from defectra.learn.training import Training


class Contents(Strict):
    """Contents of Sm(1-y)Zr(y)Fe(12-x)Ti(x)."""

    titanium: int = Field(15, ge=3, description="values of x, from 0")
    titanium_step: float = Field(0.125, gt=0, description="of x")
    zirconium: int = Field(10, ge=3, description="values of y, from 0")
    zirconium_step: float = Field(0.0625, gt=0, description="of y")
    cells: tuple[int, int, int] = Field((2, 2, 2), description="supercell of ordered structures")

    @model_validator(mode="after")
    def _possible(self) -> Contents:
        if (self.titanium - 1) * self.titanium_step > 4:
            raise ValueError("titanium: x reaches beyond 4, the sites 8i of a formula unit")
        if (self.zirconium - 1) * self.zirconium_step > 1:
            raise ValueError("zirconium: y reaches beyond 1")
        return self

    @model_validator(mode="after")
    def _whole(self) -> Contents:
        if min(self.cells) < 1:
            raise ValueError("cells: each at least 1")
        units = 2 * math.prod(self.cells)
        for name in ("titanium_step", "zirconium_step"):
            atoms = getattr(self, name) * units
            if abs(atoms - round(atoms)) > 1e-6:
                raise ValueError(
                    f"{name}: {atoms:g} atoms in an ordered supercell of {units} formula units "
                    f"(`cells`), which holds whole atoms alone: a multiple of 1/{units}"
                )
        return self


class PatternSettings(Strict):
    """Patterns, Cu K alpha 1."""

    first: float = Field(20.0, gt=0, description="degrees, 2 theta")
    last: float = Field(80.0, lt=180, description="degrees, 2 theta")
    step: float = Field(0.1, gt=0, description="degrees")
    width: float = Field(0.25, gt=0, description="full width at half maximum, degrees")

    @model_validator(mode="after")
    def _ordered(self) -> PatternSettings:
        if self.last <= self.first + 10 * self.step:
            raise ValueError("last: beyond `first` by ten steps at least")
        return self


class Disturbances(Strict):
    """What makes patterns like measured ones."""

    copies: int = Field(8, ge=1, description="of each pattern, disturbed, in training")
    test_copies: int = Field(3, ge=1, description="of each pattern that is asked")
    march: Distinct[float] = Field([0.85, 0.925], description="preferred orientation beside none")
    zero: float = Field(0.05, ge=0, description="zero shift, standard deviation, degrees")
    background: float = Field(0.3, ge=0, description="largest, of the highest reflection")
    counts: tuple[float, float] = Field(
        (1e3, 1e5), description="photons of the highest point, ends of a logarithmic range"
    )

    @model_validator(mode="after")
    def _possible(self) -> Disturbances:
        if min(self.march, default=1.0) <= 0:
            raise ValueError("march: above 0; 1 is none")
        if not 0 < self.counts[0] <= self.counts[1]:
            raise ValueError("counts: above 0, the smaller one first")
        return self


class XrdStudy(ComputedSettings):
    """Study `xrd`: diffraction patterns of alloys in a plane (doi 10.1002/adts.202200613)."""

    contents: Contents = Contents()
    patterns: PatternSettings = PatternSettings()
    disturbances: Disturbances = Disturbances()
    network: Training = Training(
        epochs=200, batch=64, learning_rate=2e-3, schedule="cosine", patience=200
    )
    hidden: int = Field(96, ge=4, description="units of the hidden layers")
    bootstrap: int = Field(500, ge=10, description="resamples over contents")
    permutations: int = Field(999, ge=99, description="of the control of the relevance")


SETTINGS = XrdStudy
