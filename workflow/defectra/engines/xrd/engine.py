"""Engine of powder X-ray diffraction (XRD) patterns of ThMn12-type alloys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from defectra.campaign.arrays import ArraySpec
from defectra.campaign.engine import Engine
from defectra.core.errors import EngineError
from defectra.engines.function import FunctionEngine

if TYPE_CHECKING:
    from defectra.core.arrays import Arrays

FRACTIONAL, ORDERED = "fractional", "ordered"  # protocols: mixed occupancies, whole atoms


def patterns(asked: Mapping[str, Any]) -> Arrays:
    """Patterns of contents, see :mod:`defectra.engines.xrd.powder`.

    Parameters
    ----------
    asked
        ``contents`` ([x, y] each), ``form``, ``grid`` (first, last, step), ``width``, ``march``
        (coefficients of preferred orientation), and for ordered supercells ``cells``, ``seed``.
    """
    import numpy as np

    from defectra.engines.xrd.alloy import Contents, mixed, ordered
    from defectra.engines.xrd.powder import Grid, profile, reflections

    if asked["form"] not in (FRACTIONAL, ORDERED):
        raise EngineError("bad_input", f"form {asked['form']!r}: {FRACTIONAL} or {ORDERED}")
    grid, out = Grid(**asked["grid"]), []
    for number, (x, y) in enumerate(asked["contents"]):
        contents = Contents(x, y)
        if asked["form"] == FRACTIONAL:
            structure, units = mixed(contents), 2.0
        else:
            cells = tuple(asked["cells"])
            rng = np.random.default_rng([*asked["seed"], number])
            structure, units = ordered(contents, cells, rng), 2.0 * np.prod(cells)
        found = reflections(structure, grid, units)
        out.append([profile(found, grid, asked["width"], r) for r in asked["march"]])
    return {"intensity": np.asarray(out, dtype=np.float32)}


XRD = FunctionEngine(
    "xrd",
    patterns,
    revision="1",
    arrays=(
        ArraySpec(
            "intensity",
            "electron^2/degree",
            ("pattern", "march", "point"),
            "powder pattern of a formula unit, Cu K alpha 1, no background",
        ),
    ),
    refusals=("not_whole",),
    needs=("pymatgen",),
)
ENGINES: Mapping[str, Engine] = {XRD.ENGINE: XRD}
