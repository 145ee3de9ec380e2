"""Cost of a structure with arrays cut to what the potentials need, against FEFF's own sizes.

``python -m benchmarks.feff_cost`` computes a K site of each element of two relaxed cells of the
archive (lithium 1.0 and 0.1, those of `benchmarks.nmc_protocol`) three times each: with FEFF's own
sizes of arrays, with the arrays cut (which must give the same bytes), and cut with the declared
tolerances of protocol `campaign`. The sides of a site follow each other, so that a machine whose
speed drifts meets all of them. Runs are kept below ``results/benchmarks/feff_cost``, rows in
``benchmarks/measured/feff_cost.csv``; ``... write`` puts them into ``docs/validation.md``.
``... sites`` compares single sites, L3 edges and protocol `balanced` among them, and prints them.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kept import PAGE, Kept, machine, when
from benchmarks.nmc_protocol import EMPTY, FULL, geometry
from benchmarks.rows import line, put, table
from defectra.core.config import load
from defectra.core.store import write_bytes
from defectra.engines import process
from defectra.engines.feff import child as feff_child
from defectra.engines.feff.dimensions import largest_cluster, limited
from defectra.engines.feff.input import Cluster, calculation_id, cluster, feff_input
from defectra.engines.feff.run import ALLOCATOR, ATOMS, SPECTRUM
from defectra.engines.feff.settings import FeffProtocol
from defectra.spectra.normalise import relative_rms

OUT = Path("results/benchmarks/feff_cost")
CELLS = {"1.0": FULL, "0.1": EMPTY}  # structure at a lithium content
ELEMENTS = ("Li", "O", "Mn", "Co", "Ni")
SITES = (
    ("1.0", "Ni", "K", "fast"),
    ("1.0", "O", "K", "fast"),
    ("1.0", "Li", "K", "balanced"),
    ("0.1", "Co", "L3", "fast"),
    ("0.1", "Mn", "K", "fast"),
    ("0.1", "O", "K", "balanced"),
    ("0.1", "Ni", "L3", "balanced"),
)
COMPARED = ("xmu.dat", "pot.bin")
OWN, CUT, TOLERANT = "sizes of FEFF", "arrays cut", "arrays cut and declared tolerances"
ASKED = {CUT: 0.80, TOLERANT: 0.70}  # of the cost with FEFF's own sizes
TIMEOUT = 4 * 3600.0
KEPT = Kept("feff_cost", ("lithium", "element", "side"), ("cpu_s", "equal", "rms"))


def run(atoms: Cluster, edge: str, protocol: FeffProtocol, cut: bool) -> dict[str, Any]:
    """One run with or without the cut arrays, or what an earlier one left.

    Returns
    -------
    CPU s, the SHA-256 of each compared file, energies (eV) and absorption, day and load.
    """
    text = feff_input(atoms, edge, protocol, protocol.mixing)
    path = OUT / f"{calculation_id(text)[:16]}-{'cut' if cut else 'own'}.json"
    if not path.exists():
        write_bytes(path, json.dumps(_computed(text, atoms, protocol, cut)).encode())
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _computed(text: str, atoms: Cluster, protocol: FeffProtocol, cut: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="feff-") as name:
        folder, out = Path(name), machine()
        (folder / "feff.inp").write_text(text, encoding="utf-8")
        cost = _call(folder, (*ATOMS, *(() if cut else ("pot",))))
        if cut:
            with limited(folder, largest_cluster(atoms, protocol.scf_radius)):
                cost += _call(folder, ("pot",))
        cost += _call(folder, SPECTRUM)
        files = {n: (folder / n).read_bytes() for n in COMPARED}
        energy, mu = np.loadtxt(io.BytesIO(files["xmu.dat"]), usecols=(0, 3), unpack=True)
        out |= {"files": {n: hashlib.sha256(data).hexdigest() for n, data in files.items()}}
        return out | {"cpu_s": cost, "energy": energy.tolist(), "mu": mu.tolist()}


def _call(folder: Path, stages: tuple[str, ...]) -> float:
    command = [sys.executable, "-P", feff_child.__file__, *stages]
    return process.run(command, folder, ALLOCATOR, TIMEOUT).cpu_s


def structures() -> None:
    """Compute, print and keep the three sides of a K site of each element of both cells."""
    protocols = load().protocols.feff
    fast = protocols["fast"]
    tolerant = fast.model_copy(update={"tolerances": protocols["campaign"].tolerances})
    for element, (lithium, name) in product(ELEMENTS, CELLS.items()):
        row = geometry(name)
        atoms = cluster(row, row["species"].index(element))
        sides = {OWN: (fast, False), CUT: (fast, True), TOLERANT: (tolerant, True)}
        found = {s: run(atoms, "K", p, cut) for s, (p, cut) in sides.items()}
        for side, own in found.items():
            kept = {"lithium": lithium, "element": element, "side": side}
            kept |= {k: own[k] for k in ("cpu_s", "day", "load")}
            kept |= {"equal": int(own["files"] == found[OWN]["files"])}
            kept |= {"rms": _distance(found[OWN], own)}
            print(json.dumps(kept), flush=True)
            KEPT.add([kept])
    for case in totals(KEPT.rows()):
        _line(case)


def totals(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Cost of each side over the sites of each cell, and of both, beside that of FEFF's own sizes.

    Raises
    ------
    ValueError
        If a side lacks a site that another has: sums of different sites are no ratio.
    """
    contents = list(dict.fromkeys(r["lithium"] for r in rows))
    for lithium in (*contents, *([None] if len(contents) > 1 else [])):
        sites = [r for r in rows if lithium in (None, r["lithium"])]
        sums = {side: [r for r in sites if r["side"] == side] for side in (OWN, *ASKED)}
        named = {frozenset((r["lithium"], r["element"]) for r in own) for own in sums.values()}
        if len(named) > 1:
            raise ValueError("sites are missing: python -m benchmarks.feff_cost computes them")
        base = sum(r["cpu_s"] for r in sums[OWN])
        for side, limit in ASKED.items():
            own = sum(r["cpu_s"] for r in sums[side])
            same = all(r["equal"] for r in sums[side])
            check = f"largest relative RMS {max(r['rms'] for r in sums[side]):.1e}"
            check = f"{', '.join(COMPARED)} equal to the byte" if same else check
            yield {
                "cell": f"lithium {lithium:.1f}" if lithium is not None else "both cells",
                "elements": ", ".join(dict.fromkeys(r["element"] for r in sites)),
                "side": side, "cpu_s": own, "own_sizes": base, "limit": limit, "check": check,
            }  # fmt: skip


def _distance(first: dict[str, Any], second: dict[str, Any]) -> float:
    """Relative root mean square between two spectra, on the energies of the first."""
    there = np.interp(first["energy"], second["energy"], second["mu"])
    return float(relative_rms(there, np.array(first["mu"])))


def sites() -> None:
    """Print one row for each of :data:`SITES`, and one of all."""
    protocols = load().protocols.feff
    whole = [0.0, 0.0]
    for lithium, element, edge, name in SITES:
        row = geometry(CELLS[lithium])
        atoms = cluster(row, row["species"].index(element))
        cut, own = (run(atoms, edge, protocols[name], c) for c in (True, False))
        whole = [whole[0] + cut["cpu_s"], whole[1] + own["cpu_s"]]
        same = ", ".join(
            f"{n} {'equal' if cut['files'][n] == own['files'][n] else 'DIFFERS'}" for n in COMPARED
        )
        case = {"cell": f"lithium {lithium}", "side": f"{element} {edge} {name}", "check": same}
        _line(case | {"cpu_s": cut["cpu_s"], "own_sizes": own["cpu_s"], "limit": ASKED[CUT]})
    case = {"cell": "all sites", "side": CUT, "check": "sum", "limit": ASKED[CUT]}
    _line(case | {"cpu_s": whole[0], "own_sizes": whole[1]})


def _line(case: dict[str, Any]) -> None:
    line(
        f"feff cost: {case['cell']}, {case['side']}",
        case["cpu_s"],
        "CPU s",
        peer=OWN,
        peer_value=case["own_sizes"],
        limit=case["limit"],
        limit_on_ratio=True,
        check=case["check"],
    )


def text() -> str:
    """The table of the page."""
    head = [
        "cell",
        "a K site of each of",
        "with",
        "CPU s",
        "FEFF's own sizes, CPU s",
        "ratio",
        "asked",
    ]
    lines = []
    for case in totals(KEPT.rows()):
        ratio = case["cpu_s"] / case["own_sizes"]
        met = "" if ratio <= case["limit"] else ", missed"
        cells = [
            case["cell"],
            case["elements"],
            case["side"],
            f"{case['cpu_s']:.0f}",
            f"{case['own_sizes']:.0f}",
        ]
        lines.append([*cells, f"{ratio:.2f}", f"at most {case['limit']:.2f}{met}", case["check"]])
    return "\n\n".join((table([*head, "compared"], lines), when(KEPT.rows())))


def main() -> None:
    """Compute both cells, or ``sites``; or ``write`` the page."""
    if sys.argv[1:] == ["write"]:
        put(PAGE, "feff_cost", text())
    elif sys.argv[1:] == ["sites"]:
        sites()
    else:
        structures()


if __name__ == "__main__":
    main()
