"""Settings of study `plots`."""

from __future__ import annotations

from pydantic import Field

from defectra.core.settings import ComputedSettings, Distinct

PICTURE = "imaging/plot2spec/simu.png"  # example of the authors: path below the mirror
CLICKED = "resources/plots/authors_example.csv"  # what is read from it by hand


class PlotsStudy(ComputedSettings):
    """Study `plots`: the lines of a plot from its picture."""

    test_seed: int = Field(
        91247,
        ge=0,
        description="of the plots that are read, never one that was looked at: README",
    )
    parts: int = Field(8, ge=1, description="parts in which plots are read: jobs, kept when ended")
    lines: Distinct[int] = Field(
        [1, 2, 3, 5, 8, 12, 19], min_length=1, description="lines of a plot"
    )
    dpi: Distinct[int] = Field([100, 50], min_length=1, description="pixels per inch: fidelities")
    plots: int = Field(20, ge=2, description="plots of each number of lines and dpi")
    spectra_plots: int = Field(20, ge=0, description="plots of computed spectra, 1 to 3 lines, dpi")
    found_px: float = Field(10.0, gt=0, description="a line is found below this mean distance")
    bootstrap: int = Field(1000, ge=10, description="resamples over plots")


SETTINGS = PlotsStudy
