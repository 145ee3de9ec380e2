"""A missing atom seen in counts: networks, a classifier, and what they are compared with.

The autoencoder is given counts at doses drawn at random, and is asked for the pattern without
noise. It learns from the perfect sheet and from one vacancy, the classifier as well; both are
judged on the other vacancy, whose patterns they never saw. Both holes lie at the same place of the
same sheet: the second one lacks a further atom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from defectra.core.claims import Estimate
from defectra.core.units import FWHM_PER_SIGMA
from defectra.studies.stem4d import measures
from defectra.studies.stem4d.finder import QUIET, Finder, taught
from defectra.studies.stem4d.known_patterns import likelihood, nearness
from defectra.studies.stem4d.learn import deflection_of, latent_rows, score
from defectra.studies.stem4d.names import (
    COMPONENTS,
    DARK,
    DEALT,
    DEFLECTION,
    INTACT,
    LEARNT,
    LIKELIHOOD,
    NEIGHBOURS,
    SINGLE,
    TURNING,
    Metric,
)
from defectra.studies.stem4d.scans import Scan, missing_atoms
from defectra.studies.stem4d.settings import Stem4dStudy

Floats = NDArray[np.float64]
Row = dict[str, Any]
Scans = Mapping[tuple[str, str], Scan]
Singles = NDArray[np.float32]
Ask = Callable[[Any], Floats]
OTHER = {"mono": "di", "di": "mono"}  # vacancy that is judged: vacancy that is learned from
DEALS = 10  # random deals of the labels, for the negative control
SIGMAS = 3.0  # of the noise of a deflection, above which its direction is compared


@dataclass(frozen=True)
class Lesson:
    """What a classifier learns from: counts of the sheet and of one vacancy, and labels.

    Attributes
    ----------
    patterns, missing
        Counts, shape (n, k_y, k_x), and whether an atom is missing there, shape (n,).
    quiet
        Whether they are without noise.
    perfect, label
        The same without noise, one for each place, shape (m, k_y, k_x) and (m,).
    """

    patterns: Floats
    missing: NDArray[np.bool_]
    quiet: bool
    perfect: Floats
    label: NDArray[np.bool_]

    @classmethod
    def at(
        cls, whole: Scan, other: Scan, dose: float, study: Stem4dStudy, seed: list[int]
    ) -> Lesson:
        """Draws at a dose, electrons of a pattern; at :data:`QUIET` the patterns themselves."""
        quiet = dose >= QUIET
        label = np.concatenate(
            [np.zeros(len(whole.places), bool), near_missing(other, whole, study)]
        )
        perfect = np.maximum(np.concatenate([whole.patterns, other.patterns]), 0)
        if quiet:
            return cls(perfect, label, True, perfect, label)
        draw = np.random.default_rng(seed)
        counts = [draw.poisson(perfect * dose).astype(float) for _ in range(study.draws)]
        missing = np.tile(label, study.draws)
        return cls(np.concatenate(counts), missing, False, perfect, label)


def near_missing(scan: Scan, whole: Scan, study: Stem4dStudy) -> NDArray[np.bool_]:
    """Places within the radius of a missing atom, shape (n,)."""
    return within(scan.places, missing_atoms(scan, whole), study.vacancy_radius)


def within(places: Floats, atoms: Floats, radius: float) -> NDArray[np.bool_]:
    """Places nearer to one of some atoms than a radius, shape (n,)."""
    away = np.sqrt(((places[:, None] - atoms[None]) ** 2).sum(-1)).min(1)
    result: NDArray[np.bool_] = away < radius
    return result


def dose_of(scan: Scan) -> float:
    """Electrons of a pattern; :data:`QUIET` without noise, where patterns are shares of a beam."""
    mean = float(scan.patterns.sum((1, 2)).mean())
    return mean if mean > 2 else QUIET


def rivals(
    finder: Finder, lesson: Lesson, step: Floats, study: Stem4dStudy
) -> Mapping[str, Callable[[Floats], Floats]]:
    """What needs no network: functions of patterns (n, k_y, k_x) to features (n, f)."""
    flat = finder.rings.clean(lesson.patterns).reshape(len(lesson.patterns), -1)
    components = PCA(study.network.latent + 1, random_state=0).fit(flat)
    return {
        DEFLECTION: lambda p: np.hypot(*deflection_of(p, step).T)[:, None],
        DARK: lambda p: _dark(p, step, study)[:, None],
        COMPONENTS: lambda p: components.transform(finder.rings.clean(p).reshape(len(p), -1)),
    }


def _dark(patterns: Floats, step: Floats, study: Stem4dStudy) -> Floats:
    """Share of the electrons between the edge of the aperture and that of the detector."""
    y, x = (
        (np.arange(size) - size // 2) * s for size, s in zip(patterns.shape[1:], step, strict=True)
    )
    outside = np.hypot(y[:, None], x[None, :]) > 1.1 * study.microscope.aperture
    result: Floats = patterns[:, outside].sum(1) / np.maximum(patterns.sum((1, 2)), 1e-12)
    return result


def probe_overlap(places: Floats, study: Stem4dStudy) -> Floats:
    """Weights of the places about each place, rows sum to 1, shape (n, n).

    The overlap of two probes, taken as Gaussian with the full width at half maximum of a
    diffraction-limited one, ``0.51 wavelength / aperture`` (Airy): 0.83 Å here.
    """
    energy, aperture = 1e3 * study.microscope.energy, 1e-3 * study.microscope.aperture
    wavelength = 12.2643 / np.sqrt(energy + 0.97845e-6 * energy**2)  # Å, relativistic
    sigma = 0.51 * wavelength / aperture / FWHM_PER_SIGMA
    square = ((places[:, None] - places[None]) ** 2).sum(-1)
    weights = np.exp(-square / (4 * sigma**2))
    result: Floats = weights / weights.sum(1, keepdims=True)
    return result


@dataclass(frozen=True)
class Judged:
    """One vacancy, judged at one fidelity.

    Attributes
    ----------
    rows, scores
        Latent rows of the first network; scores.
    dose
        Electrons of a pattern.
    odds, area
        Classifier of the first network, and the area under its curve.
    """

    rows: list[Row]
    scores: list[Row]
    dose: float
    odds: measures.Odds
    area: float


def judged(
    scans: Scans,
    sample: str,
    protocol: str,
    finders: Sequence[Finder],
    study: Stem4dStudy,
    seed: int,
) -> Judged:
    """Judge networks and their rivals on the vacancy that none of them has learned from.

    It is another hole at the same place of the same sheet, in the same orientation.

    The log odds of the networks are averaged. Each model is judged on single patterns, and on the
    mean of its log odds over neighbouring places (:func:`probe_overlap`).
    """
    quiet = study.methods[0]
    whole, scan = scans["graphene", quiet], scans[sample, protocol]
    lesson = Lesson.at(
        whole, scans[OTHER[sample], quiet], dose_of(scan), study, [seed, round(dose_of(scan))]
    )
    true = near_missing(scan, whole, study)
    known = [f.latents(lesson.patterns, lesson.quiet)[0] for f in finders]
    values = [f.latents(scan.patterns, lesson.quiet) for f in finders]
    odds = [measures.Odds.of(k, lesson.missing) for k in known]
    single = np.array([o(v[0]) for o, v in zip(odds, values, strict=True)])
    others = _others(finders[0], lesson, scans, scan, true, study)
    if lesson.quiet:
        dealt = [(k, lesson.missing, v[0]) for k, v in zip(known, values, strict=True)]
        scores = [*_quiet_scores(scan, true, single, others, study)]
        scores += _controls((scan, whole), dealt, list(single), study)
    else:

        def ask(patterns: Any) -> Mapping[str, Floats]:
            every = [o(f.latents(patterns, False)[0]) for o, f in zip(odds, finders, strict=True)]
            return {TURNING: np.mean(every, axis=0)} | {m: f(patterns) for m, f in others.items()}

        draws = redraws(scans[sample, quiet], dose_of(scan), study, seed)
        scores = [*_noisy_scores(scan, true, ask, draws, study, seed)]
    area = measures.area(true, single[0])
    return Judged(latent_rows(scan, TURNING, *values[0]), scores, dose_of(scan), odds[0], area)


def _others(
    finder: Finder,
    lesson: Lesson,
    scans: Scans,
    scan: Scan,
    true: NDArray[np.bool_],
    study: Stem4dStudy,
) -> dict[str, Ask]:
    """Log odds (n,) of patterns (n, k_y, k_x) of all models that need no network."""
    found: dict[str, Ask] = {}
    for model, make in rivals(finder, lesson, scan.step, study).items():
        odds = measures.Odds.of(make(lesson.patterns), lesson.missing)
        found[model] = _asked(odds, make)
    if lesson.quiet:
        found[LEARNT] = lambda p: nearness(p, lesson.perfect, lesson.label)
    else:
        own, dose = scans[scan.sample, study.methods[0]].patterns, dose_of(scan)
        found[LEARNT] = lambda p: likelihood(p, lesson.perfect, lesson.label, dose)
        found[LIKELIHOOD] = lambda p: likelihood(p, own, true, dose)
    return found


def _asked(odds: measures.Odds, make: Ask) -> Ask:
    return lambda patterns: odds(make(patterns))


def redraws(perfect: Scan, dose: float, study: Stem4dStudy, seed: int) -> Iterator[Singles]:
    """Counts of further scans of the same places, drawn from the patterns without noise."""
    draw, mean = np.random.default_rng([seed, round(dose), 1]), np.maximum(perfect.patterns, 0)
    for _ in range(study.redraws):
        yield draw.poisson(mean * dose).astype(np.float32)


def _quiet_scores(
    scan: Scan,
    true: NDArray[np.bool_],
    single: Floats,
    others: Mapping[str, Ask],
    study: Stem4dStudy,
) -> Iterator[Row]:
    """Without noise: intervals of the networks are over trainings, others are arithmetic.

    Places about one hole are no sample of holes, so that nothing is resampled over them.
    """
    overlap = probe_overlap(scan.places, study)
    ratios = {TURNING: single.mean(0)} | {m: ask(scan.patterns) for m, ask in others.items()}
    for model, ratio in ratios.items():
        for subset, weights in ((SINGLE, np.eye(len(overlap))), (NEIGHBOURS, overlap)):
            value = Estimate.exact(measures.area(true, weights @ ratio), int(true.sum()))
            if model == TURNING:
                value = measures.over_trainings(single @ weights.T, true)
            yield score(scan.sample, model, Metric.AUROC, value, scan.protocol, subset)


def _noisy_scores(
    scan: Scan,
    true: NDArray[np.bool_],
    ask: Callable[[Any], Mapping[str, Floats]],
    draws: Iterator[Singles],
    study: Stem4dStudy,
    seed: int,
) -> Iterator[Row]:
    """With counts: single patterns over places, means over neighbours over redrawn counts."""
    overlap = probe_overlap(scan.places, study)
    own, again = ask(scan.patterns), [ask(counts) for counts in draws]
    for model, ratio in own.items():
        value = measures.detection(ratio, true, study.bootstrap, seed)
        yield score(scan.sample, model, Metric.AUROC, value, scan.protocol, SINGLE)
        others = np.array([found[model] for found in again])
        value = measures.redrawn(overlap @ ratio, others @ overlap.T, true)
        yield score(scan.sample, model, Metric.AUROC, value, scan.protocol, NEIGHBOURS)


def _controls(
    both: tuple[Scan, Scan],
    learned: Sequence[tuple[Floats, NDArray[np.bool_], Floats]],
    single: Sequence[Floats],
    study: Stem4dStudy,
) -> Iterator[Row]:
    """Labels dealt at random; atoms that are there.

    Intervals are over trainings: places and atoms of one network share its errors.

    Parameters
    ----------
    learned
        Latent variables and labels that each network learned from, latent variables it is judged
        on.
    single
        Log odds of each network.
    """
    scan, whole = both
    true, draw = near_missing(scan, whole, study), np.random.default_rng(0)
    dealt = [
        np.mean([
            measures.area(true, measures.Odds.of(known, draw.permutation(label))(values))
            for _ in range(DEALS)
        ])
        for known, label, values in learned
    ]  # fmt: skip
    atoms = intact_atoms(scan, whole, study)
    near = [within(scan.places, atom[None], study.vacancy_radius)[~true] for atom in atoms]
    intact = [np.mean([measures.area(n, ratio[~true]) for n in near]) for ratio in single]
    for model, areas in ((DEALT, dealt), (INTACT, intact)):
        value = Estimate.mean(float(a) for a in areas)
        yield score(scan.sample, model, Metric.AUROC, value, scan.protocol)


def intact_atoms(scan: Scan, whole: Scan, study: Stem4dStudy) -> Floats:
    """Atoms in the window whose surroundings do not reach those of a missing one, shape (k, 2)."""
    atoms = scan.atoms[:, :2]
    low, high = scan.places.min(0), scan.places.max(0)
    inside = ((atoms > low) & (atoms < high)).all(1)
    far = ~within(atoms, missing_atoms(scan, whole), 2 * study.vacancy_radius)
    return np.asarray(atoms[inside & far], np.float64)


def vacancies(
    scans: Scans, study: Stem4dStudy, seed: int, keep: Path
) -> tuple[list[Row], list[Row], tuple[Finder, list[Judged]] | None]:
    """Both vacancies at each dose: latent rows, scores, and what is kept as the model.

    The model is the first of those that were judged on the single vacancy; None without the scans.
    """
    rows: list[Row] = []
    scores: list[Row] = []
    kept = None
    quiet = study.methods[0]
    if any((s, quiet) not in scans for s in ("graphene", *OTHER)):
        return rows, scores, None
    whole = scans["graphene", quiet]
    for sample, other in OTHER.items():
        patterns = np.concatenate([whole.patterns, scans[other, quiet].patterns])
        finders = [
            taught(patterns, whole.step, study, seed + k, keep / f"vacancies-{sample}-{k}")
            for k in range(study.seeds)
        ]
        wanted = [p for p in (quiet, *study.doses) if (sample, p) in scans]
        every = [judged(scans, sample, p, finders, study, seed) for p in wanted]
        rows += [r for j in every for r in j.rows]
        scores += [r for j in every for r in j.scores]
        kept = kept or (finders[0], every)
    if kept is not None:
        scores += [r for p in study.doses for r in _noisy_angle(scans, p, kept[0])]
    return rows, scores, kept


def _noisy_angle(scans: Scans, protocol: str, finder: Finder) -> Iterator[Row]:
    """Angle against the deflection where that is above its noise."""
    if ("graphene", protocol) not in scans:
        return
    scan = scans["graphene", protocol]
    noise = measures.noise_of_deflection(scan.patterns, scan.step)
    deflection = deflection_of(scan.patterns, scan.step)
    strong = np.hypot(*deflection.T) > SIGMAS * noise
    if strong.sum() < 10:
        return
    angle = finder.latents(scan.patterns, False)[1]
    value, number = measures.follows(angle[strong], deflection[strong], 0.0)
    whole = Estimate(value, float("nan"), float("nan"), number)
    yield score(scan.sample, TURNING, Metric.ANGLE, whole, protocol, "above its noise")
