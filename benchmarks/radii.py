"""Radii of the potentials and of scattering for LiCoO2, O K, against the widest scattering.

``python -m benchmarks.radii`` computes them, keeps each run below ``results/benchmarks/scan`` and
its row in ``benchmarks/measured/radii_licoo2.csv``; ``... write`` puts the table and what follows
from it into ``docs/validation.md``. All else is as in `fast`, except that the list of atoms reaches
to 9 Å in every run, so that the widest scattering is not cut off.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from benchmarks.crystals import case
from benchmarks.feff import compare
from benchmarks.kept import PAGE, Kept, when
from benchmarks.onset import onset
from benchmarks.protocol_scan import stored
from benchmarks.rows import put, table
from defectra.engines.feff import run as feff
from defectra.engines.feff.input import cluster
from defectra.spectra.broaden import gaussian

CASE = "LiCoO2:O"
LISTED = 9.0  # Å
NEAR, WIDEST = 2.4, 8.6  # Å: radius of the potentials of `fast`, widest scattering
# Radii of potentials and scattering, Å; the same potentials stand together.
RADII = (
    *((NEAR, fms) for fms in (5.4, 6.0, 6.6, 7.0, WIDEST)),
    *((scf, fms) for scf in (3.2, 4.0) for fms in (5.4, 6.0)),
)
PRE_EDGE = (531.0, 539.0)  # eV
KEPT = Kept(
    "radii_licoo2",
    ("scf_A", "fms_A"),
    ("status", "iterations", "cpu_s", "shared", "onset_eV", "area_eV", "rms_1eV", "rms_2eV",
     "shift_eV", "near_rms_1eV", "near_shift_eV"),
)  # fmt: skip


def rows() -> None:
    """Compute what is missing; print and keep the rows of all runs."""
    structure, index = case(CASE)
    site = feff.site(structure, index)
    site.cluster = cluster(structure, index, LISTED)
    found = {}
    for scf, fms in sorted(RADII, key=lambda pair: pair[1] == WIDEST):
        change = {"scf_radius": scf, "fms_radius": fms}
        found[scf, fms] = stored(site, f"{CASE}-{LISTED:g}", change)
        print(json.dumps({"scf_A": scf, "fms_A": fms, "cpu_s": found[scf, fms]["cpu_s"]}))
    KEPT.add(_row(radii, found) for radii in RADII)


def _row(radii: tuple[float, float], found: dict[tuple[float, float], Any]) -> dict[str, Any]:
    """Row of a run: against the widest scattering, and against near potentials at equal FMS."""
    own, (scf, fms) = found[radii], radii
    grid = np.arange(*PRE_EDGE, 0.01)
    area = float(np.trapezoid(gaussian(own["energy"], own["mu"], grid, 0.5), dx=0.01))
    whole = compare(own, found[NEAR, WIDEST], "O")
    equal = compare(own, found[NEAR, fms], "O")
    row = {"scf_A": scf, "fms_A": fms, "shared": int(own["shared"]), "onset_eV": onset(own)}
    row |= {k: own[k] for k in ("status", "iterations", "cpu_s", "day", "load")}
    row |= {"area_eV": area} | {k: whole[k] for k in ("rms_1eV", "rms_2eV", "shift_eV")}
    return row | {"near_rms_1eV": equal["rms_1eV"], "near_shift_eV": equal["shift_eV"]}


def text() -> str:
    """What the rows say, and the table of them."""
    kept = KEPT.rows()
    by = {(r["scf_A"], r["fms_A"]): r for r in kept}
    head = ["SCF, FMS (Å)", "RMS 1 eV / 2 eV", "shift (eV)"]
    head += ["to SCF 2.4 at equal FMS: RMS 1 eV, shift (eV)"]
    head += [f"area {PRE_EDGE[0]:g}–{PRE_EDGE[1]:g} eV", "onset (eV)", "iterations"]
    lines = [
        [
            f"{scf:.1f}, {fms:.1f}",
            f"{r['rms_1eV']:.3f} / {r['rms_2eV']:.3f}",
            f"{r['shift_eV']:+z.2f}",
            "" if scf == NEAR else f"{r['near_rms_1eV']:.3f}, {r['near_shift_eV']:+z.2f}",
            f"{r['area_eV']:.2f}",
            f"{r['onset_eV']:.2f}",
            f"{r['iterations']:.0f}" + ("" if r["status"] == "ok" else " (not reached)"),
        ]
        for (scf, fms), r in by.items()
    ]
    cost = by[4.0, 5.4]["cpu_s"] / by[NEAR, 5.4]["cpu_s"]
    says = (
        f"Potentials from 3.2 Å, which take in the second shell but not the third, move the "
        f"spectrum by {by[3.2, 5.4]['near_shift_eV']:+z.2f} eV against those of the nearest "
        f"neighbours, potentials from 4.0 Å by {by[4.0, 5.4]['near_shift_eV']:+z.2f} eV (both at "
        f"scattering to 5.4 Å). A spectrum with potentials from 4.0 Å costs {cost:.1f} times as "
        f"much. From the radius of scattering of `balanced` (6.6 Å) to the widest one, the "
        f"spectrum changes by a relative RMS of {by[NEAR, 6.6]['rms_2eV']:.3f} (at 2 eV FWHM)."
    )
    return "\n\n".join((says, table(head, lines), when(kept)))


def main() -> None:
    """Compute the rows, or write the page."""
    if sys.argv[1:] == ["write"]:
        put(PAGE, "licoo2_radii", text())
        return
    rows()


if __name__ == "__main__":
    main()
