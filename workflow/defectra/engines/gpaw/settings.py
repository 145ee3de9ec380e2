"""Fidelities of what GPAW computes: cells, charged cells, core holes, optical transitions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, TypeAdapter

from defectra.core.settings import Strict

HYBRIDS = ("HSE06",)


class GpawProtocol(Strict):
    """One fidelity of GPAW: plane waves, PAW. Energies in eV."""

    description: str = Field("", description="what it is for, and its measured error")
    xc: str = Field("PBE", description="functional of the self-consistent density")
    cutoff: float = Field(350, ge=100, le=2000, description="eV, plane waves")
    mesh: list[int] = Field([4, 4, 4], min_length=3, max_length=3, description="k-points")
    shifted: bool = Field(True, description="mesh between the lattice points, else on them")
    band_mesh: list[int] = Field(
        [], max_length=3, description="mesh through Γ for band edges; empty: that of the density"
    )
    empty_bands: int = Field(6, ge=2, description="above the gap, on the mesh of the bands")
    smearing: float = Field(0.01, gt=0, le=0.5, description="eV, Fermi-Dirac")
    hubbard: dict[str, tuple[str, float]] = Field(
        {}, description="U by element, e.g. Ni: [d, 6.0], eV"
    )
    glides: bool = Field(
        False,
        description="also symmetries with a translation: fewer k-points in Pnma",
    )
    complex: bool = Field(False, description="complex orbitals although only Γ is sampled")
    iterations: int = Field(120, ge=1, description="of self-consistency, at most")
    energy: float = Field(1e-5, gt=0, description="eV per valence electron")
    density: float = Field(1e-4, gt=0, description="electrons per valence electron")
    eigenstates: float = Field(1e-4, gt=0, description="eV² per valence electron")
    checkpoint: bool = Field(
        False, description="keep the ground state on disk until the job is done"
    )
    timeout_s: float = Field(3600, gt=0, description="s, then the calculation counts as failed")


class GpawLevelsProtocol(Strict):
    """Hosts and charged cells with GPAW, plane waves."""

    description: str = Field("", description="what it is for, and its measured bias")
    functional: Literal["LDA", "PBE", "HSE06"] = Field(
        "PBE", description="of the orbitals of the charged cells"
    )
    hybrid: Literal["", "HSE06"] = Field(
        "", description="of energies and band edges, on the orbitals of `functional`; empty: none"
    )
    cutoff: float = Field(240, ge=150, le=900, description="eV, plane waves of a cell")
    hard_cutoff: int = Field(340, ge=150, le=900, description="eV, with B, C, N, O or F")
    kpoints: int = Field(2, ge=1, le=8, description="each way in 16 atoms, with the zone centre")
    width: float = Field(0.02, gt=0, le=0.2, description="eV, Fermi-Dirac")
    density_tolerance: float = Field(1e-3, gt=0, le=1e-2, description="electrons per electron")
    state_tolerance: float = Field(1e-5, gt=0, le=1e-2, description="eV² per electron")
    iterations: int = Field(100, ge=10, le=2000, description="at most")
    hubbard_u: dict[str, float] = Field({}, description="U of d shells, eV, by element")
    spin: bool = Field(True, description="spin-polarised where the impurity has an open d shell")
    odd_spin: bool = Field(
        False, description="one unpaired electron where their number is odd, else no spin"
    )
    fmax: float = Field(0.0, ge=0, description="relax to it; 0: ideal positions are kept")
    steps: int = Field(20, ge=1, description="of a relaxation, at most")
    host_cutoff: int = Field(300, ge=150, le=900, description="eV, runs of the hosts")
    host_hard_cutoff: int = Field(420, ge=150, le=900, description="eV, with B, C, N, O")
    host_density_tolerance: float = Field(1e-3, gt=0, le=1e-2, description="electrons per electron")
    host_state_tolerance: float = Field(1e-5, gt=0, le=1e-2, description="eV² per electron")
    host_kpoints: int = Field(4, ge=2, le=12, description="each way in the primitive cell")
    response_cutoff: int = Field(30, ge=10, le=200, description="eV, dielectric matrix")
    timeout_s: float = Field(
        3600, gt=0, description="s for one batch of calculations, then it counts as failed"
    )

    @property
    def method(self) -> str:
        """Functional of the energies: ``PBE``, ``HSE06``, or ``HSE06@PBE`` on orbitals of PBE."""
        return f"{self.hybrid}@{self.functional}" if self.hybrid else self.functional

    @property
    def by_hybrid(self) -> bool:
        """Whether energies are of a hybrid functional, self-consistent or not."""
        return bool(self.hybrid) or self.functional in HYBRIDS


class GpawCoreHoleProtocol(Strict):
    """K edges by GPAW with a core hole: plane waves, PAW. Energies in eV."""

    description: str = Field("", description="what it is for, and its measured error")
    xc: Literal["LDA", "PBE"] = Field("PBE", description="functional, of the PAW sets too")
    hole: Literal["half", "full", "xch"] = Field(
        "full",
        description="half or a whole electron taken from the core against a uniform background, "
        "or (xch) put into the lowest empty state",
    )
    edge_energy: bool = Field(True, description="also the ΔSCF energy of the first transition")
    edge_cutoff: float = Field(
        550, ge=100, le=2000, description="eV, plane waves of the ΔSCF energies"
    )
    spin: bool = Field(True, description="spin-polarised; without it the ΔSCF energy is wrong")
    hubbard: dict[str, tuple[str, float]] = Field(
        {"Ni": ("d", 6.0), "Co": ("d", 3.3), "Mn": ("d", 3.9)}, description="U by element, eV"
    )
    moments: dict[str, float] = Field(
        {"Ni": 1.2, "Mn": 3.1},
        description="initial magnetic moments by element, µB, if the cell has none",
    )
    cutoff: float = Field(280, ge=100, le=2000, description="eV, plane waves")
    image_distance: float = Field(
        4.9, ge=0, le=20, description="Å, least distance of a hole to its images"
    )
    spacing: float = Field(1.3, gt=0.05, le=10, description="1/Å, largest step of the k-points")
    bands: float = Field(
        1.2, ge=1.05, le=4, description="bands per occupied band in the self-consistency"
    )
    span: float = Field(40, gt=0, le=200, description="eV, approximate range of the spectrum")
    lifetime: float = Field(0.2, ge=0, description="eV, FWHM of the Lorentzian of the core hole")
    fwhm: float = Field(0.6, gt=0, description="eV, of the Gaussian over the k-points")
    smearing: float = Field(0.05, gt=0, le=0.5, description="eV, Fermi-Dirac")
    iterations: int = Field(200, ge=1, description="of self-consistency, at most")
    energy: float = Field(1e-3, gt=0, description="eV per valence electron")
    density: float = Field(1e-3, gt=0, description="electrons per valence electron")
    eigenstates: float = Field(1e-3, gt=0, description="eV² per valence electron")
    timeout_s: float = Field(7200, gt=0, description="s, then the calculation counts as failed")


class GpawEmitterProtocol(Strict):
    """Optical transitions of defects by GPAW: plane waves, PAW, Γ alone. Energies in eV."""

    description: str = Field("", description="what it is for, and its measured error")
    xc: Literal["LDA", "PBE"] = Field("PBE", description="functional of densities and forces")
    hybrid: str = Field("HSE06", description="functional on its orbitals; empty: none")
    cutoff: float = Field(350, ge=100, le=2000, description="eV, plane waves")
    empty_bands: int = Field(6, ge=3, description="above the highest occupied one")
    smearing: float = Field(0.01, gt=0, le=0.1, description="eV, Fermi-Dirac, ground state alone")
    mixing: float = Field(0.25, gt=0, le=1, description="share of the new density")
    iterations: int = Field(150, ge=1, description="of self-consistency, at most")
    energy: float = Field(1e-5, gt=0, description="eV per valence electron")
    density: float = Field(1e-4, gt=0, description="electrons per valence electron")
    eigenstates: float = Field(1e-6, gt=0, description="eV² per valence electron")
    fmax: float = Field(0.03, gt=0, description="eV/Å, of a relaxed state")
    steps: int = Field(40, ge=1, description="of a relaxation, at most")
    timeout_s: float = Field(21600, gt=0, description="s, then the calculation counts as failed")


def read_level_protocols(text: str) -> dict[str, GpawLevelsProtocol]:
    """Protocols of charged cells from the parameter of a rule: JSON, by name."""
    return TypeAdapter(dict[str, GpawLevelsProtocol]).validate_json(text)


PROTOCOLS = {
    "gpaw": GpawProtocol,
    "gpaw_levels": GpawLevelsProtocol,
    "gpaw_corehole": GpawCoreHoleProtocol,
    "gpaw_emitter": GpawEmitterProtocol,
}
SPECTRA = {"gpaw_corehole": "gpaw_corehole"}
