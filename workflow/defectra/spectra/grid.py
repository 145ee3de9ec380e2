"""Energy grid of one edge, as the settings of a study declare it."""

from __future__ import annotations

from pydantic import Field, model_validator

from defectra.core.settings import Strict
from defectra.core.step import Job, decoded

MOST = 100_000  # points; no spectrum of an edge has more


class Grid(Strict):
    """Energy grid of one edge, its declared shift and its extra broadening."""

    start: float = Field(description="eV")
    stop: float = Field(description="eV")
    step: float = Field(0.2, gt=0, description="eV")
    shift: float = Field(
        0.0, description="eV, added to the axis of the engine; declared, not fitted"
    )
    fwhm: float = Field(1.0, ge=0, description="eV, Gaussian, on top of the core-hole width")

    @model_validator(mode="after")
    def _ordered(self) -> Grid:
        if self.stop <= self.start + self.step:
            raise ValueError(f"stop ({self.stop}) must lie above start ({self.start})")
        count = (self.stop - self.start) / self.step
        if not count < MOST:
            raise ValueError(f"{count:.3g} points; at most {MOST}: give eV, and a longer step")
        return self


def grids_of(job: Job) -> dict[str, Grid]:
    """Grid of each edge, from the parameter ``grids`` of a rule."""
    return {name: Grid(**grid) for name, grid in decoded(job, "grids").items()}
