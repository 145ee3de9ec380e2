"""K edges by GPAW with a core hole: what is asked of the program, and what came out.

Half or a full hole against a uniform background, or the excited electron in the lowest empty state
(XCH, excited electron and core hole); spin-polarised, with U. The absolute energy is that of ΔSCF:
the total energy of the first core-excited state minus that of the ground state stands at the first
empty state of the spectrum.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, Field, ValidationError, model_validator

from defectra.campaign.engine import Outcome, Parsed
from defectra.core.errors import EngineError
from defectra.core.store import write_bytes
from defectra.core.units import FWHM_PER_SIGMA
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawCoreHoleProtocol
from defectra.engines.open_shells import unstated

Floats = NDArray[np.float64]

ENGINE = "gpaw_corehole"
PARSER_VERSION = "2"
RESULT = gpaw.RESULT
STEP = 0.1  # eV, of the energies of a spectrum
BELOW = 5.0  # eV, that the spectrum begins below the first transition
# Inelastic losses: a state so far above the first empty one is this much of that wider, the linear
# rule of WIEN2k (E/10). FEFF and measured spectra have them; the states of GPAW have none.
LOSS = 0.1
_LONGEST = 2000.0  # eV, of a spectrum
_TIMES_MOST = 4  # cells along one vector

__all__ = ["ENGINE", "PARSER_VERSION", "Site", "engine_version", "parse", "site"]

engine_version = gpaw.engine_version


def site(geometry: Mapping[str, Any], index: int) -> Site:
    """Runner of one site."""
    return Site(geometry, index)


class Site:
    """One absorber of one geometry.

    Parameters
    ----------
    geometry
        Row of the geometries table; its moments, if any, are where self-consistency starts.
    index
        Site in that row.
    """

    def __init__(self, geometry: Mapping[str, Any], index: int) -> None:
        self.geometry, self.index = geometry, index

    def job(self, edge: str, protocol: GpawCoreHoleProtocol) -> gpaw.Job:
        """What the program reads.

        Raises
        ------
        EngineError
            ``unknown_edge`` for anything but K; ``unknown_site``; ``no_moment`` if the cell has an
            element with an open d or f shell whose moment nobody stated.
        """
        elements = list(self.geometry["species"])
        if edge != "K":
            raise EngineError("unknown_edge", f"GPAW core hole: edge {edge!r}; only K is there")
        if not 0 <= self.index < len(elements):
            raise EngineError("unknown_site", f"site {self.index} of a cell of {len(elements)}")
        cell, times = _cell(self.geometry, protocol.image_distance)
        moments = _moments(self.geometry, protocol)
        settings = protocol.model_dump(mode="json", exclude={"hole", "moments"})
        return {
            "lattice": list(cell.lattice),
            "species": list(cell.species),
            "coords": list(cell.coords),
            "moments": moments * int(np.prod(times)),
            "site": self.index,
            "hole": protocol.hole,
            "mesh": mesh(cell.lattice, protocol.spacing),
            "settings": settings | {"sets": "sets"},
        }

    def identity(self, edge: str, protocol: GpawCoreHoleProtocol) -> str:
        """`calculation_id` of an edge."""
        return gpaw.calculation_id(self.job(edge, protocol))

    def inputs(self, edge: str, protocol: GpawCoreHoleProtocol) -> dict[str, str]:
        """Input files by name."""
        return {"job.json": json.dumps(self.job(edge, protocol), indent=1)}

    def run(self, edge: str, protocol: GpawCoreHoleProtocol, folder: Path | None = None) -> Outcome:
        """Compute one edge.

        Parameters
        ----------
        folder
            Steps that a killed run finished there are not done again, and generated PAW sets are
            kept beside it, in ``gpaw_sets``. None: a temporary one.
        """
        job = self.job(edge, protocol)
        if folder is not None:
            job["settings"]["sets"] = str(folder.resolve().parent / "gpaw_sets")
        out = gpaw.run(job, folder, "corehole.py", keep=True)
        if folder is not None and out.files:
            for name, text in self.inputs(edge, protocol).items():
                write_bytes(folder / name, text.encode())
            write_bytes(folder / RESULT, out.files[RESULT])
        return out


def repeats(lattice: ArrayLike, distance: float) -> tuple[int, int, int]:
    """Smallest repetition of a cell whose shortest lattice vector is at least `distance` Å.

    Raises
    ------
    EngineError
        ``bad_input`` if no repetition of up to four cells each way does.
    """
    rows = np.reshape(np.asarray(lattice, float), (3, 3))
    choices = itertools.product(range(1, _TIMES_MOST + 1), repeat=3)
    for times in sorted(choices, key=lambda t: (int(np.prod(t)), max(t), t)):
        if _shortest(rows * np.array(times)[:, None]) >= distance - 1e-6:
            return times[0], times[1], times[2]
    raise EngineError("bad_input", f"no cell with holes {distance:g} Å apart: lower image_distance")


def _shortest(rows: Floats) -> float:
    """Length of the shortest lattice vector, Å."""
    numbers = np.array(list(itertools.product(range(-4, 5), repeat=3)))
    lengths = np.linalg.norm(numbers @ rows, axis=1)
    return float(lengths[lengths > 1e-9].min())


def mesh(lattice: ArrayLike, spacing: float) -> list[int]:
    """k-points along each reciprocal vector, no further apart than `spacing` (1/Å, with 2π)."""
    inverse = 2 * np.pi * np.linalg.inv(np.reshape(np.asarray(lattice, float), (3, 3))).T
    return [max(1, int(np.ceil(np.linalg.norm(b) / spacing - 1e-6))) for b in inverse]


def _cell(geometry: Mapping[str, Any], distance: float) -> tuple[gpaw.Cell, tuple[int, int, int]]:
    """Compact cell of the same crystal, repeated until images are `distance` Å apart.

    Sites keep their order, and those of the first repetition come first.
    """
    from pymatgen.core import Lattice

    given = np.reshape(np.asarray(geometry["lattice"], float), (3, 3))
    points = np.reshape(np.asarray(geometry["coords"], float), (-1, 3)) @ given
    rows = Lattice(given).get_lll_reduced_lattice().matrix
    coords = points @ np.linalg.inv(rows)
    times = repeats(rows, distance)
    moved = [(coords + n) / np.array(times) for n in itertools.product(*map(range, times))]
    species = list(geometry["species"]) * len(moved)
    return gpaw.Cell.of(rows * np.array(times)[:, None], species, np.vstack(moved) % 1.0), times


def _moments(geometry: Mapping[str, Any], protocol: GpawCoreHoleProtocol) -> list[float]:
    """Initial moments of the given cell, µB; none without spin."""
    known = list(geometry.get("moments") or [])
    if not protocol.spin:
        return []
    if known:
        return [round(float(m), 2) for m in known]
    unknown = unstated(geometry["species"], {*protocol.moments, *protocol.hubbard})
    if unknown:
        raise EngineError(
            "no_moment",
            f"GPAW core hole: no initial magnetic moment of {', '.join(unknown)}; a cell that "
            "starts without moments stays non-magnetic. Give the structure magnetic moments, or "
            "state `moments` (0 where it has none) and, if you use one, `hubbard` in the protocol",
        )
    return [float(protocol.moments.get(e, 0.0)) for e in geometry["species"]]


def parse(files: Mapping[str, bytes]) -> Parsed:
    """Spectrum of a kept result, both spins together, in Bohr² / eV of one site.

    Absorption is this times the photon energy, which the axis need not know; over 25 eV of O K the
    factor is 5 %.

    States are broadened by the Gaussian and the core-hole width that the job asked for, and by
    inelastic losses that grow with their energy (:data:`LOSS`). The spectrum ends one width
    (of :data:`LOSS`) below the states that were not computed; their tails are missing there.

    Energies are absolute (ΔSCF) where the total energies are there, else from the Fermi level, and
    then `edge` is NaN.

    Raises
    ------
    EngineError
        ``no_output``, ``truncated_output``, ``not_finite``.
    """
    steps = gpaw.parse(files)
    found, asked = _checked(steps, files[RESULT])
    parts = [np.array([s.energy_eV, s.strength, s.empty]) for s in found.spins]
    energy, strength, empty = np.hstack(parts)
    first, last = found.first_eV, found.complete_eV
    edge = edge_energy(steps)
    shift = edge - first if np.isfinite(edge) else -found.efermi_eV
    grid = np.arange(first - BELOW, last - LOSS * (last - first), STEP)
    width = asked.lifetime + LOSS * np.maximum(energy - first, 0.0)
    mu = voigt_sum(grid, energy, strength * empty, asked.fwhm, width)
    return Parsed(
        grid + shift, mu, np.empty(0), found.efermi_eV + shift, edge, float("nan"),
        converged=True, iterations=found.iterations,
    )  # fmt: skip


class _Spin(BaseModel):
    energy_eV: list[float] = Field(min_length=1)  # noqa: N815 - as it stands in the file
    strength: list[float]
    empty: list[float]


class _Spectrum(BaseModel):
    """What must stand in the step ``spectrum``."""

    efermi_eV: float  # noqa: N815
    first_eV: float  # noqa: N815
    complete_eV: float  # noqa: N815
    iterations: int
    spins: list[_Spin] = Field(min_length=1, max_length=2)

    @model_validator(mode="after")
    def _of_one_length(self) -> _Spectrum:
        for s in self.spins:
            if not len(s.energy_eV) == len(s.strength) == len(s.empty):
                raise ValueError("states, strengths and emptiness differ in number")
        return self


class _Asked(BaseModel):
    """What must stand in the result of what was asked."""

    fwhm: float = Field(gt=0, le=100)
    lifetime: float = Field(ge=0, le=100)


def _checked(steps: Mapping[str, Any], raw: bytes) -> tuple[_Spectrum, _Asked]:
    try:
        found = _Spectrum.model_validate(steps.get("spectrum"))
        asked = _Asked.model_validate(json.loads(raw).get("asked"))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        text = f"GPAW: {RESULT} holds no spectrum ({where or error.errors()[0]['msg']})"
        raise EngineError("truncated_output", text) from None
    numbers = [found.efermi_eV, found.first_eV, found.complete_eV]
    for s in found.spins:
        numbers += [*s.energy_eV, *s.strength, *s.empty]
    if not np.isfinite(numbers).all():
        raise EngineError("not_finite", f"GPAW: not a number among the states of {RESULT}")
    if not 0 < found.complete_eV - found.first_eV < _LONGEST:
        reach = found.complete_eV - found.first_eV
        raise EngineError("truncated_output", f"GPAW: {RESULT} reaches {reach:g} eV")
    return found, asked


def edge_energy(steps: Mapping[str, Mapping[str, Any]]) -> float:
    """ΔSCF energy of the first transition, eV; NaN if one of the two total energies is not there.

    Both are counted from nuclei and electrons apart, since PAW sets with and without a hole have
    reference energies of their own.
    """
    try:
        return float(steps["excited"]["total_eV"]) - float(steps["ground"]["total_eV"])
    except (KeyError, TypeError, ValueError):
        return float("nan")


def voigt_sum(
    grid: Floats, energy: Floats, strength: Floats, fwhm: float, lifetime: Floats
) -> Floats:
    """Sum of Voigt profiles of unit area times `strength`, shape of `grid`.

    Parameters
    ----------
    fwhm
        FWHM of the Gaussian, eV.
    lifetime
        FWHM of the Lorentzian of each state, eV.
    """
    from scipy.special import voigt_profile

    sigma, used = fwhm / FWHM_PER_SIGMA, strength > 0
    away = grid[:, None] - energy[None, used]
    return np.asarray(voigt_profile(away, sigma, lifetime[None, used] / 2) @ strength[used])
