"""Settings of study `levels`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from defectra.core.named_files import lacking, no_archive, no_own_file, no_runs
from defectra.core.paths import PROJECT
from defectra.core.settings import Distinct, Strict, StudySettings, unknown

ARCHIVE = "resources/archive/levels"
VASP_RUNS = ("vasprun.xml", "vasprun.xml.gz")


class Kernel(Strict):
    """Isotropic Gaussian process over defects: centre of the candidates that are not learnt.

    Lengths are in standard deviations of the scaled descriptors, weights in eV².
    """

    host_length: float = Field(1.0, gt=0)
    impurity_length: float = Field(1.0, gt=0)
    contrast_length: float = Field(1.0, gt=0)
    joint_host_length: float = Field(1.5, gt=0)
    constant: float = Field(4.0, gt=0)
    host_linear: float = Field(0.3, ge=0)
    host: float = Field(0.3, ge=0)
    impurity: float = Field(0.3, ge=0)
    contrast: float = Field(0.3, ge=0)
    joint: float = Field(0.3, ge=0)
    noise: float = Field(
        0.3, gt=0, description="eV, at a gap of 1.5 eV; its square grows with the gap"
    )
    suspect_noise: float = Field(
        1.5,
        ge=0,
        description="eV, added noise where levels do not rise with the number of electrons",
    )


class Learning(Strict):
    """How the kernel with a length for each descriptor is learnt (marginal likelihood)."""

    parts: int = Field(5, ge=2, description="groups are dealt into so many; one kernel for each")
    most_per_host: int = Field(40, ge=1, description="rows of a host that a kernel is learnt from")
    steps: int = Field(35, ge=1, description="iterations of the optimiser at most")
    degrees: float = Field(
        4.0,
        gt=0,
        description="degrees of freedom of Student's t noise: rows far from the others count less",
    )


class Boosting(Strict):
    """Boosted and bagged trees, one declared setting for all splits."""

    trees: int = Field(100, ge=1)
    depth: int = Field(5, ge=1)
    learning_rate: float = Field(0.12, gt=0, le=1)
    subsample: float = Field(0.8, gt=0, le=1)
    column_sample: float = Field(0.4, gt=0, le=1)
    forest_trees: int = Field(30, ge=1)
    forest_depth: int = Field(8, ge=1)


class Intervals(Strict):
    """Prediction intervals, calibrated on training groups held out in turn."""

    level: float = Field(0.9, gt=0, lt=1)
    domain: float = Field(
        0.95,
        gt=0,
        le=1,
        description="quantile of the distances between learnt hosts where the domain ends",
    )


class Multifidelity(Strict):
    """The published two-fidelity study: runs when its table lies in the mirror."""

    repeats: int = Field(5, ge=1, description="seeded draws of the training subset")
    fractions: Distinct[float] = Field([0.1, 0.2, 0.4, 0.7, 1.0], min_length=1)


class Acquisition(Strict):
    """What to compute next: expected gain per cost."""

    count: int = Field(200, ge=1, description="rows of the ranked list")
    cell_atoms: int = Field(64, ge=2, description="atoms of the supercell of the cost model")
    reference_s: float = Field(60.0, gt=0, description="CPU s of one charge state, 64 atoms")
    exponent: float = Field(2.5, gt=0, description="cost grows as electrons to this power")


class ParsedSet(Strict):
    """A folder of VASP runs: one bulk, one defect in its charges."""

    folder: str = Field(description="searched with all below it; names do not matter")
    host: str = Field(description="formula, cation first, e.g. CdTe")
    dielectric: list[float] = Field(
        min_length=9, max_length=9, description="tensor, rows; electronic for unrelaxed cells"
    )


class EnergyTable(Strict):
    """A csv of total energies of a user's own, and which of its columns holds what."""

    file: str = Field(description="csv with a header line")
    host: str = Field(description="column of the host, or a constant such as =CdTe")
    defect: str = Field(description="column of the defect's name")
    vbm: str = Field(description="column of the valence-band maximum, eV, axis of the energies")
    gap: str = Field(description="column of the gap, eV")
    energies: dict[int, str] = Field(min_length=2, description="column of the energy by charge")
    corrections: dict[int, str] = Field({}, description="column of the correction by charge")
    bulk: str = Field("", description="column of the host's total energy")
    fidelity: str = Field("functional unknown", description="functional or method of the energies")


class ComputedSets(Strict):
    """Charged cells with GPAW: the shipped set, what each run computes anew, users' own runs."""

    sets: str = Field("resources/levels/sets.csv", description="sets with their protocols")
    archive: str = Field(ARCHIVE, description="hosts and cells computed earlier")
    protocol: str = Field(
        "fast", description="protocol of gpaw_levels for the cells of `next_levels`"
    )
    recompute: Distinct[str] = Field(
        ["AlP M_A Cd 16 fast"], description="sets recomputed in each run, if GPAW is installed"
    )
    complete: bool = Field(False, description="compute every set that the archive lacks")
    all_hosts: bool = Field(False, description="with `complete`: also hosts that no set names")
    shards: int = Field(4, ge=1, description="chunks of what is computed, by host")
    phases: str = Field("resources/levels/phases.csv", description="elements and competing phases")
    formation: Distinct[str] = Field(
        ["AlAs M_i_B In 16 fast"], description="sets whose formation energies are computed"
    )
    next_runs: int = Field(1, ge=0, description="rows of next.csv that `next_levels` computes")
    next_atoms: int = Field(16, ge=8, description="atoms of the host in the cells of `next_levels`")
    parsed: Distinct[ParsedSet] = Field([], description="VASP runs made elsewhere")
    parsed_geometry: str = Field(
        "parsed",
        description="how their cells were made; 'relaxed', as the published: their levels train",
    )
    results: Distinct[str] = Field(
        [], description="JSON of doped (thermodynamics), pydefect (summary)"
    )
    tables: Distinct[EnergyTable] = Field([], description="csv of energies, columns declared")


ORDINARY = "CdTe CdSe CdS ZnTe ZnSe ZnS GaAs GaP GaSb InP InAs InSb AlAs AlP AlSb".split()


class LevelsStudy(StudySettings):
    """Study `levels`: charge-state transition levels of impurities (arXiv:2203.10349)."""

    mba_coefficient: float = Field(
        0.14, description="modified band alignment: weight of (level - gap)"
    )
    hosts: str = Field("resources/levels/hosts.csv", description="host properties, with sources")
    native_defects: bool = Field(True, description="native defects of other hosts as training rows")
    ordinary: Distinct[str] = Field(
        ORDINARY,
        description="hosts whose mean error is reported separately",
    )
    folds: int = Field(5, ge=2)
    kernel: Kernel = Kernel()
    candidates: int = Field(
        5, ge=1, description="isotropic kernels drawn about the centre, beside the learnt one"
    )
    candidate_spread: float = Field(0.4, ge=0, description="log-normal width of the draws")
    order_weight: float = Field(
        0.5,
        ge=0,
        le=1,
        description="prior that levels rise with the number of electrons; 1: strict, 0: none",
    )
    learning: Learning = Learning()
    trees: Boosting = Boosting()
    intervals: Intervals = Intervals()
    multifidelity: Multifidelity = Multifidelity()
    acquisition: Acquisition = Acquisition()
    live: ComputedSets = ComputedSets()
    diagrams: dict[str, Distinct[str]] = Field(
        {"CdTe": ["Cu", "As", "In", "Cl"], "ZnSe": ["Cu", "P", "Al", "Br"]},
        description="impurities of each transition-level diagram",
    )
    simulations: int = Field(40, ge=2, description="draws of the simulated-data study")
    host_fidelity: Literal["measured", "lda", "pbe", "pbe_soc", "hse"] = Field(
        "measured", description="gap and lattice that describe a host: measured, or computed here"
    )
    bootstrap: int = Field(300, ge=10, description="resamples over groups")
    target: Literal["pbe"] = Field("pbe", description="fidelity of the single-fidelity study")

    @model_validator(mode="after")
    def _fractions(self) -> LevelsStudy:
        if not all(0 < f <= 1 for f in self.multifidelity.fractions):
            raise ValueError("multifidelity.fractions must lie above 0 and not above 1")
        return self

    def lacks(self, run: Path) -> Iterator[tuple[str, str]]:
        """Archive, runs, results and tables that are not there; hosts that have no properties."""
        live, own = self.live, partial(no_own_file, run=run)
        yield from lacking("live.archive", [live.archive], partial(no_archive, usual=ARCHIVE))
        folders = [one.folder for one in live.parsed]
        yield from lacking("live.parsed", folders, partial(no_runs, run=run, files=VASP_RUNS))
        yield from lacking("live.results", live.results, own)
        yield from lacking("live.tables", [one.file for one in live.tables], own)
        path = PROJECT / self.hosts
        if self.ordinary != ORDINARY and path.is_file():
            with path.open(encoding="utf-8", newline="") as handle:
                known = dict.fromkeys(row.get("host", "") for row in csv.DictReader(handle))
            wrong = (name for name in self.ordinary if name not in known)
            yield from (("ordinary", unknown(name, known, "host")) for name in wrong)

    def chunks_to_compute(self) -> int:
        """Chunks of hosts, if what the archive lacks is to be computed."""
        return self.live.shards if self.live.complete else 0

    def named_protocols(self) -> Mapping[str, tuple[str, str]]:
        """Protocols that the study names."""
        return {"live.protocol": ("gpaw_levels", self.live.protocol)}


SETTINGS = LevelsStudy
