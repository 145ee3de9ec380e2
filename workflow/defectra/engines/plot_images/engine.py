"""The engine of pictures of plots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from defectra.campaign.arrays import ArraySpec
from defectra.campaign.engine import Engine
from defectra.engines.function import FunctionEngine


def compute(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Plots as :func:`defectra.engines.plot_images.render.render` draws them."""
    from defectra.engines.plot_images.render import render

    return render(asked)


PLOTS = FunctionEngine(
    "plot_images",
    compute,
    revision="1",
    arrays=(
        ArraySpec("image", "1", ("plot", "y", "x", "colour"), "picture, 0 to 255", "uint8"),
        ArraySpec("box", "pixel", ("plot", "side"), "left, top, right, bottom", "float64"),
        ArraySpec("line", "pixel", ("plot", "line", "x"), "y of each line", missing=True),
        ArraySpec("x_scale", "eV", ("plot", "term"), "value = a + b pixel", "float64"),
        ArraySpec("y_scale", "1", ("plot", "term"), "value = a + b pixel", "float64"),
        ArraySpec("style", "1", ("plot", "flag"), "one colour, rough, all spines", "uint8"),
    ),
    needs=("matplotlib",),
)
ENGINES: Mapping[str, Engine] = {PLOTS.ENGINE: PLOTS}
