"""The authors' example: compared with a person's reading, missing without the mirror."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2", reason="make instruments")
from defectra.core.datasets import locate
from defectra.core.paths import PROJECT
from defectra.images.digitise.picture import picture, read_picture
from defectra.studies.plots import example
from defectra.studies.plots.scorecard import checks
from defectra.studies.plots.settings import CLICKED, PICTURE

tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="no tesseract on PATH")


def verdicts(rows: list[dict]) -> dict[str, tuple[str, str]]:
    """Verdict and text of the checks of the example."""
    found = checks([], rows, 10.0)
    return {
        str(c["check_id"]): (str(c["verdict"]), str(c["check"]))
        for c in found
        if str(c["check_id"]).startswith("example_")
    }


@tesseract
def test_the_authors_example_beside_what_a_person_reads(mirror: Path) -> None:
    image = read_picture(locate(PICTURE, mirror))
    rows, lines = example.compared(image, example.clicked(PROJECT / CLICKED))
    assert example.of_kind(rows, example.X_NUMBER).max() < 1.0
    assert example.of_kind(rows, example.Y_NUMBER).max() < 1.0
    assert example.lines_found(rows, 10.0) == 4
    assert {line["line"] for line in lines} == {1, 2, 3, 4}
    read = example.of_kind(rows, example.POINT)
    assert np.nanmax(read) < 10.0, "no point is read at a wrong height"
    assert verdicts(rows)["example_lines"][0] == "holds"


def test_a_wrong_reading_is_seen() -> None:
    """A person who sees the lines and numbers elsewhere is contradicted."""
    rows = [
        {"kind": kind, "line": 1.0, "value": 1.0, "column": 5.0, "row": 5.0, "away_px": away,
         "refusal": ""}
        for kind, away in (("x number", 3.0), ("y number", 0.2), ("point", 40.0), ("point", 2.0))
    ]  # fmt: skip
    found = {name: verdict for name, (verdict, _) in verdicts(rows).items()}
    assert found == {
        "example_lines": "fails",
        "example_points": "fails",
        "example_energies": "fails",
        "example_intensities": "holds",
    }


def test_a_picture_that_is_refused_is_told() -> None:
    person = example.clicked(PROJECT / CLICKED)
    rows, lines = example.compared(picture(np.full((200, 300, 3), 255.0)), person)
    assert lines == []
    assert len(rows) == len(person)
    found = verdicts(rows)
    assert found["example_lines"][0] == "fails"
    assert "no frame" in found["example_energies"][1]


def test_without_the_mirror_the_checks_say_so() -> None:
    found = verdicts([])
    assert found
    for verdict, text in found.values():
        assert verdict == "open"
        assert "MIRROR=FOLDER" in text


def test_half_of_a_line_is_needed() -> None:
    def line(away: list[float]) -> list[dict]:
        return [{"kind": "point", "line": 1.0, "away_px": one} for one in away]

    nan = float("nan")
    assert example.lines_found(line([1.0, 1.0, nan]), 10.0) == 1
    assert example.lines_found(line([1.0, nan]), 10.0) == 0
    assert example.lines_found(line([1.0, 1.0, 40.0]), 10.0) == 0
