"""Efficiency limit (SLME) of films of our own compounds, and their order beside a figure of merit.

SLME: spectroscopic limited maximum efficiency (:mod:`defectra.studies.perovskites.slme`). The
absorption of each compound is moved by a scissor to its measured gap, to our HSE06 gap (hybrid of
Heyd, Scuseria and Ernzerhof), and to that with spin-orbit coupling. All gaps are direct.
RMS: root mean square.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Status
from defectra.studies.perovskites import absorption, slme

Floats = NDArray[np.float64]
Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
MEASURED, HSE, HSE_SOC = "measured", "HSE", "HSE_SOC"
GAPS = {MEASURED: "gap_measured_eV", HSE: "own_HSE_eV", HSE_SOC: "own_HSE_SOC_eV"}
FILM_UM = 0.5  # of which the order is shown
# The spin-orbit coupling leaves the edge a third of the transitions: of the six states of the
# conduction band two. Films that absorb a third bound what its lack does to a spectrum.
THIRD = 1 / 3
LARGEST_EV = 6.0  # the spectrum of the sun ends at 4.43 eV
# A film that absorbs little near a small gap acts as one of a larger gap, so that the limit of all
# films is that of a perfect absorber of the best gap not below its own.
BEST_EV = 1.34
COLUMNS = [
    *("name", "mesh", "gap_of", "gap_eV", "shift_eV", "static_real", "thickness_um"),
    *("slme_percent", "third_percent", "limit_percent", "log_fom", "kramers_kronig_rms"),
]


def films(spectra: Rows, ladder: Rows, published: Rows) -> list[Row]:
    """Rows of ``films.csv``.

    Parameters
    ----------
    spectra
        Rows of :data:`absorption.SPECTRA`.
    ladder, published
        Rows of ``ladder.csv`` and of the compounds table.
    """
    gaps = {str(r["formula"]): r for r in ladder}
    merit = {str(r["name"]): float(r["log_fom"]) for r in published}
    out: list[Row] = []
    for row in spectra:
        if row["status"] == Status.OK:
            known = gaps.get(str(row["name"]), {})
            base = {"name": row["name"], "mesh": row["mesh"][0]}
            base["log_fom"] = merit.get(str(row["name"]), float("nan"))
            base["kramers_kronig_rms"] = agreement(row)
            out += [base | film for film in _films(row, known)]
    return sorted(out, key=lambda r: (r["gap_of"], r["mesh"], r["name"], r["thickness_um"]))


def _films(row: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[Row]:
    for kind, column in GAPS.items():
        gap = float(known.get(column, float("nan")))
        if not gap > 0:
            continue
        energy, per_m, static = moved(row, gap)
        shift = gap - float(row["direct_gap"])
        frame = {"gap_of": kind, "gap_eV": gap, "shift_eV": shift, "static_real": static}
        perfect = slme.efficiency(energy, np.full(len(energy), 1e9), max(gap, BEST_EV), 1e-3)
        for um in slme.THICKNESSES_UM:
            yield frame | {
                "thickness_um": um,
                "slme_percent": slme.efficiency(energy, per_m, gap, um * 1e-6),
                "third_percent": slme.efficiency(energy, THIRD * per_m, gap, um * 1e-6),
                "limit_percent": perfect,
            }


def moved(row: Mapping[str, Any], gap: float) -> tuple[Floats, Floats, float]:
    """Energy (eV), absorption coefficient (m⁻¹) and static real part, at a gap (eV)."""
    shift = gap - float(row["direct_gap"])
    energies, real, imaginary = absorption.scissored(row["energies"], row["imaginary"], shift)
    used = energies <= LARGEST_EV
    energy, per_m = absorption.coefficient(energies[used], real[used], imaginary[used])
    return energy, per_m, float(real[0])


def agreement(row: Mapping[str, Any]) -> float:
    """RMS of our real part, not moved, less GPAW's, from 0 to 6 eV, as a share of its RMS."""
    energies, real, _ = absorption.scissored(row["energies"], row["imaginary"], 0.0)
    used = energies <= LARGEST_EV
    given = np.interp(energies[used], row["energies"], row["real"])
    return float(np.sqrt(np.mean((real[used] - given) ** 2) / np.mean(given**2)))


def production(rows: Rows, kind: str, um: float = FILM_UM) -> list[Mapping[str, Any]]:
    """Films of one thickness at one kind of gap on the mesh that all compounds have, best first."""
    own = [r for r in rows if r["gap_of"] == kind and float(r["thickness_um"]) == um]
    coarse = {n: min(float(r["mesh"]) for r in own if r["name"] == n) for n in _names(own)}
    kept = [r for r in own if float(r["mesh"]) == coarse[str(r["name"])]]
    return sorted(kept, key=lambda r: -float(r["slme_percent"]))


def mesh_changes(rows: Rows) -> list[float]:
    """SLME (points of per cent) on the denser mesh less that on the coarser one, film by film."""
    found: dict[tuple[str, str, float], dict[float, float]] = {}
    for r in rows:
        key = (str(r["name"]), str(r["gap_of"]), float(r["thickness_um"]))
        found.setdefault(key, {})[float(r["mesh"])] = float(r["slme_percent"])
    return [v[max(v)] - v[min(v)] for v in found.values() if len(v) > 1]


def _names(rows: Rows) -> list[str]:
    return list(dict.fromkeys(str(r["name"]) for r in rows))
