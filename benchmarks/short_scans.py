"""What normalising a short scan does to the answers of the shipped model of study `nmc`.

``python -m benchmarks.short_scans`` prints the table for ``docs/reading_measured.md``, ``write``
puts it between its marks; ``all`` takes all blocks instead of every fourth, ``"Co K"`` one edge.

Computed spectra of the archived blocks get a background and noise and begin so many eV before
their steepest rise; they end where the calculation ends. The answers are compared with those about
the same spectra as they are. Each cell is asked about to a model that has not seen its block.
AUROC: area under the receiver operating characteristic.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.rows import put, table
from defectra.cli.predict_edges import curve, foot_of
from defectra.core.config import load, own_or_shipped
from defectra.core.paths import PROJECT
from defectra.learn.edges_model import EdgesModel, load_edges_model
from defectra.learn.scores import auroc
from defectra.spectra.align import aligned
from defectra.spectra.broaden import gaussian
from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.edges_seen import steepest
from defectra.spectra.grid import Grid
from defectra.spectra.measured_spectrum import Measured, SpectrumError, on_grid
from defectra.spectra.pre_edge import background
from defectra.studies.nmc.blocks.sites import read_sites
from defectra.studies.nmc.blocks.tables import block_design, read_blocks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Way = Callable[[EdgesModel, str, Measured], Floats]
PAGE = Path(__file__).parents[1] / "docs/reading_measured.md"
ARCHIVE = PROJECT / "resources/archive/nmc_blocks"
MODEL = PROJECT / "resources/models/nmc_edges.npz"
FOLDS, SEED = 4, 29
POINTS = 0.5  # eV between the energies of a scan
STARTS = (2.0, 5.0, 10.0, 15.0, 27.0, 30.0, 60.0, 100.0)  # eV before the edge
LITHIUM, DEFECTS = "x_Li", ("vacancy", "antisite")
LINE, CONSTANT, CHOSEN = "line", "constant", "beside the foot"


def by_degree(degree: int) -> Way:
    """A polynomial over half the range before the edge, as most programs fit it."""

    def way(model: EdgesModel, edge: str, scan: Measured) -> Floats:
        found = normalise(scan, pre_degree=degree)
        flat = replace(scan, energy=found.energy, mu=found.for_model)
        return on_grid(flat, model.grid(edge))

    return way


WAYS: dict[str, Way] = {
    LINE: by_degree(1),
    CONSTANT: by_degree(0),
    CHOSEN: lambda model, edge, scan: curve(model, edge, scan, 0.0),
}


@dataclass(frozen=True)
class Planted:
    """A background in units of the edge step, and noise.

    Attributes
    ----------
    level
        At the edge.
    slope
        Per eV.
    power
        Of a power law of the energy that has `level` at the edge (Victoreen's law is about -3).
    noise
        Standard deviation at each energy.
    """

    level: float = 0.0
    slope: float = 0.0
    power: float = 0.0
    noise: float = 0.0

    def on(self, scan: Measured, edge: float, generator: np.random.Generator) -> Measured:
        """A scan with background and noise."""
        x = scan.energy
        back = self.level * (x / edge) ** self.power + self.slope * (x - edge)
        return replace(scan, mu=scan.mu + back + self.noise * generator.normal(size=len(x)))


BACKGROUNDS = {
    "constant": (Planted(), Planted(0.5, noise=0.002)),
    "linear": (
        Planted(0.5, slope=1e-3, noise=0.002),
        Planted(0.5, slope=-1e-3, noise=0.002),
        Planted(0.5, slope=-1e-3, noise=0.01),
    ),
    "curved": (Planted(0.5, power=-3.0, noise=0.002),),
}


def cell_scans(structures: Sequence[str], grids: Mapping[str, Grid]) -> dict[str, list[Measured]]:
    """Mean spectrum of each cell by edge, edge step about one, from 200 eV before the edge.

    Before the first computed energy the foot of the edge goes on as that of a Lorentzian does,
    with the inverse distance from the steepest rise.
    """
    sites = read_sites(ARCHIVE, "campaign", list(grids))
    out: dict[str, list[Measured]] = {}
    for edge, grid in grids.items():
        own = {s: [c for k, c in sites.items() if k[:2] == (s, edge)] for s in structures}
        last = min(c[0][-1] for curves in own.values() for c in curves) + grid.shift
        for curves in own.values():
            rise = float(np.mean([steepest(aligned(e, grid), mu) for e, mu in curves]))
            energy = np.arange(max(rise - max(STARTS), 1.0), last, POINTS)
            mean = np.mean([_extended(c, grid, rise, energy) for c in curves], axis=0)
            out.setdefault(edge, []).append(Measured(energy, mean))
    return out


def _extended(curve: tuple[Floats, Floats], grid: Grid, rise: float, energy: Floats) -> Floats:
    axis, mu = aligned(curve[0], grid), curve[1]
    before = np.arange(energy[0], axis[0] - 1.0)
    foot = mu[0] * (rise - axis[0]) / (rise - before)
    return gaussian(np.append(before, axis), np.append(foot, mu), energy, grid.fwhm)


def begun(
    scan: Measured, start: float, planted: Planted, generator: np.random.Generator
) -> Measured:
    """A scan that begins `start` eV before its steepest rise, with what is planted."""
    edge = steepest(scan.energy, scan.mu)
    kept = scan.energy >= edge - start
    whole = planted.on(scan, edge, generator)
    return replace(whole, energy=scan.energy[kept], mu=whole.mu[kept])


@dataclass(frozen=True)
class Asked:
    """Cells at one edge, and models that have not seen them.

    Attributes
    ----------
    model
        The shipped one.
    edge
        As ``"O K"``.
    scans
        Of each row of the model that is asked about.
    rows
        Numbers of these rows.
    fold
        Of every row of the model; rows of a block have the same.
    """

    model: EdgesModel
    edge: str
    scans: Sequence[Measured]
    rows: Ints
    fold: Ints

    @cached_property
    def models(self) -> list[EdgesModel]:
        """The model that has not seen it, for each of `rows`."""
        kept = {f: _without(self.model, self.fold == f) for f in np.unique(self.fold)}
        return [kept[self.fold[k]] for k in self.rows]

    def answers(self, curves: Floats) -> Floats:
        """Answers about curves on the grid of the model, shape (variants, rows, points)."""
        out = np.empty((*curves.shape[:2], len(self.model.about.targets)))
        for fold in np.unique(self.fold):
            there = self.fold[self.rows] == fold
            if not there.any():
                continue
            found = _without(self.model, self.fold == fold).answers(
                {self.edge: curves[:, there].reshape(-1, curves.shape[2])}
            )
            out[:, there] = found.reshape(len(curves), int(there.sum()), -1)
        return out


def _without(model: EdgesModel, left_out: NDArray[np.bool_]) -> EdgesModel:
    kept = ~left_out
    return replace(
        model,
        curves={e: c[kept] for e, c in model.curves.items()},
        labels=model.labels[kept],
        groups=[g for g, k in zip(model.groups, kept) if k],
    )


@dataclass(frozen=True)
class Variant:
    """One start, way and background, and the curves that it leaves, shape (rows, points)."""

    start: float
    way: str
    background: str
    curves: Floats
    doubted: float


def variants(asked: Asked) -> Iterator[Variant | tuple[float, str]]:
    """Every curve that is asked about; a start that is refused, with the reason."""
    for start in STARTS:
        try:
            yield from list(_at(asked, start))
        except SpectrumError as error:
            yield start, str(error)


def _at(asked: Asked, start: float) -> Iterator[Variant]:
    for name, planted in ((n, p) for n, some in BACKGROUNDS.items() for p in some):
        generator = np.random.default_rng(SEED)
        scans = [begun(s, start, planted, generator) for s in asked.scans]
        for way, call in WAYS.items():
            try:
                curves = [call(m, asked.edge, s) for m, s in zip(asked.models, scans)]
            except SpectrumError:
                if way == CHOSEN:
                    raise
                continue
            doubts = [_is_doubted(asked, s) for s in scans] if way == CHOSEN else [False]
            yield Variant(start, way, name, np.array(curves), float(np.mean(doubts)))


def _is_doubted(asked: Asked, scan: Measured) -> bool:
    """Whether the background is said to be in doubt."""
    under = background(scan, foot_of(asked.model, asked.edge))
    return not (under.determined and under.fits)


def lines(asked: Asked) -> Iterator[list[str]]:
    """Rows of the table for one edge."""
    grid = asked.model.grid(asked.edge)
    found = list(variants(asked))
    done = [v for v in found if isinstance(v, Variant)]
    own = np.array([on_grid(s, grid) for s in asked.scans])
    answers = asked.answers(np.array([own, *(v.curves for v in done)]))
    true, rest = answers[0], dict(zip(map(id, done), answers[1:]))
    refused = {v[0] for v in found if not isinstance(v, Variant)}
    lithium = asked.model.about.targets.index(LITHIUM)
    yield [asked.edge, ", ".join(f"{x:g}" for x in STARTS if x in refused), *REFUSED]
    for start in (s for s in STARTS if s not in refused):
        cells = [asked.edge, f"{start:g}"]
        for name, some in BACKGROUNDS.items():
            moved = [[(rest[id(v)] - true)[:, lithium] for v in done
                      if (v.start, v.way, v.background) == (start, way, name)]
                     for way in WAYS]  # fmt: skip
            cells.append(" / ".join(
                f"{np.sqrt(np.mean(np.square(m))):.3f}" if len(m) == len(some) else "refused"
                for m in moved
            ))  # fmt: skip
        for defect in DEFECTS:
            ours = [[_auroc(asked, rest[id(v)], defect) for v in done
                     if (v.start, v.way) == (start, way)] for way in (LINE, CHOSEN)]  # fmt: skip
            own = _auroc(asked, true, defect)
            cells.append(" / ".join(f"{np.mean(o) - own:+.3f}" if o else "refused" for o in ours))
        shares = [[v.doubted for v in done if (v.start, v.way, v.background) == (start, CHOSEN, b)]
                for b in BACKGROUNDS]  # fmt: skip
        cells.append(" / ".join(f"{100 * np.mean(t):.0f} %" for t in shares))
        yield cells


def _auroc(asked: Asked, answers: Floats, target: str) -> float:
    k = asked.model.about.targets.index(target)
    truth = asked.model.labels[asked.rows, k]
    return float(auroc(truth, answers[:, k], np.ones((1, len(truth))))[0])


HEAD = [
    "edge",
    "begins, eV before",
    *(f"{LITHIUM}, {b} background: {' / '.join(WAYS)}" for b in BACKGROUNDS),
    *(f"AUROC {d}, change: {LINE} / {CHOSEN}" for d in DEFECTS),
    f"doubted: {' / '.join(BACKGROUNDS)} background",
]
REFUSED = ["refused", *[""] * (len(HEAD) - 3)]


def of_edge(edge: str, stride: int) -> list[list[str]]:
    """Rows of the table for an edge; every `stride`-th block."""
    config, model = load(own_or_shipped()), load_edges_model(MODEL)
    cells = read_blocks(block_design(config), ARCHIVE, config.nmc.edges).rows
    if [str(c["group"]) for c in cells] != list(model.groups):
        raise SystemExit(f"{MODEL} is not of the blocks in {ARCHIVE}: run the study first")
    names = list(dict.fromkeys(model.groups))
    fold = np.array([names.index(g) // stride % FOLDS for g in model.groups])
    rows = np.flatnonzero([names.index(g) % stride == 0 for g in model.groups])
    structures = [str(cells[k]["structure_id"]) for k in rows]
    scans = cell_scans(structures, {edge: config.nmc.edges[edge]})
    return list(lines(Asked(model, edge, scans[edge], rows, fold)))


def main() -> None:
    """Print the table, or write it into the page."""
    words = sys.argv[1:]
    edges = [w for w in words if w not in ("all", "write")] or load_edges_model(MODEL).about.edges
    with ProcessPoolExecutor(len(edges)) as pool:
        found = list(pool.map(of_edge, edges, [1 if "all" in words else 4] * len(edges)))
    text = table(HEAD, (row for rows in found for row in rows))
    if "write" in words:
        put(PAGE, "short_scans", text)
    print(text)


if __name__ == "__main__":
    main()
