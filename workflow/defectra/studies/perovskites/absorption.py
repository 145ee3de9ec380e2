"""Absorption of cubic ABX3 from GPAW's dielectric function: jobs, rows, and the scissor.

Transitions between Kohn-Sham states of PBE (functional of Perdew, Burke and Ernzerhof), without
spin-orbit coupling, excitons or local fields. The gap of PBE is too small: a scissor moves the
spectrum to a better one. With dipoles that it leaves as they are the imaginary part moves rigidly
(R. Del Sole and R. Girlanda, Phys. Rev. B 48, 11789 (1993)); the real part follows from it by the
relation of Kramers and Kronig.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from defectra.campaign.engine import Outcome
from defectra.core.errors import DataError, EngineError
from defectra.core.records import OUTCOME_COLUMNS, Column, Origin, Table
from defectra.engines.gpaw import run as gpaw
from defectra.engines.gpaw.settings import GpawProtocol
from defectra.studies.perovskites import runs, slme
from defectra.studies.perovskites.compounds import Compound
from defectra.studies.perovskites.outcomes import finished

Floats = NDArray[np.float64]
Row = dict[str, Any]
# Compounds with a hybrid gap of our own and a measured one.
COMPOUNDS = (
    ("Cs", "Pb", "I"),
    ("Cs", "Pb", "Br"),
    ("Cs", "Sn", "I"),
    ("Cs", "Sn", "Br"),
    ("Cs", "Ge", "I"),
)
CHECKED = COMPOUNDS[1]  # computed on a denser mesh, too
# Empty bands, plane waves of the response (eV; the least that holds the longest wave), end of the
# energies (eV), their first step (eV), and broadening (eV).
STEP = {
    "do": "dielectric", "bands": 12, "cutoff": 10.0, "largest": 30.0, "spacing": 0.02, "eta": 0.02,
}  # fmt: skip
GRID_EV = 0.01
SPECTRA = Table(
    "perovskite_spectra",
    (
        Column("calculation_id", "string", "", "SHA-256 of the canonical engine input"),
        Column("name", "string", "", "compound, canonical formula"),
        Column("engine_version", "string", "", "version of the engine"),
        Column("protocol", "string", "", "fidelity"),
        Column("lattice", "float", "Å", "cubic constant"),
        Column("mesh", "ints", "", "k-points of the transitions"),
        Column("points", "int", "", "of them, irreducible ones"),
        Column("direct_gap", "float", "eV", "smallest direct gap on the mesh, PBE"),
        Column("energies", "floats", "eV", "photon energy"),
        Column("real", "floats", "", "real part of the dielectric function"),
        Column("imaginary", "floats", "", "its imaginary part"),
        *OUTCOME_COLUMNS,
        Column("parser_version", "string", "", "version of the parser"),
    ),
)


def job(compound: Compound, lattice: float, protocol: GpawProtocol) -> gpaw.Job:
    """Job of the dielectric function at a lattice constant, Å."""
    steps = ({"do": "energy"}, {"do": "edges"}, STEP)
    return gpaw.job(runs.cell(compound, round(lattice, 4)), protocol, steps)


def row_of(about: Mapping[str, Any], protocol: str, asked: gpaw.Job, out: Outcome) -> Row:
    """Row of a finished calculation; a result without its spectrum is ``failed``."""
    row: Row = {
        "name": about["name"], "protocol": protocol, "lattice": about["lattice"],
        "mesh": asked["settings"]["band_mesh"], "points": 0, "direct_gap": float("nan"),
        "energies": [], "real": [], "imaginary": [],
        "origin": str(Origin.RUN), "parser_version": gpaw.PARSER_VERSION,
    }  # fmt: skip
    return finished(row, out, _read)


def _read(steps: Mapping[str, Row]) -> Row:
    missing = {"edges", "dielectric"} - set(steps)
    if missing:
        raise EngineError("no_output", f"GPAW: no {', '.join(sorted(missing))} in the result")
    found = steps["dielectric"]
    return {
        "points": found["irreducible_points"],
        "direct_gap": steps["edges"]["direct_gap_eV"],
        "energies": found["energies_eV"],
        "real": found["real"],
        "imaginary": found["imaginary"],
    }


def scissored(
    energies: ArrayLike, imaginary: ArrayLike, shift: float
) -> tuple[Floats, Floats, Floats]:
    """Energies (eV, from 0 in steps of 0.01), real and imaginary part, moved up by `shift`.

    Parameters
    ----------
    energies, imaginary
        eV, rising from 0, and imaginary part of the dielectric function; shape (n,).
    shift
        Of the empty bands, eV; below zero it closes the gap.

    Raises
    ------
    DataError
        If energies do not rise, or a value is not finite.
    """
    at, values = np.asarray(energies, float), np.asarray(imaginary, float)
    sound = at.shape == values.shape and len(at) > 1 and (np.diff(at) > 0).all()
    if not (sound and np.isfinite([at, values]).all() and np.isfinite(shift)):
        raise DataError("dielectric function: rising energies, and as many finite values")
    grid = GRID_EV * np.arange(round((at[-1] + max(shift, 0.0)) / GRID_EV) + 1)
    moved = np.interp(grid - shift, at, values, left=0.0, right=0.0)
    moved = np.maximum(moved, 0.0)
    moved[0] = 0.0
    return grid, real_part(grid, moved), moved


def real_part(energies: Floats, imaginary: Floats) -> Floats:
    """Real part by Kramers and Kronig on an even grid from 0, shape (n,).

    The principal value is taken by leaving out every other point, the singular one among them
    (K. Ohta and H. Ishida, Appl. Spectrosc. 42, 952 (1988)).
    """
    step = energies[1] - energies[0]
    out = np.ones(len(energies))
    for start in (0, 1):
        at, over = energies[start::2], energies[1 - start :: 2]
        weight = over * imaginary[1 - start :: 2]
        kernel = weight[None, :] / (over[None, :] ** 2 - at[:, None] ** 2)
        out[start::2] += 4 / np.pi * step * kernel.sum(axis=1)
    return out


def coefficient(energies: Floats, real: Floats, imaginary: Floats) -> tuple[Floats, Floats]:
    """Photon energy (eV) above 0 and absorption coefficient (m⁻¹)."""
    above = energies > 0
    e, part = energies[above], real[above]
    k = np.sqrt(np.maximum(np.hypot(part, imaginary[above]) - part, 0.0) / 2)
    return slme.absorption(slme.EV_UM / e, k)
