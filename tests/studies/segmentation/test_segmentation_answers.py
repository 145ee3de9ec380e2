"""Study `segmentation`: what is said of a frame whose mask and mean probability differ."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from defectra.studies.segmentation.predict import Segmented, answer


@pytest.mark.parametrize(("probability", "share"), [(0.3, 0.0), (0.6, 1.0)])
def test_the_fraction_of_the_band_is_not_called_that_of_the_mask(
    probability: float, share: float
) -> None:
    """Everywhere equally unsure: the mask holds no ice, or nothing else."""
    known: Any = SimpleNamespace(
        limits=SimpleNamespace(error=None, band=SimpleNamespace(usual_reach=0.5))
    )
    found = Segmented(np.full((3, 48, 48), probability), (-0.1, 0.2))
    said = answer("f.npy", np.ones((48, 48)), found, known, Path("f_ice.png"))
    ends = f"truth {probability - 0.1:.3f} to {probability + 0.2:.3f}"
    assert f"{probability:.3f} by the mean probability ({share:.3f} of the mask" in said.sentence
    assert ends in said.sentence
    assert said.certain
