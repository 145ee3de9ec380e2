"""Settings of study `registration`."""

from __future__ import annotations

from pydantic import Field

from defectra.core.settings import ComputedSettings, Distinct


class RegistrationStudy(ComputedSettings):
    """Study `registration`: simulated bicrystals found in micrographs."""

    images: int = Field(10, ge=1, description="synthetic images of the blind recovery")
    image_pixels: int = Field(300, ge=200, description="along each axis of a synthetic image")
    pixel: float = Field(0.19, gt=0.05, lt=0.5, description="A, nominal, of the synthetic images")
    electrons: float = Field(60.0, gt=0, description="counted in a mean pixel of them")
    scale_range: float = Field(0.055, gt=0, lt=0.2, description="true / nominal pixel size - 1")
    scales: int = Field(9, ge=2, description="pixel sizes of the coarse search")
    tilts: Distinct[float] = Field([0.0], min_length=1, description="degrees, of the coarse search")
    aspects: Distinct[float] = Field(
        [0.97, 1.0, 1.03], min_length=1, description="width over height of a pixel"
    )
    width: float = Field(0.6, gt=0.2, lt=2, description="A, width of a column at first")
    starts: int = Field(3, ge=1, description="best poses of the coarse search that are refined")
    equivalent: float = Field(
        0.85, gt=0, le=1, description="correlation of a repeat along the interface over the best"
    )
    budget_share: float = Field(
        0.1, gt=0, le=1, description="evaluations, as a share of those of the authors"
    )
    least_correlation: float = Field(
        0.5, gt=0, lt=1, description="of each grain, below which nothing was found"
    )
    least_reflection: float = Field(
        0.5, gt=0, lt=1, description="agreement of the worst strong reflection, likewise"
    )
    multislice: bool = Field(True, description="compare with abTEM, from the archive or computed")


SETTINGS = RegistrationStudy
