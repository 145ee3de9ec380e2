"""A missing atom seen in counts: networks, a classifier, and what they are compared with.

The autoencoder is given counts at doses drawn at random, and is asked for the pattern without
noise. It learns from the perfect sheet and from one vacancy, the classifier as well; both are
judged on the other vacancy, whose patterns they never saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from defectra.core.claims import Estimate
from defectra.learn.training import train
from defectra.studies.stem4d import measures
from defectra.studies.stem4d.learn import INSIDE, deflection_of, latent_rows, score
from defectra.studies.stem4d.names import (
    COMPONENTS,
    DARK,
    DEALT,
    DEFLECTION,
    INTACT,
    LIKELIHOOD,
    TURNING,
    Metric,
)
from defectra.studies.stem4d.networks import Turning
from defectra.studies.stem4d.polar import Standard, left_out, ring_weights
from defectra.studies.stem4d.scans import Scan, missing_atoms
from defectra.studies.stem4d.settings import Stem4dStudy

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Row = dict[str, Any]
Scans = Mapping[tuple[str, str], Scan]
OTHER = {"mono": "di", "di": "mono"}  # vacancy that is judged: vacancy that is learned from
DOSES = (200.0, 3e5)  # electrons of a pattern in the training, ends of a logarithmic range
QUIET = 1e7  # electrons that stand for no noise
QUIET_SHARE = 0.1  # of the patterns of a batch
DEALS = 10  # random deals of the labels, for the negative control
SIGMAS = 3.0  # of the noise of a deflection, above which its direction is compared


@dataclass(frozen=True)
class Rings:
    """Counts to the inputs of a network.

    Attributes
    ----------
    weights
        Shape (pixels, radii * angles), of :func:`.polar.ring_weights`.
    standard
        Of the rings without noise.
    shape
        (radii, angles).
    """

    weights: Singles
    standard: Standard
    shape: tuple[int, int]

    @classmethod
    def of(cls, patterns: Floats, step: Floats, study: Stem4dStudy) -> Rings:
        """From patterns without noise, shape (n, k_y, k_x)."""
        size = (patterns.shape[1], patterns.shape[2])
        weights = ring_weights(size, step, INSIDE * study.microscope.detector, study.polar)
        shape = (study.polar.radii, study.polar.angles)
        weights = weights.reshape(-1, *shape)
        weights[:, left_out(study)] = 0
        flat = weights.reshape(len(weights), -1)
        rings = (patterns.reshape(len(patterns), -1) @ flat).reshape(-1, *shape)
        return cls(flat.astype(np.float32), Standard.of(rings), shape)

    def clean(self, patterns: Floats) -> Singles:
        """Standardised rings, shape (n, radii, angles), of patterns (n, k_y, k_x)."""
        flat = patterns.reshape(len(patterns), -1)
        share = flat / np.maximum(flat.sum(1, keepdims=True), 1e-12)
        return self.standard((share @ self.weights).reshape(-1, *self.shape))

    def inputs(self, patterns: Floats, quiet: bool) -> Singles:
        """Rings and a channel that gives the dose, shape (n, radii + 1, angles)."""
        total = patterns.sum((1, 2)) if not quiet else np.full(len(patterns), QUIET)
        level = np.log10(np.maximum(total, 1)) - 4
        channel = np.broadcast_to(level[:, None, None], (len(patterns), 1, self.shape[1]))
        return np.concatenate([self.clean(patterns), channel], 1).astype(np.float32)

    def drawn(self, batch: Mapping[str, Any], generator: torch.Generator) -> dict[str, Any]:
        """Counts of a batch of patterns without noise, at doses drawn at random, as inputs."""
        perfect = batch["perfect"]
        low, high = np.log10(DOSES)
        draw = torch.rand(2, len(perfect), generator=generator)
        dose = 10 ** (low + (high - low) * draw[0])
        dose[draw[1] < QUIET_SHARE] = QUIET
        counts = torch.poisson(perfect * dose[:, None], generator=generator)
        total = counts.sum(1, keepdim=True).clamp_min(1)
        root = ((counts / total) @ torch.from_numpy(self.weights)).clamp_min(0).sqrt()
        middle = torch.from_numpy(self.standard.mean).float()
        rings = (root.view(-1, *self.shape) - middle) / self.standard.spread
        level = (total.log10() - 4)[:, :, None].expand(-1, 1, self.shape[1])
        return {"rings": torch.cat([rings, level], 1), "wanted": batch["wanted"]}


@dataclass(frozen=True)
class Finder:
    """A network that is given counts."""

    module: Any
    rings: Rings

    def latents(self, patterns: Floats, quiet: bool) -> tuple[Floats, Floats]:
        """Latent variables (n, l) and angles (n,) of patterns (n, k_y, k_x)."""
        given = torch.from_numpy(self.rings.inputs(patterns, quiet))
        with torch.no_grad():
            values, angle = self.module.latents(given)
        return values.numpy().astype(float), angle.numpy().astype(float)


def network_of(study: Stem4dStudy) -> Turning:
    """A network that is told the dose."""
    wide = study.network.model_copy(update={"latent": study.network.latent_vacancies})
    return Turning(study.polar, wide, told=1)


def taught(patterns: Floats, step: Floats, study: Stem4dStudy, seed: int, keep: Path) -> Finder:
    """Train a network on patterns without noise, shape (n, k_y, k_x), and counts drawn of them."""
    rings = Rings.of(patterns, step, study)
    perfect = np.maximum(patterns.reshape(len(patterns), -1), 0).astype(np.float32)
    every = np.arange(len(patterns))
    found = train(
        lambda: network_of(study),
        {"perfect": perfect, "wanted": rings.clean(patterns)},
        lambda module, batch: module.loss(batch["rings"], batch["wanted"]),
        (every, every[:0]),
        study.noisy_training.model_copy(update={"seed": seed}),
        keep,
        rings.drawn,
    )
    return Finder(found.module, rings)


@dataclass(frozen=True)
class Lesson:
    """What a classifier learns from: counts of the sheet and of one vacancy, and labels."""

    patterns: Floats
    missing: NDArray[np.bool_]
    quiet: bool

    @classmethod
    def at(
        cls, whole: Scan, other: Scan, dose: float, study: Stem4dStudy, seed: list[int]
    ) -> Lesson:
        """Draws at a dose, electrons of a pattern; at :data:`QUIET` the patterns themselves."""
        quiet = dose >= QUIET
        label = [np.zeros(len(whole.places), bool), near_missing(other, whole, study)]
        perfect = np.maximum(np.concatenate([whole.patterns, other.patterns]), 0)
        if quiet:
            return cls(perfect, np.concatenate(label), True)
        draw = np.random.default_rng(seed)
        counts = [draw.poisson(perfect * dose).astype(float) for _ in range(study.draws)]
        return cls(np.concatenate(counts), np.tile(np.concatenate(label), study.draws), False)


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


Features = Mapping[str, Any]


def features_of(finder: Finder, lesson: Lesson, step: Floats, study: Stem4dStudy) -> Features:
    """What each model makes of patterns: functions of patterns (n, k_y, k_x) to (n, features)."""
    flat = finder.rings.clean(lesson.patterns).reshape(len(lesson.patterns), -1)
    components = PCA(study.network.latent + 1, random_state=0).fit(flat)
    return {
        TURNING: lambda p: finder.latents(p, lesson.quiet)[0],
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


def likelihood(scan: Scan, perfect: Scan, true: NDArray[np.bool_]) -> Floats:
    """Log odds of a missing atom for whoever knows every pattern of this very scan, shape (n,).

    The Poisson likelihood of the counts under the patterns without noise of all places: no method
    that sees one pattern at a time says more.
    """
    expected = np.maximum(perfect.patterns.reshape(len(perfect.places), -1), 1e-12)
    counts = scan.patterns.reshape(len(scan.places), -1)
    odds = counts @ np.log(expected).T - dose_of(scan) * expected.sum(1)
    share = np.exp(odds - odds.max(1, keepdims=True))
    yes, no = share[:, true].sum(1), share[:, ~true].sum(1)
    result: Floats = np.log(yes + 1e-300) - np.log(no + 1e-300)
    return result


@dataclass(frozen=True)
class Judged:
    """One vacancy, judged at one fidelity: latent rows, scores, and the classifier."""

    rows: list[Row]
    scores: list[Row]
    dose: float
    odds: measures.Odds


def judged(
    scans: Scans, sample: str, protocol: str, finder: Finder, study: Stem4dStudy, seed: int
) -> Judged:
    """Judge a network and its rivals on a vacancy that none of them has seen."""
    quiet = study.methods[0]
    whole, scan = scans["graphene", quiet], scans[sample, protocol]
    dose = dose_of(scan)
    lesson = Lesson.at(whole, scans[OTHER[sample], quiet], dose, study, [seed, round(dose)])
    features = features_of(finder, lesson, scan.step, study)
    true = near_missing(scan, whole, study)
    scores: list[Row] = []
    for model, make in features.items():
        ratio = measures.Odds.of(make(lesson.patterns), lesson.missing)(make(scan.patterns))
        value = measures.detection(ratio, true, study.bootstrap, seed)
        scores.append(score(sample, model, Metric.AUROC, value, protocol))
    if dose < QUIET:
        best = likelihood(scan, scans[sample, quiet], true)
        value = measures.detection(best, true, study.bootstrap, seed)
        scores.append(score(sample, LIKELIHOOD, Metric.AUROC, value, protocol))
    known = features[TURNING](lesson.patterns)
    values, angle = finder.latents(scan.patterns, lesson.quiet)
    odds = measures.Odds.of(known, lesson.missing)
    if lesson.quiet:
        learned = (known, lesson.missing, values)
        scores += _controls(sample, protocol, (scan, whole), learned, study)
    return Judged(latent_rows(scan, TURNING, values, angle), scores, dose, odds)


def _controls(
    sample: str,
    protocol: str,
    both: tuple[Scan, Scan],
    learned: tuple[Floats, NDArray[np.bool_], Floats],
    study: Stem4dStudy,
) -> Iterator[Row]:
    """Labels dealt at random; atoms that are there."""
    scan, whole = both
    known, label, values = learned
    true, draw = near_missing(scan, whole, study), np.random.default_rng(0)
    dealt = (
        roc_auc_score(true, measures.Odds.of(known, draw.permutation(label))(values))
        for _ in range(DEALS)
    )
    yield score(sample, DEALT, Metric.AUROC, Estimate.mean(dealt), protocol)
    ratio = measures.Odds.of(known, label)(values)
    found = []
    for atom in intact_atoms(scan, whole, study):
        near = within(scan.places, atom[None], study.vacancy_radius)
        found.append(roc_auc_score(near[~true], ratio[~true]))
    yield score(sample, INTACT, Metric.AUROC, Estimate.mean(found), protocol)


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

    The model is that which was judged on the single vacancy; None without the scans.
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
        finder = taught(patterns, whole.step, study, seed, keep / f"vacancies-{sample}")
        wanted = [p for p in (quiet, *study.doses) if (sample, p) in scans]
        every = [judged(scans, sample, p, finder, study, seed) for p in wanted]
        rows += [r for j in every for r in j.rows]
        scores += [r for j in every for r in j.scores]
        kept = kept or (finder, every)
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
