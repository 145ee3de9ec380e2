"""Settings of study `nmc`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from defectra.core.named_files import lacking, no_runs
from defectra.core.protocols import spectra_engines
from defectra.core.records import Defect
from defectra.core.settings import Distinct, ModelSettings, Strict, StudySettings
from defectra.engines.feff.settings import Element
from defectra.spectra.grid import Grid
from defectra.structures.composition import all_compositions, parse_composition

EdgeName = Literal["Li K", "O K", "Mn K", "Co K", "Ni K", "Mn L3", "Co L3", "Ni L3"]


class NmcStructures(Strict):
    """What the study draws from: every combination, in a seeded order."""

    metals: int = Field(10, ge=3, le=40, description="metal sites of the cell, 5 x 2 x 1 = 10")
    compositions: Distinct[str] | Literal["all"] = Field(
        "all", description="e.g. [NMC622, Ni7Mn2Co1]; all = each of Ni, Mn, Co at least once"
    )
    orderings: int = Field(4, ge=1, description="seeded orderings of each composition")
    lithium: Distinct[float] = Field(
        [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1],
        min_length=1,
        description="per metal site",
    )
    defects: Distinct[Defect] = Field(list(Defect), min_length=1, description="kinds")
    count: int | None = Field(41, ge=1, description="number of structures; null: no limit")
    per_composition: int | None = Field(
        None, ge=1, description="number of structures of each composition; null: no limit"
    )

    @model_validator(mode="after")
    def _ends(self) -> NmcStructures:
        if self.count is None and self.per_composition is None:
            raise ValueError("give count, per_composition or both; without them there is no end")
        return self

    @property
    def names(self) -> list[str]:
        """Canonical composition names, e.g. ``Ni6Mn2Co2``."""
        if self.compositions == "all":
            return all_compositions(self.metals)
        return [parse_composition(c, self.metals) for c in self.compositions]

    @model_validator(mode="after")
    def _fits(self) -> NmcStructures:
        names = self.names
        if len(set(names)) < len(names) or not names:
            raise ValueError(f"compositions: {', '.join(names) or 'none'}; at least one, each once")
        for x in self.lithium:
            if not 0 < x <= 1 or abs(x * self.metals - round(x * self.metals)) > 1e-6:
                raise ValueError(
                    f"lithium content {x} does not fit {self.metals} lithium sites; "
                    f"allowed: multiples of 1/{self.metals} from 1/{self.metals} to 1"
                )
        return self


Arm = Literal["pristine", "lithium", "vacancy", "antisite", "vacancy_own_cell", "pristine_volume"]
# Geometry protocol of each arm. The first four are made alike, so that no trace of the relaxation
# separates them: the cell of the relaxed defect-free parent is kept and the sites relax in it. The
# last two let the volume of the vacancy in.
ARMS: dict[str, str] = {
    "pristine": "chgnet-cell",
    "lithium": "chgnet-cell",
    "vacancy": "chgnet-cell",
    "antisite": "chgnet-cell",
    "vacancy_own_cell": "chgnet",
    "pristine_volume": "chgnet-volume",
}


Relaxer = Literal["chgnet", "sevennet"]


class NmcBlocks(Strict):
    """The campaign by blocks: one ordering at one lithium content in several arms.

    Arm `lithium` has as many electrons as the vacancy; `vacancy` and `antisite` lie in the cell of
    `pristine`. Used by ``python -m defectra.studies.nmc.blocks.campaign``.
    """

    count: int = Field(
        80, ge=0, description="number of blocks, a larger one continues the same order; 0: none"
    )
    arms: Distinct[Arm] = Field(
        ["pristine", "lithium", "vacancy", "antisite"],
        min_length=1,
        description="also: vacancy_own_cell, pristine_volume",
    )
    relaxer: Relaxer = Field("chgnet", description="pretrained potential that relaxes the cells")
    lithium: Distinct[float] = Field(
        [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
        min_length=1,
        description="per metal site, before the step",
    )
    step: float = Field(
        0.2, gt=0, description="lithium added in arm `lithium`: 2 electrons on 10 metal sites"
    )
    first_ordering: int = Field(
        10,
        ge=0,
        description="orderings with lower numbers belong to other data; left out where possible",
    )
    edges: Distinct[EdgeName] = Field(["Li K", "O K", "Mn K", "Co K", "Ni K"], min_length=1)
    protocol: str = Field("campaign", description="a protocol of engine feff")
    sites: dict[Element, int] = Field(
        {"Li": 1, "O": 4, "Mn": 2, "Co": 2, "Ni": 2}, description="sites of each element"
    )
    converged: str = Field(
        "campaign_converged", description="higher-fidelity protocol for a part of the blocks"
    )
    converged_every: int = Field(8, ge=0, description="every n-th block also with it; 0: none")
    converged_sites: dict[Element, int] = Field(
        {"Li": 1, "O": 2, "Mn": 1, "Co": 1, "Ni": 1}, description="sites of each element with it"
    )

    def misfit(self, metals: int) -> str:
        """Which lithium content does not fit a cell of so many lithium sites; empty: all do."""
        for x in self.lithium if self.count else []:
            for content in (x, x + self.step):
                whole = abs(content * metals - round(content * metals)) <= 1e-6
                if not whole or not 0 < content < 1 + 1e-6:
                    return (
                        f"{x} with step {self.step} gives {content:g}, which does not fit {metals} "
                        f"lithium sites; allowed: multiples of 1/{metals} up to 1"
                    )
        return ""


class LithiumSeries(Strict):
    """Structures for one question: how does removing lithium change the spectra?"""

    composition: str = Field("Ni6Mn2Co2")
    orderings: int = Field(
        5, ge=0, description="seeded orderings, equivalent ones counted once; 0: no series"
    )
    lithium: Distinct[float] = Field(
        [1.0, 0.2], description="lithium per metal site; must contain 1.0, the parent of all"
    )
    edges: Distinct[EdgeName] = Field(["Ni K", "O K"])
    sites: dict[Element, int] = Field({"Ni": 6, "O": 1}, description="sites of each element")

    @field_validator("lithium")
    @classmethod
    def _has_parent(cls, value: list[float]) -> list[float]:
        if 1.0 not in value:
            raise ValueError("must contain 1.0: the relaxed parent is what the others start from")
        return value


class NmcStudy(StudySettings):
    """Study `nmc`: NMC oxides from several edges at once (arXiv:2501.08919)."""

    structures: NmcStructures = NmcStructures()
    geometry: Literal["chgnet", "vegard"] = Field(
        "chgnet", description="geometry protocol; never two in one training table"
    )
    engine: str = Field(
        "feff", description="feff, feff_binary, gpaw_corehole, vasp, fdmnes; synthetic: no physics"
    )
    protocol: str = Field("fast", description="a protocol of the engine")
    ladder: str = Field("balanced", description="higher-fidelity protocol for some structures")
    ladder_every: int = Field(
        4, ge=0, description="every n-th structure also at the protocol `ladder`; 0: none"
    )
    live_geometries: bool = Field(
        False, description="relax what the archive does not hold (needs `make engines`)"
    )
    edges: dict[EdgeName, Grid] = Field(
        default={
            "Li K": Grid(start=52, stop=80, fwhm=0.8),
            "O K": Grid(start=528.9, stop=562.1, fwhm=1.0),
            "Mn K": Grid(start=6535, stop=6580, step=0.25, shift=-2.2, fwhm=1.5),
            "Co K": Grid(start=7705, stop=7750, step=0.25, fwhm=1.5),
            "Ni K": Grid(start=8330, stop=8375, step=0.25, shift=-4.2, fwhm=1.5),
            "Mn L3": Grid(start=635.1, stop=675.1),
            "Co L3": Grid(start=775.1, stop=815.1),
            "Ni L3": Grid(start=853.1, stop=880.1),
        },
        description="energy grid, shift and broadening of each edge",
    )
    sites: dict[Element, int] = Field(
        {"Li": 1, "O": 2, "Mn": 1, "Co": 1, "Ni": 1}, description="sites of each element"
    )
    parsed: Distinct[str] = Field(
        [],
        description="folders of finished runs made elsewhere; new structures join the training",
    )
    parsed_geometry: Literal["parsed", "chgnet", "vegard"] = Field(
        "parsed", description="how their cells were made; new structures join if it is `geometry`"
    )
    shards: int = Field(
        8, ge=1, description="chunks (jobs) of the calculations; do not change during a campaign"
    )
    drift_sample: int = Field(3, ge=0, description="archived calculations recomputed in each run")
    max_failed: float = Field(
        0.2, ge=0, le=1, description="fraction of failed calculations above which a run stops"
    )
    lithium_series: LithiumSeries = LithiumSeries()
    blocks: NmcBlocks = NmcBlocks()
    model: ModelSettings = ModelSettings()

    @field_validator("sites")
    @classmethod
    def _positive(cls, value: dict[str, int]) -> dict[str, int]:
        for element, n in value.items():
            if n < 1:
                raise ValueError(f"sites.{element} is {n}; at least 1")
        return value

    @model_validator(mode="after")
    def _sites_for_edges(self) -> NmcStudy:
        missing = {e.split()[0] for e in self.edges} - set(self.sites)
        if missing:
            raise ValueError(f"sites: no number of sites for {', '.join(sorted(missing))}")
        return self

    @model_validator(mode="after")
    def _blocks_fit(self) -> NmcStudy:
        if misfit := self.blocks.misfit(self.structures.metals):
            raise ValueError(f"blocks.lithium: {misfit}")
        return self

    def named_protocols(self) -> Mapping[str, tuple[str, str]]:
        """Protocols that the study names."""
        table = spectra_engines()[self.engine]
        ladder = {"ladder": (table, self.ladder)} if self.ladder_every else {}
        own = {f"blocks.{k}": ("feff", getattr(self.blocks, k)) for k in ("protocol", "converged")}
        blocks = own if self.engine != "gpaw_corehole" else {}  # those of the second code
        return {"protocol": (table, self.protocol), **ladder, **blocks}

    def lacks(self, run: Path) -> Iterator[tuple[str, str]]:
        """Folders of finished runs that are not there."""
        yield from lacking("parsed", self.parsed, partial(no_runs, run=run))

    @field_validator("engine")
    @classmethod
    def _gives_spectra(cls, value: str) -> str:
        if value not in spectra_engines():
            raise ValueError(
                f"no engine {value!r} of spectra; allowed: {', '.join(spectra_engines())}"
            )
        return value


SETTINGS = NmcStudy
