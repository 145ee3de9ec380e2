"""Levels from charged cells: bulk, defect at each charge, corrections, marks.

What the correction schemes assume is a charge that sits at the defect. Where the electron is in
the conduction band or the hole in the valence band, the defect is shallow: its level is the bare
one, marked, and the corrected number stands beside it. Bare means without image charges; the
potential of the cell is aligned with that of the bulk all the same, since an atom more or another
one moves the mean potential, on which a plane-wave code puts its zero.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.records import Status
from defectra.defects import alignment
from defectra.defects.charge_states import transition_levels
from defectra.defects.corrections import Correction, freysoldt, kumagai
from defectra.defects.equations import Run
from defectra.defects.tiling import repeats, structure, tiled

Row = dict[str, Any]
CARRIER = 0.5  # electrons or holes in a band from which a state counts as shallow
MARGIN_EV = 0.05  # beyond an edge
NEAR_A = 0.5  # an atom far from the defect that moved by more is not compared with the bulk
UNCORRECTED = "not corrected"


@dataclass(frozen=True)
class Host:
    """What of a host the levels need; energies in eV.

    Attributes
    ----------
    dielectric
        Tensor of the correction, shape (3, 3): electronic for unrelaxed cells, static for relaxed.
    shift_ev
        Depth of the HSE06 valence-band maximum below that of PBE, on the common potential.
    hybrid_gap_ev
        Gap by HSE06, of the modified band alignment; never that of the cell's own functional.
    """

    dielectric: NDArray[np.float64]
    shift_ev: float = math.nan
    hybrid_gap_ev: float = math.nan

    def aligned(self, level: float, coefficient: float) -> Row:
        """A level of the cell's functional on the edges of HSE06, by both rules, eV."""
        return {
            "aligned_eV": alignment.plain(level, self.shift_ev),
            "mba_eV": alignment.modified(level, self.shift_ev, self.hybrid_gap_ev, coefficient),
        }

    @property
    def lacking(self) -> str:
        """Why a level that can be aligned has no modified alignment; empty if it has."""
        if math.isnan(self.shift_ev) or not math.isnan(self.hybrid_gap_ev):
            return ""
        return "gap of the host by HSE06 is not known: no modified band alignment"


@dataclass(frozen=True)
class Cells:
    """Rows of CELL_RUNS that belong together.

    Attributes
    ----------
    bulk
        Host without a defect: a cell that tiles that of the defect.
    charged
        Defect cells, one for each charge.
    centre
        Fractional position of the defect.
    """

    bulk: Row
    charged: Sequence[Row]
    centre: Sequence[float]


def edges(bulk: Mapping[str, Any]) -> tuple[float, float]:
    """Valence-band maximum and conduction-band minimum of a bulk run, eV.

    Raises
    ------
    EngineError
        ``no_states`` if the run did not keep them.
    """
    if "vbm_eV" in bulk:  # by electron count
        return float(bulk["vbm_eV"]), float(bulk["cbm_eV"])
    energy, filling = np.array(bulk["state_eV"]), np.array(bulk["state_filling"])
    if not (filling > 0.5).any() or not (filling <= 0.5).any():
        raise EngineError("no_states", "the bulk run holds no states on both sides of its gap")
    return float(energy[filling > 0.5].max()), float(energy[filling <= 0.5].min())


def corrected(cells: Cells, dielectric: NDArray[np.float64]) -> dict[int, Correction]:
    """Correction of each charged cell, by charge; none of a cell (or bulk) without potentials.

    Raises
    ------
    EngineError
        If the cells do not fit each other, or the library is missing.
    """
    out = {}
    for row in cells.charged:
        if not row["charge"] or not row["potentials_V"] or not cells.bulk["potentials_V"]:
            continue
        host, potentials = tiled(cells.bulk, row)
        pair = (row["potentials_V"], potentials)
        found = kumagai(structure(row), host, pair, cells.centre, row["charge"], dielectric)
        out[row["charge"]] = replace(found, freysoldt_ev=_freysoldt(cells, row, dielectric))
    return out


def _freysoldt(cells: Cells, row: Row, dielectric: NDArray[np.float64]) -> float:
    """Freysoldt's correction of a charged cell, eV; NaN where planar averages are missing."""
    pair = planes(cells.bulk, row)
    if pair is None:
        return math.nan
    lattice = np.reshape(row["lattice"], (3, 3))
    return freysoldt(lattice, pair, cells.centre, row["charge"], dielectric).total_ev


def planes(bulk: Row, row: Row) -> tuple[list[Any], list[Any]] | None:
    """Planar averages of a cell and of the bulk repeated to it, V, along each axis.

    None where they were not kept, or the bulk is not repeated along its own axes. The bulk is
    brought onto the planes of the cell by its Fourier series.
    """
    if not row.get("planes_V") or not bulk.get("planes_V"):
        return None
    own, small = (_by_axis(r) for r in (row, bulk))
    matrix = repeats(bulk, row)
    if not np.array_equal(matrix, np.diag(np.diag(matrix))):
        return None
    large = [np.tile(v, n) for v, n in zip(small, np.diag(matrix))]
    moved = [np.fft.irfft(np.fft.rfft(v), len(o)) * len(o) / len(v) for v, o in zip(large, own)]
    return own, moved


def _by_axis(row: Row) -> list[NDArray[np.float64]]:
    """Planar averages of each axis: as many on each, or as `planes_n` says."""
    values = np.asarray(row["planes_V"], np.float64)
    if "planes_n" in row:
        return list(np.split(values, np.cumsum(row["planes_n"])[:-1]))
    return list(values.reshape(3, -1))


def offset(cells: Cells, row: Mapping[str, Any]) -> float:
    """Potential of a neutral cell over that of the bulk, V, at atoms far from the defect.

    Raises
    ------
    EngineError
        ``mixed_cells`` if the bulk does not tile the cell; ``potentials`` if no atom far from the
        defect lies where the bulk has one of its element.
    """
    large, potentials = tiled(cells.bulk, row)
    own = structure(row)
    radius = 0.5 * min(own.lattice.abc)
    found = []
    for site, value in zip(own, row["potentials_V"]):
        near = large.lattice.get_all_distances([cells.centre], [site.frac_coords])[0, 0]
        gaps = large.lattice.get_all_distances([site.frac_coords], large.frac_coords)[0]
        k = int(gaps.argmin())
        if near > radius and gaps[k] < NEAR_A and large[k].specie == site.specie:
            found.append(value - potentials[k])
    if not found:
        raise EngineError(
            "potentials",
            f"charge {row['charge']:+d}: no atom far from the defect lies within {NEAR_A:g} Å of "
            "one of its element in the bulk, so that the potentials cannot be aligned; is the cell "
            "shifted as a whole? Shift its atoms back onto those of the bulk, and run it anew",
        )
    return float(np.mean(found))


def carriers(row: Mapping[str, Any], vbm: float, cbm: float, shift: float) -> tuple[float, float]:
    """Electrons above the conduction-band minimum and holes below the valence-band maximum.

    `shift` is the potential of the cell over that of the bulk, V: electron energies fall by it.
    """
    energy = np.array(row["state_eV"]) + shift
    filling, weight = np.array(row["state_filling"]), np.array(row["state_weight"])
    above, below = energy > cbm - MARGIN_EV, energy < vbm + MARGIN_EV
    electrons = float((filling * weight)[above].sum())
    return electrons, float(((1 - filling) * weight)[below].sum())


def levels(
    cells: Cells, fixes: Mapping[int, Correction] | None, host: Host, coefficient: float
) -> list[Row]:
    """Rows of levels of one set, the charge falling; NaN and a message where one failed.

    Parameters
    ----------
    fixes
        Correction of each charged cell, see :func:`corrected`; None: the library is missing, and
        every level is the bare one, marked.
    coefficient
        Of the modified band alignment.

    Raises
    ------
    EngineError
        If cells were run with other settings than the bulk, or cannot be aligned with it: nothing
        of such a set can be trusted.
    """
    vbm, cbm = edges(cells.bulk)
    gap = max(cbm - vbm, 0.0)
    known = fixes or {}
    with_potentials = [r for r in cells.charged if r["potentials_V"] and cells.bulk["potentials_V"]]
    shifts = {r["charge"]: _shift(cells, r, known) for r in with_potentials}
    lacking = {r["charge"] for r in cells.charged if r["charge"] and r["charge"] not in known}
    bulk = run_of(cells.bulk, cells.bulk)
    runs = [run_of(row, cells.bulk) for row in cells.charged]
    plain = [replace(r, correction_ev=-r.charge * _common(shifts, r.charge)) for r in runs]
    done = [replace(r, correction_ev=_total(known.get(r.charge))) for r in runs]
    other = [replace(r, correction_ev=_other(known.get(r.charge))) for r in runs]
    steps = zip(*(transition_levels(bulk, some, vbm, gap) for some in (plain, done, other)))
    filled = {
        r["charge"]: carriers(r, vbm, cbm, shifts[r["charge"]])
        for r in cells.charged
        if r["charge"] in shifts
    }
    rows = [
        _row(bare, full, filled, known, gap, host, coefficient)
        | {"freysoldt_eV": third["level_eV"]}
        for bare, full, third in steps
    ]
    return [_not_corrected(r, lacking, fixes is None, coefficient, host) for r in rows]


def _not_corrected(
    row: Row, lacking: set[int], library: bool, coefficient: float, host: Host
) -> Row:
    """A level whose cells have no correction: the bare one, marked; a correction is never zero."""
    missing = sorted(lacking & {row["q_from"], row["q_to"]})
    if not missing:
        return row
    charges = ", ".join(f"{q:+d}" for q in missing)
    why = (
        ""
        if library
        else f"no potentials of charge {charges} or of the bulk: no correction possible"
    )
    bare = row["bare_eV"]
    return row | {
        "level_eV": bare,
        "corrected_eV": math.nan,
        "freysoldt_eV": math.nan,
        **host.aligned(bare, coefficient),
        "mark": UNCORRECTED if math.isfinite(bare) else "",
        "message": "; ".join(filter(None, (row["message"], why))),
    }


def levels_or_bare(
    cells: Cells, fixes: Callable[[], Mapping[int, Correction]], host: Host, coefficient: float
) -> list[Row]:
    """As :func:`levels`; where the library of `fixes` is missing, bare levels that say so."""
    try:
        found = fixes()
    except EngineError as error:
        if error.error_class != "not_installed":
            raise
        made = levels(cells, None, host, coefficient)
        return [r | {"message": "; ".join(filter(None, (r["message"], str(error))))} for r in made]
    return levels(cells, found, host, coefficient)


def _common(shifts: Mapping[int, float], charge: int) -> float:
    """Potential of the neutral cell over the bulk; of the charge itself if there is none."""
    return shifts.get(0, shifts.get(charge, 0.0))


def _total(found: Correction | None) -> float:
    return found.total_ev if found else 0.0


def _other(found: Correction | None) -> float:
    return found.freysoldt_ev if found else 0.0


def run_of(row: Mapping[str, Any], bulk: Mapping[str, Any]) -> Run:
    """A run as the equations need it; the density of its mesh instead of the mesh itself."""
    return Run(
        energy_ev=row["energy_eV"],
        charge=row["charge"],
        cutoff_ev=row["cutoff_eV"],
        functional=row["functional"],
        kpoints=_density(row, bulk),
        converged=row["status"] == Status.OK,
    )


def _density(row: Mapping[str, Any], bulk: Mapping[str, Any]) -> str:
    """Mesh of the bulk that a cell's own mesh is equal to, one number along each axis of the bulk.

    A cell whose vectors are no multiples of those of the bulk counts as repeated alike each way.
    """
    if not re.fullmatch(r"\d+ \d+ \d+", row["kpoints"]):
        return str(row["kpoints"])
    mesh = np.array([int(k) for k in row["kpoints"].split()])
    times = np.abs(repeats(bulk, row))
    if not ((times > 0).sum(axis=1) == 1).all():
        times = np.eye(3, dtype=int) * round(abs(np.linalg.det(repeats(bulk, row))) ** (1 / 3))
    return " ".join(map(str, times.T @ mesh))


def _shift(cells: Cells, row: Mapping[str, Any], fixes: Mapping[int, Correction]) -> float:
    if row["charge"] and row["charge"] in fixes:
        return -fixes[row["charge"]].alignment_ev / row["charge"]
    return offset(cells, row)


def _row(
    bare: Row,
    full: Row,
    filled: Mapping[int, tuple[float, float]],
    fixes: Mapping[int, Correction],
    gap: float,
    host: Host,
    coefficient: float,
) -> Row:
    upper, lower = full["q_from"], full["q_to"]
    electrons = filled.get(lower, (float("nan"),) * 2)[0]
    holes = filled.get(upper, (float("nan"),) * 2)[1]
    own = [f for q, f in fixes.items() if q in (upper, lower) and q]
    mark = _mark(electrons, holes, own)
    used = bare if mark == "shallow" else full
    notes = [used["message"]]
    if mark == "shallow":
        what = "electron in the conduction band" if electrons >= CARRIER else "hole in the VB"
        notes.append(f"shallow ({what}): not corrected")
    if gap <= 0:
        notes.append("host without a gap in this functional")
    notes.append(host.lacking)
    level = used["level_eV"]
    return {
        "q_from": upper,
        "q_to": lower,
        "level_eV": level,
        "bare_eV": bare["level_eV"],
        "corrected_eV": full["level_eV"],
        **host.aligned(level, coefficient),
        "gap_eV": gap,
        "place": used["place"],
        "mark": mark if math.isfinite(level) else "",
        "electrons_in_cb": electrons,
        "holes_in_vb": holes,
        "plateau_V": max([f.spread_ev for f in own], default=0.0),
        "epsilon": float(np.trace(host.dielectric)) / 3,
        "status": used["status"],
        "message": "; ".join(n for n in notes if n),
    }


def _mark(electrons: float, holes: float, fixes: Sequence[Correction]) -> str:
    """What kind of level it is, by carriers in the bands and the corrections of its two charges."""
    if electrons >= CARRIER or holes >= CARRIER:
        return "shallow"
    return "localised" if all(f.trustworthy for f in fixes) else "no plateau"
