"""Lines of a measured spectrum, and the distribution of the main line over emitters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from defectra.learn.scores import Drawn
from defectra.studies.hbn.measured import Photoluminescence
from defectra.studies.hbn.settings import HbnStudy

Row = dict[str, Any]
Floats = NDArray[np.float64]
NAN = float("nan")
LINE_COLUMNS = [
    *("spectrum", "lines", "center_eV", "center_error_eV", "width_eV", "width_error_eV"),
    *("share", "signal_to_noise", "in_window", "status", "message"),
]
STATISTICS_COLUMNS = ["set", "quantity", "unit", "n", "value", "lo", "hi", "expected"]
FLOOR = 3  # parameters of the background
WIDEST = 0.3  # of the spectrum; what is wider is background
LEAST_SIGNAL = 6.0  # height of a line over the noise of a point times sqrt(width in points)


def lorentzians(x: Floats, parameters: Floats) -> Floats:
    """Background of second order, then height, centre and full width of each line."""
    away = (x - x.mean()) / np.ptp(x)
    out = parameters[0] + parameters[1] * away + parameters[2] * away**2
    for height, center, width in parameters[FLOOR:].reshape(-1, 3):
        out = out + height / (1 + (2 * (x - center) / width) ** 2)
    return np.asarray(out)


def fit(spectrum: Photoluminescence, most: int) -> Row:
    """Row of the main line of a spectrum: that with the largest area.

    One line more as long as the Bayesian information criterion falls, from a background alone.
    The noise is that of the counts, taken from differences of neighbours.
    """
    row: Row = dict.fromkeys(LINE_COLUMNS, NAN)
    row |= {"spectrum": spectrum.name, "lines": 0, "in_window": "", "status": "failed"}
    x, scale = spectrum.energy, float(np.ptp(spectrum.intensity))
    if not np.ptp(spectrum.counts) > 0:
        return row | {"message": "the spectrum is flat"}
    y, sigma = spectrum.intensity / scale, _noise(spectrum) / scale
    best, found = math.inf, None
    start = np.array([np.quantile(y, 0.1), 0.0, 0.0])
    for number in range(most + 1):
        if number:
            start = np.append(start, _guess(x, y - lorentzians(x, start)))
        solved = _solve(x, y, sigma, start)
        score = 2 * solved.cost + 3 * number * math.log(len(x))
        if score > best - 10:
            break
        best, found, start = score, solved, solved.x
    if found is None or len(found.x) == FLOOR:
        return row | {"message": "no line: the background alone fits as well"}
    return row | _main(x, sigma, found)


def _noise(spectrum: Photoluminescence) -> Floats:
    """Standard deviation of each point, per energy: shot noise with the gain of the neighbours."""
    counts = spectrum.counts
    smooth = np.convolve(np.pad(counts, 3, mode="edge"), np.ones(7) / 7, mode="valid")
    level = np.clip(smooth, max(1e-12, np.quantile(np.abs(smooth), 0.05)), None)
    second = counts[2:] - 2 * counts[1:-1] + counts[:-2]
    gain = np.median(np.abs(second) / np.sqrt(6 * level[1:-1])) / 0.6745
    factor = spectrum.intensity / np.where(counts == 0, 1, counts)
    factor = np.where(counts == 0, np.median(factor[counts != 0]), factor)
    return np.asarray(np.maximum(gain, 1e-9) * np.sqrt(level) * factor)


def _guess(x: Floats, left: Floats) -> list[float]:
    """Highest point of what is left, and its width by half the height."""
    smooth = np.convolve(np.pad(left, 3, mode="edge"), np.ones(7) / 7, mode="valid")
    top = int(smooth.argmax())
    high = smooth > smooth[top] / 2
    below, above = np.flatnonzero(~high[:top]), np.flatnonzero(~high[top:])
    first = below[-1] + 1 if len(below) else 0
    last = top + above[0] - 1 if len(above) else len(x) - 1
    width = max(x[last] - x[first], 3 * float(np.diff(x).mean()))
    return [max(float(smooth[top]), 1e-3), float(x[top]), float(width)]


def _solve(x: Floats, y: Floats, sigma: Floats, start: Floats) -> Any:
    span, step = float(np.ptp(x)), float(np.diff(x).mean())
    lines = (len(start) - FLOOR) // 3
    low = np.array([-np.inf] * FLOOR + [0.0, x.min(), step] * lines)
    high = np.array([np.inf] * FLOOR + [5.0, x.max(), span] * lines)
    start = np.clip(start, low + 1e-12, high - 1e-12)
    return least_squares(
        lambda p: (lorentzians(x, p) - y) / sigma, start, bounds=(low, high), x_scale="jac"
    )


def _main(x: Floats, sigma: Floats, solved: Any) -> Row:
    lines = solved.x[FLOOR:].reshape(-1, 3)
    area = lines[:, 0] * lines[:, 2]
    narrow = (lines[:, 2] < WIDEST * np.ptp(x)) & (lines[:, 1] > x[2]) & (lines[:, 1] < x[-3])
    if not narrow.any():
        return {"message": "what fits best is a broad band, or at the end of the spectrum"}
    k = int(np.where(narrow, area, -1).argmax())
    height, center, width = lines[k]
    covariance = np.linalg.pinv(solved.jac.T @ solved.jac)
    excess = max(1.0, 2 * solved.cost / max(1, len(x) - len(solved.x)))
    errors = np.sqrt(np.clip(np.diag(covariance), 0, None) * excess)[FLOOR:].reshape(-1, 3)
    points = width / float(np.diff(x).mean())
    near = float(np.interp(center, x, sigma))
    signal = height / near * math.sqrt(points)
    row = {
        "lines": len(lines),
        "center_eV": float(center),
        "center_error_eV": float(errors[k, 1]),
        "width_eV": float(width),
        "width_error_eV": float(errors[k, 2]),
        "share": float(area[k] / area[narrow].sum()),
        "signal_to_noise": float(signal),
    }
    if signal < LEAST_SIGNAL:
        return row | {"message": f"no line above the noise ({signal:.1f} of {LEAST_SIGNAL:g})"}
    return row | {"status": "ok", "message": ""}


def fitted(spectra: Sequence[Photoluminescence], settings: HbnStudy) -> list[Row]:
    """Rows of ``lines.csv``; whether the line lies within two standard deviations of the window."""
    out = []
    for spectrum in spectra:
        row = fit(spectrum, settings.measured.lines)
        if row["status"] == "ok":
            away = abs(row["center_eV"] - settings.line.energy)
            row["in_window"] = "yes" if away <= 2 * settings.line.energy_sd else "no"
        out.append(row)
    return out


def statistics(name: str, rows: Sequence[Row], settings: HbnStudy, seed: int) -> list[Row]:
    """Mean and spread of centres and widths over emitters, and the share within the window.

    90 % intervals by bootstrap over emitters, of fewer than ten Student's t of the jackknife; from
    the spread the error of the fits is taken out.
    """
    good = [r for r in rows if r["status"] == "ok"]
    line, out = settings.line, []
    expected = {"center": (line.energy, line.energy_sd), "width": (line.width, line.width_sd)}
    drawn = Drawn.of([str(k) for k in range(len(good))], settings.measured.bootstrap, seed)
    for key, wanted in expected.items():
        values = np.array([r[f"{key}_eV"] for r in good])
        errors = np.array([r[f"{key}_error_eV"] for r in good])
        for quantity, value, target in (
            (f"mean {key}", _mean, wanted[0]),
            (f"spread of {key}", _spread, wanted[1]),
        ):
            out.append(_row(name, quantity, "eV", value, (values, errors), drawn, target))
    inside = np.array([r["in_window"] == "yes" for r in good], float)
    out.append(
        _row(name, "share in the window", "", _mean, (inside, inside), drawn, NAN, (0.0, 1.0))
    )
    share = len(good) / len(rows) if rows else NAN
    common = {"set": name, "quantity": "spectra with a line", "unit": "", "n": len(rows)}
    return [*out, common | {"value": share, "lo": share, "hi": share, "expected": NAN}]


def _mean(values: Floats, errors: Floats, weights: Floats) -> Floats:  # noqa: ARG001
    """Mean for each set of weights, shape (b, n)."""
    return np.asarray(weights @ values / weights.sum(axis=1))


def _spread(values: Floats, errors: Floats, weights: Floats) -> Floats:
    """Standard deviation without the error of the fits, for each set of weights."""
    total, away = weights.sum(axis=1), values - values.mean()
    squares = weights @ away**2 - (weights @ away) ** 2 / total
    return np.sqrt(np.maximum(0.0, squares / (total - 1) - weights @ errors**2 / total))


def _row(
    name: str,
    quantity: str,
    unit: str,
    value: Any,
    data: tuple[Floats, Floats],
    drawn: Drawn,
    expected: float,
    bounds: tuple[float, float] = (0.0, np.inf),
) -> Row:
    n = len(data[0])
    row = {"set": name, "quantity": quantity, "unit": unit, "n": n, "expected": expected}
    if n < 3:
        return row | {"value": NAN, "lo": NAN, "hi": NAN}
    ends = drawn.ends(value(*data, drawn.weights), bounds)
    return row | dict(zip(("value", "lo", "hi"), ends, strict=True))
