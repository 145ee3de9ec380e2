"""Engines of coherent scattering by disks: patterns, and their statistics in rings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from defectra.campaign.arrays import ArraySpec
from defectra.campaign.engine import Engine
from defectra.core.errors import EngineError
from defectra.engines.function import FunctionEngine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from defectra.core.arrays import Arrays
    from defectra.engines.speckle.scattering import Detector

    Floats = NDArray[np.float64]

ANALYTIC, PIXEL = "analytic", "pixel"  # protocols: form factor, mask of pixels
REVISION = "1"


def detector_of(asked: Mapping[str, Any]) -> Detector:
    """Detector of an input."""
    from defectra.engines.speckle.scattering import Detector

    return Detector(**asked["detector"])


def configurations(asked: Mapping[str, Any]) -> Iterator[tuple[Floats, Floats]]:
    """Centres, shape (disks, 2), and radii, shape (disks,), of each pattern of an input, pixels."""
    import numpy as np

    from defectra.engines.speckle.placement import place, polydisperse_radii

    rng = np.random.default_rng(asked["seed"])
    box = {name: float(asked[name]) for name in ("box", "margin", "gap")}
    for _ in range(asked["count"]):
        if "radii" in asked:
            radii = np.asarray(asked["radii"], dtype=np.float64)
        else:
            drawn = asked["drawn"]
            radii = polydisperse_radii(
                drawn["number"], drawn["mean"], drawn["spread"], drawn["area"], rng
            )
        yield place(radii, **box, rng=rng), radii


def _intensities(asked: Mapping[str, Any]) -> Iterator[Floats]:
    from defectra.engines.speckle.scattering import analytic_intensity, pixel_intensity

    known = {ANALYTIC: analytic_intensity, PIXEL: pixel_intensity}
    if asked["form"] not in known:
        raise EngineError("bad_input", f"form {asked['form']!r}; known: {', '.join(known)}")
    detector = detector_of(asked)
    for centres, radii in configurations(asked):
        yield known[asked["form"]](centres, radii, detector)


def patterns(asked: Mapping[str, Any]) -> Arrays:
    """Upper halves of patterns, see :mod:`defectra.engines.speckle.scattering`."""
    import numpy as np

    return {"intensity": np.stack([i.astype(np.float32) for i in _intensities(asked)])}


def ring_statistics(asked: Mapping[str, Any]) -> Arrays:
    """Rings of each pattern, see :mod:`defectra.engines.speckle.rings`."""
    import numpy as np

    from defectra.engines.speckle.rings import rings_of
    from defectra.engines.speckle.scattering import whole

    found = [rings_of(whole(upper)) for upper in _intensities(asked)]
    return {
        "mean": np.stack([r.mean for r in found]).astype(np.float32),
        "contrast": np.stack([r.contrast for r in found]).astype(np.float32),
        "first_moment": np.array([r.first_moment for r in found]),
    }


PATTERNS = FunctionEngine(
    "speckle",
    patterns,
    revision=REVISION,
    arrays=(
        ArraySpec(
            "intensity",
            "pixel^4",
            ("pattern", "row", "column"),
            "squared modulus of the Fourier transform of the mask, rows from the direct beam on",
        ),
    ),
    refusals=("no_room",),
    needs=("scipy",),
)
RINGS = FunctionEngine(
    "speckle_rings",
    ring_statistics,
    revision=REVISION,
    arrays=(
        ArraySpec("mean", "pixel^4", ("pattern", "ring"), "mean intensity of a ring"),
        ArraySpec("contrast", "", ("pattern", "ring"), "standard deviation over mean of a ring"),
        ArraySpec("first_moment", "pixel", ("pattern",), "mean distance", dtype="float64"),
    ),
    refusals=("no_room",),
    needs=("scipy",),
)
ENGINES: Mapping[str, Engine] = {engine.ENGINE: engine for engine in (PATTERNS, RINGS)}
