"""What all parts of the evaluation of the blocks share: arms, settings, seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from defectra.core.settings import ModelSettings
from defectra.learn.edges_model import DRAWS
from defectra.studies.nmc.blocks.arms import Arms
from defectra.studies.nmc.blocks.models import KERNEL, Asked, Held, hold_out
from defectra.studies.nmc.blocks.scores import Bootstrap, Sheet


@dataclass(frozen=True)
class Runner:
    """Arms, settings and seed that all parts share."""

    arms: Arms
    settings: ModelSettings
    seed: int

    @property
    def bootstrap(self) -> Bootstrap:
        """Resamples of the blocks."""
        return Bootstrap.of(self.arms, self.settings.bootstrap, self.seed)

    def held(self, **asked: Any) -> Held:
        """Held-out answers."""
        wanted = {"seed": self.seed, "repeats": self.settings.repeats} | asked
        return hold_out(self.arms, Asked(**wanted), self.settings.folds)

    def averaged(self) -> Held:
        """Held-out answers of what is saved, for every subset of the edges."""
        subsets = self.arms.subsets()
        return self.held(kernels=(KERNEL,), components=(), subsets=subsets, repeats=1, draws=DRAWS)

    def sheet(self, held: Held) -> Sheet:
        """Maker of rows."""
        return Sheet(self.arms, held, self.bootstrap, self.seed)
