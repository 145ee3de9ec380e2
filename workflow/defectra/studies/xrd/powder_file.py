"""Powder patterns of a user: text, ras, cif and arrays, on the grid and radiation of the models.

Nothing is guessed: a file that does not say its wavelength needs one from the user, and a pattern
that does not reach over the grid is refused. Angles of another wavelength are carried over by way
of the spacing of the planes, and the Lorentz factor 1 / (sin² θ cos θ) with them: sin θ goes with
the wavelength, and cos θ is what the steps of the axis change by. The polarisation factor, 1 + cos²
2θ of a beam without a monochromator, is exchanged: that of Mo K alpha would make a reflection at 80
degrees 1.56 times as strong beside one at 20. Dispersion, absorption and widths stay those of the
measurement.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import DataError, DefectraError
from defectra.core.textfiles import read_text
from defectra.engines.xrd.powder import CU_K_ALPHA_1, Grid
from defectra.images.formats import arrays_of
from defectra.structures.cif_syntax import Block, parse

Floats = NDArray[np.float64]
FORMATS = (".xy", ".xye", ".dat", ".txt", ".csv", ".ras", ".cif", ".npy", ".npz", ".mat", ".h5")
IMAGES = (".tif", ".tiff", ".png", ".dm3", ".dm4")
ARRAYS = (".npy", ".npz", ".mat", ".h5")
FEWEST = 50  # points
MOST = 4  # numbers of a line: two columns with decimal commas, parted by commas
PLATEAU = 4  # points in a row that hold the largest intensity: more than chance
BRIGHT = 25.0  # counts beside a point that holds nothing
GAP = 0.5  # degrees, largest step between points within the grid
_ANGLES = ("_pd_meas_2theta_scan", "_pd_proc_2theta_corrected", "_pd_meas_2theta_corrected")
_RANGE = ("_pd_meas_2theta_range", "_pd_proc_2theta_range")
_INTENSITIES = ("_pd_meas_counts_total", "_pd_meas_intensity_total", "_pd_proc_intensity_total")
_WAVELENGTHS = ("_diffrn_radiation_wavelength", "_pd_proc_wavelength")
_PARTED = re.compile(r"\s*[,;]\s*|\s+")
# a comma between digits where columns are parted by something else, or more commas than columns
_DECIMAL_COMMA = re.compile(r"\d,\d.*[;\s]|[;\s].*\d,\d|,.*,.*,")
_RAS_WAVELENGTH = re.compile(r"\*MEAS_COND_XG_WAVE_LENGTH_ALPHA1\s+\"?([0-9.]+)")


@dataclass(frozen=True)
class PowderPattern:
    """A measured pattern.

    Attributes
    ----------
    two_theta, intensity
        Degrees, rising, and counts, both (n,).
    wavelength
        Å; NaN where the file does not say.
    """

    two_theta: Floats
    intensity: Floats
    wavelength: float = math.nan


def read_powder(path: str | Path) -> PowderPattern:
    """Read a powder pattern.

    Raises
    ------
    DataError
        If the format is not known, or the file holds no pattern that can be used.
    """
    path = Path(path)
    if path.suffix.lower() in IMAGES:
        raise DataError(
            f"{path}: an image of a detector; integrate it over its rings and save angle and "
            f"intensity, e.g. as .xy"
        )
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(FORMATS)
        raise DataError(f"{path}: a powder pattern is read from {known}; save it as one of these")
    if path.suffix.lower() in ARRAYS:
        return _checked(_array(path), path)
    text = read_text(path)
    if not text.strip():
        raise DataError(f"{path}: the file is empty")
    reader = {".ras": _ras, ".cif": _cif}.get(path.suffix.lower(), _columns)
    found = reader(text, path)
    return _checked(found, path)


def on_grid(pattern: PowderPattern, grid: Grid, wavelength: float, what: str) -> Floats:
    """Intensity on a grid for Cu K alpha 1, shape (n,).

    Parameters
    ----------
    wavelength
        Of the user, Å; NaN: that of the file.

    Raises
    ------
    DataError
        Without a wavelength, with two that differ, or if the pattern ends within the grid.
    """
    given, own = wavelength, pattern.wavelength
    if math.isfinite(given) and math.isfinite(own) and abs(given - own) > 1e-3:
        raise DataError(
            f"{what}: its wavelength is {own:g} Å, not {given:g} Å; leave the option out"
        )
    used = own if math.isfinite(own) else given
    if not math.isfinite(used):
        raise DataError(
            f"{what}: does not say its wavelength; say it, e.g. --option wavelength=1.54056"
        )
    sines = np.sin(np.radians(pattern.two_theta / 2)) * CU_K_ALPHA_1 / used
    reached = sines < 1
    angles = 2 * np.degrees(np.arcsin(sines[reached]))
    if not len(angles):
        raise DataError(
            f"{what}: no angle of it can be reached with Cu K alpha 1 if its wavelength is "
            f"{used:g} Å; is that in Å?"
        )
    first, last = angles[0], angles[-1]
    if not (first <= grid.first and last >= grid.last):
        raise DataError(
            f"{what}: reaches from {first:.2f} to {last:.2f} degrees (2 theta, Cu K alpha 1); the "
            f"models need {grid.first:g} to {grid.last:g}"
        )
    inner = angles[(angles >= grid.first - GAP) & (angles <= grid.last + GAP)]
    if np.diff(inner).max() > GAP:
        at = int(np.diff(inner).argmax())
        raise DataError(
            f"{what}: no point between {inner[at]:.2f} and {inner[at + 1]:.2f} degrees (2 theta, "
            f"Cu K alpha 1); steps of {GAP:g} degrees are needed at most"
        )
    own_angles, counts = pattern.two_theta[reached], pattern.intensity[reached]
    return _resampled(angles, counts * _polarisation(angles) / _polarisation(own_angles), grid)


def _polarisation(two_theta: Floats) -> Floats:
    """Polarisation factor of an unpolarised beam, 1 + cos² 2θ, of angles in degrees."""
    return np.asarray(1 + np.cos(np.radians(two_theta)) ** 2)


def _resampled(angles: Floats, intensity: Floats, grid: Grid) -> Floats:
    """Mean over each step of the grid where the pattern is finer, linear between points else.

    Where the pattern ends within the first or last step, the mean is that of the part it covers.
    """
    points = grid.points
    edges = np.concatenate([points - grid.step / 2, points[-1:] + grid.step / 2])
    fine = np.median(np.diff(angles)) < grid.step / 2
    if not fine:
        return np.asarray(np.interp(points, angles, intensity))
    area = np.concatenate(
        [[0.0], np.cumsum(np.diff(angles) * (intensity[1:] + intensity[:-1]) / 2)]
    )
    covered = np.clip(edges, angles[0], angles[-1])
    return np.asarray(np.diff(np.interp(covered, angles, area)) / np.diff(covered))


def _checked(found: PowderPattern, path: Path) -> PowderPattern:
    angles, counts = found.two_theta, found.intensity
    if len(angles) < FEWEST:
        raise DataError(
            f"{path}: {len(angles)} points of angle and intensity; a pattern has at least {FEWEST}"
        )
    if not (np.isfinite(angles).all() and np.isfinite(counts).all()):
        raise DataError(f"{path}: values that are not finite; fill or cut them before")
    if (np.diff(angles) <= 0).any():
        at = int(np.argmax(np.diff(angles) <= 0))
        raise DataError(
            f"{path}: angles do not rise after {angles[at]:g} degrees: several scans, or not an "
            f"angle; give one scan"
        )
    if not (angles[0] > 0 and angles[-1] <= 180):
        raise DataError(
            f"{path}: angles from {angles[0]:g} to {angles[-1]:g}: not 2 theta, degrees"
        )
    if (counts < 0).any():
        raise DataError(f"{path}: {int((counts < 0).sum())} negative intensities: no counts")
    if not counts.max() > counts.min():
        raise DataError(f"{path}: every intensity is {counts[0]:g}; it holds no information")
    _refuse_points(angles, counts, path)
    return found


def _refuse_points(angles: Floats, counts: Floats, path: Path) -> None:
    """A peak that is cut flat, or points that hold nothing between bright ones."""
    flat = np.lib.stride_tricks.sliding_window_view(counts == counts.max(), PLATEAU).all(1)
    if flat.any() and counts.max() > 4 * BRIGHT:
        raise DataError(
            f"{path}: {PLATEAU} points and more in a row hold the largest intensity "
            f"{counts.max():g}, the first at {angles[flat.argmax()]:g} degrees: saturated"
        )
    lit = np.flatnonzero(counts > 0)
    before, after = (np.zeros(len(counts)) for _ in range(2))
    place = np.searchsorted(lit, np.arange(len(counts)))
    inside = (counts == 0) & (place > 0) & (place < len(lit))
    before[inside], after[inside] = counts[lit[place[inside] - 1]], counts[lit[place[inside]]]
    dead = np.minimum(before, after) > BRIGHT
    if dead.any():
        raise DataError(
            f"{path}: {int(dead.sum())} points hold nothing between bright ones, the first at "
            f"{angles[dead.argmax()]:g} degrees: dead channels; cut them or fill them"
        )


def _table(lines: list[str], path: Path, start: int = 1) -> Floats:
    """First two columns of lines of numbers."""
    rows = []
    for number, line in enumerate(lines, start):
        if len(_PARTED.split(line.strip())) > MOST:
            raise DataError(
                f"{path}: line {number} holds more than {MOST} numbers; angle and intensity are "
                f"read from columns, one point a line"
            )
        if _DECIMAL_COMMA.search(line.strip()):
            raise DataError(
                f"{path}: line {number}: {line.strip()[:40]!r} has decimal commas; write points"
            )
        parts = _PARTED.split(line.strip())
        try:
            rows.append((float(parts[0]), float(parts[1])))
        except (ValueError, IndexError):
            raise DataError(
                f"{path}: line {number}: {line.strip()[:40]!r} is no angle and intensity (decimal "
                f"points, two or three columns)"
            ) from None
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _columns(text: str, path: Path) -> PowderPattern:
    """Columns of angle, intensity and perhaps its error; a heading of words comes first."""
    lines = text.splitlines()
    first = 0
    while first < len(lines) and not re.match(r"\s*[-+.\d]", lines[first]):
        first += 1
    body = [line for line in lines[first:] if line.strip() and not line.lstrip().startswith("#")]
    table = _table(body, path, first + 1)
    return PowderPattern(table[:, 0], table[:, 1])


def _array(path: Path) -> PowderPattern:
    """One array of two or three columns or rows: angle, intensity and perhaps its error."""
    found = [f for f in arrays_of(path) if f.values.ndim == 2 and min(f.values.shape) in (2, 3)]
    if len(found) != 1:
        raise DataError(
            f"{path}: {len(found)} arrays with columns of angle and intensity; one is read"
        )
    values = found[0].values
    if values.dtype.kind not in "fiu":
        raise DataError(f"{path}: values of type {values.dtype}; angles and counts are needed")
    table = np.asarray(values, np.float64)
    columns = table.T if table.shape[0] > table.shape[1] else table
    return PowderPattern(columns[0], columns[1])


def _ras(text: str, path: Path) -> PowderPattern:
    """Rigaku: one scan between two marks; columns angle, intensity, attenuator factor."""
    lines = text.splitlines()
    starts = [k for k, line in enumerate(lines) if line.startswith("*RAS_INT_START")]
    ends = [k for k, line in enumerate(lines) if line.startswith("*RAS_INT_END")]
    if len(starts) != 1 or len(ends) != 1 or ends[0] < starts[0]:
        raise DataError(f"{path}: {len(starts)} scans between the marks *RAS_INT_START and _END")
    body = lines[starts[0] + 1 : ends[0]]
    table = _table(body, path, starts[0] + 2)
    factors = np.array([_factor(line, path) for line in body])
    found = _RAS_WAVELENGTH.search(text)
    wavelength = _wavelength(found.group(1), path) if found else math.nan
    return PowderPattern(table[:, 0], table[:, 1] * factors, wavelength)


def _factor(line: str, path: Path) -> float:
    """Attenuator factor of a line of a ras file; 1 where there is none."""
    parts = line.split()
    factor = _number(parts[2], path) if len(parts) > 2 else 1.0
    if not factor > 0:
        raise DataError(f"{path}: {line.strip()[:40]!r}: an attenuator factor is above 0")
    return factor


def _cif(text: str, path: Path) -> PowderPattern:
    """CIF with a powder pattern: the one block that holds intensities."""
    try:
        blocks = parse(text)
    except DefectraError as error:
        raise DataError(f"{path}: {error}") from None
    found = [p for p in (_pattern_of(block, path) for block in blocks) if p is not None]
    if len(found) != 1:
        raise DataError(
            f"{path}: {len(found)} powder patterns ({', '.join(_INTENSITIES)}); one is read"
        )
    return found[0]


def _pattern_of(block: Block, path: Path) -> PowderPattern | None:
    for loop in block.loops:
        column = loop.column(*_INTENSITIES)
        if column is None:
            continue
        counts = np.array([_number(row[column].text, path) for row in loop.rows])
        angle = loop.column(*_ANGLES)
        if angle is not None:
            angles = np.array([_number(row[angle].text, path) for row in loop.rows])
        else:
            angles = _even(block, len(counts), path)
        wavelength = block.text(*_WAVELENGTHS)
        return PowderPattern(
            angles, counts, _wavelength(wavelength.text, path) if wavelength else math.nan
        )
    return None


def _even(block: Block, count: int, path: Path) -> Floats:
    """Angles of a scan in even steps, from its ends."""
    for name in _RANGE:
        ends = [block.text(f"{name}_{end}") for end in ("min", "max")]
        if all(ends):
            first, last = (_number(v.text, path) for v in ends if v is not None)
            return np.linspace(first, last, count)
    raise DataError(f"{path}: intensities without angles ({', '.join(_ANGLES)})")


def _wavelength(text: str, path: Path) -> float:
    value = _number(text, path)
    if not 0 < value < math.inf:
        raise DataError(f"{path}: a wavelength of {text} Å")
    return value


def _number(text: str, path: Path) -> float:
    """Number without its standard uncertainty: 12.3(4) is 12.3."""
    try:
        return float(re.sub(r"\(\d+\)$", "", text))
    except ValueError:
        raise DataError(f"{path}: {text!r} is no number") from None
