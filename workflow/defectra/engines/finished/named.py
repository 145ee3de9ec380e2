"""Bare tables of energy and absorption whose file name gives the engine.

Published data sets often keep only these two columns. Nothing else of the run is known.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name
from defectra.core.units import HARTREE_EV
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
# words of other spectra and functions
_OTHER = re.compile(
    r"(?<![A-Za-z])(xes|emission|eels|elnes|exelfs|n?rixs|xmcd|x[mn]?ld|xncd|danes|fprime|xps|dos|"
    r"ldos|pdos|chi|compton|difference|derivative|epsilon_?1|real part)(?![A-Za-z])",
    re.I,
)
_UNIT = re.compile(
    r"\b(?:e|en|energy|omega|photon energy)\b\s*(?:[,_/]|in\b)?\s*[(\[]?\s*"
    r"(m?ev|kev|ry|rydbergs?|ha|hartrees?|cm-1|1/cm|nm|a\.u\.|thz)\b",
    re.I,
)
_TO_EV = {
    "ev": 1.0, "kev": 1e3, "ry": HARTREE_EV / 2, "rydberg": HARTREE_EV / 2,
    "rydbergs": HARTREE_EV / 2, "ha": HARTREE_EV, "hartree": HARTREE_EV, "hartrees": HARTREE_EV,
}  # fmt: skip
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
    header, data = read_columns(path)
    _refuse_others(path, header)
    scale = _unit(path, header)
    energy, mu = checked(path, scale * data[:, 0], data[:, 1])
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


def _refuse_others(path: Path, header: list[str]) -> None:
    """Refuse what the name of the file or of its columns says is no absorption."""
    text = "\n".join([plain_name(path), *header[-3:]])
    other = _OTHER.search(text)
    if other:
        raise EngineError(
            "not_absorption", f"{path.name}: its name or header says {other[1]}, no absorption"
        )


def _unit(path: Path, header: list[str]) -> float:
    """Factor to eV of the energies by the unit that the header names; eV without one."""
    found = _UNIT.search(" ".join(header))
    if not found:
        return 1.0
    name = found[1].lower()
    if name not in _TO_EV:
        raise EngineError("bad_output", f"{path.name}: energies in {found[1]}: convert them to eV")
    return _TO_EV[name]


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
