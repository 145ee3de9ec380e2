"""Cost of a site with arrays cut to what the potentials need, against FEFF's own sizes.

``python -m benchmarks.feff_cost`` prints one JSON line for each site: CPU s of both, their ratio
(at most 0.80 is asked), and whether ``xmu.dat`` and ``pot.bin`` are equal to the byte. Sites are
of the most and the least lithiated relaxed cell of the archive. The two sides alternate, so that
a drifting machine meets both. ``... write FILE`` puts the rows of a file of such lines into
``docs/validation.md``.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rows import line, put
from defectra.core.config import load
from defectra.core.records import GEOMETRIES
from defectra.core.store import Archive
from defectra.engines import process
from defectra.engines.feff import child as feff_child
from defectra.engines.feff.dimensions import largest_cluster, limited
from defectra.engines.feff.input import Cluster, cluster, feff_input
from defectra.engines.feff.run import ALLOCATOR, ATOMS, SPECTRUM
from defectra.engines.feff.settings import FeffProtocol
from defectra.spectra.normalise import relative_rms

SITES = (
    ("most", "Ni", "K", "fast"),
    ("most", "O", "K", "fast"),
    ("most", "Li", "K", "balanced"),
    ("least", "Co", "L3", "fast"),
    ("least", "Mn", "K", "fast"),
    ("least", "O", "K", "balanced"),
    ("least", "Ni", "L3", "balanced"),
)
COMPARED = ("xmu.dat", "pot.bin")
LIMIT, DECLARED = 0.80, 0.70
TIMEOUT = 4 * 3600.0


def cells() -> dict[str, dict[str, Any]]:
    """The most and the least lithiated relaxed cells of the archive."""
    rows = [r for r in Archive("resources/archive").read(GEOMETRIES) if r["protocol"] == "chgnet"]
    ranked = sorted(rows, key=lambda r: (r["species"].count("Li"), r["structure_id"]))
    return {"least": ranked[0], "most": ranked[-1]}


def run(atoms: Cluster, edge: str, protocol: FeffProtocol, cut: bool) -> tuple[float, list[bytes]]:
    """CPU s and the compared files of one run, with or without the cut arrays."""
    with tempfile.TemporaryDirectory(prefix="feff-") as name:
        folder = Path(name)
        text = feff_input(atoms, edge, protocol, protocol.mixing)
        (folder / "feff.inp").write_text(text, encoding="utf-8")
        cost = _call(folder, (*ATOMS, *(() if cut else ("pot",))))
        if cut:
            with limited(folder, largest_cluster(atoms, protocol.scf_radius)):
                cost += _call(folder, ("pot",))
        cost += _call(folder, SPECTRUM)
        return cost, [(folder / name).read_bytes() for name in COMPARED]


def _call(folder: Path, stages: tuple[str, ...]) -> float:
    command = [sys.executable, "-P", feff_child.__file__, *stages]
    return process.run(command, folder, ALLOCATOR, TIMEOUT).cpu_s


def structure() -> None:
    """Print the cost of a K edge of each element of one cell, three sides against each other.

    FEFF's own sizes at `fast`; the same input with the arrays cut, equal to the byte; and the
    declared protocol `campaign` (wider tolerances), with the root mean square it costs.
    """
    protocols, row = load().protocols.feff, cells()["least"]
    tolerant = protocols["fast"].model_copy(update={"tolerances": protocols["campaign"].tolerances})
    cost, equal, largest = [0.0, 0.0, 0.0], True, 0.0
    for element in ("Li", "O", "Mn", "Co", "Ni"):
        atoms = cluster(row, row["species"].index(element))
        sides = ((protocols["fast"], False), (protocols["fast"], True), (tolerant, True))
        found = [run(atoms, "K", protocol, cut) for protocol, cut in sides]
        cost = [c + own for c, (own, _) in zip(cost, found)]
        equal &= found[0][1] == found[1][1]
        largest = max(largest, _distance(found[0][1][0], found[2][1][0]))
    same = "xmu.dat, pot.bin " + ("equal" if equal else "DIFFER")
    _row("structure, a K site of each element, arrays cut", cost[1], cost[0], same)
    off = f"largest relative RMS {largest:.1e}"
    _row("structure, arrays cut and declared tolerances", cost[2], cost[0], off, DECLARED)


def _distance(first: bytes, second: bytes) -> float:
    """Relative root mean square between two ``xmu.dat``, on the energies of the first."""
    (energy, mu), (other, theirs) = (
        np.loadtxt(io.BytesIO(text), usecols=(0, 3), unpack=True) for text in (first, second)
    )
    return float(relative_rms(np.interp(energy, other, theirs), mu))


def main() -> None:
    """Print one row for each site, and one of all; or write the rows of a file into the page."""
    if sys.argv[1:2] == ["write"]:
        put(Path("docs/validation.md"), "feff_cost", table(Path(sys.argv[2])))
        return
    structure()
    protocols, rows = load().protocols.feff, cells()
    whole = [0.0, 0.0]
    for which, element, edge, name in SITES:
        row = rows[which]
        atoms = cluster(row, row["species"].index(element))
        (own, ours), (old, theirs) = (run(atoms, edge, protocols[name], c) for c in (True, False))
        whole = [whole[0] + own, whole[1] + old]
        same = ", ".join(
            f"{n} {'equal' if a == b else 'DIFFERS'}" for n, a, b in zip(COMPARED, ours, theirs)
        )
        _row(f"{which} lithium, {element} {edge} {name}", own, old, same)
    _row("all sites", *whole, "sum")


def table(lines: Path) -> str:
    """Markdown table of printed rows."""
    rows = [json.loads(text) for text in lines.read_text(encoding="utf-8").splitlines()]
    head = ["case", "CPU s", "FEFF's own sizes, CPU s", "ratio", "asked", "compared"]
    cells = [
        [
            r["case"].removeprefix("feff cost: "),
            *(f"{r[key]:.0f}" for key in ("ours", "peer_value")),
            f"{r['ratio']:.2f}",
            f"at most {r['limit']:.2f}",
            r["check"],
        ]
        for r in rows
    ]
    return "\n".join("| " + " | ".join(c) + " |" for c in [head, ["---"] * len(head), *cells])


def _row(name: str, own: float, old: float, check: str, limit: float = LIMIT) -> None:
    line(
        f"feff cost: {name}",
        own,
        "CPU s",
        peer="sizes of FEFF",
        peer_value=old,
        limit=limit,
        limit_on_ratio=True,
        check=check,
    )


if __name__ == "__main__":
    main()
