"""Settings of study `perovskites`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator

from defectra.core.settings import Distinct, Strict, StudySettings, need_known
from defectra.learn.settings import CommitteeSettings
from defectra.studies.perovskites.labels import LABELS

ScreenTarget = Literal[
    "lattice_HSE",
    "decomposition_HSE",
    "gap_HSE",
    "gap_measured",
    "refractive_index",
    "log_fom",
    "defect_energy",
    "fermi_level",
    "level_A",
    "level_X",
]


class Criterion(Strict):
    """Bounds of one label; one of the two may be missing."""

    target: ScreenTarget
    low: float | None = Field(None, description="lower bound")
    high: float | None = Field(None, description="upper bound")

    @model_validator(mode="after")
    def _bounded(self) -> Criterion:
        if self.low is None and self.high is None:
            raise ValueError(f"criterion on {self.target}: give low, high or both")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"criterion on {self.target}: low {self.low} is not below {self.high}")
        return self


class Screen(Strict):
    """What passes: a compound whose joint probability to meet every criterion is high enough."""

    space: Literal["published", "whole"] = Field(
        "published", description="the 17,955 compounds of the paper, or all 19,305"
    )
    references: Literal["published", "consistent"] = Field(
        "published",
        description="published, or with the AX energies that calorimetry contradicts corrected",
    )
    criteria: dict[str, Criterion | None] = Field(
        {
            "stable": Criterion(target="decomposition_HSE", high=0.0),
            "gap": Criterion(target="gap_measured", low=1.0, high=2.0),
            "few defects": Criterion(target="defect_energy", low=0.5),
            "shallow acceptor": Criterion(target="level_A", high=0.15),
        },
        description="bounds in eV, by name, in the order of the funnel; null: no bound",
    )
    probability: float = Field(0.5, gt=0, lt=1, description="least joint probability")

    @model_validator(mode="after")
    def _once(self) -> Screen:
        if len({c.target for c in self.steps.values()}) != len(self.steps):
            raise ValueError("criteria: each target once")
        if not self.steps:
            raise ValueError("criteria: at least one")
        return self

    @property
    def steps(self) -> dict[str, Criterion]:
        """Criteria that are asked for."""
        return {name: c for name, c in self.criteria.items() if c is not None}


class Fidelity(Strict):
    """Learning curves at fixed cost: how many high-fidelity values, how used."""

    cost_ratio: float = Field(20.0, gt=1, description="cost of an HSE value in PBE values")
    budgets: Distinct[float] = Field(
        [20, 30, 50, 90, 160], min_length=1, description="in HSE values, PBE values included"
    )
    draws: int = Field(
        3, ge=1, description="seeded draws of the compounds whose HSE value is known"
    )


class PerovskiteStudy(StudySettings):
    """Study `perovskites`: mixed-cation halide perovskites (arXiv:2109.10798)."""

    protocol: str = Field("perovskite", description="GPAW protocol of our own calculations")
    spectra: str = Field("optics", description="GPAW protocol of absorption spectra")
    spectra_check: str = Field(
        "optics_dense", description="GPAW protocol of one spectrum more: error of the mesh"
    )
    tilts: str = Field("tilted", description="GPAW protocol of tilted cells")
    complete: bool = Field(False, description="compute what the archive lacks (days, needs GPAW)")
    shards: int = Field(8, ge=1, description="chunks of what is computed, by compound or phase")
    model: CommitteeSettings = CommitteeSettings()
    folds: int = Field(5, ge=2)
    repeats: int = Field(3, ge=1, description="seeds of the 5-fold split of `repeated`")
    repeated: Distinct[str] = Field(
        ["gap_HSE", "lattice_HSE", "decomposition_HSE", "defect_energy"],
        description="labels whose 5-fold cross-validation is repeated",
    )
    bootstrap: int = Field(
        1000, ge=10, description="resamples over compounds or ions left out, of ten or more"
    )
    measured_gaps: str = Field(
        "resources/perovskites/measured_gaps.csv",
        description="table of measured gaps, below the project or absolute",
    )
    fidelity: Fidelity = Fidelity()
    screen: Screen = Screen()

    @field_validator("repeated")
    @classmethod
    def _labels(cls, value: list[str]) -> list[str]:
        need_known(value, [name for name, *_ in LABELS], "label")
        return value

    def chunks_to_compute(self) -> int:
        """Chunks of compounds and phases, if what the archive lacks is to be computed."""
        return self.shards if self.complete else 0

    def named_protocols(self) -> Mapping[str, tuple[str, str]]:
        """Protocols that the study names."""
        names = ("protocol", "spectra", "spectra_check", "tilts")
        return {name: ("gpaw", getattr(self, name)) for name in names}


SETTINGS = PerovskiteStudy
