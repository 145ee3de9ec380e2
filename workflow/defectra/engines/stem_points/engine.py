"""Engines of images of bicrystals: bright points, and abTEM's multislice of the same atoms.

HAADF: high-angle annular dark field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.campaign.arrays import ArraySpec
from defectra.core.errors import EngineError
from defectra.engines.function import FunctionEngine
from defectra.engines.stem_points.columns import columns_of_json
from defectra.engines.stem_points.frame import NAMES, Pose, render
from defectra.engines.stem_points.multislice import scanned

NAME, MULTISLICE = "stem_points", "stem_points_multislice"
IMAGE = "image"


def compute(asked: Mapping[str, Any]) -> dict[str, NDArray[np.generic]]:
    """A counted image of a bicrystal.

    Parameters
    ----------
    asked
        ``columns`` (JSON of :class:`~defectra.engines.stem_points.columns.Columns`), ``pose``
        (numbers by name), ``shape`` (rows, columns), ``electrons`` in a mean pixel (0: no noise),
        ``background`` (of the brightness of a mean column), ``gradient`` (relative change of the
        brightness from left to right), ``seed``.
    """
    columns = columns_of_json(asked["columns"])
    pose = Pose(**{name: float(asked["pose"][name]) for name in NAMES})
    rows, cols = asked["shape"]
    image = render(columns, pose, (rows, cols)) + asked["background"]
    image = image * (1 + asked["gradient"] * np.linspace(-0.5, 0.5, cols))
    if not image.min() >= 0 or not image.max() > 0:
        raise EngineError("no_image", "no column is seen, or the brightness is negative")
    if asked["electrons"]:
        rate = image * asked["electrons"] / image.mean()
        image = np.random.default_rng(asked["seed"]).poisson(rate).astype(float)
    return {IMAGE: image[None].astype(np.float32)}


_SPEC = (ArraySpec(IMAGE, "counts", ("image", "row", "column"), "HAADF intensity"),)
POINTS = FunctionEngine(
    NAME,
    compute,
    revision="1",
    arrays=_SPEC,
    refusals=("no_image", "bad_columns"),
)
ATOMS = FunctionEngine(
    MULTISLICE,
    scanned,
    revision="1",
    arrays=(ArraySpec(IMAGE, "share of the beam", ("image", "row", "column"), "HAADF intensity"),),
    refusals=("bad_cell",),
    needs=("abtem",),
)
ENGINES = {POINTS.ENGINE: POINTS, ATOMS.ENGINE: ATOMS}
