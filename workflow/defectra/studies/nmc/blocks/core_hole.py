"""Li K and O K by a second code, site by site: does it see what FEFF sees?

FEFF: multiple scattering in muffin-tin potentials, no spin. GPAW: plane waves with projector
augmented waves (PAW), spin-polarised with U, the core hole in a supercell. Both are asked about
the same sites of the same relaxed cells. GPAW's energies count from its Fermi level, so one shift
and one Gaussian for each edge, fitted on all pristine sites together, lay its spectra on FEFF's
axis: the comparison is of shapes and of what a defect changes, never of absolute energies.
RMS: root mean square; FWHM: full width at half maximum.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.claims import NAN
from defectra.core.errors import TableError
from defectra.learn import scores
from defectra.spectra.align import WIDTHS, Alignment, Curve, applied, fitted, points
from defectra.spectra.grid import Grid
from defectra.studies.nmc.blocks import design as designed
from defectra.studies.nmc.blocks.sites import Site, same_sites
from defectra.studies.nmc.settings import NmcBlocks

Row = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]
FEFF, GPAW = "FEFF", "GPAW"
PRISTINE, ARMS = "pristine", ("vacancy", "antisite")
FEWEST = 2
LARGEST = 12.0  # eV, shift that is tried about the one that lays both first maxima together
WINDOW = 25.0  # eV, from the start of the declared grid: what both codes describe
COLUMNS = ["edge", "statistic", "subject", "unit", "value", "lo", "hi", "n"]
SHIFT, WIDTH = "shift of GPAW", "Gaussian of GPAW (FWHM)"
SITES, MEANS, CHANGES = "correlation of sites", "correlation of means", "correlation of changes"
SWAPPED = "correlation of changes, other block"
SIZE = "relative RMS change"


def compare(
    blocks: Rows,
    feff: Mapping[Site, Curve],
    gpaw: Mapping[Site, Curve],
    grids: Mapping[str, Grid],
    widths: Sequence[float] = WIDTHS,
    partners: Mapping[Site, Site] | None = None,
) -> list[Row]:
    """Agreement of both codes at each edge; nothing with fewer than two common blocks.

    Parameters
    ----------
    blocks
        Arms with `structure_id`, `block` and `arm`
        (:func:`defectra.studies.nmc.blocks.tables.block_rows_table`).
    feff, gpaw
        Spectra of single sites (:func:`defectra.studies.nmc.blocks.sites.read_sites`).
    grids
        Declared grid of each edge.
    widths
        FWHM of the Gaussian that are tried for GPAW, eV.
    partners
        The pristine site that a site of a defect arm is (:func:`partners_of`); without it, sites
        of one name are the same.

    Returns
    -------
    Rows with columns :data:`COLUMNS`: mean over `n` blocks with the 90 % interval of Student's t,
    clipped to what a correlation or a size can be. Shift and width are fitted once to all blocks
    and have no interval.
    """
    out: list[Row] = []
    for edge in sorted({site[1] for site in gpaw}):
        found = _common(blocks, feff, gpaw, edge, partners)
        if len(found) >= FEWEST:
            out += _edge(edge, found, grids[edge], widths)
    return out


def compare_archived(
    design: str,
    rows: Rows,
    feff: Mapping[Site, Curve],
    gpaw: Mapping[Site, Curve],
    grids: Mapping[str, Grid],
) -> list[Row]:
    """The same for blocks of a design, whose sites may have another name in another arm.

    Parameters
    ----------
    design
        :func:`defectra.studies.nmc.blocks.tables.block_design`.
    rows, feff, gpaw, grids
        As :func:`compare` takes them.
    """
    known = {site[0] for site in gpaw}
    numbers = {int(r["block"]) for r in rows if r["structure_id"] in known}
    parts = json.loads(design)
    spec = NmcBlocks(**parts["blocks"])
    every = designed.blocks(spec, parts["metals"], parts["seed"])
    partners = partners_of((b for b in every if b.number in numbers), spec)
    return compare(rows, feff, gpaw, grids, partners=partners)


@dataclass(frozen=True)
class Block:
    """Sites of a block that both codes have in every arm.

    Attributes
    ----------
    sites
        By arm and name of the site, the same in every arm: the spectrum by FEFF and by GPAW.
    """

    number: int
    sites: Mapping[str, Mapping[str, tuple[Curve, Curve]]]

    def shared(self, arm: str) -> list[str]:
        """Sites that stand in an arm and in the pristine one; an antisite may take one away."""
        return sorted(set(self.sites[arm]) & set(self.sites[PRISTINE]))


def partners_of(blocks: Iterable[designed.Block], spec: NmcBlocks) -> dict[Site, Site]:
    """Which pristine site each computed site of a defect arm is, by the sites of the family."""
    return {
        defect: pristine
        for block in blocks
        for arm in ARMS
        for _, _, defect, pristine in same_sites(block, arm, spec)
    }


def _place(site: Site, arm: str, partners: Mapping[Site, Site] | None) -> str:
    """Name of a site that is the same in every arm of a block."""
    if partners is None or arm == PRISTINE:
        return site[2]
    return partners[site][2] if site in partners else " ".join(site)  # in no other arm


def _common(
    blocks: Rows,
    feff: Mapping[Site, Curve],
    gpaw: Mapping[Site, Curve],
    edge: str,
    partners: Mapping[Site, Site] | None,
) -> list[Block]:
    """Blocks with at least one site in each arm that both codes have."""
    arms = {(int(r["block"]), r["arm"]): r["structure_id"] for r in blocks}
    both = sorted(set(feff) & set(gpaw))
    out = []
    for number in sorted({block for block, _ in arms}):
        sites: dict[str, dict[str, tuple[Curve, Curve]]] = {}
        for arm in (PRISTINE, *ARMS):
            name = arms.get((number, arm))
            own = [s for s in both if s[:2] == (name, edge)]
            sites[arm] = {_place(s, arm, partners): (feff[s], gpaw[s]) for s in own}
        if all(sites.values()):
            out.append(Block(number, sites))
    return out


def _edge(edge: str, blocks: Sequence[Block], grid: Grid, widths: Sequence[float]) -> Iterator[Row]:
    axis = points(grid)
    axis = axis[axis <= grid.start + WINDOW]
    try:
        alignment = _alignment(blocks, axis, widths)
    except TableError:
        return
    laid = [
        {arm: _laid(list(pairs.values()), alignment, axis) for arm, pairs in block.sites.items()}
        for block in blocks
    ]

    def row(statistic: str, subject: str, values: Sequence[float]) -> Row:
        weights = scores.left_out_weights([str(k) for k in range(len(values))])
        curve = np.asarray(weights @ np.asarray(values) / weights.sum(axis=1))
        bounds = (0.0, np.inf) if statistic == SIZE else (-1.0, 1.0)
        value, lo, hi = scores.student(curve, bounds)
        about = {"edge": edge, "statistic": statistic, "subject": subject, "unit": ""}
        return {**about, "value": value, "lo": lo, "hi": hi, "n": len(values)}

    for statistic, fit in ((SHIFT, alignment.shift), (WIDTH, alignment.fwhm)):
        about = {"edge": edge, "statistic": statistic, "subject": PRISTINE, "unit": "eV"}
        yield {**about, "value": fit, "lo": NAN, "hi": NAN, "n": len(blocks)}
    for arm in (PRISTINE, *ARMS):
        yield row(SITES, arm, [_mean_alike(own[arm]) for own in laid])
    yield row(MEANS, PRISTINE, [_alike(*own[PRISTINE].mean(axis=1)) for own in laid])
    for arm in ARMS:
        same = [b for b in blocks if b.shared(arm)]
        if len(same) >= FEWEST:
            yield from _changes(arm, [_both(b, arm, alignment, axis) for b in same], row)


def _both(block: Block, arm: str, alignment: Alignment, axis: Floats) -> dict[str, Floats]:
    """Spectra of the sites that an arm shares with the pristine one, in both arms."""
    names = block.shared(arm)
    return {a: _laid([block.sites[a][n] for n in names], alignment, axis) for a in (arm, PRISTINE)}


def _changes(arm: str, laid: Sequence[Mapping[str, Floats]], row: Any) -> Iterator[Row]:
    """What a defect changes, mean over the sites: alike in both codes, and how large in each."""
    name = f"{arm} minus {PRISTINE}"
    changes = [own[arm].mean(axis=1) - own[PRISTINE].mean(axis=1) for own in laid]
    yield row(CHANGES, name, [_alike(*c) for c in changes])
    following = [*changes[1:], changes[0]]
    yield row(SWAPPED, name, [_alike(a[0], b[1]) for a, b in zip(changes, following)])
    for k, code in enumerate((FEFF, GPAW)):
        sizes = [
            float(np.linalg.norm(c[k]) / np.linalg.norm(own[PRISTINE].mean(axis=1)[k]))
            for c, own in zip(changes, laid)
        ]
        yield row(SIZE, f"{name}: {code}", sizes)


def _alignment(blocks: Sequence[Block], axis: Floats, widths: Sequence[float]) -> Alignment:
    """Shift and Gaussian of GPAW's axis, from the mean of all pristine sites.

    Raises
    ------
    TableError
        If no shift fits.
    """
    pairs = [pair for block in blocks for pair in block.sites[PRISTINE].values()]
    target = np.mean([np.interp(axis, *feff) for feff, _ in pairs], axis=0)
    step = float(axis[1] - axis[0])
    start, stop = min(g[0][0] for _, g in pairs), max(g[0][-1] for _, g in pairs)
    own = np.arange(start, stop, step)
    mean = np.mean([np.interp(own, *gpaw) for _, gpaw in pairs], axis=0)
    coarse = float(axis[target.argmax()] - own[mean.argmax()])
    found = fitted((own + coarse, mean), (axis, target), LARGEST, widths)
    return Alignment(found.method, found.shift + coarse, found.sd, found.fwhm)


def _laid(pairs: Sequence[tuple[Curve, Curve]], alignment: Alignment, axis: Floats) -> Floats:
    """Spectra of sites on the axis, mean one, by code: shape (2, sites, bins)."""
    feff = [np.interp(axis, *own) for own, _ in pairs]
    gpaw = [applied(own, alignment, axis) for _, own in pairs]
    return np.array([[f / f.mean() for f in feff], gpaw])


def _mean_alike(codes: Floats) -> float:
    return float(np.mean([_alike(*pair) for pair in zip(*codes)]))


def _alike(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1])
