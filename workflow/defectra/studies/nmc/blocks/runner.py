"""What all parts of the evaluation of the blocks share: arms, settings, seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from defectra.core.settings import ModelSettings
from defectra.learn.edges_model import DRAWS
from defectra.studies.nmc.blocks.arms import Arms
from defectra.studies.nmc.blocks.models import KERNEL, Asked, Held, Key, hold_out
from defectra.studies.nmc.blocks.scores import Bootstrap, Sheet

BETWEEN = 2  # models whose answers are averaged for other subsets than single edges and all


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
        """Held-out answers of what is saved, for every subset of the edges.

        Subsets between single edges and all of them are averaged over `BETWEEN` models, not over
        :data:`DRAWS` as what is saved: their errors come out a little too large, for a fraction of
        the time.
        """
        ends = self.arms.ends()
        between = [s for s in self.arms.subsets() if s not in ends]
        once = {"kernels": (KERNEL,), "components": (), "repeats": 1}
        held = self.held(**once, subsets=ends, draws=DRAWS)
        if between:
            more = self.held(**once, subsets=between, draws=BETWEEN).answers
            found = held.answers | more
            held.answers = {key: found[key] for key in sorted(found, key=self._place)}
        return held

    def _place(self, key: Key) -> tuple[str, int]:
        return key[0], self.arms.subsets().index(key[1])

    def sheet(self, held: Held) -> Sheet:
        """Maker of rows."""
        return Sheet(self.arms, held, self.bootstrap, self.seed)
