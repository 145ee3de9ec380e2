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

Floats = NDArray[np.float64]
HC = EV_ANGSTROM / 10  # eV nm
_HEADER = 4100  # bytes, of every SPE file
_KINDS = {0: "<f4", 1: "<i4", 2: "<i2", 3: "<u2", 5: "<f8", 6: "u1", 8: "<u4"}
_LEAST = 16  # points of a spectrum
_MOST = 50_000_000  # numbers in a file


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

    The unit is that of the head line; without one it is nm where all numbers lie in 200 to 2,000,
    and eV where they lie in 0.5 to 7.
    """
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise SpectrumError(f"{name}: not text in UTF-8") from None
    head = ""
    rows: list[list[float]] = []
    for line in lines:
        numbers = _numbers(line)
        if numbers is None:
            if rows and line.strip() and not line.lstrip().startswith("#"):
                raise SpectrumError(f"{name}: {line.strip()[:40]!r} among the numbers")
            head += " " + line
        elif numbers:
            rows.append(numbers)
    if len(rows) < _LEAST or len({len(r) for r in rows}) > 1 or len(rows[0]) < 2:
        raise SpectrumError(f"{name}: no table of at least two columns and {_LEAST} rows")
    table = np.array(rows)
    x = _wavelengths(name, head.lower(), table[:, 0])
    per_energy = HC / x**2 if _is_energy(head.lower(), table[:, 0]) else 1.0
    columns = range(1, table.shape[1])
    return [Photoluminescence.of(f"{name}:{k}", x, table[:, k] * per_energy) for k in columns]


def _numbers(line: str) -> list[float] | None:
    """Numbers of a line; None if it holds something else."""
    fields = [f for f in re.split(r"[,;\s]+", line.strip()) if f]
    try:
        return [float(f) for f in fields]
    except ValueError:
        return None


def _is_energy(head: str, x: Floats) -> bool:
    if re.search(r"\bev\b|energy", head):
        return True
    if re.search(r"\bnm\b|wavelength|lambda", head):
        return False
    return bool(x.min() > 0.5 and x.max() < 7)


def _wavelengths(name: str, head: str, x: Floats) -> Floats:
    if _is_energy(head, x):
        if x.min() <= 0:
            raise SpectrumError(f"{name}: energies must be above 0 eV")
        return np.asarray(HC / x)
    if x.min() < 200 or x.max() > 2000:
        raise SpectrumError(f"{name}: wavelengths of {x.min():g} to {x.max():g} nm; name the unit")
    return x


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
