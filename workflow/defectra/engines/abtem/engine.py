"""Four-dimensional STEM by abTEM, as an engine."""

from __future__ import annotations

from collections.abc import Mapping

from defectra.campaign.arrays import ArraySpec
from defectra.campaign.engine import Engine
from defectra.core.arrays import Arrays
from defectra.engines.function import FunctionEngine


def compute(asked: Mapping[str, object]) -> Arrays:
    """Arrays of one scan; see :func:`defectra.engines.abtem.simulate.simulate`."""
    from defectra.engines.abtem.simulate import simulate

    return simulate(asked)


ABTEM = FunctionEngine(
    "abtem",
    compute,
    revision="1",
    arrays=(
        ArraySpec(
            "patterns",
            "electrons; without noise the share of the beam",
            ("place", "k_y", "k_x"),
            "diffraction patterns, the undiffracted beam in pixel size // 2",
        ),
        ArraySpec("places", "Å", ("place", "axis"), "places of the probe (x, y)", dtype="float64"),
        ArraySpec(
            "atoms",
            "Å; the last column is the atomic number",
            ("atom", "axis"),
            "x, y, z of each atom, then its atomic number",
            dtype="float64",
        ),
        ArraySpec("step", "mrad", ("axis",), "size of a pixel (k_y, k_x)", dtype="float64"),
    ),
    refusals=("unknown_sample", "relaxation_failed", "outside"),
    needs=("abtem", "torch"),
)
ENGINES: Mapping[str, Engine] = {ABTEM.ENGINE: ABTEM}
