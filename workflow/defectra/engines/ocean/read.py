"""Finished runs of OCEAN: ``absspct_<element>.<site>_<core level>_<photon>``."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_text
from defectra.core.units import BOHR_ANGSTROM
from defectra.engines.edges import symbol
from defectra.engines.finished.columns import mean_of
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading, spectrum

ENGINE = "ocean"
PARSER_VERSION = "3"
UNIT = "imaginary dielectric function"

COMPANIONS = re.compile(r"photon\d+|abslanc_.*|eps2|.*\.(fhi|upf|fill|opts)", re.I)
MARKS: tuple[str, ...] = ("xred", "photon_q")
_NAME = re.compile(r"absspct_([A-Z][a-z]?)_?\.(\d{4,5})_(\d[spdf])_(\d{2})$")
_OTHER = re.compile(r"(xesspct|rxsspct)_([A-Z][a-z]?)_?\.")
_NOT_ABSORPTION = {"xesspct": "an emission spectrum", "rxsspct": "resonant inelastic scattering"}
_OPERATORS = {"dipole": "dipole", "quad": "quadrupole", "quadalone": "quadrupole"}
_LENGTHS = {"": BOHR_ANGSTROM, "boh": BOHR_ANGSTROM, "ang": 1.0}  # first letters of the unit
_WEAK = 30.0  # photons whose maxima differ by more cannot be polarisations of one operator
_EDGES = {"1s": "K", "2s": "L1", "2p": "L2,3", "3d": "M4,5"}


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Spectra of each site, core level and operator; its photons are polarisations of one."""
    groups: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    other: list[tuple[Path, ...]] = []
    for path in folder.files:
        found = _NAME.match(plain_name(path))
        if found:
            key = (*found.groups()[:3], operator_of(folder, int(found.group(4))))
            groups[key].append(path)
        elif _OTHER.match(plain_name(path)):
            other.append((path,))
    return [*(tuple(paths) for paths in groups.values()), *other]


def operator_of(folder: Folder, number: int) -> str:
    """Operator of the file ``photonN`` in the folder or up to two above; empty without one.

    A momentum transfer is part of it: its direction and length are those of the second vector.
    """
    location = folder.path
    for _ in range(3):
        path = location / f"photon{number}"
        if path.is_file():
            words = read_text(path, 2000).split()
            name = words[0].lower() if words else "empty"
            operator = _OPERATORS.get(name, name)
            if operator in _OPERATORS.values():
                return operator
            vectors = " ".join(words[1:])
            return f"{operator} ({vectors})"
        location = location.parent
    return ""


def read(files: tuple[Path, ...], folder: Folder) -> Reading:
    """Read the mean over photons of the third column (without the damping of the medium)."""
    other = _OTHER.match(plain_name(files[0]))
    if other is not None:
        what = _NOT_ABSORPTION[other.group(1)]
        raise EngineError("not_absorption", f"{files[0].name}: {what}, no absorption")
    found = _NAME.match(plain_name(files[0]))
    if found is None:
        raise EngineError("bad_output", f"{files[0].name}: not a name that OCEAN writes")
    element, site, level, photon = found.groups()
    operator = operator_of(folder, int(photon))
    _, energy, mu = mean_of(files, 2)
    if not operator:
        _check_alike(files)
    own = _inputs(folder)
    cell = read_cell(own) if own else None
    index = _index(cell[1], element, int(site)) if cell else None
    if cell and index is None:
        raise EngineError(
            "mixed_files",
            f"{files[0].name}: {element} number {int(site)}, the input above has "
            f"{cell[1].count(element)} atom(s) of {element}",
        )
    _check_edges(files[0], own, level, index, element)
    return Reading(
        spectrum(energy, mu, converged=None),
        Absorber(element, _EDGES.get(level, ""), index, "file name"),
        "OCEAN",
        Axis.ENGINE,
        UNIT if operator in ("", "dipole") else f"{UNIT}, {operator}",
        None,
        {},
        (),
        cell,
        note=f"mean of {len(files)} photons, {operator or 'no photon files: taken as dipole'}",
    )


def _check_edges(path: Path, own: str, level: str, index: int | None, element: str) -> None:
    """Refuse a spectrum of a level or an atom that the input does not ask for (``edges``).

    The key lists atom, n and l; a negative atom is the nuclear charge of an element.
    """
    asked = re.search(r"^[^#!*\n]*\bedges\s*\{([^}]*)\}", own, re.M)
    words = asked.group(1).split() if asked else []
    if not words or len(words) % 3 or not all(re.fullmatch(r"-?\d{1,6}", w) for w in words):
        return
    wanted = (int(level[0]), "spdf".index(level[1]))
    triples = [tuple(int(w) for w in words[k : k + 3]) for k in range(0, len(words), 3)]
    for atom, n, momentum in triples:
        own_atom = symbol(-atom) == element if atom < 0 else index is None or atom == index + 1
        if own_atom and (n, momentum) == wanted:
            return
    raise EngineError(
        "mixed_files",
        f"{path.name}: {element} {level}, the input above asks for edges {' '.join(words)}",
    )


def _check_alike(files: tuple[Path, ...]) -> None:
    """Refuse a mean of photons that cannot be polarisations of one operator."""
    highest = [float(mean_of((path,), 2)[2].max()) for path in files]
    if max(highest) > _WEAK * min(highest):
        raise EngineError(
            "bad_output",
            f"{', '.join(p.name for p in files)}: maxima from {min(highest):.3g} to "
            f"{max(highest):.3g}: dipole and quadrupole? Put photon1, photon2, ... beside",
        )


def _index(species: list[str], element: str, number: int) -> int | None:
    sites = [i for i, s in enumerate(species) if s == element]
    return sites[number - 1] if 0 < number <= len(sites) else None


def _inputs(folder: Folder) -> str:
    """Text of the OCEAN input in the folder or up to two above."""
    location = folder.path
    for _ in range(3):
        here = Folder(location)
        for path in here.files:
            if re.search(r"rprim\s*\{", here.head(path)):
                return read_text(path)
        location = location.parent
    return ""


def read_cell(text: str) -> tuple[np.ndarray, list[str], np.ndarray] | None:
    """Cell of an OCEAN input; None if a key is missing.

    ``acell`` and ``rprim`` are in Bohr, unless ``acell`` ends with Angstrom; ``xred`` fractional.
    """
    text = re.sub(r"[#!*].*", "", text)
    keys = {k.lower(): v.split() for k, v in re.findall(r"([\w.]+)\s*\{([^}]*)\}", text)}
    try:
        scale = np.array([float(v) for v in keys["acell"][:3]])
        unit = _LENGTHS[" ".join(keys["acell"][3:]).lower()[:3]]
        rows = np.array([float(v) for v in keys["rprim"]]).reshape(3, 3)
        kinds = [symbol(int(v)) or "" for v in keys["znucl"]]
        if any(int(v) < 1 for v in keys["typat"]):
            return None
        species = [kinds[int(v) - 1] for v in keys["typat"]]
        coords = np.array([float(v) for v in keys["xred"]]).reshape(-1, 3)
    except (KeyError, ValueError, IndexError):
        return None
    if len(coords) != len(species):
        return None
    return rows * scale[:, None] * unit, species, coords
