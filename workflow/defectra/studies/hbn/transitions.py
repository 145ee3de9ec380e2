"""Numbers of a transition from the energies and geometries of its states.

One effective mode, along the displacement between both relaxed geometries (Alkauskas et al., New J.
Phys. 16, 073026 (2014)): mass-weighted length ΔQ, phonon energy from the energy that the ground
state gains along it, Huang-Rhys factor S, Debye-Waller factor exp(-S).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Status
from defectra.structures.periodic import shortest
from defectra.studies.hbn.tables import status_shown

Row = dict[str, Any]
NAN = float("nan")
MASS = {"B": 10.81, "C": 12.011, "N": 14.007}  # u, of the natural elements
PHONON = 0.06465415  # eV, ħ sqrt(eV / (u Å²))
FIDELITIES = {"PBE": "", "HSE06@PBE": "hybrid_"}
MIXED = 0.3  # µB; a closed shell whose excited determinant keeps a smaller moment is half triplet
COLUMNS = [
    *("name", "charge", "spin", "size", "structure_id", "calculation_id", "status"),
    *("zpl_PBE_eV", "zpl_HSE06@PBE_eV", "exchange_eV", "absorption_eV", "emission_eV"),
    *("relaxed_ground_eV", "relaxed_excited_eV", "delta_Q", "delta_R_A", "mode_meV"),
    *("huang_rhys", "debye_waller", "gap_eV", "dipole_D", "out_of_plane", "angle_deg"),
    *("local_from", "local_to", "remark"),
]


def cartesian(row: Mapping[str, Any], key: str) -> NDArray[np.float64]:
    """Positions of a geometry of a row, Å, shape (n, 3)."""
    return np.reshape(row[key], (-1, 3)) @ np.reshape(row["lattice"], (3, 3))


def masses(species: Sequence[str]) -> NDArray[np.float64]:
    """Masses in u, shape (n,)."""
    return np.array([MASS[s] for s in species])


def displacement(row: Mapping[str, Any]) -> NDArray[np.float64]:
    """Ground to excited geometry without a shift of the centre of mass, Å, shape (n, 3)."""
    delta = np.reshape(row["coords_excited"], (-1, 3)) - np.reshape(row["coords_ground"], (-1, 3))
    delta = shortest(row["lattice"], delta)
    mass = masses(row["species"])
    return np.asarray(delta - (mass[:, None] * delta).sum(axis=0) / mass.sum())


def effective_mode(energy: float, length: float) -> tuple[float, float]:
    """Phonon energy (eV) and Huang-Rhys factor of a parabola.

    Parameters
    ----------
    energy
        Gained by relaxation along the mode, eV.
    length
        Mass-weighted displacement ΔQ, sqrt(u) Å.
    """
    if not (energy > 0 and length > 0):
        return NAN, NAN
    phonon = PHONON * math.sqrt(2 * energy) / length
    return phonon, energy / phonon


def zero_phonon_line(row: Mapping[str, Any], fidelity: str) -> float:
    """Zero-phonon line, eV.

    The excited determinant of a closed shell is half singlet, half triplet; the energy of the
    singlet is twice its own minus that of the triplet (Ziegler, Rauk and Baerends, Theor. Chim.
    Acta 43, 261 (1977)). Zero-point energies are taken to be equal in both states.
    """
    prefix = FIDELITIES[fidelity]
    triplet = "hybrid_triplet_eV" if prefix else "triplet_at_excited_eV"
    line = row[f"{prefix}excited_eV"] - row[f"{prefix}ground_eV"]
    if row["spin"]:
        return float(line)
    return float(2 * row[f"{prefix}excited_eV"] - row[triplet] - row[f"{prefix}ground_eV"])


def vertical(row: Mapping[str, Any]) -> tuple[float, float]:
    """Energies of absorption and emission at fixed geometry by the functional of the run, eV.

    Of a closed shell both get the correction of the singlet (see :func:`zero_phonon_line`): its
    triplet was computed at the relaxed excited geometry, and the difference is taken to be the
    same at the geometry of the ground state. So the zero-phonon line lies between both.
    """
    exchange = 0.0 if row["spin"] else row["excited_eV"] - row["triplet_at_excited_eV"]
    absorption = row["vertical_eV"] - row["ground_eV"] + exchange
    emission = row["excited_eV"] - row["ground_at_excited_eV"] + exchange
    return float(absorption), float(emission)


def polarisation(row: Mapping[str, Any]) -> tuple[float, float, float]:
    """Transition dipole: length (D), share out of the layer, angle to the axis of the defect (°).

    The axis joins the first member of the defect to the next in the plane: first two carbon atoms,
    or of one carbon atom the x axis; NaN where there is no dipole.
    """
    dipole = np.asarray(row["dipole_eA"], float)
    if len(dipole) != 3 or not np.linalg.norm(dipole) > 0:
        return NAN, NAN, NAN
    length = float(np.linalg.norm(dipole))
    carbon = [k for k, s in enumerate(row["species"]) if s == "C"]
    axis = np.array([1.0, 0.0])
    if len(carbon) > 1:
        start = cartesian(row, "coords")
        axis = (start[carbon[1]] - start[carbon[0]])[:2]
    flat = dipole[:2]
    across = axis[0] * flat[1] - axis[1] * flat[0]
    angle = math.degrees(math.atan2(abs(across), abs(float(axis @ flat))))
    return length / 0.20819434, float(dipole[2] ** 2 / length**2), angle


def transition(row: Mapping[str, Any]) -> Row:
    """Row of ``transitions.csv`` from a row of the runs."""
    out: Row = dict.fromkeys(COLUMNS, NAN)
    names = ("name", "charge", "spin", "size", "structure_id", "calculation_id")
    out |= {k: row[k] for k in (*names, "gap_eV", "local_from", "local_to")}
    out["status"] = status_shown(row)
    out["remark"] = remark(row)
    out["dipole_D"], out["out_of_plane"], out["angle_deg"] = polarisation(row)
    out |= {f"zpl_{name}_eV": zero_phonon_line(row, name) for name in FIDELITIES}
    if not row["spin"]:
        out["exchange_eV"] = row["excited_eV"] - row["triplet_at_excited_eV"]
    out["absorption_eV"], out["emission_eV"] = vertical(row)
    out["relaxed_ground_eV"] = row["ground_at_excited_eV"] - row["ground_eV"]
    out["relaxed_excited_eV"] = row["vertical_eV"] - row["excited_eV"]
    if len(row["coords_excited"]):
        moved = displacement(row)
        weighted = masses(row["species"])[:, None] * moved**2
        out["delta_R_A"], out["delta_Q"] = np.sqrt([(moved**2).sum(), weighted.sum()]).tolist()
        mode, factor = effective_mode(out["relaxed_ground_eV"], out["delta_Q"])
        out |= {"mode_meV": 1e3 * mode, "huang_rhys": factor, "debye_waller": math.exp(-factor)}
    return out


def remark(row: Mapping[str, Any]) -> str:
    """What is to be known of a run, for people; empty if nothing."""
    if row["status"] != Status.OK:
        return str(row["message"])
    said = []
    if not row["relaxed"]:
        said.append(f"largest force left {max(row['fmax_ground'], row['fmax_excited']):.2g} eV/Å")
    if row["fractional"] > 0.1:
        said.append("occupations of the ground state are fractional")
    if abs(row["moment_excited"] - row["spin"]) > MIXED:
        said.append(f"the excited state has {row['moment_excited']:.2g} µB")
    return "; ".join(said)


def transitions(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Rows of ``transitions.csv``, one for each candidate, the uncomputed ones included.

    Of several spins of a structure the remark says which is not the ground state, and by how much.
    """
    rows = list(rows)
    lowest: dict[str, float] = {}
    for row in rows:
        if math.isfinite(row["ground_eV"]):
            before = lowest.get(row["structure_id"], math.inf)
            lowest[row["structure_id"]] = min(before, row["ground_eV"])
    out = []
    for row in rows:
        found = transition(row)
        above = row["ground_eV"] - lowest.get(row["structure_id"], NAN)
        if above > 0:
            said = f"not the ground state: another spin lies {above:.2f} eV lower"
            found["remark"] = "; ".join(filter(None, [said, found["remark"]]))
        out.append(found)
    return out
