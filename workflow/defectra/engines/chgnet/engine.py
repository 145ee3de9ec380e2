"""Relaxed geometries by CHGNet, as an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from defectra.campaign.engine import Engine
from defectra.engines.chgnet.settings import ChgnetProtocol
from defectra.engines.relaxation import Relaxations


def _relax(
    row: Mapping[str, Any], name: str, protocol: ChgnetProtocol, start: dict[str, Any], /
) -> dict[str, Any]:
    from defectra.engines.chgnet.run import relax

    return relax(row, name, protocol, start)


def _version() -> str:
    from defectra.engines.chgnet.run import engine_version

    return engine_version()


RELAXATIONS = Relaxations("chgnet", "CHGNet", _relax, _version)
ENGINES: Mapping[str, Engine] = {RELAXATIONS.ENGINE: RELAXATIONS}
