"""How often a sound signal is said to stand still, and how often one that was made to is found.

``python tests/parsers/standstill_rates.py FOLDER... [--into PAGE]``; a script, not a test.

Reads the detectors and the absorption of every file below the folders, each once, and prints (or
writes between the marks of a page) a table: of how many signals :func:`held` speaks, and of how
many when one fault is put into each at a drawn place.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.held_values import held, is_constant
from defectra.core.textfiles import read_bytes
from defectra.spectra.athena_project import is_project, read
from defectra.spectra.column_names import Role, column
from defectra.spectra.header_names import names_of
from defectra.spectra.measured_formats import LARGEST
from defectra.spectra.measured_spectrum import SpectrumError
from defectra.spectra.measured_table import tables
from defectra.spectra.measured_text import decoded

Floats = NDArray[np.float64]
KINDS = {
    "detectors": (Role.MONITOR, Role.PASSED, Role.SHONE, Role.YIELD),
    "absorption": (
        Role.MU,
        Role.MU_TRANSMISSION,
        Role.MU_FLUORESCENCE,
        Role.NORMALISED,
        Role.FLATTENED,
    ),
}
LEAST = 60  # values of a signal into which a fault is put
HELD = 10  # values that a fault holds
SHARE = 0.8  # of the values lie below a limit
MARKS = ("<!-- standstill -->", "<!-- /standstill -->")


def signals(folders: list[Path]) -> Iterator[tuple[str, Path, Floats]]:
    """Kind, file and values of each different signal that varies."""
    seen: set[bytes] = set()
    for path in sorted(p for f in folders for p in f.rglob("*") if p.is_file()):
        try:
            for kind, values in _of_text(decoded(read_bytes(path, LARGEST))):
                new = values.tobytes() not in seen and np.isfinite(values).all()
                if new and not is_constant(values):
                    seen.add(values.tobytes())
                    yield kind, path, values
        except (SpectrumError, EngineError):
            continue


def _of_text(text: str) -> Iterator[tuple[str, Floats]]:
    if is_project(text):
        yield from (("absorption", group.mu) for group in read(text))
        return
    for table in tables(text):
        for k, name in enumerate(names_of(table) or []):
            kinds = [kind for kind, roles in KINDS.items() if column(name).role in roles]
            yield from ((kind, table.data[:, k].copy()) for kind in kinds)


def frozen(values: Floats, rng: np.random.Generator) -> Floats:
    """The same value at ten energies."""
    first = int(rng.integers(1, len(values) - HELD))
    out = values.copy()
    out[first : first + HELD] = out[first]
    return out


def saturated(values: Floats, rng: np.random.Generator) -> Floats:
    """No value above a limit."""
    return np.minimum(values, np.quantile(values, SHARE))


def dead(values: Floats, rng: np.random.Generator) -> Floats:
    """Zero at ten energies."""
    first = int(rng.integers(1, len(values) - HELD))
    out = values.copy()
    out[first : first + HELD] = 0.0
    return out


FAULTS: dict[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "frozen for 10 energies": frozen,
    "the highest fifth cut off": saturated,
    "zero for 10 energies": dead,
}


def rates(found: list[tuple[str, Path, Floats]]) -> str:
    """Table of the rates, as Markdown."""
    lines = ["| | " + " | ".join(KINDS) + " |", "|---|" + "---|" * len(KINDS)]
    of = {kind: [v for k, _, v in found if k == kind] for kind in KINDS}
    lines.append("| signals | " + " | ".join(f"{len(of[k])}" for k in KINDS) + " |")
    spoken = [sum(bool((h := held(v)) and h.first) for v in of[k]) for k in KINDS]
    lines.append("| said to stand still, as they are | " + " | ".join(map(str, spoken)) + " |")
    for name, fault in FAULTS.items():
        shares = []
        for kind in KINDS:
            rng = np.random.default_rng(0)
            made = [fault(v, rng) for v in of[kind] if len(v) >= LEAST and not held(v)]
            shares.append(f"{100 * np.mean([bool(held(m)) for m in made]):.0f} % of {len(made)}")
        lines.append(f"| found if {name} | " + " | ".join(shares) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--into", type=Path, help="page with the marks")
    given = parser.parse_args()
    found = list(signals(given.folders))
    text = rates(found)
    print(text)
    for kind, path, values in found:
        if stands := held(values):
            print(f"{kind} of {path.name}: {stands}")
    if given.into:
        page = given.into.read_text()
        start, end = (page.index(m) for m in MARKS)
        given.into.write_text(page[: start + len(MARKS[0])] + f"\n{text}\n" + page[end:])


if __name__ == "__main__":
    main()
