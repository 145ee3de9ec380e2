"""The drift check of arrays fails where an engine has moved, and holds where it has not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from defectra.campaign.arrays import ArraySpec, array_kind, known_results
from defectra.campaign.complete import Counts, complete
from defectra.campaign.drift_arrays import compare, difference, drawn, main, verdict
from defectra.campaign.export import export_rows
from defectra.campaign.ledger import Ledger
from defectra.campaign.request import Family
from defectra.core.arrays import array_table
from defectra.core.records import Column
from defectra.core.store import Archive
from defectra.engines.function import FunctionEngine

TABLE = array_table("rings", Column("radius", "float", "1", "of the ring"))
SPECS = (
    ArraySpec("image", "counts", ("y", "x"), "ring", "float32"),
    ArraySpec("profile", "counts", ("x",), "middle row", "float64", missing=True),
)
TOLERANCE = 1e-4


def rings(asked: Mapping[str, Any]) -> dict[str, Any]:
    x = np.linspace(-1, 1, 21)
    image = np.exp(-(((np.hypot(x[:, None], x[None, :]) - asked["radius"]) / 0.2) ** 2))
    profile = image[10].copy()
    profile[0] = np.nan
    return {"image": image.astype(np.float32), "profile": profile}


def engine(compute: Any) -> FunctionEngine:
    return FunctionEngine("rings", compute, revision="1", arrays=SPECS)


OWN = engine(rings)
KIND = array_kind("ring", TABLE, engines=lambda name: OWN)


def families() -> list[Family]:
    def chain(known: Any) -> Any:
        for radius in (0.2, 0.4, 0.6, 0.8):
            yield OWN.request({"radius": radius}, "ring", "fast", {"radius": radius})

    return [Family("rings", chain)]


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("rings")
    journal, archive = folder / "rings-00.journal", Archive(folder / "archive")
    known = Ledger([KIND], None, [journal], engines=lambda name: OWN)
    with known.writing(journal):
        for _ in complete(families(), known, folder, Counts()):
            pass
    again = Ledger([KIND], None, [journal], engines=lambda name: OWN)
    assert export_rows(families(), again, archive) == {"rings": 4}
    only = Ledger([KIND], archive, [], engines=lambda name: OWN)
    return list(known_results(families(), only))


def judged(archived: list[Any], compute: Any) -> tuple[bool, str]:
    rows = list(compare(archived, 3, 1, engines=lambda name: engine(compute)))
    return verdict(rows, TOLERANCE)


def test_the_same_engine_agrees_and_the_seed_alone_decides_the_sample(archived: list[Any]) -> None:
    good, text = judged(archived, rings)
    assert good
    assert text.startswith("largest relative RMS difference of 6 arrays: 0,")
    names = [r.calculation_id for r, _ in drawn(archived, 3, 1)]
    assert names == [r.calculation_id for r, _ in drawn(archived[::-1], 3, 1)]
    assert len(set(names)) == 3
    assert {r.calculation_id for r, _ in drawn(archived, 2, 2)} != set(names[:2])


def changed(**change: Any) -> Any:
    return lambda asked: (
        rings(asked) | {name: make(rings(asked)[name]) for name, make in change.items()}
    )


@pytest.mark.parametrize(
    ("compute", "word"),
    [
        (changed(image=lambda a: a * np.float32(1.001)), "0.001"),
        (changed(profile=lambda a: a + 1e-3), "tolerance"),
        (changed(profile=lambda a: np.where(np.arange(21) == 3, np.nan, a)), "not finite"),
        (changed(image=lambda a: a[:20]), "(21, 21)"),
        (changed(image=lambda a: a.astype(np.float64)), "float64"),
        (lambda asked: {"image": rings(asked)["image"]}, "profile"),
        (lambda asked: 1 / 0, "ZeroDivisionError"),
    ],
    ids=["scaled", "moved", "holes", "shape", "type", "one is missing", "fails"],
)
def test_an_engine_that_has_moved_rings(archived: list[Any], compute: Any, word: str) -> None:
    good, text = judged(archived, compute)
    assert not good
    assert word in text


def test_differences_are_relative_and_nothing_is_no_agreement() -> None:
    wave = np.array([3.0, 4.0], np.complex64)
    assert difference("a", wave, wave * 1j)["relative_rms"] == pytest.approx(np.sqrt(2), rel=1e-6)
    nothing = np.zeros(3)
    assert difference("a", nothing, nothing)["relative_rms"] == 0.0
    assert difference("a", nothing, nothing + 1)["status"] == "failed"
    counts = np.array([1, 255], np.uint8)
    assert difference("a", counts, counts[::-1])["max_abs"] == 254, (
        "no arithmetic of small integers"
    )
    assert verdict([], TOLERANCE)[0] is False


def test_the_shipped_images_are_what_they_were(capsys: pytest.CaptureFixture[str]) -> None:
    """Archived images of study `registration`, computed again; another library may move them."""
    assert Path("resources/archive/registration").is_dir()
    assert main(["registration", "--number", "1"]) == 0
    assert "largest relative RMS difference of 1 arrays" in capsys.readouterr().out
