"""Engines of no cost, for tests and as an example: curves, and patterns of one disc."""

from __future__ import annotations

from collections.abc import Mapping

from defectra.campaign.engine import Engine
from defectra.engines.spectrum import SpectrumEngine
from defectra.engines.synthetic import patterns, run

ENGINES: Mapping[str, Engine] = {
    run.ENGINE: SpectrumEngine(run),
    patterns.NAME: patterns.ENGINE,
}
