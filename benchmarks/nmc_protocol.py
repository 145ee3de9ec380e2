"""What settles the protocol of the NMC campaign: potentials' radius, stoichiometry, tolerances.

``python -m benchmarks.nmc_protocol run [part[:element] ...]`` computes what is missing, below
``results/benchmarks/nmc_protocol``, and keeps rows of what is there in
``benchmarks/measured/nmc_protocol_*.csv``; ``... write`` puts the tables into
``docs/validation.md``.
Sites are of relaxed cells of the archive: those of the smallest and the largest white line that
`fast` gives, at lithium 1.0 and 0.1. A run is identified by its input.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kept import Kept, machine
from benchmarks.onset import onset
from benchmarks.rows import put, table
from benchmarks.sites import CELL, mean_error
from defectra.core.config import load
from defectra.core.records import CALCULATIONS, GEOMETRIES, SPECTRA
from defectra.core.store import Archive, write_bytes
from defectra.engines.feff import run as feff
from defectra.engines.feff.settings import FeffProtocol
from defectra.spectra.broaden import gaussian

OUT = Path("results/benchmarks/nmc_protocol")
DOCS = Path("docs/validation.md")
FULL, EMPTY = "515a3f6bd6b1c1cf", "d6f62ff3383ae774"  # structures at lithium 1.0 and 0.1
SITES = {
    FULL: {"Co": "Co15", "Ni": "Ni17", "O": "O22"},
    EMPTY: {"Co": "Co17", "Ni": "Ni18", "O": "O23"},
}
# 3d holes of the ion, low spin: Co3+ and Co4+, Ni3+ and Ni4+.
HOLES = {"Co": {FULL: 4, EMPTY: 5}, "Ni": {FULL: 3, EMPTY: 4}}
WHITE_LINE = (-5.0, 8.0)  # eV about the Fermi level
PRE_EDGE = (-3.0, 4.0)  # eV about the onset
# To four digits that of protocol `campaign`.
CONSTANT = {"Li": 5, "Mn": 10 / 3, "Co": 10 / 3, "Ni": 10 / 3, "O": 20}
TOLERANCES = [1e-3, 1e-3, 5e-3]
NAN = float("nan")
WHITE = Kept("nmc_protocol_l3", ("element", "scf_A"), ("area_full_eV", "area_empty_eV", "ratio"))
RADII = Kept(
    "nmc_protocol_k",
    ("element", "lithium", "scf_A"),
    ("cpu_s", "iterations", "threshold_eV", "main_peak_eV", "area_eV", "rms", "shift_eV"),
)
CHANGES = Kept(
    "nmc_protocol_changes",
    ("change", "element", "lithium"),
    ("rms", "shift_eV", "before", "iterations", "cpu_s"),
)


@dataclass(frozen=True)
class Run:
    """One site, its edges, and what differs from `fast`."""

    structure: str
    element: str
    edges: tuple[str, ...]
    change: tuple[tuple[str, Any], ...]

    @property
    def protocol(self) -> FeffProtocol:
        """`fast` with the change."""
        base = load().protocols.feff["fast"].model_dump()
        return FeffProtocol.model_validate(base | dict(self.change) | {"timeout_s": 7200})


def parts() -> dict[str, list[Run]]:
    """Runs by the question that they answer."""
    radii = {
        f"scf{radius:g}": [
            Run(s, e, ("K",) if e == "O" else ("K", "L3"), (("scf_radius", radius),))
            for e in ("Co", "O", "Ni")
            for s in (FULL, EMPTY)
        ]
        for radius in (2.4, 3.2, 4.0, 5.0)
    }
    sites = [(s, e) for e in ("Co", "O") for s in (FULL, EMPTY)] + [(FULL, "Ni"), (EMPTY, "Ni")]
    column = [Run(s, e, ("K",), (("stoichiometry", CONSTANT),)) for s, e in sites]
    tight = [Run(s, e, ("K",), (("tolerances", TOLERANCES),)) for s, e in sites[:4]]
    return radii | {"stoichiometry": column, "tolerances": tight}


def geometry(structure: str) -> dict[str, Any]:
    """Relaxed cell of the archive."""
    rows = Archive("resources/archive").read(GEOMETRIES)
    return next(r for r in rows if (r["structure_id"], r["protocol"]) == (structure, "chgnet"))


def stored(run: Run, edge: str, compute: bool) -> dict[str, Any] | None:
    """Spectrum and cost of one edge; None if it is not there and not to be computed."""
    row = geometry(run.structure)
    site = feff.site(row, row["site_labels"].index(SITES[run.structure][run.element]))
    path = OUT / f"{site.identity(edge, run.protocol)[:24]}.json"
    if not path.exists():
        known = archived().get(site.identity(edge, run.protocol))
        if known is not None or not compute:
            return known
        for each in run.edges:
            _keep(site, each, run)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@cache
def archived() -> dict[str, dict[str, Any]]:
    """What the archive holds, in the form of the stored runs."""
    archive = Archive("resources/archive")
    spectra = {r["calculation_id"]: r for r in archive.read(SPECTRA)}
    out: dict[str, dict[str, Any]] = {}
    for row in archive.read(CALCULATIONS):
        curve = spectra.get(row["calculation_id"])
        if curve is not None and row["structure_id"] in (FULL, EMPTY):
            out[row["calculation_id"]] = {
                "status": row["status"],
                "cpu_s": None,  # of another driver
                "iterations": row["iterations"],
                "edge": row["edge_eV"],
                "energy": curve["energy_eV"],
                "mu": curve["mu"],
            }
    return out


def _keep(site: feff.Site, edge: str, run: Run) -> None:
    begun = machine()
    outcome = site.run(edge, run.protocol)
    data: dict[str, Any] = {"status": outcome.status, "message": outcome.message, **begun}
    data |= {"cpu_s": outcome.cpu_s, "attempt": outcome.attempt}
    if outcome.files:
        found = feff.parse(outcome.files)
        data |= {"energy": found.energy.tolist(), "mu": found.mu.tolist()}
        data |= {"edge": found.edge, "efermi": found.efermi, "iterations": found.iterations}
    path = OUT / f"{site.identity(edge, run.protocol)[:24]}.json"
    write_bytes(path, json.dumps(data).encode())


def area(found: dict[str, Any], window: tuple[float, float], about: float) -> float:
    """Integral of the absorption over a window, eV (edge step = 1)."""
    grid = np.arange(about + window[0], about + window[1], 0.01)
    return float(np.trapezoid(gaussian(found["energy"], found["mu"], grid, 0.5), dx=0.01))


def main_peak(found: dict[str, Any]) -> float:
    """Position of the highest absorption at 1 eV FWHM beyond 4 eV above the onset, eV."""
    grid = np.arange(onset(found) + 4.0, onset(found) + 30.0, 0.01)
    return float(grid[gaussian(found["energy"], found["mu"], grid, 1.0).argmax()])


def distance(found: dict[str, Any], other: dict[str, Any]) -> tuple[float, float]:
    """Relative RMS over −5 … +30 eV at 1 eV FWHM after one shift, and that shift.

    The shift is how far `found` lies above the other one, eV.
    """
    grid = np.arange(other["edge"] - 5.0, other["edge"] + 30.0, 0.05)
    wide = np.arange(grid[0] - 4.0, grid[-1] + 4.0, 0.05)
    target = gaussian(other["energy"], other["mu"], grid, 1.0)
    curve = gaussian(found["energy"], found["mu"], wide, 1.0)
    shifts = np.arange(-3.0, 3.001, 0.01)
    moved = np.array([np.interp(grid - s, wide, curve) for s in shifts])
    errors = np.sqrt(np.mean((moved - target) ** 2, axis=1) / np.mean(target**2))
    best = int(errors.argmin())
    return float(errors[best]), 0.0 - float(shifts[best])


def white_lines() -> Iterator[dict[str, Any]]:
    """White-line area of L3 at both lithium contents, by radius."""
    for name, runs in parts().items():
        for element in HOLES if name.startswith("scf") else ():
            own = [r for r in runs if r.element == element]
            found = [stored(r, "L3", compute=False) for r in own]
            if any(f is None or "mu" not in f for f in found):
                continue
            full, empty = (area(f, WHITE_LINE, f["edge"]) for f in found if f)
            row = {"element": element, "scf_A": float(name[3:]), "ratio": empty / full}
            yield row | {"area_full_eV": full, "area_empty_eV": empty} | _begun(*found)


def k_edges() -> Iterator[dict[str, Any]]:
    """K edges by radius: cost, iterations, main peak, pre-edge area; change against 4 Å."""
    for name, runs in parts().items():
        for run in runs:
            found = stored(run, "K", compute=False)
            if not name.startswith("scf") or found is None or "mu" not in found:
                continue
            row = {"element": run.element, "lithium": _lithium(run), "scf_A": float(name[3:])}
            row |= {"cpu_s": NAN if found["cpu_s"] is None else found["cpu_s"]}
            row |= {"iterations": found["iterations"], "threshold_eV": found["edge"]}
            row |= {"main_peak_eV": main_peak(found)}
            row |= {"area_eV": area(found, PRE_EDGE, onset(found))}
            yield row | _against(run, found) | _begun(found)


def _lithium(run: Run) -> float:
    return 1.0 if run.structure == FULL else 0.1


def _begun(*found: dict[str, Any] | None) -> dict[str, Any]:
    """Day and load of runs; empty for those of the archive."""
    known = [f for f in found if f and "day" in f]
    return {k: known[0][k] for k in ("day", "load")} if known else {"day": "", "load": NAN}


def _against(run: Run, found: dict[str, Any]) -> dict[str, float]:
    """Relative RMS and shift against potentials from 4 Å."""
    wide = Run(run.structure, run.element, run.edges, (("scf_radius", 4.0),))
    reference = stored(wide, "K", compute=False)
    if reference is None or "mu" not in reference:
        return {"rms": NAN, "shift_eV": NAN}
    rms, shift = distance(found, reference)
    return {"rms": rms, "shift_eV": shift}


def changes() -> Iterator[dict[str, Any]]:
    """What another stoichiometry column and other tolerances change of `fast`."""
    for name in ("stoichiometry", "tolerances"):
        for run in parts()[name]:
            plain = Run(run.structure, run.element, run.edges, (("scf_radius", 2.4),))
            found, base = stored(run, "K", False), stored(plain, "K", False)
            if found is None or base is None or "mu" not in found or "mu" not in base:
                continue
            rms, shift = distance(found, base)
            row = {"change": name, "element": run.element, "lithium": _lithium(run)}
            row |= {"rms": rms, "shift_eV": shift, "cpu_s": found["cpu_s"]}
            row |= {"before": base["iterations"], "iterations": found["iterations"]}
            yield row | _begun(found)


def site_means() -> Iterator[list[str]]:
    """Error of the mean of as many sites as the campaign computes, where the archive knows it."""
    for element, number in load().nmc.blocks.sites.items():
        if element in CELL:
            error, structures, _ = mean_error(element, number)
            yield [f"{number} of {CELL[element]} {element}", f"{error:.3f}", f"{structures}"]


def tables() -> str:
    """All tables of the scan, of the rows that are kept."""
    white = ["edge", "SCF (Å)", "area, lithium 1.0", "area, lithium 0.1", "ratio", "ratio of holes"]
    radii = ["edge", "SCF (Å)", "CPU s", "iterations", "threshold", "main peak (eV)", "pre-edge"]
    radii += ["RMS to 4 Å", "shift (eV)"]
    other = ["change of `fast`", "edge", "relative RMS", "shift (eV)", "iterations", "CPU s"]
    means = ["mean of", "relative RMS to the mean of all", "structures"]
    return "\n\n".join(
        (
            table(white, map(_white, WHITE.rows())),
            table(radii, map(_radius, RADII.rows())),
            table(other, map(_change, CHANGES.rows())),
            table(means, site_means()),
        )
    )


def _white(r: dict[str, Any]) -> list[str]:
    holes = HOLES[r["element"]][EMPTY] / HOLES[r["element"]][FULL]
    areas = [f"{r[k]:.1f}" for k in ("area_full_eV", "area_empty_eV")]
    return [f"{r['element']} L3", f"{r['scf_A']:g}", *areas, f"{r['ratio']:.2f}", f"{holes:.2f}"]


def _radius(r: dict[str, Any]) -> list[str]:
    return [
        f"{r['element']} K, lithium {r['lithium']:.1f}",
        f"{r['scf_A']:g}",
        "archive" if np.isnan(r["cpu_s"]) else f"{r['cpu_s']:.0f}",
        f"{r['iterations']:.0f}",
        f"{r['threshold_eV']:.2f}",
        f"{r['main_peak_eV']:.2f}",
        f"{r['area_eV']:.2f}",
        "" if np.isnan(r["rms"]) else f"{r['rms']:.3f}",
        "" if np.isnan(r["rms"]) else f"{r['shift_eV']:+.2f}",
    ]


def _change(r: dict[str, Any]) -> list[str]:
    return [
        r["change"],
        f"{r['element']} K, lithium {r['lithium']:.1f}",
        f"{r['rms']:.4f}",
        f"{r['shift_eV']:+.2f}",
        f"{r['before']:.0f} → {r['iterations']:.0f}",
        f"{r['cpu_s']:.0f}",
    ]


def write() -> None:
    """Put the tables between the marks of ``docs/validation.md``.

    Raises
    ------
    ValueError
        If the marks are not there.
    """
    put(DOCS, "nmc_protocol", tables())


def main() -> None:
    """Run the parts named on the command line (or all), or write the tables."""
    if sys.argv[1:2] == ["write"]:
        write()
        return
    wanted = sys.argv[2:] or list(parts())
    for name in wanted:
        part, _, element = name.partition(":")
        for run in (r for r in parts()[part] if element in ("", r.element)):
            for edge in run.edges:
                found = stored(run, edge, compute=True) or {}
                print(
                    name,
                    run.structure,
                    run.element,
                    edge,
                    found["status"],
                    found["cpu_s"],
                    flush=True,
                )
    WHITE.add(white_lines())
    RADII.add(k_edges())
    CHANGES.add(changes())
    print(tables())


if __name__ == "__main__":
    main()
