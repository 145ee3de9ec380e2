"""Batches of plots that study `plots` asks for, drawn from a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from defectra.core.paths import PROJECT
from defectra.core.records import CALCULATIONS, SPECTRA, Status
from defectra.core.store import Archive
from defectra.studies.plots.settings import PlotsStudy

BATCH = 10  # plots of one calculation
POLYNOMIALS, SPECTRA_RULE = "polynomials", "spectra"
ARCHIVE = "resources/archive"  # whose spectra are drawn
POINTS = 120  # of a spectrum that is drawn
Curve = list[list[float]]


@dataclass(frozen=True)
class Batch:
    """Plots with equal numbers of lines and pixels.

    Attributes
    ----------
    rule
        Where the curves come from: polynomials of the authors' rules, or computed spectra.
    lines, dpi, count
        Lines of a plot, pixels per inch, plots.
    seed
        Of their look, and of the polynomials.
    curves
        For each plot [x, y] of its lines; None for polynomials.
    """

    rule: str
    lines: int
    dpi: int
    count: int
    seed: int
    curves: list[list[Curve]] | None = None

    @property
    def name(self) -> str:
        """Of the batch, unique."""
        return f"{self.rule}-{self.lines}-{self.dpi}-{self.seed}"


def batches(settings: PlotsStudy) -> Iterator[Batch]:
    """All batches; those that are there stay the same when more are asked for."""
    seed = settings.test_seed
    for dpi in settings.dpi:
        for lines in settings.lines:
            for start in range(0, settings.plots, BATCH):
                count = min(BATCH, settings.plots - start)
                own = _seed(seed, POLYNOMIALS, lines, dpi, start)
                yield Batch(POLYNOMIALS, lines, dpi, count, own)
    yield from _spectra_batches(settings, seed)


def _seed(*parts: object) -> int:
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _spectra_batches(settings: PlotsStudy, seed: int) -> Iterator[Batch]:
    """Plots of one to three computed spectra of one edge, from the shipped archive."""
    if not settings.spectra_plots:
        return
    known = _spectra()
    edges = sorted(known)
    for dpi in settings.dpi:
        for start in range(0, settings.spectra_plots, BATCH):
            own = _seed(seed, SPECTRA_RULE, dpi, start)
            rng = np.random.default_rng(own)
            lines = int(rng.integers(1, 4))
            plots = [
                _stacked(rng, known[edges[int(rng.integers(len(edges)))]], lines)
                for _ in range(min(BATCH, settings.spectra_plots - start))
            ]
            yield Batch(SPECTRA_RULE, lines, dpi, len(plots), own, plots)


def _spectra() -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Archived spectra by element and edge, in a fixed order, at most 20 of each."""
    archive = Archive(PROJECT / ARCHIVE)
    columns = ["calculation_id", "element", "edge", "status"]
    edges = {
        row["calculation_id"]: (row["element"], row["edge"])
        for row in archive.read(CALCULATIONS, columns)
        if row["status"] == Status.OK
    }
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in sorted(archive.read(SPECTRA), key=lambda r: str(r["calculation_id"])):
        group = found.setdefault(edges.get(row["calculation_id"], ("", "")), [])
        if len(group) < 20:
            group.append(row)
    found.pop(("", ""), None)
    return found


def _stacked(rng: np.random.Generator, rows: Sequence[dict[str, Any]], lines: int) -> list[Curve]:
    """Spectra of one edge above each other, on the axis of absolute energy (eV)."""
    out = []
    for k in range(lines):
        row = rows[int(rng.integers(len(rows)))]
        energy, mu = np.array(row["energy_eV"]), np.array(row["mu"])
        x = np.linspace(energy[0], energy[-1], POINTS)
        y = np.interp(x, energy, mu / mu.max()) + 0.8 * k
        out.append([np.round(x, 3).tolist(), np.round(y, 4).tolist()])
    return out
