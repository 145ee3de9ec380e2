"""Finished core-level BSE runs of exciting: ``EPSILON_BSE…_OC11.OUT`` and its fellows."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

from defectra.core.textfiles import plain_name, read_text
from defectra.core.units import HARTREE_EV
from defectra.engines.finished.columns import mean_of, number
from defectra.engines.finished.reader import Absorber, Axis, Folder, Reading, spectrum

ENGINE = "exciting"
PARSER_VERSION = "1"
UNIT = "imaginary dielectric function"

_NAME = re.compile(r"(EPSILON_.+)_OC(\d)(\d)(.*)\.OUT$", re.I)
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
    """Read the mean of the imaginary parts; site and edge from ``input.xml``."""
    _, energy, mu = mean_of(files, 2)
    given, info = _up(folder, "input.xml"), _up(folder, "INFO.OUT")
    fermi = _FERMI.findall(read_text(info)) if info else []
    level = number(fermi[-1], info) * HARTREE_EV if info and fermi else float("nan")
    return Reading(
        spectrum(energy, mu, efermi=level),
        _absorber(read_text(given)) if given else Absorber(),
        "exciting",
        Axis.ABSOLUTE,
        UNIT,
        None,
        {"input.xml": read_text(given)} if given else {},
        (given,) if given else (),
        note=f"mean of {len(files)} directions",
    )


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
    element = species[int(kind) - 1].get("speciesfile", "").removesuffix(".xml").split("_")[0]
    edge = bse.get("xasedge", "K").replace("L23", "L2,3")
    return Absorber(element, edge, before + int(atom[:9]) - 1, "input.xml")
