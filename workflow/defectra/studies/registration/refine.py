"""Refinement of a pose: least squares with exact slopes, then the objective itself.

Least squares (Levenberg and Marquardt) on the grey values, brightness and background solved for in
each step, is quick and needs no guess of step widths; the last digits of the objective, which is
no sum of squares, come from the simplex of Nelder and Mead in coordinates scaled by the least
squares. Every frame that is simulated counts as one evaluation, and so does each derivative by a
number of the pose: a step of least squares with ten free numbers counts eleven.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from defectra.engines.stem_points.columns import Columns
from defectra.engines.stem_points.frame import (
    NAMES,
    Pose,
    pose_of,
    render,
    render_with_slopes,
)
from defectra.studies.registration.objective import Fit, compare

Floats = NDArray[np.float64]
WIDTHS = (0.2, 2.5)  # A
GAPS = (-2.0, 2.0)  # A, as the authors allow
RATIOS = (0.3, 3.0)


@dataclass(frozen=True)
class Tails:
    """Tails of the probe: a share of the light of each column lies in a broader Gaussian.

    Attributes
    ----------
    share
        Of the light, 0 to 1.
    reach
        Standard deviation of the tails alone, A, added to the width in quadrature.
    """

    share: float = 0.0
    reach: float = 1.0


NO_TAILS, FIRST_TAILS, TAIL_STEPS = Tails(), Tails(0.3, 1.7), Tails(0.15, 0.6)
MOST_TAILS = Tails(0.9, 8.0)


class Polished(NamedTuple):
    """Pose and tails of the least objective, and its value."""

    pose: Pose
    fit: Fit
    tails: Tails


@dataclass
class Counter:
    """Simulated frames, and the best objective after each.

    Attributes
    ----------
    count
        Frames simulated so far.
    trace
        Pairs of evaluation and objective, in their order.
    """

    count: int = 0
    trace: list[tuple[int, float]] = field(default_factory=list)

    def add(self, objective: float) -> None:
        """One more frame, and its objective."""
        self.count += 1
        self.trace.append((self.count, objective))


def allowed(pose: Pose) -> bool:
    """Whether width, gap and brightness are within their limits."""
    return (
        WIDTHS[0] <= pose.width <= WIDTHS[1]
        and GAPS[0] <= pose.gap <= GAPS[1]
        and RATIOS[0] <= pose.ratio <= RATIOS[1]
    )


def least_squares(
    columns: Columns,
    patch: Floats,
    start: Pose,
    counter: Counter,
    free: Sequence[str] = NAMES,
    steps: int = 25,
    tolerance: float = 1e-5,
) -> Pose:
    """Pose of the least sum of squares between patch and scaled frame.

    Parameters
    ----------
    free
        Numbers of the pose that are moved.
    """
    index = [NAMES.index(name) for name in free]
    target = patch - patch.mean()
    price = 1 + len(index)
    damping, pose = 1e-2, start
    frame, slopes = render_with_slopes(columns, pose, patch.shape)
    counter.count += price
    loss, rest, jacobian = _linear(target, frame, slopes[index])
    for _ in range(steps):
        normal = jacobian @ jacobian.T
        scaled = normal + damping * np.diag(np.diag(normal) + 1e-12 * np.trace(normal))
        move = np.zeros(len(NAMES))
        move[index] = np.linalg.solve(scaled, jacobian @ rest)
        trial = pose_of(pose.vector() + move)
        better = None
        if allowed(trial):
            frame, slopes = render_with_slopes(columns, trial, patch.shape)
            counter.count += price
            better = _linear(target, frame, slopes[index])
        if better is None or better[0] >= loss:
            damping *= 6.0
            if damping > 1e6:
                break
            continue
        gain = (loss - better[0]) / loss
        pose, damping = trial, max(damping / 6.0, 1e-7)
        loss, rest, jacobian = better
        if gain < tolerance:
            break
    return pose


def _linear(target: Floats, frame: Floats, slopes: Floats) -> tuple[float, Floats, Floats]:
    """Loss, rest and Jacobian with brightness and background solved for (Kaufman 1975)."""
    zero = frame - frame.mean()
    size = float((zero**2).sum()) or 1e-30
    bright = float((target * zero).sum()) / size
    rest = (target - bright * zero).ravel()
    flat = bright * slopes.reshape(len(slopes), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    unit = zero.ravel() / np.sqrt(size)
    return float(rest @ rest), rest, flat - np.outer(flat @ unit, unit)


def tailed(columns: Columns, pose: Pose, shape: tuple[int, int], tails: Tails) -> Floats:
    """Image of columns seen by a probe with tails; the light of a column is that without them.

    The frame is mirrored at its edges: the cell ends near them, the crystal does not.
    """
    from scipy.ndimage import gaussian_filter

    frame = render(columns, pose, shape)
    if not tails.share:
        return frame
    broad = gaussian_filter(frame, tails.reach / pose.pixel, mode="reflect")
    return np.asarray((1 - tails.share) * frame + tails.share * broad)


def polish(
    columns: Columns,
    patch: Floats,
    start: Pose,
    counter: Counter,
    budget: int,
    free: Sequence[str] = NAMES,
    score: Callable[[Floats, Floats], Fit] = compare,
    tails: bool = False,
) -> Polished:
    """Pose of the least objective near `start`, by a simplex of at most `budget` evaluations.

    Parameters
    ----------
    free
        Numbers of the pose that are moved.
    tails
        Whether the probe has tails, whose share and reach are moved, too.
    """
    from scipy.optimize import minimize

    scale = _scale(start, patch.shape, free)
    size = len(scale) + 2 * tails
    best = Polished(start, Fit(np.inf, np.inf, 0), NO_TAILS)

    def value(z: Floats) -> float:
        nonlocal best
        pose, spread = pose_of(start.vector() + z[: len(scale)] @ scale), NO_TAILS
        if tails:
            spread = _moved_tails(*z[len(scale) :])
        if not (allowed(pose) and _possible(spread)):
            return 10.0
        fit = score(tailed(columns, pose, patch.shape, spread), patch)
        counter.add(fit.objective)
        if fit.objective < best.fit.objective:
            best = Polished(pose, fit, spread)
        return fit.objective

    simplex = np.vstack([np.zeros(size), np.eye(size)])
    options = {
        "maxfev": max(budget, 1),
        "initial_simplex": simplex,
        "xatol": 1e-3,
        "fatol": 1e-5,
    }
    minimize(value, np.zeros(size), method="Nelder-Mead",
             options={**options, "adaptive": True})  # fmt: skip
    return best


def _moved_tails(share: float, reach: float) -> Tails:
    """Tails at coordinates of the simplex."""
    return Tails(
        FIRST_TAILS.share + share * TAIL_STEPS.share, FIRST_TAILS.reach + reach * TAIL_STEPS.reach
    )


def _possible(tails: Tails) -> bool:
    """Whether share and reach are within their limits."""
    return 0 <= tails.share <= MOST_TAILS.share and 0.1 <= tails.reach <= MOST_TAILS.reach


def _scale(start: Pose, shape: tuple[int, int], free: Sequence[str]) -> Floats:
    """Change of the pose for one unit of each coordinate, shape (free numbers, all numbers)."""
    index = [NAMES.index(name) for name in free]
    scale = np.zeros((len(index), len(NAMES)))
    scale[np.arange(len(index)), index] = _steps(start, shape)[index]
    return scale


def _steps(pose: Pose, shape: tuple[int, int]) -> Floats:
    """First steps: a third of a pixel at the edge of the frame, a tenth of an A or of a width."""
    matrix = np.abs(pose.pixel_matrix)
    half_x, half_y = matrix @ (np.array(shape[::-1]) / 2)
    third = 0.35
    return np.array([
        third / half_x, third / half_y, third / half_x, third / half_y, third, third,
        0.1, 0.1, 0.1 * pose.width, 0.1 * pose.ratio,
    ])  # fmt: skip
