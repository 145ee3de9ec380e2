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
PARSER_VERSION = "1"
UNIT = "imaginary dielectric function"

_NAME = re.compile(r"absspct_([A-Z][a-z]?)_?\.(\d{4})_(\d[spd])_(\d{2})$")
_EDGES = {"1s": "K", "2s": "L1", "2p": "L2,3", "3d": "M4,5"}


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Spectra of each site and core level; its photons are polarisations of one."""
    groups: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for path in folder.files:
        found = _NAME.match(plain_name(path))
        if found:
            groups[found.groups()[:3]].append(path)
    return [tuple(paths) for paths in groups.values()]


def read(files: tuple[Path, ...], folder: Folder) -> Reading:
    """Read the mean over photons of the third column (without the damping of the medium)."""
    found = _NAME.match(plain_name(files[0]))
    if found is None:
        raise EngineError("bad_output", f"{files[0].name}: not a name that OCEAN writes")
    element, site, level, _ = found.groups()
    _, energy, mu = mean_of(files, 2)
    own = _inputs(folder)
    cell = read_cell(own) if own else None
    index = _index(cell[1], element, int(site)) if cell else None
    return Reading(
        spectrum(energy, mu, converged=None),
        Absorber(element, _EDGES.get(level, ""), index, "file name"),
        "OCEAN",
        Axis.ENGINE,
        UNIT,
        None,
        {},
        (),
        cell,
        note=f"mean of {len(files)} photons",
    )


def _index(species: list[str], element: str, number: int) -> int | None:
    sites = [i for i, s in enumerate(species) if s == element]
    return sites[number - 1] if 0 < number <= len(sites) else None


def _inputs(folder: Folder) -> str:
    """Text of the OCEAN input in the folder or up to two above."""
    place = folder.path
    for _ in range(3):
        here = Folder(place)
        for path in here.files:
            if re.search(r"rprim\s*\{", here.head(path)):
                return read_text(path)
        place = place.parent
    return ""


def read_cell(text: str) -> tuple[np.ndarray, list[str], np.ndarray] | None:
    """Cell of an OCEAN input; None if a key is missing.

    ``acell`` and ``rprim`` are in Bohr, ``xred`` fractional.
    """
    text = re.sub(r"[#!*].*", "", text)
    keys = {k.lower(): v.split() for k, v in re.findall(r"([\w.]+)\s*\{([^}]*)\}", text)}
    try:
        scale = np.array([float(v) for v in keys["acell"][:3]])
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
    return rows * scale[:, None] * BOHR_ANGSTROM, species, coords
