"""Properties of the ions, computed anew from cited sources, and held against the file's table.

Sources: Shannon, Acta Cryst. A 32, 751 (1976), radii of A at coordination XII, B and X at VI, and
the elemental data of pymatgen; effective radii of the molecules from Kieslich, Sun and Cheetham,
Chem. Sci. 5, 4712 (2014). Shannon has no Sn2+: 1.15 Å is the value of the published table.
"""

from __future__ import annotations

import unicodedata
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any

from defectra.core.errors import DataError
from defectra.studies.perovskites.compounds import A_IONS, B_IONS, IONS

Row = dict[str, Any]
NAN = float("nan")
EV_IN_KJ_PER_MOL = 96.485332
MOLECULES = {"MA": "CH6N", "FA": "CH5N2"}
_SHANNON, _KIESLICH = "Shannon 1976", "Kieslich 2014"
_PYMATGEN, _FILE = "pymatgen elemental data", "published table"
_RADII = {"MA": (2.17, _KIESLICH), "FA": (2.53, _KIESLICH), "Sn": (1.15, _FILE)}
_PROPERTIES = {
    "radius": ("Å", "Ionic_radius (Å)"),
    "boiling_point": ("K", "Boiling_point (K)"),
    "melting_point": ("K", "Melting_point (K)"),
    "mass": ("u", "Atomic_weight (u)"),
    "electron_affinity": ("kJ/mol", "Electron_affinity (kJ/mol)"),
    "ionization_energy": ("kJ/mol", "Ionization_energy (kJ/mol)"),
    "electronegativity": ("", "Electronegativity"),
    "atomic_number": ("", "At_num"),
    "period": ("", "Period"),
}


def properties() -> dict[str, dict[str, tuple[float, str]]]:
    """Value and source of each property of each ion; NaN where no source gives one.

    Units as in `_PROPERTIES`; a molecule has a radius and a mass, no elemental data.
    """
    return {ion: {**_elemental(ion), "radius": _radius(ion)} for ion in IONS}


def radii() -> dict[str, float]:
    """Radius of each ion, Å."""
    return {ion: _radius(ion)[0] for ion in IONS}


def _radius(ion: str) -> tuple[float, str]:
    from pymatgen.core import Species

    if ion in _RADII:
        return _RADII[ion]
    charge, coordination = (
        (1, "XII") if ion in A_IONS else (2, "VI") if ion in B_IONS else (-1, "VI")
    )
    value = Species(ion, charge).get_shannon_radius(coordination, radius_type="ionic")
    return float(value), _SHANNON


def _elemental(ion: str) -> dict[str, tuple[float, str]]:
    from pymatgen.core import Composition, Element

    if ion in MOLECULES:
        out = dict.fromkeys(_PROPERTIES, (NAN, ""))
        out["mass"] = (float(Composition(MOLECULES[ion]).weight), _PYMATGEN)
        return out
    element = Element(ion)
    values: dict[str, Any] = {
        "boiling_point": element.boiling_point,
        "melting_point": element.melting_point,
        "mass": element.atomic_mass,
        "electron_affinity": _in_kj_per_mol(element.electron_affinity),
        "ionization_energy": _in_kj_per_mol(element.ionization_energy),
        "electronegativity": element.X,
        "atomic_number": element.Z,
        "period": element.row,
    }
    return {name: (float(value), _PYMATGEN) for name, value in values.items()}


def _in_kj_per_mol(value: float | None) -> float:
    return NAN if value is None else value * EV_IN_KJ_PER_MOL


def compare(path: str | Path) -> list[Row]:
    """Rows of ``ions.csv``: our value of each property beside that of the published table."""
    published = read_table(path)
    rows = []
    for ion, own in properties().items():
        if ion not in published:
            raise DataError(f"{path}: no row of {ion}; it holds {', '.join(published)}")
        for name, (unit, label) in _PROPERTIES.items():
            ours, source = own[name]
            theirs = published[ion][label]
            rows.append(
                {
                    "ion": ion,
                    "site": "A" if ion in A_IONS else "B" if ion in B_IONS else "X",
                    "property": name,
                    "unit": unit,
                    "ours": ours,
                    "file": theirs,
                    "deviation": (ours - theirs) / abs(theirs) if theirs else NAN,
                    "source": source,
                }
            )
    return rows


def read_table(path: str | Path) -> dict[str, dict[str, float]]:
    """Table of the workbook: property by label, by ion. The standard library is enough for it.

    Raises
    ------
    DataError
        If it is no workbook, or a label is missing.
    """
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    try:
        with zipfile.ZipFile(path) as book:
            strings = ET.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314 (checksummed)
            sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314
    except (zipfile.BadZipFile, KeyError, ET.ParseError, FileNotFoundError) as error:
        raise DataError(f"{path}: not the workbook of elemental properties: {error}") from None
    texts = ["".join(t.text or "" for t in item.iter(f"{space}t")) for item in strings]
    rows = []
    for row in sheet.iter(f"{space}row"):
        cells = []
        for cell in row.iter(f"{space}c"):
            value = cell.find(f"{space}v")
            text = (value.text or "") if value is not None else ""
            cells.append(texts[int(text)] if cell.get("t") == "s" and text else text)
        rows.append(cells)
    head = [unicodedata.normalize("NFC", label).strip() for label in rows[0]]
    missing = {label for _, label in _PROPERTIES.values()} - set(head)
    if missing:
        raise DataError(f"{path}: no column {', '.join(sorted(missing))}; found {', '.join(head)}")
    return {r[0]: _values(head, r) for r in rows[1:] if r and r[0]}


def _values(head: list[str], cells: list[str]) -> dict[str, float]:
    return {label: float(cell) for label, cell in zip(head[1:], cells[1:]) if cell}
