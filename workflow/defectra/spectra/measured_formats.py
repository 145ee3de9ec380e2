"""Files of measured spectra, known by their content: XDI, columns, csv, msa, projects, binaries.

XDI: XAS Data Interchange format (X-ray absorption spectroscopy).

Own readers for text and Athena projects, because those of the field cost more than they bring:
xraylarch draws in over a hundred packages. Binary formats are read through h5py and rosettasciio
(extra ``measured``). Tests compare them with the files' own words.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.textfiles import read_bytes
from defectra.spectra import athena_project, measured_binary, measured_msa
from defectra.spectra.header_names import edge_said, names_of
from defectra.spectra.header_styles import spacing_said
from defectra.spectra.measured_columns import Choice, measured
from defectra.spectra.measured_spectrum import Measured, SpectrumError
from defectra.spectra.measured_table import Table, tables, without_doubled_tabs
from defectra.spectra.measured_text import decoded
from defectra.spectra.scan_parts import APART, parted

Floats = NDArray[np.float64]
LARGEST = 300_000_000  # bytes; no file of one scan is larger


def pick(found: list[Measured], scan: str) -> Measured:
    """One spectrum of a file by name, or number from 1.

    Raises
    ------
    SpectrumError
        If there are several and none is chosen, or none has that name.
    """
    if len(found) == 1 and not scan:
        return found[0]
    same = [m for m in found if m.label == scan]
    if len(same) == 1:
        return same[0]
    if re.fullmatch(r"\d{1,4}", scan) and 1 <= int(scan) <= len(found):
        return found[int(scan) - 1]
    listed = ", ".join(f"{k} ({m.label})" for k, m in enumerate(found[:10], 1))
    wrong = f"no scan is named {scan!r}; " if scan else ""
    more = f" and {len(found) - 10} more" if len(found) > 10 else ""
    jumps = dict.fromkeys(n for m in found for n in m.notes if n.endswith(APART))
    why = "".join(f"; {jump}" for jump in list(jumps)[:3])
    raise SpectrumError(
        f"{wrong}the file holds {len(found)} spectra: {listed}{more}{why}; choose one: --scan 1"
    )


def read_scans(path: Path, chosen: Choice | None = None) -> list[Measured]:
    """Every spectrum of a file by its content, whatever its name.

    Raises
    ------
    SpectrumError
        If no reader knows it, or a column is missing.
    """
    path = Path(path)
    if not path.exists():
        raise SpectrumError("no such file")
    if path.is_dir():
        raise SpectrumError("a folder; name the files in it")
    try:
        data = read_bytes(path, most=LARGEST)
    except EngineError as error:
        raise SpectrumError(str(error)) from None
    found = measured_binary.read(path, data, chosen)
    return _from_text(decoded(data), chosen) if found is None else found


def _from_text(text: str, chosen: Choice | None) -> list[Measured]:
    if re.search(r"^#\s*FORMAT\s*:\s*EMSA", text[:2000], re.M | re.I):
        return [measured_msa.read(text)]
    if text.startswith("##LARIX"):
        raise SpectrumError("a session of Larix: save it as an Athena project (.prj)")
    if athena_project.is_project(text):
        return athena_project.read(text)
    if re.match(r"\s*#\s*XDI/", text):
        return read_xdi(text, chosen)
    return read_columns(text, chosen)


def read_xdi(text: str, chosen: Choice | None = None) -> list[Measured]:
    """XDI/1.0: named columns, element and edge in the header.

    Raises
    ------
    SpectrumError
        If the header names no columns, or more than there are.
    """
    words = {
        k.strip().lower(): v.strip()
        for k, v in re.findall(r"^#[ \t]*([A-Za-z]\w*\.\w+)[ \t]*:[ \t]*(.*)$", text, re.M)
    }
    table = tables(text, ("#",))[0]
    names = [f"column {k + 1}" for k in range(table.data.shape[1])]
    for key, value in words.items():
        number = re.fullmatch(r"column\.(\d{1,4})", key)
        if not number:
            continue
        k = int(number.group(1)) - 1
        if not 0 <= k < len(names):
            raise SpectrumError(
                f"XDI: the header names column {k + 1} ({value}), there are {len(names)}"
            )
        names[k] = value.split("||")[0].strip()
    if not any(key.startswith("column.") for key in words):
        named = names_of(table)
        names = named or names
    element = words.get("element.symbol", "").capitalize()
    edge = words.get("element.edge", "").upper()
    return _scans([table], [names], chosen, words, (element, edge))


def read_columns(text: str, chosen: Choice | None = None) -> list[Measured]:
    """Columns as beamlines and Athena write them, csv as spreadsheets do.

    Raises
    ------
    SpectrumError
        If there is no table, or its columns cannot be distinguished.
    """
    _refuse_electrochemistry(text)
    found, names = _named_tables(text, chosen)
    words = spacing_said(found[0].header)
    return _scans(found, names, chosen, words, edge_said(found[0].header))


def _named_tables(text: str, chosen: Choice | None) -> tuple[list[Table], list[list[str] | None]]:
    """Tables and the names of their columns; tabs that are doubled in every row count once."""
    found = tables(text)
    single = None if chosen else without_doubled_tabs(text)
    try:
        names = [None if chosen and not t.header else _names(t, chosen) for t in found]
    except SpectrumError:
        if single is None:
            raise
    else:
        if single is None or None not in names:
            return found, names
    found = tables(single)
    return found, [_names(t, chosen) for t in found]


def _names(table: Table, chosen: Choice | None) -> list[str] | None:
    try:
        return names_of(table)
    except SpectrumError:
        if chosen:  # by number, then
            return None
        raise


def _refuse_electrochemistry(text: str) -> None:
    """Refuse tables of cells that are charged and discharged, which lie beside spectra."""
    first = next((x for x in text.split("\n") if x.strip()), "")
    if re.search(r"\bvoltage\b.*\bcapacity\b|\bcapacity\b.*\bvoltage\b", first, re.I):
        raise SpectrumError(f"columns {first.strip()[:60]}: this is electrochemistry, no spectrum")


def _scans(
    found: list[Table],
    names: list[list[str] | None],
    chosen: Choice | None,
    words: dict[str, str],
    edge: tuple[str, str],
) -> list[Measured]:
    """A spectrum for each run through the energies of each table."""
    out: list[Measured] = []
    for table, own in zip(found, names):
        whole = measured(table.data, own, chosen, dict(words))
        for one in parted(whole, _title(table), table.lines):
            label = one.label or f"table {len(out) + 1}"
            notes = (*table.notes, *one.notes)
            out.append(replace(one, element=edge[0], edge=edge[1], notes=notes, label=label))
    return out


def _title(table: Table) -> str:
    """Name of a SPEC scan: what follows ``#S``."""
    titles = [re.match(r"\s*#\s*S\s+(.+)", x) for x in table.header]
    return next((t.group(1).strip()[:60] for t in reversed(titles) if t), "")
