"""Files of measured spectra: XDI, Athena-style columns, csv, EMSA (msa).

Own readers, because those of the field cost more than they bring: xraylarch draws in a hundred
packages, rosettasciio 22 (dask among them). Tests compare them with the files' own words.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import EngineError
from defectra.core.textfiles import plain_name, read_text
from defectra.spectra.measured_spectrum import Measured, SpectrumError

Floats = NDArray[np.float64]
_FLUORESCENCE = ("ifluor", "mufluor", "fluor", "if", "fluorescence")
_TRANSMISSION = ("itrans", "i1", "it", "trans")
_MU = ("mutrans", "mu", "xmu", "norm", "normalized", "flat", "intensity", "absorption", "chi_mu")
_MONITOR = ("i0", "io", "monitor")
_VALUE = re.compile(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?")


def read_file(path: Path) -> Measured:
    """Read a file by its content, whatever its name; nothing is checked yet.

    Raises
    ------
    SpectrumError
        If no reader knows it, or a column is missing.
    """
    try:
        text = read_text(path)
    except EngineError as error:
        raise SpectrumError(str(error)) from None
    if re.search(r"^#\s*FORMAT\s*:\s*EMSA", text, re.M | re.I):
        return read_msa(text)
    if re.match(r"#\s*XDI/", text):
        return read_xdi(text)
    first = next((x for x in text.splitlines() if x.strip() and x.lstrip()[0] not in "#!%"), "")
    if "," in first or ";" in first or plain_name(path).lower().endswith(".csv"):
        return read_csv(text)
    return read_plain(text)


def read_xdi(text: str) -> Measured:
    """XDI/1.0: named columns, element and edge in the header."""
    words = {
        k.strip().lower(): v.strip()
        for k, v in re.findall(r"^#[ \t]*([A-Za-z]\w*\.\w+)[ \t]*:[ \t]*(.*)$", text, re.M)
    }
    columns = {}
    for key, value in list(words.items()):
        number = re.fullmatch(r"column\.(\d{1,4})", key)
        if number:
            name, _, unit = value.partition(" ")
            columns[name.lower()] = int(number.group(1)) - 1
            if name.lower() == "energy":
                words["energy unit"] = unit.strip().lower()
    if "energy" not in columns:
        raise SpectrumError("XDI: no column named energy in the header")
    data = _numbers(text, "#")
    edge = words.get("element.edge", "").upper()
    return _from_columns(data, columns, words, words.get("element.symbol", ""), edge)


def read_plain(text: str) -> Measured:
    """Columns as Athena and others write them: names in the last line of the header, if any."""
    header = [x for x in text.splitlines() if x.strip() and x.lstrip()[0] in "#!%"]
    data = _numbers(text, "#!%")
    columns: dict[str, int] = {}
    for line in reversed(header):
        names = re.split(r"[\s,]+", line.strip("#!% \t").lower())
        if len(names) == data.shape[1]:
            columns = {n.split("(")[0]: i for i, n in enumerate(names)}
            break
    element, edge = _edge_in(header)
    return _from_columns(data, columns, {}, element, edge)


def read_csv(text: str) -> Measured:
    """Comma, semicolon or tab; names in the first row that is no row of numbers."""
    lines = [x for x in text.splitlines() if x.strip() and not x.lstrip().startswith("#")]
    try:
        dialect: type[csv.Dialect] | str = csv.Sniffer().sniff("\n".join(lines[:20]), ",;\t")
    except csv.Error:
        dialect = "excel"
    rows = list(csv.reader(io.StringIO("\n".join(lines)), dialect))
    names: list[str] = []
    numbers: list[list[float]] = []
    for row in rows:
        values = [_number(v) for v in row]
        if None in values and not numbers:
            names = names or [v.strip().lower() for v in row]
        else:
            numbers.append([np.nan if v is None else v for v in values])
    _refuse_electrochemistry(names)
    if not numbers or len({len(r) for r in numbers}) > 1 or len(numbers[0]) < 2:
        raise SpectrumError("csv: no table of at least two columns with rows of one length")
    columns = {re.split(r"[ (\[]", n)[0]: i for i, n in reversed(list(enumerate(names)))}
    unit = "kev" if any("kev" in n for n in names) else ""
    return _from_columns(np.array(numbers), columns, {"energy unit": unit} if unit else {}, "", "")


def _refuse_electrochemistry(names: list[str]) -> None:
    if any("voltage" in n or "capacity" in n for n in names):
        raise SpectrumError(
            f"csv with columns {', '.join(dict.fromkeys(names))}: this is electrochemistry, "
            "no spectrum"
        )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None if text.strip() else float("nan")


def read_msa(text: str) -> Measured:
    """EMSA/MAS 1.0, data type XY or Y; energy loss in eV unless XUNITS says keV."""
    words = {
        k.strip().lower(): v.strip()
        for k, v in re.findall(r"^#[ \t]*([A-Z]+)[ \t]*(?:-[^:\n]*)?:[ \t]*(.*)$", text, re.M)
    }
    _, _, body = text.partition("#SPECTRUM")
    body = body.partition("\n")[2]
    whole = "#ENDOFDATA" in body
    try:
        values = [float(v) for v in re.findall(_VALUE, body.split("#")[0])]
    except ValueError as error:
        raise SpectrumError(f"msa: a value is damaged: {error}") from None
    try:
        points = int(float(words["npoints"]))
        if words.get("datatype", "Y").upper() == "XY":
            energy, counts = np.array(values[::2]), np.array(values[1::2])
        else:
            counts = np.array(values)
            first, step = float(words["offset"]), float(words["xperchan"])
            energy = first + step * np.arange(len(counts))
    except (KeyError, ValueError, OverflowError) as error:
        raise SpectrumError(f"msa: header line {error} is missing or damaged") from None
    if len(energy) != len(counts) or len(energy) < points or not whole:
        raise SpectrumError(
            f"msa: {len(counts)} of {points} points: the file is cut off; copy it again"
        )
    unit = words.get("xunits", "eV").lower()
    title = {"title": words.get("title", ""), "energy unit": unit}
    return Measured(energy, counts, "counts", meta=title)


def _numbers(text: str, comments: str) -> Floats:
    rows: list[list[float]] = []
    for line in text.splitlines():
        words = line.replace(",", " ").split()
        if not words or words[0][0] in comments:
            continue
        values = [_number(w) for w in words]
        if None in values:
            if rows:
                raise SpectrumError(f"no row of numbers: {line.strip()[:60]!r}")
            continue
        rows.append([float(v) for v in values if v is not None])
    if len(rows) > 1 and len(rows[-1]) < len(rows[0]):
        raise SpectrumError("the last row is cut off: copy the file again")
    if not rows or len({len(r) for r in rows}) > 1 or len(rows[0]) < 2:
        raise SpectrumError("no table of at least two columns with rows of one length")
    return np.array(rows)


def _edge_in(header: list[str]) -> tuple[str, str]:
    """Element and edge in the header of Athena: ``Athena.element: Ni``, ``# Element: Ni``."""
    text = "\n".join(header)
    element = re.search(r"element(?:\.symbol)?\s*[:=]\s*([A-Z][a-z]?)\b", text, re.I)
    edge = re.search(r"\bedge\s*[:=]\s*(K|L[123])\b", text, re.I)
    return (element.group(1) if element else "", edge.group(1).upper() if edge else "")


def _from_columns(
    data: Floats, columns: dict[str, int], words: dict[str, str], element: str, edge: str
) -> Measured:
    """Absorption from what the columns are named; without names the second is taken for it."""
    there = {name: k for name, k in columns.items() if 0 <= k < data.shape[1]}
    if "energy" in columns and "energy" not in there:
        raise SpectrumError("the header names a column of energies that is not there")
    columns = there
    energy = data[:, columns.get("energy", columns.get("e", 0))]

    def column(names: tuple[str, ...]) -> Floats | None:
        found = next((columns[n] for n in names if n in columns), None)
        return None if found is None else data[:, found]

    mu, monitor = column(_MU), column(_MONITOR)
    kind = "mu"
    if mu is None and monitor is not None:
        passed, shone = column(_TRANSMISSION), column(_FLUORESCENCE)
        mu, kind = _from_counts(monitor, passed, shone)
    if mu is None:
        if columns and data.shape[1] > 2:
            raise SpectrumError(
                f"no column of absorption, or of i0 and itrans, among {', '.join(columns)}"
            )
        mu = data[:, 1]
    return Measured(energy, mu, kind, element, edge, words)


def _from_counts(
    monitor: Floats, passed: Floats | None, shone: Floats | None
) -> tuple[Floats | None, str]:
    for counts in (monitor, passed if passed is not None else shone):
        if counts is not None and (counts <= 0).any():
            raise SpectrumError("a detector counted zero or less: no absorption can be had there")
    if passed is not None:
        return np.log(monitor / passed), "transmission"
    return (None, "") if shone is None else (shone / monitor, "fluorescence")
