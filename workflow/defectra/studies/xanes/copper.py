"""Cu K spectra of OmniXAS (FEFF9) with labels from their structures: the table that is learnt from.

Source: AI-multimodal/OmniXAS, BSD-3-Clause; sites of 2,697 oxides, one ``xmu.dat`` each.
"""

from __future__ import annotations

import tarfile
import warnings
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from defectra.core.csvs import write_csv
from defectra.core.errors import DataError
from defectra.core.records import Column, Origin, Table
from defectra.core.store import write_table
from defectra.studies.xanes.surroundings import COPPER_OXYGEN, REACH, Surroundings, describe

if TYPE_CHECKING:
    from pymatgen.core import Structure

Floats = NDArray[np.float64]
Row = dict[str, Any]

ELEMENT = "Cu"
_OTHER_ANIONS = frozenset(("H", "C", "N", "F", "P", "S", "Cl", "As", "Se", "Br", "Sb", "Te", "I"))
_BOUND = 2.6  # Å; another anion so near is bound to the site, whose labels would need its radius
FIRST, STEP, POINTS = 8983.173, 0.25, 141  # eV: grid of the published tables
MARGIN = 24  # grid steps on each side, for spectra that are moved
GRID = FIRST + STEP * np.arange(POINTS)
WIDE = FIRST + STEP * np.arange(-MARGIN, POINTS + MARGIN)

COPPER = Table(
    "copper",
    (
        Column("site", "string", "", "material and number of the site, as in the published lists"),
        Column("material", "string", "", "group that no split may cut"),
        Column("coordination", "float", "", "effective coordination number of Hoppe"),
        Column("bond_length", "float", "Å", "weighted mean distance to the oxygens"),
        Column("valence", "float", "e", "bond-valence sum"),
        Column("oxidation", "float", "e", "state that the bond valences agree with, else NaN"),
        Column("origin", "string", "", "archive: published; parsed: a finished run of one's own"),
        Column("mu", "floats", "edge step = 1", "8977.173 + 0.25 k eV; constant before its start"),
    ),
)


def published_cells(archive: Path) -> dict[str, str]:
    """POSCAR by material."""
    return _members(archive)[1]


def copper_rows(archive: Path) -> tuple[list[Row], dict[str, int]]:
    """Rows of :data:`COPPER`, and how many sites were left out for which reason.

    Raises
    ------
    DataError
        If the archive holds no spectrum.
    """
    spectra, cells = _members(archive)
    if not spectra:
        raise DataError(f"{archive}: no xmu.dat inside")
    left_out: dict[str, int] = {}
    rows = []
    for material in sorted(cells):
        structure = _structure(cells[material])
        for site in sorted(spectra.get(material, {})):
            found = around(structure, int(site.split("_")[0]))
            if isinstance(found, str):
                left_out[found] = left_out.get(found, 0) + 1
                continue
            energy, mu = spectra[material][site]
            rows.append(
                {
                    "site": f"{material}_{site.split('_')[0]}",
                    "material": material,
                    "coordination": found.coordination,
                    "bond_length": found.bond_length,
                    "valence": found.valence,
                    "oxidation": found.oxidation,
                    "mu": np.interp(WIDE, energy, mu).tolist(),
                    "origin": str(Origin.ARCHIVE),
                }
            )
    return rows, left_out


def write_copper(
    rows: list[Row], left_out: dict[str, int], table: str | Path, reasons: str | Path
) -> None:
    """Write the table, and the numbers of sites that were left out by reason."""
    write_table(table, rows, COPPER)
    counted = [{"reason": reason, "sites": number} for reason, number in sorted(left_out.items())]
    write_csv(reasons, counted, ["reason", "sites"])


def _members(archive: Path) -> tuple[dict[str, dict[str, tuple[Floats, Floats]]], dict[str, str]]:
    spectra: dict[str, dict[str, tuple[Floats, Floats]]] = {}
    cells: dict[str, str] = {}
    for name, text in _texts(archive):
        parts = PurePosixPath(name).parts
        if parts[-1] == "POSCAR":
            cells[parts[-2]] = text
        elif parts[-1] == "xmu.dat":
            rows = [line.split() for line in text.splitlines() if line.strip()[:1] not in ("#", "")]
            data = np.array(rows, np.float64)
            spectra.setdefault(parts[-4], {})[parts[-2]] = (data[:, 0], data[:, 3])
    return spectra, cells


def _texts(archive: Path) -> Iterator[tuple[str, str]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            source = tar.extractfile(member)
            if source is not None:
                yield member.name, source.read().decode()


def _structure(text: str) -> Structure:
    from pymatgen.io.vasp import Poscar

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Poscar.from_str(text).structure


def around(structure: Structure, index: int) -> Surroundings | str:
    """Labels of a site, or why it has none."""
    if index >= len(structure) or structure[index].specie.symbol != ELEMENT:
        return f"the site is no {ELEMENT}"
    found = structure.get_neighbors(structure[index], REACH)
    oxygens = [n.nn_distance for n in found if n.specie.symbol == "O"]
    if not oxygens:
        return f"no oxygen within {REACH:g} Å"
    if any(n.specie.symbol in _OTHER_ANIONS and n.nn_distance < _BOUND for n in found):
        return "bound to another anion as well"
    return describe(oxygens, COPPER_OXYGEN)
