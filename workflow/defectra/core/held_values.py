"""Values that stand still where a signal goes on: a detector that is saturated, frozen or dead."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SHORTEST = 5  # equal values one after the other; fewer may be chance
USUAL = 0.02  # of the other steps; more steps of zero mean few digits or counts, not a fault
SEVERAL = 3  # other runs at least half as long, or of single counts; few digits make them
MOST = 0.5  # of the other steps; if more are zero in few long runs, there are few digits
NEAR = 3  # steps beside a run that are looked at
SMALL = 1 / 3  # of the usual step, or two units of the last digit: the signal levels off by itself
TINY = 1e-5  # of the range of a signal; smaller steps are rounding
COLLINEAR = 0.3  # of the points; if more lie between their neighbours, they are interpolated
COUNTS = 10.0  # of one count, the smallest value; no more lie beside zeros of few counts
ONE = 0.15  # of the largest value; if the smallest one is more, it is no single count
CONSTANT = 1e-9  # of the largest value; a signal that varies by less is one number, rounded


@dataclass(frozen=True)
class Held:
    """Equal values one after the other.

    Attributes
    ----------
    first, last
        Places of the first and the last one, from 0.
    value
        What they are.
    at
        ``largest``, ``smallest`` or ``same``: which value of the signal that is.
    """

    first: int
    last: int
    value: float
    at: str


def is_constant(values: Floats) -> bool:
    """Whether all values are one number, but for rounding; values that are not finite are none."""
    finite = values[np.isfinite(values)]
    return len(finite) > 0 and float(np.ptp(finite)) <= CONSTANT * float(np.abs(finite).max())


def held(values: Floats) -> Held | None:
    """The longest run of equal values that the rest of a signal does not explain, if there is one.

    It is explained if equal neighbours are usual elsewhere (few digits, few counts), if the signal
    is interpolated, if the steps beside the run are small against the usual one (the signal levels
    off), or if it is zero before the signal, among single counts, or again in a signal that begins
    with zeros.

    Parameters
    ----------
    values
        In the order of the scan, shape (n,).
    """
    if len(values) < 2 * SHORTEST or not np.isfinite(values).all() or np.ptp(values) == 0:
        return None
    firsts, lasts = _runs(values)
    lengths = lasts - firsts + 1
    from_zero = values[0] == 0 and lengths[0] >= SHORTEST
    looked_at = np.where(values[firsts] == 0, 0, lengths) if from_zero else lengths
    k = int(np.argmax(looked_at))
    if looked_at[k] < SHORTEST:
        return None
    run = Held(int(firsts[k]), int(lasts[k]), float(values[firsts[k]]), _which(values, firsts[k]))
    usual = _are_usual(run, lengths, values[firsts])
    return None if usual or _levels_off(values, run) or _is_interpolated(values, run) else run


def after(run: Held, values: Floats) -> Held | None:
    """The same for what comes after a run."""
    later = held(values[run.last + 1 :])
    shift = run.last + 1
    return later and replace(later, first=later.first + shift, last=later.last + shift)


def _which(values: Floats, k: int) -> str:
    if values[k] == values.max():
        return "largest"
    return "smallest" if values[k] == values.min() else "same"


def _runs(values: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last place of each run of equal values; single values are runs, too."""
    ends = np.flatnonzero(np.diff(values) != 0)
    return np.concatenate([[0], ends + 1]), np.concatenate([ends, [len(values) - 1]])


def _are_usual(run: Held, lengths: NDArray[np.int64], of: Floats) -> bool:
    """Whether equal neighbours are usual elsewhere: in several runs as long, or in short ones.

    Noise about a limit meets that limit in several runs, and a bad contact gives zeros again, so
    those at the largest or smallest value, or at zero, do not count; any other value is met again
    because there are few values.
    """
    alike = 2 * lengths >= run.last - run.first + 1
    other = of != run.value
    met = other if run.at != "same" or run.value == 0 else np.ones(len(of), bool)
    return bool(
        np.count_nonzero(alike & other) >= SEVERAL
        or _equal_steps(lengths[met & ~alike]) > USUAL
        or _equal_steps(lengths[other]) > MOST
    )


def _equal_steps(lengths: NDArray[np.int64]) -> float:
    """Share of the steps that are zero in runs of these lengths; one step leads to the next run."""
    return 1.0 - len(lengths) / max(int(lengths.sum()), 1)


def _levels_off(values: Floats, run: Held) -> bool:
    """Whether the signal comes to a run by itself, not by a step like any other.

    A signal that comes back to its largest or smallest value levels off at neither, but for the
    last digit.
    """
    steps = np.abs(np.diff(values))
    moving, extent = steps[steps > 0], float(np.ptp(values))
    beside = np.concatenate([steps[max(run.first - NEAR, 0) : run.first],
                             steps[run.last : run.last + NEAR]]).max()  # fmt: skip
    again = _times(values == run.value) - 1
    if run.value == 0 and again and beside <= COUNTS * _one_count(values, again >= SEVERAL):
        return True
    noise = 0.0 if again and run.at != "same" else SMALL * float(np.median(moving))
    return bool(beside <= max(2.0 * moving.min(), noise, TINY * extent))


def _times(there: NDArray[np.bool_]) -> int:
    """In how many runs something is."""
    return int(np.count_nonzero(np.diff(np.concatenate([[False], there]).astype(np.int8)) == 1))


def _one_count(values: Floats, often: bool) -> float:
    """Smallest value above zero, if it may be a single count; else 0.

    It is small against the largest value, or zero is met often: then there are few counts.
    """
    sizes = np.abs(values[values != 0])
    return float(sizes.min()) if often or sizes.min() <= ONE * sizes.max() else 0.0


def _is_interpolated(values: Floats, run: Held) -> bool:
    """Whether most points lie on the line between their neighbours, to two units of the last digit.

    Points of the run itself do not count.
    """
    bent = np.abs(np.diff(values, 2))
    elsewhere = np.ones(len(bent), bool)
    elsewhere[max(run.first - 1, 0) : run.last] = False
    steps = np.abs(np.diff(values))
    last_digit = float(steps[steps > TINY * TINY * np.ptp(values)].min())
    return bool((bent[elsewhere] <= 2.0 * last_digit).mean() > COLLINEAR)
