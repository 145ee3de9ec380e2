"""The best ensemble as one file, with what is needed to doubt its answer to a user's frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.saved import Domain, learn_domain
from defectra.learn.saved_network import About, load, save, usable_head
from defectra.learn.torch_library import need_torch
from defectra.studies.segmentation.calibrated_error import (
    CalibratedError,
    calibrated_error_of_json,
)
from defectra.studies.segmentation.data import Frames, channels
from defectra.studies.segmentation.ensembles import OneSeed, best_ensemble
from defectra.studies.segmentation.familiar import COMPONENTS, described
from defectra.studies.segmentation.fraction_band import FractionBand, fraction_band_of_json
from defectra.studies.segmentation.members import STUDY, kept, probabilities
from defectra.studies.segmentation.networks import builder
from defectra.studies.segmentation.settings import SegmentationStudy
from defectra.studies.segmentation.thinned import thinned

Floats = NDArray[np.float64]
MARGIN = 1.25  # of the electrons: a frame is brighter at one side than at the other
Known = Mapping[
    str, tuple[NDArray[Any], Sequence[str]]
]  # electrons and movies, by use and condition


@dataclass(frozen=True)
class Limits:
    """What the answers of an ensemble hold for.

    Attributes
    ----------
    size, pixel_nm
        Pixels of a frame each way, and their size.
    electrons
        Fewest and most in a mean pixel.
    band
        Of the ice fraction, 90 %.
    error
        Of calibration frames by their electrons; None of older models, whose error came from the
        frames that had chosen the ensemble.
    domain
        Of the descriptions of frames.
    """

    size: int
    pixel_nm: float
    electrons: tuple[float, float]
    band: FractionBand
    error: CalibratedError | None
    domain: Domain

    def outside(self, counts: NDArray[np.floating]) -> Floats:
        """How far each frame lies outside of what the networks know; above 1 is outside."""
        return self.domain.outside(described(counts))

    def as_json(self) -> dict[str, Any]:
        """Plain values for the head of a file."""
        plain = asdict(self)
        plain["band"] = self.band.as_json()
        plain["domain"] |= {k: getattr(self.domain, k).tolist() for k in ("mean", "axes", "spread")}
        plain["error"] = self.error.as_json() if self.error else None
        return plain


def limits_of_json(plain: Mapping[str, Any]) -> Limits:
    """The inverse of :meth:`Limits.as_json`."""
    domain = plain["domain"]
    few, many = map(float, plain["electrons"])
    return Limits(
        int(plain["size"]),
        float(plain["pixel_nm"]),
        (few, many),
        fraction_band_of_json(plain["band"]),
        calibrated_error_of_json(plain.get("error")),
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
        return _asked(self.modules, counts)


def _asked(modules: Iterable[Any], counts: NDArray[np.floating]) -> NDArray[np.float32]:
    x = channels(counts)
    return np.stack([probabilities(module, x) for module in modules])


def ask_kept(path: str | Path, counts: NDArray[np.floating]) -> NDArray[np.float32]:
    """What the networks of :func:`keep_best` answer, as :meth:`SavedEnsemble.ask`."""
    return _asked(load(path, STUDY, _build)[0], counts)


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
    least, _ = settings.doses()
    out = {}
    for name, (counts, movies) in known.items():
        dose = doses[name.rpartition(" ")[2]]
        for k, share in enumerate((least / dose, (least / dose) ** 0.5)):
            if share < 1:
                out[f"{name} x {share:g}"] = thinned(counts, share, k), movies
    return out


def learn_limits(
    known: Known,
    band: FractionBand,
    error: CalibratedError,
    settings: SegmentationStudy,
) -> Limits:
    """Limits from training and validation frames.

    Parameters
    ----------
    known
        Electrons of the frames of training and validation by name, shape (n, size, size), and their
        movies.
    band, error
        Of the ice fraction and of the pixels, from the calibration frames.
    """
    counts = np.concatenate([one for one, _ in known.values()])
    movies = [name for _, names in known.values() for name in names]
    area = settings.pixel_nm**2
    few, many = settings.doses()
    return Limits(
        settings.size,
        settings.pixel_nm,
        (few * area / MARGIN, many * area * MARGIN),
        band,
        error,
        learn_domain(described(counts), list(movies), COMPONENTS),
    )
