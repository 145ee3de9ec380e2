"""Bare tables of energy and absorption whose file name gives the engine.

Published data sets often keep only these two columns. Nothing else of the run is known.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from defectra.core.textfiles import plain_name
from defectra.engines.edges import find as find_edge
from defectra.engines.edges import table
from defectra.engines.finished.columns import checked, read_columns
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading, spectrum

ENGINE = "table"
PARSER_VERSION = "2"

_ENGINE = re.compile(r"(?:^|[_\-. ])(feff|vasp|ocean|exciting|xspectra|fdmnes)(?=[_\-. ])", re.I)
_KNOWN = re.compile(r"(?:^|[_\-. ])([A-Z][a-z]?)[_\- ]?(K|L1|L23|L2|L3)(?:[_\- .]|edge)")
COMPANIONS = re.compile(r"(?!)")
MARKS: tuple[str, ...] = ()
ALONE = (
    0.02  # relative; an edge that has another within so little cannot be identified by its energy
)


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Files of two columns whose name has the name of an engine in it."""
    return [
        (p,) for p in folder.files if _ENGINE.search(plain_name(p)) and _two_columns(folder.head(p))
    ]


def _two_columns(head: str) -> bool:
    lines = [x for x in head.splitlines()[:-1] if x.strip() and x.strip()[0] not in "#!"]
    try:
        rows = [[float(v) for v in x.split()] for x in lines[:20]]
    except ValueError:
        return False
    return len(rows) >= 10 and all(len(r) == 2 for r in rows)


def read(files: tuple[Path, ...], folder: Folder) -> Reading:  # noqa: ARG001
    """Read the table; the edge from its name, else from where an absolute axis rises most."""
    path = files[0]
    _, data = read_columns(path)
    energy, mu = checked(path, data[:, 0], data[:, 1])
    engine = _ENGINE.search(plain_name(path))
    axis = Axis.ABSOLUTE if energy[0] > 30 else Axis.ENGINE
    return Reading(
        spectrum(energy, mu),
        _absorber(plain_name(path), energy, mu, axis),
        engine.group(1) if engine else "",
        axis,
        "not stated",
        None,
        note="two columns; the engine is known by the file name alone",
    )


def _absorber(name: str, energy: np.ndarray, mu: np.ndarray, axis: Axis) -> Absorber:
    named = {(e, edge) for e, edge in _KNOWN.findall(name) if find_edge(e, edge)}
    if len(named) == 1:
        element, edge = named.pop()
        return Absorber(element, edge.replace("L23", "L2,3"), None, "file name")
    if len(named) > 1:
        return Absorber(label="several edges in the file name")
    if axis is Axis.ABSOLUTE:
        onset = float(energy[int(np.argmax(mu > 0.1 * mu.max()))])
        near = [e for e in table() if abs(e.energy - onset) < ALONE * onset]
        if len(near) == 1 and near[0].edge == "K":
            return Absorber(near[0].element, "K", None, f"the onset at {onset:.1f} eV")
    return Absorber(label="two columns without an input; name the file like X_feff_Ni_K.txt")
