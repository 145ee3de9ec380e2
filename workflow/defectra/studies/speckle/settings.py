"""Settings of study `speckle`."""

from __future__ import annotations

from pydantic import Field, model_validator

from defectra.core.settings import ComputedSettings, Distinct, Strict
from defectra.learn.training import Training


class Disks(Strict):
    """Samples: disks in a square box, the rules of the authors. Lengths in pixels of the sample."""

    fewest: int = Field(2, ge=1)
    most: int = Field(20, ge=2)
    radius: float = Field(90.0, gt=0, description="of equal disks")
    box: float = Field(2000.0, gt=0)
    gap: float = Field(2.0, ge=0, description="least distance of two rims")
    area_mean: float = Field(3.0, gt=0, description="of unequal disks, arbitrary unit")
    area_spread: float = Field(1.0, gt=0, description="standard deviation, the same unit")
    area_disks: float = Field(2.0, gt=0, description="area of unequal disks, in equal ones")

    @model_validator(mode="after")
    def _ordered(self) -> Disks:
        if self.most <= self.fewest:
            raise ValueError("most: above `fewest`")
        return self


class DetectorSettings(Strict):
    """Detector: pixel k stands for the wave number 2 pi k / period."""

    half: int = Field(255, ge=8, description="pixels from the direct beam to the edge, patterns")
    step: int = Field(3, ge=1, description="every step-th pixel is kept; the authors: 1")
    period: int = Field(18001, ge=100, description="length of the Fourier transform, pixels")
    hidden: int = Field(5, ge=0, description="half width of the hidden centre: 5 hides 11 x 11")
    rings_half: int = Field(256, ge=8, description="as `half`, for profiles and first moments")

    @model_validator(mode="after")
    def _divisible(self) -> DetectorSettings:
        if self.half % self.step:
            raise ValueError("half: a multiple of `step`")
        if self.half > self.rings_half:
            raise ValueError("half: at most `rings_half`, the reach of a whole pattern")
        return self


class Numbers(Strict):
    """Patterns of each number of disks."""

    train: int = Field(110, ge=4, description="and validation")
    test: int = Field(50, ge=2)
    block: int = Field(40, ge=1, description="patterns of one calculation, at most")
    other: int = Field(20, ge=2, description="of each other test set: pixel mask, radius, box")
    rings: int = Field(300, ge=2, description="for profiles and first moments, analytic")
    rings_pixel: int = Field(6, ge=1, description="of these also with the mask of pixels")


class Unseen(Strict):
    """What models are asked that they were not trained on."""

    radii: Distinct[float] = Field([70.0, 80.0, 100.0, 110.0], description="pixels")
    boxes: Distinct[float] = Field([1700.0, 2300.0], description="pixels")
    counts: Distinct[float] = Field(
        [1e3, 1e4, 1e5, 1e6, 1e7], description="photons on the kept pixels outside the centre"
    )
    sizes: Distinct[int] = Field(
        [10, 25, 50], description="training patterns of each number of disks"
    )

    @model_validator(mode="after")
    def _positive(self) -> Unseen:
        for name in ("radii", "boxes", "counts", "sizes"):
            if min(getattr(self, name), default=1) <= 0:
                raise ValueError(f"{name}: above 0")
        return self


class SpeckleStudy(ComputedSettings):
    """Study `speckle`: number of disks from one coherent pattern (arXiv:2211.08194)."""

    disks: Disks = Disks()
    detector: DetectorSettings = DetectorSettings()
    numbers: Numbers = Numbers()
    tests: Unseen = Unseen()
    network: Training = Training(
        epochs=60, batch=64, learning_rate=1e-3, schedule="cosine", weight_decay=1e-2, patience=60
    )
    image_network: Training = Training(
        epochs=40, batch=64, learning_rate=3e-3, schedule="cosine", patience=40
    )
    width: int = Field(256, ge=8, description="units of the first hidden layer")
    dropout: float = Field(0.2, ge=0, lt=1)
    validation: float = Field(0.1, gt=0, lt=1, description="of the training configurations")
    bootstrap: int = Field(1000, ge=10, description="resamples over configurations")


SETTINGS = SpeckleStudy
