"""Study `stem4d`: which site of a cell an answer names."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from defectra.studies.stem4d.saved_models import SavedSites
from defectra.studies.stem4d.scans import CELLS
from defectra.studies.stem4d.settings import Stem4dStudy


@pytest.mark.parametrize(
    ("sample", "fractional", "site"),
    [
        ("gallium_arsenide", (0.0, 0.5), "between"),  # (0.5, 0) turned by a quarter
        ("gallium_arsenide", (0.5, 0.0), "between"),
        ("gallium_arsenide", (0.5, 0.5), "As"),
        ("graphene", (1 / 3, 1 / 3), "hollow"),
        ("graphene", (0.0, 0.0), "A or B"),
        ("graphene", (2 / 3, 2 / 3), "A or B"),
    ],
)
def test_a_place_is_named_by_its_site_or_a_turned_one(
    sample: str, fractional: tuple[float, float], site: str
) -> None:
    none, place = np.empty(0), np.array([fractional]) @ CELLS[sample]
    known = SavedSites(sample, Stem4dStudy(), None, None, none, none, place, 0.0)  # type: ignore[arg-type]
    name, away = known.nearest_site(0)
    assert (name, away) == (site, pytest.approx(0, abs=1e-6))
