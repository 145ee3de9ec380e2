"""Own code beside the library that could replace it: ``python -m benchmarks.libraries``.

xraydb is no requirement; its rows are left out where it is not installed.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rows import line

JOBS = 50_000
SCANS = 300


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def edges() -> None:
    """Our table of absorption edges beside xraydb: first look-up, and that all values are equal."""
    if importlib.util.find_spec("xraydb") is None:
        return
    from defectra.engines.edges import find, table

    ours = seconds(lambda: find("Ni", "K"))

    def first() -> None:
        import xraydb

        xraydb.xray_edge("Ni", "K")

    theirs = seconds(first)
    import xraydb

    found = [(e, xraydb.xray_edge(e.element, e.edge)) for e in table()]
    other = sum(abs(e.energy - x.energy) > 0.051 or abs(e.jump - x.jump_ratio) > 0.006
                for e, x in found)  # fmt: skip
    line("first look-up of an edge", ours, "s", peer="xraydb", peer_value=theirs,
         check=f"{len(found)} edges, {other} differ")  # fmt: skip


def scan(draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    """Volumes (Å³), energies (eV) with 1 meV of noise, and the true volume of the minimum."""
    from defectra.studies.perovskites.eos import EV_PER_A3_IN_GPA

    least, modulus, slope = draw.uniform(150, 400), draw.uniform(10, 120), draw.uniform(3.5, 6)
    volumes = least * np.linspace(draw.uniform(0.90, 0.97), draw.uniform(1.03, 1.10), 6)
    x = (least / volumes) ** (2 / 3) - 1
    energies = (
        9 * least * modulus / EV_PER_A3_IN_GPA / 16 * (x**3 * slope + x**2 * (6 - 4 * (x + 1)))
    )
    return volumes, energies + draw.normal(0, 1e-3, len(volumes)), least


def equation_of_state() -> None:
    """Fit of Birch and Murnaghan: ours (pymatgen's, with refusals) beside that of ASE."""
    from ase.eos import EquationOfState

    from defectra.studies.perovskites import eos

    scans = [scan(np.random.default_rng(k)) for k in range(SCANS)]
    ours: list[float] = []
    theirs: list[float] = []
    spent = seconds(lambda: ours.extend(eos.fit(v, e).volume / t - 1 for v, e, t in scans))
    peer = seconds(
        lambda: theirs.extend(
            EquationOfState(v, e, eos="birchmurnaghan").fit(warn=False)[0] / t - 1
            for v, e, t in scans
        )
    )
    away = float(np.max(np.abs(np.subtract(ours, theirs))))
    line("fit of an equation of state", 1e3 * spent / SCANS, "ms", peer="ase.eos",
         peer_value=1e3 * peer / SCANS,
         check=f"volumes: median error {np.median(np.abs(ours)):.1e}, largest difference "
               f"{away:.1e}")  # fmt: skip


def run_events() -> None:
    """A look at the events of a run of many jobs: what is new, beside the whole of it."""
    from defectra.campaign.run_events import Event, RunEvents, events_of, read_steps

    lines = []
    for k in range(JOBS):
        progress = Event("progress", done=k, total=JOBS)
        lines += [Event("job", k, "calculate"), Event("finished", k), progress]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "run.log"
        events, slowest = RunEvents(events_of(log)), 0.0
        for start in range(0, len(lines), 1000):
            with events_of(log).open("a") as handle:
                handle.writelines(event.to_line() for event in lines[start : start + 1000])
            slowest = max(slowest, seconds(events.look))
        whole = seconds(lambda: read_steps(log))
    line(f"look at the events of {JOBS} jobs", 1e3 * slowest, "ms", peer="the whole file each time",
         peer_value=1e3 * whole, check=f"{events.look().done} steps")  # fmt: skip


def figure_files() -> None:
    """What PDF and csv add to a figure of 16 panels of 40 curves."""
    from defectra.figures import style

    def drawn() -> Any:
        figure, axes = style.canvas(4, 4, (11, 9))
        for axis in axes.flat:
            axis.plot(np.arange(200), np.random.default_rng(1).normal(size=(200, 40)))
            axis.set(xlabel="energy (eV)", ylabel="mu")
        return figure

    with tempfile.TemporaryDirectory() as folder:
        whole, alone = drawn(), drawn()
        path = Path(folder) / "a.png"
        png = seconds(lambda: style.save_picture(alone, path))
        line("a figure as PNG, PDF and csv", seconds(lambda: style.save(whole, path)), "s",
             peer="PNG alone", peer_value=png)  # fmt: skip


if __name__ == "__main__":
    edges()
    equation_of_state()
    run_events()
    figure_files()
