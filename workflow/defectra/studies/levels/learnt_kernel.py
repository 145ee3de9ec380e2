"""Kernel of the levels with a length for each descriptor, learnt by marginal likelihood.

The same parts as in :mod:`gaussian_process` (constant, linear and smooth in the host, smooth in the
impurity, in the contrast, and in all together), but every descriptor has a weight of its own
(automatic relevance determination), the likeness of sites is learnt, and the covariance is
multiplied by a factor of the gap on both sides: levels of a wide gap lie farther apart. A constant
`reach` (eV) says how strongly: (gap + reach) / (1.5 eV + reach). With a large one the levels are
modelled as they are, with a small one as shares of the gap: the form of the model is a parameter.

The parameters maximise the marginal likelihood of the training rows (Rasmussen and Williams,
Gaussian Processes for Machine Learning, MIT Press 2006, ch. 5), each charge with a variance of its
own in closed form, times a log-normal prior of width 1 about the start.

Some published levels are far from what all similar defects say, as of a run that ended in another
state. Once the kernel is learnt, the noise is that of Student's t distribution: each training row
gets a variance of its own by expectation and maximisation (Lange, Little and Taylor, J. Am. Stat.
Assoc. 84, 881 (1989)), so that a row that fits nowhere pulls its neighbours less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError
from scipy.optimize import minimize

from defectra.learn.gaussian_posterior import inverted
from defectra.studies.levels.features import Defects
from defectra.studies.levels.gaussian_process import Fitted

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

GAP_EV, LEAST_GAP_EV = 1.5, 0.3  # factor and noise are one at this gap; none is taken as less
HOST, IMPURITY, CONTRAST = "host", "impurity", "contrast"
_PARTS = ("constant", "host", "impurity", "contrast", "joint")
_LENGTHS = {  # weights of the descriptors: block, length at the start
    "host": (HOST, 1.0),
    "impurity": (IMPURITY, 1.0),
    "contrast": (CONTRAST, 1.0),
    "contrast_impurity": (IMPURITY, 2.0),
    "joint_host": (HOST, 1.5),
    "joint_impurity": (IMPURITY, 1.0),
}
_START = {"constant": 4.0, "host": 0.3, "impurity": 0.3, "contrast": 0.3, "joint": 0.3}  # eV²
_HOST_LINEAR, _NOISE_EV, _NOISE_POWER, _SUSPECT_EV, _REACH_EV = 0.3, 0.3, 1.0, 1.5, 3.0
_SITES = {"same_kind": 0.58, "any_site": 0.52, "vacancy": 0.1}  # likeness, 0 to 1
_ROUNDS = 3  # of expectation and maximisation
_TOO_BAD = 1e12  # of a covariance that is not positive: the line search steps back


@dataclass(frozen=True)
class LearntKernel:
    """Parameters by name, logarithms (likenesses of sites: logits), each an array."""

    values: Mapping[str, Floats]

    @classmethod
    def start(cls, rows: Defects) -> LearntKernel:
        """Centre of the prior: the isotropic kernel of the study."""
        size = {b: getattr(rows, b).shape[1] for b in (HOST, IMPURITY, CONTRAST)}
        values = {
            f"length_{name}": np.full(size[block], -np.log(size[block] * length**2))
            for name, (block, length) in _LENGTHS.items()
        }
        values |= {f"weight_{name}": _log(_START[name]) for name in _PARTS}
        values["linear"] = np.full(size[HOST], np.log(_HOST_LINEAR / size[HOST]))
        values |= {f"site_{k}": np.array([np.log(v / (1 - v))]) for k, v in _SITES.items()}
        values |= {"noise": _log(_NOISE_EV), "suspect": _log(_SUSPECT_EV), "reach": _log(_REACH_EV)}
        return cls(values | {"noise_power": np.array([_NOISE_POWER])})

    def vector(self) -> Floats:
        """All parameters in one array."""
        return np.concatenate([self.values[k] for k in self.values])

    def moved(self, vector: Floats) -> LearntKernel:
        """The same names with the numbers of `vector`."""
        out, at = {}, 0
        for name, old in self.values.items():
            out[name] = np.asarray(vector[at : at + len(old)], dtype=np.float64)
            at += len(old)
        return LearntKernel(out)

    def one(self, name: str) -> float:
        """A parameter that is one number, exponentiated."""
        return float(np.exp(self.values[name][0]))

    def likeness(self, name: str) -> float:
        """Likeness of sites, 0 to 1."""
        return float(1 / (1 + np.exp(-self.values[f"site_{name}"][0])))


@dataclass(frozen=True)
class Tails:
    """Noise with the tails of Student's t distribution.

    Attributes
    ----------
    rows
        Places of the rows whose labels may say so; all others keep their variance.
    degrees
        Degrees of freedom; the fewer, the less a row that lies far off counts.
    """

    rows: NDArray[np.int64]
    degrees: float


def _log(value: float) -> Floats:
    return np.array([np.log(value)])


def covariance(left: Defects, right: Defects, kernel: LearntKernel) -> Floats:
    """Prior covariance of the levels of two sets of defects, shape (n, m), eV²."""
    sites = _sites(left, right, kernel)
    total = sum(part.whole(sites) for part in _parts(left, right, kernel))
    factors = gap_factor(left, kernel)[:, None] * gap_factor(right, kernel)
    return np.asarray(total * factors)


def own(rows: Defects, kernel: LearntKernel) -> Floats:
    """Diagonal of the prior covariance, shape (n,), eV²."""
    fixed = sum(kernel.one(f"weight_{name}") for name in _PARTS)
    linear = rows.host**2 @ np.exp(kernel.values["linear"])
    return np.asarray((fixed + linear) * gap_factor(rows, kernel) ** 2)


def noise(rows: Defects, kernel: LearntKernel) -> Floats:
    """Variance of a level about the smooth function, a power of the gap; shape (n,), eV²."""
    power = kernel.values["noise_power"][0]
    return np.asarray(kernel.one("noise") ** 2 * _gap(rows) ** power)


def fit(
    rows: Defects, labels: Floats, kernel: LearntKernel, suspect: Bools, tails: Tails | None = None
) -> Fitted:
    """Invert the covariance of all rows, noise included.

    Suspect rows have more noise, and with `tails` those that lie far from what the others say.
    """
    prior = covariance(rows, rows, kernel)
    sound = noise(rows, kernel)
    surplus = np.asarray(suspect * kernel.one("suspect") ** 2, dtype=np.float64)
    if tails is not None and len(tails.rows):
        own = tails.rows
        among = prior[np.ix_(own, own)]
        surplus[own] += _outlying(among, labels[own], sound[own], surplus[own], tails.degrees)
    inverse, _ = inverted(prior + np.diag(sound + surplus))
    return Fitted(inverse, labels, inverse @ labels, surplus)


def _outlying(
    prior: Floats, labels: Floats, sound: Floats, doubt: Floats, degrees: float
) -> Floats:
    """Variance of rows beyond `sound` and `doubt`, below zero for those that fit well; eV².

    The weight of a row is (degrees + 1) / (degrees + its expected squared noise / sound), each
    charge in units of its own variance.
    """
    weight = np.ones(len(labels))
    for _ in range(_ROUNDS):
        spread = sound / weight + doubt
        inverse, _ = inverted(prior + np.diag(spread))
        pull = inverse @ labels
        left = spread[:, None] * pull / np.sqrt((labels * pull).mean(axis=0))
        unknown = spread - spread**2 * np.diag(inverse)
        squares = (left**2).mean(axis=1) + unknown
        weight = (degrees + 1) / (degrees + squares / sound)
    return np.asarray(sound / weight - sound)


def predict(
    fitted: Fitted, train: Defects, new: Defects, kernel: LearntKernel
) -> tuple[Floats, Floats]:
    """Predictions and variances (noise included) of new defects, shapes (m, q) and (m,)."""
    cross = covariance(new, train, kernel)
    spread = noise(new, kernel)
    variance = own(new, kernel) + spread - ((cross @ fitted.inverse) * cross).sum(axis=1)
    return cross @ fitted.weights, np.maximum(variance, spread)


def gap_factor(rows: Defects, kernel: LearntKernel) -> Floats:
    """(gap + reach) / (1.5 eV + reach), shape (n,)."""
    reach = kernel.one("reach")
    return (GAP_EV * _gap(rows) + reach) / (GAP_EV + reach)


def _gap(rows: Defects) -> Floats:
    """Gap in units of 1.5 eV, not below 0.2."""
    return np.asarray(np.maximum(rows.gap, LEAST_GAP_EV) / GAP_EV)


@dataclass(frozen=True)
class _Factor:
    """Factor of a part: its values, and the slope against the squared distance."""

    name: str
    value: Floats
    slope: Floats


@dataclass(frozen=True)
class _Part:
    """Weight times factors, times the likeness of sites if `on_sites`."""

    name: str
    weight: float
    factors: tuple[_Factor, ...]
    on_sites: bool

    def bare(self, without: str = "") -> Floats | float:
        """Weight times the factors but one."""
        out: Floats | float = self.weight
        for factor in self.factors:
            if factor.name != without:
                out = out * factor.value
        return out

    def whole(self, sites: Floats) -> Floats:
        """The part as it stands in the covariance."""
        return np.asarray(self.bare() * (sites if self.on_sites else 1.0))


def _parts(left: Defects, right: Defects, kernel: LearntKernel) -> Iterator[_Part]:
    def factor(name: str, matern: bool) -> _Factor:
        block = _LENGTHS[name][0]
        weights = np.exp(kernel.values[f"length_{name}"])
        squares = _squares(getattr(left, block), getattr(right, block), weights)
        return _Factor(name, *(_matern if matern else _gauss)(squares))

    def weight(name: str) -> float:
        return kernel.one(f"weight_{name}")

    yield _Part("constant", weight("constant"), (), False)
    linear = (left.host * np.exp(kernel.values["linear"])) @ right.host.T
    yield _Part("linear", 1.0, (_Factor("linear", linear, linear),), False)
    yield _Part("host", weight("host"), (factor("host", False),), False)
    yield _Part("impurity", weight("impurity"), (factor("impurity", False),), True)
    near = (factor("contrast", True), factor("contrast_impurity", False))
    yield _Part("contrast", weight("contrast"), near, True)
    both = (factor("joint_impurity", True), factor("joint_host", True))
    yield _Part("joint", weight("joint"), both, True)


def _squares(left: Floats, right: Floats, weights: Floats) -> Floats:
    """Weighted sum of squared differences."""
    a, b = left * np.sqrt(weights), right * np.sqrt(weights)
    sums = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)
    return np.asarray(np.maximum(sums - 2 * a @ b.T, 0.0))


def _gauss(squares: Floats) -> tuple[Floats, Floats]:
    value = np.exp(-squares / 2)
    return value, -value / 2


def _matern(squares: Floats) -> tuple[Floats, Floats]:
    """Matern 3/2 and its slope against the squared distance."""
    reach = np.sqrt(3 * squares)
    falling = np.exp(-reach)
    return (1 + reach) * falling, -1.5 * falling


def _kinds(left: Defects, right: Defects) -> tuple[Bools, Bools, Bools]:
    """Same site; both interstitial or both substitutional; both vacancies or both none."""
    return (
        np.asarray(left.site[:, None] == right.site),
        np.asarray((left.site[:, None] < 2) == (right.site < 2)),
        np.asarray(left.vacancy[:, None] == right.vacancy),
    )


def _sites(left: Defects, right: Defects, kernel: LearntKernel) -> Floats:
    same, kind, vacancy = _kinds(left, right)
    near = kernel.likeness("same_kind")
    alike = np.where(same, 1.0, np.where(kind, near, near * kernel.likeness("any_site")))
    return alike * np.where(vacancy, 1.0, kernel.likeness("vacancy"))


def learn(
    rows: Defects, labels: Floats, suspect: Bools, start: LearntKernel, steps: int
) -> LearntKernel:
    """Kernel of the largest posterior density of its parameters, by L-BFGS.

    Parameters
    ----------
    labels
        Levels in eV, shape (n, q).
    suspect
        Rows with a noise of their own beside, shape (n,).
    steps
        Iterations at most.
    """
    centre = start.vector()

    def target(vector: Floats) -> tuple[float, Floats]:
        value, slope = likelihood(rows, labels, suspect, start.moved(vector))
        away = vector - centre
        return value + float(away @ away) / 2, slope + away

    found = minimize(target, centre, jac=True, method="L-BFGS-B", options={"maxiter": steps})
    return start.moved(found.x)


def likelihood(
    rows: Defects, labels: Floats, suspect: Bools, kernel: LearntKernel
) -> tuple[float, Floats]:
    """Negative logarithm of the marginal likelihood and its slope, shape of the vector.

    The variance of each charge is the best one in closed form.
    """
    sites = _sites(rows, rows, kernel)
    parts = list(_parts(rows, rows, kernel))
    factors = gap_factor(rows, kernel)
    prior = sum(p.whole(sites) for p in parts) * factors[:, None] * factors
    sound, doubt = noise(rows, kernel), suspect * kernel.one("suspect") ** 2
    try:
        inverse, log_determinant = inverted(prior + np.diag(sound + doubt))
    except LinAlgError:
        return _TOO_BAD, np.zeros_like(kernel.vector())
    count, width = labels.shape
    weights = inverse @ labels
    spread = (labels * weights).sum(axis=0) / count
    value = count / 2 * float(np.log(spread).sum()) + width / 2 * log_determinant
    against = (width * inverse - (weights / spread) @ weights.T) / 2
    slopes = _slopes(rows, kernel, parts, sites, against * factors[:, None] * factors)
    rates = (against * prior).sum(axis=1)
    reach = kernel.one("reach")
    moved = (GAP_EV * (1 - _gap(rows))) / (GAP_EV + reach) ** 2 / factors
    slopes["reach"] = np.array([2 * float(rates @ moved) * reach])
    diagonal = np.diag(against)
    slopes["noise"] = np.array([2 * float(diagonal @ sound)])
    slopes["noise_power"] = np.array([float(diagonal @ (sound * np.log(_gap(rows))))])
    slopes["suspect"] = np.array([2 * float(diagonal @ doubt)])
    return value, np.concatenate([slopes[name] for name in kernel.values])


def _slopes(
    rows: Defects, kernel: LearntKernel, parts: list[_Part], sites: Floats, against: Floats
) -> dict[str, Floats]:
    """Slopes of lengths, weights and likenesses; `against`: slope against the bare covariance."""
    out: dict[str, Floats] = {}
    on_sites = np.zeros_like(sites)
    for part in parts:
        outer = against * sites if part.on_sites else against
        for factor in part.factors:
            matrix = outer * part.bare(factor.name) * factor.slope
            if part.name == "linear":
                out["linear"] = _linear_slopes(rows.host, kernel, outer)
            else:
                out[f"length_{factor.name}"] = _length_slopes(rows, kernel, factor.name, matrix)
        if part.name != "linear":
            out[f"weight_{part.name}"] = np.array([float((outer * part.bare()).sum())])
        if part.on_sites:
            on_sites += against * part.bare()
    return out | _site_slopes(rows, kernel, on_sites)


def _linear_slopes(host: Floats, kernel: LearntKernel, matrix: Floats) -> Floats:
    return np.asarray(np.exp(kernel.values["linear"]) * (host * (matrix @ host)).sum(axis=0))


def _length_slopes(rows: Defects, kernel: LearntKernel, name: str, matrix: Floats) -> Floats:
    """Sum over pairs of the matrix times the squared difference of each descriptor."""
    block = getattr(rows, _LENGTHS[name][0])
    pairs = 2 * (matrix.sum(axis=1) @ block**2 - (block * (matrix @ block)).sum(axis=0))
    return np.asarray(np.exp(kernel.values[f"length_{name}"]) * pairs)


def _site_slopes(rows: Defects, kernel: LearntKernel, matrix: Floats) -> dict[str, Floats]:
    same, kind, vacancy = _kinds(rows, rows)
    near, far, other = (kernel.likeness(k) for k in _SITES)
    lone = np.where(vacancy, 1.0, other)
    alike = np.where(same, 1.0, np.where(kind, near, near * far))
    by_name = {
        "same_kind": np.where(same, 0.0, np.where(kind, 1.0, far)) * lone * near * (1 - near),
        "any_site": np.where(same | kind, 0.0, near) * lone * far * (1 - far),
        "vacancy": np.where(vacancy, 0.0, alike) * other * (1 - other),
    }
    return {f"site_{k}": np.array([float((matrix * v).sum())]) for k, v in by_name.items()}
