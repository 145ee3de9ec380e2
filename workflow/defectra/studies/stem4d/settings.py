"""Settings of study `stem4d`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from defectra.core.settings import ComputedSettings, Distinct, Strict
from defectra.learn.training import Training


class Microscope(Strict):
    """Beam and detector."""

    energy: float = Field(60.0, gt=0, description="keV")
    aperture: float = Field(30.0, gt=0, description="mrad, half angle of the beam")
    detector: float = Field(60.0, gt=0, description="mrad, half angle of the detector")


class Scan(Strict):
    """Where the beam stops."""

    cell_points: int = Field(18, ge=6, multiple_of=6, description="along each edge of a cell")
    window: float = Field(7.0, gt=1, le=12, description="Å, edge of the window about a vacancy")
    window_points: int = Field(20, ge=4, description="along each edge of the window")


class Polar(Strict):
    """Grid that patterns are sampled on."""

    radii: int = Field(16, ge=4, description="up to the edge of the detector")
    edge: float = Field(
        4.5,
        ge=0,
        description="mrad; rings nearer to the edge of the aperture are left out: "
        "pixels cut it, and what they leave does not turn with the sample",
    )
    angles: int = Field(72, ge=12, multiple_of=12, description="steps of a turn")


class Network(Strict):
    """Encoder and decoder."""

    latent: int = Field(2, ge=1, description="variables beside the angle")
    latent_vacancies: int = Field(
        6, ge=1, description="the same for sheets with vacancies, which have more to tell"
    )
    points: int = Field(
        144, ge=12, description="of the polar grid, drawn for each step of the training"
    )
    channels: int = Field(24, ge=4, description="of the encoder")
    width: int = Field(48, ge=8, description="of the decoder, two layers")
    beta: float = Field(0.2, gt=0, description="weight of the divergence from the prior")
    angle_prior: float = Field(3.0, gt=0, description="rad, standard deviation: a wide prior")


class Stem4dStudy(ComputedSettings):
    """Study `stem4d`: a variational autoencoder that does not see rotations (arXiv:2009.10758)."""

    microscope: Microscope = Microscope()
    scan: Scan = Scan()
    polar: Polar = Polar()
    network: Network = Network()
    training: Training = Training(
        epochs=60, batch=32, learning_rate=3e-3, schedule="cosine", patience=60
    )
    noisy_training: Training = Field(
        Training(epochs=40, batch=32, learning_rate=3e-3, schedule="cosine", patience=40),
        description="of networks that are given counts and asked for the pattern without noise",
    )
    draws: int = Field(4, ge=1, description="of the counts of a pattern, for the classifier")
    methods: Distinct[str] = Field(
        ["multislice", "phase", "phonons"],
        min_length=1,
        description="protocols without noise; first: judged",
    )
    doses: Distinct[str] = Field(
        ["dose_100000", "dose_10000", "dose_3000", "dose_1000", "dose_300"],
        description="protocols with noise, by falling dose",
    )
    seeds: int = Field(3, ge=2, description="trainings of each network that is judged")
    starts: int = Field(
        2, ge=1, description="first weights of each; the training of the least loss is taken"
    )
    vacancy_radius: float = Field(1.2, gt=0, description="Å, of a missing atom: what is to be seen")
    bootstrap: int = Field(200, ge=20, description="resamples of places, of single patterns")
    redraws: int = Field(
        20, ge=2, description="of the counts of a scan, for intervals of means over neighbours"
    )

    def named_protocols(self) -> Mapping[str, tuple[str, str]]:
        """Protocols of engine `abtem`."""
        names = [*self.methods, *self.doses]
        return {f"protocol.{k}": ("abtem", name) for k, name in enumerate(names)}

    @model_validator(mode="after")
    def _apart(self) -> Stem4dStudy:
        both = [name for name in self.doses if name in self.methods]
        if both:
            raise ValueError(f"doses: {both[0]} is one of `methods`, too; name it once")
        return self


SETTINGS = Stem4dStudy
