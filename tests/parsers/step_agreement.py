"""Edge steps against those that public Athena projects store; a script, not a test.

``python tests/parsers/step_agreement.py FOLDER... [--peer PYTHON] [--into PAGE]``

Reads every ``.prj`` below the folders and prints (or writes between the marks of a page) how many
edge steps are within 5 % of the stored one: by the automatic rule, by the ranges that the project
stores, and by Larch's ``pre_edge`` with its own defaults (``--peer``: a Python with xraylarch).
Groups are counted once; intervals are a bootstrap over projects.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from defectra.spectra import athena_ranges
from defectra.spectra.athena_ranges import Ranges
from defectra.spectra.edge_normalisation import normalise
from defectra.spectra.edges_seen import steepest
from defectra.spectra.measured_formats import read_scans
from defectra.spectra.measured_spectrum import Measured, SpectrumError, cleaned

WITHIN = 0.05
CLOSE = (0.001, 0.01, 0.02, 0.05)
MARKS = ("<!-- steps {} -->", "<!-- /steps {} -->")
PEER = """
import sys, warnings
warnings.filterwarnings("ignore")
import numpy as np
from larch.xafs.pre_edge import preedge
given = np.load(sys.argv[1])
out = []
for k in range(len(given.files) // 2):
    try:
        out.append(preedge(given[f"e{k}"], given[f"m{k}"])["edge_step"])
    except Exception:
        out.append(np.nan)
np.save(sys.argv[2], out)
"""


@dataclass(frozen=True)
class Group:
    """A group of a project: its spectrum, what is stored, and the relative errors of the steps.

    `interval` is the relative half width that the rule gives its own step.
    """

    project: str
    spectrum: Measured
    ranges: Ranges
    noise: float
    edge_off: float
    rule: float
    stored: float
    interval: float
    peer: float = np.nan


def groups(folders: list[Path]) -> Iterator[Group]:
    """Different groups that store a step which nobody fixed, and were not normalised before."""
    seen: set[bytes] = set()
    for path in sorted(p for f in folders for p in f.rglob("*.prj")):
        try:
            scans = read_scans(path)
        except SpectrumError:
            continue
        for scan in scans:
            ranges = athena_ranges.stored(scan)
            mark = hashlib.sha256(scan.energy.tobytes() + scan.mu.tobytes()).digest()
            if mark in seen or not ranges or not ranges.step > 0 or ranges.fixed:
                continue
            seen.add(mark)
            if scan.meta.get("is_nor") != "1":
                yield from _group(str(path), scan, ranges)


def _group(project: str, scan: Measured, ranges: Ranges) -> Iterator[Group]:
    try:
        spectrum = cleaned(scan)
        edge = steepest(spectrum.energy, spectrum.mu)
    except SpectrumError:
        return
    error, interval = {}, np.nan
    for name, given in (("rule", replace(spectrum, meta={})), ("stored", spectrum)):
        try:
            found = normalise(given)
            error[name] = found.step / ranges.step - 1
            interval = found.step_off if name == "rule" else interval
        except SpectrumError:
            error[name] = np.nan
    noise = standard_error(spectrum, ranges) / ranges.step
    off = edge - ranges.edge
    yield Group(project, spectrum, ranges, noise, off, error["rule"], error["stored"], interval)


def standard_error(spectrum: Measured, ranges: Ranges) -> float:
    """Standard error of the step by the scatter about the polynomials of the stored ranges."""
    x, total = spectrum.energy - ranges.edge, 0.0
    for span, degree in ((ranges.pre, 1), (ranges.post, ranges.degrees[0])):
        used = (x >= span[0]) & (x <= span[1])
        if used.sum() < degree + 3:
            return float("inf")
        terms = np.vander(x[used] / 100, degree + 1)
        fitted, *_ = np.linalg.lstsq(terms, spectrum.mu[used], rcond=None)
        rest = spectrum.mu[used] - terms @ fitted
        scale = rest @ rest / (used.sum() - degree - 1)
        total += float(np.linalg.inv(terms.T @ terms)[-1, -1] * scale)
    return total**0.5


def with_peer(found: list[Group], python: str) -> list[Group]:
    """The same groups with the errors of Larch's ``pre_edge`` with its defaults."""
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "given.npz", Path(folder) / "steps.npy"
        arrays = {f"e{k}": g.spectrum.energy for k, g in enumerate(found)}
        np.savez(given, **arrays, **{f"m{k}": g.spectrum.mu for k, g in enumerate(found)})
        subprocess.run([python, "-c", PEER, str(given), str(answer)], check=True)
        steps = np.load(answer)
    return [replace(g, peer=s / g.ranges.step - 1) for g, s in zip(found, steps)]


def share(found: list[Group], error: Callable[[Group], float]) -> str:
    """Percentage within 5 % and its 95 % interval, bootstrap over projects."""
    hits = np.array([abs(error(g)) < WITHIN for g in found], float)
    names = np.array([g.project for g in found])
    per = [(hits[names == n].sum(), (names == n).sum()) for n in sorted(set(names))]
    sums = np.array(per, float)
    rng = np.random.default_rng(0)
    drawn = sums[rng.integers(0, len(sums), (4000, len(sums)))].sum(1)
    low, high = np.percentile(100 * drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
    return f"{100 * hits.mean():.0f} ({low:.0f} to {high:.0f})"


def classes(found: list[Group]) -> list[tuple[str, list[Group]]]:
    """Rows of the table; below the second each group stands in the first class that it fits."""
    kept = [g for g in found if abs(g.stored) < WITHIN]
    tests: list[tuple[str, Callable[[Group], bool]]] = [
        ("noise: standard error of the stored step over 2.5 %", lambda g: not g.noise < 0.025),
        ("edge found over 5 eV away", lambda g: abs(g.edge_off) > 5),
        ("less than 45 eV before the edge", lambda g: _before(g) < 45),
        ("to less than 100 eV after it", lambda g: _after(g) < 100),
        ("to 100 to 200 eV", lambda g: _after(g) < 200),
        ("to 200 to 400 eV", lambda g: _after(g) < 400),
        ("to 400 to 700 eV", lambda g: _after(g) < 700),
        ("beyond 700 eV", lambda g: True),
    ]
    rows = [("all", found), ("whose stored ranges give the stored step", kept)]
    rows.append(("of these, with noise below that", [g for g in kept if g.noise < 0.025]))
    for name, test in tests:
        rows.append((f"- {name}", [g for g in kept if test(g)]))
        kept = [g for g in kept if not test(g)]
    return rows


def _before(g: Group) -> float:
    return float(g.ranges.edge - g.spectrum.energy[0])


def _after(g: Group) -> float:
    return float(g.spectrum.energy[-1] - g.ranges.edge)


def table(found: list[Group]) -> str:
    """Percentages within 5 % of the stored step, with intervals, as Markdown."""
    head = "| groups | number | rule | stored ranges | Larch, defaults |\n|---|---|---|---|---|"
    lines = [head]
    for name, some in classes(found):
        if some:
            shares = [share(some, e) for e in (_rule, _stored, _peer)]
            lines.append(f"| {name} | {len(some)} | " + " | ".join(shares) + " |")
    return "\n".join(lines)


def intervals(found: list[Group]) -> str:
    """How often the rule's own interval holds the stored step, in words."""
    kept = [g for g in found if abs(g.stored) < WITHIN and np.isfinite(g.interval)]
    holds = np.array([abs(1 / (1 + g.rule) - 1) <= g.interval for g in kept])
    sure = [g for g in kept if g.interval <= WITHIN]
    right = sum(abs(g.rule) < WITHIN for g in sure)
    stored = np.array([abs(g.stored) for g in found])
    parts = ", ".join(f"{100 * (stored < t).mean():.0f} % within {t:.1%}" for t in CLOSE)
    return (
        f"With the stored edge, ranges and degree: {parts} of all. The interval that the rule "
        f"gives its step holds {100 * holds.mean():.0f} % of {len(kept)} stored steps; where it "
        f"is within ± 5 %, {right} of {len(sure)} steps are within 5 %."
    )


def _rule(g: Group) -> float:
    return g.rule


def _stored(g: Group) -> float:
    return g.stored


def _peer(g: Group) -> float:
    return g.peer


def main() -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--peer", help="Python in which xraylarch is installed")
    parser.add_argument("--into", type=Path, help="page with the marks of the name")
    parser.add_argument("--name", default="tuned", help="of the marks: <!-- steps NAME -->")
    parser.add_argument("--title", default="", help="what the folders are")
    given = parser.parse_args()
    found = list(groups(given.folders))
    found = with_peer(found, given.peer) if given.peer else found
    projects = len({g.project for g in found})
    title = f"{given.title}{len(found)} different groups of {projects} projects:"
    text = f"{title}\n\n{table(found)}\n\n{intervals(found)}\n"
    print(text)
    if given.into:
        page = given.into.read_text()
        first, last = (m.format(given.name) for m in MARKS)
        start, end = page.index(first), page.index(last)
        given.into.write_text(page[: start + len(first)] + f"\n{text}" + page[end:])


if __name__ == "__main__":
    main()
