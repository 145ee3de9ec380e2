"""The engine of no cost and no physics."""

from __future__ import annotations

from collections.abc import Mapping

from defectra.campaign.engine import Engine
from defectra.engines.spectrum import SpectrumEngine
from defectra.engines.synthetic import run

ENGINES: Mapping[str, Engine] = {run.ENGINE: SpectrumEngine(run)}
