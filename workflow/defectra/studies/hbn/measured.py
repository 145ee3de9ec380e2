"""Measured photoluminescence: comma-separated text and Princeton SPE files, versions 2 and 3."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DefectraError
from defectra.core.textfiles import read_bytes
from defectra.core.units import EV_ANGSTROM
from defectra.spectra.measured_spectrum import SpectrumError as TextError
from defectra.spectra.measured_table import Table, tables

Floats = NDArray[np.float64]
HC = EV_ANGSTROM / 10  # eV nm
_HEADER = 4100  # bytes, of every SPE file
_KINDS = {0: "<f4", 1: "<i4", 2: "<i2", 3: "<u2", 5: "<f8", 6: "u1", 8: "<u4"}
_LEAST = 16  # points of a spectrum
_MOST = 50_000_000  # numbers in a file
_WAVELENGTHS, _ENERGIES = (200.0, 2000.0), (0.5, 7.0)  # nm, eV
# what parts the names of columns: the sign of a table, wide gaps, brackets of units, blanks
_PARTED = (r"\s*[,;\t]\s*", r"\s{2,}", r"(?<=[)\]])\s+", r"\s+")
_NOT_OF_A_NUMBER = r"(?<!\d)(?<!\d )"  # ``532 nm`` in a head is a laser, no axis
_UNITS = {
    "nm": re.compile(_NOT_OF_A_NUMBER + r"\bnm\b|nanomet|wavelength|wellenl|lambda|λ"),
    "eV": re.compile(_NOT_OF_A_NUMBER + r"\bev\b|energ"),
}
_OTHER_UNIT = re.compile(
    _NOT_OF_A_NUMBER + r"(?:\b[mk]ev\b|[µμ]m\b|\bum\b|micromet|\bcm\s?\^?[-⁻−]|1/cm|wavenum"
    r"|raman|å|angstr|\bthz\b|pixel)"
)
_NO_AXIS = re.compile(r"intens|count|\bcps\b|signal|\bpl\b|lumin|\bper\b|norm|a\.u\.|arb")
_ERRORS = re.compile(r"\b(?:err|errors?|sd|std|sigma|uncertainty|uncertainties)\b")


class SpectrumError(DefectraError):
    """A file is no spectrum that can be read; the message says why and what to do."""


@dataclass(frozen=True)
class Photoluminescence:
    """One spectrum, energies rising.

    Attributes
    ----------
    name
        File, and number of the spectrum in it.
    energy
        eV, shape (n,).
    intensity
        Counts per eV up to a factor, shape (n,).
    counts
        As measured, same order, for their noise.
    """

    name: str
    energy: Floats
    intensity: Floats
    counts: Floats

    @classmethod
    def of(cls, name: str, nanometres: Floats, counts: Floats) -> Photoluminescence:
        """Spectrum from wavelengths: counts per nm times λ²/hc are counts per eV.

        Raises
        ------
        SpectrumError
            If wavelengths are not positive and different, or there are too few.
        """
        x, y = np.asarray(nanometres, float), np.asarray(counts, float)
        good = np.isfinite(x) & np.isfinite(y)
        x, y = x[good], y[good]
        if len(x) < _LEAST:
            raise SpectrumError(f"{name}: {len(x)} points; a spectrum needs {_LEAST} at least")
        order = np.argsort(x)[::-1]
        x, y = x[order], y[order]
        if x.min() <= 0 or (np.diff(x) == 0).any():
            raise SpectrumError(f"{name}: wavelengths must be above 0 and different")
        return cls(name, HC / x, y * x**2 / HC, y)


def read(path: Path) -> list[Photoluminescence]:
    """Spectra of a file.

    Raises
    ------
    SpectrumError
        For another kind of file, or one that is damaged.
    """
    data = read_bytes(path)
    if path.suffix.lower() == ".spe":
        return read_spe(path.name, data)
    if path.suffix.lower() in (".csv", ".txt", ".dat"):
        return read_text(path.name, data)
    raise SpectrumError(f"{path.name}: give .csv, .txt, .dat or .spe")


def read_text(name: str, data: bytes) -> list[Photoluminescence]:
    """Spectra of a text: first column wavelength in nm or energy in eV, each other one a spectrum.

    The numbers decide the unit: nm where all lie in 200 to 2,000, eV where they lie in 0.5 to 7;
    the head of the column must not say another one. Columns that repeat the first one, in its unit
    or in the other, and those of errors are no spectra.

    Raises
    ------
    SpectrumError
        Without one table of numbers, or if it is not clear what they are.
    """
    try:
        text = "\n".join(data.decode("utf-8-sig").splitlines())
        found = tables(text)
    except UnicodeDecodeError:
        raise SpectrumError(f"{name}: not text in UTF-8") from None
    except TextError as error:
        raise SpectrumError(f"{name}: {error}") from None
    if len(found) > 1 or len(found[0].data) < _LEAST:
        sizes = " and ".join(str(len(t.data)) for t in found)
        raise SpectrumError(f"{name}: no table of {_LEAST} rows at least, alone ({sizes} rows)")
    table, heads = found[0].data, _heads(found[0].header, found[0].data.shape[1])
    _refuse_parted(name, found[0], heads)
    x, unit = _wavelengths(name, table[:, 0])
    _refuse_other_unit(name, unit, heads, found[0].header)
    per_energy = HC / x**2 if unit == "eV" else 1.0
    columns = [k for k in range(1, table.shape[1]) if _is_spectrum(name, k, x, table[:, k], heads)]
    if not columns:
        raise SpectrumError(f"{name}: no column of intensity beside {heads[0] or 'the first one'}")
    return [Photoluminescence.of(f"{name}:{k}", x, table[:, k] * per_energy) for k in columns]


def _heads(header: list[str], width: int) -> list[str]:
    """Head of each column: lines before the table that have as many words, one under another."""
    out = [""] * width
    for line in header:
        plain = line.strip().strip("#!%*/'\" ")
        parted = (re.split(by, plain) for by in _PARTED)
        cells = next((c for c in parted if len(c) == width), None)
        if cells:
            out = [f"{old} {new}".strip().lower() for old, new in zip(out, cells)]
    return out


def _refuse_parted(name: str, table: Table, heads: list[str]) -> None:
    """Refuse commas that may part columns as well as decimals: ``560,5,148,3``."""
    width = table.data.shape[1]
    whole = bool((table.data == np.round(table.data)).all())
    plain = table.dialect.separator == "," and table.dialect.decimal == "."
    if plain and whole and width > 2 and width % 2 == 0 and not any(heads):
        raise SpectrumError(
            f"{name}: {width} columns of whole numbers parted by commas: columns or decimals? "
            "Write decimal points, or a line with the name of each column"
        )


def _wavelengths(name: str, x: Floats) -> tuple[Floats, str]:
    """Wavelengths in nm of the first column, and its unit."""
    if not np.isfinite(x).all():
        raise SpectrumError(f"{name}: a row has no number in its first column; take it out")
    if x.min() >= _ENERGIES[0] and x.max() <= _ENERGIES[1]:
        return np.asarray(HC / x), "eV"
    if x.min() >= _WAVELENGTHS[0] and x.max() <= _WAVELENGTHS[1]:
        return x, "nm"
    raise SpectrumError(
        f"{name}: first column of {x.min():g} to {x.max():g}: neither wavelengths of 200 to 2000 "
        "nm nor energies of 0.5 to 7 eV; give one of them, and name the unit"
    )


def _refuse_other_unit(name: str, unit: str, heads: list[str], header: list[str]) -> None:
    """Refuse a first column whose head says something else than its numbers."""
    said = {u for u, words in _UNITS.items() if words.search(heads[0])}
    last = header[-1].lower() if header and not any(heads) else ""
    swapped = not said and _NO_AXIS.search(heads[0])
    if said - {unit} or swapped or _OTHER_UNIT.search(heads[0] + last):
        raise SpectrumError(
            f"{name}: the first column is headed {(heads[0] or last).strip()[:40]!r}, and its "
            f"numbers are of {unit}: give wavelengths in nm or energies in eV there, and say which"
        )


def _is_spectrum(name: str, k: int, x: Floats, y: Floats, heads: list[str]) -> bool:
    """Whether a column holds intensities: no axis once more, no error."""
    known = np.isfinite(y)
    if any(np.allclose(y[known], axis[known], rtol=0.01, atol=0) for axis in (x, HC / x)):
        return False
    axis = any(words.search(heads[k]) for words in _UNITS.values())
    if axis and not _NO_AXIS.search(heads[k]):
        raise SpectrumError(
            f"{name}: column {k + 1} is headed {heads[k][:40]!r}, as an axis is, and is not that "
            "of column 1: give one axis a file"
        )
    return not _ERRORS.search(heads[k])


def read_spe(name: str, data: bytes) -> list[Photoluminescence]:
    """Spectra of an SPE file: one for each frame, rows of the detector added up.

    Raises
    ------
    SpectrumError
        If it is cut off, of an unknown kind of numbers, or has no wavelengths.
    """
    if len(data) < _HEADER:
        raise SpectrumError(f"{name}: {len(data)} bytes; the head of an SPE file has {_HEADER}")
    width, height = struct.unpack_from("<H", data, 42)[0], struct.unpack_from("<H", data, 656)[0]
    kind = struct.unpack_from("<h", data, 108)[0]
    frames = struct.unpack_from("<i", data, 1446)[0]
    version = struct.unpack_from("<f", data, 1992)[0]
    size = width * height * frames
    if kind not in _KINDS or not 0 < size <= _MOST:
        text = f"{width} x {height} pixels, {frames} frames, kind of numbers {kind}"
        raise SpectrumError(f"{name}: no SPE file that can be read ({text})")
    item = np.dtype(_KINDS[kind])
    if len(data) < _HEADER + size * item.itemsize:
        raise SpectrumError(f"{name}: cut off; {frames} frames of {width} x {height} do not fit")
    counts = np.frombuffer(data, item, size, _HEADER).reshape(frames, height, width)
    x = _xml_wavelengths(name, data) if version >= 3 else _polynomial(name, data, width)
    if len(x) != width:
        raise SpectrumError(f"{name}: {len(x)} wavelengths for {width} pixels")
    if not (_WAVELENGTHS[0] <= x.min() and x.max() <= _WAVELENGTHS[1]):
        span = f"{x.min():g} to {x.max():g}"
        raise SpectrumError(f"{name}: calibrated from {span}, not in nm; export it as csv")
    summed = counts.astype(float).sum(axis=1)
    return [Photoluminescence.of(f"{name}:{k + 1}", x, y) for k, y in enumerate(summed)]


def _polynomial(name: str, data: bytes, width: int) -> Floats:
    """Wavelengths of version 2: polynomial of the pixel number, from 1."""
    valid, order = data[3098], data[3101]
    if not valid or not 0 < order <= 5:
        raise SpectrumError(f"{name}: its wavelengths are not calibrated; export it as csv")
    coefficients = struct.unpack_from(f"<{order + 1}d", data, 3263)
    return np.asarray(np.polynomial.polynomial.polyval(np.arange(1, width + 1), coefficients))


def _xml_wavelengths(name: str, data: bytes) -> Floats:
    """Wavelengths of version 3: a list in the text at the end; nothing else of it is read."""
    start = struct.unpack_from("<Q", data, 678)[0]
    found = re.search(rb"<Wavelength\b[^>]*>([-+0-9.eE,\s]+)</Wavelength>", data[start:])
    if not _HEADER <= start < len(data) or found is None:
        raise SpectrumError(f"{name}: its wavelengths are not calibrated; export it as csv")
    return np.array([float(v) for v in found[1].decode().split(",")])
