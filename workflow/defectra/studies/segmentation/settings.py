"""Settings of study `segmentation`."""

from __future__ import annotations

from pydantic import Field, field_validator

from defectra.core.settings import ComputedSettings, Strict


class Condition(Strict):
    """How frames are taken."""

    dose: float = Field(gt=0, description="electrons/nm² in a frame")
    defocus: float = Field(-60.0, description="nm, underfocus below 0")
    defocus_sd: float = Field(4.0, ge=0, description="nm, from frame to frame")
    drift: float = Field(0.5, ge=0, description="pixels within a frame")


CLEAN, USUAL, POOR = "clean", "usual", "poor"
RANGE = "range"  # of focus, drift and dose, from movie to movie


class Range(Strict):
    """Conditions of the movies that the band of the saved ensemble is learnt from."""

    defocus: tuple[float, float] = Field((-100.0, -20.0), description="nm, underfocus below 0")
    drift: tuple[float, float] = Field((0.0, 4.0), description="pixels within a frame")

    @field_validator("defocus", "drift")
    @classmethod
    def _rising(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not value[0] < value[1]:
            raise ValueError("least first, then most")
        return value


class SegmentationStudy(ComputedSettings):
    """Study `segmentation`: ensembles of architectures or of copies? (arXiv:2209.01908)."""

    size: int = Field(48, ge=32, le=256, multiple_of=16, description="pixels of a frame each way")
    pixel_nm: float = Field(0.13, gt=0, le=0.19, description="nm; fringes of 0.39 nm need two")
    conditions: dict[str, Condition] = Field(
        {
            CLEAN: Condition(dose=20000.0),
            USUAL: Condition(dose=1000.0),
            "low dose": Condition(dose=300.0),
            "defocus": Condition(dose=1000.0, defocus=-75.0),
            "blur": Condition(dose=1000.0, drift=1.8),
            POOR: Condition(dose=30.0, drift=4.0),
        },
        description="clean: trained on first; usual: trained, validated and tested on; poor: "
        "frames that are to be found; others: tested on",
    )
    training_movies: int = Field(32, ge=2, description="movies to train on")
    training_frames: int = Field(8, ge=1, description="frames of each")
    validation_movies: int = Field(10, ge=2, description="to choose epochs and networks, and bands")
    calibration_movies: int = Field(
        150, ge=8, description="to learn the band of the saved ensemble from, each seen twice"
    )
    calibration: Range = Field(Range(), description="focus and drift of the second time")
    test_movies: int = Field(16, ge=2, description="of each condition")
    test_frames: int = Field(4, ge=2, description="frames of each")
    seconds: float = Field(8.0, gt=0, description="nominal training cost of a member")
    clean_share: float = Field(0.3, gt=0, lt=1, description="of it that goes to clean frames")
    step_s: dict[str, float] = Field(
        {
            "unet": 0.0152,
            "segresnet": 0.0250,
            "basicunet": 0.0321,
            "attention": 0.0262,
            "unetplusplus": 0.0859,
        },
        description="s of a step of 8 frames, one core, measured once: what equal cost goes by",
    )
    batch: int = Field(8, ge=1, description="frames of a step")
    learning_rate: float = Field(5e-3, gt=0, description="of Adam")
    copies: int = Field(5, ge=2, description="members of an ensemble of one architecture")
    seeds: int = Field(3, ge=2, description="repeats of everything that is trained")
    bootstrap: int = Field(500, ge=10, description="resamples over movies, of the saved ensemble")

    @field_validator("conditions")
    @classmethod
    def _named(cls, value: dict[str, Condition]) -> dict[str, Condition]:
        lacking = {CLEAN, USUAL, POOR} - set(value)
        if lacking:
            raise ValueError(f"conditions: {', '.join(sorted(lacking))} must be there")
        if RANGE in value:
            raise ValueError(f"conditions: {RANGE!r} is the name of the calibration movies")
        return value

    def tested(self) -> list[str]:
        """Conditions that are tested on."""
        return [name for name in self.conditions if name not in (CLEAN, POOR)]

    def doses(self) -> tuple[float, float]:
        """Lowest that is tested on, and that of the clean frames, electrons/nm²."""
        tested = min(self.conditions[name].dose for name in self.tested())
        return tested, self.conditions[CLEAN].dose


SETTINGS = SegmentationStudy
