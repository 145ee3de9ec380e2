"""What the comparison of FEFF with GPAW at Li K and O K rests on, for ``docs/nmc.md``.

``python -m benchmarks.pages.nmc_second_code`` prints, from the archive alone, how the comparison
(:mod:`defectra.studies.nmc.blocks.core_hole`) changes with the photon energy as a factor, with
narrower Gaussians, and with each arm of GPAW laid upon its pristine one; ``... write`` puts it
between its marks. GPAW's spectra are squared dipole elements; absorption has the photon energy as a
factor beside them. RMS: root mean square; FWHM: full width at half maximum.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.pages.nmc_summary import shown
from benchmarks.rows import put, table
from defectra.core.claims import Estimate, Rows, estimate
from defectra.core.config import load
from defectra.core.errors import TableError
from defectra.spectra.align import WIDTHS, Alignment, Curve, Method, applied, fitted, points
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks.campaign import CORE_HOLE_SITES, core_holes, drawn
from defectra.studies.nmc.blocks.core_hole import (
    ARMS,
    CHANGES,
    PRISTINE,
    SHIFT,
    SITES,
    WINDOW,
    compare,
    partners_of,
)
from defectra.studies.nmc.blocks.sites import Site, read_sites
from defectra.studies.nmc.checks import Tables, checks

PAGE, NAME = Path(__file__).parents[2] / "docs/nmc.md", "nmc_second_code"
ARCHIVE = Path("resources/archive")
NONE = "No spectra of a second code in the archive."
CHECKED = "O K"  # the edge that the checks are about
AS_FIXED, PHOTON, OWN = "as fixed", "photon energy as a factor", "each arm on its pristine one"
NARROW = (0.0, 1.0, 2.0)  # eV, FWHM
LARGEST = 2.0  # eV, shift of an arm that is tried
MIDDLE = 9.0  # eV above the start of the grid: between pre-edge and main peak of O K
PEAKS = {"pre-edge": (0.0, MIDDLE), "main peak": (MIDDLE, WINDOW)}
PEAK_WIDTH = 1.0  # eV, FWHM of the Gaussian of GPAW when its peaks are looked for
HEAD = ["what is changed", "edge", "correlation of sites, pristine",
        *(f"of the change, {arm}" for arm in ARMS), "verdicts"]  # fmt: skip


@dataclass(frozen=True)
class Codes:
    """Spectra of both codes.

    Attributes
    ----------
    rows
        Arms with `structure_id`, `block` and `arm`.
    feff, gpaw
        Spectra of single sites.
    partners
        The pristine site that a site of a defect arm is; without it, that of its name.
    """

    rows: Rows
    feff: Mapping[Site, Curve]
    gpaw: Mapping[Site, Curve]
    grids: Mapping[str, Grid]
    partners: Mapping[Site, Site] | None = None

    @property
    def edges(self) -> list[str]:
        """Edges that the second code has."""
        return sorted({site[1] for site in self.gpaw})

    def compared(self, widths: Sequence[float] = WIDTHS) -> Rows:
        """Rows of ``core_hole/comparison.csv``."""
        return compare(self.rows, self.feff, self.gpaw, self.grids, widths, self.partners)

    def shift(self, edge: str) -> float:
        """Shift of GPAW that lays its pristine sites on those of FEFF, eV; NaN without one."""
        return estimate(self.compared(), "n", edge=edge, statistic=SHIFT).value

    def with_photon_energy(self) -> Codes:
        """GPAW's spectra times the photon energy, on the axis of FEFF."""
        shifts = {edge: self.shift(edge) for edge in self.edges}
        return replace(
            self, gpaw={s: (e, mu * (e + shifts[s[1]])) for s, (e, mu) in self.gpaw.items()}
        )

    def moved(self, shifts: Mapping[tuple[str, str], float]) -> Codes:
        """GPAW's spectra of some structures moved, by structure and edge, eV."""
        return replace(
            self, gpaw={s: (e + shifts.get(s[:2], 0.0), mu) for s, (e, mu) in self.gpaw.items()}
        )


def from_archive(archive: Path = ARCHIVE) -> Codes:
    """Blocks of the design that the archive has by both codes."""
    config = load()
    edges = [f"{e} K" for e in CORE_HOLE_SITES]
    named = core_holes(config).nmc.blocks.protocol
    gpaw = read_sites(archive / "nmc_core_hole", named, edges)
    feff = read_sites(archive / "nmc_blocks", config.nmc.blocks.protocol, edges)
    known = {site[0] for site in gpaw}
    own = [b for b in drawn(config) if known & {r["structure_id"] for r in b.table}]
    rows = [r for block in own for r in block.table if r["structure_id"] in known]
    return Codes(rows, feff, gpaw, config.nmc.edges, partners_of(own, config.nmc.blocks))


def own_shifts(codes: Codes) -> dict[tuple[str, str], float]:
    """Shift that lays each defect arm of GPAW upon its pristine one, by structure and edge, eV."""
    arms = {(r["block"], r["arm"]): r["structure_id"] for r in codes.rows}
    out = {}
    for (block, arm), name in arms.items():
        for edge in codes.edges:
            own = _sites(codes, name, edge)
            plain = _sites(codes, arms[block, PRISTINE], edge)
            both = sorted(set(own) & set(plain))
            if arm == PRISTINE or not both or np.isnan(codes.shift(edge)):
                continue
            start = codes.grids[edge].start - codes.shift(edge)
            axis = np.arange(start, start + WINDOW, 0.1)
            means = [np.mean([np.interp(axis, *x[s]) for s in both], axis=0) for x in (own, plain)]
            out[name, edge] = fitted((axis, means[0]), (axis, means[1]), LARGEST, (0.0,)).shift
    return out


def _sites(codes: Codes, name: str, edge: str) -> dict[str, Curve]:
    """Curves by the name that a site has in the pristine arm; those of no such site left out."""
    named = {s: s if codes.partners is None else codes.partners.get(s, s) for s in codes.gpaw}
    plain = {r["structure_id"] for r in codes.rows if r["arm"] == PRISTINE}
    return {
        named[s][2]: curve
        for s, curve in codes.gpaw.items()
        if s[:2] == (name, edge) and (codes.partners is None or named[s][0] in plain)
    }


def lines(codes: Codes, shifts: Mapping[tuple[str, str], float]) -> Iterator[list[str]]:
    """What the comparison says, changed in one way after another."""
    ways = {AS_FIXED: codes.compared(), PHOTON: codes.with_photon_energy().compared()}
    ways |= {f"Gaussian of {w:g} eV": codes.compared((w,)) for w in NARROW}
    ways[OWN] = codes.moved(shifts).compared()
    for way, rows in ways.items():
        for edge in codes.edges:
            sites = estimate(rows, "n", edge=edge, statistic=SITES, subject=PRISTINE)
            changes = [
                estimate(rows, "n", edge=edge, statistic=CHANGES, subject=f"{a} minus {PRISTINE}")
                for a in ARMS
            ]
            yield [way, edge, *(shown(e, 3) for e in (sites, *changes)), _verdicts(rows, edge)]


def _verdicts(rows: Rows, edge: str) -> str:
    if edge != CHECKED:
        return "no check"
    found = {str(r["check_id"]): str(r["verdict"]) for r in checks(Tables(codes=rows))}
    return ", ".join(f"{arm}: {found[f'{arm}_second_code']}" for arm in ARMS)


def peaks(codes: Codes, edge: str = CHECKED) -> dict[str, list[float]]:
    """How far the highest point of GPAW lies above that of FEFF, by part of the edge, site by site.

    Returns
    -------
    eV, one for each site, with the shift of the comparison and a Gaussian of 1 eV on GPAW.
    """
    grid = codes.grids[edge]
    laid = Alignment(Method.FITTED, codes.shift(edge), fwhm=PEAK_WIDTH)
    axis = points(grid)
    out: dict[str, list[float]] = {name: [] for name in PEAKS}
    for site in sorted(set(codes.feff) & set(codes.gpaw)):
        if site[1] != edge:
            continue
        both = np.interp(axis, *codes.feff[site]), applied(codes.gpaw[site], laid, axis)
        for name, (first, last) in PEAKS.items():
            part = (axis >= grid.start + first) & (axis < grid.start + last)
            feff, gpaw = (float(axis[part][mu[part].argmax()]) for mu in both)
            out[name].append(gpaw - feff)
    return out


def text(codes: Codes | None = None) -> str:
    """Table and sentences for the page; those of the archive unless others are given."""
    codes = from_archive() if codes is None else codes
    if not codes.gpaw:
        return NONE
    try:
        shifts = own_shifts(codes)
        off = peaks(codes)
    except TableError as error:
        return f"Not compared: {error}."
    return "\n\n".join([
        "How the comparison of both codes depends on what was not fixed beforehand (looked at "
        f"afterwards; {len({r['block'] for r in codes.rows})} blocks, intervals of Student's t):",
        table(HEAD, lines(codes, shifts)),
        f"Highest point of single sites at {CHECKED}, GPAW less FEFF, after that one shift: "
        f"{'; '.join(_spread(name, values) for name, values in off.items())}. Each arm of GPAW is "
        f"moved by {_range([v for (_, e), v in shifts.items() if e == CHECKED])} to lie upon its "
        "pristine one.",
    ])  # fmt: skip


def _spread(name: str, values: Sequence[float]) -> str:
    found = Estimate.mean(values)
    return f"{name}, mean {found.value:+.1f} eV, single sites {_range(values)} ({found.n} sites)"


def _range(values: Sequence[float]) -> str:
    return f"{min(values):+.2f} to {max(values):+.2f} eV" if values else "nothing"


def main() -> int:
    """Print the text, or write it into the page."""
    own = text()
    if "write" in sys.argv[1:]:
        put(PAGE, NAME, own)
    else:
        print(own)
    return 0


if __name__ == "__main__":
    sys.exit(main())
