"""Pictures that nobody prepared, given to the command: no bicrystal is found in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from defectra.cli.main import main
from defectra.studies.registration.cells import TWIN
from defectra.studies.registration.predict import save_cell

Y, X = np.mgrid[:200, :240]


def photograph(rng: np.random.Generator) -> np.ndarray:
    """Smooth light, the edge of a thing, and grain."""
    light = 110 + 60 * np.sin(X / 31) * np.cos(Y / 47) - 70 * (np.hypot(X - 90, Y - 110) < 50)
    return light + rng.normal(0, 6, light.shape)


def page(rng: np.random.Generator) -> np.ndarray:
    """Lines of dark marks of different widths, a line every twelve pixels."""
    paper = np.full(X.shape, 225.0)
    for row in range(10, 190, 12):
        column = 12
        while column < 225:
            width = int(rng.integers(1, 7))
            paper[row : row + 7, column : column + width] = 40
            column += width + int(rng.integers(2, 6))
    return paper


@pytest.mark.parametrize("draw", [photograph, page])
def test_no_bicrystal_is_found_in_a_picture_of_something_else(
    draw: Callable[[np.random.Generator], np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save_cell(tmp_path / "twin.npz", TWIN)
    values = np.clip(draw(np.random.default_rng(4)), 0, 250).astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "picture.png")
    words = [str(tmp_path / "twin.npz"), str(tmp_path / "picture.png"), "--option", "pixel=0.2"]
    assert main(["predict", *words]) == 1
    said = capsys.readouterr().out
    assert "picture.png: the bicrystal was not found: " in said


def test_a_colour_photograph_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_cell(tmp_path / "twin.npz", TWIN)
    rng = np.random.default_rng(5)
    colours = np.stack([photograph(rng), 0.7 * photograph(rng), page(rng)], axis=2)
    Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8)).save(tmp_path / "picture.png")
    words = [str(tmp_path / "twin.npz"), str(tmp_path / "picture.png"), "--option", "pixel=0.2"]
    assert main(["predict", *words]) == 1
    assert "coloured" in capsys.readouterr().out
