"""Colours of figures: distinguished by colour-blind readers, and no others used by a study."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from defectra.core.paths import PACKAGE
from defectra.figures import style

# Full dichromacy in linear RGB: Machado, Oliveira, Fernandes,
# IEEE Trans. Vis. Comput. Graph. 15, 1291 (2009).
BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip
TO_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
          [0.0193339, 0.1191920, 0.9503041]]  # fmt: skip
WHITE = np.array([0.95047, 1.0, 1.08883])
# Difference in CIELAB; 2.3 is just noticed side by side, lines and marks need several times that.
APART = 12.0
NAMES = ("BLUE", "ORANGE", "GREEN", "RED", "PURPLE", "SKY", "GREY", "BLACK")
UNFIT = ("jet", "rainbow", "hsv", "turbo", "gist_rainbow", "nipy_spectral", "RdYlGn", "Spectral")


def lab(colour: str, blind: str | None = None) -> np.ndarray:
    """CIELAB of #rrggbb, as somebody with this blindness sees it."""
    code = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    if blind:
        linear = np.clip(np.array(BLIND[blind]) @ linear, 0, 1)
    x, y, z = np.cbrt(np.maximum(np.array(TO_XYZ) @ linear / WHITE, 1e-9))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(one: str, other: str, blind: str | None = None) -> float:
    return float(np.linalg.norm(lab(one, blind) - lab(other, blind)))


@pytest.mark.parametrize("blind", [None, *BLIND])
def test_colours_of_figures_are_told_apart(blind):
    colours = {name: getattr(style, name) for name in NAMES}
    near = {
        (a, b): round(apart(x, y, blind), 1)
        for (a, x), (b, y) in itertools.combinations(colours.items(), 2)
        if apart(x, y, blind) < APART
    }
    assert not near


def test_a_red_and_a_green_of_one_lightness_are_not():
    assert apart("#c04040", "#6b7a2a") > 4 * APART
    assert apart("#c04040", "#6b7a2a", "deuteranopia") < APART


def used(pattern: str) -> dict[str, list[str]]:
    """What files of figures say."""
    files = (PACKAGE / "studies").glob("*/figures/*.py")
    found = {str(p.relative_to(PACKAGE)): re.findall(pattern, p.read_text()) for p in files}
    return {name: words for name, words in found.items() if words}


def test_no_study_uses_a_map_that_colour_blind_readers_misread():
    assert len(list(Path(PACKAGE / "studies").glob("*/figures/*.py"))) > 20
    assert used(r'(?:cmap=|colormaps\[)"\w+"')
    assert not used(rf'"(?:{"|".join(UNFIT)})(?:_r)?"')


def test_no_study_names_a_red_or_a_green_of_its_own():
    assert not used(r'colou?r="(?:red|green|lime|tab:red|tab:green|C[0-9])"')
