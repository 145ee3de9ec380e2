"""What settles a protocol: radii, hole, basis, mixing and energy step, one changed at a time.

``python -m benchmarks.protocol_scan [case ...]`` computes the variants of `fast` for sites of an
NMC622 cell (cases as in `benchmarks.feff`), keeps each run below ``results/benchmarks/scan`` and
its row in ``benchmarks/measured/scan_nmc622.csv``; ``... write`` puts the table and what follows
from it into ``docs/validation.md``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.crystals import case
from benchmarks.feff import PRE_EDGE
from benchmarks.kept import PAGE, Kept, machine, when
from benchmarks.onset import onset
from benchmarks.rows import put, table
from defectra.core.config import load
from defectra.core.store import write_bytes
from defectra.engines.feff import run as feff
from defectra.engines.feff.settings import FeffProtocol
from defectra.spectra.broaden import gaussian

OUT = Path("results/benchmarks/scan")
CASES = ("NMC622:Ni", "NMC622:O")
FWHM = 1.0  # eV, for the peak position
ASKED = 0.2  # eV that a peak may move by with 0.2 Å of a radius
KEPT = Kept(
    "scan_nmc622",
    ("case", "change"),
    ("status", "iterations", "cpu_s", "shared", "edge_eV", "onset_eV", "main_peak_eV", "area_eV"),
)
NAMES = {"scf_radius": "SCF {}", "fms_radius": "FMS {}", "k_step": "energy step {} 1/Å",
         "mixing": "mixing {}", "basis": "{} basis"}  # fmt: skip
ORDER = list(NAMES)


def variants(element: str) -> list[dict[str, Any]]:
    """Changes of `fast`, one at a time; same potentials stand together."""
    hole = load().protocols.feff["fast"].core_hole
    other = "FSR" if hole[element] == "RPA" else "RPA"  # type: ignore[index]
    return [
        {},
        {"fms_radius": 5.2},
        {"fms_radius": 5.6},
        {"fms_radius": 6.0},
        {"k_step": 0.07},
        {"scf_radius": 2.2},
        {"scf_radius": 2.6},
        {"scf_radius": 3.2},
        {"scf_radius": 3.2, "fms_radius": 6.0},
        {"scf_radius": 4.0, "fms_radius": 6.0},
        {"mixing": 0.2},
        {"basis": "full"},
        {"core_hole": {**hole, element: other}},
    ]


def named(change: dict[str, Any]) -> str:
    """A change of `fast` in words."""
    if "core_hole" in change:
        return "other core hole (FSR / RPA)"
    return ", ".join(NAMES[k].format(change[k]) for k in ORDER if k in change) or "none"


def stored(site: feff.Site, name: str, change: dict[str, Any]) -> dict[str, Any]:
    """Run `fast` with a change at a K edge, or recall what an earlier run left."""
    base = load().protocols.feff["fast"].model_dump()
    protocol = FeffProtocol.model_validate(base | change | {"timeout_s": 7200})
    path = OUT / f"{name.replace(':', '-')}-{site.identity('K', protocol)[:16]}.json"
    if not path.exists():
        begun = machine()
        outcome = site.run("K", protocol)
        data: dict[str, Any] = {"status": outcome.status, "cpu_s": outcome.cpu_s, **begun}
        data |= {"shared": bool(outcome.shared_from), "message": outcome.message}
        if outcome.files:
            found = feff.parse(outcome.files)
            data |= {"energy": found.energy.tolist(), "mu": found.mu.tolist()}
            data |= {"edge": found.edge, "iterations": found.iterations}
            data |= {"efermi": found.efermi}
        write_bytes(path, json.dumps(data).encode())
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def run(name: str) -> None:
    """Run or recall all variants of a case, print and keep their rows."""
    row, index = case(name)
    element = name.split(":")[1]
    site = feff.site(row, index)
    for change in variants(element):
        found = stored(site, name, change)
        line = {"case": name, "change": named(change), **summary(found, element)}
        print(json.dumps(line), flush=True)
        KEPT.add([line])


def summary(data: dict[str, Any], element: str) -> dict[str, Any]:
    """Threshold, main-peak position and pre-edge area of a stored run; NaN without a spectrum."""
    out = {k: data.get(k, float("nan")) for k in ("status", "iterations", "day", "load")}
    out |= {"cpu_s": round(data["cpu_s"], 1), "shared": int(data["shared"])}
    numbers = ("edge_eV", "onset_eV", "main_peak_eV", "area_eV")
    if "mu" not in data:
        return out | dict.fromkeys(numbers, float("nan"))
    start = onset(data)
    grid = np.arange(start + 4.0, start + 30.0, 0.01)
    curve = gaussian(data["energy"], data["mu"], grid, FWHM)
    low, high = PRE_EDGE[element]
    window = np.arange(start + low, start + high, 0.01)
    area = np.trapezoid(gaussian(data["energy"], data["mu"], window, 0.5), dx=0.01)
    values = (data["edge"], start, float(grid[curve.argmax()]), float(area))
    return out | {k: round(v, 3) for k, v in zip(numbers, values)}


def text() -> str:
    """What the rows say, and the table of them."""
    rows = {(r["case"], r["change"]): r for r in KEPT.rows()}
    changes = [c for c in dict.fromkeys(c for _, c in rows) if all((n, c) in rows for n in CASES)]
    head = ["change of `fast`"]
    for name in CASES:
        element = name.split(":")[1]
        head += [f"{element} K main peak (eV)", f"{element} pre-edge area", f"{element} iterations"]
    lines = []
    for change in changes:
        cells = [change if change != "none" else "none (SCF 2.4, FMS 5.4)"]
        for name in CASES:
            r = rows[name, change]
            iterations = f"{r['iterations']:.0f}" + (
                "" if r["status"] == "ok" else " (not reached)"
            )
            cells += [f"{r['main_peak_eV']:.2f}", f"{r['area_eV']:.3g}", iterations]
        lines.append(cells)
    says = "\n".join((_shells(rows), _bias(rows)))
    return "\n\n".join((says, table(head, lines), when(rows.values())))


def _shells(rows: dict[tuple[str, str], dict[str, Any]]) -> str:
    """How far a peak moves when a radius changes by 0.2 Å."""
    near = ("FMS 5.2", "FMS 5.6", "SCF 2.2", "SCF 2.6")
    moved = max(
        abs(rows[n, c]["main_peak_eV"] - rows[n, "none"]["main_peak_eV"])
        for n in CASES for c in near
    )  # fmt: skip
    said = "No radius sits on a shell of atoms" if moved <= ASKED else "A radius sits on a shell"
    return (
        f"- **{said}**: changing either radius by ± 0.2 Å moves no peak by more than "
        f"{moved:.2f} eV (asked: at most {ASKED})."
    )


def _bias(rows: dict[tuple[str, str], dict[str, Any]]) -> str:
    """What potentials of the nearest neighbours alone do, at equal scattering."""
    parts = []
    for name in CASES:
        wide, near = rows[name, "SCF 4.0, FMS 6.0"], rows[name, "FMS 6.0"]
        peak = wide["main_peak_eV"] - near["main_peak_eV"]
        area = wide["area_eV"] / near["area_eV"] - 1
        parts.append(f"{name.split(':')[1]} K by {peak:+.2f} eV (pre-edge area {area:+.0%})")
    return (
        "- **Bias of `fast`.** Potentials from 4.0 Å instead of those of the nearest neighbours, "
        f"at equal scattering (6.0 Å), move the main peak of {' and of '.join(parts)}."
    )


def main() -> None:
    """Run the cases named on the command line, or all; or write the page."""
    if sys.argv[1:] == ["write"]:
        put(PAGE, "nmc622_radii", text())
        return
    for name in sys.argv[1:] or CASES:
        run(name)


if __name__ == "__main__":
    main()
