"""Interval of a mean over repeats (seeds) and groups (movies) that are crossed, both being samples.

Every seed answers about the same movies, as every reader of a radiological study reads the same
cases: the seeds are few and vary, so do the movies, and resampling three seeds gives intervals that
are far too narrow. The variance is that of two crossed random effects.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def crossed_interval(
    values: Floats, bounds: tuple[float, float] = (-np.inf, np.inf), level: float = 0.9
) -> tuple[float, float, float]:
    """Mean over seeds of a statistic of movies, and its interval; NaN ends where none is known.

    The statistic of each seed becomes a pseudo-value for each movie, by jackknife (Dorfman, Berbaum
    and Metz, Invest. Radiol. 27, 723 (1992)); of a mean over movies these are the values of the
    movies. Their mean squares between seeds and between movies give the variance, and Student's t
    has the degrees of freedom of Satterthwaite (Biometrics Bull. 2, 110 (1946)) as Hillis (Stat.
    Med. 26, 596 (2007)) takes them, with those of the movies, which are few here, as well. One
    seed, one movie, or values without any scatter tell no interval.

    Parameters
    ----------
    values
        Statistic of each seed with the weights of :func:`defectra.learn.scores.left_out_weights`
        of the movies, shape (seeds, 1 + movies).
    bounds
        Smallest and largest possible value of the statistic; the interval is clipped there.
    """
    from scipy.special import stdtrit

    table = np.asarray(values, np.float64)
    value, seeds, movies = float(table[:, 0].mean()), len(table), table.shape[1] - 1
    nothing = value, float("nan"), float("nan")
    if seeds < 2 or movies < 2 or not np.isfinite(table).all():
        return nothing
    pseudo = movies * table[:, :1] - (movies - 1) * table[:, 1:]
    of_seed, of_movie = pseudo.mean(axis=1), pseudo.mean(axis=0)
    rest = pseudo - of_seed[:, None] - of_movie + pseudo.mean()
    noise = float((rest**2).sum()) / ((seeds - 1) * (movies - 1))
    between_seeds = movies * float(of_seed.var(ddof=1))
    between_movies = max(seeds * float(of_movie.var(ddof=1)) - noise, 0.0)
    error = np.sqrt((between_seeds + between_movies) / (seeds * movies))
    if error <= 1e-12 * max(1.0, abs(value)):
        return nothing
    parts = between_seeds**2 / (seeds - 1) + between_movies**2 / (movies - 1)
    freedom = (between_seeds + between_movies) ** 2 / parts
    half = float(stdtrit(freedom, (1 + level) / 2) * error)
    return value, max(value - half, bounds[0]), min(value + half, bounds[1])
