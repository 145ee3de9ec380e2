"""The best ensemble as one file, with what is needed to doubt its answer to a user's frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.saved import Domain, learn_domain
from defectra.learn.saved_network import About, load, save, usable_head
from defectra.learn.torch_library import need_torch
from defectra.studies.segmentation import evaluate
from defectra.studies.segmentation.data import Frames, channels
from defectra.studies.segmentation.ensembles import OneSeed, best_ensemble
from defectra.studies.segmentation.evaluate import Row
from defectra.studies.segmentation.familiar import COMPONENTS, described
from defectra.studies.segmentation.members import STUDY, VALIDATION, kept, probabilities
from defectra.studies.segmentation.networks import builder
from defectra.studies.segmentation.settings import CLEAN, SegmentationStudy
from defectra.studies.segmentation.thinned import ErrorByDose, error_by_dose, thinned

Floats = NDArray[np.float64]
MARGIN = 1.25  # of the electrons: a frame is brighter at one side than at the other
Known = Mapping[
    str, tuple[NDArray[Any], Sequence[str]]
]  # electrons and movies, by use and condition
REFUSED, COVERAGE = "refused", "coverage"
TABLE_COLUMNS = ["condition", "quantity", "value", "lo", "hi", "n_frames", "n_movies"]


@dataclass(frozen=True)
class Limits:
    """What the answers of an ensemble hold for.

    Attributes
    ----------
    size, pixel_nm
        Pixels of a frame each way, and their size.
    electrons
        Fewest and most in a mean pixel.
    sure_electrons
        Fewest for which the band was set.
    band
        Half width of the 90 % band of the ice fraction, in standard deviations of the members.
    by_dose
        Error that is expected of a frame by its electrons.
    domain
        Of the descriptions of frames.
    """

    size: int
    pixel_nm: float
    electrons: tuple[float, float]
    sure_electrons: float
    band: float
    by_dose: ErrorByDose
    domain: Domain

    def outside(self, counts: NDArray[np.floating]) -> Floats:
        """How far each frame lies outside of what the networks know; above 1 is outside."""
        return self.domain.outside(described(counts))

    def as_json(self) -> dict[str, Any]:
        """Plain values for the head of a file."""
        plain = asdict(self)
        plain["domain"] |= {k: getattr(self.domain, k).tolist() for k in ("mean", "axes", "spread")}
        for name in ("electrons", "error"):
            plain["by_dose"][name] = getattr(self.by_dose, name).tolist()
        return plain


def limits_of_json(plain: Mapping[str, Any]) -> Limits:
    """The inverse of :meth:`Limits.as_json`."""
    domain, by_dose = plain["domain"], plain["by_dose"]
    few, many = map(float, plain["electrons"])
    return Limits(
        int(plain["size"]),
        float(plain["pixel_nm"]),
        (few, many),
        float(plain["sure_electrons"]),
        float(plain["band"]),
        ErrorByDose(np.array(by_dose["electrons"]), np.array(by_dose["error"])),
        Domain(
            np.array(domain["mean"]),
            np.array(domain["axes"]),
            np.array(domain["spread"]),
            float(domain["farthest"]),
            float(domain["rest"]),
        ),
    )


@dataclass(frozen=True)
class SavedEnsemble:
    """An ensemble that was read from a file."""

    name: str
    modules: Sequence[Any]
    limits: Limits
    provenance: Mapping[str, Any]

    def ask(self, counts: NDArray[np.floating]) -> NDArray[np.float32]:
        """Probability of ice by each member, shape (members, n, size, size)."""
        x = channels(counts)
        return np.stack([probabilities(module, x) for module in self.modules])


def _build(about: About) -> Any:
    torch = need_torch()
    return torch.nn.ModuleList([builder(name)() for name in about.architecture["members"]])


def keep_best(path: str | Path, one: OneSeed, validation: Frames) -> None:
    """Write the networks of the ensemble that is best on the validation frames of a seed."""
    label = best_ensemble(one, validation.truth[:, 0])
    members = [kept(file) for file in one.weights[label]]
    module = need_torch().nn.ModuleList([network for _, network in members])
    about = About(
        STUDY,
        label,
        validation.x.shape[1:],
        architecture={"members": [name for name, _ in members]},
        outputs=("water", "ice"),
        provenance={"seed": one.seed},
    )
    save(path, module, about)


def finish(
    source: str | Path, path: str | Path, limits: Limits, scores: Sequence[Mapping[str, Any]]
) -> None:
    """Write the networks of :func:`keep_best` once more, with limits and scores."""
    module, about = load(source, STUDY, _build)
    provenance = {**about.provenance, "scores": [dict(row) for row in scores]}
    save(path, module, replace(about, preprocessing=limits.as_json(), provenance=provenance))


def read(path: str | Path) -> SavedEnsemble:
    """Read an ensemble.

    Raises
    ------
    DataError
        If it is none of this study, or has no limits.
    """
    module, about = load(path, STUDY, _build)
    with usable_head(path):
        limits = limits_of_json(about.preprocessing)
    return SavedEnsemble(about.name, list(module), limits, about.provenance)


def with_fewer_electrons(known: Known, settings: SegmentationStudy) -> Known:
    """Copies of known frames with as few electrons as the frames of the lowest dose that is tested.

    The domain must not depend on the dose alone: a frame of a lower dose is another question.
    """
    doses = {name: condition.dose for name, condition in settings.conditions.items()}
    least = min(doses[name] for name in settings.tested())
    out = {}
    for name, (counts, movies) in known.items():
        dose = doses[name.rpartition(" ")[2]]
        for k, share in enumerate((least / dose, (least / dose) ** 0.5)):
            if share < 1:
                out[f"{name} x {share:g}"] = thinned(counts, share, k), movies
    return out


def learn_limits(
    known: Known,
    members: Mapping[str, NDArray[Any]],
    asked: Mapping[str, Frames],
    settings: SegmentationStudy,
) -> Limits:
    """Limits from training and validation frames.

    Parameters
    ----------
    known
        Electrons of the frames of training and validation by name, shape (n, size, size), and their
        movies.
    members
        Probabilities by set, shape (members, n, h, w); of the validation frames and their copies.
    """
    counts = np.concatenate([one for one, _ in known.values()])
    movies = [name for _, names in known.values() for name in names]
    check = evaluate.fractions(members[VALIDATION])
    area = settings.pixel_nm**2
    doses = [settings.conditions[name].dose for name in (*settings.tested(), CLEAN)]
    return Limits(
        settings.size,
        settings.pixel_nm,
        (min(doses) * area / MARGIN, max(doses) * area * MARGIN),
        float(asked[VALIDATION].electrons.min()) / MARGIN,
        evaluate.band_factor(*check, evaluate.truth_fraction(asked[VALIDATION])),
        error_by_dose(members, asked, VALIDATION),
        learn_domain(described(counts), list(movies), COMPONENTS),
    )


def table(
    members: Mapping[str, NDArray[Any]],
    asked: Mapping[str, Frames],
    counts: Mapping[str, NDArray[Any]],
    limits: Limits,
    settings: SegmentationStudy,
) -> Iterator[Row]:
    """How good the saved ensemble is on test frames, with 90 % intervals over movies.

    Scores are of all frames of a condition; ``refused`` is the share that the command does not
    answer, ``coverage`` that of the others whose true ice fraction lies in the band.
    """
    for condition, electrons in counts.items():
        frames, own = asked[condition], members[condition]
        weights = evaluate.movie_weights(frames.movie, settings.bootstrap, 0)
        found = evaluate.score(evaluate.scored(own.mean(axis=0), frames.truth[:, 0]), weights)
        refused = is_refused(electrons, limits)
        fraction, spread = evaluate.fractions(own)
        inside = np.abs(fraction - evaluate.truth_fraction(frames)) <= limits.band * evaluate.floor(
            spread
        )
        rest = weights * ~refused
        found[REFUSED] = weights @ refused / weights.sum(axis=1)
        with np.errstate(invalid="ignore"):
            found[COVERAGE] = rest @ inside / rest.sum(axis=1)
        size = {"n_frames": len(frames), "n_movies": len(set(frames.movie))}
        for quantity in ("accuracy", "iou", "ece", COVERAGE, REFUSED):
            yield {
                "condition": condition,
                "quantity": quantity,
                **_interval(found[quantity]),
            } | size


def is_refused(counts: NDArray[Any], limits: Limits) -> NDArray[np.bool_]:
    """Which frames of the size of the networks are not answered, shape (n,)."""
    mean = np.asarray(counts, float).mean(axis=(1, 2))
    few, many = limits.electrons
    return np.asarray((mean < few) | (mean > many) | (limits.outside(counts) > 1))


def _interval(values: Floats) -> dict[str, float]:
    rest = values[1:][np.isfinite(values[1:])]
    lo, hi = np.quantile(rest, [0.05, 0.95]).tolist() if len(rest) else (np.nan, np.nan)
    return {"value": float(values[0]), "lo": lo, "hi": hi}
