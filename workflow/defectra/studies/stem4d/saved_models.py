"""Networks of study `stem4d` as files, and what is asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from defectra.core.errors import DataError
from defectra.core.store import made
from defectra.learn.saved_network import About, head_of, load, save, usable_head
from defectra.studies.stem4d.finder import QUIET, Finder, Rings, network_of
from defectra.studies.stem4d.measures import Odds
from defectra.studies.stem4d.networks import Turning
from defectra.studies.stem4d.pattern_file import reach
from defectra.studies.stem4d.polar import Standard
from defectra.studies.stem4d.scans import CELLS, OPERATIONS, SITES, Scan
from defectra.studies.stem4d.settings import Stem4dStudy
from defectra.studies.stem4d.vacancies import Judged

Floats = NDArray[np.float64]
STUDY, SITE, VACANCY = "stem4d", "site", "vacancy"
FAMILIAR = 0.99  # quantile of the misfits of the training patterns
# Sites that are turned images of each other: what does not see rotations cannot distinguish them.
SAME = {("graphene", "A"): "A or B", ("graphene", "B"): "A or B"}


@dataclass(frozen=True)
class SavedSites:
    """A network of one perfect cell, with the latent variables of its places.

    Attributes
    ----------
    values, places
        Latent variables (n, l) and places (n, 2), Å from the first site, of the training patterns.
    largest
        Misfit that the training patterns do not exceed.
    """

    sample: str
    study: Stem4dStudy
    module: Any
    rings: Rings
    step: Floats
    values: Floats
    places: Floats
    largest: float

    def ask(self, pattern: Floats) -> tuple[int, float, float]:
        """Number of the place that is nearest in the latent variables, angle (rad), misfit."""
        rings = self.rings.clean(pattern[None])
        values, angle, misfit = asked(self.module, rings)
        away = ((self.values - values[0]) ** 2).sum(1)
        return int(away.argmin()), float(angle[0]), float(misfit[0])

    def nearest_site(self, number: int) -> tuple[str, float]:
        """Site, or one that is equivalent by a rotation, that a place is nearest to; how far, Å."""
        cell, (turn, _) = CELLS[self.sample], OPERATIONS[self.sample]
        shifts = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)], float)
        found = {}
        for site, fractional in SITES[self.sample].items():
            turned = np.array([np.linalg.matrix_power(turn, k) for k in range(4)])
            alike = (np.array(fractional) @ turned) % 1.0
            every = (alike[:, None] + shifts).reshape(-1, 2) @ cell
            found[site] = float(np.hypot(*(every - self.places[number]).T).min())
        name = min(found, key=lambda s: found[s])
        return SAME.get((self.sample, name), name), found[name]


@dataclass(frozen=True)
class SavedVacancy:
    """A network that is given counts, with a classifier for each dose.

    Attributes
    ----------
    doses
        Electrons of a pattern, falling; at each a classifier and the area under its curve on a
        vacancy that it did not learn from, at the same place of the same sheet.
    """

    study: Stem4dStudy
    finder: Finder
    step: Floats
    doses: Sequence[tuple[float, Odds, float]]

    def ask(self, pattern: Floats) -> tuple[float, float, float]:
        """Probability that an atom is missing, dose of the classifier, area under its curve.

        Raises
        ------
        DataError
            Of fewer electrons than the classifiers know, or on other rings than theirs.
        """
        total = float(pattern.sum())
        away, allowed = self.finder.strangeness(pattern)
        if away > allowed:
            raise DataError(
                f"{100 * away:.1f} % of the electrons lie on other rings than those of graphene "
                f"with or without a vacancy, at most {100 * allowed:.1f} % at this dose: a "
                f"background, another sample or values that are no counts"
            )
        known = [d for d in self.doses if d[0] <= 1.2 * total]
        if not known:
            least = min(d[0] for d in self.doses)
            raise DataError(f"{total:.0f} electrons; the model needs {least:.0f} at least")
        dose, odds, area = max(known, key=lambda d: d[0])
        values, _ = self.finder.latents(pattern[None], quiet=False)
        return float(1 / (1 + np.exp(-odds(values)[0]))), dose, area


def asked(module: Any, rings: NDArray[np.float32]) -> tuple[Floats, Floats, Floats]:
    """Latent variables (n, l), angles and misfits (n,) of standardised rings."""
    given = torch.from_numpy(rings)
    with torch.no_grad():
        values, angle = module.latents(given)
        back = module.decode(values, angle)
        misfit = ((back - given.flatten(1)) ** 2).mean(1).sqrt()
    return tuple(v.numpy().astype(float) for v in (values, angle, misfit))


def _about(name: str, rings: Rings, study: Stem4dStudy, step: Floats, **more: Any) -> About:
    preprocessing = {
        "study": study.model_dump(mode="json"),
        "step": step.tolist(),
        "mean": rings.standard.mean.ravel().tolist(),
        "spread": rings.standard.spread,
        **more,
    }
    return About(STUDY, name, rings.shape, preprocessing)


def keep_sites(
    path: str | Path, module: Any, scan: Scan, places: Floats, study: Stem4dStudy
) -> None:
    """Write a network of one perfect cell.

    Parameters
    ----------
    places
        Å from the first site, shape (n, 2).
    """
    rings = Rings.of(scan.patterns, scan.step, study)
    values, _, misfit = asked(module, rings.clean(scan.patterns))
    about = _about(
        SITE, rings, study, scan.step, sample=scan.sample, values=values.tolist(),
        places=places.tolist(), largest_misfit=float(np.quantile(misfit, FAMILIAR)),
    )  # fmt: skip
    made(Path(path).parent)
    save(path, module, about)


def keep_vacancy(
    path: str | Path, finder: Finder, every: Sequence[Judged], scan: Scan, study: Stem4dStudy
) -> None:
    """Write a network that is given counts, with its classifiers."""
    doses = [
        {
            "dose": j.dose,
            "mean": j.odds.mean.tolist(),
            "scale": j.odds.scale.tolist(),
            "weights": j.odds.weights.tolist(),
            "area": j.area,
        }
        for j in every
        if j.dose < QUIET
    ]  # fmt: skip
    about = _about(VACANCY, finder.rings, study, scan.step, doses=doses)
    made(Path(path).parent)
    save(path, finder.module, about)


def read(path: str | Path) -> SavedSites | SavedVacancy:
    """Read a network.

    Raises
    ------
    DataError
        If the file is none of this study.
    """
    name = head_of(path).name
    module, about = load(path, STUDY, _build, name)
    with usable_head(path):
        return _found(module, about)


def _found(module: Any, about: About) -> SavedSites | SavedVacancy:
    """A network with what its head says."""
    own: Any = about.preprocessing
    study, step = Stem4dStudy(**own["study"]), np.array(own["step"], float)
    empty = np.zeros((1, *(2 * k + 1 for k in reach(study.microscope, step))))
    standard = Standard(np.array(own["mean"], float)[None, :, None], own["spread"])
    rings = Rings(Rings.of(empty, step, study).weights, standard, about.input_shape)  # type: ignore[arg-type]
    if about.name == SITE:
        values, places = (np.array(own[k], float) for k in ("values", "places"))
        return SavedSites(
            own["sample"], study, module, rings, step, values, places, own["largest_misfit"]
        )
    doses = [
        (d["dose"], Odds(*(np.array(d[k], float) for k in ("mean", "scale", "weights"))), d["area"])
        for d in own["doses"]
    ]
    return SavedVacancy(study, Finder(module, rings), step, doses)


def _build(about: About) -> Turning:
    own: Any = about.preprocessing
    study = Stem4dStudy(**own["study"])
    return network_of(study) if about.name == VACANCY else Turning(study.polar, study.network)
