"""``defectra predict`` of a learned law: does it explain a user's series of patterns?

``defectra predict results/dynamics/models/kuramoto.npz series.npy --option start=angles.npy``: the
series has shape (t, q_y, q_x). The state at its first pattern is a grid of angles (kuramoto),
places of the particles (swarm: columns x and y), or the place that moves and below it the places
of the spheres of the sample (source, scan). Spheres are at their places in the first pattern,
relative to the middle of the probe: for a scan their places on the sample less that of the probe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from defectra.core.errors import ConfigError, DataError
from defectra.images.formats import arrays_of
from defectra.images.measured import altered
from defectra.learn.answers import Answer, check_options, number_of
from defectra.studies.dynamics.saved_laws import SavedLaw, read_law

Floats = NDArray[np.float64]
OPTIONS = ("start", "interval")
SYMMETRIC = 2.0  # largest reduced chi-squared of I(q) against I(-q); near 1 for counts
FIRST = 2.0  # largest deviance of the first pattern over that of counts: nothing moved yet
SEARCHED = 6  # pixels about the middle in which another centre is looked for
DARK = 25.0  # counts that a pixel which never counted should have had
TURNS: Mapping[str, Callable[[Floats], Floats]] = {
    "as it is": lambda p: p,
    "turned by 90 degrees": lambda p: np.rot90(p, 1, (-2, -1)),
    "mirrored left to right": lambda p: p[..., ::-1],
    "with rows and columns exchanged": lambda p: np.swapaxes(p, -1, -2),
}


def predict(model: Path, files: Sequence[Path], options: Mapping[str, str]) -> Iterator[Answer]:
    """An answer for each series of patterns.

    Parameters
    ----------
    options
        ``start``: file of the state at the first pattern; ``interval``: time between
        patterns, by default that of the model.

    Raises
    ------
    ConfigError, DataError
        If an option is missing or unknown, or the model cannot be used.
    """
    check_options(options, OPTIONS)
    if "start" not in options:
        raise ConfigError(
            "--option start=FILE is missing: a law needs its state at the first pattern"
        )
    law = read_law(model)
    start = _start(Path(options["start"]), law)
    interval = number_of(options, "interval", law.interval, "a time above 0", (1e-9, 1e6))
    for path in files:
        try:
            yield answer(law, path, start, interval)
        except DataError as error:
            yield Answer(str(path), f"refused: {error}", False)


def answer(law: SavedLaw, path: Path, start: Floats, interval: float) -> Answer:
    """How well the law explains one series, beside a sample that does not move.

    Raises
    ------
    DataError
        If the file cannot be used.
    """
    counts = read_counts(path, law)
    times = np.asarray(interval * np.arange(len(counts)), np.float64)
    expected = _expected(law, path, start, times)
    lit = law.detector.open
    _refuse_turned(path, expected[0], counts[0], lit)
    _refuse_first(path, expected[:1], counts[:1], lit)
    moving, still = (_deviance(e, counts, lit) for e in (expected, expected[:1]))
    drawn = np.random.default_rng(0).poisson(_scaled(expected, counts, lit)).astype(float)
    ideal = _deviance(expected, drawn, lit)
    explained = moving < 1.1 * ideal
    verdict = "explains" if explained else "does not explain"
    text = (
        f"the law {verdict} {len(counts)} patterns: deviance {moving:.3g} a pixel, "
        f"{ideal:.3g} expected of counts of the law itself, {still:.3g} without motion"
    )
    return Answer(str(path), text, explained)


def _expected(law: SavedLaw, path: Path, start: Floats, times: Floats) -> Floats:
    try:
        return law.expected(start, times)
    except RuntimeError as error:
        raise DataError(f"{path}: the law cannot be followed ({error})") from None


def read_counts(path: Path, law: SavedLaw) -> Floats:
    """Counts of a series, shape (t, m, m), checked against the detector of the law.

    Raises
    ------
    DataError
        If size, values or centre are not those of counts of this detector.
    """
    found = [f for f in arrays_of(path) if f.values.ndim == 3]
    side = len(law.detector.q)
    if len(found) != 1:
        raise DataError(f"{path}: {len(found)} arrays of shape (time, q_y, q_x), one is needed")
    raw = found[0].values
    if raw.dtype.kind not in "fiu":
        raise DataError(f"{path}: values of type {raw.dtype}; counts are needed")
    if why := altered(raw, found[0].lossy):
        raise DataError(f"{path}: {why}; give the counts as the detector gave them")
    counts = np.asarray(raw, float)
    if counts.shape[1:] != (side, side) or len(counts) < 2:
        shape = " x ".join(map(str, counts.shape))
        raise DataError(
            f"{path}: {shape}; the law was learned from patterns of {side} x {side}, at least two"
        )
    if not np.isfinite(counts).all():
        raise DataError(f"{path}: {int((~np.isfinite(counts)).sum())} values are not finite")
    if (counts < 0).any():
        raise DataError(f"{path}: {int((counts < 0).sum())} counts are negative")
    if (counts != np.round(counts)).any():
        raise DataError(f"{path}: not whole numbers; give counts, neither scaled nor corrected")
    if lost := np.flatnonzero(~counts.any(axis=(1, 2))).tolist():
        raise DataError(
            f"{path}: {len(lost)} of {len(counts)} patterns hold no counts, the first is number "
            f"{lost[0] + 1}: lost; cut the series before"
        )
    _refuse_saturated(path, raw)
    _refuse_asymmetric(path, counts, law.detector.open)
    return counts


def _refuse_saturated(path: Path, values: NDArray[np.generic]) -> None:
    """Several pixels at one and the same largest value are cut off."""
    top = values.max()
    number = int((values == top).sum())
    if float(top) > 100 and number > max(3, len(values)):
        raise DataError(f"{path}: {number} values are {top}, the largest: saturated")


def _refuse_asymmetric(path: Path, counts: Floats, lit: NDArray[np.bool_]) -> None:
    """Patterns of a real sample are the same at q and -q: else centre or pixels are wrong."""
    total = counts.sum(axis=0)
    if not total[lit].any():
        raise DataError(f"{path}: no counts outside the beam stop")
    reach = range(-SEARCHED, SEARCHED + 1)
    shifts = [(y, x) for y in reach for x in reach]
    chi = {shift: _asymmetry(np.roll(total, shift, (0, 1)), lit) for shift in shifts}
    best, middle = min(chi, key=lambda shift: chi[shift]), len(lit) // 2
    if chi[0, 0] > SYMMETRIC >= chi[best]:
        row, column = middle - best[0], middle - best[1]
        raise DataError(
            f"{path}: the series is symmetric about row {row}, column {column}; the centre must be "
            f"in row and column {middle}"
        )
    _refuse_dead(path, total, lit)
    if chi[0, 0] > SYMMETRIC:
        raise DataError(
            f"{path}: not the same at q and -q (reduced chi-squared {chi[0, 0]:.2g}, near 1 for "
            f"counts): its centre is not pixel {middle}, or pixels are wrong"
        )


def _twins(values: NDArray[np.generic]) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    """Pixels at q and at -q, without the first row and column, which have no twin."""
    return values[..., 1:, 1:], values[..., :0:-1, :0:-1]


def _asymmetry(total: Floats, lit: NDArray[np.bool_]) -> float:
    """Reduced chi-squared of counts at q against those at -q."""
    (one, other), (open_, twin) = _twins(total), _twins(lit)
    seen = open_ & twin & (one + other > 0)  # type: ignore[operator]
    if not seen.any():
        return float("inf")
    a, b = np.asarray(one[seen], float), np.asarray(other[seen], float)
    return float(((a - b) ** 2 / (a + b)).mean())


def _refuse_dead(path: Path, total: Floats, lit: NDArray[np.bool_]) -> None:
    (one, other), (open_, twin) = _twins(total), _twins(lit)
    dark = (one == 0) & (np.asarray(other, float) > DARK) & open_ & twin
    if dark.any():
        row, column = (int(k) + 1 for k in np.argwhere(dark)[0])
        raise DataError(
            f"{path}: {int(dark.sum())} pixels never count and their twins at -q do, the first in "
            f"row {row}, column {column}: dead pixels"
        )


def _refuse_turned(path: Path, expected: Floats, counts: Floats, lit: NDArray[np.bool_]) -> None:
    """The first pattern, whose state is known, says how the detector lies."""
    fits = {
        name: _deviance(expected[None, 1:, 1:], turn(counts[1:, 1:])[None], lit[1:, 1:])
        for name, turn in TURNS.items()
    }
    best = min(fits, key=lambda name: fits[name])
    if best != "as it is" and fits[best] < 0.8 * fits["as it is"]:
        raise DataError(
            f"{path}: the first pattern fits the start better {best} (deviance {fits[best]:.3g}, "
            f"{fits['as it is']:.3g} as it is): turn the series or the start"
        )


def _refuse_first(path: Path, expected: Floats, counts: Floats, lit: NDArray[np.bool_]) -> None:
    """The first pattern follows from the start alone: if it does not fit, no law is to be asked."""
    drawn = np.random.default_rng(0).poisson(_scaled(expected, counts, lit)).astype(float)
    found, ideal = (_deviance(expected, each, lit) for each in (counts, drawn))
    if found > FIRST * ideal:
        raise DataError(
            f"{path}: the first pattern does not fit the start (deviance {found:.3g} a pixel, "
            f"{ideal:.3g} expected of counts): another start or detector, or spoiled counts "
            f"(background, saturation, direct beam in a corner); the law is not asked"
        )


def _scaled(expected: Floats, counts: Floats, lit: NDArray[np.bool_]) -> Floats:
    """Expected counts, scaled to the number of photons that were counted."""
    whole = np.broadcast_to(expected, counts.shape)
    result: Floats = whole * counts[:, lit].sum() / whole[:, lit].sum()
    return result


def _deviance(expected: Floats, counts: Floats, lit: NDArray[np.bool_]) -> float:
    """Mean deviance of Poisson counts of the open pixels."""
    e = _scaled(expected, counts, lit)[:, lit] + 1e-12
    d = counts[:, lit]
    return float(2 * (e - d + d * np.log(np.where(d > 0, d, 1) / e)).mean())


def _start(path: Path, law: SavedLaw) -> Floats:
    """State at the first pattern: the one array of a file, or that named by the law."""
    found = [f.values for f in arrays_of(path) if f.values.ndim == 2]
    if len(found) != 1:
        raise DataError(f"{path}: {len(found)} arrays with two axes; the start is one")
    if found[0].dtype.kind not in "fiu":
        raise DataError(f"{path}: values of type {found[0].dtype}; numbers are needed")
    return law.checked(path, np.asarray(found[0], float))
