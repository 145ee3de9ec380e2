"""Relaxed geometries by SevenNet, as an engine: a second potential beside CHGNet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from defectra.campaign.engine import Engine
from defectra.engines.relaxation import Relaxations
from defectra.engines.sevennet.settings import SevennetProtocol


def _relax(
    row: Mapping[str, Any], name: str, protocol: SevennetProtocol, start: dict[str, Any], /
) -> dict[str, Any]:
    from defectra.engines.sevennet.run import relax

    return relax(row, name, protocol, start)


def _version() -> str:
    from defectra.engines.sevennet.run import engine_version

    return engine_version()


RELAXATIONS = Relaxations("sevennet", "SevenNet", _relax, _version)
ENGINES: Mapping[str, Engine] = {RELAXATIONS.ENGINE: RELAXATIONS}
