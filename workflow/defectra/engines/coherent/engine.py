"""Moving samples seen by coherent scattering, as an engine."""

from __future__ import annotations

from collections.abc import Mapping

from defectra.campaign.arrays import ArraySpec
from defectra.campaign.engine import Engine
from defectra.core.arrays import Arrays
from defectra.engines.function import FunctionEngine


def compute(asked: Mapping[str, object]) -> Arrays:
    """Arrays of one series; see :func:`defectra.engines.coherent.simulate.simulate`."""
    from defectra.engines.coherent.simulate import simulate

    return simulate(asked)


COHERENT = FunctionEngine(
    "coherent",
    compute,
    revision="1",
    arrays=(
        ArraySpec(
            "counts",
            "photons; of no noise the intensity, its largest value 1",
            ("time", "q_y", "q_x"),
            "patterns of the observed times, zero behind the beam stop",
        ),
        ArraySpec(
            "state",
            "rad for angles, else the unit of length of the study",
            ("time", "variable"),
            "state at the observed times, then at the later ones",
            dtype="float64",
        ),
        ArraySpec(
            "scatterers",
            "the unit of length of the study",
            ("scatterer", "axis"),
            "places (x, y) at the first observed time",
            dtype="float64",
        ),
        ArraySpec(
            "scale",
            "photons for an intensity of 1",
            ("series",),
            "expected counts of an intensity of 1",
            dtype="float64",
        ),
    ),
    refusals=("no_trajectory", "unknown_system"),
)
ENGINES: Mapping[str, Engine] = {COHERENT.ENGINE: COHERENT}
