"""Relaxed geometries by SevenNet, as an engine: a second potential beside CHGNet."""

from __future__ import annotations

from collections.abc import Mapping

from defectra.campaign.engine import Engine
from defectra.engines.relaxation import Relaxations
from defectra.engines.sevennet.run import engine_version, relax

RELAXATIONS = Relaxations("sevennet", "SevenNet", relax, engine_version)
ENGINES: Mapping[str, Engine] = {RELAXATIONS.ENGINE: RELAXATIONS}
