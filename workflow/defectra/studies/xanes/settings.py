"""Settings of study `xanes`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from defectra.core.settings import Strict, StudySettings

FEATURES = ("intensity", "cdf", "cwt", "peaks", "pca")


class SpectralForest(Strict):
    """Random forest."""

    trees: int = Field(40, ge=1)
    leaf: int = Field(3, ge=1, description="least rows in a leaf")


class Disturbances(Strict):
    """Disturbances of test spectra."""

    shifts: list[float] = Field([0.5, 1.0, 2.0, 3.0, 4.0, 5.0], description="eV, at most 6")
    widths: list[float] = Field([1.0, 2.0, 4.0], description="FWHM of a Gaussian, eV")
    noise: list[float] = Field([0.01, 0.03, 0.1], description="of the largest value")

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
    widths: list[float] = Field([0.0, 0.5, 1.0, 1.5, 2.0], description="FWHM that are tried, eV")
    folds: int = Field(5, ge=2, description="no material is in training and test")


class Transfer(Strict):
    """FEFF to VASP for another element than the one that was learnt."""

    sites: list[int] = Field(
        [5, 10, 20, 35, 50], description="sites of the other element that are known beside none"
    )
    folds: int = Field(5, ge=2, description="of the asked materials; the known sites are of others")
    repeats: int = Field(3, ge=1, description="draws of the known sites in each fold")
    couplings: list[float] = Field(
        [0.5, 0.9, 1.0], description="between the elements, to choose from: 0 nothing, 1 equal"
    )
    kernel_widths: list[float] = Field(
        [0.03, 0.1], description="gamma of the Gaussian kernel times the number of components"
    )
    penalties: list[float] = Field([0.03, 0.3, 1.0], description="ridge, to choose from")

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
    features: list[str] = Field(["intensity", "cdf", "cwt"], description="compared")
    folds: int = Field(5, ge=2, description="no composition is in training and test")
    trees: int = Field(200, ge=1)
    leaf: int = Field(2, ge=1, description="least rows in a leaf")


class FidelityLevels(Strict):
    """One site at every fidelity: FEFF protocols and GPAW with a core hole (``rungs``)."""

    archive: str = Field(
        "resources/archive/ladder", description="folder of what was computed earlier"
    )
    live: Literal["no", "missing", "all"] = Field(
        "no", description="compute what the archive lacks, or all anew (hours; GPAW if it is there)"
    )
    rungs: list[str] = Field(
        ["feff fast", "feff balanced", "feff stringent", "gpaw_corehole fast"],
        description="engine and protocol; the last one is the reference",
    )
    parsed: list[str] = Field(
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
        return value


class XanesStudy(StudySettings):
    """Study `xanes`: what features of K edges predict, and how they transfer (arXiv:2310.07049)."""

    features: list[str] = Field(
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
        description="feature sets to compare; + joins two",
    )
    forest: SpectralForest = SpectralForest()
    disturbances: Disturbances = Disturbances()
    parsed: list[str] = Field(
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
        wrong = [n for n in value if any(p not in FEATURES for p in n.split("+"))]
        if wrong or not value:
            raise ValueError(f"features: {wrong or 'none'}; known: {', '.join(FEATURES)}")
        return value


SETTINGS = XanesStudy
