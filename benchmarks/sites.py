"""How far one site stands for all of its element, and one model atom for all of a potential.

``python -m benchmarks.sites write`` puts the errors of means over sites that follow from the
archive into ``docs/validation.md``. ``python -m benchmarks.sites`` prints JSON lines: for every
K edge of one relaxed NMC622 the error of an average over n sites against the average over all of
them (every choice of n sites, up to 2,000, seeded), and for one nickel and one oxygen site the
change when atoms of one element are given two potentials, one for its nearest shell and one for
the others, so that FEFF takes another atom as the model of the far ones. Runs are kept below
``results/benchmarks/sites``, rows of ``split`` in ``benchmarks/measured/sites_split.csv``.
"""

from __future__ import annotations

import json
import sys
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.crystals import case
from benchmarks.feff_run import run_input
from benchmarks.kept import PAGE, Kept, when
from benchmarks.rows import put, table
from defectra.core.config import load
from defectra.core.store import Archive, write_bytes
from defectra.engines.feff.dimensions import largest_cluster
from defectra.engines.feff.input import (
    ATOMIC_NUMBER,
    COMPACT,
    Cluster,
    calculation_id,
    cluster,
    feff_input,
)
from defectra.engines.feff.run import SPECTRUM
from defectra.spectra.broaden import gaussian

OUT = Path("results/benchmarks/sites")
FWHM = 1.0  # eV
WINDOW = (-5.0, 30.0)  # eV about the mean Fermi level of the element
CHOICES = 2000
COUNTS = (1, 2, 3, 4, 6)  # sites of a mean
CELL = {"O": 20, "Ni": 6}  # sites of a cell of NMC622
SPLIT = Kept("sites_split", ("absorber", "element"), ("rms", "zero_eV", "message"))
SHELL = 0.3  # Å; atoms of an element farther than its nearest by more get their own potential


def computed(text: str, name: str, atoms: Cluster) -> dict[str, Any]:
    """Result of one input of a cluster at `fast`, kept from run to run."""
    path = OUT / f"{name}-{calculation_id(text)[:12]}.json"
    if not path.exists():
        largest = largest_cluster(atoms, load().protocols.feff["fast"].scf_radius)
        write_bytes(path, json.dumps(run_input(text, SPECTRUM, largest)).encode())
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def split(text: str, element: str, distances: NDArray[np.float64]) -> str:
    """The same input with a second potential for `element` beyond its nearest shell."""
    lines = text.splitlines()
    atoms = lines.index("ATOMS")
    start = lines.index("POTENTIALS") + 1
    number = atoms - start
    scf, fms = COMPACT[element]
    amount = next(float(x.split()[5]) for x in lines[start + 1 : atoms] if x.split()[2] == element)
    extra = f"{number} {ATOMIC_NUMBER[element]} {element} {scf} {fms} {amount / 2:g}"
    listed = lines[atoms + 1 : -1]
    own = [k for k, x in enumerate(listed) if k and x.split()[4] == element]
    for k in own:
        if distances[k] > distances[own[0]] + SHELL:
            old = listed[k].split()[3]
            listed[k] = listed[k][:30] + f" {number}" + listed[k][30:].removeprefix(f" {old}")
    return "\n".join([*lines[:atoms], extra, "ATOMS", *listed, "END", ""])


def curves(found: list[dict[str, Any]]) -> NDArray[np.float64]:
    """Broadened spectra on one grid about the mean Fermi level, shape (sites, energies)."""
    middle = float(np.mean([f["edge"] for f in found]))
    grid = np.arange(middle + WINDOW[0], middle + WINDOW[1], 0.1)
    return np.array([gaussian(f["energy"], f["mu"], grid, FWHM) for f in found])


def averages(element: str, found: list[dict[str, Any]]) -> None:
    """Rows of one element: relative RMS of the mean of n sites against that of all."""
    all_sites = curves(found)
    target = all_sites.mean(axis=0)
    scale = float(np.sqrt(np.mean(target**2)))
    number = len(found)
    scatter = float(np.std([f["edge"] for f in found]))
    rng = np.random.default_rng(1)
    for n in (n for n in (1, 2, 3, 5) if n < number):
        if comb(number, n) <= CHOICES:
            picks = np.array(list(combinations(range(number), n)))
        else:
            picks = np.array([rng.permutation(number)[:n] for _ in range(CHOICES)])
        errors = np.sqrt(((all_sites[picks].mean(axis=1) - target) ** 2).mean(axis=1)) / scale
        row = {
            "case": f"{element} K, mean of {n} of {number} sites",
            "ours": float(np.sqrt(np.mean(errors**2))),
            "unit": "relative RMS, 1 eV FWHM",
            "check": f"worst {errors.max():.3f}; energy zero scatters by {scatter:.2f} eV",
        }
        print(json.dumps(row), flush=True)


def scatter() -> None:
    """Rows from the archive: the error of a mean of n sites, see :func:`mean_error`."""
    for element, total in CELL.items():
        for n in COUNTS:
            error, structures, zero = mean_error(element, n)
            text = f"{structures} structures; energy zero scatters by {zero:.2f} eV between sites"
            line = {"case": f"{element} K, archive, mean of {n} of {total} sites", "ours": error}
            line |= {"unit": "relative RMS, 1 eV FWHM", "check": text}
            print(json.dumps(line), flush=True)


def mean_error(element: str, n: int) -> tuple[float, int, float]:
    """Error of a mean of `n` of the N sites of the cell, sd / sqrt(n) sqrt(1 - n/N).

    Returns
    -------
    The error (relative RMS, K edge at 1 eV FWHM), the number of structures that it is from, and
    the scatter of the energy zero between their sites (eV).
    """
    several = _several(element)
    sd = float(np.sqrt(np.mean(np.square([_spread(curves(g)) for g in several]))))
    zero = float(np.sqrt(np.mean([np.var([x["edge"] for x in g], ddof=1) for g in several])))
    return sd * float(np.sqrt(max(0.0, 1 / n - 1 / CELL[element]))), len(several), zero


def block_error(element: str) -> tuple[int, float, int]:
    """Error of the mean over the sites that the campaign by blocks computes of an element.

    Returns
    -------
    Sites computed of each arm, the error of their mean against that of all N sites of the cell
    (relative RMS, K edge at 1 eV FWHM; sd between them, / sqrt(n), sqrt(1 - n/N)), number of arms.
    """
    from defectra.core.records import GEOMETRIES

    archive = Archive("resources/archive/nmc_blocks")
    species = {row["structure_id"]: list(row["species"]) for row in archive.read(GEOMETRIES)}
    errors, counts = [], []
    for name, found in _groups(archive, "campaign", element).items():
        n, total = len(found), species[name].count(element)
        if n > 1:
            errors.append(_spread(curves(found)) * np.sqrt(max(0.0, 1 / n - 1 / total)))
            counts.append(n)
    return round(np.median(counts)), float(np.sqrt(np.mean(np.square(errors)))), len(errors)


def _groups(archive: Archive, protocol: str, element: str) -> dict[str, list[dict[str, Any]]]:
    """K spectra of the sites of an element, by structure."""
    from defectra.core.records import CALCULATIONS, SPECTRA

    spectra = {row["calculation_id"]: row for row in archive.read(SPECTRA)}
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in archive.read(CALCULATIONS):
        wanted = (row["protocol"], row["element"], row["edge"]) == (protocol, element, "K")
        if wanted and row["calculation_id"] in spectra:
            own = spectra[row["calculation_id"]]
            found = {"edge": row["edge_eV"], "energy": own["energy_eV"], "mu": own["mu"]}
            groups.setdefault(row["structure_id"], []).append(found)
    return groups


def page() -> str:
    """Both tables of ``docs/validation.md``, from the archive."""
    lines = [["edge", "structures", *(f"mean of {n}" for n in COUNTS), "energy zero between sites"]]
    for element, total in CELL.items():
        found = [mean_error(element, n) for n in COUNTS]
        cells = [f"{e:.3f}" for e, *_ in found]
        _, structures, zero = found[0]
        name = f"{element} K ({total} sites)"
        lines.append([name, str(structures), *cells, f"{zero:.2f} eV"])
    own = [["edge", "sites computed", "error of their mean", "arms of blocks"]]
    for element in ("O", "Mn", "Co", "Ni"):
        n, error, arms = block_error(element)
        own.append([f"{element} K", str(n), f"{error:.3f}", str(arms)])
    text = (
        "The campaign by blocks computes so many sites of each arm (lithium: one, no error known):"
    )
    return "\n\n".join([table(lines[0], lines[1:]), text, table(own[0], own[1:])])


def _several(element: str) -> list[list[dict[str, Any]]]:
    """K spectra of the sites of each structure of the archive that has several of an element."""
    from defectra.core.records import CALCULATIONS, SPECTRA

    archive = Archive("resources/archive")
    spectra = {row["calculation_id"]: row for row in archive.read(SPECTRA)}
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in archive.read(CALCULATIONS):
        if row["protocol"] == "fast" and row["calculation_id"] in spectra:
            key = (row["element"], row["edge"], row["geometry_protocol"], row["structure_id"])
            own = spectra[row["calculation_id"]]
            found = {"edge": row["edge_eV"], "energy": own["energy_eV"], "mu": own["mu"]}
            groups.setdefault(key, []).append(found)
    return [g for k, g in groups.items() if k[:2] == (element, "K") and len(g) > 1]


def _spread(found: NDArray[np.float64]) -> float:
    """Standard deviation between sites over the RMS of their mean."""
    variance = found.var(axis=0, ddof=1).mean()
    return float(np.sqrt(variance / np.mean(found.mean(axis=0) ** 2)))


def splits(row: dict[str, Any], index: int, name: str) -> None:
    """Rows of one absorber: each element of its surroundings with two potentials instead of one."""
    atoms = cluster(row, index)
    protocol = load().protocols.feff["fast"]
    text = feff_input(atoms, "K", protocol, protocol.mixing)
    plain = computed(text, name, atoms)
    for element in sorted(set(atoms.species[1:])):
        label = f"{name}-split{element}"
        other = computed(split(text, element, atoms.distances), label, atoms)
        line = {"absorber": name, "element": element, "message": other["message"]}
        line |= {"rms": float("nan"), "zero_eV": float("nan")}
        line |= {k: other[k] for k in ("day", "load")}
        if "mu" in other:
            both = curves([plain, other])
            rms = float(np.sqrt(np.mean((both[0] - both[1]) ** 2) / np.mean(both[0] ** 2)))
            line |= {"rms": rms, "zero_eV": other["edge"] - plain["edge"]}
        print(json.dumps(line), flush=True)
        SPLIT.add([line])


def split_page() -> str:
    """Table of the elements that were given two potentials, and the largest change."""
    rows = SPLIT.rows()
    by = {(r["absorber"], r["element"]): r["rms"] for r in rows}
    absorbers, elements = (list(dict.fromkeys(x)) for x in zip(*by))
    head = ["relative RMS of the absorber's K edge, split element", *elements]
    lines = [[a, *(_number(by.get((a, e), float("nan"))) for e in elements)] for a in absorbers]
    largest = {
        a: max((v, e) for (x, e), v in by.items() if x == a and not np.isnan(v)) for a in absorbers
    }
    says = "; ".join(f"{a} K by {v:.3f} ({e})" for a, (v, e) in largest.items())
    text = f"The split that changes most moves the spectrum of {says}."
    return "\n\n".join((table(head, lines), text, when(rows)))


def _number(value: float) -> str:
    return "failed" if np.isnan(value) else f"{value:.3f}"


def main(arguments: list[str]) -> None:
    """Print all rows (or those of the elements named, of ``split``, of ``archive``), or write.

    ``write`` puts the tables from the archive, and the rows of ``split`` that are kept, into
    ``docs/validation.md``.
    """
    if arguments == ["write"]:
        put(PAGE, "nmc_sites", page())
        put(PAGE, "sites_split", split_page())
        return
    row, nickel = case("NMC622:Ni")
    protocol = load().protocols.feff["fast"]
    for element in arguments or ["archive", "split", "Mn", "Co", "Li", "Ni", "O"]:
        if element == "archive":
            scatter()
            continue
        if element == "split":
            splits(row, nickel, "Ni")
            splits(row, case("NMC622:O")[1], "O")
            continue
        sites = [i for i, e in enumerate(row["species"]) if e == element]
        texts = [feff_input(cluster(row, i), "K", protocol, protocol.mixing) for i in sites]
        found = [computed(t, f"{element}{i:02d}", cluster(row, i)) for t, i in zip(texts, sites)]
        averages(element, [f for f in found if "mu" in f])


if __name__ == "__main__":
    main(sys.argv[1:])
