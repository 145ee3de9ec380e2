"""The measured-like gap of any composition, and how far beyond the measured compounds it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from defectra.core.records import Split
from defectra.studies.perovskites import descriptors, measured_models
from defectra.studies.perovskites.compounds import SITES, Compound, Shares, fractions
from defectra.studies.perovskites.measured import Measured, Rows, features, steps_below
from defectra.studies.perovskites.measured_models import Trained
from defectra.studies.perovskites.measured_scores import B_OUT, units_of

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
# What an ion without any measured gap is like: the split that left out ions on its site.
_SPLITS = {"A": str(Split.A_OUT), "B": B_OUT, "X": str(Split.X_OUT)}


@dataclass(frozen=True)
class Answer:
    """What is said of compositions, shape (n,) each.

    Attributes
    ----------
    gap, half
        Measured-like gap and half width of its 90 % interval, eV.
    spin_orbit
        Our HSE gap with spin-orbit coupling less that without, eV.
    unseen
        Ions of the composition that no measured compound has.
    """

    gap: Floats
    half: Floats
    spin_orbit: Floats
    unseen: list[str]


@dataclass(frozen=True)
class MeasuredLike:
    """The step to the measured gap, learnt from every measured compound.

    Attributes
    ----------
    trained
        The form that was chosen.
    seen
        By site: whether a measured compound has the ion.
    published, runs, ions
        Rows of the compounds table and of our own calculations; ionic properties.
    """

    trained: Trained
    seen: tuple[Booleans, Booleans, Booleans]
    published: Rows
    runs: Rows
    ions: descriptors.Table

    @classmethod
    def learn(
        cls, compounds: Sequence[Measured], published: Rows, runs: Rows, ions: descriptors.Table
    ) -> MeasuredLike:
        """Choose a form and fit it; disputed compounds are left out."""
        used = [c for c in compounds if not c.disputed]
        shares = [c.shares for c in used]
        x = features(shares, published, runs, ions)
        y = np.array([c.gap for c in used])
        trained = measured_models.best(measured_models.train(x, y, units_of(used)))
        a, b, v = (np.array(part).sum(axis=0) > 0 for part in zip(*shares))
        return cls(trained, (a, b, v), published, runs, ions)

    def of(self, compounds: Sequence[Compound]) -> Answer:
        """Answers about compositions on the grid."""
        a, b, x = fractions(compounds)
        return self.of_shares(list(zip(a, b, x)))

    def of_shares(self, shares: Sequence[Shares]) -> Answer:
        """Answers about any compositions; an interval is as wide as its farthest ion asks for."""
        x = features(shares, self.published, self.runs, self.ions)
        sites = [np.array(part) for part in zip(*shares)]
        gap, half = self.trained.predict(x, str(Split.COMPOSITION_OUT))
        beyond: list[list[str]] = [[] for _ in shares]
        for (site, ions), part, seen in zip(SITES.items(), sites, self.seen):
            new = (part > 0) & ~seen
            far = self.trained.predict(x, _SPLITS[site])[1]
            half = np.where(new.any(axis=1), np.maximum(half, far), half)
            for names, row in zip(beyond, new):
                names += [ion for ion, is_new in zip(ions, row) if is_new]
        spin_orbit = steps_below(shares, self.published, self.runs)["spin_orbit"]
        return Answer(gap, half, spin_orbit, [" ".join(names) for names in beyond])
