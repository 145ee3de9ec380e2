"""Settings of study `xanes`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from defectra.core.named_files import lacking, no_archive, no_runs
from defectra.core.protocols import spectra_engines
from defectra.core.settings import Distinct, Strict, StudySettings, need_known

ARCHIVE = "resources/archive/ladder"
FEFF_RUNS = ("xmu.dat*", "feff.inp*", "FEFF.inp*")

FEATURES = ("intensity", "cdf", "cwt", "peaks", "pca")


def _features(value: list[str]) -> list[str]:
    """Sets of features, joined with ``+``, each made once, in whatever order it is written."""
    parts = [name.split("+") for name in value]
    need_known((part for names in parts for part in names), FEATURES, "feature")
    alike = [tuple(sorted(set(names))) for names in parts]
    twice = [value[k] for k, names in enumerate(alike) if names in alike[:k]]
    if twice or any(len(set(names)) < len(names) for names in parts):
        raise ValueError(f"{', '.join(twice or value)}: each set once, each feature of it once")
    return value


class SpectralForest(Strict):
    """Random forest."""

    trees: int = Field(40, ge=1)
    leaf: int = Field(3, ge=1, description="least rows in a leaf")


class Disturbances(Strict):
    """Disturbances of test spectra."""

    shifts: Distinct[float] = Field([0.5, 1.0, 2.0, 3.0, 4.0, 5.0], description="eV, at most 6")
    widths: Distinct[float] = Field([1.0, 2.0, 4.0], description="FWHM of a Gaussian, eV")
    noise: Distinct[float] = Field([0.01, 0.03, 0.1], description="of the largest value")

    @field_validator("shifts")
    @classmethod
    def _on_grid(cls, value: list[float]) -> list[float]:
        if any(not 0 < s <= 6 or abs(4 * s - round(4 * s)) > 1e-9 for s in value):
            raise ValueError("shifts: above 0, at most 6, in steps of 0.25 eV")
        return value


class Delta(Strict):
    """From FEFF to VASP on pairs of the same site."""

    components: int = Field(12, ge=1, description="principal components of the FEFF spectrum")
    largest_shift: float = Field(3.0, ge=0, description="eV, of the best shift")
    widths: Distinct[float] = Field(
        [0.0, 0.5, 1.0, 1.5, 2.0], min_length=1, description="FWHM that are tried, eV"
    )
    folds: int = Field(5, ge=2, description="no material is in training and test")


class Transfer(Strict):
    """FEFF to VASP for another element than the one that was learnt."""

    sites: list[int] = Field(
        [5, 10, 20, 35, 50], description="sites of the other element that are known beside none"
    )
    folds: int = Field(5, ge=2, description="of the asked materials; the known sites are of others")
    repeats: int = Field(3, ge=1, description="draws of the known sites in each fold")
    couplings: Distinct[float] = Field(
        [0.5, 0.9, 1.0], description="between the elements, to choose from: 0 nothing, 1 equal"
    )
    kernel_widths: Distinct[float] = Field(
        [0.03, 0.1], description="gamma of the Gaussian kernel times the number of components"
    )
    penalties: Distinct[float] = Field([0.03, 0.3, 1.0], description="ridge, to choose from")

    @field_validator("sites")
    @classmethod
    def _rising(cls, value: list[int]) -> list[int]:
        if not value or min(value) < 1 or sorted(set(value)) != value:
            raise ValueError("sites: rising numbers, at least 1")
        return value

    @field_validator("couplings")
    @classmethod
    def _shares(cls, value: list[float]) -> list[float]:
        if not value or not all(0 <= v <= 1 for v in value):
            raise ValueError("couplings: each from 0 to 1")
        return value

    @field_validator("kernel_widths", "penalties")
    @classmethod
    def _positive(cls, value: list[float]) -> list[float]:
        if not value or not all(v > 0 for v in value):
            raise ValueError("each above 0")
        return value


class Nickel(Strict):
    """Ni K of the archive, and what is predicted from it."""

    protocol: str = Field("fast", description="of engine feff")
    edge_shift: float = Field(-4.2, description="eV, declared for all calculated Ni K spectra")
    fwhm: float = Field(1.5, gt=0, description="eV, of a Gaussian")
    largest_shift: float = Field(6.0, ge=0, description="eV, of the alignment without labels")
    features: Distinct[str] = Field(
        ["intensity", "cdf", "cwt"], min_length=1, description="compared"
    )
    folds: int = Field(5, ge=2, description="no composition is in training and test")
    trees: int = Field(200, ge=1)
    leaf: int = Field(2, ge=1, description="least rows in a leaf")

    @field_validator("features")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        return _features(value)


class FidelityLevels(Strict):
    """One site at every fidelity: FEFF protocols and GPAW with a core hole (``rungs``)."""

    archive: str = Field(ARCHIVE, description="folder of what was computed earlier")
    live: Literal["no", "missing", "all"] = Field(
        "no", description="compute what the archive lacks, or all anew (hours; GPAW if it is there)"
    )
    rungs: Distinct[str] = Field(
        ["feff fast", "feff balanced", "feff stringent", "gpaw_corehole fast"],
        min_length=1,
        description="engine and protocol; the last one is the reference",
    )
    parsed: Distinct[str] = Field(
        [], description="folders of finished runs made elsewhere; same input, same calculation"
    )
    shards: int = Field(2, ge=1, description="chunks of what is computed, by site")
    fwhm: float = Field(1.0, gt=0, description="eV, of the Gaussian that broadens every curve")
    window: tuple[float, float] = Field(
        (-5.0, 30.0), description="eV from the onset of the last curve"
    )

    @field_validator("rungs")
    @classmethod
    def _two_words(cls, value: list[str]) -> list[str]:
        if any(len(v.split()) != 2 for v in value):
            raise ValueError("rungs: each is an engine and a protocol, e.g. 'feff fast'")
        need_known((v.split()[0] for v in value), spectra_engines(), "engine of spectra")
        return value


class XanesStudy(StudySettings):
    """Study `xanes`: what features of K edges predict, and how they transfer (arXiv:2310.07049)."""

    features: Distinct[str] = Field(
        [
            "intensity",
            "cdf",
            "cwt",
            "peaks",
            "pca",
            "intensity+cdf",
            "cdf+cwt",
            "cdf+peaks",
            "intensity+cdf+cwt+peaks",
        ],
        min_length=1,
        description="feature sets to compare; + joins two",
    )
    forest: SpectralForest = SpectralForest()
    disturbances: Disturbances = Disturbances()
    parsed: Distinct[str] = Field(
        [], description="folders of finished FEFF runs of Cu K made elsewhere: new structures join"
    )
    parsed_geometry: str = Field(
        "parsed", description="how their cells were made; 'Materials Project': as the published"
    )
    folds: int = Field(3, ge=2, description="number of folds; no material is in training and test")
    bootstrap: int = Field(300, ge=10, description="resamples over materials")
    delta: Delta = Delta()
    transfer: Transfer = Transfer()
    nickel: Nickel = Nickel()
    ladder: FidelityLevels = FidelityLevels()

    def chunks_to_compute(self) -> int:
        """Chunks of sites, if fidelities of them are to be computed."""
        return 0 if self.ladder.live == "no" else self.ladder.shards

    @field_validator("features")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        return _features(value)

    def named_protocols(self) -> Mapping[str, tuple[str, str]]:
        """Protocols of the nickel spectra and of the fidelities that are compared."""
        engines, rungs = spectra_engines(), [rung.split() for rung in self.ladder.rungs]
        named = {f"ladder.rungs.{k}": (engines[e], p) for k, (e, p) in enumerate(rungs)}
        return {"nickel.protocol": ("feff", self.nickel.protocol), **named}

    def lacks(self, run: Path) -> Iterator[tuple[str, str]]:
        """Archive and folders of finished runs that are not there."""
        own = self.ladder
        yield from lacking("ladder.archive", [own.archive], partial(no_archive, usual=ARCHIVE))
        yield from lacking("ladder.parsed", own.parsed, partial(no_runs, run=run))
        yield from lacking("parsed", self.parsed, partial(no_runs, run=run, files=FEFF_RUNS))


SETTINGS = XanesStudy
