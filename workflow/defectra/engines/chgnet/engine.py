"""Relaxed geometries by CHGNet, as an engine."""

from __future__ import annotations

from collections.abc import Mapping

from defectra.campaign.engine import Engine
from defectra.engines.chgnet.run import engine_version, relax
from defectra.engines.relaxation import Relaxations

RELAXATIONS = Relaxations("chgnet", "CHGNet", relax, engine_version)
ENGINES: Mapping[str, Engine] = {RELAXATIONS.ENGINE: RELAXATIONS}
