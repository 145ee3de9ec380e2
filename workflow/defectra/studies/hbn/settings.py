"""Settings of study `hbn`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from pydantic import Field, field_validator

from defectra.core.named_files import lacking, no_archive, no_own_file
from defectra.core.settings import Distinct, Strict, StudySettings

ARCHIVE = "resources/archive/hbn"


class Line(Strict):
    """The measured line (arXiv:2410.13169): what a candidate has to emit."""

    energy: float = Field(2.099, gt=0, description="eV, 590.7 nm")
    energy_sd: float = Field(0.0096, gt=0, description="eV, standard deviation over emitters")
    width: float = Field(0.025, gt=0, description="eV, full width at half maximum")
    width_sd: float = Field(0.006, gt=0, description="eV, standard deviation over emitters")
    temperature: float = Field(295.0, gt=0, description="K")


class Larger(Strict):
    """Cells of one candidate beside the smallest."""

    candidate: str = Field("C_B C_N", description="name of a complex")
    sizes: Distinct[int] = Field([6, 7], description="repeats of the primitive cell each way")


class MeasuredSpectra(Strict):
    """Fit of measured spectra."""

    files: Distinct[str] = Field(
        [], description="csv or spe files of your own; empty: simulated ones"
    )
    lines: int = Field(3, ge=1, le=8, description="peaks that a fit may use, at most")
    simulated: int = Field(60, ge=4, description="emitters of the simulated set")
    bootstrap: int = Field(400, ge=10, description="resamples over emitters")


class HbnStudy(StudySettings):
    """Study `hbn`: which defect emits at 590.7 nm (arXiv:2410.13169)?"""

    line: Line = Line()
    lattice: float = Field(2.512, gt=2.3, lt=2.7, description="Å, of the monolayer by PBE")
    height: float = Field(8.0, ge=6, le=30, description="Å, between images of the layer")
    size: int = Field(5, ge=3, le=9, description="repeats of the primitive cell each way")
    charges: Distinct[int] = Field([0, 1, -1], min_length=1, description="e, of the cell")
    larger: list[Larger] = Field(
        [Larger(), Larger(candidate="2C_B C_N", sizes=[6])], description="convergence with size"
    )
    rattle: float = Field(0.01, ge=0, le=0.1, description="Å, off the ideal sites, seeded")
    protocol: str = Field("emitter", description="of engine gpaw_emitter")
    phonons: str = Field("phonons", description="of engine gpaw, for force constants")
    step: float = Field(0.02, gt=0, le=0.1, description="Å, of a displaced atom")
    smoothing: float = Field(0.004, gt=0, description="eV, width of a phonon in the sideband")
    archive: str = Field(ARCHIVE, description="what was computed of it")
    complete: bool = Field(False, description="compute what the archive lacks (days; needs GPAW)")
    shards: int = Field(8, ge=1, description="chunks of what is computed, by structure")
    errors: dict[str, float] = Field(
        {"PBE": 0.6, "HSE06@PBE": 0.3},
        description="eV, standard deviation of a zero-phonon line by fidelity, before references",
    )
    prior_weight: float = Field(4, gt=0, description="defects that such a deviation counts as")
    measured: MeasuredSpectra = MeasuredSpectra()

    def chunks_to_compute(self) -> int:
        """Chunks of candidates, if what is missing is to be computed."""
        return self.shards if self.complete else 0

    def named_protocols(self) -> Mapping[str, tuple[str, str]]:
        """Protocols that the settings name."""
        return {
            "protocol": ("gpaw_emitter", self.protocol),
            "phonons": ("gpaw", self.phonons),
        }

    @field_validator("errors")
    @classmethod
    def _both(cls, value: dict[str, float]) -> dict[str, float]:
        if set(value) != {"PBE", "HSE06@PBE"} or min(value.values()) <= 0:
            raise ValueError("errors: one above 0 for each of PBE and HSE06@PBE")
        return value

    @field_validator("charges")
    @classmethod
    def _small(cls, value: list[int]) -> list[int]:
        if any(abs(q) > 2 for q in value):
            raise ValueError("charges: different whole numbers from -2 to 2")
        return value

    @field_validator("larger")
    @classmethod
    def _once(cls, value: list[Larger]) -> list[Larger]:
        names = [one.candidate for one in value]
        if len(set(names)) < len(names):
            raise ValueError("each candidate once, with all its sizes")
        return value

    def lacks(self, run: Path) -> Iterator[tuple[str, str]]:
        """Archive and measured spectra that are not there."""
        yield from lacking("archive", [self.archive], partial(no_archive, usual=ARCHIVE))
        yield from lacking("measured.files", self.measured.files, partial(no_own_file, run=run))


SETTINGS = HbnStudy
