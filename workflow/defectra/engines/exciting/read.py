"""Finished core-level runs of exciting by the Bethe-Salpeter equation (BSE).

Files ``EPSILON_BSE…_OC11.OUT`` and its fellows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_text
from defectra.core.units import HARTREE_EV
from defectra.engines.edges import find as tabulated
from defectra.engines.finished.columns import mean_of, number
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading, spectrum

ENGINE = "exciting"
PARSER_VERSION = "3"
UNIT = "imaginary dielectric function, mean of the directions"
COMPANIONS = re.compile(r"input\.xml|[A-Z0-9_+-]+\.OUT")

MARKS: tuple[str, ...] = ()

_NAME = re.compile(r"(EPSILON_.+)_OC(\d)(\d)(.*)\.OUT$", re.I)
_REAL = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_EDGES = {
    "K": "K", "L1": "L1", "L2": "L2", "L3": "L3", "L23": "L2,3", "M1": "M1", "M23": "M2,3",
    "M45": "M4,5",
}  # fmt: skip
_FERMI = re.compile(r"Fermi energy\s*:\s*(-?[\d.]+)")


def find(folder: Folder) -> list[tuple[Path, ...]]:
    """Diagonal components of each dielectric function; they are averaged."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in folder.files:
        found = _NAME.match(plain_name(path))
        if found and found.group(2) == found.group(3):
            groups[found.group(1) + found.group(4)].append(path)
    return [tuple(paths) for paths in groups.values()]


def read(files: tuple[Path, ...], folder: Folder) -> Reading:
    """Read the mean of the imaginary parts; site, edge and unit from ``input.xml``."""
    _, energy, mu = mean_of(files, 2)
    given, info = _up(folder, "input.xml"), _up(folder, "INFO.OUT")
    if given:
        _refuse_other(read_text(given), files[0].name)
    absorber = _absorber(read_text(given)) if given else Absorber(label="no input.xml")
    energy, unit = _in_ev(energy, absorber, _electronvolts(read_text(given)) if given else None)
    fermi = _FERMI.findall(read_text(info)) if info else []
    level = number(fermi[-1], info) * HARTREE_EV if info and fermi else float("nan")
    return Reading(
        spectrum(energy, mu, efermi=level),
        absorber,
        "exciting",
        Axis.ABSOLUTE,
        UNIT,
        None,
        {"input.xml": read_text(given)} if given else {},
        (given,) if given else (),
        note="; ".join(n for n in (f"mean of {len(files)} directions", unit) if n),
    )


def _refuse_other(text: str, name: str) -> None:
    """Refuse what the input says is no absorption of a core level in the optical limit."""
    try:
        root = ET.fromstring(text)  # noqa: S314 - a file of the user's own run
    except ET.ParseError:
        return
    bse = root.find(".//BSE")
    if bse is not None and bse.get("xes", "false").strip().lower() == "true":
        raise EngineError("not_absorption", f"{name}: input.xml asks for emission (xes)")
    if bse is not None and bse.get("xas", "true").strip().lower() == "false":
        raise EngineError("not_absorption", f"{name}: input.xml asks for an optical spectrum (xas)")
    points = [p.text or "" for p in root.findall(".//qpointset/qpoint")]
    if any(float(w) != 0 for p in points for w in p.split() if re.fullmatch(_REAL, w)):
        raise EngineError(
            "not_absorption",
            f"{name}: input.xml asks for a momentum transfer (qpoint {points[0].strip()})",
        )


def _electronvolts(text: str) -> bool | None:
    """Whether energies are written in eV (attribute ``tevout``); None if it is missing."""
    try:
        xs = ET.fromstring(text).find(".//xs")  # noqa: S314 - a file of the user's own run
    except ET.ParseError:
        return None
    attribute = xs.get("tevout") if xs is not None else None
    return None if attribute is None else attribute.strip().lower() == "true"


def _in_ev(
    energy: NDArray[np.float64], absorber: Absorber, declared_ev: bool | None
) -> tuple[NDArray[np.float64], str]:
    """Energies in eV and how their unit was determined; Hartree is the program's default.

    Raises
    ------
    EngineError
        ``bad_output`` if the edge lies in the spectrum with the other unit alone, although the
        input states the unit.
    """
    edge = tabulated(absorber.element, absorber.edge) if absorber.element else None
    factor = 1.0 if declared_ev else HARTREE_EV
    if edge is None:
        return (
            (energy * factor, "")
            if declared_ev is not None
            else (energy, "unit of energies not stated")
        )
    if not _covers(energy * factor, edge.energy):
        other = HARTREE_EV / factor
        fits = _covers(energy * other, edge.energy)
        if fits and declared_ev is None:
            return (
                energy * other,
                "energies in eV, judged by the position of the edge; tevout is not stated",
            )
        if fits:
            raise EngineError(
                "bad_output",
                f"{absorber.element} {absorber.edge} is at {edge.energy:.0f} eV; the energies fit "
                f"it only against input.xml (tevout = {str(declared_ev).lower()}): correct that",
            )
    return energy * factor, "" if declared_ev else "energies in Hartree in the file"


def _covers(energy: NDArray[np.float64], edge: float) -> bool:
    return bool(0.9 * energy[0] < edge < 1.1 * energy[-1])


def _up(folder: Folder, name: str) -> Path | None:
    """A file of the folder or of the one above (``EPSILON/`` is a folder of the run)."""
    return folder.named(name) or Folder(folder.path.parent).named(name)


def _absorber(text: str) -> Absorber:
    """Species, atom and edge of the BSE element of an input."""
    try:
        root = ET.fromstring(text)  # noqa: S314 - a file of the user's own run
    except ET.ParseError:
        return Absorber(label="input.xml is damaged")
    bse = root.find(".//BSE")
    if bse is None or "xasspecies" not in bse.attrib:
        return Absorber(label="input.xml asks for no core level")
    species = root.findall(".//species")
    kind, atom = bse.get("xasspecies", "1"), bse.get("xasatom", "1")
    if not (kind.isdecimal() and atom.isdecimal() and 0 < int(kind[:9]) <= len(species)):
        return Absorber(label="input.xml asks for a species that it does not have")
    before = sum(len(s.findall("atom")) for s in species[: int(kind) - 1])
    chosen = species[int(kind) - 1]
    if not int(atom[:9]) <= len(chosen.findall("atom")):
        return Absorber(label=f"input.xml asks for atom {atom}, which the species does not have")
    name = re.split(r"[_\-.]", chosen.get("speciesfile", "").split("/")[-1])[0]
    asked = bse.get("xasedge", "K")
    edge = _EDGES.get(asked.upper(), "")
    label = "input.xml" if edge else f"input.xml asks for the edge {asked}"
    return Absorber(name.capitalize(), edge, before + int(atom[:9]) - 1, label)
