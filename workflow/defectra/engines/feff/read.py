"""Finished runs of FEFF9 and FEFF10, our own and others'."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_text
from defectra.engines.edges import symbol
from defectra.engines.feff.output import PARSER_VERSION as _XMU_VERSION
from defectra.engines.feff.output import read_convergence, read_xmu
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading

ENGINE = "feff"
PARSER_VERSION = f"1.{_XMU_VERSION}"
UNIT = "edge step = 1"

_ABSORBER = re.compile(r"Abs\s+Z=\s*(\d+).*?\b([KLM]\d?)\s+shell")
_OTHERS = re.compile(r"Pot\s+\d+\s+Z=\s*(\d+)")
_VERSION = re.compile(r"FEFF\s*(\d+[\d.]*)")
_HOLES = {"1": "K", "2": "L1", "3": "L2", "4": "L3"}


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Every ``xmu.dat`` by name or content; ``feff.inp`` alone is a run without a spectrum."""
    spectra = [
        p
        for p in folder.files
        if plain_name(p).lower() == "xmu.dat" or "used to normalize mu" in folder.head(p)
    ]
    inputs = folder.named("feff.inp")
    return [(p,) for p in spectra] or ([(inputs,)] if inputs else [])


def read(files: tuple[Path, ...], folder: Folder) -> Reading:
    """Read ``xmu.dat``, with ``log1.dat`` and ``feff.inp`` where they are."""
    path = files[0]
    if plain_name(path).lower() == "feff.inp":
        raise EngineError("not_finished", "feff.inp is there, but no xmu.dat: FEFF did not finish")
    parsed = read_xmu(path)
    header = "\n".join(x for x in read_text(path).splitlines() if x.lstrip().startswith("#"))
    log, inputs = folder.named("log1.dat"), folder.named("feff.inp")
    given = Input.read(inputs) if inputs else None
    converged = None
    if log:
        converged, iterations = read_convergence(log)
        parsed = replace(parsed, converged=converged, iterations=iterations)
    version = _VERSION.search(header)
    cif = inputs.parent / given.cif if inputs and given and given.cif else None
    return Reading(
        parsed,
        _absorber(header, given),
        f"FEFF {version.group(1)}" if version else "FEFF",
        Axis.ABSOLUTE,
        UNIT,
        converged,
        {"feff.inp": given.text} if given else {},
        (cif,) if cif and cif.is_file() else (),
        given.structure if given else None,
    )


def _absorber(header: str, given: Input | None) -> Absorber:
    told = _ABSORBER.search(header)
    others = frozenset(s for s in (symbol(int(z)) for z in _OTHERS.findall(header)) if s)
    element = (symbol(int(told.group(1))) or "") if told else ""
    edge = told.group(2) if told else (given.edge if given else "")
    if given and given.shells and element and given.shells[0][0] != element:
        raise EngineError(
            "mixed_files",
            f"xmu.dat is of {element}, feff.inp beside it of {given.shells[0][0]}: "
            "files of two runs in one folder",
        )
    if given is None:
        return Absorber(element, edge, None, "header of xmu.dat", (), others)
    element = element or (given.shells[0][0] if given.shells else "")
    return Absorber(element, edge, given.target, "feff.inp", given.shells, others)


@dataclass(frozen=True)
class Input:
    """What ``feff.inp`` tells.

    Attributes
    ----------
    shells
        (element, distance in Å) of the listed atoms, the absorber first; empty without a list.
    target
        Absorber in the cell of the CIF card, from 0; None if there is none.
    structure
        Cell that pymatgen wrote into the title lines, if any.
    """

    text: str
    edge: str
    shells: tuple[tuple[str, float], ...]
    target: int | None
    cif: str
    structure: tuple[np.ndarray, list[str], np.ndarray] | None

    @classmethod
    def read(cls, path: Path) -> Input:
        """Read a ``feff.inp``."""
        text = read_text(path)
        cards = _cards(text)
        edge = (cards.get("EDGE") or cards.get("HOLE") or [""])[0]
        target = cards.get("TARGET", [""])[0]
        return cls(
            text,
            _HOLES.get(edge, edge.upper()),
            _shells(text),
            int(target[:9]) - 1 if target.isdecimal() else None,
            (cards.get("CIF") or [""])[0],
            _title_cell(text),
        )


def _cards(text: str) -> dict[str, list[str]]:
    """Words after each keyword that stands at the start of a line."""
    out: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split("*")[0].split()
        if words and words[0].isalpha() and words[0].upper() not in ("TITLE", "END"):
            out.setdefault(words[0].upper(), words[1:])
    return out


def _shells(text: str) -> tuple[tuple[str, float], ...]:
    numbers = _potentials(text)
    rows = []
    for words in _block(text, "ATOMS"):
        try:
            rows.append((np.array([float(w) for w in words[:3]]), int(words[3])))
        except (ValueError, IndexError):
            break
    centre = next((xyz for xyz, ipot in rows if ipot == 0), None)
    if centre is None or any(ipot not in numbers for _, ipot in rows):
        return ()
    atoms = [(numbers[i], float(np.linalg.norm(xyz - centre)), i) for xyz, i in rows]
    atoms.sort(key=lambda a: (a[2] != 0, a[1]))
    return tuple((element, distance) for element, distance, _ in atoms)


def _potentials(text: str) -> dict[int, str]:
    out = {}
    for words in _block(text, "POTENTIALS"):
        try:
            out[int(words[0])] = symbol(int(words[1])) or ""
        except (ValueError, IndexError):
            break
    return out


def _block(text: str, card: str) -> list[list[str]]:
    """Rows of numbers that follow a card."""
    rows: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        words = line.split("*")[0].split()
        if not words:
            continue
        if words[0].upper() == card:
            inside = True
        elif inside and words[0].isalpha():
            break
        elif inside:
            rows.append(words)
    return rows


def _title_cell(text: str) -> tuple[np.ndarray, list[str], np.ndarray] | None:
    """Cell in the title lines that pymatgen writes."""
    from pymatgen.core import Lattice

    lengths = re.search(r"TITLE\s+abc:\s*([-\d.\s]+)\n", text)
    angles = re.search(r"TITLE\s+angles:\s*([-\d.\s]+)\n", text)
    sites = re.findall(
        r"^\*\s+\d+\s+([A-Z][a-z]?)\s+(-?[\d.]+)\s+(-?[\d.]+)\s+(-?[\d.]+)", text, re.M
    )
    if not (lengths and angles and sites):
        return None
    try:
        lattice = Lattice.from_parameters(
            *[float(v) for v in lengths.group(1).split()],
            *[float(v) for v in angles.group(1).split()],
        )
        coords = np.array([[float(v) for v in s[1:]] for s in sites])
    except (TypeError, ValueError):
        return None
    return lattice.matrix, [s[0] for s in sites], coords
